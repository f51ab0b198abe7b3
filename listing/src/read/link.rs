//! Link headers, as `-e` prints them.
//!
//! ```text
//! 00:00:5e:00:53:01 > 00:00:5e:00:53:02, ethertype IPv4 (0x0800), length 62:
//! 00:00:5e:00:53:01 > 00:00:5e:00:53:02, 802.3, length 48: LLC, dsap SNAP (0xaa) … ethertype IPv4 (0x0800), length 40:
//! 0:0:5e:0:53:1 0:0:5e:0:53:2 0800 62:
//! ```
//!
//! The oldest listings print `snap 0:0:0:8:0` for LLC/SNAP, with `-e` or without.

use wire::ethernet::{ARP, IPV4, IPV6, MacAddress};

use super::cursor::Cursor;
use crate::error::Read;
use crate::said::LinkSaid;

/// What the link header says it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    Ip { v6: bool },
    Arp,
}

/// Reads a link header where there is one, and what it says it carries.
pub(super) fn read(cursor: &mut Cursor<'_>, link: &mut LinkSaid) -> Read<Option<Carried>> {
    if cursor.eat("snap ") {
        link.snap = true;
        let code = cursor.word("an organisation and a type")?;
        let ipv4 = code.text == "0:0:0:8:0";
        return if ipv4 {
            Ok(None)
        } else {
            Err(code.unexpected("0:0:0:8:0, which is IPv4"))
        };
    }
    // Before tags had a style of their own: `802.1Q vlan#7 P0 IP …`.
    if cursor.eat("802.1Q vlan#") {
        let identifier: u16 = cursor.number("a VLAN")?;
        let priority: u16 = if cursor.eat("P") {
            cursor.number("a priority")?
        } else {
            0
        };
        link.vlan = Some(((priority & 7) << 13) | (identifier & 0xfff));
        return Ok(None);
    }
    let Some(source) = mac(cursor) else {
        return Ok(None);
    };
    link.source = Some(source);
    owner(cursor)?;
    if cursor.eat(">") {
        new_style(cursor, link).map(Some)
    } else {
        old_style(cursor, link)
    }
}

/// What `-i any` prints in front: an interface and a direction, or a direction, an address and a type.
///
/// ```text
/// eth0  In  IP 198.51.100.7.40112 > …
/// In 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 76: 198.51.100.7.40112 > …
/// eth0  In  ifindex 2 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 80: 198.51.100.7.40112 > …
/// eth0 < host.example.net.1173 > …
/// ```
pub(super) fn any_columns(cursor: &mut Cursor<'_>, link: &mut LinkSaid) -> Read<Option<Carried>> {
    const DIRECTIONS: [&str; 7] = ["In", "Out", "M", "B", "P", "<", ">"];
    /// Bytes of a cooked header beyond those of an Ethernet header, and of one that holds the interface.
    const COOKED: usize = 2;
    const COOKED_2: usize = 6;
    let is_direction = |word: &str| DIRECTIONS.contains(&word);
    let mut trial = *cursor;
    let first = trial.peek();
    if !is_direction(first) {
        let is_name = !first.is_empty() && !first.contains(['.', ',', '(']);
        trial.advance(first.len());
        // `a > b` are two ends, unless a second arrow follows.
        let arrows =
            trial.peek() != ">" || trial.rest().get(1..).unwrap_or_default().contains(" > ");
        if !is_name || !is_direction(trial.peek()) || !arrows || link_like(first) {
            return Ok(None);
        }
    }
    trial.advance(trial.peek().len());
    *cursor = trial;
    let with_interface = cursor.eat("ifindex ");
    if with_interface {
        cursor.word("the number of an interface")?;
    }
    let Some(source) = mac(cursor) else {
        // What follows names itself.
        return Ok(None);
    };
    link.source = Some(source);
    owner(cursor)?;
    let (carried, _) = ether_type(cursor)?;
    cursor.expect(", length")?;
    let length: usize = cursor.number("a length")?;
    let beyond = if with_interface { COOKED_2 } else { COOKED };
    link.length = Some(length.saturating_sub(beyond));
    cursor.expect(":")?;
    Ok(Some(carried))
}

/// Whether a word is a hardware address or the name of a protocol.
fn link_like(word: &str) -> bool {
    word.contains(':') || ["IP", "IP6", "ARP", "arp", "snap"].contains(&word)
}

/// Passes over the maker that some versions print behind an address: `(oui Cisco)`.
fn owner(cursor: &mut Cursor<'_>) -> Read<()> {
    if cursor.eat("(oui") {
        cursor.until(")")?;
    }
    Ok(())
}

fn new_style(cursor: &mut Cursor<'_>, link: &mut LinkSaid) -> Read<Carried> {
    let wanted = "a hardware address";
    link.destination = Some(mac(cursor).ok_or_else(|| cursor.unexpected(wanted))?);
    owner(cursor)?;
    cursor.expect(",")?;
    if cursor.eat("802.3, length") {
        let above: usize = cursor.number("a length")?;
        link.length = Some(above.saturating_add(wire::ethernet::HEADER_BYTES));
        link.snap = true;
        cursor.expect(": LLC, dsap SNAP (0xaa)")?;
        cursor.until("oui Ethernet (0x000000),")?;
        let carried = ether_type(cursor)?;
        cursor.expect(", length")?;
        let _: usize = cursor.number("a length")?;
        cursor.expect(":")?;
        return Ok(carried.0);
    }
    let (mut carried, tagged) = ether_type(cursor)?;
    cursor.expect(", length")?;
    link.length = Some(cursor.number("a length")?);
    cursor.expect(":")?;
    if tagged {
        carried = tag(cursor, link)?;
    }
    Ok(carried)
}

/// `ethertype IPv4 (0x0800)`: what it is, and whether it is a tag instead.
fn ether_type(cursor: &mut Cursor<'_>) -> Read<(Carried, bool)> {
    cursor.expect("ethertype")?;
    cursor.until("(")?;
    let place = *cursor;
    let number: u16 = cursor.hex("an EtherType")?;
    cursor.expect(")")?;
    let tagged = number == wire::ethernet::VLAN;
    let unknown = || place.unexpected("the EtherType of IPv4, IPv6, ARP or 802.1Q");
    let carried = carried(number).or(tagged.then_some(Carried::Arp));
    Ok((carried.ok_or_else(unknown)?, tagged))
}

/// `vlan 5, p 0, DEI, ethertype IPv4 (0x0800), `.
fn tag(cursor: &mut Cursor<'_>, link: &mut LinkSaid) -> Read<Carried> {
    cursor.expect("vlan")?;
    let identifier: u16 = cursor.number("a VLAN")?;
    cursor.expect(", p")?;
    let priority: u16 = cursor.number("a priority")?;
    cursor.expect(",")?;
    let drop = u16::from(cursor.eat("DEI,"));
    link.vlan = Some(((priority & 7) << 13) | (drop << 12) | (identifier & 0xfff));
    let (carried, _) = ether_type(cursor)?;
    cursor.eat(",");
    Ok(carried)
}

/// `0:0:5e:0:53:2 0800 62:`, or `ip 62:`.
fn old_style(cursor: &mut Cursor<'_>, link: &mut LinkSaid) -> Read<Option<Carried>> {
    let wanted = "a hardware address";
    link.destination = Some(mac(cursor).ok_or_else(|| cursor.unexpected(wanted))?);
    let word = cursor.word("a type of frame")?;
    let number = u16::from_str_radix(word.text, 16).ok().and_then(carried);
    let carried = match word.text {
        "ip" => Some(Carried::Ip { v6: false }),
        "ip6" => Some(Carried::Ip { v6: true }),
        "arp" => Some(Carried::Arp),
        _ => number,
    };
    let carried = carried.ok_or_else(|| word.unexpected("ip, ip6, arp or an EtherType"))?;
    link.length = Some(cursor.number("a length")?);
    cursor.expect(":")?;
    // The old style of IPv4 says all of its header behind it; others name themselves in front.
    Ok(Some(carried).filter(|carried| *carried != Carried::Ip { v6: false }))
}

fn carried(ether_type: u16) -> Option<Carried> {
    match ether_type {
        IPV4 => Some(Carried::Ip { v6: false }),
        IPV6 => Some(Carried::Ip { v6: true }),
        ARP => Some(Carried::Arp),
        _ => None,
    }
}

/// Reads a hardware address where one comes next, with one digit a byte or two.
pub(super) fn mac(cursor: &mut Cursor<'_>) -> Option<MacAddress> {
    let word = cursor.peek().trim_end_matches(',');
    if word == "Broadcast" {
        cursor.advance(word.len());
        return Some(MacAddress([0xff; 6]));
    }
    let mut bytes = [0; 6];
    let mut parts = word.split(':');
    for byte in &mut bytes {
        let part = parts.next().filter(|part| matches!(part.len(), 1 | 2))?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    if parts.next().is_some() {
        return None;
    }
    cursor.advance(word.len());
    Some(MacAddress(bytes))
}

//! The grammar of one packet: stamp, link header, network header, ends, and what is said.

use wire::ipv4;

use super::cursor::Cursor;
use super::link::Carried;
use super::{arp, icmp, link, snort, stamp, tcp, trailer, udp};
use crate::error::Read;
use crate::said::{End, FragmentSaid, IpSaid, Said, Stamp, What};

/// Reads a packet up to the end of the text.
pub(super) fn packet(text: &str) -> Read<Said> {
    let mut cursor = Cursor::new(text);
    let mut said = Said::default();
    number(&mut cursor);
    snort::pass_message(&mut cursor);
    said.stamp = stamp::read(&mut cursor);
    if matches!(said.stamp, Some(Stamp::Yearless(..))) || snort::has_arrow(&cursor) {
        snort::packet(&mut cursor, &mut said)?;
        return Ok(said);
    }
    let any = link::any_columns(&mut cursor, &mut said.link)?;
    let link = match any {
        Some(carried) => Some(carried),
        None => link::read(&mut cursor, &mut said.link)?,
    };
    match (link, prefix(&mut cursor)) {
        (_, Some(Carried::Arp)) | (Some(Carried::Arp), None) => {
            arp::read(&mut cursor, &mut said)?;
        }
        (link, prefix) => {
            let carried = prefix.or(link);
            said.ip.v6 = carried == Some(Carried::Ip { v6: true });
            ip(&mut cursor, &mut said, carried.is_none())?;
        }
    }
    Ok(said)
}

/// The stamp of a packet whose line cannot be read further.
pub(super) fn stamp_alone(text: &str) -> Option<Stamp> {
    let mut cursor = Cursor::new(text);
    number(&mut cursor);
    snort::pass_message(&mut cursor);
    stamp::read(&mut cursor)
}

/// Passes over the number that documents (`12. `) and tcpdump (`--number`) put in front of a line.
pub(super) fn number(cursor: &mut Cursor<'_>) {
    let word = cursor.peek();
    let digits = word.trim_end_matches('.');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return;
    }
    let mut behind = *cursor;
    behind.advance(word.len());
    // A number alone may be a part of what the packet says.
    if digits.len() < word.len() || stamp::read(&mut behind.clone()).is_some() {
        *cursor = behind;
    }
}

fn prefix(cursor: &mut Cursor<'_>) -> Option<Carried> {
    if cursor.eat("IP6 ") {
        return Some(Carried::Ip { v6: true });
    }
    if cursor.eat("IP ") {
        return Some(Carried::Ip { v6: false });
    }
    (cursor.eat("ARP, ") || cursor.eat("arp ")).then_some(Carried::Arp)
}

/// Reads from the network header on. `bare` is the oldest style, without a word for the protocol in front.
pub(super) fn ip(cursor: &mut Cursor<'_>, said: &mut Said, bare: bool) -> Read<()> {
    truncated(cursor, &mut said.ip)?;
    if cursor.eat("(") {
        let at = cursor.at();
        header(cursor, &mut said.ip)?;
        said.lose(at, if said.ip.options { "options" } else { "" });
    }
    truncated(cursor, &mut said.ip)?;
    said.source = end(cursor, "the sender")?;
    cursor.expect(">")?;
    said.destination = end(cursor, "the receiver")?;
    match said.destination.text.strip_suffix(':') {
        Some(text) => said.destination.text = text.to_owned(),
        None => cursor.expect(":")?,
    }
    body(cursor, said, bare)
}

fn end(cursor: &mut Cursor<'_>, wanted: &'static str) -> Read<End> {
    let word = cursor.word(wanted)?;
    Ok(End {
        text: word.text.to_owned(),
        at: word.at,
        separator: None,
    })
}

fn truncated(cursor: &mut Cursor<'_>, ip: &mut IpSaid) -> Read<()> {
    if cursor.eat("truncated-ip - ") {
        ip.missing = cursor.number("a number of bytes")?;
        cursor.expect("bytes missing!")?;
    }
    Ok(())
}

/// `tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 60)` and its IPv6 kin.
fn header(cursor: &mut Cursor<'_>, ip: &mut IpSaid) -> Read<()> {
    while !cursor.eat(")") {
        if cursor.eat("tos") || cursor.eat("class") {
            ip.tos = Some(cursor.hex("a type of service")?);
        } else if cursor.eat("ttl") || cursor.eat("hlim") {
            ip.ttl = Some(cursor.number("a time to live")?);
        } else if cursor.eat("id") {
            ip.identification = Some(cursor.number("an identification")?);
        } else if cursor.eat("offset") {
            ip.offset = Some(cursor.number("an offset")?);
        } else if cursor.eat("flags [") {
            ip.flags = Some(flags(cursor)?);
        } else if cursor.eat("flowlabel") {
            ip.flow_label = Some(cursor.hex("a flow label")?);
        } else {
            rest_of_header(cursor, ip)?;
        }
        cursor.eat(",");
    }
    // A time to live of zero is not printed, nor are a class and a label of zero.
    if ip.v6 {
        ip.flow_label.get_or_insert(0);
        ip.tos.get_or_insert(0);
    } else {
        ip.ttl.get_or_insert(0);
    }
    Ok(())
}

fn rest_of_header(cursor: &mut Cursor<'_>, ip: &mut IpSaid) -> Read<()> {
    if cursor.eat("proto") || cursor.eat("next-header") {
        cursor.eat(":");
        cursor.until("(")?;
        ip.protocol = Some(cursor.number("a protocol")?);
        return cursor.expect(")");
    }
    if cursor.eat("payload length:") || cursor.eat("length:") || cursor.eat("length") {
        ip.length = Some(cursor.number("a length")?);
    } else if cursor.eat("bad cksum") {
        ip.bad_checksum = Some(cursor.hex("a checksum")?);
        cursor.until("!")?;
    } else if cursor.eat("options (") {
        ip.options = true;
        cursor.until(")")?;
    } else if !["ECT(0)", "ECT(1)", "CE"].iter().any(|ecn| cursor.eat(ecn)) {
        return Err(cursor.unexpected("a field of the IP header, or its closing bracket"));
    }
    Ok(())
}

fn flags(cursor: &mut Cursor<'_>) -> Read<u8> {
    let mut flags = 0;
    while !cursor.eat("]") {
        flags |= if cursor.eat("DF") {
            ipv4::DONT_FRAGMENT
        } else if cursor.eat("+") {
            ipv4::MORE_FRAGMENTS
        } else if cursor.eat("rsvd") {
            ipv4::RESERVED
        } else if cursor.eat("none") || cursor.eat(",") {
            0
        } else {
            return Err(cursor.unexpected("DF, +, rsvd or none"));
        };
    }
    Ok(flags)
}

fn body(cursor: &mut Cursor<'_>, said: &mut Said, bare: bool) -> Read<()> {
    if cursor.is_done() {
        return Err(cursor.unexpected("what the packet says"));
    }
    if said.ip.v6 && extensions(cursor, said)? {
        return Ok(());
    }
    if tcp::is_new(cursor) {
        let at = cursor.at();
        let tcp = tcp::new_style(cursor)?;
        said.lose(at, tcp.lost.as_deref().unwrap_or_default());
        said.what = What::Tcp(tcp);
        return Ok(());
    }
    if tcp::is_old(cursor) {
        let at = cursor.at();
        let tcp = tcp::old_style(cursor)?;
        said.lose(at, tcp.lost.as_deref().unwrap_or_default());
        said.what = What::Tcp(tcp);
        return trailer::old_style(cursor, said, bare);
    }
    if icmp::is_next(cursor) {
        return icmp::read(cursor, said, bare, ip);
    }
    if cursor.rest().starts_with("(frag") {
        return trailer::old_style(cursor, said, bare);
    }
    if protocol(cursor, said)? {
        return trailer::old_style(cursor, said, bare);
    }
    udp::read(cursor, said, bare)
}

/// Passes over extension headers of IPv6; whether all is said then, since it is a fragment.
fn extensions(cursor: &mut Cursor<'_>, said: &mut Said) -> Read<bool> {
    const NAMES: [&str; 4] = ["HBH", "DSTOPT", "srcrt", "RT6"];
    while let Some(name) = NAMES.iter().find(|name| cursor.rest().starts_with(**name)) {
        let place = *cursor;
        cursor.advance(name.len());
        let mut alerts = *name == "HBH";
        while cursor.rest().trim_start().starts_with('(') {
            let is_alert = cursor.eat("(rtalert: 0x0000)") || cursor.eat("(padn)");
            alerts &= is_alert;
            if !is_alert && cursor.eat("(") {
                cursor.until(")")?;
            }
        }
        // What else stands there is not printed without -v; of what listeners say it is always that.
        if alerts && (cursor.rest().contains("multicast listener")) {
            said.ip.router_alert = true;
        } else {
            said.ip.options = true;
            said.lose(place.at(), name);
        }
    }
    if !cursor.eat("frag (") {
        if said.ip.options || said.ip.router_alert {
            ports_behind(cursor, said);
        }
        return Ok(false);
    }
    let mut fragment = FragmentSaid::default();
    if cursor.rest().starts_with("0x") {
        fragment.identification = Some(cursor.hex("an identification")?);
        cursor.expect(":")?;
    }
    fragment.offset = cursor.number("an offset")?;
    cursor.expect("|")?;
    fragment.length = cursor.number("a length")?;
    cursor.expect(")")?;
    let mut trial = *cursor;
    if let (Ok(from), true) = (trial.number("a port"), trial.eat(">"))
        && let Ok(to) = trial.number("a port")
        && trial.eat(":")
        && trial.eat("UDP, length")
    {
        fragment.udp = Some((from, to, trial.number("a length")?));
    }
    cursor.finish();
    said.ip.fragment = Some(fragment);
    Ok(true)
}

/// Behind extension headers the ports stand alone: `512 > 21: `.
fn ports_behind(cursor: &mut Cursor<'_>, said: &mut Said) {
    let mut trial = *cursor;
    let port = |trial: &mut Cursor<'_>| trial.number::<u16>("a port").ok();
    let Some(from) = port(&mut trial).filter(|_| trial.eat(">")) else {
        return;
    };
    let Some(to) = port(&mut trial).filter(|_| trial.eat(":")) else {
        return;
    };
    *cursor = trial;
    for (end, port) in [(&mut said.source, from), (&mut said.destination, to)] {
        end.text = format!("{}.{port}", end.text);
    }
}

/// `ip-proto-17`, or the name of a protocol that is not read further.
fn protocol(cursor: &mut Cursor<'_>, said: &mut Said) -> Read<bool> {
    if cursor.eat("ip-proto-") {
        said.ip.protocol = Some(cursor.number("a protocol")?);
    } else {
        // Protocols of hosts without ports whose lines begin with their name.
        let known = [
            ("igmp", 2),
            ("gre", 47),
            ("esp", 50),
            ("ESP", 50),
            ("AH", 51),
            ("pim", 103),
            ("PIMv", 103),
            ("GREv", 47),
            ("EIGRP", 88),
            ("OSPFv", 89),
            ("VRRPv", 112),
        ];
        let named = known
            .into_iter()
            .find(|(name, _)| cursor.peek().starts_with(name));
        let Some((_, number)) = named else {
            return Ok(false);
        };
        said.ip.protocol = Some(number);
        let text = trailer::text_before(cursor.rest());
        let at = cursor.at();
        said.lose(at, text);
        cursor.advance(text.trim_end().len());
        return Ok(true);
    }
    if cursor.rest().starts_with(|c: char| c.is_ascii_digit()) {
        said.ip.fragment_length = Some(cursor.number("a length")?);
    }
    Ok(true)
}

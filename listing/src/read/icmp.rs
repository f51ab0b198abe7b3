//! ICMP messages as tcpdump prints them, of IPv4 (RFC 792) and IPv6 (RFC 4443, 4861).
//!
//! ```text
//! ICMP echo request, id 99, seq 1, length 64
//! ICMP 192.0.2.2 udp port 33434 unreachable, length 36
//! icmp: time exceeded in-transit for 192.0.2.1.55690 > 192.0.2.2.32443: [|tcp] [ttl 1] (id 43796) (ttl 246, id 0)
//! ```

use super::cursor::Cursor;
use super::trailer;
use crate::error::{Fault, Read};
use crate::said::{GroupSaid, IcmpSaid, IpSaid, Said, Sum, What};

const BEGINNINGS: [&str; 6] = [
    "ICMP6, ",
    "ICMP ",
    "icmp: ",
    "icmp6: ",
    "[icmp6 sum ok]",
    "[bad icmp6 cksum",
];

/// Whether a message comes next.
pub(super) fn is_next(cursor: &Cursor<'_>) -> bool {
    BEGINNINGS
        .iter()
        .any(|beginning| cursor.rest().starts_with(beginning))
}

/// Reads a packet from its network header on; who knows packets gives it to the messages that quote one.
pub(super) type ReadPacket = fn(&mut Cursor<'_>, &mut Said, bool) -> Read<()>;

/// Reads a message up to the end, and the packet that it quotes.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    said: &mut Said,
    bare: bool,
    packet: ReadPacket,
) -> Read<()> {
    let mut sum = Sum::Right;
    if cursor.eat("[bad icmp6 cksum") {
        sum = Sum::Wrong(Some(cursor.hex("a checksum")?), None);
        cursor.until("]")?;
    }
    cursor.eat("[icmp6 sum ok]");
    let v6 = cursor.eat("ICMP6, ") || cursor.eat("icmp6: ");
    if !v6 && !cursor.eat("ICMP ") {
        cursor.expect("icmp: ")?;
    }
    let place = *cursor;
    let quotes = cursor
        .rest()
        .find(" for ")
        .filter(|_| cursor.rest().contains(" > "));
    let text = match quotes {
        Some(at) => cursor.rest().get(..at).unwrap_or_default(),
        None => trailer::text_before(cursor.rest()).trim_end(),
    };
    cursor.advance(text.len());
    let cut = ["[|icmp]", "[|icmp6]", "[|]"]
        .iter()
        .any(|end| text.ends_with(end));
    let unknown = IcmpSaid {
        icmp_type: if v6 { 128 } else { 8 },
        unknown: true,
        lost: text.split("[|").next().map(str::to_owned),
        ..IcmpSaid::default()
    };
    // A message may be wrapped.
    let message = message(text, v6)
        .or_else(|| cut.then_some(unknown))
        .ok_or_else(|| place.unexpected_or_end(Fault::ICMP_MESSAGE))?;
    said.lose(place.at(), message.lost.as_deref().unwrap_or_default());
    said.what = What::Icmp(IcmpSaid { sum, ..message });
    if quotes.is_some() {
        cursor.advance(" for ".len() - 1);
        return quoted(cursor, said, packet);
    }
    trailer::old_style(cursor, said, bare)
}

/// What old listings print of the quoted packet, in the same line.
fn quoted(cursor: &mut Cursor<'_>, said: &mut Said, packet: ReadPacket) -> Read<()> {
    let start = cursor.at();
    let mut quote = Said::default();
    let text = trailer::text_before(cursor.rest());
    let mut inner = Cursor::new(text);
    let moved = |mut fault: Fault| {
        fault.at += start;
        fault
    };
    packet(&mut inner, &mut quote, false).map_err(moved)?;
    cursor.advance(text.trim_end().len());
    let mut outer = IpSaid::default();
    trailer::read(cursor, &mut outer, Some(&mut quote.ip))?;
    quote.source.at += start;
    quote.destination.at += start;
    said.ip = outer;
    said.quote = Some(Box::new(quote));
    Ok(())
}

fn message(text: &str, v6: bool) -> Option<IcmpSaid> {
    let (head, tail) = text.split_once(", length ").unwrap_or((text, ""));
    let digits = tail
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    // Verbose listings of neighbour discovery go on behind the length.
    let after = tail.get(digits.len()..).unwrap_or_default();
    let whole = format!("{head}{after}");
    let message = if v6 {
        message_v6(&whole)
    } else {
        message_v4(head)
    };
    message.map(|message| IcmpSaid {
        length: digits.parse().ok(),
        ..message
    })
}

fn kind(icmp_type: u8, code: u8) -> IcmpSaid {
    IcmpSaid {
        icmp_type,
        code,
        ..IcmpSaid::default()
    }
}

/// Messages that say nothing more.
const PLAIN: [(&str, u8, u8); 7] = [
    ("time exceeded in-transit", 11, 0),
    ("ip reassembly time exceeded", 11, 1),
    ("source quench", 4, 0),
    ("router advertisement", 9, 0),
    ("router solicitation", 10, 0),
    ("parameter problem", 12, 0),
    ("address mask request", 17, 0),
];
/// Messages with an identifier and a sequence number.
const NUMBERED: [(&str, u8); 4] = [
    ("echo request", 8),
    ("echo reply", 0),
    ("time stamp query", 13),
    ("time stamp reply", 14),
];
/// Reasons of destination unreachable: what stands before and behind the address, and the code. The longer first.
const UNREACHABLE: [(&str, &str, u8); 14] = [
    ("host ", " unreachable - admin prohibited filter", 13),
    ("host ", " unreachable - admin prohibited", 10),
    ("net ", " unreachable - admin prohibited", 9),
    ("net ", " unreachable - tos prohibited", 11),
    ("host ", " unreachable - tos prohibited", 12),
    ("net ", " unreachable - unknown", 6),
    ("host ", " unreachable - unknown", 7),
    ("", " unreachable - source route failed", 5),
    ("", " unreachable - source host isolated", 8),
    ("host ", " unreachable - host precedence violation", 14),
    ("host ", " unreachable - precedence cutoff", 15),
    ("host ", " unreachable", 1),
    ("net ", " unreachable", 0),
    ("", " unreachable - need to frag", 4),
];

fn message_v4(text: &str) -> Option<IcmpSaid> {
    if let Some(message) = numbered(text, &NUMBERED) {
        return Some(message);
    }
    if let Some((name, icmp_type, code)) = PLAIN.iter().find(|(name, ..)| text.starts_with(name)) {
        let more = text.strip_prefix(name).unwrap_or_default().trim();
        return Some(IcmpSaid {
            lost: (!more.is_empty()).then(|| more.to_owned()),
            ..kind(*icmp_type, *code)
        });
    }
    if let Some(rest) = text.strip_prefix("redirect ") {
        let (about, rest) = rest.split_once(" to ")?;
        let (what, gateway) = rest.split_once(' ')?;
        let message = kind(5, u8::from(what == "host"));
        return Some(IcmpSaid {
            about: Some(about.to_owned()),
            gateway: Some(gateway.to_owned()),
            ..message
        });
    }
    port_unreachable(text, 3, 3).or_else(|| unreachable(text))
}

/// `echo request, id 99, seq 1`, or without numbers.
fn numbered(text: &str, kinds: &[(&str, u8)]) -> Option<IcmpSaid> {
    let (name, icmp_type) = kinds.iter().find(|(name, _)| text.starts_with(name))?;
    let rest = text.strip_prefix(name)?;
    let number = |key: &str| {
        let (_, after) = rest.split_once(key)?;
        let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<u16>().ok().map(u16::to_be_bytes)
    };
    let mut message = kind(*icmp_type, 0);
    if let (Some([a, b]), Some([c, d])) = (number("id "), number("seq ")) {
        message.rest = Some([a, b, c, d]);
    }
    let times = ["org ", "recv ", "xmit "].map(|key| {
        let (_, after) = rest.split_once(key)?;
        millis(after.split([',', ' ']).next()?)
    });
    if let [Some(original), Some(received), Some(sent)] = times {
        message.times = Some([original, received, sent]);
    }
    Some(message)
}

/// Milliseconds of `10:43:45.231`.
fn millis(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.')?;
    let mut parts = whole.split(':').map(|part| part.parse::<u32>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let seconds = hours
        .checked_mul(3600)?
        .checked_add(minutes.checked_mul(60)?)?
        .checked_add(seconds)?;
    seconds
        .checked_mul(1000)?
        .checked_add(fraction.parse().ok()?)
}

/// `192.0.2.2 udp port 33434 unreachable`, and `protocol 47` in place of a port.
fn port_unreachable(text: &str, icmp_type: u8, code: u8) -> Option<IcmpSaid> {
    let text = text.strip_suffix(" unreachable").unwrap_or(text);
    if let Some((about, protocol)) = text.split_once(" protocol ") {
        return Some(IcmpSaid {
            about: Some(about.to_owned()),
            protocol: protocol.parse().ok(),
            ..kind(3, 2)
        });
    }
    let (about, port) = text.split_once(" port ")?;
    let (about, protocol) = about.rsplit_once(' ')?;
    Some(IcmpSaid {
        about: Some(about.to_owned()),
        protocol: match protocol {
            "udp" => Some(17),
            "tcp" => Some(6),
            _ => return None,
        },
        port: Some(port.to_owned()),
        ..kind(icmp_type, code)
    })
}

fn unreachable(text: &str) -> Option<IcmpSaid> {
    let (before, behind, code) = UNREACHABLE.iter().find(|(before, behind, code)| {
        // The size of the next hop may follow.
        text.starts_with(before) && (text.ends_with(behind) || *code == 4 && text.contains(behind))
    })?;
    let (about, rest) = text.strip_prefix(before)?.split_once(behind)?;
    let mtu = rest
        .trim_start_matches(" (mtu ")
        .trim_end_matches(')')
        .parse::<u16>()
        .ok();
    let rest = mtu.map(|mtu| {
        let [high, low] = mtu.to_be_bytes();
        [0, 0, high, low]
    });
    Some(IcmpSaid {
        about: Some(about.to_owned()),
        rest,
        ..kind(3, *code)
    })
}

/// Messages of ICMPv6 that say nothing more that is read, or whom they are about.
const PLAIN_V6: [(&str, u8, u8); 11] = [
    ("destination unreachable, unreachable route ", 1, 0),
    ("destination unreachable, unreachable prohibited ", 1, 1),
    ("destination unreachable, unreachable address ", 1, 3),
    ("time exceeded in-transit", 3, 0),
    ("ip reassembly time exceeded", 3, 1),
    ("router solicitation", 133, 0),
    ("router advertisement", 134, 0),
    ("neighbor solicitation, who has ", 135, 0),
    ("neighbor advertisement, tgt is ", 136, 0),
    ("multicast listener query", 130, 0),
    ("multicast listener done", 132, 0),
];

/// What records of groups are called, from 1 on.
const GROUP_KINDS: [&str; 6] = ["is_in", "is_ex", "to_in", "to_ex", "allow", "block"];
/// The record of a group that is not printed.
const TO_EXCLUDE: u8 = 4;

/// `2 group record(s) [gaddr ff02::1:ff00:21 to_ex { }] [gaddr ff02::fb to_ex { }]`
fn report(text: &str) -> Option<IcmpSaid> {
    let (count, rest) = text.split_once(" group record(s)")?;
    let count: u16 = count.parse().ok()?;
    let mut groups = Vec::new();
    for record in rest.split('[').skip(1) {
        let mut words = record.trim_end().strip_suffix(']')?.split_whitespace();
        let (Some("gaddr"), Some(group), Some(kind)) = (words.next(), words.next(), words.next())
        else {
            return None;
        };
        let name = kind.trim_end_matches(',');
        let kind = GROUP_KINDS.iter().position(|known| *known == name)? + 1;
        // With -v their number is printed, with -vv they are.
        let sources = words.filter(|word| !["{", "}", "0", "source(s)"].contains(word));
        groups.push(GroupSaid {
            kind: u8::try_from(kind).ok()?,
            group: group.to_owned(),
            sources: sources.map(str::to_owned).collect(),
        });
    }
    if groups.is_empty() {
        let unsaid = GroupSaid {
            kind: TO_EXCLUDE,
            group: "::".to_owned(),
            sources: Vec::new(),
        };
        groups = vec![unsaid; usize::from(count)];
    }
    if groups.len() != usize::from(count) {
        return None;
    }
    let [high, low] = count.to_be_bytes();
    Some(IcmpSaid {
        rest: Some([0, 0, high, low]),
        groups,
        ..kind(143, 0)
    })
}

fn message_v6(text: &str) -> Option<IcmpSaid> {
    if let Some(message) = numbered(text, &[("echo request", 128), ("echo reply", 129)]) {
        return Some(message);
    }
    if let Some(mtu) = text.strip_prefix("packet too big, mtu ") {
        let rest = mtu.parse().ok().map(u32::to_be_bytes);
        return Some(IcmpSaid { rest, ..kind(2, 0) });
    }
    if let Some(about) = text.strip_prefix("destination unreachable, unreachable port, ") {
        return port_unreachable(about, 1, 4);
    }
    if let Some(groups) = text.strip_prefix("multicast listener report v2, ") {
        return report(groups);
    }
    let (name, icmp_type, code) = PLAIN_V6.iter().find(|(name, ..)| text.starts_with(name))?;
    let mut rest = text.strip_prefix(name)?.split(", ");
    let about = rest
        .next()
        .filter(|_| name.ends_with(' '))
        .map(str::to_owned);
    let marks = [("router", 0x80), ("solicited", 0x40), ("override", 0x20)];
    let flags = text.split_once("Flags [").map(|(_, flags)| {
        let set = marks.iter().filter(|(mark, _)| flags.contains(mark));
        set.fold(0, |flags, (_, bit)| flags | bit)
    });
    Some(IcmpSaid {
        about,
        rest: Some([flags.unwrap_or(0), 0, 0, 0]),
        ..kind(*icmp_type, *code)
    })
}

//! UDP datagrams, and what tcpdump prints of what they carry.
//!
//! ```text
//! UDP, length 12
//! udp 12 (DF)
//! 1234+ A? www.example.com. (33)
//! NTPv4, Client, length 48
//! ```
//!
//! Of other protocols only the length is read, where the line ends with it: `, length 300`, `length: 9` or `(33)`.

use super::cursor::Cursor;
use super::{dns, trailer};
use crate::error::{Fault, Read};
use crate::said::{BootpSaid, Said, Sum, UdpBody, UdpSaid, What};

/// Reads a datagram; whatever is nothing else is one.
pub(super) fn read(cursor: &mut Cursor<'_>, said: &mut Said, bare: bool) -> Read<()> {
    let mut udp = UdpSaid {
        sum: sum(cursor)?,
        ..UdpSaid::default()
    };
    if cursor.eat("UDP, length") {
        udp.length = Some(cursor.number("a length")?);
    } else if cursor.eat("UDP, bad length") {
        // What the header says, and what there is.
        let length: u16 = cursor.number("a length")?;
        udp.bad_length = Some(length.saturating_add(8));
        cursor.expect(">")?;
        udp.length = Some(cursor.number("a length")?);
    } else if cursor.eat_word("udp") {
        if !cursor.rest().starts_with(['(', '[']) {
            udp.length = Some(cursor.number("a length")?);
        }
    } else if !cursor.eat("[|udp]") {
        above(cursor, &mut udp, said)?;
    }
    said.what = What::Udp(udp);
    trailer::old_style(cursor, said, bare)
}

/// `[udp sum ok]`, `[no cksum]`, `[bad udp cksum 0x1234 -> 0x5678!]`.
fn sum(cursor: &mut Cursor<'_>) -> Read<Sum> {
    if cursor.eat("[no cksum]") || cursor.eat("[no udp cksum]") {
        return Ok(Sum::Absent);
    }
    if cursor.eat("[udp sum ok]") || !cursor.eat("[bad udp cksum") {
        return Ok(Sum::Right);
    }
    if cursor.eat("!]") || cursor.eat("]") {
        return Ok(Sum::Wrong(None, None));
    }
    let sent = cursor.hex("a checksum")?;
    let right = if cursor.eat("->") || cursor.eat("(->") {
        Some(cursor.hex("a checksum")?)
    } else {
        None
    };
    cursor.until("]")?;
    Ok(Sum::Wrong(Some(sent), right))
}

/// Reads a message of a protocol over UDP, in front of what old listings print behind it.
fn above(cursor: &mut Cursor<'_>, udp: &mut UdpSaid, said: &mut Said) -> Read<()> {
    let place = *cursor;
    let text = trailer::text_before(cursor.rest()).trim_end();
    cursor.advance(text.len());
    udp.length = length_at_end(text);
    if let Some(message) = dns::read(text) {
        said.lose(place.at(), message.lost.as_deref().unwrap_or_default());
        udp.body = UdpBody::Dns(message);
    } else if let Some((version, mode)) = ntp(text) {
        udp.body = UdpBody::Ntp(version, mode);
    } else if udp.length.is_none() && !SPOKEN.iter().any(|word| text.contains(word)) {
        // Prose behind a wrapped line is no datagram; a datagram may be wrapped.
        return Err(place.unexpected_or_end(Fault::MESSAGE));
    } else if let Some(message) = bootp(text) {
        udp.body = UdpBody::Bootp(message);
    } else {
        // What the length of the capture has cut off is not printed.
        let printed = text.split("[|").next().unwrap_or_default();
        let number = printed.trim().trim_end_matches(['+', '*', '-', '%', '$']);
        if number.parse::<u16>().is_err() {
            said.lose(place.at(), printed);
        }
    }
    Ok(())
}

/// Words by which messages are known whose lines do not end with a length.
const SPOKEN: [&str; 16] = [
    "NBT",
    "SYSLOG",
    "bootp",
    "BOOTP",
    "tftp",
    "SNMP",
    "C=",
    " strat ",
    "rip-",
    "[|",
    "GetRequest",
    "GetNextRequest",
    "GetResponse",
    "SetRequest",
    "Trap(",
    "VXLAN, flags",
];

/// `BOOTP/DHCP, Request from 02:00:00:00:00:01, length 300`, and `BOOTP/DHCP, Reply, length 300`.
fn bootp(text: &str) -> Option<BootpSaid> {
    let rest = text.strip_prefix("BOOTP/DHCP, ")?;
    let (what, length) = rest.split_once(", length ")?;
    length.parse::<u16>().ok()?;
    match what.strip_prefix("Request from ") {
        Some(client) => Some(BootpSaid {
            reply: false,
            client: Some(client.parse().ok()?),
        }),
        None => (what == "Reply").then_some(BootpSaid {
            reply: true,
            client: None,
        }),
    }
}

/// Version and mode of `NTPv4, Client, length 48`.
fn ntp(text: &str) -> Option<(u8, u8)> {
    let mut words = text.strip_prefix("NTPv")?.split(", ");
    let (version, name) = (words.next()?, words.next()?);
    let mode = NTP_MODES
        .iter()
        .position(|mode| mode.eq_ignore_ascii_case(name))?;
    Some((version.parse().ok()?, u8::try_from(mode).ok()?))
}

/// Names of the modes of NTP, RFC 5905 figure 10.
const NTP_MODES: [&str; 8] = [
    "unspecified",
    "symmetric active",
    "symmetric passive",
    "Client",
    "Server",
    "Broadcast",
    "Control Message",
    "Reserved",
];

/// The number with which a line says its length.
fn length_at_end(text: &str) -> Option<usize> {
    if let Some((_, number)) = text
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once('('))
    {
        return number.parse().ok();
    }
    let number = text
        .rsplit("length")
        .next()
        .filter(|number| number.len() < text.len())?;
    let number = number.trim_start_matches([':', ' ']);
    number.split([',', ' ']).next()?.parse().ok()
}

//! From text to packets.

use std::net::IpAddr;
use std::str::FromStr;

use super::fields::{Seen, read_field};
use super::scan::{Scanner, Word};
use super::{Frame, NotationError, Problem};
use crate::ethernet::{Framing, Link};
use crate::icmp::Icmp;
use crate::ipv4::Ipv4;
use crate::ipv6::Ipv6;
use crate::packet::{Ip, Packet, Segment};
use crate::payload::Payload;
use crate::tcp::{Flags, Tcp};
use crate::udp::Udp;

impl FromStr for Frame {
    type Err = NotationError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let mut words = Scanner::new(line);
        let first = words.word("a packet")?;
        if !first.text.starts_with('[') {
            let (link, packet) = (Link::default(), line.parse()?);
            return Ok(Frame { link, packet });
        }
        let link = parse_link(first)?;
        let packet = parse_packet(&mut words)?;
        Ok(Frame { link, packet })
    }
}

impl FromStr for Packet {
    type Err = NotationError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        parse_packet(&mut Scanner::new(line))
    }
}

fn parse_packet(words: &mut Scanner<'_>) -> Result<Packet, NotationError> {
    let source = words.word("the sender's address")?;
    let arrow = words.word("'>'")?;
    if arrow.text != ">" {
        return Err(arrow.unexpected("'>'"));
    }
    let destination = words.word("the receiver's address")?;
    let destination = match destination.text.strip_suffix(':') {
        Some(text) => destination.part(0, text),
        None => return Err(destination.unexpected("an address and a colon")),
    };
    let head = words.word("TCP flags, udp, icmp or proto")?;
    let (addresses, segment) = match head.text {
        "icmp" => (addresses(source, destination)?, Segment::Icmp(icmp(words)?)),
        "proto" => {
            let number = words.word("a protocol number")?.number(0xff)?;
            (addresses(source, destination)?, Segment::Raw(number))
        }
        _ => with_ports(source, destination, head, words)?,
    };
    let mut packet = Packet {
        ip: ip(addresses, destination)?,
        segment,
        payload: Payload::EMPTY,
    };
    let mut seen = Seen::default();
    while let Some(word) = words.next()? {
        read_field(&mut packet, word, words, &mut seen)?;
    }
    Ok(packet)
}

fn with_ports(
    source: Word<'_>,
    destination: Word<'_>,
    head: Word<'_>,
    words: &mut Scanner<'_>,
) -> Result<((IpAddr, IpAddr), Segment), NotationError> {
    let udp = head.text == "udp";
    let flags = if udp { Flags::NONE } else { flags(head)? };
    let ((from, from_port), (to, to_port)) = (end(source)?, end(destination)?);
    let segment = if udp {
        Segment::Udp(Udp::new(from_port, to_port))
    } else {
        let sequence = words.word("a sequence number")?;
        Segment::Tcp(Tcp {
            sequence: sequence.number(u64::from(u32::MAX))?,
            ..Tcp::new(from_port, to_port, flags)
        })
    };
    Ok(((from, to), segment))
}

fn ip((source, destination): (IpAddr, IpAddr), place: Word<'_>) -> Result<Ip, NotationError> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Ok(Ip::V4(Ipv4::new(source, destination))),
        (IpAddr::V6(source), IpAddr::V6(destination)) => Ok(Ip::V6(Ipv6::new(source, destination))),
        _ => Err(place.error(Problem::MixedVersions)),
    }
}

fn addresses(source: Word<'_>, to: Word<'_>) -> Result<(IpAddr, IpAddr), NotationError> {
    Ok((address(source)?, address(to)?))
}

fn address(word: Word<'_>) -> Result<IpAddr, NotationError> {
    word.text
        .parse()
        .map_err(|_| word.unexpected("an IP address"))
}

/// An address with a port.
fn end(word: Word<'_>) -> Result<(IpAddr, u16), NotationError> {
    let Some((text, port)) = word.text.rsplit_once('.') else {
        return Err(word.unexpected("an address, a dot and a port"));
    };
    let address = text
        .parse()
        .map_err(|_| word.unexpected("an address, a dot and a port"))?;
    Ok((address, word.part(text.len() + 1, port).number(0xffff)?))
}

/// Letters, and after a plus the bits that have none.
fn flags(word: Word<'_>) -> Result<Flags, NotationError> {
    let (letters, bits) = match word.text.split_once('+') {
        Some((letters, bits)) => {
            let bits = word.part(letters.len() + 1, bits).number(0xffff)?;
            (letters, Flags(bits))
        }
        None => (word.text, Flags::NONE),
    };
    let wanted =
        |_| word.unexpected("TCP flags (letters of FSRP.UEWe, or none), udp, icmp or proto");
    Ok(letters.parse::<Flags>().map_err(wanted)? | bits)
}

fn icmp(words: &mut Scanner<'_>) -> Result<Icmp, NotationError> {
    let word = words.word("type and code")?;
    let Some((kind, code)) = word.text.split_once('/') else {
        return Err(word.unexpected("type and code, as in 3/1"));
    };
    let icmp_type = word.part(0, kind).number(0xff)?;
    let code = word.part(kind.len() + 1, code).number(0xff)?;
    Ok(Icmp::new(icmp_type, code))
}

/// Reads `[SOURCE > DESTINATION vlan N snap]`, of which each part may be missing.
fn parse_link(word: Word<'_>) -> Result<Link, NotationError> {
    let inner = word.text.trim_start_matches('[').trim_end_matches(']');
    let moved = |error: NotationError| NotationError {
        column: word.column + error.column,
        ..error
    };
    link(&mut Scanner::new(inner)).map_err(moved)
}

fn link(words: &mut Scanner<'_>) -> Result<Link, NotationError> {
    let mut link = Link::default();
    let mut seen = Seen::default();
    while let Some(word) = words.next()? {
        match word.text {
            "vlan" => link.vlan = Some(words.word("a tag")?.number(0xffff)?),
            "snap" => link.framing = Framing::LlcSnap,
            _ => {
                let mac = |word: Word<'_>| {
                    let wanted = |_| word.unexpected("a hardware address, vlan or snap");
                    word.text.parse().map_err(wanted)
                };
                link.source = mac(word)?;
                let arrow = words.word("'>'")?;
                if arrow.text != ">" {
                    return Err(arrow.unexpected("'>'"));
                }
                link.destination = mac(words.word("a hardware address")?)?;
            }
        }
        let key = if word.text.contains(':') {
            "hardware address"
        } else {
            word.text
        };
        seen.once(key, word)?;
    }
    Ok(link)
}

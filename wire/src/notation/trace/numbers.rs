//! From relative numbers to those on the wire, and back.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

use super::super::scan::{Scanner, Word};
use super::super::{Frame, NotationError};
use super::{Event, TraceError, TraceProblem};
use crate::packet::{Ip, Packet, Segment};
use crate::tcp::Flags;

/// Bytes behind its header that an error quotes, RFC 792.
const QUOTED: usize = 8;

/// Where the numbers of each direction count from, and what may be quoted.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    firsts: BTreeMap<(SocketAddr, SocketAddr), u32>,
    packets: BTreeMap<usize, Packet>,
}

impl Numbers {
    /// The frame of an event, which may be quoted from now on.
    ///
    /// # Errors
    /// Names the line, and what is wrong with it.
    pub fn frame(&mut self, event: &Event) -> Result<Frame, TraceError> {
        let frame = self.read(&event.line.text).map_err(|problem| TraceError {
            line: event.line.number,
            problem,
        })?;
        self.packets.insert(event.order, frame.packet.clone());
        Ok(frame)
    }

    /// Takes in a packet that somebody sent by himself where an event was written. Numbers count from his SYN's.
    pub fn saw(&mut self, event: Option<&Event>, packet: &Packet) {
        if let (Segment::Tcp(tcp), Some((from, to))) = (&packet.segment, ends(packet))
            && tcp.flags.contains(Flags::SYN)
        {
            self.firsts.insert((from, to), tcp.sequence);
        }
        if let Some(event) = event {
            self.packets.insert(event.order, packet.clone());
        }
    }

    /// A packet as a trace writes it: a number whose direction has no first is itself.
    pub fn print(&self, packet: &Packet) -> String {
        let text = packet.to_string();
        let (Segment::Tcp(tcp), Some((from, to))) = (&packet.segment, ends(packet)) else {
            return text;
        };
        let relative = |number: u32, ends| match self.firsts.get(&ends) {
            Some(first) => number.wrapping_sub(*first).to_string(),
            None => format!("={number}"),
        };
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        if let Some(word) = words.get_mut(4) {
            *word = relative(tcp.sequence, (from, to));
        }
        if words.get(5).is_some_and(|word| word == "ack")
            && tcp.flags.contains(Flags::ACK)
            && let Some(word) = words.get_mut(6)
        {
            *word = relative(tcp.acknowledgment, (to, from));
        }
        words.join(" ")
    }

    fn read(&mut self, text: &str) -> Result<Frame, TraceProblem> {
        let text = self.quoted(text)?;
        let absolute = self.absolute(&text)?;
        Ok(absolute.parse()?)
    }

    /// The text with what it quotes in hexadecimal.
    pub(super) fn quoted(&self, text: &str) -> Result<String, TraceProblem> {
        let Some((before, after)) = text.split_once(" quotes ") else {
            return Ok(text.to_owned());
        };
        let (number, mut rest) = after.split_once(' ').unwrap_or((after, ""));
        let mut hops = Some(0);
        if let Some(passed) = rest.strip_prefix("after ") {
            let (number, behind) = passed.split_once(' ').unwrap_or((passed, ""));
            (hops, rest) = (number.parse().ok(), behind);
        }
        let packet = number.parse().ok().and_then(|n| self.packets.get(&n));
        let quoted = packet.zip(hops);
        let (packet, hops) = quoted.ok_or_else(|| TraceProblem::Quote(after.to_owned()))?;
        Ok(format!("{before} hex {} {rest}", quotation(packet, hops)))
    }

    /// The text with the numbers that are sent.
    fn absolute(&mut self, text: &str) -> Result<String, NotationError> {
        let mut words = Scanner::new(text);
        let mut read = Vec::new();
        while let Some(word) = words.next()? {
            read.push(word);
        }
        let packet = read
            .iter()
            .position(|word| word.text == ">")
            .and_then(|arrow| read.get(arrow.checked_sub(1)?..));
        let Some([source, _, destination, head, sequence, fields @ ..]) = packet else {
            return Ok(text.to_owned());
        };
        if matches!(head.text, "udp" | "icmp" | "proto") {
            return Ok(text.to_owned());
        }
        let destination = destination.text.trim_end_matches(':');
        let (Some(from), Some(to)) = (end(source.text), end(destination)) else {
            return Ok(text.to_owned());
        };
        let syn = head.text.contains('S');
        let mut written = vec![(*sequence, self.number(*sequence, (from, to), syn)?)];
        if let Some(at) = fields.iter().position(|word| word.text == "ack")
            && let Some(number) = fields.get(at + 1)
        {
            written.push((*number, self.number(*number, (to, from), false)?));
        }
        let mut filled = String::with_capacity(text.len() + 16);
        let mut done = 0;
        for (word, number) in written {
            let start = word.column - 1;
            filled.push_str(text.get(done..start).unwrap_or_default());
            let _ = write!(filled, "{number}");
            done = start + word.text.len();
        }
        filled.push_str(text.get(done..).unwrap_or_default());
        Ok(filled)
    }

    fn number(
        &mut self,
        word: Word<'_>,
        direction: (SocketAddr, SocketAddr),
        syn: bool,
    ) -> Result<u32, NotationError> {
        if let Some(itself) = word.text.strip_prefix('=') {
            let number = word.part(1, itself).number(u64::from(u32::MAX))?;
            if syn {
                self.firsts.insert(direction, number);
            }
            return Ok(number);
        }
        let number: u32 = word.number(u64::from(u32::MAX))?;
        let first = self.firsts.entry(direction);
        Ok(first
            .or_insert_with(|| spread(direction))
            .wrapping_add(number))
    }
}

/// The beginning of a packet that an error about it quotes, in hexadecimal, as it is behind so many hops.
fn quotation(packet: &Packet, hops: u8) -> String {
    let mut packet = packet.clone();
    let header = match &mut packet.ip {
        Ip::V4(ip) => {
            ip.ttl = ip.ttl.saturating_sub(hops);
            ip.header_bytes()
        }
        Ip::V6(ip) => {
            ip.hop_limit = ip.hop_limit.saturating_sub(hops);
            crate::ipv6::HEADER_BYTES
        }
    };
    let mut bytes = Vec::new();
    packet.emit(&mut bytes);
    bytes.truncate(header + QUOTED);
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn ends(packet: &Packet) -> Option<(SocketAddr, SocketAddr)> {
    let (from, to) = packet.ports()?;
    Some((
        SocketAddr::new(packet.source(), from),
        SocketAddr::new(packet.destination(), to),
    ))
}

/// An address with a port behind a dot.
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.rsplit_once('.')?;
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}

/// The first number of a direction that tells none: FNV-1a over its ends, so that no two are alike.
fn spread((from, to): (SocketAddr, SocketAddr)) -> u32 {
    let text = format!("{from} {to}");
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

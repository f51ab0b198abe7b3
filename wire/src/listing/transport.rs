//! Segments and datagrams from what is said of them.

use std::ops::Range;

use super::assemble::{Assembler, Host, zeros};
use super::error::Read;
use super::gap::Gap;
use super::numbers::{Numbers, key};
use super::said::{OptionSaid, Said, Sum, TcpSaid, UdpBody, UdpSaid, What};
use super::{dns, ntp, settle, text};
use crate::ethernet;
use crate::field::Field;
use crate::packet::{Ip, PROTOCOL_UDP, Packet, Segment};
use crate::payload::Payload;
use crate::tcp::{self, Flags, Options, Tcp, TcpOption};
use crate::udp::{self, Udp};

/// The window of a segment of which none is said: what Windows 98 and its time offered.
const WINDOW: u16 = 8192;

impl Assembler {
    /// The packet of a network header and of what is said above it.
    pub(super) fn transport(
        &mut self,
        said: &Said,
        ip: Ip,
        ends: (Host, Host),
        gaps: &mut Vec<Gap>,
    ) -> Read<Packet> {
        match &said.what {
            What::Tcp(tcp) => self.tcp(said, tcp, ip, ends, gaps),
            What::Udp(udp) => self.udp(said, udp, ip, ends, gaps),
            What::Icmp(icmp) => self.icmp(said, icmp, ip, ends, gaps),
            What::Bare | What::Arp(_) => bare(said, ip, gaps),
        }
    }

    fn tcp(
        &mut self,
        said: &Said,
        tcp: &TcpSaid,
        ip: Ip,
        ends: (Host, Host),
        gaps: &mut Vec<Gap>,
    ) -> Read<Packet> {
        let connection = key(ends.0, ends.1);
        let mut header = header(tcp, ends, gaps);
        let implied = room(said).map(|room| room.saturating_sub(header_bytes(tcp)));
        // Of old listings, what is not printed is no payload; snort's say it by the packet's length alone.
        let length = tcp.length.or(implied).unwrap_or(0);
        if tcp.length.is_none() && implied.is_none() && tcp.absolute {
            gaps.push(Gap::PayloadLength);
        }
        let numbers = self.connections.read(connection, tcp, length);
        header.sequence = numbers.sequence;
        header.acknowledgment = numbers.acknowledgment;
        header.options = options(tcp, numbers.sack_base);
        gaps.extend(numbers.base_filled.then_some(Gap::SequenceBase));
        gaps.extend(numbers.sequence_filled.then_some(Gap::Sequence));
        let present = length.saturating_sub(said.ip.missing);
        let present = fragment(said).map_or(present, |room| {
            present.min(room.saturating_sub(header.header_bytes()))
        });
        let (payload, told) = carried(said, tcp, present)?;
        gaps.extend((told < present).then_some(Gap::Payload));
        let mut packet = Packet {
            ip,
            segment: Segment::Tcp(header),
            payload,
        };
        let right = checksum(&mut packet, tcp.sum, told..present);
        if !right && let Some(sequence) = other_sequence(&mut packet, tcp.sum, &numbers) {
            self.connections
                .correct(connection, numbers.sequence, sequence);
        }
        apply(&mut packet, tcp.sum, gaps);
        Ok(packet)
    }

    fn udp(
        &mut self,
        said: &Said,
        datagram: &UdpSaid,
        ip: Ip,
        ends: (Host, Host),
        gaps: &mut Vec<Gap>,
    ) -> Read<Packet> {
        let room = room(said).map(|room| room.saturating_sub(udp::HEADER_BYTES));
        let length = datagram.length.or(room);
        gaps.extend(length.is_none().then_some(Gap::PayloadLength));
        let length = length.unwrap_or(0);
        let fragment = fragment(said).map(|room| room.saturating_sub(udp::HEADER_BYTES));
        let present = length
            .saturating_sub(said.ip.missing)
            .min(fragment.unwrap_or(usize::MAX));
        let payload = self.message(said, datagram, ends, present, gaps)?;
        let header = Udp {
            length: match datagram.bad_length {
                Some(length) => Field::Forced(length),
                None if present != length => {
                    Field::Forced(u16::try_from(length + udp::HEADER_BYTES).unwrap_or(u16::MAX))
                }
                None => Field::Computed,
            },
            ..Udp::new(ends.0.1, ends.1.1)
        };
        let mut packet = Packet {
            ip,
            segment: Segment::Udp(header),
            payload,
        };
        let unknown = match datagram.body {
            UdpBody::Unknown => 0..present,
            UdpBody::Dns(_) | UdpBody::Ntp(..) => present..present,
        };
        checksum(&mut packet, datagram.sum, unknown);
        apply(&mut packet, datagram.sum, gaps);
        Ok(packet)
    }

    /// What a datagram carries, in so many bytes.
    fn message(
        &mut self,
        said: &Said,
        datagram: &UdpSaid,
        (source, destination): (Host, Host),
        length: usize,
        gaps: &mut Vec<Gap>,
    ) -> Read<Payload> {
        let zeros = zeros(length, said.source.at)?;
        match &datagram.body {
            UdpBody::Dns(message) => {
                let asker = if message.is_response() {
                    (destination.0, source.0, message.id)
                } else {
                    (source.0, destination.0, message.id)
                };
                let asked = self.questions.get(&asker);
                if message.is_response() && message.question.is_none() {
                    gaps.push(Gap::Question);
                }
                let bytes = dns::emit(message, asked, Some(length));
                if let Some(question) = &message.question {
                    self.questions.insert(asker, question.clone());
                }
                Ok(Payload::new(bytes))
            }
            UdpBody::Ntp(version, mode) => {
                let (bytes, told) = ntp::emit(*version, *mode, &said.details, length);
                gaps.extend((!told).then_some(Gap::Payload));
                Ok(Payload::new(bytes))
            }
            UdpBody::Unknown => {
                gaps.extend((length > 0).then_some(Gap::Payload));
                Ok(zeros)
            }
        }
    }
}

/// Bytes behind the network header, as header or frame say.
pub(super) fn room(said: &Said) -> Option<usize> {
    let header = if said.ip.v6 {
        0
    } else {
        crate::ipv4::HEADER_BYTES
    };
    let told = said
        .ip
        .length
        .map(|length| usize::from(length).saturating_sub(header));
    let told = told.or(said.ip.fragment_length);
    told.or_else(|| {
        let header = if said.ip.v6 {
            crate::ipv6::HEADER_BYTES
        } else {
            header
        };
        let link = ethernet::HEADER_BYTES + if said.link.vlan.is_some() { 4 } else { 0 };
        said.link
            .length
            .map(|length| length.saturating_sub(header + link))
    })
}

/// Bytes behind the network header of a fragment, which is part of a longer packet.
pub(super) fn fragment(said: &Said) -> Option<usize> {
    let more = said
        .ip
        .flags
        .is_some_and(|flags| flags & crate::ipv4::MORE_FRAGMENTS != 0);
    room(said).filter(|_| more || said.ip.offset.is_some_and(|offset| offset > 0))
}

fn header(tcp: &TcpSaid, (source, destination): (Host, Host), gaps: &mut Vec<Gap>) -> Tcp {
    gaps.extend(tcp.flags.is_none().then_some(Gap::Flags));
    gaps.extend(tcp.window.is_none().then_some(Gap::Window));
    gaps.extend(tcp.options_cut.then_some(Gap::OptionRest));
    let flags = tcp.flags.unwrap_or(Flags::ACK);
    Tcp {
        window: tcp.window.unwrap_or(WINDOW),
        urgent: tcp.urgent.unwrap_or(0),
        data_offset: tcp.bad_offset.map_or(Field::Computed, Field::Forced),
        ..Tcp::new(source.1, destination.1, flags)
    }
}

fn header_bytes(tcp: &TcpSaid) -> usize {
    tcp::HEADER_BYTES + options(tcp, 0).padded_bytes()
}

fn options(tcp: &TcpSaid, sack_base: u32) -> Options {
    tcp.options
        .iter()
        .fold(Options::NONE, |list, option| match option {
            OptionSaid::EndOfList => list.with(TcpOption::EndOfList),
            OptionSaid::NoOperation => list.with(TcpOption::NoOperation),
            OptionSaid::Mss(mss) => list.with(TcpOption::Mss(*mss)),
            OptionSaid::WindowScale(shift) => list.with(TcpOption::WindowScale(*shift)),
            OptionSaid::SackPermitted => list.with(TcpOption::SackPermitted),
            OptionSaid::Timestamps(value, echo) => list.with(TcpOption::Timestamps(*value, *echo)),
            OptionSaid::Other(kind, data) => list.with(TcpOption::Unknown(*kind, data)),
            OptionSaid::Sack(blocks) => {
                let edges = blocks.iter().flat_map(|(left, right)| [*left, *right]);
                let bytes: Vec<u8> = edges
                    .flat_map(|edge| sack_base.wrapping_add(edge).to_be_bytes())
                    .collect();
                list.with(TcpOption::Sack(&bytes))
            }
        })
}

/// What a segment carries, and how many bytes of it are told.
fn carried(said: &Said, tcp: &TcpSaid, length: usize) -> Read<(Payload, usize)> {
    let zeros = zeros(length, said.source.at)?;
    let first: Vec<String> = tcp.text.iter().cloned().collect();
    let lines = if tcp.text_follows {
        &said.details
    } else {
        &first
    };
    if lines.is_empty() || length == 0 {
        return Ok((zeros, 0));
    }
    let (bytes, told) = text::payload(lines, length);
    Ok((Payload::new(bytes), told))
}

/// A later fragment, or a protocol without ports.
fn bare(said: &Said, ip: Ip, gaps: &mut Vec<Gap>) -> Read<Packet> {
    gaps.extend(said.ip.protocol.is_none().then_some(Gap::Protocol));
    let length = room(said);
    gaps.extend(length.is_none().then_some(Gap::PayloadLength));
    let length = length.unwrap_or(0).saturating_sub(said.ip.missing);
    gaps.extend((length > 0).then_some(Gap::Payload));
    Ok(Packet {
        ip,
        segment: Segment::Raw(said.ip.protocol.unwrap_or(PROTOCOL_UDP)),
        payload: zeros(length, said.source.at)?,
    })
}

/// Makes the checksum right that the listing says is right; whether it says none or is obeyed.
fn checksum(packet: &mut Packet, sum: Sum, unknown: Range<usize>) -> bool {
    match sum {
        Sum::Is(right) | Sum::Wrong(_, Some(right)) => settle::settle(packet, right, unknown),
        Sum::Right | Sum::Wrong(_, None) | Sum::Absent => true,
    }
}

/// Sends a checksum that the listing says is wrong, or none.
pub(super) fn apply(packet: &mut Packet, sum: Sum, gaps: &mut Vec<Gap>) {
    match sum {
        Sum::Right | Sum::Is(_) => {}
        Sum::Absent => settle::force(packet, 0),
        Sum::Wrong(Some(sent), _) => settle::force(packet, sent),
        Sum::Wrong(None, _) => {
            gaps.push(Gap::WrongChecksum);
            let right = settle::sum(packet).unwrap_or(0);
            settle::force(packet, !right);
        }
    }
}

/// Tries sequence numbers that are not printed until the checksum is right.
fn other_sequence(packet: &mut Packet, sum: Sum, numbers: &Numbers) -> Option<u32> {
    let (Sum::Is(right) | Sum::Wrong(_, Some(right))) = sum else {
        return None;
    };
    let filled = numbers.sequence;
    for sequence in &numbers.alternatives {
        set_sequence(packet, *sequence);
        if settle::sum(packet) == Some(right) {
            return Some(*sequence);
        }
    }
    set_sequence(packet, filled);
    None
}

fn set_sequence(packet: &mut Packet, sequence: u32) {
    if let Segment::Tcp(tcp) = &mut packet.segment {
        tcp.sequence = sequence;
    }
}

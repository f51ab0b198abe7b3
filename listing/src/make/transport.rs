//! Segments and datagrams from what is said of them.

use std::ops::Range;

use wire::field::Field;
use wire::packet::{Ip, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Packet, Segment};
use wire::payload::Payload;
use wire::tcp::{self, Flags, Options, Tcp, TcpOption};
use wire::udp::{self, Udp};
use wire::{ethernet, ipv4};

use super::assemble::{Assembler, Host, Lower, zeros};
use super::numbers::{Numbers, key};
use super::{dns, ntp, settle, text};
use crate::error::Read;
use crate::gap::Gap;
use crate::said::{
    BootpSaid, FragmentSaid, OptionSaid, Said, Sum, TcpSaid, UdpBody, UdpSaid, What,
};

/// The window of a segment of which none is said: what Windows 98 and its time offered.
const WINDOW: u16 = 8192;

/// Where a later fragment begins of which that is not said, in units of 8 bytes: behind one of a whole Ethernet frame.
const FRAGMENT_OFFSET: u16 = 1480 / 8;

impl Assembler {
    /// The packet of a network header and of what is said above it.
    pub(super) fn transport(&mut self, lower: Lower<'_>, gaps: &mut Vec<Gap>) -> Read<Packet> {
        match &lower.said.what {
            What::Tcp(tcp) => self.tcp(tcp, lower, gaps),
            What::Udp(udp) => self.udp(udp, lower, gaps),
            What::Icmp(icmp) => self.icmp(icmp, lower, gaps),
            What::Bare | What::Arp(_) => bare(lower, gaps),
        }
    }

    fn tcp(&mut self, tcp: &TcpSaid, lower: Lower<'_>, gaps: &mut Vec<Gap>) -> Read<Packet> {
        let Lower { said, ip, ends } = lower;
        let connection = key(ends.0, ends.1);
        let length = length(said, tcp, gaps);
        let numbers = self.connections.read(connection, tcp, length);
        let header = header(tcp, ends, &numbers, gaps);
        let fragment = fragment(said).map(|room| room.saturating_sub(header.header_bytes()));
        let present = length
            .saturating_sub(said.ip.missing)
            .min(fragment.unwrap_or(usize::MAX));
        let (payload, told) = carried(said, tcp, present)?;
        gaps.extend((told < present).then_some(Gap::Payload));
        let mut packet = Packet {
            ip,
            segment: Segment::Tcp(header),
            payload,
        };
        if !checksum(&mut packet, tcp.sum, told..present) {
            if let Some(sequence) = other_sequence(&mut packet, tcp, &numbers) {
                self.connections
                    .correct(connection, numbers.sequence, sequence);
            } else if acknowledge(&mut packet, tcp) {
                gaps.push(Gap::Acknowledgment);
            }
        }
        apply(&mut packet, tcp.sum, gaps);
        Ok(packet)
    }

    fn udp(&mut self, datagram: &UdpSaid, lower: Lower<'_>, gaps: &mut Vec<Gap>) -> Read<Packet> {
        let Lower { said, mut ip, ends } = lower;
        let room = room(said).map(|room| room.saturating_sub(udp::HEADER_BYTES));
        let length = datagram.length.or(room);
        gaps.extend(length.is_none().then_some(Gap::PayloadLength));
        let length = length.unwrap_or(0);
        let mut present = length.saturating_sub(said.ip.missing);
        if let (Ip::V4(ip), Some(room)) = (&mut ip, room)
            && room < present
        {
            present = room;
            if said.ip.flags.is_none() {
                // The frame is too short for the datagram: it is a first fragment.
                ip.flags |= ipv4::MORE_FRAGMENTS;
            }
        }
        let payload = self.message(said, datagram, ends, present, gaps)?;
        let told = u16::try_from(length.saturating_add(udp::HEADER_BYTES)).unwrap_or(u16::MAX);
        let header = Udp {
            length: match datagram.bad_length {
                Some(length) => Field::Forced(length),
                None if present != length => Field::Forced(told),
                None => Field::Computed,
            },
            ..Udp::new(ends.0.1, ends.1.1)
        };
        let mut packet = Packet {
            ip,
            segment: Segment::Udp(header),
            payload,
        };
        let known = !matches!(datagram.body, UdpBody::Unknown);
        checksum(
            &mut packet,
            datagram.sum,
            if known { present } else { 0 }..present,
        );
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
            UdpBody::Bootp(message) => {
                gaps.push(Gap::Payload);
                Ok(Payload::new(bootp(*message, length)))
            }
            UdpBody::Unknown => {
                gaps.extend((length > 0).then_some(Gap::Payload));
                Ok(zeros)
            }
        }
    }
}

/// A message of BOOTP, RFC 951, of Ethernet: which way it goes, and whose it is.
fn bootp(said: BootpSaid, length: usize) -> Vec<u8> {
    const CLIENT: usize = 28;
    let mut message = vec![if said.reply { 2 } else { 1 }, 1, 6, 0];
    message.resize(CLIENT, 0);
    message.extend_from_slice(&said.client.unwrap_or_default().0);
    message.resize(length, 0);
    message
}

/// Bytes behind the network header, as header or frame say.
pub(super) fn room(said: &Said) -> Option<usize> {
    let header = if said.ip.v6 {
        0
    } else {
        wire::ipv4::HEADER_BYTES
    };
    let told = said
        .ip
        .length
        .map(|length| usize::from(length).saturating_sub(header));
    let alert = if said.ip.router_alert { 8 } else { 0 };
    let told = told.map(|told| told.saturating_sub(alert));
    let told = told.or(said.ip.fragment_length);
    told.or_else(|| {
        let header = if said.ip.v6 {
            wire::ipv6::HEADER_BYTES
        } else {
            header
        };
        let link = ethernet::HEADER_BYTES + if said.link.vlan.is_some() { 4 } else { 0 };
        said.link
            .length
            .map(|length| length.saturating_sub(header + link + alert))
    })
}

/// Bytes behind the network header of a fragment, which is part of a longer packet.
pub(super) fn fragment(said: &Said) -> Option<usize> {
    let more = said
        .ip
        .flags
        .is_some_and(|flags| flags & wire::ipv4::MORE_FRAGMENTS != 0);
    room(said).filter(|_| more || said.ip.offset.is_some_and(|offset| offset > 0))
}

/// Bytes of payload of a segment. Of old listings, what is not printed is none; snort's say it by the packet's length alone.
fn length(said: &Said, tcp: &TcpSaid, gaps: &mut Vec<Gap>) -> usize {
    let implied = room(said).map(|room| room.saturating_sub(header_bytes(tcp)));
    let length = tcp.length.or(implied);
    gaps.extend((length.is_none() && tcp.absolute).then_some(Gap::PayloadLength));
    length.unwrap_or(0)
}

fn header(tcp: &TcpSaid, ends: (Host, Host), numbers: &Numbers, gaps: &mut Vec<Gap>) -> Tcp {
    let filled = [
        (tcp.flags.is_none(), Gap::Flags),
        (tcp.window.is_none(), Gap::Window),
        (tcp.options_cut, Gap::OptionRest),
        (numbers.base_filled, Gap::SequenceBase),
        (numbers.sequence_filled, Gap::Sequence),
    ];
    gaps.extend(filled.iter().filter(|(is, _)| *is).map(|(_, gap)| *gap));
    Tcp {
        sequence: numbers.sequence,
        acknowledgment: numbers.acknowledgment,
        window: tcp.window.unwrap_or(WINDOW),
        urgent: tcp.urgent.unwrap_or(0),
        data_offset: tcp.bad_offset.map_or(Field::Computed, Field::Forced),
        options: options(tcp, numbers.sack_base),
        ..Tcp::new(ends.0.1, ends.1.1, tcp.flags.unwrap_or(Flags::ACK))
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
fn bare(lower: Lower<'_>, gaps: &mut Vec<Gap>) -> Read<Packet> {
    let Lower { said, mut ip, .. } = lower;
    if let Some(fragment) = said.ip.fragment {
        return Ok(fragment_of_v6(ip, fragment, gaps));
    }
    gaps.extend(said.ip.protocol.is_none().then_some(Gap::Protocol));
    let protocol = said.ip.protocol.unwrap_or(PROTOCOL_UDP);
    // These say more of themselves, but in a later fragment.
    let speaks = matches!(protocol, PROTOCOL_ICMP | PROTOCOL_TCP | PROTOCOL_UDP);
    if let Ip::V4(ip) = &mut ip
        && speaks
        && said.ip.offset.is_none()
    {
        gaps.push(Gap::FragmentOffset);
        ip.fragment_offset = FRAGMENT_OFFSET;
    }
    let length = room(said);
    gaps.extend(length.is_none().then_some(Gap::PayloadLength));
    let length = length.unwrap_or(0).saturating_sub(said.ip.missing);
    gaps.extend((length > 0).then_some(Gap::Payload));
    Ok(Packet {
        ip,
        segment: Segment::Raw(protocol),
        payload: zeros(length, said.source.at)?,
    })
}

/// A fragment of IPv6, RFC 8200 section 4.5: its header, and what is known of what follows.
fn fragment_of_v6(ip: Ip, fragment: FragmentSaid, gaps: &mut Vec<Gap>) -> Packet {
    const FRAGMENT: u8 = 44;
    let more = u16::from(fragment.offset == 0);
    if fragment.udp.is_none() {
        gaps.push(Gap::Protocol);
    }
    gaps.push(Gap::Payload);
    let mut bytes = vec![PROTOCOL_UDP, 0];
    bytes.extend(((fragment.offset & !7) | more).to_be_bytes());
    bytes.extend(fragment.identification.unwrap_or(0).to_be_bytes());
    let end = bytes.len() + usize::from(fragment.length);
    if let Some((from, to, length)) = fragment.udp {
        let whole = length.saturating_add(8);
        for number in [from, to, whole, 0] {
            bytes.extend(number.to_be_bytes());
        }
    }
    bytes.resize(end, 0);
    Packet {
        ip,
        segment: Segment::Raw(FRAGMENT),
        payload: Payload::new(bytes),
    }
}

/// Makes the checksum right that the listing says is right; whether it says none or is obeyed.
fn checksum(packet: &mut Packet, sum: Sum, unknown: Range<usize>) -> bool {
    right(sum).is_none_or(|right| settle::settle(packet, right, unknown))
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

/// What the checksum is or should be, where that is said.
fn right(sum: Sum) -> Option<u16> {
    match sum {
        Sum::Is(right) | Sum::Wrong(_, Some(right)) => Some(right),
        Sum::Right | Sum::Wrong(_, None) | Sum::Absent => None,
    }
}

/// Looks for the sequence number that was not printed and makes the checksum right: first among those that are likely, then
/// among those that share the upper half with the one expected, of which one is right unless the upper half is not.
fn other_sequence(packet: &mut Packet, tcp: &TcpSaid, numbers: &Numbers) -> Option<u32> {
    let right = right(tcp.sum).filter(|_| tcp.sequence.is_none())?;
    let half = settle::half(packet, right, numbers.sequence);
    let likely = numbers.alternatives.iter().copied().chain(half);
    for sequence in likely {
        set(packet, |tcp| tcp.sequence = sequence);
        if settle::sum(packet) == Some(right) {
            return Some(sequence);
        }
    }
    set(packet, |tcp| tcp.sequence = numbers.sequence);
    None
}

/// Looks for the acknowledgment number of a segment without ACK, which is sent and not printed.
fn acknowledge(packet: &mut Packet, tcp: &TcpSaid) -> bool {
    let Some(right) = right(tcp.sum).filter(|_| tcp.acknowledgment.is_none()) else {
        return false;
    };
    let Some(acknowledgment) = settle::half(packet, right, 0) else {
        return false;
    };
    set(packet, |tcp| tcp.acknowledgment = acknowledgment);
    settle::sum(packet) == Some(right)
}

fn set(packet: &mut Packet, change: impl FnOnce(&mut Tcp)) {
    if let Segment::Tcp(tcp) = &mut packet.segment {
        change(tcp);
    }
}

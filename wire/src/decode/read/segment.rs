//! Reading what IP carries: TCP, UDP, ICMP and ICMPv6.

use pnet_packet::icmp::IcmpPacket;
use pnet_packet::udp::UdpPacket;

use crate::decode::layers::Layers;
use crate::decode::report::{Anomalies, Layer, Reading, StopReason};
use crate::decode::transport::{IcmpView, TcpView, Transport, UdpView};
use crate::packet::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};
use crate::tcp::{self, Flags};
use crate::{icmp, udp};

/// A transport header's bytes and what the network header says about them.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) protocol: u8,
    pub(super) bytes: &'a [u8],
    /// Bytes of the segment on the wire.
    pub(super) length: usize,
    /// Whether later fragments hold the rest.
    pub(super) partial: bool,
}

#[inline(always)]
pub(super) fn read<'a>(segment: Segment<'a>, layers: &mut Layers<'a>, reading: Reading) {
    match segment.protocol {
        PROTOCOL_TCP => read_tcp(segment, layers, reading),
        PROTOCOL_UDP => read_udp(segment, layers, reading),
        PROTOCOL_ICMP | PROTOCOL_ICMPV6 => read_icmp(segment, layers, reading),
        other => layers.carry(Transport::Other(other), segment.bytes, segment.length),
    }
}

/// Bytes of a TCP header up to its flags: where a capture has cut the rest off, these are read.
const TO_FLAGS: usize = 14;

#[inline(always)]
fn read_tcp<'a>(segment: Segment<'a>, layers: &mut Layers<'a>, reading: Reading) {
    let bytes = segment.bytes;
    let Some(fixed) = bytes.first_chunk() else {
        return read_cut_tcp(segment, layers, reading);
    };
    let (words, header) = tcp_header(fixed);
    let (options, payload) = match bytes.split_at_checked(header) {
        Some((header, payload)) => (header.get(tcp::HEADER_BYTES..).unwrap_or_default(), payload),
        None => (
            bytes.get(tcp::HEADER_BYTES..).unwrap_or_default(),
            &[] as &[u8],
        ),
    };
    if header < tcp::HEADER_BYTES || header > segment.length {
        layers.anomalies |= Anomalies::TCP_HEADER_LENGTH;
        layers.end(reading, Layer::Tcp, StopReason::BadHeaderLength(words));
    } else if header > bytes.len() {
        layers.end_short(reading, Layer::Tcp, header, bytes.len());
    }
    carry_tcp(fixed, options, payload, segment, layers);
}

/// Of a header whose end the capture has cut off, window and urgent pointer count as 0.
#[cold]
fn read_cut_tcp<'a>(segment: Segment<'a>, layers: &mut Layers<'a>, reading: Reading) {
    let bytes = segment.bytes;
    layers.end_short(reading, Layer::Tcp, tcp::HEADER_BYTES, bytes.len());
    if reading.missing == 0 || bytes.len() < TO_FLAGS {
        return layers.carry(Transport::None, bytes, segment.length);
    }
    let mut fixed = [0; tcp::HEADER_BYTES];
    fixed
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = *from);
    carry_tcp(&fixed, &[], &[], segment, layers);
}

/// The length that a header says it has, in words and in bytes.
#[inline(always)]
fn tcp_header(fixed: &[u8; tcp::HEADER_BYTES]) -> (u8, usize) {
    let words = fixed[12] >> 4;
    (words, usize::from(words) * 4)
}

#[inline(always)]
fn carry_tcp<'a>(
    fixed: &[u8; tcp::HEADER_BYTES],
    options: &'a [u8],
    payload: &'a [u8],
    segment: Segment<'a>,
    layers: &mut Layers<'a>,
) {
    let &[a, b, c, d, e, f, g, h, ref rest @ ..] = fixed;
    let &[i, j, k, l, high, low, m, n, _, _, o, p] = rest;
    let tcp = TcpView {
        source: u16::from_be_bytes([a, b]),
        destination: u16::from_be_bytes([c, d]),
        sequence: u32::from_be_bytes([e, f, g, h]),
        acknowledgment: u32::from_be_bytes([i, j, k, l]),
        flags: Flags(u16::from_be_bytes([high, low]) & Flags::MASK),
        window: u16::from_be_bytes([m, n]),
        urgent: u16::from_be_bytes([o, p]),
        options,
        segment: segment.bytes,
    };
    let (_, header) = tcp_header(fixed);
    layers.carry(
        Transport::Tcp(tcp),
        payload,
        segment.length.saturating_sub(header.max(tcp::HEADER_BYTES)),
    );
}

fn read_udp<'a>(segment: Segment<'a>, layers: &mut Layers<'a>, reading: Reading) {
    let bytes = segment.bytes;
    let Some(view) = UdpPacket::new(bytes) else {
        layers.end_short(reading, Layer::Udp, udp::HEADER_BYTES, bytes.len());
        return layers.carry(Transport::None, bytes, segment.length);
    };
    let length = view.get_length();
    let said = usize::from(length);
    // A length of 0 means: to the end (RFC 2675 section 4, and segmentation offload).
    let true_length = if said == 0 || segment.partial {
        segment.length
    } else {
        if said != segment.length {
            layers.anomalies |= Anomalies::UDP_LENGTH;
        }
        said.min(segment.length)
    };
    let end = true_length.min(bytes.len());
    let payload = bytes.get(udp::HEADER_BYTES..end).unwrap_or_default();
    let udp = UdpView {
        source: view.get_source(),
        destination: view.get_destination(),
        length,
        segment: bytes,
    };
    layers.carry(
        Transport::Udp(udp),
        payload,
        true_length.saturating_sub(udp::HEADER_BYTES),
    );
}

fn read_icmp<'a>(segment: Segment<'a>, layers: &mut Layers<'a>, reading: Reading) {
    let bytes = segment.bytes;
    let Some(view) = IcmpPacket::new(bytes) else {
        layers.end_short(reading, Layer::Icmp, icmp::HEADER_BYTES, bytes.len());
        return layers.carry(Transport::None, bytes, segment.length);
    };
    let rest = match bytes {
        &[_, _, _, _, a, b, c, d, ..] => [a, b, c, d],
        _ => [0; 4],
    };
    let icmp = IcmpView {
        icmp_type: view.get_icmp_type().0,
        code: view.get_icmp_code().0,
        rest,
        segment: bytes,
    };
    let payload = bytes.get(icmp::HEADER_BYTES..).unwrap_or_default();
    let transport = match segment.protocol {
        PROTOCOL_ICMPV6 => Transport::Icmpv6(icmp),
        _ => Transport::Icmp(icmp),
    };
    layers.carry(
        transport,
        payload,
        segment.length.saturating_sub(icmp::HEADER_BYTES),
    );
}

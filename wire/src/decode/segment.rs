//! Reading what IP carries: TCP, UDP, ICMP and ICMPv6.

use pnet_packet::icmp::IcmpPacket;
use pnet_packet::tcp::TcpPacket;
use pnet_packet::udp::UdpPacket;

use super::layers::Layers;
use super::network::Segment;
use super::report::{Anomalies, Layer, Reading, StopReason};
use super::transport::{IcmpView, TcpView, Transport, UdpView};
use crate::packet::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};
use crate::tcp::{self, Flags};
use crate::{icmp, udp};

#[inline(always)]
pub(super) fn read<'a>(segment: &Segment<'a>, layers: &mut Layers<'a>, reading: &mut Reading) {
    match segment.protocol {
        PROTOCOL_TCP => read_tcp(segment, layers, reading),
        PROTOCOL_UDP => read_udp(segment, layers, reading),
        PROTOCOL_ICMP | PROTOCOL_ICMPV6 => read_icmp(segment, layers, reading),
        other => layers.carry(Transport::Other(other), segment.bytes, segment.length),
    }
}

#[inline(always)]
fn read_tcp<'a>(segment: &Segment<'a>, layers: &mut Layers<'a>, reading: &mut Reading) {
    let bytes = segment.bytes;
    let Some(view) = TcpPacket::new(bytes) else {
        reading.short(Layer::Tcp, tcp::HEADER_BYTES, bytes.len());
        return layers.carry(Transport::None, bytes, segment.length);
    };
    let words = view.get_data_offset();
    let header = usize::from(words) * 4;
    let (options, payload) = match bytes.split_at_checked(header) {
        Some((header, payload)) => (header.get(tcp::HEADER_BYTES..).unwrap_or_default(), payload),
        None => (
            bytes.get(tcp::HEADER_BYTES..).unwrap_or_default(),
            &[] as &[u8],
        ),
    };
    if header < tcp::HEADER_BYTES || header > segment.length {
        reading.anomalies |= Anomalies::TCP_HEADER_LENGTH;
        reading.stop(Layer::Tcp, StopReason::BadHeaderLength(words));
    } else if header > bytes.len() {
        reading.short(Layer::Tcp, header, bytes.len());
    }
    let tcp = TcpView {
        source: view.get_source(),
        destination: view.get_destination(),
        sequence: view.get_sequence(),
        acknowledgment: view.get_acknowledgement(),
        flags: Flags(u16::from(view.get_reserved() & 1) << 8 | u16::from(view.get_flags())),
        window: view.get_window(),
        urgent: view.get_urgent_ptr(),
        options,
        segment: bytes,
    };
    let header = header.max(tcp::HEADER_BYTES);
    layers.carry(
        Transport::Tcp(tcp),
        payload,
        segment.length.saturating_sub(header),
    );
}

fn read_udp<'a>(segment: &Segment<'a>, layers: &mut Layers<'a>, reading: &mut Reading) {
    let bytes = segment.bytes;
    let Some(view) = UdpPacket::new(bytes) else {
        reading.short(Layer::Udp, udp::HEADER_BYTES, bytes.len());
        return layers.carry(Transport::None, bytes, segment.length);
    };
    let length = view.get_length();
    let said = usize::from(length);
    // A length of 0 means: to the end (RFC 2675 section 4, and segmentation offload).
    let true_length = if said == 0 || segment.partial {
        segment.length
    } else {
        if said != segment.length {
            reading.anomalies |= Anomalies::UDP_LENGTH;
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

fn read_icmp<'a>(segment: &Segment<'a>, layers: &mut Layers<'a>, reading: &mut Reading) {
    let bytes = segment.bytes;
    let Some(view) = IcmpPacket::new(bytes) else {
        reading.short(Layer::Icmp, icmp::HEADER_BYTES, bytes.len());
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

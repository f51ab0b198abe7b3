//! Reading network headers: ARP, IPv4 with options, IPv6 with extension headers, fragments of both.

use std::net::Ipv4Addr;

use pnet_packet::arp::ArpPacket;
use pnet_packet::ipv6::Ipv6Packet;

use super::segment::{self, Segment};
use crate::decode::layers::Layers;
use crate::decode::network::{Arp, Network, V4, V6};
use crate::decode::report::{Anomalies, Layer, Reading, StopReason};
use crate::decode::transport::Transport;
use crate::{ethernet, ipv4, ipv6};

/// Reads a network header and what it carries.
#[inline(always)]
pub(super) fn read<'a>(
    ether_type: Option<u16>,
    bytes: &'a [u8],
    layers: &mut Layers<'a>,
    reading: &mut Reading,
) {
    if layers.stop.is_some() {
        return layers.carry_unread(bytes);
    }
    match ether_type {
        Some(ethernet::IPV4) => v4(bytes, layers, reading),
        Some(ethernet::IPV6) => v6(bytes, layers, reading),
        Some(ethernet::ARP) => arp(bytes, layers, *reading),
        Some(other) => {
            layers.end(
                *reading,
                Layer::Link,
                StopReason::UnknownType(u32::from(other)),
            );
            layers.carry_unread(bytes);
        }
        None => match bytes.first().map(|byte| byte >> 4) {
            Some(4) => v4(bytes, layers, reading),
            Some(6) => v6(bytes, layers, reading),
            Some(version) => {
                layers.end(*reading, Layer::Ipv4, StopReason::BadVersion(version));
                layers.carry_unread(bytes);
            }
            None => layers.end_short(*reading, Layer::Ipv4, ipv4::HEADER_BYTES, 0),
        },
    }
}

fn arp<'a>(bytes: &'a [u8], layers: &mut Layers<'a>, reading: Reading) {
    let Some(arp) = ArpPacket::new(bytes) else {
        layers.end_short(reading, Layer::Arp, 28, bytes.len());
        return layers.carry_unread(bytes);
    };
    let (hardware, protocol) = (arp.get_hardware_type().0, arp.get_protocol_type().0);
    if (hardware, protocol) != (1, ethernet::IPV4) {
        layers.end(
            reading,
            Layer::Arp,
            StopReason::UnknownType(u32::from(protocol)),
        );
        return layers.carry_unread(bytes);
    }
    let arp = Arp {
        operation: arp.get_operation().0,
        sender: arp.get_sender_proto_addr(),
        target: arp.get_target_proto_addr(),
        hardware: [
            arp.get_sender_hw_addr().octets(),
            arp.get_target_hw_addr().octets(),
        ],
    };
    layers.network = Network::Arp(arp);
}

#[inline(always)]
fn v4<'a>(bytes: &'a [u8], layers: &mut Layers<'a>, reading: &mut Reading) {
    let Some(fixed) = bytes.first_chunk() else {
        layers.end_short(*reading, Layer::Ipv4, ipv4::HEADER_BYTES, bytes.len());
        return layers.carry_unread(bytes);
    };
    let (version, words) = (fixed[0] >> 4, fixed[0] & 0xf);
    if version != 4 {
        layers.end(*reading, Layer::Ipv4, StopReason::BadVersion(version));
        return layers.carry_unread(bytes);
    }
    let header_bytes = usize::from(words) * 4;
    let header = match bytes.get(..header_bytes) {
        Some(header) if header_bytes >= ipv4::HEADER_BYTES => header,
        _ => fixed,
    };
    let ip = v4_header(fixed, header);
    layers.network = Network::V4(ip);
    if header_bytes < ipv4::HEADER_BYTES || header_bytes > bytes.len() {
        layers.anomalies |= Anomalies::IP_HEADER_LENGTH;
        if header_bytes < ipv4::HEADER_BYTES {
            layers.end(*reading, Layer::Ipv4, StopReason::BadHeaderLength(words));
        } else {
            layers.end_short(*reading, Layer::Ipv4, header_bytes, bytes.len());
        }
        return;
    }
    let (rest, length) = bounded(
        bytes,
        header_bytes,
        usize::from(ip.total_length),
        layers,
        *reading,
    );
    reading.offset += header_bytes;
    if ip.fragment_offset != 0 {
        return layers.carry(Transport::Fragment, rest, length);
    }
    let carried = Segment {
        protocol: ip.protocol,
        bytes: rest,
        length,
        partial: ip.is_fragment(),
    };
    segment::read(carried, layers, *reading);
}

/// Read by hand, as TCP's is: these two are most of what a capture holds.
#[inline(always)]
fn v4_header<'a>(fixed: &[u8; ipv4::HEADER_BYTES], header: &'a [u8]) -> V4<'a> {
    let &[_, tos, a, b, c, d, e, f, ttl, protocol, _, _, ref ends @ ..] = fixed;
    let &[g, h, i, j, k, l, m, n] = ends;
    V4 {
        source: Ipv4Addr::from([g, h, i, j]),
        destination: Ipv4Addr::from([k, l, m, n]),
        tos,
        total_length: u16::from_be_bytes([a, b]),
        identification: u16::from_be_bytes([c, d]),
        flags: e >> 5,
        fragment_offset: u16::from_be_bytes([e, f]) & ipv4::OFFSET_MASK,
        ttl,
        protocol,
        header,
    }
}

/// The bytes from `header` to `total`, and how many they are on the wire. A total of 0 is what a sender's own
/// capture shows before the network card cuts the segments: then all bytes belong.
#[inline]
fn bounded<'a>(
    bytes: &'a [u8],
    header: usize,
    total: usize,
    layers: &mut Layers<'_>,
    reading: Reading,
) -> (&'a [u8], usize) {
    let on_wire = bytes.len() + reading.missing;
    let total = match total {
        0 => on_wire,
        short if short < header => {
            layers.anomalies |= Anomalies::IP_LENGTH_SHORT;
            header
        }
        beyond if beyond > on_wire => {
            layers.anomalies |= Anomalies::IP_LENGTH_BEYOND;
            beyond
        }
        total => total,
    };
    if total < on_wire && !reading.padded {
        layers.anomalies |= Anomalies::TRAILING_BYTES;
    }
    let end = total.min(bytes.len());
    (bytes.get(header..end).unwrap_or_default(), total - header)
}

fn v6<'a>(bytes: &'a [u8], layers: &mut Layers<'a>, reading: &mut Reading) {
    let Some(view) = Ipv6Packet::new(bytes) else {
        layers.end_short(*reading, Layer::Ipv6, ipv6::HEADER_BYTES, bytes.len());
        return layers.carry_unread(bytes);
    };
    if view.get_version() != 6 {
        layers.end(
            *reading,
            Layer::Ipv6,
            StopReason::BadVersion(view.get_version()),
        );
        return layers.carry_unread(bytes);
    }
    let mut ip = V6 {
        source: view.get_source(),
        destination: view.get_destination(),
        traffic_class: view.get_traffic_class(),
        flow_label: view.get_flow_label(),
        payload_length: view.get_payload_length(),
        hop_limit: view.get_hop_limit(),
        protocol: view.get_next_header().0,
        extensions: 0,
        fragment: None,
        identification: 0,
        routed: false,
    };
    let total = match ip.payload_length {
        0 => 0,
        length => ipv6::HEADER_BYTES + usize::from(length),
    };
    let (rest, length) = bounded(bytes, ipv6::HEADER_BYTES, total, layers, *reading);
    reading.offset += ipv6::HEADER_BYTES;
    let above = extensions(&mut ip, rest, length, layers, reading);
    layers.network = Network::V6(ip);
    match above {
        Above::Segment(carried) => segment::read(carried, layers, *reading),
        Above::Fragment(bytes, length) => layers.carry(Transport::Fragment, bytes, length),
        Above::Nothing(bytes) => layers.carry_unread(bytes),
    }
}

/// What stands behind the extension headers.
enum Above<'a> {
    Segment(Segment<'a>),
    Fragment(&'a [u8], usize),
    Nothing(&'a [u8]),
}

/// Follows extension headers, RFC 8200 section 4, to the transport header.
fn extensions<'a>(
    ip: &mut V6,
    mut rest: &'a [u8],
    mut length: usize,
    layers: &mut Layers<'a>,
    reading: &mut Reading,
) -> Above<'a> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const AUTHENTICATION: u8 = 51;
    const DESTINATION: u8 = 60;
    const MOBILITY: u8 = 135;
    let mut partial = false;
    while matches!(
        ip.protocol,
        HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY
    ) {
        let &[next, size, high, low, ..] = rest else {
            layers.end_short(*reading, Layer::Ipv6Extension, 8, rest.len());
            return Above::Nothing(rest);
        };
        let header = match ip.protocol {
            FRAGMENT => 8,
            AUTHENTICATION => (usize::from(size) + 2) * 4,
            _ => (usize::from(size) + 1) * 8,
        };
        let Some(after) = rest.get(header..) else {
            layers.end_short(*reading, Layer::Ipv6Extension, header, rest.len());
            return Above::Nothing(rest);
        };
        if let (FRAGMENT, Some(&[_, _, _, _, a, b, c, d])) = (ip.protocol, rest.first_chunk::<8>())
        {
            ip.identification = u32::from_be_bytes([a, b, c, d]);
        }
        // Type 0 lists addresses to go through; types 2 to 4 belong to mobility and to networks' own routing.
        if ip.protocol == ROUTING && high == 0 && low > 0 {
            ip.routed = true;
        }
        let fragment = (ip.protocol == FRAGMENT).then(|| {
            let word = u16::from_be_bytes([high, low]);
            (word >> 3, word & 1 != 0)
        });
        ip.protocol = next;
        ip.extensions = ip.extensions.saturating_add(1);
        rest = after;
        length = length.saturating_sub(header);
        reading.offset += header;
        if let Some((offset, more)) = fragment {
            ip.fragment = fragment;
            partial = more;
            if offset != 0 {
                return Above::Fragment(rest, length);
            }
        }
    }
    Above::Segment(Segment {
        protocol: ip.protocol,
        bytes: rest,
        length,
        partial,
    })
}

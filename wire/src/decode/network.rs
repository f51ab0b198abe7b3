//! Network headers: ARP, IPv4 with options, IPv6 with extension headers, fragments of both.

use std::net::{Ipv4Addr, Ipv6Addr};

use pnet_packet::arp::ArpPacket;
use pnet_packet::ipv4::Ipv4Packet;
use pnet_packet::ipv6::Ipv6Packet;

use super::report::{Anomalies, Layer, Reading, StopReason};
use crate::{ethernet, ipv4, ipv6};

/// What was read of the network header.
#[derive(Clone, Copy, Debug, Default)]
pub enum Network<'a> {
    /// None.
    #[default]
    None,
    /// Address resolution.
    Arp(Arp),
    /// IPv4.
    V4(V4<'a>),
    /// IPv6.
    V6(V6),
}

/// An ARP message for IPv4 over Ethernet, RFC 826.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 asks, 2 answers.
    pub operation: u16,
    /// Who speaks.
    pub sender: Ipv4Addr,
    /// Who is spoken of.
    pub target: Ipv4Addr,
    /// The interfaces of both.
    pub hardware: [[u8; 6]; 2],
}

/// An IPv4 header, RFC 791.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V4<'a> {
    /// Sender.
    pub source: Ipv4Addr,
    /// Receiver.
    pub destination: Ipv4Addr,
    /// Type of service.
    pub tos: u8,
    /// Header and payload, in bytes, as the header says.
    pub total_length: u16,
    /// Identification.
    pub identification: u16,
    /// The three flag bits.
    pub flags: u8,
    /// Fragment offset, in units of 8 bytes.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// What it carries.
    pub protocol: u8,
    /// The header's bytes, options included.
    pub header: &'a [u8],
}

impl<'a> V4<'a> {
    /// Whether DF is set.
    pub fn dont_fragment(&self) -> bool {
        self.flags & ipv4::DONT_FRAGMENT != 0
    }

    /// Whether the packet is a part of a larger one.
    pub fn is_fragment(&self) -> bool {
        self.fragment_offset != 0 || self.flags & ipv4::MORE_FRAGMENTS != 0
    }

    /// The option bytes.
    pub fn options(&self) -> &'a [u8] {
        self.header.get(ipv4::HEADER_BYTES..).unwrap_or_default()
    }
}

/// An IPv6 header with what its extension headers say, RFC 8200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V6 {
    /// Sender.
    pub source: Ipv6Addr,
    /// Receiver.
    pub destination: Ipv6Addr,
    /// Traffic class.
    pub traffic_class: u8,
    /// Flow label.
    pub flow_label: u32,
    /// Bytes after the fixed header, as it says.
    pub payload_length: u16,
    /// Hop limit.
    pub hop_limit: u8,
    /// What follows the last extension header read.
    pub protocol: u8,
    /// Number of extension headers.
    pub extensions: u8,
    /// Fragment offset in units of 8 bytes, and whether more follow, where there is a fragment header.
    pub fragment: Option<(u16, bool)>,
    /// Identification of the packet that the fragment is a part of; 0 where there is no fragment header.
    pub identification: u32,
    /// Whether a routing header names hops that remain, RFC 8200 section 4.4.
    pub routed: bool,
}

/// A transport header's bytes and what the network header says about them.
pub(super) struct Segment<'a> {
    pub(super) protocol: u8,
    pub(super) bytes: &'a [u8],
    /// Bytes of the segment on the wire.
    pub(super) length: usize,
    /// Whether later fragments hold the rest.
    pub(super) partial: bool,
}

pub(super) enum Above<'a> {
    Transport(Segment<'a>),
    Fragment(&'a [u8], usize),
    Nothing(&'a [u8]),
}

#[inline(always)]
pub(super) fn read<'a>(
    ether_type: Option<u16>,
    bytes: &'a [u8],
    network: &mut Network<'a>,
    reading: &mut Reading,
) -> Above<'a> {
    if reading.stop.is_some() {
        return Above::Nothing(bytes);
    }
    match ether_type {
        Some(ethernet::IPV4) => v4(bytes, network, reading),
        Some(ethernet::IPV6) => v6(bytes, network, reading),
        Some(ethernet::ARP) => arp(bytes, network, reading),
        Some(other) => {
            reading.stop(Layer::Link, StopReason::UnknownType(u32::from(other)));
            Above::Nothing(bytes)
        }
        None => match bytes.first().map(|byte| byte >> 4) {
            Some(4) => v4(bytes, network, reading),
            Some(6) => v6(bytes, network, reading),
            Some(version) => {
                reading.stop(Layer::Ipv4, StopReason::BadVersion(version));
                Above::Nothing(bytes)
            }
            None => {
                reading.short(Layer::Ipv4, ipv4::HEADER_BYTES, 0);
                Above::Nothing(bytes)
            }
        },
    }
}

fn arp<'a>(bytes: &'a [u8], network: &mut Network<'a>, reading: &mut Reading) -> Above<'a> {
    let Some(arp) = ArpPacket::new(bytes) else {
        reading.short(Layer::Arp, 28, bytes.len());
        return Above::Nothing(bytes);
    };
    let (hardware, protocol) = (arp.get_hardware_type().0, arp.get_protocol_type().0);
    if (hardware, protocol) != (1, ethernet::IPV4) {
        reading.stop(Layer::Arp, StopReason::UnknownType(u32::from(protocol)));
        return Above::Nothing(bytes);
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
    *network = Network::Arp(arp);
    Above::Nothing(&[])
}

#[inline(always)]
fn v4<'a>(bytes: &'a [u8], network: &mut Network<'a>, reading: &mut Reading) -> Above<'a> {
    let Some(view) = Ipv4Packet::new(bytes) else {
        reading.short(Layer::Ipv4, ipv4::HEADER_BYTES, bytes.len());
        return Above::Nothing(bytes);
    };
    if view.get_version() != 4 {
        reading.stop(Layer::Ipv4, StopReason::BadVersion(view.get_version()));
        return Above::Nothing(bytes);
    }
    let words = view.get_header_length();
    let header_bytes = usize::from(words) * 4;
    let header = match bytes.get(..header_bytes) {
        Some(header) if header_bytes >= ipv4::HEADER_BYTES => header,
        _ => bytes.get(..ipv4::HEADER_BYTES).unwrap_or(bytes),
    };
    let ip = V4 {
        source: view.get_source(),
        destination: view.get_destination(),
        tos: view.get_dscp() << 2 | view.get_ecn(),
        total_length: view.get_total_length(),
        identification: view.get_identification(),
        flags: view.get_flags(),
        fragment_offset: view.get_fragment_offset(),
        ttl: view.get_ttl(),
        protocol: view.get_next_level_protocol().0,
        header,
    };
    *network = Network::V4(ip);
    if header_bytes < ipv4::HEADER_BYTES || header_bytes > bytes.len() {
        reading.anomalies |= Anomalies::IP_HEADER_LENGTH;
        if header_bytes < ipv4::HEADER_BYTES {
            reading.stop(Layer::Ipv4, StopReason::BadHeaderLength(words));
        } else {
            reading.short(Layer::Ipv4, header_bytes, bytes.len());
        }
        return Above::Nothing(&[]);
    }
    let (rest, length) = bounded(bytes, header_bytes, usize::from(ip.total_length), reading);
    reading.offset += header_bytes;
    if ip.fragment_offset != 0 {
        return Above::Fragment(rest, length);
    }
    let segment = Segment {
        protocol: ip.protocol,
        bytes: rest,
        length,
        partial: ip.is_fragment(),
    };
    Above::Transport(segment)
}

/// The bytes from `header` to `total`, and how many they are on the wire. A total of 0 is what a sender's own
/// capture shows before the network card cuts the segments: then all bytes belong.
#[inline]
fn bounded<'a>(
    bytes: &'a [u8],
    header: usize,
    total: usize,
    reading: &mut Reading,
) -> (&'a [u8], usize) {
    let on_wire = bytes.len() + reading.missing;
    let total = match total {
        0 => on_wire,
        short if short < header => {
            reading.anomalies |= Anomalies::IP_LENGTH_SHORT;
            header
        }
        beyond if beyond > on_wire => {
            reading.anomalies |= Anomalies::IP_LENGTH_BEYOND;
            beyond
        }
        total => total,
    };
    if total < on_wire && !reading.padded {
        reading.anomalies |= Anomalies::TRAILING_BYTES;
    }
    let end = total.min(bytes.len());
    (bytes.get(header..end).unwrap_or_default(), total - header)
}

fn v6<'a>(bytes: &'a [u8], network: &mut Network<'a>, reading: &mut Reading) -> Above<'a> {
    let Some(view) = Ipv6Packet::new(bytes) else {
        reading.short(Layer::Ipv6, ipv6::HEADER_BYTES, bytes.len());
        return Above::Nothing(bytes);
    };
    if view.get_version() != 6 {
        reading.stop(Layer::Ipv6, StopReason::BadVersion(view.get_version()));
        return Above::Nothing(bytes);
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
    let (rest, length) = bounded(bytes, ipv6::HEADER_BYTES, total, reading);
    reading.offset += ipv6::HEADER_BYTES;
    let above = extensions(&mut ip, rest, length, reading);
    *network = Network::V6(ip);
    above
}

/// Follows extension headers, RFC 8200 section 4, to the transport header.
fn extensions<'a>(
    ip: &mut V6,
    mut rest: &'a [u8],
    mut length: usize,
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
            reading.short(Layer::Ipv6Extension, 8, rest.len());
            return Above::Nothing(rest);
        };
        let header = match ip.protocol {
            FRAGMENT => 8,
            AUTHENTICATION => (usize::from(size) + 2) * 4,
            _ => (usize::from(size) + 1) * 8,
        };
        let Some(after) = rest.get(header..) else {
            reading.short(Layer::Ipv6Extension, header, rest.len());
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
    Above::Transport(Segment {
        protocol: ip.protocol,
        bytes: rest,
        length,
        partial,
    })
}

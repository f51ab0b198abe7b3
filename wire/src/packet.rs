//! An IP packet that can say anything, and how it becomes bytes.

use std::net::IpAddr;

use pnet_packet::icmp::MutableIcmpPacket;
use pnet_packet::udp::MutableUdpPacket;

use crate::checksum::Checksum;
use crate::ethernet::{self, Link};
use crate::icmp::{self, Icmp};
use crate::ipv4::Ipv4;
use crate::ipv6::{self, Ipv6};
use crate::payload::Payload;
use crate::tcp::{self, Tcp};
use crate::udp::{self, Udp};
use crate::words;

/// Protocol number of ICMP.
pub const PROTOCOL_ICMP: u8 = 1;
/// Protocol number of TCP.
pub const PROTOCOL_TCP: u8 = 6;
/// Protocol number of UDP.
pub const PROTOCOL_UDP: u8 = 17;
/// Protocol number of ICMPv6.
pub const PROTOCOL_ICMPV6: u8 = 58;

/// The network header of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ip {
    /// IPv4.
    V4(Ipv4),
    /// IPv6.
    V6(Ipv6),
}

/// What stands between the network header and the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A TCP segment.
    Tcp(Tcp),
    /// A UDP datagram.
    Udp(Udp),
    /// An ICMP message, or an ICMPv6 message where the packet is IPv6.
    Icmp(Icmp),
    /// No header that is known here: the payload follows, under this protocol number.
    Raw(u8),
}

/// An IP packet to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Network header.
    pub ip: Ip,
    /// Transport header.
    pub segment: Segment,
    /// What it carries.
    pub payload: Payload,
}

impl Packet {
    /// Sender's address.
    pub fn source(&self) -> IpAddr {
        match &self.ip {
            Ip::V4(ip) => ip.source.into(),
            Ip::V6(ip) => ip.source.into(),
        }
    }

    /// Receiver's address.
    pub fn destination(&self) -> IpAddr {
        match &self.ip {
            Ip::V4(ip) => ip.destination.into(),
            Ip::V6(ip) => ip.destination.into(),
        }
    }

    /// Ports of sender and receiver, where there are ports.
    #[inline]
    pub fn ports(&self) -> Option<(u16, u16)> {
        match &self.segment {
            Segment::Tcp(tcp) => Some((tcp.source, tcp.destination)),
            Segment::Udp(udp) => Some((udp.source, udp.destination)),
            Segment::Icmp(_) => None,
            Segment::Raw(protocol) => self.ports_in_payload(*protocol),
        }
    }

    fn ports_in_payload(&self, protocol: u8) -> Option<(u16, u16)> {
        if !matches!(protocol, PROTOCOL_TCP | PROTOCOL_UDP) || !self.is_first_fragment() {
            return None;
        }
        match self.payload.slice(0, 4).to_vec().as_slice() {
            [a, b, c, d] => Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]))),
            _ => None,
        }
    }

    fn is_first_fragment(&self) -> bool {
        matches!(&self.ip, Ip::V4(ip) if ip.fragment_offset == 0)
    }

    /// Time to live, or hop limit.
    pub fn ttl(&self) -> u8 {
        match &self.ip {
            Ip::V4(ip) => ip.ttl,
            Ip::V6(ip) => ip.hop_limit,
        }
    }

    /// Sets time to live, or hop limit.
    pub fn set_ttl(&mut self, ttl: u8) {
        match &mut self.ip {
            Ip::V4(ip) => ip.ttl = ttl,
            Ip::V6(ip) => ip.hop_limit = ttl,
        }
    }

    /// Bytes of network header, transport header and payload.
    pub fn total_bytes(&self) -> usize {
        let header = match &self.ip {
            Ip::V4(ip) => ip.header_bytes(),
            Ip::V6(_) => ipv6::HEADER_BYTES,
        };
        header + self.segment.header_bytes() + self.payload.len()
    }

    /// Appends the packet as an Ethernet frame.
    pub fn emit_frame(&self, link: &Link, out: &mut Vec<u8>) {
        let ether_type = match &self.ip {
            Ip::V4(_) => ethernet::IPV4,
            Ip::V6(_) => ethernet::IPV6,
        };
        link.emit(ether_type, self.total_bytes(), out);
        self.emit(out);
    }

    /// Appends the packet from its network header on.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let length = self.segment.header_bytes() + self.payload.len();
        match &self.ip {
            Ip::V4(ip) => ip.emit(self.segment.protocol(false), length, out),
            Ip::V6(ip) => ip.emit(self.segment.protocol(true), length, out),
        }
        if let Segment::Tcp(tcp) = &self.segment {
            return emit_tcp(tcp, &self.ip, &self.payload, out);
        }
        let start = out.len();
        out.resize(start + self.segment.header_bytes(), 0);
        self.payload.emit(out);
        if let Some(bytes) = out.get_mut(start..) {
            self.segment.fill(&self.ip, bytes);
        }
    }
}

impl Ip {
    /// The sum of the pseudo header for `length` bytes of `protocol`.
    fn pseudo_header(&self, protocol: u8, length: usize) -> Checksum {
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        match self {
            Ip::V4(ip) => {
                Checksum::new().pseudo_v4(ip.source, ip.final_destination(), protocol, length)
            }
            Ip::V6(ip) => Checksum::new().pseudo_v6(ip.source, ip.destination, protocol, length),
        }
    }
}

impl Segment {
    /// Bytes of the transport header.
    pub fn header_bytes(&self) -> usize {
        match self {
            Segment::Tcp(tcp) => tcp.header_bytes(),
            Segment::Udp(_) => udp::HEADER_BYTES,
            Segment::Icmp(_) => icmp::HEADER_BYTES,
            Segment::Raw(_) => 0,
        }
    }

    /// The protocol number, which for ICMP depends on the version of IP.
    pub fn protocol(&self, over_ipv6: bool) -> u8 {
        match self {
            Segment::Tcp(_) => PROTOCOL_TCP,
            Segment::Udp(_) => PROTOCOL_UDP,
            Segment::Icmp(_) if over_ipv6 => PROTOCOL_ICMPV6,
            Segment::Icmp(_) => PROTOCOL_ICMP,
            Segment::Raw(protocol) => *protocol,
        }
    }

    /// Fills in the header of a datagram or message at the front of `bytes`, behind which the payload stands already.
    fn fill(&self, ip: &Ip, bytes: &mut [u8]) {
        match self {
            Segment::Udp(udp) => fill_udp(udp, ip, bytes),
            Segment::Icmp(icmp) => fill_icmp(icmp, ip, bytes),
            Segment::Tcp(_) | Segment::Raw(_) => {}
        }
    }
}

/// Appends a segment. As for IPv4, whole words are written and summed, because floods are made of them.
fn emit_tcp(tcp: &Tcp, ip: &Ip, payload: &Payload, out: &mut Vec<u8>) {
    let start = out.len();
    let length = u8::try_from(tcp.header_bytes() / 4).unwrap_or(15);
    let length = u32::from(tcp.data_offset.or(|| length) & 0x0f);
    let flags = u32::from(tcp.flags.0 & 0x0fff);
    let header = [
        u32::from(tcp.source) << 16 | u32::from(tcp.destination),
        tcp.sequence,
        tcp.acknowledgment,
        length << 28 | flags << 16 | u32::from(tcp.window),
        u32::from(tcp.urgent),
    ];
    words::append(header, out);
    let options = tcp.options.as_bytes();
    if !options.is_empty() {
        out.extend_from_slice(options);
        out.resize(out.len() + (tcp.options.padded_bytes() - options.len()), 0);
    }
    payload.emit(out);
    let Some(segment) = out.get_mut(start..) else {
        return;
    };
    let sum = tcp.checksum.or(|| {
        let rest = segment.get(tcp::HEADER_BYTES..).unwrap_or_default();
        ip.pseudo_header(PROTOCOL_TCP, segment.len())
            .words(header)
            .bytes(rest)
            .finish()
    });
    if let Some(room) = segment.get_mut(16..18) {
        room.copy_from_slice(&sum.to_be_bytes());
    }
}

fn fill_udp(udp: &Udp, ip: &Ip, bytes: &mut [u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let sum = ip.pseudo_header(PROTOCOL_UDP, bytes.len());
    let Some(mut header) = MutableUdpPacket::new(bytes) else {
        return;
    };
    header.set_source(udp.source);
    header.set_destination(udp.destination);
    header.set_length(udp.length.or(|| length));
    let sum = udp.checksum.or(
        || match sum.bytes(pnet_packet::Packet::packet(&header)).finish() {
            0 => 0xffff,
            sum => sum,
        },
    );
    header.set_checksum(sum);
}

fn fill_icmp(icmp: &Icmp, ip: &Ip, bytes: &mut [u8]) {
    if let Some(room) = bytes.get_mut(4..icmp::HEADER_BYTES) {
        room.copy_from_slice(&icmp.rest);
    }
    let sum = match ip {
        Ip::V4(_) => Checksum::new(),
        Ip::V6(_) => ip.pseudo_header(PROTOCOL_ICMPV6, bytes.len()),
    };
    let Some(mut header) = MutableIcmpPacket::new(bytes) else {
        return;
    };
    header.set_icmp_type(pnet_packet::icmp::IcmpType(icmp.icmp_type));
    header.set_icmp_code(pnet_packet::icmp::IcmpCode(icmp.code));
    let sum = icmp
        .checksum
        .or(|| sum.bytes(pnet_packet::Packet::packet(&header)).finish());
    header.set_checksum(sum);
}

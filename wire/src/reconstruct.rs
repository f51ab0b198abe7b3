//! From what was read of a frame back to a packet that makes the same bytes.
//!
//! Not reconstructed: IPv6 extension headers, IPv4 headers whose length is wrong, packets that the capture cut, and
//! bytes after the packet, such as Ethernet padding.

use crate::decode::{Anomalies, IcmpView, Layers, Network, TcpView, Transport, UdpView, V4, V6};
use crate::field::Field;
use crate::icmp::{self, Icmp};
use crate::ipv4::Ipv4;
use crate::ipv6::Ipv6;
use crate::packet::{Ip, Packet, Segment};
use crate::payload::Payload;
use crate::tcp::{self, Flags, Options, Tcp};
use crate::udp::{self, Udp};

impl Packet {
    /// The packet that was read, where one was read whole: it makes the same bytes. What follows from the rest of the
    /// packet is [`Field::Computed`], what contradicts it is [`Field::Forced`].
    pub fn from_layers(layers: &Layers<'_>) -> Option<Packet> {
        if layers.anomalies.contains(Anomalies::CUT) {
            return None;
        }
        let (ip, protocol) = match &layers.network {
            Network::V4(ip) => (Ip::V4(v4(ip)?), ip.protocol),
            Network::V6(ip) if ip.extensions == 0 => (Ip::V6(v6(ip)), ip.protocol),
            Network::V6(_) | Network::Arp(_) | Network::None => return None,
        };
        let (segment, payload) = segment(layers, protocol);
        let payload = Payload::new(payload);
        let mut packet = Packet {
            ip,
            segment,
            payload,
        };
        RELAX
            .iter()
            .for_each(|relax| packet.relax_where_right(*relax));
        Some(packet)
    }

    /// Lets a field be computed where that makes the same bytes.
    fn relax_where_right(&mut self, relax: fn(&mut Packet)) {
        let mut relaxed = self.clone();
        relax(&mut relaxed);
        let bytes = |packet: &Packet| {
            let mut bytes = Vec::with_capacity(packet.total_bytes());
            packet.emit(&mut bytes);
            bytes
        };
        if bytes(&relaxed) == bytes(self) {
            *self = relaxed;
        }
    }
}

/// The fields that can be computed, one at a time.
const RELAX: [fn(&mut Packet); 5] = [
    |packet| match &mut packet.ip {
        Ip::V4(ip) => ip.total_length = Field::Computed,
        Ip::V6(ip) => ip.payload_length = Field::Computed,
    },
    |packet| match &mut packet.ip {
        Ip::V4(ip) => ip.protocol = Field::Computed,
        Ip::V6(ip) => ip.next_header = Field::Computed,
    },
    |packet| match &mut packet.ip {
        Ip::V4(ip) => ip.checksum = Field::Computed,
        Ip::V6(_) => {}
    },
    |packet| match &mut packet.segment {
        Segment::Tcp(tcp) => tcp.data_offset = Field::Computed,
        Segment::Udp(udp) => udp.length = Field::Computed,
        Segment::Icmp(_) | Segment::Raw(_) => {}
    },
    |packet| match &mut packet.segment {
        Segment::Tcp(tcp) => tcp.checksum = Field::Computed,
        Segment::Udp(udp) => udp.checksum = Field::Computed,
        Segment::Icmp(icmp) => icmp.checksum = Field::Computed,
        Segment::Raw(_) => {}
    },
];

/// The header, `None` where its length is wrong.
fn v4(ip: &V4<'_>) -> Option<Ipv4> {
    let &[first, _, _, _, _, _, _, _, _, _, high, low, ..] = ip.header else {
        return None;
    };
    if usize::from(first & 0x0f) * 4 != ip.header.len() {
        return None;
    }
    Some(Ipv4 {
        tos: ip.tos,
        total_length: Field::Forced(ip.total_length),
        identification: ip.identification,
        flags: ip.flags,
        fragment_offset: ip.fragment_offset,
        ttl: ip.ttl,
        protocol: Field::Forced(ip.protocol),
        checksum: Field::Forced(u16::from_be_bytes([high, low])),
        options: Some(ip.options())
            .filter(|bytes| !bytes.is_empty())
            .map(Into::into),
        ..Ipv4::new(ip.source, ip.destination)
    })
}

fn v6(ip: &V6) -> Ipv6 {
    Ipv6 {
        traffic_class: ip.traffic_class,
        flow_label: ip.flow_label,
        payload_length: Field::Forced(ip.payload_length),
        next_header: Field::Forced(ip.protocol),
        hop_limit: ip.hop_limit,
        ..Ipv6::new(ip.source, ip.destination)
    }
}

/// The transport header and what follows it; without a header that can be made, all of it under its number.
fn segment<'a>(layers: &Layers<'a>, protocol: u8) -> (Segment, &'a [u8]) {
    match &layers.transport {
        Transport::Tcp(view) => tcp(view),
        Transport::Udp(view) => udp(view),
        Transport::Icmp(view) | Transport::Icmpv6(view) => icmp(view, protocol),
        Transport::None | Transport::Fragment | Transport::Other(_) => {
            (Segment::Raw(protocol), layers.payload)
        }
    }
}

fn tcp<'a>(view: &TcpView<'a>) -> (Segment, &'a [u8]) {
    let byte = |at: usize| view.segment.get(at).copied().unwrap_or_default();
    let said = usize::from(byte(12) >> 4) * 4;
    let in_header = said.clamp(tcp::HEADER_BYTES, view.segment.len().max(tcp::HEADER_BYTES));
    let header = if in_header == said {
        said
    } else {
        tcp::HEADER_BYTES
    };
    let tcp = Tcp {
        sequence: view.sequence,
        acknowledgment: view.acknowledgment,
        data_offset: Field::Forced(byte(12) >> 4),
        flags: Flags(u16::from_be_bytes([byte(12) & 0x0f, byte(13)])),
        window: view.window,
        checksum: Field::Forced(u16::from_be_bytes([byte(16), byte(17)])),
        urgent: view.urgent,
        options: Options::from_bytes(
            view.segment
                .get(tcp::HEADER_BYTES..header)
                .unwrap_or_default(),
        ),
        ..Tcp::new(view.source, view.destination, Flags::NONE)
    };
    (
        Segment::Tcp(tcp),
        view.segment.get(header..).unwrap_or_default(),
    )
}

fn udp<'a>(view: &UdpView<'a>) -> (Segment, &'a [u8]) {
    let byte = |at: usize| view.segment.get(at).copied().unwrap_or_default();
    let udp = Udp {
        length: Field::Forced(view.length),
        checksum: Field::Forced(u16::from_be_bytes([byte(6), byte(7)])),
        ..Udp::new(view.source, view.destination)
    };
    (
        Segment::Udp(udp),
        view.segment.get(udp::HEADER_BYTES..).unwrap_or_default(),
    )
}

fn icmp<'a>(view: &IcmpView<'a>, protocol: u8) -> (Segment, &'a [u8]) {
    let Some(payload) = view.segment.get(icmp::HEADER_BYTES..) else {
        return (Segment::Raw(protocol), view.segment);
    };
    let byte = |at: usize| view.segment.get(at).copied().unwrap_or_default();
    let icmp = Icmp {
        checksum: Field::Forced(u16::from_be_bytes([byte(2), byte(3)])),
        rest: view.rest,
        ..Icmp::new(view.icmp_type, view.code)
    };
    (Segment::Icmp(icmp), payload)
}

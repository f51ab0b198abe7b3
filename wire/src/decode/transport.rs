//! Transport headers: TCP, UDP, ICMP, ICMPv6, and the packet that an ICMP error quotes.

use std::net::IpAddr;

use pnet_packet::icmp::IcmpPacket;
use pnet_packet::ipv4::Ipv4Packet;
use pnet_packet::ipv6::Ipv6Packet;
use pnet_packet::tcp::TcpPacket;
use pnet_packet::udp::UdpPacket;

use super::Layers;
use super::network::{Network, Segment};
use super::report::{Anomalies, Layer, Reading, StopReason};
use crate::checksum::Checksum;
use crate::icmp::{self, Icmp};
use crate::packet::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};
use crate::tcp::{self, Flags, OptionIter};
use crate::{ipv4, ipv6, udp};

/// What was read of the transport header.
#[derive(Clone, Copy, Debug, Default)]
pub enum Transport<'a> {
    /// None.
    #[default]
    None,
    /// TCP.
    Tcp(TcpView<'a>),
    /// UDP.
    Udp(UdpView<'a>),
    /// ICMP.
    Icmp(IcmpView<'a>),
    /// ICMPv6.
    Icmpv6(IcmpView<'a>),
    /// A fragment that is not the first: its transport header is elsewhere.
    Fragment,
    /// Another protocol, by its number.
    Other(u8),
}

/// A TCP header, RFC 9293 section 3.1.
#[derive(Clone, Copy, Debug)]
pub struct TcpView<'a> {
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub destination: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number, significant or not.
    pub acknowledgment: u32,
    /// Control bits.
    pub flags: Flags,
    /// Window, before scaling.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Option bytes.
    pub options: &'a [u8],
    /// The whole segment, as far as captured.
    pub segment: &'a [u8],
}

impl<'a> TcpView<'a> {
    /// The options one by one.
    pub fn options(&self) -> OptionIter<'a> {
        OptionIter::new(self.options)
    }
}

/// A UDP header, RFC 768.
#[derive(Clone, Copy, Debug)]
pub struct UdpView<'a> {
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub destination: u16,
    /// Header and payload, in bytes, as the header says.
    pub length: u16,
    /// The whole datagram, as far as captured.
    pub segment: &'a [u8],
}

/// An ICMP header, RFC 792 or RFC 4443.
#[derive(Clone, Copy, Debug)]
pub struct IcmpView<'a> {
    /// Type.
    pub icmp_type: u8,
    /// Code.
    pub code: u8,
    /// The second four bytes; zero where they are missing.
    pub rest: [u8; 4],
    /// The whole message, as far as captured.
    pub segment: &'a [u8],
}

impl IcmpView<'_> {
    /// Whether it is an ICMP (not ICMPv6) error.
    pub fn is_error(&self) -> bool {
        Icmp::is_error(self.icmp_type)
    }

    /// Whether it is an ICMPv6 error, RFC 4443 section 2.1: types below 128.
    pub fn is_error_v6(&self) -> bool {
        self.icmp_type < 128
    }
}

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

/// The packet that an ICMP error quotes, as far as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote<'a> {
    /// Who sent it, or in whose name it was sent.
    pub source: IpAddr,
    /// Whom it was for.
    pub destination: IpAddr,
    /// What it carried.
    pub protocol: u8,
    /// Time to live where the error arose.
    pub ttl: u8,
    /// Identification; 0 for IPv6.
    pub identification: u16,
    /// Its ports, where it has some and they were quoted.
    pub ports: Option<(u16, u16)>,
    /// Its TCP sequence number, where it has one and it was quoted.
    pub sequence: Option<u32>,
    /// Its TCP flags, where they were quoted.
    pub flags: Option<Flags>,
    /// Type and code, where it is an ICMP message itself.
    pub icmp: Option<(u8, u8)>,
    /// What was quoted above its network header.
    pub bytes: &'a [u8],
}

impl<'a> Quote<'a> {
    /// Reads a quoted packet from its network header on. IPv6 extension headers are not followed.
    pub fn read(bytes: &'a [u8]) -> Option<Quote<'a>> {
        match bytes.first()? >> 4 {
            4 => {
                let view = Ipv4Packet::new(bytes)?;
                let header = usize::from(view.get_header_length()) * 4;
                let rest = bytes
                    .get(header.max(ipv4::HEADER_BYTES)..)
                    .unwrap_or_default();
                let quote = Quote {
                    source: view.get_source().into(),
                    destination: view.get_destination().into(),
                    protocol: view.get_next_level_protocol().0,
                    ttl: view.get_ttl(),
                    identification: view.get_identification(),
                    ..Quote::of(rest)
                };
                Some(quote.with_segment(view.get_fragment_offset() == 0))
            }
            6 => {
                let view = Ipv6Packet::new(bytes)?;
                let rest = bytes.get(ipv6::HEADER_BYTES..).unwrap_or_default();
                let quote = Quote {
                    source: view.get_source().into(),
                    destination: view.get_destination().into(),
                    protocol: view.get_next_header().0,
                    ttl: view.get_hop_limit(),
                    ..Quote::of(rest)
                };
                Some(quote.with_segment(true))
            }
            _ => None,
        }
    }

    fn of(bytes: &'a [u8]) -> Quote<'a> {
        Quote {
            source: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            destination: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            protocol: 0,
            ttl: 0,
            identification: 0,
            ports: None,
            sequence: None,
            flags: None,
            icmp: None,
            bytes,
        }
    }

    fn with_segment(mut self, first: bool) -> Self {
        if !first {
            return self;
        }
        match (self.protocol, self.bytes) {
            (PROTOCOL_TCP | PROTOCOL_UDP, &[a, b, c, d, ref rest @ ..]) => {
                self.ports = Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
                if let (PROTOCOL_TCP, &[a, b, c, d, ref rest @ ..]) = (self.protocol, rest) {
                    self.sequence = Some(u32::from_be_bytes([a, b, c, d]));
                    self.flags = rest.get(5).map(|flags| Flags(u16::from(*flags)));
                }
            }
            (PROTOCOL_ICMP | PROTOCOL_ICMPV6, &[icmp_type, code, ..]) => {
                self.icmp = Some((icmp_type, code));
            }
            _ => {}
        }
        self
    }
}

pub(super) fn checksum_anomalies(layers: &Layers<'_>) -> Anomalies {
    let mut found = Anomalies::NONE;
    if let Network::V4(ip) = &layers.network
        && Checksum::new().bytes(ip.header).finish() != 0
    {
        found |= Anomalies::IP_CHECKSUM;
    }
    let (segment, protocol) = match &layers.transport {
        Transport::Tcp(tcp) => (tcp.segment, PROTOCOL_TCP),
        Transport::Udp(udp) if no_udp_sum(udp) => return found,
        Transport::Udp(udp) => (udp.segment, PROTOCOL_UDP),
        Transport::Icmp(icmp) => (icmp.segment, PROTOCOL_ICMP),
        Transport::Icmpv6(icmp) => (icmp.segment, PROTOCOL_ICMPV6),
        Transport::None | Transport::Fragment | Transport::Other(_) => return found,
    };
    let partial = match &layers.network {
        Network::V4(ip) => ip.is_fragment(),
        Network::V6(ip) => ip.fragment.is_some_and(|(_, more)| more),
        _ => true,
    };
    if partial
        || layers.payload.len() < layers.payload_length
        || layers.anomalies.contains(Anomalies::IP_LENGTH_BEYOND)
    {
        return found;
    }
    let Ok(length) = u16::try_from(segment.len()) else {
        return found;
    };
    let sum = match &layers.network {
        Network::V4(_) if protocol == PROTOCOL_ICMP => Checksum::new(),
        Network::V4(ip) => Checksum::new().pseudo_v4(ip.source, ip.destination, protocol, length),
        Network::V6(ip) => Checksum::new().pseudo_v6(ip.source, ip.destination, protocol, length),
        _ => return found,
    };
    if sum.bytes(segment).finish() != 0 {
        found |= Anomalies::TRANSPORT_CHECKSUM;
    }
    found
}

/// A UDP checksum of 0 says that there is none, RFC 768.
fn no_udp_sum(udp: &UdpView<'_>) -> bool {
    matches!(udp.segment, &[_, _, _, _, _, _, 0, 0, ..])
}

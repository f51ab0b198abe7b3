//! What a decoder says about bytes that are not as they should be.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A layer that decoding can stop in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Ethernet, cooked or loopback header.
    Link,
    /// IEEE 802.2 LLC with or without SNAP.
    Llc,
    /// VLAN tag.
    Vlan,
    /// Address resolution.
    Arp,
    /// IPv4 header.
    Ipv4,
    /// IPv6 fixed header.
    Ipv6,
    /// IPv6 extension header.
    Ipv6Extension,
    /// TCP header.
    Tcp,
    /// UDP header.
    Udp,
    /// ICMP or ICMPv6 header.
    Icmp,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Layer::Link => "link header",
            Layer::Llc => "LLC header",
            Layer::Vlan => "VLAN tag",
            Layer::Arp => "ARP",
            Layer::Ipv4 => "IPv4 header",
            Layer::Ipv6 => "IPv6 header",
            Layer::Ipv6Extension => "IPv6 extension header",
            Layer::Tcp => "TCP header",
            Layer::Udp => "UDP header",
            Layer::Icmp => "ICMP header",
        })
    }
}

/// Why decoding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The header needs more bytes than there are.
    Short {
        /// Bytes the header needs.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// What follows is of a type that is not decoded.
    UnknownType(u32),
    /// What follows is encrypted.
    Encrypted,
    /// The header is of another version than its place says.
    BadVersion(u8),
    /// The header's own length is less than its fixed part.
    BadHeaderLength(u8),
}

/// Where and why decoding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The layer that could not be read, or whose content is of unknown type.
    pub layer: Layer,
    /// Byte offset of that layer in the frame.
    pub offset: usize,
    /// Why.
    pub reason: StopReason,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: ", self.layer, self.offset)?;
        match self.reason {
            StopReason::Short { needed, available } => {
                write!(f, "needs {needed} bytes, {available} are there")
            }
            StopReason::UnknownType(number) => write!(f, "type {number:#x} is not decoded"),
            StopReason::Encrypted => write!(f, "what follows is encrypted"),
            StopReason::BadVersion(version) => write!(f, "version is {version}"),
            StopReason::BadHeaderLength(words) => {
                write!(f, "its length of {words} words is below the fixed part")
            }
        }
    }
}

/// Oddities met while decoding, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Anomalies(u16);

impl Anomalies {
    /// Nothing odd.
    pub const NONE: Anomalies = Anomalies(0);
    /// The IP length is less than its header.
    pub const IP_LENGTH_SHORT: Anomalies = Anomalies(1 << 0);
    /// The IP length reaches beyond the frame, and the capture did not cut it.
    pub const IP_LENGTH_BEYOND: Anomalies = Anomalies(1 << 1);
    /// The IPv4 header is shorter than 20 bytes or reaches beyond the packet.
    pub const IP_HEADER_LENGTH: Anomalies = Anomalies(1 << 2);
    /// Bytes after the packet that are more than Ethernet padding.
    pub const TRAILING_BYTES: Anomalies = Anomalies(1 << 3);
    /// The TCP header is shorter than 20 bytes or reaches beyond the segment.
    pub const TCP_HEADER_LENGTH: Anomalies = Anomalies(1 << 4);
    /// The UDP length is less than its header or another than the IP packet implies.
    pub const UDP_LENGTH: Anomalies = Anomalies(1 << 5);
    /// The 802.3 length reaches beyond the frame.
    pub const LLC_LENGTH: Anomalies = Anomalies(1 << 6);
    /// The IPv4 header checksum is wrong.
    pub const IP_CHECKSUM: Anomalies = Anomalies(1 << 7);
    /// The transport checksum is wrong.
    pub const TRANSPORT_CHECKSUM: Anomalies = Anomalies(1 << 8);
    /// The capture holds only the first part of the frame.
    pub const CUT: Anomalies = Anomalies(1 << 9);

    const NAMES: [(Anomalies, &'static str); 10] = [
        (Anomalies::IP_LENGTH_SHORT, "ip-length-short"),
        (Anomalies::IP_LENGTH_BEYOND, "ip-length-beyond"),
        (Anomalies::IP_HEADER_LENGTH, "ip-header-length"),
        (Anomalies::TRAILING_BYTES, "trailing-bytes"),
        (Anomalies::TCP_HEADER_LENGTH, "tcp-header-length"),
        (Anomalies::UDP_LENGTH, "udp-length"),
        (Anomalies::LLC_LENGTH, "llc-length"),
        (Anomalies::IP_CHECKSUM, "ip-checksum"),
        (Anomalies::TRANSPORT_CHECKSUM, "transport-checksum"),
        (Anomalies::CUT, "cut"),
    ];

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `others` are among these.
    pub const fn contains(self, others: Anomalies) -> bool {
        self.0 & others.0 == others.0
    }

    /// The names of those in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Anomalies::NAMES
            .into_iter()
            .filter(move |(one, _)| self.contains(*one))
            .map(|(_, name)| name)
    }
}

impl BitOr for Anomalies {
    type Output = Anomalies;

    fn bitor(self, other: Anomalies) -> Anomalies {
        Anomalies(self.0 | other.0)
    }
}

impl BitOrAssign for Anomalies {
    fn bitor_assign(&mut self, other: Anomalies) {
        self.0 |= other.0;
    }
}

/// Where the decoder stands.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    /// Bytes of the frame that the capture left out.
    pub(super) missing: usize,
    /// Whether bytes after the packet may be Ethernet padding.
    pub(super) padded: bool,
    /// Offset of the layer being read.
    pub(super) offset: usize,
}

impl Reading {
    pub(super) fn new(missing: usize) -> Self {
        Reading {
            missing,
            padded: false,
            offset: 0,
        }
    }
}

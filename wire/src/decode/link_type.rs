//! Link types, as captures name them.
//!
//! Source: the registry at <https://www.tcpdump.org/linktypes.html>.

use std::fmt;

use pcap_file::DataLink;

/// The kind of link header that frames of a capture start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: address family in the byte order of the capturing host.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// Raw IP under the number that some BSD kernels write into files.
    pub const RAW_BSD: LinkType = LinkType(12);
    /// Raw IP under the number of OpenBSD kernels.
    pub const RAW_OPENBSD: LinkType = LinkType(14);
    /// Raw IPv4 or IPv6, told apart by the version.
    pub const RAW: LinkType = LinkType(101);
    /// OpenBSD loopback: address family in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// Linux cooked capture.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// Raw IPv4.
    pub const IPV4: LinkType = LinkType(228);
    /// Raw IPv6.
    pub const IPV6: LinkType = LinkType(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: LinkType = LinkType(276);

    /// PPP, with or without the address of HDLC-like framing (RFC 1662).
    pub const PPP: LinkType = LinkType(9);
    /// PPP in HDLC-like framing, RFC 1662.
    pub const PPP_HDLC: LinkType = LinkType(50);
    /// Cisco HDLC.
    pub const C_HDLC: LinkType = LinkType(104);
    /// IEEE 802.11.
    pub const IEEE802_11: LinkType = LinkType(105);
    /// IEEE 802.11 behind a radiotap header.
    pub const RADIOTAP: LinkType = LinkType(127);
    /// OpenBSD's packet filter: its verdict, and the packet.
    pub const PFLOG: LinkType = LinkType(117);
    /// Linux's packet filter: its verdict, and the packet.
    pub const NFLOG: LinkType = LinkType(239);
    /// PPP with a byte of direction, as pppd writes it.
    pub const PPP_PPPD: LinkType = LinkType(166);
    /// Per-packet information, which names the link type of what it holds.
    pub const PPI: LinkType = LinkType(192);

    /// Link types whose header [`Layers::open`](super::Layers::open) takes off, and decoding alone does not.
    pub const OPENED: [LinkType; 9] = [
        LinkType::PPP,
        LinkType::PPP_HDLC,
        LinkType::C_HDLC,
        LinkType::IEEE802_11,
        LinkType::RADIOTAP,
        LinkType::PPP_PPPD,
        LinkType::PPI,
        LinkType::PFLOG,
        LinkType::NFLOG,
    ];

    /// All link types that are decoded.
    pub const SUPPORTED: [LinkType; 10] = [
        LinkType::NULL,
        LinkType::ETHERNET,
        LinkType::RAW_BSD,
        LinkType::RAW_OPENBSD,
        LinkType::RAW,
        LinkType::LOOP,
        LinkType::LINUX_SLL,
        LinkType::IPV4,
        LinkType::IPV6,
        LinkType::LINUX_SLL2,
    ];

    /// Whether frames of this type can be decoded.
    pub fn is_supported(self) -> bool {
        LinkType::SUPPORTED.contains(&self)
    }

    /// Whether frames of this type can be decoded once their header has been taken off.
    pub fn is_opened(self) -> bool {
        LinkType::OPENED.contains(&self)
    }
}

impl fmt::Display for LinkType {
    /// Name and number: `IEEE802_11 (105)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DataLink::from(self.0) {
            DataLink::Unknown(number) => write!(f, "number {number}"),
            known => write!(f, "{known:?} ({})", self.0),
        }
    }
}

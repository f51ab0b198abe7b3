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

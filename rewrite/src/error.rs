//! Why frames cannot be rewritten as asked.

use ipnet::IpNet;
use wire::LinkType;

use super::address::AddressMap;
use super::port::PortMap;

/// A plan that cannot be carried out, or a frame that the plan does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// Text that is no address map.
    #[error("'{0}' is no address map: write PREFIX=PREFIX, such as 192.0.2.0/24=10.1.0.0/16")]
    AddressMapSyntax(String),
    /// A prefix with bits set behind its length.
    #[error("{given} has bits set behind its length: write {}", given.trunc())]
    HostBits {
        /// The prefix.
        given: IpNet,
    },
    /// A map from IPv4 to IPv6 or the other way.
    #[error(
        "the map {0} leads from one family of addresses to the other: map IPv4 to IPv4, IPv6 to IPv6"
    )]
    MixedFamilies(AddressMap),
    /// A map whose target is smaller than what is mapped.
    #[error("the map {0} has not room for all addresses of {from}: its target must be a /{length} or larger", from = .0.from, length = .0.from.prefix_len())]
    TargetTooSmall(AddressMap),
    /// A map whose target does not hold the addresses of all passes.
    #[error("the map {map} has not room for {passes} passes with addresses of their own: {}", remedy(.needed))]
    NoRoomForPasses {
        /// The map.
        map: AddressMap,
        /// The passes asked for.
        passes: u32,
        /// The longest prefix that has room, where there is one.
        needed: Option<u8>,
    },
    /// Addresses that differ from pass to pass, of which there are none.
    #[error("addresses of their own for each pass need a number of passes: say how many, from 1")]
    NoPasses,
    /// Text that is no port map.
    #[error(
        "'{0}' is no port map: write PORT=PORT or FIRST-LAST=FIRST-LAST, such as 1000-1999=3000-3999"
    )]
    PortMapSyntax(String),
    /// A port range that ends before it begins, or one that is mapped to another of a different size.
    #[error("the port map {0} must lead from one range to another of the same size")]
    UnequalPorts(PortMap),
    /// A VLAN identifier beyond the last that IEEE 802.1Q leaves to users.
    #[error("{0} is no VLAN identifier: write a number from 0 to 4094")]
    VlanIdentifier(u16),
    /// An MTU below that which each network must carry.
    #[error("an MTU of {0} bytes is below the 68 of RFC 791: write 68 or more")]
    MtuTooSmall(usize),
    /// A frame of a link type that cannot become Ethernet.
    #[error(
        "frames of link type {0} cannot be sent as Ethernet: convert the capture first, or choose one of Ethernet, raw IP, BSD loopback or Linux cooked"
    )]
    UnsupportedLinkType(LinkType),
    /// A packet beyond the MTU, where the plan is to refuse.
    #[error(
        "a packet of {bytes} bytes is beyond the MTU of {mtu}: raise the interface's MTU, or say --oversize fragment, truncate or skip"
    )]
    Oversize {
        /// Bytes of the packet.
        bytes: usize,
        /// Bytes that the interface takes.
        mtu: usize,
    },
}

fn remedy(needed: &Option<u8>) -> String {
    match needed {
        Some(length) => format!("its target must be a /{length} or larger"),
        None => "no prefix is that large, ask for fewer passes or map less".to_owned(),
    }
}

//! A route, from a message of rtnetlink.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use netlink_packet_core::Parseable;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteLwEnCapType, RouteMessage, RouteType,
};

/// Families of the multicast routers, RTNL_FAMILY_IPMR and RTNL_FAMILY_IP6MR in linux/rtnetlink.h.
const MULTICAST_ROUTERS: [u8; 2] = [128, 129];

/// A route that leads packets elsewhere, of any table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which packets it leads; all, where their addresses do not decide (MPLS).
    pub destination: IpNet,
    /// Which packets go by it.
    pub takes: Takes,
    /// Through which interfaces.
    pub through: Ways,
    /// Whether it leads to a router, or into a tunnel, and not to those on the link.
    pub beyond: bool,
}

/// Which packets a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Those that the host sends, and those that arrive where it forwards.
    Usual,
    /// Those that arrive there, of a multicast router, whatever the switches of forwarding say.
    Multicasts(u32),
    /// Those that arrive with its label (MPLS), likewise.
    Labels,
    /// Those that arrive for it, likewise, and whatever is within them may go on anywhere (local segments, SRv6).
    Segments,
}

/// The interfaces that a route leads through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ways {
    /// These.
    Known(Vec<u32>),
    /// It names a next hop, which is kept elsewhere.
    NextHop(u32),
}

impl Route {
    /// Whether it leads, or may lead, through that interface.
    pub fn leads_through(&self, index: u32) -> bool {
        match &self.through {
            Ways::Known(ways) => ways.contains(&index),
            Ways::NextHop(_) => true,
        }
    }
}

/// A route, where the message holds one by which packets leave. One that cannot be read is taken for a default route
/// through everything.
pub fn read_route(message: &[u8]) -> Option<Route> {
    let Ok(message) = RouteMessage::parse(message) else {
        return Some(Route {
            destination: whole(AddressFamily::Inet),
            takes: Takes::Usual,
            through: Ways::NextHop(0),
            beyond: true,
        });
    };
    let header = &message.header;
    let leads =
        matches!(header.kind, RouteType::Unicast | RouteType::Multicast) || !is_known(header.kind);
    if !leads || header.flags.contains(RouteFlags::Cloned) {
        return None;
    }
    let family = u8::from(header.address_family);
    let mut route = Route {
        destination: whole(header.address_family),
        takes: Takes::Usual,
        through: Ways::Known(Vec::new()),
        beyond: false,
    };
    let mut outputs = Vec::new();
    let (mut next_hop, mut input, mut encapsulates) = (None, None, false);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => {
                let length = header.destination_prefix_length;
                if let Some(destination) = network(address, length) {
                    route.destination = destination;
                }
            }
            RouteAttribute::Iif(index) => input = Some(*index),
            RouteAttribute::Oif(index) => outputs.push(*index),
            RouteAttribute::NhId(id) => next_hop = Some(*id),
            RouteAttribute::MultiPath(hops) => {
                outputs.extend(hops.iter().map(|hop| hop.interface_index));
                let mut attributes = hops.iter().flat_map(|hop| &hop.attributes);
                route.beyond |= attributes.clone().any(is_beyond);
                encapsulates |= attributes.clone().any(is_capsule);
                if attributes.any(is_segment) {
                    route.takes = Takes::Segments;
                }
            }
            other => {
                route.beyond |= is_beyond(other);
                encapsulates |= is_capsule(other);
                if is_segment(other) {
                    route.takes = Takes::Segments;
                }
            }
        }
    }
    if encapsulates {
        // Where the capsule goes is not for the addresses within it to say.
        route.destination = whole(header.address_family);
    }
    match input {
        Some(input) if MULTICAST_ROUTERS.contains(&family) => {
            route.takes = Takes::Multicasts(input);
        }
        _ if header.address_family == AddressFamily::Mpls => route.takes = Takes::Labels,
        _ => {}
    }
    route.through = match next_hop {
        Some(id) if outputs.is_empty() => Ways::NextHop(id),
        _ => Ways::Known(outputs),
    };
    Some(route)
}

/// The addresses at which this machine hears, its own and those that it shares with others, where the message is a route to
/// itself.
pub fn read_own(message: &[u8]) -> Option<IpNet> {
    let message = RouteMessage::parse(message).ok()?;
    let header = &message.header;
    if !matches!(
        header.kind,
        RouteType::Local | RouteType::Broadcast | RouteType::Anycast
    ) {
        return None;
    }
    let mut attributes = message.attributes.iter();
    let told = attributes.find_map(|attribute| match attribute {
        RouteAttribute::Destination(address) => Some(address),
        _ => None,
    });
    match told {
        Some(address) => network(address, header.destination_prefix_length),
        // A local route for everything, as transparent proxies have.
        None => Some(whole(header.address_family)),
    }
}

/// Whether those on the link are not the ones who get the packets.
fn is_beyond(attribute: &RouteAttribute) -> bool {
    matches!(
        attribute,
        RouteAttribute::Gateway(_)
            | RouteAttribute::Via(_)
            | RouteAttribute::Encap(_)
            | RouteAttribute::EncapType(_)
            | RouteAttribute::NewDestination(_)
    )
}

/// Whether packets travel within others.
fn is_capsule(attribute: &RouteAttribute) -> bool {
    matches!(attribute, RouteAttribute::EncapType(kind)
        if !matches!(kind, RouteLwEnCapType::None | RouteLwEnCapType::Seg6Local))
}

/// Whether packets end here, and those within them go on.
fn is_segment(attribute: &RouteAttribute) -> bool {
    matches!(
        attribute,
        RouteAttribute::EncapType(RouteLwEnCapType::Seg6Local)
    )
}

/// Kinds of routes that stay inside: to this machine, or nowhere.
fn is_known(kind: RouteType) -> bool {
    matches!(
        kind,
        RouteType::Local
            | RouteType::Broadcast
            | RouteType::Anycast
            | RouteType::BlackHole
            | RouteType::Unreachable
            | RouteType::Prohibit
            | RouteType::Throw
    )
}

fn whole(family: AddressFamily) -> IpNet {
    let address = match family {
        AddressFamily::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    };
    IpNet::new_assert(address, 0)
}

fn network(address: &RouteAddress, length: u8) -> Option<IpNet> {
    let address = match address {
        RouteAddress::Inet(address) => IpAddr::V4(*address),
        RouteAddress::Inet6(address) => IpAddr::V6(*address),
        _ => return None,
    };
    IpNet::new(address, length).ok().map(|net| net.trunc())
}

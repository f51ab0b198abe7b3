//! A route, from a message of rtnetlink.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use netlink_packet_core::Parseable;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteType,
};

/// Families of the multicast routers, RTNL_FAMILY_IPMR and RTNL_FAMILY_IP6MR in linux/rtnetlink.h.
const MULTICAST_ROUTERS: [u8; 2] = [128, 129];

/// A route that leads packets elsewhere, of any table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which packets it leads; all, where their addresses do not decide (MPLS).
    pub destination: IpNet,
    /// For packets that come in there only: what a multicast router goes by.
    pub input: Option<u32>,
    /// Through which interfaces.
    pub through: Ways,
    /// Whether it leads to a router, or into a tunnel, and not to those on the link.
    pub beyond: bool,
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
            input: None,
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
        input: None,
        through: Ways::Known(Vec::new()),
        beyond: false,
    };
    let mut outputs = Vec::new();
    let mut next_hop = None;
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => {
                let length = header.destination_prefix_length;
                if let Some(destination) = network(address, length) {
                    route.destination = destination;
                }
            }
            RouteAttribute::Iif(index) => route.input = Some(*index),
            RouteAttribute::Oif(index) => outputs.push(*index),
            RouteAttribute::NhId(id) => next_hop = Some(*id),
            RouteAttribute::MultiPath(hops) => {
                outputs.extend(hops.iter().map(|hop| hop.interface_index));
                route.beyond |= hops.iter().any(|hop| hop.attributes.iter().any(is_beyond));
            }
            other => route.beyond |= is_beyond(other),
        }
    }
    if !MULTICAST_ROUTERS.contains(&family) {
        route.input = None;
    }
    route.through = match next_hop {
        Some(id) if outputs.is_empty() => Ways::NextHop(id),
        _ => Ways::Known(outputs),
    };
    Some(route)
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

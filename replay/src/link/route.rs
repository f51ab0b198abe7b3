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
    /// Those that arrive for it, likewise, and whatever is within them, or made of them, may go on anywhere: local segments
    /// (SRv6), a program (BPF).
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
    let hops = Hops::of(&message.attributes);
    // What stays inside may first be handed to who takes it apart, or to a program.
    let leads = hops.capsule || hops.segments || !stays(header.kind);
    if !leads || header.flags.contains(RouteFlags::Cloned) {
        return None;
    }
    let told = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            // Where a capsule goes is not for the addresses within it to say.
            RouteAttribute::Destination(address) if !hops.capsule => {
                network(address, header.destination_prefix_length)
            }
            _ => None,
        });
    let multicasts = MULTICAST_ROUTERS.contains(&u8::from(header.address_family));
    Some(Route {
        destination: told.unwrap_or_else(|| whole(header.address_family)),
        takes: match hops.input {
            _ if hops.segments || stays(header.kind) => Takes::Segments,
            Some(input) if multicasts => Takes::Multicasts(input),
            _ if header.address_family == AddressFamily::Mpls => Takes::Labels,
            _ => Takes::Usual,
        },
        beyond: hops.beyond,
        through: match hops.next {
            Some(id) if hops.outputs.is_empty() => Ways::NextHop(id),
            _ => Ways::Known(hops.outputs),
        },
    })
}

/// What a route says of the way that packets take by it.
#[derive(Default)]
struct Hops {
    input: Option<u32>,
    outputs: Vec<u32>,
    next: Option<u32>,
    /// Whether those on the link are not the ones who get the packets.
    beyond: bool,
    /// Whether packets travel within others.
    capsule: bool,
    /// Whether packets end here, and those within them go on.
    segments: bool,
}

impl Hops {
    fn of(attributes: &[RouteAttribute]) -> Hops {
        let mut hops = Hops::default();
        hops.take(attributes);
        hops
    }

    fn take(&mut self, attributes: &[RouteAttribute]) {
        for attribute in attributes {
            match attribute {
                RouteAttribute::Iif(index) => self.input = Some(*index),
                RouteAttribute::Oif(index) => self.outputs.push(*index),
                RouteAttribute::MultiPath(hops) => {
                    for hop in hops {
                        self.outputs.push(hop.interface_index);
                        self.take(&hop.attributes);
                    }
                }
                RouteAttribute::NhId(id) => {
                    self.next = Some(*id);
                    // Kept elsewhere: it may be a router.
                    self.beyond = true;
                }
                RouteAttribute::EncapType(RouteLwEnCapType::Seg6Local) => {
                    (self.beyond, self.segments) = (true, true);
                }
                RouteAttribute::EncapType(kind) => {
                    self.beyond = true;
                    self.capsule |= *kind != RouteLwEnCapType::None;
                }
                RouteAttribute::Gateway(_)
                | RouteAttribute::Via(_)
                | RouteAttribute::Encap(_)
                | RouteAttribute::NewDestination(_) => self.beyond = true,
                _ => {}
            }
        }
    }
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

/// Kinds of routes that stay inside: to this machine, or nowhere.
fn stays(kind: RouteType) -> bool {
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

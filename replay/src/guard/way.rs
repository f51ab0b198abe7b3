//! Whether a way leads out of the lab from an interface: a walk along all that packets may take from there.
//!
//! Packets that arrive on an interface go on to what stands on it (VLANs, macvlans), to the bridge or bond that it is a port
//! of and so to the other ports, to the host that may forward them, and wherever filters send them. Packets that leave
//! arrive at the other end of a veth, where that is in the same namespace, or are gone into a program (tap) or into
//! nothing (dummy). Every other interface is a way out: cards, tunnels, and what nobody knows.

use std::collections::{BTreeSet, VecDeque};

use crate::guard::Rule;
use crate::guard::route::{self, Reach};
use crate::link::{Detour, Interface, Kind, Network, Side, Takes, Target};

/// How frames get onto an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Written into a tap: they arrive on the interface, as if its other end had sent them.
    Written,
    /// Sent through a packet socket: they leave through the interface.
    Sent,
}

/// The rule that forbids to send there and why, if frames could leave the lab.
pub(super) fn way_out(
    interface: &Interface,
    entry: Entry,
    network: &Network,
) -> Option<(Rule, String)> {
    let name = &interface.name;
    if !is_of_a_lab(&interface.kind) {
        let what = format!(
            "{name} is {}, frames go only to a tap, veth, dummy or loopback",
            interface.kind.description()
        );
        return Some((Rule::LabInterface, what));
    }
    if let Some(route) = carried_beyond(interface, network) {
        let what = format!("{route}: it is this machine's way out");
        return Some((Rule::NoWayOut, what));
    }
    let what = walk(interface, entry, network, false)?;
    Some((Rule::NoWayOut, what))
}

/// How answers could leave the lab that the machine gives to frames which it hears.
pub(super) fn answers_leave(
    interface: &Interface,
    entry: Entry,
    network: &Network,
) -> Option<String> {
    walk(interface, entry, network, true)
}

fn walk(interface: &Interface, entry: Entry, network: &Network, answers: bool) -> Option<String> {
    let mut walk = Walk {
        network,
        answers,
        seen: BTreeSet::new(),
        open: VecDeque::new(),
    };
    let begin = format!("frames for {}", interface.name);
    match entry {
        Entry::Written => walk.go(Side::In, interface, format!("{begin} arrive there")),
        Entry::Sent => walk.go(Side::Out, interface, begin),
    }
    walk.out()
}

/// Whether packets for such an interface stay in the lab.
fn is_of_a_lab(kind: &Kind) -> bool {
    matches!(kind, Kind::Tap | Kind::Veth | Kind::Dummy | Kind::Loopback)
}

/// What other ports of the same controller get.
enum Controller {
    /// What arrives on one port: of a bridge, or of a ring.
    Switch,
    /// Nothing: it arrives on the controller instead.
    Bundle,
    /// Nothing: the host takes it from the port.
    Routing,
    /// Nobody knows.
    Unknown,
}

fn controller(kind: &Kind) -> Controller {
    match kind {
        Kind::Virtual(kind) => match kind.as_str() {
            "bridge" | "hsr" => Controller::Switch,
            "bond" | "team" => Controller::Bundle,
            "vrf" => Controller::Routing,
            _ => Controller::Unknown,
        },
        _ => Controller::Unknown,
    }
}

/// Whether what leaves through it leaves through the interface that it stands on.
fn hands_down(kind: &Kind) -> bool {
    let Kind::Virtual(kind) = kind else {
        return false;
    };
    ["vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec"].contains(&kind.as_str())
}

/// Whether packets that the host takes may hold others, which then arrive on such an interface.
fn unpacks(kind: &Kind) -> bool {
    let Kind::Virtual(kind) = kind else {
        return false;
    };
    TUNNELS.contains(&kind.as_str())
}

/// Kinds of tunnels.
const TUNNELS: [&str; 22] = [
    "amt",
    "bareudp",
    "erspan",
    "geneve",
    "gre",
    "gretap",
    "gtp",
    "ip6erspan",
    "ip6gre",
    "ip6gretap",
    "ip6tnl",
    "ipip",
    "l2tp",
    "ovpn",
    "pfcp",
    "ppp",
    "sit",
    "vti",
    "vti6",
    "vxlan",
    "wireguard",
    "xfrm",
];

/// Places that packets come to and that have not been looked at, each with the way there.
struct Walk<'a> {
    network: &'a Network,
    /// Whether hosts answer what they hear, besides forwarding it.
    answers: bool,
    seen: BTreeSet<(Side, u32)>,
    open: VecDeque<(Side, &'a Interface, String)>,
}

impl<'a> Walk<'a> {
    fn go(&mut self, side: Side, to: &'a Interface, way: String) {
        if self.seen.insert((side, to.index)) {
            self.open.push_back((side, to, way));
        }
    }

    fn go_by_index(&mut self, side: Side, index: u32, way: String) {
        if let Some(to) = self.network.interface(index) {
            self.go(side, to, way);
        }
    }

    /// The first way out.
    fn out(&mut self) -> Option<String> {
        while let Some((side, at, way)) = self.open.pop_front() {
            let found = self.detours(side, at, &way).or_else(|| match side {
                Side::In => self.arrives(at, &way),
                Side::Out => self.leaves(at, &way),
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Follows filters and programs.
    fn detours(&mut self, side: Side, at: &Interface, way: &str) -> Option<String> {
        let network = self.network;
        let passes = |detour: &&Detour| {
            detour.side == side && detour.at.is_none_or(|place| place == at.index)
        };
        for detour in network.detours.iter().filter(passes) {
            let by = format!("{way}, where {} sends them", detour.by);
            match &detour.target {
                Target::Leaves(index) => {
                    let Some(to) = network.interface(*index) else {
                        continue;
                    };
                    if let Some(where_to) = unseen(to, network) {
                        return Some(format!("{by} on through {}, {where_to}", to.name));
                    }
                    self.go(Side::Out, to, format!("{by} on"));
                }
                Target::Arrives(index) => {
                    let to = network.interface(*index);
                    let to = to.map_or("elsewhere", |to| to.name.as_str());
                    self.go_by_index(Side::In, *index, format!("{by} to {to}"));
                }
                // Whose answers go its own way: see `Hearing`.
                Target::Machine => {}
                Target::Unreadable(what) => {
                    return Some(format!(
                        "{way}, and {what} at {} may send them anywhere",
                        at.name
                    ));
                }
            }
        }
        None
    }

    /// Follows packets that arrive on an interface.
    fn arrives(&mut self, at: &'a Interface, way: &str) -> Option<String> {
        let network = self.network;
        let stands = |other: &&Interface| other.lower == Some(at.index) && other.index != at.index;
        for upper in network.interfaces.iter().filter(stands) {
            let way = format!(
                "{way}, on which {}, {}, stands",
                upper.name,
                upper.kind.description()
            );
            self.go(Side::In, upper, way);
        }
        let Some(index) = at.controller else {
            return self.host(at, way);
        };
        let Some(above) = network.interface(index) else {
            return Some(format!(
                "{way}, and {} is a port of something in another namespace",
                at.name
            ));
        };
        match controller(&above.kind) {
            Controller::Switch => {
                for port in ports(network, index).filter(|port| port.index != at.index) {
                    let way = format!("{way}, which is bridged with {}", port.name);
                    self.go(Side::Out, port, way);
                }
                self.go(Side::In, above, format!("{way}, a port of {}", above.name));
                // A rule may take frames out of the bridge before it has them (ebtables, `broute`).
                self.host(at, way)
            }
            Controller::Bundle => {
                self.go(Side::In, above, format!("{way}, a port of {}", above.name));
                None
            }
            Controller::Routing => {
                self.go(Side::In, above, format!("{way}, a port of {}", above.name));
                self.host(at, way)
            }
            Controller::Unknown => Some(format!(
                "{way}, a port of {}, {}: nobody knows where that sends them",
                above.name,
                above.kind.description()
            )),
        }
    }

    /// Follows packets that the host itself takes: it may forward them.
    fn host(&mut self, at: &'a Interface, way: &str) -> Option<String> {
        let network = self.network;
        let others = |index: &u32| *index != at.index;
        for route in &network.routes {
            let what = match route.takes {
                Takes::Usual => continue,
                Takes::Multicasts(input) if input != at.index => continue,
                Takes::Multicasts(_) => "multicasts",
                Takes::Labels => "labelled packets (MPLS)",
                Takes::Segments => {
                    return Some(format!(
                        "{way}, and a route for {} (SRv6, BPF) takes packets out of them and may send these anywhere",
                        route.destination
                    ));
                }
            };
            for other in network.interfaces.iter().map(|other| other.index) {
                if others(&other) && route.leads_through(other) {
                    let way = format!(
                        "{way}, whose {what} a route for {} forwards",
                        route.destination
                    );
                    self.go_by_index(Side::Out, other, way);
                }
            }
        }
        let unpacks = |other: &&Interface| other.up && others(&other.index) && unpacks(&other.kind);
        for tunnel in network.interfaces.iter().filter(unpacks) {
            let way = format!(
                "{way}, where {}, {}, takes packets out of them",
                tunnel.name,
                tunnel.kind.description()
            );
            self.go(Side::In, tunnel, way);
        }
        let (forwarded, ends) = match (at.forwards, self.answers) {
            (false, false) => return None,
            (true, _) => (
                format!("{way}, which forwards them"),
                format!(
                    "; `sysctl -w net.ipv4.conf.{0}.forwarding=0 net.ipv6.conf.all.forwarding=0` ends that",
                    at.name
                ),
            ),
            (false, true) => (format!("{way}, whose host answers them"), String::new()),
        };
        let up = |other: &&Interface| other.up && others(&other.index);
        for other in network.interfaces.iter().filter(up) {
            let swallows = matches!(other.kind, Kind::Dummy | Kind::Loopback);
            let beyond = route::beyond_a_lab(other.index, Reach::Forwarding, network);
            if let Some(net) = beyond.filter(|_| !swallows) {
                return Some(format!(
                    "{forwarded}, and {} leads through {}{ends}",
                    route::name(net),
                    other.name
                ));
            }
            let routed = |route: &crate::link::Route| route.leads_through(other.index);
            if !is_of_a_lab(&other.kind) || network.routes.iter().any(routed) {
                self.go(Side::Out, other, forwarded.clone());
            }
        }
        None
    }

    /// Follows packets that leave through an interface.
    fn leaves(&mut self, at: &'a Interface, way: &str) -> Option<String> {
        match &at.kind {
            Kind::Dummy => {}
            Kind::Veth | Kind::Tap if unseen(at, self.network).is_some() => {
                // What carries the routes of the machine is no end of a lab.
                let beyond = carried_beyond(at, self.network);
                return beyond.map(|route| format!("{way}, go out by {}, and {route}", at.name));
            }
            Kind::Tap => {}
            Kind::Loopback => self.go(Side::In, at, format!("{way} arrive at {}", at.name)),
            Kind::Veth => {
                let peer = at.peer.and_then(|peer| self.network.interface(peer));
                if let Some(peer) = peer {
                    self.go(Side::In, peer, format!("{way} arrive at {}", peer.name));
                }
            }
            kind @ Kind::Virtual(_) if hands_down(kind) => {
                let Some(lower) = at.lower.and_then(|lower| self.network.interface(lower)) else {
                    return Some(format!(
                        "{way} and leave through {}, {}, which stands on an interface elsewhere",
                        at.name,
                        kind.description()
                    ));
                };
                let way = format!("{way}, go through {}", at.name);
                // A macvlan hands packets to those beside it, too.
                let beside =
                    |other: &&Interface| other.lower == at.lower && other.index != at.index;
                for other in self.network.interfaces.iter().filter(beside) {
                    self.go(Side::In, other, format!("{way} to {}", other.name));
                }
                self.go(Side::Out, lower, way);
            }
            kind => match controller(kind) {
                Controller::Switch | Controller::Bundle | Controller::Routing => {
                    for port in ports(self.network, at.index) {
                        self.go(Side::Out, port, format!("{way}, go through {}", at.name));
                    }
                }
                Controller::Unknown => {
                    return Some(format!(
                        "{way}, and {}, {}, leads out",
                        at.name,
                        kind.description()
                    ));
                }
            },
        }
        None
    }
}

/// Who gets what leaves through it, where that is not seen from here. What is sent to the interface on purpose may go
/// there, and also through a switch of the lab; what a filter takes out of the lab's ways may not.
fn unseen(interface: &Interface, network: &Network) -> Option<&'static str> {
    let here = |index| network.interface(index).is_some();
    match interface.kind {
        Kind::Tap => Some("to a program"),
        Kind::Veth if !interface.peer.is_some_and(here) => Some("whose other end is elsewhere"),
        _ => None,
    }
}

/// The route that leads beyond a lab through an interface: its own, or that of what it is a port of, or of what stands on it.
fn carried_beyond(interface: &Interface, network: &Network) -> Option<String> {
    let mut carried = vec![interface];
    let mut next = 0;
    while let Some(at) = carried.get(next).copied() {
        next += 1;
        if let Some(net) = route::beyond_a_lab(at.index, Reach::Link, network) {
            let through = match at.index == interface.index {
                true => String::new(),
                false => format!(", which {} carries", interface.name),
            };
            return Some(format!(
                "{} leads through {}{through}",
                route::name(net),
                at.name
            ));
        }
        let above = network
            .interfaces
            .iter()
            .filter(|other| at.controller == Some(other.index) || other.lower == Some(at.index));
        for other in above {
            if !carried.iter().any(|known| known.index == other.index) {
                carried.push(other);
            }
        }
    }
    None
}

fn ports(network: &Network, controller: u32) -> impl Iterator<Item = &Interface> {
    let is_port = move |port: &&Interface| port.controller == Some(controller);
    network.interfaces.iter().filter(is_port)
}

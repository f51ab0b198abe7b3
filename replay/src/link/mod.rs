//! The network of a namespace, through rtnetlink (rtnetlink(7)): its interfaces, what they are, where they lead and what
//! they have counted; its routes; and what traffic control, netfilter and eBPF
//! programs do with packets.

mod attribute;
mod forwarding;
mod nftables;
mod program;
mod read;
mod route;
mod socket;
mod traffic;
mod virtual_server;
mod watch;
mod xtables;

use std::collections::BTreeSet;

use ipnet::IpNet;
use wire::MacAddress;

pub use nftables::read_rules;
pub use read::{name_controllers, read_link};
pub use route::{Route, Takes, Ways, read_own, read_route};
pub use socket::Links;
pub use traffic::{Detour, Side, Target, read_filter, read_queue};
pub(crate) use watch::{Bell, News, timespec};
pub use xtables::{Family, read_entries};

/// What a namespace looks like at a moment, as far as packets are led by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
    /// The routes of all its tables that lead packets elsewhere.
    pub routes: Vec<Route>,
    /// Where filters, rules and programs send packets besides.
    pub detours: Vec<Detour>,
    /// Networks of which each address is this machine's own, which answers what comes for it.
    pub own: BTreeSet<IpNet>,
    /// What could not be looked at for want of a capability.
    pub unseen: Vec<&'static str>,
}

impl Network {
    /// The interface of that number.
    pub fn interface(&self, index: u32) -> Option<&Interface> {
        self.interfaces
            .iter()
            .find(|interface| interface.index == index)
    }

    /// What lets this machine take packets for its own, or answer them, that are for others.
    pub fn takes_all(&self) -> Option<&'static str> {
        let mut detours = self.detours.iter();
        let taking = detours.find(|detour| detour.target == Target::Machine);
        taking.map(|detour| detour.by)
    }
}

/// What an interface is, as the kernel knows it. A name says nothing: anybody may call a network card `tap0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The machine talking to itself.
    Loopback,
    /// A tap: a program holds the other end.
    Tap,
    /// One end of a pair.
    Veth,
    /// Takes everything and sends nothing.
    Dummy,
    /// Another virtual interface, by the kernel's name: `bridge`, `vlan`, `macvlan`, `tun`, `wireguard`.
    Virtual(String),
    /// A network card, or what a virtual machine takes for one.
    Physical,
}

impl Kind {
    /// In words, for messages.
    pub fn description(&self) -> String {
        match self {
            Kind::Loopback => "the loopback interface".to_owned(),
            Kind::Tap => "a tap".to_owned(),
            Kind::Veth => "a veth".to_owned(),
            Kind::Dummy => "a dummy".to_owned(),
            Kind::Virtual(kind) => format!("of kind {kind}"),
            Kind::Physical => "a physical interface".to_owned(),
        }
    }
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its number in the namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether its frames have an Ethernet header; loopback's have.
    pub ethernet: bool,
    /// Whether it is up.
    pub up: bool,
    /// Its address, where it has one.
    pub mac: Option<MacAddress>,
    /// The largest IP packet that it takes, in bytes.
    pub mtu: usize,
    /// The bridge, bond, team or VRF that it is a port of.
    pub controller: Option<u32>,
    /// Its ports, where these do not say so themselves: of a ring (HSR, PRP).
    pub ports: Vec<u32>,
    /// The other end of a veth, where that is in the same namespace.
    pub peer: Option<u32>,
    /// Whether IP packets that arrive on it are forwarded.
    pub forwards: bool,
    /// The interface that it stands on, as a VLAN or a macvlan does, where that is in the same namespace.
    pub lower: Option<u32>,
    /// Whether an XDP program is attached to it.
    pub program: bool,
    /// What it has counted so far.
    pub counters: Counters,
}

/// What an interface has counted since it exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames it took in.
    pub received_frames: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Frames it took in and could not pass on.
    pub received_dropped: u64,
    /// Frames it sent.
    pub sent_frames: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Frames it was given and did not send.
    pub sent_dropped: u64,
}

impl Counters {
    /// What was counted since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Counters) -> Counters {
        Counters {
            received_frames: self.received_frames.wrapping_sub(earlier.received_frames),
            received_bytes: self.received_bytes.wrapping_sub(earlier.received_bytes),
            received_dropped: self.received_dropped.wrapping_sub(earlier.received_dropped),
            sent_frames: self.sent_frames.wrapping_sub(earlier.sent_frames),
            sent_bytes: self.sent_bytes.wrapping_sub(earlier.sent_bytes),
            sent_dropped: self.sent_dropped.wrapping_sub(earlier.sent_dropped),
        }
    }
}

#[cfg(test)]
mod tests;

//! The interfaces of a network namespace, through rtnetlink (rtnetlink(7)): what they are, where they lead, what they
//! have counted.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::link::{
    AfSpecInet, AfSpecUnspec, InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType,
    LinkMessage, Stats64,
};
use netlink_packet_route::route::{RouteAttribute, RouteMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use wire::MacAddress;

use crate::error::ReplayError;

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
    /// The bridge, bond or team that it is a port of.
    pub controller: Option<u32>,
    /// The other end of a veth, where that is in the same namespace.
    pub peer: Option<u32>,
    /// Whether IP packets that arrive on it are forwarded.
    pub forwards: bool,
    /// Whether a default route leads through it.
    pub carries_default_route: bool,
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

/// The interfaces of the namespace in which it was opened.
pub struct Links {
    socket: Socket,
    sequence: u32,
}

/// A dump of all links fits a few of these; the kernel sends at most 32 KiB at once.
const RECEIVE_BYTES: usize = 64 * 1024;

impl Links {
    /// Opens a netlink socket. It stays in this network namespace, wherever the thread goes.
    ///
    /// # Errors
    /// What the system says.
    pub fn open() -> Result<Links, ReplayError> {
        let open = || {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            socket.connect(&SocketAddr::new(0, 0))?;
            Ok(socket)
        };
        Ok(Links {
            socket: open().map_err(ReplayError::Netlink)?,
            sequence: 0,
        })
    }

    /// All interfaces.
    ///
    /// # Errors
    /// What the system says.
    pub fn all(&mut self) -> Result<Vec<Interface>, ReplayError> {
        let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let mut found = Vec::new();
        for answer in self.ask(request, NLM_F_DUMP)? {
            if let RouteNetlinkMessage::NewLink(message) = answer {
                found.push(read_link(&message));
            }
        }
        let ways_out = self.default_routes()?;
        for interface in &mut found {
            interface.carries_default_route = ways_out.contains(&interface.index);
        }
        Ok(found)
    }

    /// What the interface of that number has counted, or `None` when it has gone.
    ///
    /// # Errors
    /// What the system says.
    pub fn counters(&mut self, index: u32) -> Result<Option<Counters>, ReplayError> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        match self.ask(RouteNetlinkMessage::GetLink(message), 0) {
            Ok(answers) => Ok(answers.iter().find_map(|answer| match answer {
                RouteNetlinkMessage::NewLink(message) => Some(read_link(message).counters),
                _ => None,
            })),
            Err(ReplayError::Netlink(error)) if gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets an interface up, without ARP.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_up_without_arp(&mut self, index: u32) -> Result<(), ReplayError> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.header.flags = LinkFlags::Up | LinkFlags::Noarp;
        message.header.change_mask = LinkFlags::Up | LinkFlags::Noarp;
        self.ask(RouteNetlinkMessage::SetLink(message), NLM_F_ACK)
            .map(|_| ())
    }

    /// The interfaces through which the default routes of IPv4 and IPv6 lead, of all tables.
    fn default_routes(&mut self) -> Result<Vec<u32>, ReplayError> {
        let mut found = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut message = RouteMessage::default();
            message.header.address_family = family;
            for answer in self.ask(RouteNetlinkMessage::GetRoute(message), NLM_F_DUMP)? {
                if let RouteNetlinkMessage::NewRoute(route) = answer
                    && route.header.destination_prefix_length == 0
                {
                    found.extend(outputs(&route));
                }
            }
        }
        Ok(found)
    }

    /// Sends a request and collects the answers.
    fn ask(
        &mut self,
        request: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<Vec<RouteNetlinkMessage>, ReplayError> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message =
            NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::from(request));
        message.header.flags = NLM_F_REQUEST | flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map_err(ReplayError::Netlink)?;
        self.collect()
    }

    fn collect(&self) -> Result<Vec<RouteNetlinkMessage>, ReplayError> {
        let mut answers = Vec::new();
        loop {
            let mut bytes = Vec::with_capacity(RECEIVE_BYTES);
            self.socket
                .recv(&mut bytes, 0)
                .map_err(ReplayError::Netlink)?;
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                    .map_err(|error| ReplayError::Netlink(io::Error::other(error.to_string())))?;
                let length = usize::try_from(message.header.length).unwrap_or(usize::MAX);
                // Messages stand at multiples of four bytes.
                rest = rest
                    .get(length.next_multiple_of(4).max(4)..)
                    .unwrap_or_default();
                let in_parts = message.header.flags & netlink_packet_core::NLM_F_MULTIPART != 0;
                match message.payload {
                    NetlinkPayload::Done(_) => return Ok(answers),
                    NetlinkPayload::Error(error) if error.code.is_none() => return Ok(answers),
                    NetlinkPayload::Error(error) => {
                        return Err(ReplayError::Netlink(error.to_io()));
                    }
                    NetlinkPayload::InnerMessage(inner) => {
                        answers.push(inner);
                        if !in_parts {
                            return Ok(answers);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Whether an error means that there is no such interface (any more).
fn gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENXIO))
}

fn outputs(route: &RouteMessage) -> Vec<u32> {
    let mut found = Vec::new();
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Oif(index) => found.push(*index),
            RouteAttribute::MultiPath(hops) => {
                found.extend(hops.iter().map(|hop| hop.interface_index));
            }
            _ => {}
        }
    }
    found
}

fn read_link(message: &LinkMessage) -> Interface {
    let header = &message.header;
    let mut interface = Interface {
        index: header.index,
        name: String::new(),
        kind: Kind::Physical,
        ethernet: matches!(
            header.link_layer_type,
            LinkLayerType::Ether | LinkLayerType::Loopback
        ),
        up: header.flags.contains(LinkFlags::Up),
        mac: None,
        mtu: 0,
        controller: None,
        peer: None,
        forwards: false,
        carries_default_route: false,
        counters: Counters::default(),
    };
    let (mut link, mut elsewhere) = (None, false);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name.clone_from(name),
            LinkAttribute::Address(bytes) => {
                interface.mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(MacAddress);
            }
            LinkAttribute::Mtu(mtu) => interface.mtu = usize::try_from(*mtu).unwrap_or(usize::MAX),
            LinkAttribute::Controller(index) => interface.controller = Some(*index),
            LinkAttribute::Link(index) => link = Some(*index),
            LinkAttribute::LinkNetNsId(_) => elsewhere = true,
            LinkAttribute::LinkInfo(infos) => interface.kind = kind_of(infos, interface.ethernet),
            LinkAttribute::Stats64(stats) => interface.counters = counters_of(stats),
            LinkAttribute::AfSpecUnspec(families) => interface.forwards = forwards(families),
            _ => {}
        }
    }
    if header.flags.contains(LinkFlags::Loopback) {
        interface.kind = Kind::Loopback;
    }
    // The number of a veth's other end counts in the namespace where that is.
    if interface.kind == Kind::Veth && !elsewhere {
        interface.peer = link;
    }
    interface
}

fn kind_of(infos: &[LinkInfo], ethernet: bool) -> Kind {
    let kind = infos.iter().find_map(|info| match info {
        LinkInfo::Kind(kind) => Some(kind),
        _ => None,
    });
    match kind {
        None => Kind::Physical,
        Some(InfoKind::Veth) => Kind::Veth,
        Some(InfoKind::Dummy) => Kind::Dummy,
        // A tun carries packets without a link header: the ways of a VPN.
        Some(InfoKind::Tun) if ethernet => Kind::Tap,
        Some(other) => Kind::Virtual(other.to_string()),
    }
}

fn counters_of(stats: &Stats64) -> Counters {
    Counters {
        received_frames: stats.rx_packets,
        received_bytes: stats.rx_bytes,
        received_dropped: stats.rx_dropped,
        sent_frames: stats.tx_packets,
        sent_bytes: stats.tx_bytes,
        sent_dropped: stats.tx_dropped,
    }
}

fn forwards(families: &[AfSpecUnspec]) -> bool {
    families.iter().any(|family| match family {
        AfSpecUnspec::Inet(settings) => settings.iter().any(
            |setting| matches!(setting, AfSpecInet::DevConf(settings) if settings.forwarding != 0),
        ),
        AfSpecUnspec::Inet6(settings) => settings.iter().any(|setting| {
            use netlink_packet_route::link::AfSpecInet6;
            matches!(setting, AfSpecInet6::DevConf(settings) if settings.forwarding != 0)
        }),
        _ => false,
    })
}

//! Questions to the kernel, and its answers.

use std::collections::BTreeSet;
use std::io;
use std::net::Ipv4Addr;

use ipnet::IpNet;
use netlink_packet_core::{
    Emitable, ErrorBuffer, ErrorMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_MULTIPART, NLM_F_REQUEST,
    NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, NetlinkHeader, Parseable,
};
use netlink_packet_route::link::{LinkFlags, LinkMessage};
use netlink_packet_route::route::RouteMessage;
use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};

use super::forwarding::{self, Forwarding};
use super::traffic::{self, Queue, read_queue};
use super::virtual_server::VirtualServers;
use super::xtables::Tables;
use super::{
    Counters, Detour, Interface, Network, Side, Target, name_controllers, read_link, read_own,
    read_route,
};
use super::{nftables, program};
use crate::error::ReplayError;

/// Kinds of messages, from linux/rtnetlink.h.
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_SETLINK: u16 = 19;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTM_GETQDISC: u16 = 38;
const RTM_GETTCLASS: u16 = 42;
const RTM_GETTFILTER: u16 = 46;

/// A dump of all links fits a few of these; the kernel sends at most 32 KiB at once.
const RECEIVE_BYTES: usize = 64 * 1024;

/// What there is in the namespace in which it was opened.
pub struct Links {
    route: Questions,
    netfilter: Option<Questions>,
    tables: io::Result<Tables>,
    servers: io::Result<VirtualServers>,
}

impl Links {
    /// Opens netlink sockets. They stay in this network namespace, wherever the thread goes.
    ///
    /// # Errors
    /// What the system says.
    pub fn open() -> Result<Links, ReplayError> {
        Ok(Links {
            route: Questions::open(NETLINK_ROUTE).map_err(ReplayError::Netlink)?,
            // A kernel without netfilter has no such family.
            netfilter: Questions::open(NETLINK_NETFILTER).ok(),
            tables: Tables::open(),
            servers: VirtualServers::open(),
        })
    }

    /// All interfaces.
    ///
    /// # Errors
    /// What the system says.
    pub fn all(&mut self) -> Result<Vec<Interface>, ReplayError> {
        let answers = self.ask(RTM_GETLINK, &bytes(&LinkMessage::default()), NLM_F_DUMP)?;
        let links = answers.iter().filter(|answer| answer.kind == RTM_NEWLINK);
        let mut interfaces: Vec<Interface> = links.map(link).collect::<Result<_, _>>()?;
        name_controllers(&mut interfaces);
        Ok(interfaces)
    }

    /// All by which packets are led: interfaces, routes, filters.
    ///
    /// # Errors
    /// What the system says.
    pub fn network(&mut self) -> Result<Network, ReplayError> {
        let mut interfaces = self.all()?;
        let forwarding = self.forwarding()?;
        for interface in &mut interfaces {
            interface.forwards |= forwarding.of(interface.index);
        }
        let mut detours = self.detours()?;
        let mut unseen = Vec::new();
        match self.rules(&interfaces) {
            Err(error) if forbidden(&error) => unseen.push("nftables"),
            rules => detours.extend(rules.map_err(ReplayError::Netlink)?),
        }
        let unannounced = self.unannounced(&interfaces)?;
        detours.extend(unannounced.detours);
        unseen.extend(unannounced.unseen);
        let (routes, own) = self.routes()?;
        Ok(Network {
            routes,
            own,
            detours,
            interfaces,
            unseen,
        })
    }

    /// Where packets are sent by what the kernel changes without a word: it has to be looked at again and again.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn unannounced(
        &mut self,
        interfaces: &[Interface],
    ) -> Result<Unannounced, ReplayError> {
        // Of an XDP program that is attached as a link nobody is told.
        let now = self.all()?;
        let programs = now.iter().filter(|interface| interface.program);
        let programs = programs.map(|interface| Detour {
            at: Some(interface.index),
            side: Side::In,
            by: "an eBPF program",
            target: Target::Unreadable("an XDP program".to_owned()),
        });
        let failed = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
        let tables = self.tables.as_ref().map_err(failed);
        let servers = self.servers.as_ref().map_err(failed);
        let mut found = Unannounced {
            detours: programs.collect(),
            unseen: Vec::new(),
        };
        for (what, detours) in [
            (
                "iptables",
                tables.and_then(|tables| tables.detours(interfaces)),
            ),
            ("virtual servers", servers.and_then(VirtualServers::detours)),
            ("eBPF programs (tcx)", program::detours(interfaces)),
        ] {
            match detours {
                Err(error) if forbidden(&error) => found.unseen.push(what),
                detours => found.detours.extend(detours.map_err(ReplayError::Netlink)?),
            }
        }
        Ok(found)
    }

    /// Which interfaces forward.
    fn forwarding(&mut self) -> Result<Forwarding, ReplayError> {
        let mut forwarding = Forwarding::default();
        for family in forwarding::FAMILIES {
            match self.ask(forwarding::GET, &forwarding::request(family), NLM_F_DUMP) {
                Ok(answers) => answers
                    .iter()
                    .for_each(|answer| forwarding.read(&answer.payload)),
                Err(ReplayError::Netlink(error)) if has_none(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(forwarding)
    }

    /// Where rules of nftables send packets.
    fn rules(&mut self, interfaces: &[Interface]) -> io::Result<Vec<Detour>> {
        let Some(netfilter) = &mut self.netfilter else {
            return Ok(Vec::new());
        };
        let mut dump = |kind| -> io::Result<Vec<Vec<u8>>> {
            match netfilter.ask(kind, &nftables::REQUEST, NLM_F_DUMP) {
                Ok(answers) => Ok(answers.into_iter().map(|answer| answer.payload).collect()),
                Err(error) if has_none(&error) => Ok(Vec::new()),
                Err(error) => Err(error),
            }
        };
        let chains = dump(nftables::GET_CHAINS)?;
        let rules = dump(nftables::GET_RULES)?;
        Ok(nftables::read_rules(&chains, &rules, interfaces))
    }

    /// What the interface of that number has counted, or `None` when it has gone.
    ///
    /// # Errors
    /// What the system says.
    pub fn counters(&mut self, index: u32) -> Result<Option<Counters>, ReplayError> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        match self.ask(RTM_GETLINK, &bytes(&message), 0) {
            Ok(answers) => {
                let found = answers.iter().find(|answer| answer.kind == RTM_NEWLINK);
                found.map(|answer| Ok(link(answer)?.counters)).transpose()
            }
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
        self.ask(RTM_SETLINK, &bytes(&message), NLM_F_ACK)
            .map(|_| ())
    }

    /// The routes of all tables and families that lead packets elsewhere, and the machine's own addresses.
    fn routes(&mut self) -> Result<(Vec<super::Route>, BTreeSet<IpNet>), ReplayError> {
        // No family in particular: all that the kernel has.
        let request = bytes(&RouteMessage::default());
        let answers = self.ask(RTM_GETROUTE, &request, NLM_F_DUMP)?;
        let routes = answers.iter().filter(|answer| answer.kind == RTM_NEWROUTE);
        let payloads = routes.map(|answer| answer.payload.as_slice());
        let own = payloads.clone().filter_map(read_own);
        let own = own.chain(answered_groups()).collect();
        Ok((payloads.filter_map(read_route).collect(), own))
    }

    /// Where traffic control sends packets.
    fn detours(&mut self) -> Result<Vec<Detour>, ReplayError> {
        let queues = self.traffic(RTM_GETQDISC, 0, 0)?;
        let mut detours: Vec<Detour> = queues
            .iter()
            .filter_map(|bytes| read_queue(bytes))
            .collect();
        for queue in queues.iter().filter_map(|bytes| Queue::read(bytes)) {
            let mut parents = queue.filter_parents();
            if queue.has_classes() {
                let classes = self.traffic(RTM_GETTCLASS, queue.interface, 0)?;
                let classes = classes.iter().filter_map(|bytes| Queue::read(bytes));
                parents.extend(classes.map(|class| (class.handle, Side::Out)));
            }
            for (parent, side) in parents {
                for filter in self.traffic(RTM_GETTFILTER, queue.interface, parent)? {
                    detours.extend(traffic::read_filter(&filter, queue.interface, side));
                }
            }
        }
        detours.sort();
        detours.dedup();
        Ok(detours)
    }

    /// Asks traffic control; a kernel that has none, and an interface that has just gone, say nothing.
    fn traffic(
        &mut self,
        kind: u16,
        interface: u32,
        parent: u32,
    ) -> Result<Vec<Vec<u8>>, ReplayError> {
        let request = traffic::request(interface, parent);
        match self.ask(kind, &request, NLM_F_DUMP) {
            Ok(answers) => Ok(answers.into_iter().map(|answer| answer.payload).collect()),
            Err(ReplayError::Netlink(error)) if gone(&error) || has_none(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Asks rtnetlink.
    fn ask(&mut self, kind: u16, request: &[u8], flags: u16) -> Result<Vec<Answer>, ReplayError> {
        let answers = self.route.ask(kind, request, flags);
        answers.map_err(ReplayError::Netlink)
    }
}

/// What is found by looking.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unannounced {
    detours: Vec<Detour>,
    unseen: Vec<&'static str>,
}

/// A socket that questions are asked through.
struct Questions {
    socket: Socket,
    sequence: u32,
}

impl Questions {
    fn open(family: isize) -> io::Result<Questions> {
        let mut socket = Socket::new(family)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Questions {
            socket,
            sequence: 0,
        })
    }

    /// Sends a request and collects the answers.
    fn ask(&mut self, kind: u16, request: &[u8], flags: u16) -> io::Result<Vec<Answer>> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        let length = header.buffer_len() + request.len();
        header.length = u32::try_from(length).unwrap_or(u32::MAX);
        header.message_type = kind;
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = bytes(&header);
        message.extend_from_slice(request);
        self.socket.send(&message, 0)?;
        self.collect()
    }

    fn collect(&self) -> io::Result<Vec<Answer>> {
        let mut answers = Vec::new();
        loop {
            let mut received = Vec::with_capacity(RECEIVE_BYTES);
            self.socket.recv(&mut received, 0)?;
            for message in messages(&received) {
                let message = message?;
                if message.sequence_number() != self.sequence {
                    continue;
                }
                match message.message_type() {
                    NLMSG_DONE => return Ok(answers),
                    NLMSG_ERROR => {
                        let error = ErrorBuffer::new_checked(&message.payload())
                            .and_then(|error| ErrorMessage::parse(&error))
                            .map_err(|error| io::Error::other(error.to_string()))?;
                        return match error.code {
                            None => Ok(answers),
                            Some(_) => Err(error.to_io()),
                        };
                    }
                    kind => {
                        answers.push(Answer {
                            kind,
                            payload: message.payload().to_vec(),
                        });
                        if message.flags() & NLM_F_MULTIPART == 0 {
                            return Ok(answers);
                        }
                    }
                }
            }
        }
    }
}

/// A message of the kernel, without its header.
struct Answer {
    kind: u16,
    payload: Vec<u8>,
}

/// The messages of a packet, which stand at multiples of four bytes.
fn messages(packet: &[u8]) -> impl Iterator<Item = io::Result<NetlinkBuffer<&[u8]>>> {
    let mut rest = packet;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        match NetlinkBuffer::new_checked(rest) {
            Ok(message) => {
                let length = usize::try_from(message.length()).unwrap_or(usize::MAX);
                let next = length.checked_next_multiple_of(4).unwrap_or(usize::MAX);
                rest = rest.get(next.max(4)..).unwrap_or_default();
                Some(Ok(message))
            }
            Err(error) => {
                rest = &[];
                Some(Err(io::Error::other(error.to_string())))
            }
        }
    })
}

fn bytes(message: &impl Emitable) -> Vec<u8> {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

fn link(answer: &Answer) -> Result<Interface, ReplayError> {
    let message = LinkMessage::parse(&answer.payload);
    let message = message.map_err(|error| io::Error::other(error.to_string()));
    let mut interface = read_link(&message.map_err(ReplayError::Netlink)?);
    interface.forwards |= forwarding::is_forced(&answer.payload);
    Ok(interface)
}

/// All groups, where the kernel answers pings of them: `icmp_echo_ignore_broadcasts`, Documentation/networking/ip-sysctl.rst of
/// Linux.
fn answered_groups() -> Option<IpNet> {
    let ignores = std::fs::read_to_string("/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts");
    let answers = ignores.is_ok_and(|value| value.trim() == "0");
    answers.then(|| IpNet::new_assert(Ipv4Addr::new(224, 0, 0, 0).into(), 4))
}

/// Whether an error means that a capability is missing.
fn forbidden(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// Whether an error means that there is no such interface (any more).
fn gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENXIO))
}

/// Whether an error means that the kernel, or the queue, has no such thing.
fn has_none(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EOPNOTSUPP | libc::EINVAL | libc::ENOENT)
    )
}

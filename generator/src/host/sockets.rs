//! The sockets of a host: TCP, UDP and the network layer below them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use wire::{Packet, Payload, Segment, Timestamp, Udp};

use super::icmp::Quoted;
use super::ip::{IpLayer, Purpose};
use super::socket::{Endpoint, Outbox, ProgramId, SocketEvent, SocketId};
use super::stack::Stack;
use super::tcp::connection::Connection;
use super::tcp::egress::{Egress, Events};
use super::tcp::{Loan, TcpLayer};
use super::trouble::Trouble;
use crate::activity::Cause;
use crate::seed::{Draws, SeedTree};

/// Where counters stand that a host has kept since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// The port that it chooses next.
    pub next_port: u16,
    /// By how many the identification of its next packet is behind that port.
    pub id_behind: Option<u16>,
}

/// All sockets of a host.
#[derive(Debug)]
pub struct Sockets {
    /// The network layer.
    pub ip: IpLayer,
    /// TCP.
    pub tcp: TcpLayer,
    /// What programs have not been told yet.
    pub events: Events,
    udp_ports: BTreeMap<u16, (SocketId, ProgramId)>,
    udp_sockets: BTreeMap<SocketId, u16>,
    udp_ttl: BTreeMap<SocketId, u8>,
    ports: Draws,
    port_range: RangeInclusive<u16>,
    /// The last port that the stack chose, where it takes them in order.
    last_port: Option<u16>,
    in_order: bool,
    last_socket: u32,
}

impl Sockets {
    /// The sockets of the host called `name`.
    pub fn new(
        name: &str,
        stack: &Arc<Stack>,
        unseen_gap: Option<u64>,
        start: Timestamp,
        tree: &SeedTree,
    ) -> Self {
        Sockets {
            ip: IpLayer::new(name, Arc::clone(stack), unseen_gap, tree),
            tcp: TcpLayer::new(name, Arc::clone(stack), start, tree),
            events: Events::new(),
            udp_ports: BTreeMap::new(),
            udp_sockets: BTreeMap::new(),
            udp_ttl: BTreeMap::new(),
            ports: tree.draws(&format!("host/{name}/udp/port")),
            port_range: stack.tcp.ephemeral.clone(),
            last_port: None,
            in_order: stack.tcp.ephemeral_in_order,
            last_socket: 0,
        }
    }

    /// Lets the ports that the stack chooses begin with the first of their range.
    pub fn begin_with_first_port(&mut self) {
        self.begin_at(Counters {
            next_port: *self.port_range.start(),
            id_behind: None,
        });
    }

    /// Lets the ports that the stack chooses, and identifications where that is said, go on from there.
    pub fn begin_at(&mut self, counters: Counters) {
        let before = counters.next_port.wrapping_sub(1);
        self.last_port = Some(before);
        self.tcp.begin_behind_port(before);
        if let Some(behind) = counters.id_behind {
            self.ip.begin_count(counters.next_port.wrapping_sub(behind));
        }
    }

    fn new_socket(&mut self) -> SocketId {
        self.last_socket += 1;
        SocketId(self.last_socket)
    }

    /// Opens a TCP connection from an address and, where it is given, a port.
    pub fn connect(
        &mut self,
        now: Timestamp,
        owner: ProgramId,
        local: (IpAddr, Option<u16>),
        peer: Endpoint,
        cause: Cause,
        out: &mut Outbox,
    ) -> SocketId {
        let socket = self.new_socket();
        let loan = Loan {
            now,
            ip: &mut self.ip,
            out,
            events: &mut self.events,
        };
        self.tcp.connect(socket, owner, (local, peer), cause, loan);
        socket
    }

    /// Does something to a connection, if it is still there.
    pub fn with(
        &mut self,
        now: Timestamp,
        socket: SocketId,
        out: &mut Outbox,
        act: impl FnOnce(&mut Connection, &mut Egress<'_>),
    ) {
        let loan = Loan {
            now,
            ip: &mut self.ip,
            out,
            events: &mut self.events,
        };
        self.tcp.with(socket, loan, act);
    }

    /// A segment has arrived.
    pub fn receive_tcp(
        &mut self,
        now: Timestamp,
        ends: (Endpoint, Endpoint),
        tcp: &wire::Tcp,
        payload: &Payload,
        cause: Cause,
        out: &mut Outbox,
    ) {
        let loan = Loan {
            now,
            ip: &mut self.ip,
            out,
            events: &mut self.events,
        };
        self.tcp
            .receive(ends, tcp, payload, cause, &mut self.last_socket, loan);
    }

    /// An error about a segment of ours has arrived.
    pub fn trouble_of_tcp(
        &mut self,
        now: Timestamp,
        trouble: Trouble,
        quoted: Quoted,
        out: &mut Outbox,
    ) {
        if let Trouble::TooBig(mtu) = trouble {
            self.ip.learn_mtu(quoted.remote.address, mtu);
        }
        let loan = Loan {
            now,
            ip: &mut self.ip,
            out,
            events: &mut self.events,
        };
        self.tcp.trouble(trouble, quoted, loan);
    }

    /// An error about a datagram of ours has arrived: its socket's owner is told.
    pub fn trouble_of_udp(&mut self, trouble: Trouble, quoted: Quoted) {
        if let Trouble::TooBig(mtu) = trouble {
            self.ip.learn_mtu(quoted.remote.address, mtu);
        }
        if let Some((socket, owner)) = self.udp_ports.get(&quoted.local.port) {
            let event = SocketEvent::Unreachable(quoted.from, quoted.remote, trouble);
            self.events.push((*owner, *socket, event));
        }
    }

    /// Sets the time to live of what a UDP socket sends from now on.
    pub fn set_ttl(&mut self, socket: SocketId, ttl: u8) {
        self.udp_ttl.insert(socket, ttl);
    }

    /// Runs one TCP timer that is due; false when none is.
    pub fn run_timer(&mut self, now: Timestamp, out: &mut Outbox) -> bool {
        self.tcp.run_timer(Loan {
            now,
            ip: &mut self.ip,
            out,
            events: &mut self.events,
        })
    }

    /// Opens a UDP socket on a port, or on a free one that the stack chooses.
    pub fn open_udp(&mut self, owner: ProgramId, port: Option<u16>) -> SocketId {
        let socket = self.new_socket();
        let port = port.unwrap_or_else(|| self.free_udp_port());
        self.udp_ports.insert(port, (socket, owner));
        self.udp_sockets.insert(socket, port);
        socket
    }

    /// A port of the range that the stack's TCP uses, too; the highest port when all are taken.
    fn free_udp_port(&mut self) -> u16 {
        let next = self
            .last_port
            .filter(|_| self.in_order && !self.ports.is_pinned());
        let mut port = match next {
            Some(last) if last < *self.port_range.end() => last + 1,
            Some(_) => *self.port_range.start(),
            None => self.ports.port(self.port_range.clone()),
        };
        while self.udp_ports.contains_key(&port) && port < u16::MAX {
            port += 1;
        }
        self.last_port = Some(port);
        port
    }

    /// Closes a UDP socket.
    pub fn close_udp(&mut self, socket: SocketId) {
        if let Some(port) = self.udp_sockets.remove(&socket) {
            self.udp_ports.remove(&port);
            self.udp_ttl.remove(&socket);
        }
    }

    /// Sends a datagram.
    #[expect(
        clippy::too_many_arguments,
        reason = "both ends, the bytes and their cause; a struct would only rename them"
    )]
    pub fn send_to(
        &mut self,
        now: Timestamp,
        socket: SocketId,
        local: IpAddr,
        peer: Endpoint,
        payload: Payload,
        cause: Cause,
        out: &mut Outbox,
    ) {
        let Some(port) = self.udp_sockets.get(&socket) else {
            return;
        };
        let from = Endpoint {
            address: local,
            port: *port,
        };
        let ip = self.ip.header(now, from, peer, Purpose::Datagram, 0);
        let mut packet = Packet {
            ip,
            segment: Segment::Udp(Udp::new(*port, peer.port)),
            payload,
        };
        if let Some(ttl) = self.udp_ttl.get(&socket) {
            packet.set_ttl(*ttl);
        }
        out.push(now, packet, cause);
    }

    /// Whether a UDP socket is open on that port.
    pub fn holds_udp(&self, port: u16) -> bool {
        self.udp_ports.contains_key(&port)
    }

    /// Hands a datagram to whoever holds its port; false when nobody does.
    pub fn receive_udp(
        &mut self,
        port: u16,
        peer: Endpoint,
        payload: &Payload,
        cause: Cause,
    ) -> bool {
        let Some((socket, owner)) = self.udp_ports.get(&port) else {
            return false;
        };
        self.events.push((
            *owner,
            *socket,
            SocketEvent::Datagram(peer, payload.clone(), cause),
        ));
        true
    }
}

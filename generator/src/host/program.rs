//! What runs on a host: tools and applications.
//!
//! A program asks; stacks answer. It is told what happened (a timer, a socket event, a packet it listens to) and
//! acts only through [`System`], which is all of the host that it can reach: no program sees the world, another host or
//! the truth.

use std::net::IpAddr;

use wire::{Payload, Timestamp};

use super::ip::Purpose;
use super::socket::{Endpoint, Outbox, ProgramId, SocketEvent, SocketId};
use super::sockets::Sockets;
use super::timers::Timers;
use crate::activity::{Activity, ActivityId, Cause};

/// A tool or an application.
pub trait Program: Send {
    /// Its activity starts, or its host is switched on.
    fn start(&mut self, sys: &mut System<'_>);

    /// A timer it set has run out.
    fn timer(&mut self, _token: u64, _sys: &mut System<'_>) {}

    /// Something happened on one of its sockets.
    fn socket(&mut self, _socket: SocketId, _event: SocketEvent, _sys: &mut System<'_>) {}

    /// Whether it wants to see every packet that arrives, as a packet socket does.
    fn wants_packets(&self) -> bool {
        false
    }

    /// A packet arrived at the host.
    fn packet(&mut self, _packet: &wire::Packet, _sys: &mut System<'_>) {}

    /// A neighbour for which it asked has answered.
    fn neighbour(&mut self, _address: IpAddr, _sys: &mut System<'_>) {}
}

/// A question for the hardware address of a neighbour that a program asks by itself.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// Who asks.
    pub program: ProgramId,
    /// For whom.
    pub neighbour: IpAddr,
    /// Why.
    pub cause: Cause,
}

/// What a program can reach of its host.
#[derive(Debug)]
pub struct System<'a> {
    /// Now.
    pub now: Timestamp,
    pub(super) program: ProgramId,
    pub(super) address: IpAddr,
    pub(super) addresses: &'a [IpAddr],
    pub(super) lookups: &'a mut Vec<(Timestamp, Lookup)>,
    pub(super) sockets: &'a mut Sockets,
    pub(super) timers: &'a mut Timers,
    pub(super) out: &'a mut Outbox,
    pub(super) activities: &'a [Activity],
}

impl System<'_> {
    /// The host's first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The address from which the host speaks to a peer: its first one of the peer's version of IP.
    pub fn address_towards(&self, peer: IpAddr) -> IpAddr {
        let mut ours = self.addresses.iter();
        ours.find(|address| address.is_ipv4() == peer.is_ipv4())
            .copied()
            .unwrap_or(self.address)
    }

    /// Whether the host has an address of the peer's version of IP.
    pub fn speaks_to(&self, peer: IpAddr) -> bool {
        let mut ours = self.addresses.iter();
        ours.any(|address| address.is_ipv4() == peer.is_ipv4())
    }

    /// Asks for the hardware address of a neighbour, `after` nanoseconds from now; an answer is told by
    /// [`Program::neighbour`].
    pub fn look_up(&mut self, after: u64, neighbour: IpAddr, activity: ActivityId) {
        let lookup = Lookup {
            program: self.program,
            neighbour,
            cause: Cause::stimulus(activity),
        };
        self.lookups.push((self.now.plus_nanos(after), lookup));
    }

    /// Sets a timer; `token` comes back with it. Timers cannot be taken back: a program ignores those it no longer needs.
    pub fn timer(&mut self, after: u64, token: u64) {
        self.timers
            .set(self.now.plus_nanos(after), self.program, token);
    }

    /// Sends a packet as it is, past the stack, `after` nanoseconds from now.
    #[inline]
    pub fn send_raw(&mut self, after: u64, packet: wire::Packet, cause: Cause) {
        let at = self.now.plus_nanos(after);
        self.out.push(at, packet, cause);
    }

    /// The header that the stack gives to a datagram or message that leaves now, for what is made by hand above it.
    pub fn header(&mut self, to: IpAddr) -> wire::Ip {
        let from = self.address_towards(to);
        let [from, to] = [from, to].map(|address| Endpoint { address, port: 0 });
        let ip = &mut self.sockets.ip;
        ip.header(self.now, from, to, Purpose::Datagram, 0)
    }

    /// Opens a TCP connection.
    pub fn connect(&mut self, peer: Endpoint, activity: ActivityId) -> SocketId {
        self.connect_from(None, peer, activity)
    }

    /// Opens a TCP connection from a port of the program's choice, or from one that the stack chooses.
    pub fn connect_from(
        &mut self,
        port: Option<u16>,
        peer: Endpoint,
        activity: ActivityId,
    ) -> SocketId {
        let local = self.address_towards(peer.address);
        self.sockets.connect(
            self.now,
            self.program,
            (local, port),
            peer,
            Cause::stimulus(activity),
            self.out,
        )
    }

    /// Queues bytes on a connection, marked with a push at their end.
    pub fn send(&mut self, socket: SocketId, payload: Payload) {
        self.sockets
            .with(self.now, socket, self.out, |connection, egress| {
                connection.send(payload, egress)
            });
    }

    /// Queues bytes on a connection of which the last is urgent.
    pub fn send_urgent(&mut self, socket: SocketId, payload: Payload) {
        self.sockets
            .with(self.now, socket, self.out, |connection, egress| {
                connection.send_urgent(payload, egress)
            });
    }

    /// Accepts no more connections to its ports, and resets those that it has there.
    pub fn stop_listening(&mut self, ports: &[u16]) {
        for socket in self.sockets.tcp.stop_listening(ports) {
            self.abort(socket);
        }
    }

    /// Accepts connections to ports, with the receive buffer that it asks for.
    pub fn listen_on(&mut self, ports: &[u16], buffer: Option<u32>) {
        for port in ports {
            self.sockets.tcp.listen(*port, self.program, buffer);
        }
    }

    /// Accepts connections to a port that the stack chooses, and returns it.
    pub fn listen(&mut self) -> u16 {
        self.sockets.tcp.listen_anywhere(self.program)
    }

    /// Sets the type of service of what a connection sends from now on.
    pub fn set_tos(&mut self, socket: SocketId, tos: u8) {
        self.sockets
            .with(self.now, socket, self.out, |connection, _| {
                connection.set_tos(tos)
            });
    }

    /// Closes our side of a connection in order, once all queued bytes are sent; what the peer says is still heard.
    pub fn close(&mut self, socket: SocketId) {
        self.sockets
            .with(self.now, socket, self.out, |connection, egress| {
                connection.close(egress)
            });
    }

    /// The same, but nothing is read any more: what the peer says after that is refused by a reset.
    pub fn leave(&mut self, socket: SocketId) {
        self.sockets
            .with(self.now, socket, self.out, |connection, egress| {
                connection.leave(egress)
            });
    }

    /// Resets a connection.
    pub fn abort(&mut self, socket: SocketId) {
        self.sockets
            .with(self.now, socket, self.out, |connection, egress| {
                connection.abort(egress)
            });
    }

    /// Opens a UDP socket on a port, or on one the stack chooses.
    pub fn open_udp(&mut self, port: Option<u16>) -> SocketId {
        self.sockets.open_udp(self.program, port)
    }

    /// Closes a UDP socket.
    pub fn close_udp(&mut self, socket: SocketId) {
        self.sockets.close_udp(socket);
    }

    /// Sets the time to live of what a UDP socket sends from now on.
    pub fn set_ttl(&mut self, socket: SocketId, ttl: u8) {
        self.sockets.set_ttl(socket, ttl);
    }

    /// Sends a datagram.
    pub fn send_to(&mut self, socket: SocketId, peer: Endpoint, payload: Payload, cause: Cause) {
        let local = self.address_towards(peer.address);
        self.sockets
            .send_to(self.now, socket, local, peer, payload, cause, self.out);
    }

    /// Another occasion of an activity, where each of them is an event of its own; else the activity.
    pub fn occasion(&mut self, activity: ActivityId) -> ActivityId {
        match activity.of(self.activities) {
            Some(Activity { apart: true, .. }) => ActivityId {
                occasion: self.out.next_occasion(),
                ..activity
            },
            _ => activity,
        }
    }

    /// The activity of what `activity` makes its targets do on their own account.
    pub fn callback_of(&self, activity: ActivityId) -> ActivityId {
        let callback = activity.of(self.activities).and_then(|a| a.callback);
        callback.map_or(activity, |callback| ActivityId {
            number: callback.number,
            ..activity
        })
    }
}

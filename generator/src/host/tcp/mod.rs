//! TCP of a host: its connections, and what it answers to segments that belong to none.

pub mod connection;
pub mod egress;

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use wire::{Flags, Options, Payload, Tcp, TcpOption, Timestamp};

use super::icmp::Quoted;
use super::ip::IpLayer;
use super::socket::{Endpoint, Outbox, ProgramId, SocketId};
use super::stack::{Isn, OddReply, Stack};
use super::trouble::Trouble;
use crate::activity::Cause;
use crate::net::pending::Pending;
use crate::seed::{Draws, SeedTree, low32};
use crate::table::Table;
use connection::{Connection, State};
use egress::{Egress, Events, Handshake};

/// Both ends of a connection, ours first.
type Ends = (Endpoint, Endpoint);

/// The connections of a host.
#[derive(Debug)]
pub struct TcpLayer {
    stack: Arc<Stack>,
    /// Each in a place of its own: they are large, and the table moves what it holds.
    connections: Table<u32, Box<Connection>>,
    by_ends: Table<Ends, u32>,
    listeners: BTreeMap<u16, Listener>,
    deadlines: Pending<u32>,
    isn: Draws,
    isn_random: Draws,
    isn_base: u32,
    opened: u32,
    ports: Draws,
    last_port: Option<u16>,
    delayed_ack: Draws,
    handshake: Handshake,
    cookie_key: u64,
    boot: Timestamp,
    start: Timestamp,
}

/// A port that accepts connections.
#[derive(Debug)]
struct Listener {
    owner: ProgramId,
    half_open: usize,
    /// The receive buffer that its program asked for.
    buffer: Option<u32>,
}

/// What the rest of a host lends for one step.
#[derive(Debug)]
pub struct Loan<'a> {
    /// Now.
    pub now: Timestamp,
    /// The network layer.
    pub ip: &'a mut IpLayer,
    /// Packets on their way out.
    pub out: &'a mut Outbox,
    /// Events for programs.
    pub events: &'a mut Events,
}

impl TcpLayer {
    /// The TCP of the host called `name`, whose scenario starts at `start`.
    pub fn new(name: &str, stack: Arc<Stack>, start: Timestamp, tree: &SeedTree) -> Self {
        let mut isn_base = tree.draws(&format!("host/{name}/tcp/isn-base"));
        let mut uptime = tree.draws(&format!("host/{name}/uptime"));
        // Assumption: hosts have been up between one minute and forty days.
        let uptime = uptime.range(60_000_000_000..=40 * 86_400_000_000_000);
        TcpLayer {
            stack,
            connections: Table::default(),
            by_ends: Table::default(),
            listeners: BTreeMap::new(),
            deadlines: Pending::default(),
            isn: tree.draws(&format!("host/{name}/tcp/isn")),
            isn_random: tree.draws(&format!("host/{name}/tcp/isn-random")),
            isn_base: isn_base.word32(),
            opened: 0,
            ports: tree.draws(&format!("host/{name}/tcp/port")),
            last_port: None,
            delayed_ack: tree.draws(&format!("host/{name}/tcp/delayed-ack")),
            handshake: Handshake {
                mss: tree.draws(&format!("host/{name}/tcp/mss")),
                rto: tree.draws(&format!("host/{name}/tcp/rto")),
                timestamp: tree.draws(&format!("host/{name}/tcp/timestamp")),
            },
            cookie_key: tree.draws(&format!("host/{name}/tcp/cookie")).word(),
            boot: Timestamp::from_nanos(start.as_nanos().saturating_sub(uptime)),
            start,
        }
    }

    /// The next port that the stack chooses is the one behind this.
    pub fn begin_behind_port(&mut self, port: u16) {
        self.last_port = Some(port);
    }

    /// Accepts connections to `port` on behalf of a program.
    pub fn listen(&mut self, port: u16, owner: ProgramId, buffer: Option<u32>) {
        self.listeners.insert(
            port,
            Listener {
                owner,
                half_open: 0,
                buffer,
            },
        );
    }

    /// Accepts no more connections to these ports; returns the sockets of those that are there.
    pub fn stop_listening(&mut self, ports: &[u16]) -> Vec<SocketId> {
        for port in ports {
            self.listeners.remove(port);
        }
        let there = self.connections.keys().into_iter().filter(|socket| {
            let connection = self.connections.get(socket);
            connection.is_some_and(|connection| ports.contains(&connection.local.port))
        });
        there.map(SocketId).collect()
    }

    /// Accepts connections to a port that is drawn, and returns it.
    pub fn listen_anywhere(&mut self, owner: ProgramId) -> u16 {
        let range = self.stack.tcp.ephemeral.clone();
        let mut port = self.ports.port(range.clone());
        for _ in range.clone() {
            if !self.listeners.contains_key(&port) {
                break;
            }
            port = successor(port, *range.start(), *range.end());
        }
        self.listen(port, owner, None);
        port
    }

    /// Whether a segment from `remote` to `local` belongs to a connection or to a port that listens.
    pub fn expects(&self, local: Endpoint, remote: Endpoint) -> bool {
        let connected =
            !self.connections.is_empty() && self.by_ends.get(&(local, remote)).is_some();
        connected || self.listeners.contains_key(&local.port)
    }

    /// Opens a connection.
    pub fn connect(
        &mut self,
        socket: SocketId,
        owner: ProgramId,
        ends: ((std::net::IpAddr, Option<u16>), Endpoint),
        cause: Cause,
        loan: Loan<'_>,
    ) {
        let ((address, port), peer) = ends;
        // A port whose connection to that peer is still there is not free, whoever asks for it.
        let free = |port: &u16| {
            let local = Endpoint {
                address,
                port: *port,
            };
            self.by_ends.get(&(local, peer)).is_none()
        };
        let port = port
            .filter(free)
            .unwrap_or_else(|| self.ephemeral_port(address, peer));
        let local = Endpoint { address, port };
        let iss = self.initial_sequence(loan.now);
        let mut egress = egress(
            &self.stack,
            self.boot,
            (&mut self.delayed_ack, &mut self.handshake),
            loan,
        );
        let connection = Connection::open(socket, owner, (local, ends.1), cause, iss, &mut egress);
        self.insert(socket.0, connection);
    }

    /// Does something to a connection, if it is still there.
    pub fn with(
        &mut self,
        socket: SocketId,
        loan: Loan<'_>,
        act: impl FnOnce(&mut Connection, &mut Egress<'_>),
    ) {
        let Some(connection) = self.connections.get_mut(&socket.0) else {
            return;
        };
        let was = connection.state;
        act(
            connection,
            &mut egress(
                &self.stack,
                self.boot,
                (&mut self.delayed_ack, &mut self.handshake),
                loan,
            ),
        );
        self.after(socket.0, was);
    }

    /// An error about a segment of a connection has arrived.
    pub fn trouble(&mut self, trouble: Trouble, quoted: Quoted, loan: Loan<'_>) {
        let ends = (quoted.local, quoted.remote);
        let Some(socket) = self.by_ends.get(&ends).copied() else {
            return;
        };
        self.with(SocketId(socket), loan, |connection, egress| {
            connection.trouble(trouble, quoted.from, quoted.sequence, egress);
        });
    }

    /// The time of the next timer.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Runs one timer that is due; false when none is.
    pub fn run_timer(&mut self, loan: Loan<'_>) -> bool {
        if self.deadlines.next().is_none_or(|at| at > loan.now) {
            return false;
        }
        let Some((_, socket)) = self.deadlines.pop() else {
            return false;
        };
        if let Some(connection) = self.connections.get_mut(&socket)
            && connection
                .deadline()
                .is_some_and(|deadline| deadline <= loan.now)
        {
            let was = connection.state;
            connection.timer(&mut egress(
                &self.stack,
                self.boot,
                (&mut self.delayed_ack, &mut self.handshake),
                loan,
            ));
            self.after(socket, was);
        }
        true
    }

    /// A segment has arrived. `next_socket` names a connection it may open.
    pub fn receive(
        &mut self,
        ends: Ends,
        tcp: &Tcp,
        payload: &Payload,
        cause: Cause,
        next_socket: &mut u32,
        loan: Loan<'_>,
    ) {
        let known = self.by_ends.get(&ends).copied();
        let known = known.filter(|socket| !self.makes_room(*socket, ends, tcp));
        if let Some(socket) = known {
            if let Some(connection) = self.connections.get_mut(&socket) {
                let was = connection.state;
                connection.receive(
                    tcp,
                    payload,
                    &mut egress(
                        &self.stack,
                        self.boot,
                        (&mut self.delayed_ack, &mut self.handshake),
                        loan,
                    ),
                );
                self.after(socket, was);
            }
            return;
        }
        if self.listeners.contains_key(&ends.0.port) {
            self.receive_in_listen(ends, tcp, payload, cause, next_socket, loan);
        } else {
            let mut egress = egress(
                &self.stack,
                self.boot,
                (&mut self.delayed_ack, &mut self.handshake),
                loan,
            );
            egress.reset(ends.0, ends.1, tcp, payload.len(), cause);
        }
    }

    /// Whether a connection has gone to make room for one that a segment opens between the same ends.
    fn makes_room(&mut self, socket: u32, ends: Ends, tcp: &Tcp) -> bool {
        let goes = self.listeners.contains_key(&ends.0.port)
            && self
                .connections
                .get(&socket)
                .is_some_and(|connection| connection.makes_room_for(tcp));
        if goes {
            self.by_ends.remove(&ends);
            self.connections.remove(&socket);
        }
        goes
    }

    /// RFC 9293 section 3.10.7.2, with what this stack does to odd flags.
    fn receive_in_listen(
        &mut self,
        ends: Ends,
        tcp: &Tcp,
        payload: &Payload,
        cause: Cause,
        next_socket: &mut u32,
        loan: Loan<'_>,
    ) {
        let traits = &self.stack.tcp;
        let flags = tcp.flags;
        let listener = self.listeners.get(&ends.0.port);
        let full = listener.is_some_and(|listener| listener.half_open >= traits.backlog);
        let reply = if flags.contains(Flags::RST) || (full && traits.deaf_when_full) {
            OddReply::Silence
        } else if flags.contains(Flags::FIN | Flags::ACK) {
            traits.fin_ack_to_open
        } else if flags.is_exactly(Flags::ACK) {
            traits.ack_to_open
        } else if flags.contains(Flags::ACK) {
            OddReply::Reset
        } else if flags.contains(Flags::SYN | Flags::FIN) {
            traits.syn_fin_to_open
        } else if flags.contains(Flags::SYN) {
            OddReply::SynAck
        } else {
            traits.odd_to_open
        };
        match reply {
            OddReply::Silence | OddReply::Reset if self.completes_cookie(ends, tcp) => {
                self.accept_cookie(ends, tcp, payload, cause, next_socket, loan);
            }
            OddReply::Silence => {}
            OddReply::Reset => {
                let mut egress = egress(
                    &self.stack,
                    self.boot,
                    (&mut self.delayed_ack, &mut self.handshake),
                    loan,
                );
                egress.reset(ends.0, ends.1, tcp, payload.len(), cause);
            }
            OddReply::SynAck => self.accept(ends, tcp, cause, next_socket, loan),
        }
    }

    fn accept(
        &mut self,
        ends: Ends,
        syn: &Tcp,
        cause: Cause,
        next_socket: &mut u32,
        loan: Loan<'_>,
    ) {
        let Some(listener) = self.listeners.get_mut(&ends.0.port) else {
            return;
        };
        if listener.half_open >= self.stack.tcp.backlog {
            if self.stack.tcp.syn_cookies {
                self.send_cookie(ends, syn, cause, loan);
            }
            return;
        }
        listener.half_open += 1;
        let (owner, buffer) = (listener.owner, listener.buffer);
        let iss = self.initial_sequence(loan.now);
        *next_socket += 1;
        let socket = SocketId(*next_socket);
        let mut egress = egress(
            &self.stack,
            self.boot,
            (&mut self.delayed_ack, &mut self.handshake),
            loan,
        );
        let connection = Connection::accept(
            socket,
            owner,
            ends,
            cause.answered(),
            iss,
            syn,
            buffer,
            &mut egress,
        );
        self.insert(socket.0, connection);
    }

    /// Answers a SYN without keeping state, RFC 4987 section 3.6.
    fn send_cookie(&mut self, ends: Ends, syn: &Tcp, cause: Cause, loan: Loan<'_>) {
        let synack = Tcp {
            sequence: self.cookie(ends),
            acknowledgment: syn.sequence.wrapping_add(1),
            window: u16::try_from(self.stack.tcp.buffer).unwrap_or(u16::MAX),
            options: Options::new([TcpOption::Mss(self.stack.tcp.mss)]),
            ..Tcp::new(ends.0.port, ends.1.port, Flags::SYN | Flags::ACK)
        };
        egress(
            &self.stack,
            self.boot,
            (&mut self.delayed_ack, &mut self.handshake),
            loan,
        )
        .cookie(ends.0, ends.1, synack, cause);
    }

    fn completes_cookie(&self, ends: Ends, tcp: &Tcp) -> bool {
        self.stack.tcp.syn_cookies
            && tcp.flags.is_exactly(Flags::ACK)
            && tcp.acknowledgment.wrapping_sub(1) == self.cookie(ends)
    }

    fn accept_cookie(
        &mut self,
        ends: Ends,
        tcp: &Tcp,
        payload: &Payload,
        cause: Cause,
        next_socket: &mut u32,
        loan: Loan<'_>,
    ) {
        let Some(listener) = self.listeners.get_mut(&ends.0.port) else {
            return;
        };
        listener.half_open += 1;
        *next_socket += 1;
        let socket = SocketId(*next_socket);
        let mut egress = egress(
            &self.stack,
            self.boot,
            (&mut self.delayed_ack, &mut self.handshake),
            loan,
        );
        let mut connection = Connection::from_cookie(
            socket,
            listener.owner,
            ends,
            cause.answered(),
            tcp,
            &mut egress,
        );
        connection.receive(tcp, payload, &mut egress);
        self.insert(socket.0, connection);
        self.after(socket.0, State::SynReceived);
    }

    fn cookie(&self, (local, remote): Ends) -> u32 {
        let ends = (local.address, local.port, remote.address, remote.port);
        low32(foldhash::fast::FixedState::with_seed(self.cookie_key).hash_one(ends))
    }

    fn insert(&mut self, socket: u32, connection: Connection) {
        self.by_ends
            .insert((connection.local, connection.remote), socket);
        if let Some(at) = connection.deadline() {
            self.deadlines.push(at, socket);
        }
        self.connections.insert(socket, Box::new(connection));
    }

    /// Keeps timers, backlog and table in step after a connection has changed.
    fn after(&mut self, socket: u32, was: State) {
        let Some(connection) = self.connections.get(&socket) else {
            return;
        };
        if was == State::SynReceived
            && connection.state != State::SynReceived
            && let Some(listener) = self.listeners.get_mut(&connection.local.port)
        {
            listener.half_open = listener.half_open.saturating_sub(1);
        }
        if connection.state == State::Closed {
            self.by_ends.remove(&(connection.local, connection.remote));
            self.connections.remove(&socket);
            self.forget_deadlines();
        } else if let Some(at) = connection.deadline() {
            self.deadlines.push(at, socket);
        }
    }

    /// Lets go of the next deadlines as far as their connections are gone: nobody has to be woken for them.
    fn forget_deadlines(&mut self) {
        while let Some(socket) = self.deadlines.peek()
            && !self.connections.contains_key(socket)
        {
            self.deadlines.pop();
        }
    }

    fn initial_sequence(&mut self, now: Timestamp) -> u32 {
        self.opened = self.opened.wrapping_add(1);
        match self.stack.tcp.isn {
            Isn::Random => self.isn.word32(),
            Isn::Clock {
                per_second,
                per_connection,
                random_bits,
            } => {
                let pinned = self.isn.pinned().map(low32);
                let drawn = match random_bits {
                    0 => 0,
                    bits => low32(u64::from(self.isn_random.word32()) >> (32 - bits)),
                };
                let elapsed = u128::from(now.nanos_since(self.start));
                let steps = elapsed * u128::from(per_second) / 1_000_000_000;
                let steps = low32(u64::try_from(steps & u128::from(u64::MAX)).unwrap_or(0));
                let grown = self.isn_base.wrapping_add(steps);
                pinned.unwrap_or_else(|| {
                    grown
                        .wrapping_add(drawn)
                        .wrapping_add(self.opened.wrapping_mul(per_connection))
                })
            }
        }
    }

    /// The next free port of the stack's range.
    fn ephemeral_port(&mut self, address: std::net::IpAddr, remote: Endpoint) -> u16 {
        let range = self.stack.tcp.ephemeral.clone();
        let (first, last) = (*range.start(), *range.end());
        let mut port = match (self.ports.is_pinned(), self.last_port) {
            (false, Some(port)) if self.stack.tcp.ephemeral_in_order => {
                successor(port, first, last)
            }
            _ => self.ports.port(range),
        };
        // Every port taken means 60,000 connections to one service: the last one tried is used again.
        for _ in first..last {
            let local = Endpoint { address, port };
            if self.by_ends.get(&(local, remote)).is_none() && !self.listeners.contains_key(&port) {
                break;
            }
            port = successor(port, first, last);
        }
        self.last_port = Some(port);
        port
    }
}

fn successor(port: u16, first: u16, last: u16) -> u16 {
    if port >= last { first } else { port + 1 }
}

fn egress<'a>(
    stack: &'a Stack,
    boot: Timestamp,
    (delayed_ack, handshake): (&'a mut Draws, &'a mut Handshake),
    loan: Loan<'a>,
) -> Egress<'a> {
    Egress {
        now: loan.now,
        stack,
        ip: loan.ip,
        out: loan.out,
        events: loan.events,
        delayed_ack,
        handshake,
        boot,
    }
}

//! A host: addresses, a stack, ports with a policy, and the programs that run on it.

pub mod icmp;
pub mod ip;
pub mod mortal;
pub mod program;
pub mod reassembly;
pub mod route;
pub mod socket;
pub mod sockets;
pub mod stack;
pub mod tcp;
pub mod timers;
#[cfg(test)]
mod traces;
pub mod trouble;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use wire::{Icmp, Ip, MacAddress, Packet, Segment, Timestamp};

use crate::activity::{Activity, Sent};
use crate::seed::{Draws, SeedTree};
use icmp::QuotedTransport;
use ip::Purpose;
use program::{Lookup, Program, System};
use reassembly::Reassembly;
use socket::{Endpoint, Outbox, ProgramId};
use sockets::{Counters, Sockets};
use stack::Stack;
use tcp::egress::Events;
use timers::Timers;
use trouble::Trouble;

/// What a port does with a packet that nobody serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortPolicy {
    /// Answers that nobody is there: RST, or port unreachable.
    #[default]
    Closed,
    /// A filter drops the packet.
    Filtered,
    /// A filter answers that the packet is prohibited, RFC 1812 section 5.2.7.1.
    Rejected,
}

/// How a host is set up.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Its name in the scenario, part of its draw paths.
    pub name: String,
    /// Its addresses; programs speak from the first.
    pub addresses: Vec<IpAddr>,
    /// Its stack.
    pub stack: Arc<Stack>,
    /// What ports do that nobody serves.
    pub default_policy: PortPolicy,
    /// Ports that differ.
    pub port_policy: BTreeMap<u16, PortPolicy>,
    /// Mean gap of packets that it sends elsewhere, unseen; they move its IP identification on.
    pub unseen_gap: Option<u64>,
    /// Its hardware address.
    pub mac: MacAddress,
    /// Largest packet that its interface sends, in bytes.
    pub mtu: usize,
    /// Whether it has just started: the ports that it chooses begin with the first.
    pub booted: bool,
    /// Where its counters stand, where that is said.
    pub counters: Option<Counters>,
    /// How long it takes to send what it decided to send: least time and mean of the rest, in nanoseconds.
    pub turnaround: (u64, u64),
}

/// A host at work.
pub struct Host {
    config: HostConfig,
    sockets: Sockets,
    timers: Timers,
    programs: Vec<Box<dyn Program>>,
    reassembly: Reassembly,
    /// Room for events that is used again.
    spare: Events,
    turnaround: Draws,
    last_departure: Timestamp,
    /// Questions of its programs for neighbours, with the time of each.
    pub lookups: Vec<(Timestamp, Lookup)>,
    /// The time for which the world has been asked to wake it.
    pub wake_at: Option<Timestamp>,
}

impl Host {
    /// Switches a host on at the start of its scenario.
    pub fn new(config: HostConfig, start: Timestamp, tree: &SeedTree) -> Self {
        let mut sockets = Sockets::new(&config.name, &config.stack, config.unseen_gap, start, tree);
        if config.booted {
            sockets.begin_with_first_port();
        }
        if let Some(counters) = config.counters {
            sockets.begin_at(counters);
        }
        let stack = &config.stack;
        Host {
            reassembly: Reassembly::new(stack.overlap, stack.reassembly_timeout),
            turnaround: tree.draws(&format!("host/{}/turnaround", config.name)),
            last_departure: Timestamp::ZERO,
            config,
            sockets,
            timers: Timers::default(),
            spare: Events::new(),
            programs: Vec::new(),
            lookups: Vec::new(),
            wake_at: None,
        }
    }

    /// How long the host takes, this time, until what it decided to send at `now` leaves it. Order is kept.
    pub fn departure(&mut self, now: Timestamp) -> Timestamp {
        let (least, mean) = self.config.turnaround;
        let takes = match (self.turnaround.pinned(), mean) {
            (Some(pinned), _) => pinned,
            (None, 0) => least,
            (None, mean) => least + self.turnaround.exponential(mean),
        };
        let free = self.last_departure.plus_nanos(self.packet_time());
        self.last_departure = free.max(now.plus_nanos(takes));
        self.last_departure
    }

    /// How long the host is busy with each of several packets that it sends at once. Assumption: a third of the least time
    /// that it takes to answer.
    pub fn packet_time(&self) -> u64 {
        self.config.turnaround.0 / 3
    }

    /// The stack's choice of an identification for the fragments of an IPv6 packet.
    pub fn fragment_id(&mut self) -> u32 {
        self.turnaround.word32()
    }

    /// Its name in the scenario.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether nothing on it ever takes notice of a packet: a filter drops it without a word, and no program listens.
    pub fn ignores(&self, packet: &Packet) -> bool {
        let plain = match &packet.ip {
            Ip::V4(ip) => ip.options.is_none(),
            Ip::V6(_) => true,
        };
        self.programs.is_empty()
            && self.config.default_policy == PortPolicy::Filtered
            && self.config.port_policy.is_empty()
            && plain
            && matches!(packet.segment, Segment::Tcp(_) | Segment::Udp(_))
            && !reassembly::is_fragment(packet)
    }

    /// Whether it is switched on at the start.
    pub fn has_just_started(&self) -> bool {
        self.config.booted
    }

    /// A neighbour that a program asked for has answered.
    pub fn neighbour(
        &mut self,
        program: ProgramId,
        address: IpAddr,
        now: Timestamp,
        activities: &[Activity],
        out: &mut Outbox,
    ) {
        self.call(program, now, activities, out, |program, sys| {
            program.neighbour(address, sys)
        });
        self.tell(now, activities, out);
    }

    /// Installs a program that serves these ports, and returns its number.
    pub fn install(
        &mut self,
        program: Box<dyn Program>,
        tcp_ports: &[u16],
        buffer: Option<u32>,
    ) -> ProgramId {
        let id = ProgramId(self.programs.len());
        self.programs.push(program);
        for port in tcp_ports {
            self.sockets.tcp.listen(*port, id, buffer);
        }
        id
    }

    /// The time of its next timer.
    pub fn deadline(&self) -> Option<Timestamp> {
        let or_never = |at: Option<Timestamp>| at.unwrap_or(Timestamp::MAX);
        let first = or_never(self.timers.next())
            .min(or_never(self.sockets.tcp.deadline()))
            .min(or_never(self.reassembly.deadline()));
        (first < Timestamp::MAX).then_some(first)
    }

    /// Starts a program.
    pub fn start(
        &mut self,
        program: ProgramId,
        now: Timestamp,
        activities: &[Activity],
        out: &mut Outbox,
    ) {
        self.call(program, now, activities, out, |program, sys| {
            program.start(sys)
        });
        self.tell(now, activities, out);
    }

    /// Runs the timers that are due.
    pub fn wake(&mut self, now: Timestamp, activities: &[Activity], out: &mut Outbox) {
        while let Some((program, token)) = self.timers.pop(now) {
            self.call(program, now, activities, out, |program, sys| {
                program.timer(token, sys)
            });
            self.tell(now, activities, out);
        }
        while self.sockets.run_timer(now, out) {
            self.tell(now, activities, out);
        }
        while let Some(given_up) = self.reassembly.give_up(now) {
            if let Some(first) = given_up {
                self.complain(Trouble::Reassembly, &first, now, out);
            }
        }
    }

    /// A packet has arrived.
    pub fn receive(
        &mut self,
        sent: &Sent,
        now: Timestamp,
        activities: &[Activity],
        out: &mut Outbox,
    ) {
        if self.wants_packets() {
            self.hand_to_listeners(&sent.packet, now, activities, out);
        }
        if reassembly::is_fragment(&sent.packet) {
            if let Some(whole) = self.reassembly.take(sent, now) {
                if self.wants_packets() {
                    self.hand_to_listeners(&whole.packet, now, activities, out);
                }
                self.receive_whole(&whole, now, out);
            }
        } else {
            self.receive_whole(sent, now, out);
        }
        self.tell(now, activities, out);
    }

    fn wants_packets(&self) -> bool {
        self.programs.iter().any(|program| program.wants_packets())
    }

    fn hand_to_listeners(
        &mut self,
        packet: &Packet,
        now: Timestamp,
        activities: &[Activity],
        out: &mut Outbox,
    ) {
        for n in 0..self.programs.len() {
            if self
                .programs
                .get(n)
                .is_some_and(|program| program.wants_packets())
            {
                self.call(ProgramId(n), now, activities, out, |program, sys| {
                    program.packet(packet, sys)
                });
            }
        }
    }

    fn receive_whole(&mut self, sent: &Sent, now: Timestamp, out: &mut Outbox) {
        let stack = &self.config.stack;
        let (parameter_problem, reverses_routes) = (stack.parameter_problem, stack.reverses_routes);
        if let Some(at) = route::fault(&sent.packet).filter(|_| parameter_problem) {
            return self.complain(Trouble::Parameter(at), sent, now, out);
        }
        if self.follow_source_route(sent, now, out) {
            return;
        }
        if reverses_routes
            && let Some(back) =
                route::SourceRoute::of(&sent.packet).and_then(|route| route.reversed(&sent.packet))
        {
            self.sockets.ip.learn_route(sent.packet.source(), back);
        }
        match &sent.packet.segment {
            Segment::Tcp(_) | Segment::Udp(_) => self.receive_ported(sent, now, out),
            Segment::Icmp(message) => self.receive_icmp(message, sent, now, out),
            Segment::Raw(_) => self.complain(Trouble::Protocol, sent, now, out),
        }
    }

    /// Sends a packet on that names more hosts on its way, RFC 791 section 3.1, or refuses; true when it was not for us.
    fn follow_source_route(&mut self, sent: &Sent, now: Timestamp, out: &mut Outbox) -> bool {
        let Some(route) = route::SourceRoute::of(&sent.packet).filter(|route| !route.is_done())
        else {
            return false;
        };
        if !self.config.stack.source_routes {
            self.complain(Trouble::SourceRoute, sent, now, out);
            return true;
        }
        if let Some(packet) = route.forwarded(&sent.packet) {
            out.push(now, packet, sent.cause);
        }
        true
    }

    /// Whether a packet is for this host alone.
    fn is_for_us(&self, address: IpAddr) -> bool {
        self.config.addresses.contains(&address)
    }

    fn receive_ported(&mut self, sent: &Sent, now: Timestamp, out: &mut Outbox) {
        let packet = &sent.packet;
        let Some((source, destination)) = packet.ports() else {
            return;
        };
        let local = Endpoint {
            address: packet.destination(),
            port: destination,
        };
        let remote = Endpoint {
            address: packet.source(),
            port: source,
        };
        match self.policy(packet, local, remote) {
            PortPolicy::Filtered => return,
            PortPolicy::Rejected => return self.complain(Trouble::Prohibited, sent, now, out),
            PortPolicy::Closed => {}
        }
        match &packet.segment {
            // RFC 1122 section 4.2.3.10: no connection with everybody.
            Segment::Tcp(_) if !self.is_for_us(local.address) => {}
            Segment::Tcp(tcp) => {
                self.sockets.receive_tcp(
                    now,
                    (local, remote),
                    tcp,
                    &packet.payload,
                    sent.cause,
                    out,
                );
            }
            _ => {
                if !self
                    .sockets
                    .receive_udp(destination, remote, &packet.payload, sent.cause)
                {
                    self.complain(Trouble::Port, sent, now, out);
                }
            }
        }
    }

    /// What the port does. A host's filter lets in what belongs to its own sockets.
    fn policy(&self, packet: &Packet, local: Endpoint, remote: Endpoint) -> PortPolicy {
        let policy = self
            .config
            .port_policy
            .get(&local.port)
            .copied()
            .unwrap_or(self.config.default_policy);
        if policy == PortPolicy::Closed {
            return policy;
        }
        let expected = match &packet.segment {
            Segment::Tcp(_) => self.sockets.tcp.expects(local, remote),
            _ => self.sockets.holds_udp(local.port),
        };
        if expected { PortPolicy::Closed } else { policy }
    }

    fn receive_icmp(&mut self, message: &Icmp, sent: &Sent, now: Timestamp, out: &mut Outbox) {
        let packet = &sent.packet;
        let over_ipv6 = matches!(packet.ip, Ip::V6(_));
        if let Some(trouble) = Trouble::read(message, over_ipv6) {
            return self.learn(trouble, packet, now, out);
        }
        let stack = &self.config.stack;
        let for_us = self.is_for_us(packet.destination());
        let answers = if for_us {
            stack.answers_ping
        } else {
            stack.answers_broadcast_ping
        };
        let Some(reply) = icmp::echo_reply(message, over_ipv6).filter(|_| answers) else {
            return;
        };
        let Some(ip) = self.reply_header(sent, now) else {
            return;
        };
        let packet = Packet {
            ip,
            segment: Segment::Icmp(reply),
            payload: packet.payload.clone(),
        };
        let cause = sent.cause.answered();
        out.push(now, packet, cause);
    }

    /// Tells a connection or a socket what became of its packet.
    fn learn(&mut self, trouble: Trouble, packet: &Packet, now: Timestamp, out: &mut Outbox) {
        let Some(quoted) = icmp::quoted(&packet.payload, packet.source()) else {
            return;
        };
        if !self.is_for_us(quoted.local.address) {
            return;
        }
        match quoted.transport {
            QuotedTransport::Tcp => self.sockets.trouble_of_tcp(now, trouble, quoted, out),
            QuotedTransport::Udp => {
                self.sockets.trouble_of_udp(trouble, quoted);
            }
        }
    }

    /// The header of our answer to a packet, from the address that it was sent to, or from one of ours.
    fn reply_header(&mut self, sent: &Sent, now: Timestamp) -> Option<Ip> {
        let (asked, asker) = (sent.packet.destination(), sent.packet.source());
        let from = if self.is_for_us(asked) {
            asked
        } else {
            self.address_towards(asker)?
        };
        let [from, to] = [from, asker].map(|address| Endpoint { address, port: 0 });
        let ip = &mut self.sockets.ip;
        Some(ip.header(now, from, to, Purpose::Datagram, 0))
    }

    /// Its first address of a version of IP.
    pub fn address_of_version(&self, over_ipv6: bool) -> Option<IpAddr> {
        let mut ours = self.config.addresses.iter();
        ours.find(|address| address.is_ipv6() == over_ipv6).copied()
    }

    /// The address from which we speak to a peer: the first one of its version of IP.
    fn address_towards(&self, peer: IpAddr) -> Option<IpAddr> {
        self.address_of_version(peer.is_ipv6())
    }

    /// Tells the sender that its packet was not wanted; never about one for all.
    fn complain(&mut self, trouble: Trouble, sent: &Sent, now: Timestamp, out: &mut Outbox) {
        if !self.is_for_us(sent.packet.destination()) {
            return;
        }
        let Some(ip) = self.reply_header(sent, now) else {
            return;
        };
        let quote = self.config.stack.icmp_quote;
        if let Some(error) = icmp::error_about(ip, trouble, sent, quote) {
            out.push(now, error.packet, error.cause);
        }
    }

    fn call(
        &mut self,
        program: ProgramId,
        now: Timestamp,
        activities: &[Activity],
        out: &mut Outbox,
        act: impl FnOnce(&mut dyn Program, &mut System<'_>),
    ) {
        let Some(running) = self.programs.get_mut(program.0) else {
            return;
        };
        let Some(address) = self.config.addresses.first().copied() else {
            return;
        };
        let (sockets, timers) = (&mut self.sockets, &mut self.timers);
        let (addresses, lookups) = (&self.config.addresses, &mut self.lookups);
        act(
            running.as_mut(),
            &mut System {
                now,
                program,
                address,
                addresses,
                lookups,
                sockets,
                timers,
                out,
                activities,
            },
        );
    }

    /// Tells programs what happened on their sockets, and what that led to.
    fn tell(&mut self, now: Timestamp, activities: &[Activity], out: &mut Outbox) {
        while !self.sockets.events.is_empty() {
            let spare = std::mem::take(&mut self.spare);
            let mut events = std::mem::replace(&mut self.sockets.events, spare);
            for (program, socket, event) in events.drain(..) {
                self.call(program, now, activities, out, |program, sys| {
                    program.socket(socket, event, sys)
                });
            }
            self.spare = events;
        }
    }
}

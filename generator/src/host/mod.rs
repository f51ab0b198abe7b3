//! A host: addresses, a stack, ports with a policy, and the programs that run on it.

pub mod ip;
pub mod program;
pub mod socket;
pub mod sockets;
pub mod stack;
pub mod tcp;
pub mod timers;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use wire::{Icmp, Ip, Packet, Payload, Segment, Timestamp, icmp};

use crate::activity::{Activity, Sent};
use crate::seed::SeedTree;
use ip::Purpose;
use program::{Program, System};
use socket::{Endpoint, Outbox, ProgramId};
use sockets::Sockets;
use stack::Stack;
use timers::Timers;

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
}

/// A host at work.
pub struct Host {
    config: HostConfig,
    sockets: Sockets,
    timers: Timers,
    programs: Vec<Box<dyn Program>>,
    /// The time for which the world has been asked to wake it.
    pub wake_at: Option<Timestamp>,
}

impl Host {
    /// Switches a host on at the start of its scenario.
    pub fn new(config: HostConfig, start: Timestamp, tree: &SeedTree) -> Self {
        let sockets = Sockets::new(&config.name, &config.stack, config.unseen_gap, start, tree);
        Host {
            config,
            sockets,
            timers: Timers::default(),
            programs: Vec::new(),
            wake_at: None,
        }
    }

    /// Installs a program that serves these ports, and returns its number.
    pub fn install(&mut self, program: Box<dyn Program>, tcp_ports: &[u16]) -> ProgramId {
        let id = ProgramId(self.programs.len());
        self.programs.push(program);
        for port in tcp_ports {
            self.sockets.tcp.listen(*port, id);
        }
        id
    }

    /// The time of its next timer.
    pub fn deadline(&self) -> Option<Timestamp> {
        [self.timers.next(), self.sockets.tcp.deadline()]
            .into_iter()
            .flatten()
            .min()
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
    }

    /// A packet has arrived.
    pub fn receive(
        &mut self,
        sent: &Sent,
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
                    program.packet(&sent.packet, sys)
                });
            }
        }
        match &sent.packet.segment {
            Segment::Tcp(_) | Segment::Udp(_) => self.receive_ported(sent, now, out),
            Segment::Icmp(message) => self.receive_icmp(message, sent, now, out),
            Segment::Raw(_) => {}
        }
        self.tell(now, activities, out);
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
            PortPolicy::Rejected => return self.unreachable(sent, icmp::PROHIBITED, now, out),
            PortPolicy::Closed => {}
        }
        match &packet.segment {
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
                    self.unreachable(sent, icmp::PORT, now, out);
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
        if message.icmp_type != icmp::ECHO_REQUEST || !self.config.stack.answers_ping {
            return;
        }
        let reply = Icmp {
            icmp_type: icmp::ECHO_REPLY,
            checksum: wire::Field::Computed,
            ..message.clone()
        };
        let packet = &sent.packet;
        let ip = self.sockets.ip.header(
            now,
            packet.destination(),
            packet.source(),
            Purpose::Datagram,
            0,
        );
        let packet = Packet {
            ip,
            segment: Segment::Icmp(reply),
            payload: packet.payload.clone(),
        };
        out.push((
            now,
            Sent {
                packet,
                cause: sent.cause.answered(),
            },
        ));
    }

    /// Tells the sender that its packet was not wanted.
    fn unreachable(&mut self, sent: &Sent, code: u8, now: Timestamp, out: &mut Outbox) {
        let (from, to) = (sent.packet.destination(), sent.packet.source());
        let ip = self.sockets.ip.header(now, from, to, Purpose::Datagram, 0);
        let quote = self.config.stack.icmp_quote;
        if let Some(error) = icmp_error(ip, Icmp::new(icmp::UNREACHABLE, code), sent, quote) {
            out.push((now, error));
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
        act(
            running.as_mut(),
            &mut System {
                now,
                program,
                address,
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
            for (program, socket, event) in std::mem::take(&mut self.sockets.events) {
                self.call(program, now, activities, out, |program, sys| {
                    program.socket(socket, event, sys)
                });
            }
        }
    }
}

/// An ICMP error about a packet, quoting its header and `quote` bytes more.
///
/// `None` where RFC 1122 section 3.2.2 forbids one: about an ICMP error, or a later fragment. ICMPv6 errors are not made.
pub fn icmp_error(ip: Ip, message: Icmp, about: &Sent, quote: usize) -> Option<Sent> {
    let Ip::V4(header) = &about.packet.ip else {
        return None;
    };
    let is_error =
        matches!(&about.packet.segment, Segment::Icmp(icmp) if Icmp::is_error(icmp.icmp_type));
    if is_error || header.fragment_offset != 0 {
        return None;
    }
    let mut bytes = Vec::with_capacity(about.packet.total_bytes());
    about.packet.emit(&mut bytes);
    bytes.truncate(header.header_bytes() + quote);
    let packet = Packet {
        ip,
        segment: Segment::Icmp(message),
        payload: Payload::new(bytes),
    };
    Some(Sent {
        packet,
        cause: about.cause.answered(),
    })
}

//! A scanner that sends SYNs past its stack, as nmap -sS does. The RST that tears an open port's half-open connection
//! down is not the tool's: the scanner's own stack knows of no such connection and refuses the SYN-ACK.
//!
//! Sources: "Interpreting Network Traffic", the SYN scan; nmap's window of 1024 times 1 to 4 and its lone MSS option are
//! those of its source. Not modelled: its adaptive timing.

use std::net::IpAddr;
use std::sync::Arc;

use wire::{Flags, Ip, Ipv4, Options, Packet, Payload, Segment, Tcp, TcpOption};

use super::order::{Order, Probe};
use crate::activity::ActivityId;
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::host::program::{Program, System};
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The kind.
pub const KIND: Kind = Kind {
    name: "half-open-scan",
    read,
};

#[derive(Debug)]
struct Plan {
    order: Order,
    mss: Option<u16>,
    window: u16,
    tries: u64,
    retry: u64,
}

fn read(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(Plan {
        order: Order::read(fields),
        mss: fields.word("mss"),
        window: fields.word("window").unwrap_or(1024),
        tries: fields.number("tries", 1..=10).unwrap_or(1),
        retry: fields.duration("retry").unwrap_or(1_000_000_000),
    })
}

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let mut probes = self.order.probes(cast);
        probes.reverse();
        let mut port = cast.draws("port");
        Box::new(Scan {
            order: self.order.clone(),
            options: self
                .mss
                .map_or(Options::NONE, |mss| Options::new([TcpOption::Mss(mss)])),
            window: self.window,
            tries: self.tries,
            retry: self.retry,
            probes,
            waiting: Vec::new(),
            source_port: port.port(32768..=65000),
            gap: cast.draws("gap"),
            sequence: cast.draws("isn"),
            ttl: cast.draws("ttl"),
            id: cast.draws("id"),
            activity: cast.activity,
        })
    }
}

struct Scan {
    order: Order,
    options: Options,
    window: u16,
    tries: u64,
    retry: u64,
    /// Probes to come, the next one last.
    probes: Vec<Probe>,
    /// Probes without an answer so far, and how often they were sent.
    waiting: Vec<(Probe, u64)>,
    source_port: u16,
    gap: Draws,
    sequence: Draws,
    ttl: Draws,
    id: Draws,
    activity: ActivityId,
}

/// Token of the timer for the next probe; others name a probe to try again.
const NEXT: u64 = 0;

impl Scan {
    fn probe(&mut self, probe: Probe, sys: &mut System<'_>) {
        let (IpAddr::V4(source), IpAddr::V4(target)) = (sys.address(), probe.target) else {
            return;
        };
        // nmap draws between 37 and 59 for each probe.
        let ttl = u8::try_from(self.ttl.range(37..=59)).unwrap_or(u8::MAX);
        let ip = Ipv4 {
            ttl,
            identification: self.id.word16(),
            ..Ipv4::new(source, target)
        };
        let tcp = Tcp {
            sequence: self.sequence.word32(),
            window: self.window,
            options: self.options,
            ..Tcp::new(self.source_port, probe.port, Flags::SYN)
        };
        let packet = Packet {
            ip: Ip::V4(ip),
            segment: Segment::Tcp(tcp),
            payload: Payload::Empty,
        };
        sys.send_raw(0, packet, self.activity);
    }

    fn answered(&mut self, target: IpAddr, port: u16) {
        self.waiting
            .retain(|(probe, _)| probe.target != target || probe.port != port);
    }
}

impl Program for Scan {
    fn start(&mut self, sys: &mut System<'_>) {
        self.timer(NEXT, sys);
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        if token == NEXT {
            let Some(probe) = self.probes.pop() else {
                return;
            };
            self.probe(probe, sys);
            if self.tries > 1 {
                self.waiting.push((probe, 1));
                sys.timer(self.retry, u64::from(probe.port) + 1);
            }
            return sys.timer(self.order.gap(&mut self.gap), NEXT);
        }
        let port = u16::try_from(token - 1).unwrap_or_default();
        let Some(at) = self
            .waiting
            .iter()
            .position(|(probe, _)| probe.port == port)
        else {
            return;
        };
        let (probe, sent) = self.waiting.remove(at);
        self.probe(probe, sys);
        if sent + 1 < self.tries {
            self.waiting.push((probe, sent + 1));
            sys.timer(self.retry, token);
        }
    }

    fn wants_packets(&self) -> bool {
        self.tries > 1
    }

    fn packet(&mut self, packet: &Packet, _: &mut System<'_>) {
        if let Segment::Tcp(tcp) = &packet.segment
            && tcp.destination == self.source_port
        {
            self.answered(packet.source(), tcp.source);
        }
    }
}

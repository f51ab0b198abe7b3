//! A scanner that sends segments with odd flags, one process a host, as early nmap does for -sF, -sN and -sX.
//!
//! TTL and window of a process follow from the second in which it starts: TTL 51 plus the time modulo 14, window 1024
//! times one more than the TTL modulo 4. Both fit all five hosts of the published FIN scan. Source: "Interpreting
//! Network Traffic", the FIN scan. Not modelled: the ping before the scan.

use std::net::IpAddr;
use std::sync::Arc;

use wire::{Flags, Ip, Ipv4, Packet, Payload, Segment, Tcp};

use super::order::{Order, Probe};
use crate::activity::ActivityId;
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::host::program::{Program, System};
use crate::reading::fields::{Fields, text_ref};
use crate::seed::Draws;

/// The kind.
pub const KIND: Kind = Kind {
    name: "stealth-scan",
    read,
};

#[derive(Debug)]
struct Plan {
    order: Order,
    flags: Flags,
    source_port: Option<u16>,
    tries: u64,
    retry: u64,
    retry_jitter: u64,
    warm_up: u64,
}

fn read(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let flags = fields.parsed(
        "flags",
        "TCP flags such as \"F\", \"FPU\" or \"none\"",
        |v| text_ref(v)?.parse().ok(),
    );
    Arc::new(Plan {
        order: Order::read(fields),
        flags: flags.unwrap_or(Flags::FIN),
        source_port: fields.word("source_port"),
        tries: fields.number("tries", 1..=10).unwrap_or(2),
        retry: fields.duration("retry").unwrap_or(6_000_000_000),
        retry_jitter: fields.duration("retry_jitter").unwrap_or(0),
        warm_up: fields.duration("warm_up").unwrap_or(0),
    })
}

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let mut probes = self.order.probes(cast);
        probes.reverse();
        let mut port = cast.draws("port");
        Box::new(Scan {
            order: self.order.clone(),
            flags: self.flags,
            tries: self.tries,
            retry: self.retry,
            retry_jitter: self.retry_jitter,
            warm_up: self.warm_up,
            probes,
            current: None,
            process: None,
            source_port: self.source_port.unwrap_or_else(|| port.port(32768..=65000)),
            gap: cast.draws("gap"),
            again: cast.draws("retry"),
            id: cast.draws("id"),
            activity: cast.activity,
        })
    }
}

struct Scan {
    order: Order,
    flags: Flags,
    tries: u64,
    retry: u64,
    retry_jitter: u64,
    warm_up: u64,
    /// Probes to come, the next one last.
    probes: Vec<Probe>,
    /// The probe that waits for an answer, and how often it was sent.
    current: Option<(Probe, u64)>,
    /// The process that scans this host, with the TTL it chose.
    process: Option<(IpAddr, u8)>,
    source_port: u16,
    gap: Draws,
    again: Draws,
    id: Draws,
    activity: ActivityId,
}

/// Timer tokens.
const START_PROCESS: u64 = 0;
const NEXT: u64 = 1;
const AGAIN: u64 = 2;

impl Scan {
    fn send(&mut self, probe: Probe, sys: &mut System<'_>) {
        let (IpAddr::V4(source), IpAddr::V4(target)) = (sys.address(), probe.target) else {
            return;
        };
        let ttl = self.process.map_or(51, |(_, ttl)| ttl);
        let ip = Ipv4 {
            ttl,
            identification: self.id.word16(),
            ..Ipv4::new(source, target)
        };
        let window = 1024 * (u16::from(ttl % 4) + 1);
        let tcp = Tcp {
            window,
            ..Tcp::new(self.source_port, probe.port, self.flags)
        };
        let packet = Packet {
            ip: Ip::V4(ip),
            segment: Segment::Tcp(tcp),
            payload: Payload::Empty,
        };
        sys.send_raw(0, packet, self.activity);
    }

    fn next(&mut self, sys: &mut System<'_>) {
        let Some(probe) = self.probes.last() else {
            return;
        };
        let same = self.process.is_some_and(|(host, _)| host == probe.target);
        let gap = self.order.gap(&mut self.gap);
        sys.timer(gap, if same { NEXT } else { START_PROCESS });
    }
}

impl Program for Scan {
    fn start(&mut self, sys: &mut System<'_>) {
        self.timer(START_PROCESS, sys);
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        match token {
            START_PROCESS => {
                let Some(probe) = self.probes.last() else {
                    return;
                };
                let ttl = 51 + u8::try_from(sys.now.seconds() % 14).unwrap_or_default();
                self.process = Some((probe.target, ttl));
                sys.timer(self.warm_up, NEXT);
            }
            NEXT => {
                let Some(probe) = self.probes.pop() else {
                    return;
                };
                self.send(probe, sys);
                self.current = Some((probe, 1));
                let wait = self.retry
                    + if self.retry_jitter > 0 || self.again.is_pinned() {
                        self.again.exponential(self.retry_jitter)
                    } else {
                        0
                    };
                sys.timer(wait, AGAIN);
            }
            _ => match self.current {
                Some((probe, sent)) if sent < self.tries => {
                    self.send(probe, sys);
                    self.current = Some((probe, sent + 1));
                    if sent + 1 < self.tries {
                        return sys.timer(self.retry, AGAIN);
                    }
                    self.next(sys);
                }
                _ => self.next(sys),
            },
        }
    }

    fn wants_packets(&self) -> bool {
        true
    }

    /// An answer ends the probe; the pace stays.
    fn packet(&mut self, packet: &Packet, _: &mut System<'_>) {
        if let Segment::Tcp(tcp) = &packet.segment
            && self.current.is_some_and(|(probe, _)| {
                probe.target == packet.source() && probe.port == tcp.source
            })
        {
            self.current = None;
        }
    }
}

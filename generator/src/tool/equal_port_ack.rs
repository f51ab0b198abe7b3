//! The first stage of an early multi-phase scanner: ACKs whose source port equals their destination port, meant to pass a
//! stateless filter. The second stage, SYNs through the scanner's own stack, is a [`connect_scan`](super::connect_scan).
//!
//! Sources: "Interpreting Network Traffic", the ACK probe; the same stage opens the scan in "Unusual scan pattern".

use std::net::IpAddr;
use std::sync::Arc;

use wire::{Flags, Ip, Ipv4, Packet, Payload, Segment, Tcp};

use super::order::{Order, Probe};
use crate::activity::ActivityId;
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::host::program::{Program, System};
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The kind.
pub const KIND: Kind = Kind {
    name: "equal-port-ack",
    read,
};

#[derive(Debug)]
struct Plan {
    order: Order,
    window: u16,
    ttl: u8,
}

fn read(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(Plan {
        order: Order::read(fields),
        window: fields.word("window").unwrap_or(1028),
        ttl: fields.byte("ttl").unwrap_or(42),
    })
}

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let mut probes = self.order.probes(cast);
        probes.reverse();
        // The tool writes its header once: number and identification stay the same for the whole run.
        let acknowledgment = cast.draws("ack").word32();
        let identification = cast.draws("id").word16();
        Box::new(Scan {
            order: self.order.clone(),
            window: self.window,
            base_ttl: self.ttl,
            probes,
            acknowledgment,
            identification,
            ttl: cast.draws("ttl"),
            gap: cast.draws("gap"),
            activity: cast.activity,
        })
    }
}

struct Scan {
    order: Order,
    window: u16,
    base_ttl: u8,
    /// Probes to come, the next one last.
    probes: Vec<Probe>,
    acknowledgment: u32,
    identification: u16,
    ttl: Draws,
    gap: Draws,
    activity: ActivityId,
}

impl Program for Scan {
    fn start(&mut self, sys: &mut System<'_>) {
        self.timer(0, sys);
    }

    fn timer(&mut self, _: u64, sys: &mut System<'_>) {
        let Some(probe) = self.probes.pop() else {
            return;
        };
        let (IpAddr::V4(source), IpAddr::V4(target)) = (sys.address(), probe.target) else {
            return;
        };
        let ttl = self
            .ttl
            .pinned()
            .and_then(|ttl| u8::try_from(ttl).ok())
            .unwrap_or(self.base_ttl);
        let ip = Ipv4 {
            ttl,
            identification: self.identification,
            ..Ipv4::new(source, target)
        };
        let tcp = Tcp {
            acknowledgment: self.acknowledgment,
            window: self.window,
            ..Tcp::new(probe.port, probe.port, Flags::ACK)
        };
        let packet = Packet {
            ip: Ip::V4(ip),
            segment: Segment::Tcp(tcp),
            payload: Payload::Empty,
        };
        sys.send_raw(0, packet, self.activity);
        sys.timer(self.order.gap(&mut self.gap), 0);
    }
}

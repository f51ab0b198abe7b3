//! In which order a scanner visits targets and ports, and how it paces itself.

use std::net::IpAddr;

use crate::blueprint::Cast;
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The visiting order and pace of a scanner.
#[derive(Clone, Debug)]
pub struct Order {
    ports: Vec<u16>,
    by_port: bool,
    shuffle: bool,
    gap: u64,
    jitter: u64,
}

/// A probe to come: whom, which port.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// The target.
    pub target: IpAddr,
    /// Its port.
    pub port: u16,
}

impl Order {
    /// Reads `ports`, `order` (of hosts or of ports first), `shuffle`, `gap` and `gap_jitter`.
    pub fn read(fields: &mut Fields<'_, '_>) -> Order {
        let ports = fields.ports("ports");
        if ports.is_empty() {
            let origin = fields.origin().clone();
            fields.mistake(
                &origin,
                "a scan needs 'ports': a port, a range such as \"1-1024\", or a list",
            );
        }
        let gap = fields.gap("gap").unwrap_or(100_000_000);
        Order {
            ports,
            by_port: fields
                .choice("order", &[("by-host", false), ("by-port", true)])
                .unwrap_or(false),
            shuffle: fields.flag("shuffle"),
            gap,
            jitter: fields.duration("gap_jitter").unwrap_or(0),
        }
    }

    /// All probes of a scan, in order.
    pub fn probes(&self, cast: &Cast<'_>) -> Vec<Probe> {
        let mut ports = self.ports.clone();
        let mut targets = cast.targets.clone();
        if self.shuffle {
            let mut draws = cast.draws("order");
            draws.shuffle(&mut ports);
            draws.shuffle(&mut targets);
        }
        let probe = |target: IpAddr, port: u16| Probe { target, port };
        if self.by_port {
            ports
                .iter()
                .flat_map(|port| targets.iter().map(move |target| probe(*target, *port)))
                .collect()
        } else {
            targets
                .iter()
                .flat_map(|target| ports.iter().map(move |port| probe(*target, *port)))
                .collect()
        }
    }

    /// Nanoseconds until the next probe.
    pub fn gap(&self, draws: &mut Draws) -> u64 {
        match draws.pinned() {
            Some(gap) => gap,
            None if self.jitter == 0 => self.gap,
            None => self.gap + draws.exponential(self.jitter),
        }
    }
}

//! Ports of hosts: which of them work, which a rule has found flooded.

use super::table::{Keep, Table};
use crate::address::{Address, Service};
use crate::news::Moment;

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// A rule found it flooded: SYNs to it are counted, and no connection is kept of them.
    flooded: bool,
    /// When it last answered anybody.
    worked: Option<Moment>,
}

impl Keep for Known {
    fn worth(&self) -> u8 {
        match (self.flooded, self.worked) {
            (true, _) => 8,
            (_, Some(_)) => 2,
            _ => 0,
        }
    }
}

/// All services.
pub(super) struct Services {
    table: Table<Service, Known>,
    /// How many are flooded: mostly none, and then nothing need be looked up.
    flooded: usize,
    /// How many of these are hosts at all their ports.
    hosts: usize,
}

impl Services {
    pub(super) fn new(capacity: usize) -> Self {
        Services {
            table: Table::new(capacity),
            flooded: 0,
            hosts: 0,
        }
    }

    pub(super) fn evicted(&self) -> u64 {
        self.table.evicted()
    }

    pub(super) fn worked(&mut self, address: Address, port: u16, now: Moment) {
        let known = self.entry(Service { address, port });
        known.worked = Some(now);
    }

    /// When the service last answered anybody.
    pub(super) fn worked_at(&self, address: Address, port: u16) -> Option<Moment> {
        let known = self.table.peek(&Service { address, port })?;
        known.worked
    }

    #[inline]
    pub(super) fn is_flooded(&self, address: Address, port: u16) -> bool {
        let is = |port| {
            let known = self.table.peek(&Service { address, port });
            known.is_some_and(|known| known.flooded)
        };
        self.flooded > 0 && (is(port) || self.hosts > 0 && is(0))
    }

    /// Port 0 stands for all of the host.
    pub(super) fn set_flooded(&mut self, service: Service, flooded: bool) {
        let known = self.entry(service);
        if std::mem::replace(&mut known.flooded, flooded) != flooded {
            let host = usize::from(service.port == 0);
            if flooded {
                self.flooded += 1;
                self.hosts += host;
            } else {
                self.flooded = self.flooded.saturating_sub(1);
                self.hosts = self.hosts.saturating_sub(host);
            }
        }
    }

    fn entry(&mut self, service: Service) -> &mut Known {
        let (known, evicted) = self.table.get_or_insert_with(service, Known::default);
        if let Some((service, _)) = evicted.filter(|(_, known)| known.flooded) {
            self.flooded = self.flooded.saturating_sub(1);
            self.hosts = self.hosts.saturating_sub(usize::from(service.port == 0));
        }
        known
    }
}

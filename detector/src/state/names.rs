//! Names that were just resolved: who asks for a name means this host, and does not walk addresses.
//!
//! Where the answer to a question was lost, the next host that the client turns to is taken for the one that was named:
//! each such question stands for one host, if its name server answers at all, or its answers cannot be seen. An answer
//! that was cut off says how many it named; so many hosts are taken for these.

use wire::Timestamp;

use super::table::{Keep, Table};
use crate::address::Address;
use crate::words;

/// Who has its answer turns to the host at once; a stack asks again after so long.
const AT_ONCE_NANOS: u64 = 5_000_000_000;

/// Ports of a host that who means it by its name turns to.
const PORTS: usize = 4;

/// That a name was resolved, again and again from the first time to the last.
#[derive(Clone, Copy, Debug, Default)]
struct Resolved {
    first: Timestamp,
    last: Timestamp,
    /// Ports that were turned to in vain since; 0 is none.
    ports: [u16; PORTS],
    /// Only presumed, so for one port.
    presumed: bool,
}

impl Keep for Resolved {}

impl Resolved {
    /// Whether one more port may be meant by the name, or is already.
    fn allows(&mut self, port: u16) -> bool {
        let room = if self.presumed { 1 } else { PORTS };
        for slot in self.ports.iter_mut().take(room) {
            if *slot == 0 {
                *slot = port;
            }
            if *slot == port {
                return true;
            }
        }
        false
    }
}

/// Questions of one client whose answers were not read.
#[derive(Clone, Copy, Debug, Default)]
struct Asking {
    open: u8,
    last: Timestamp,
    server: Option<Address>,
    /// Addresses that an answer named where it was cut off.
    unread: u16,
}

impl Keep for Asking {
    fn worth(&self) -> u8 {
        u8::from(self.open > 0)
    }
}

/// Who has asked for which address by name, and when.
pub(super) struct Names {
    table: Table<(Address, Address), Resolved>,
    asking: Table<Address, Asking>,
    /// Questions that are open: mostly none in a flood, and then nothing need be looked up.
    open: bool,
    within_nanos: u64,
}

impl Names {
    pub(super) fn new(capacity: usize, within_nanos: u64) -> Self {
        Names {
            table: Table::new(capacity),
            asking: Table::new(capacity / 4),
            open: false,
            within_nanos,
        }
    }

    pub(super) fn evicted(&self) -> u64 {
        self.table.evicted()
    }

    /// A question of DNS, if it is for addresses.
    pub(super) fn ask(&mut self, client: Address, server: Address, payload: &[u8], now: Timestamp) {
        if !words::asks_for_address(payload) {
            return;
        }
        let asking = self.asking.get_or_insert_with(client, Asking::default).0;
        if now.nanos_since(asking.last) > AT_ONCE_NANOS {
            asking.open = 0;
        }
        asking.open = asking.open.saturating_add(1);
        asking.last = now;
        asking.server = Some(server);
        self.open = true;
    }

    /// Reads an answer of DNS to `client`.
    pub(super) fn learn(&mut self, client: Address, payload: &[u8], now: Timestamp) {
        let named = words::named_addresses(payload);
        for address in &named.addresses {
            self.resolve(client, (*address).into(), now).presumed = false;
        }
        let read = u16::try_from(named.addresses.len()).unwrap_or(u16::MAX);
        if let Some(asking) = self.asking.get_mut(&client) {
            if named.whole {
                asking.open = asking.open.saturating_sub(1);
            } else {
                asking.unread = named.records.saturating_sub(read);
            }
        }
    }

    fn resolve(&mut self, client: Address, address: Address, now: Timestamp) -> &mut Resolved {
        let fresh = || Resolved {
            first: now,
            presumed: true,
            ..Resolved::default()
        };
        let (known, _) = self.table.get_or_insert_with((client, address), fresh);
        if now.nanos_since(known.last) > self.within_nanos {
            *known = fresh();
        }
        known.last = now;
        known
    }

    /// A client turns to a host: whether it has just asked for a name without an answer that could be
    /// read, of a server that can be believed to have answered.
    #[inline]
    pub(super) fn presume(
        &mut self,
        client: Address,
        host: Address,
        now: Timestamp,
        answers: impl FnOnce(Address) -> bool,
    ) {
        if !self.open {
            return;
        }
        let Some(asking) = self.asking.peek(&client).copied() else {
            return;
        };
        let age = now.nanos_since(asking.last);
        let known = self.table.peek(&(client, host));
        let known = known.is_some_and(|known| now.nanos_since(known.last) <= AT_ONCE_NANOS);
        if asking.unread > 0 && age <= self.within_nanos && !known {
            if let Some(asking) = self.asking.get_mut(&client) {
                asking.unread -= 1;
            }
            self.resolve(client, host, now);
            return;
        }
        if asking.open == 0 || age > AT_ONCE_NANOS {
            return;
        }
        let Some(server) = asking.server else {
            return;
        };
        if !known && server != host && answers(server) {
            if let Some(asking) = self.asking.get_mut(&client) {
                asking.open = asking.open.saturating_sub(1);
            }
            self.resolve(client, host, now);
        }
    }

    /// Whether a name meant that port of this address for this client at that time: a name is good for some ports, and
    /// no longer than the user says.
    pub(super) fn means(
        &mut self,
        client: Address,
        address: Address,
        port: u16,
        then: Timestamp,
    ) -> bool {
        let within = self.within_nanos;
        self.table.get_mut(&(client, address)).is_some_and(|known| {
            known.first <= then && then <= known.last.plus_nanos(within) && known.allows(port)
        })
    }
}

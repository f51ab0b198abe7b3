//! Names that were just resolved: who asks for a name means this host, and does not walk addresses.

use wire::Timestamp;

use super::table::{Keep, Table};
use crate::address::Address;
use crate::words;

#[derive(Clone, Copy, Debug, Default)]
struct Resolved(Timestamp);

impl Keep for Resolved {}

/// Who has asked for which address by name, and when.
pub(super) struct Names {
    table: Table<(Address, Address), Resolved>,
}

impl Names {
    pub(super) fn new(capacity: usize) -> Self {
        Names {
            table: Table::new(capacity),
        }
    }

    pub(super) fn evicted(&self) -> u64 {
        self.table.evicted()
    }

    /// Reads an answer of DNS to `client`.
    pub(super) fn learn(&mut self, client: Address, payload: &[u8], now: Timestamp) {
        for address in words::named_addresses(payload) {
            let key = (client, Address::from(address));
            self.table.get_or_insert_with(key, Resolved::default).0.0 = now;
        }
    }

    /// When a name was last resolved to this address for this client.
    pub(super) fn resolved(&self, client: Address, address: Address) -> Option<Timestamp> {
        self.table.peek(&(client, address)).map(|known| known.0)
    }
}

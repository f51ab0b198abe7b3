//! Calls to groups: discovery asks all at once, by multicast or broadcast, and whoever feels meant answers the caller
//! alone, from whatever port (RFC 6762 section 6.7, UPnP 1.1 section 1.3.3, WS-Discovery 1.1 section 2).

use wire::Timestamp;

use super::connection::Endpoint;
use super::table::{Keep, Table};

/// Answers come within so long: UPnP's devices draw up to 120 s at most, and 5 s as a rule.
const WITHIN_NANOS: u64 = 120_000_000_000;

/// When a socket last called.
#[derive(Clone, Copy, Debug, Default)]
struct Call(Timestamp);

impl Keep for Call {}

/// All sockets that have called a group.
pub(super) struct Calls {
    table: Table<Endpoint, Call>,
}

impl Calls {
    pub(super) fn new(capacity: usize) -> Self {
        Calls {
            table: Table::new(capacity),
        }
    }

    pub(super) fn note(&mut self, caller: Endpoint, now: Timestamp) {
        self.table.get_or_insert_with(caller, Call::default).0.0 = now;
    }

    /// Whether what comes to that socket may be the answer to a call.
    pub(super) fn answers(&self, caller: Endpoint, now: Timestamp) -> bool {
        self.table
            .peek(&caller)
            .is_some_and(|call| now.nanos_since(call.0) <= WITHIN_NANOS)
    }
}

//! What excuses need to know beyond pairs, services and names.

use wire::Timestamp;

use super::table::{Keep, Table};
use crate::address::Address;
use crate::config::{Config, Span};
use crate::news::Attempt;

/// Ports whose last connections are remembered by version of IP.
const PORTS: usize = 512;
/// Connections a port and version that are remembered: a crowd of more within a second covers all of it.
const RECENT: usize = 16;
/// Clients that must fail, having been served before, for the line to be down.
const OUTAGE: u32 = 3;

section! {
    /// What excuses an attempt.
    Excuses "excuses" {
        ident_within: Span,
        callback_within: Span,
        named_within: Span,
        other_family_within: Span,
    }
}

/// When connections to one port were last completed, by version of IP.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    v4: [Timestamp; RECENT],
    v6: [Timestamp; RECENT],
    next: [u8; 2],
}

impl Keep for Reached {}

/// When anybody was last served, and who is no longer.
pub(super) struct Context {
    pub(super) limits: Excuses,
    reached: Table<u16, Reached>,
    /// One bit for each class of sources that had been served and fail since anybody was last served.
    failing: u64,
}

impl Context {
    pub(super) fn new(config: &Config) -> Self {
        Context {
            limits: config.get(),
            reached: Table::new(PORTS),
            failing: 0,
        }
    }

    /// A connection was completed.
    pub(super) fn completed(&mut self, attempt: &Attempt, now: Timestamp) {
        self.failing = 0;
        let (reached, _) = self
            .reached
            .get_or_insert_with(attempt.dport, Reached::default);
        let (ring, version) = if attempt.target.is_v4() {
            (&mut reached.v4, 0)
        } else {
            (&mut reached.v6, 1)
        };
        if let Some(next) = reached.next.get_mut(version) {
            if let Some(slot) = ring.get_mut(usize::from(*next) % RECENT) {
                *slot = now;
            }
            *next = next.wrapping_add(1);
        }
    }

    /// Whether somebody reached the same port over the other version of IP between the two moments.
    pub(super) fn other_family(&self, attempt: &Attempt, from: Timestamp, to: Timestamp) -> bool {
        let Some(reached) = self.reached.peek(&attempt.dport) else {
            return false;
        };
        let ring = if attempt.target.is_v4() {
            &reached.v6
        } else {
            &reached.v4
        };
        ring.iter().any(|time| *time >= from && *time <= to)
    }

    /// One that had been served is so no longer: whether so many are that the line is down.
    pub(super) fn fails(&mut self, source: Address) -> bool {
        let class = source.bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        self.failing |= 1 << class;
        self.failing.count_ones() >= OUTAGE
    }
}

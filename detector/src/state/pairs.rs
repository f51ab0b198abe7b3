//! Who talks with whom.

use super::table::{Keep, Table};
use crate::address::Address;
use crate::news::Moment;

/// What is remembered of one host towards another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pair {
    /// When the originator last opened a conversation with the other.
    pub(crate) opened: Option<Moment>,
    /// The sensor has seen it do so.
    pub(super) seen: bool,
    /// Data has flowed between them, or a question was answered.
    pub(crate) friends: bool,
    /// Data has flowed between them, and not only answers to the question whether one is there.
    pub(super) talked: bool,
    /// The one has sent packets to the other that were to die on the way.
    pub(crate) short: bool,
    /// A rule found the one tracing the route to the other.
    pub(crate) traced: bool,
}

impl Keep for Pair {
    fn worth(&self) -> u8 {
        u8::from(self.friends || self.traced) * 2
    }
}

/// All pairs.
pub(super) struct Pairs {
    table: Table<(Address, Address), Pair>,
}

impl Pairs {
    pub(super) fn new(capacity: usize) -> Self {
        Pairs {
            table: Table::new(capacity),
        }
    }

    pub(super) fn evicted(&self) -> u64 {
        self.table.evicted()
    }

    pub(super) fn get(&self, source: Address, target: Address) -> Pair {
        self.table
            .peek(&(source, target))
            .copied()
            .unwrap_or_default()
    }

    /// Whether it had opened one before.
    pub(super) fn opened(&mut self, source: Address, target: Address, now: Moment) -> bool {
        let pair = self.entry(source, target);
        pair.seen = true;
        pair.opened.replace(now).is_some()
    }

    /// It has opened one, as is known from the answer.
    pub(super) fn was_opened(&mut self, source: Address, target: Address, now: Moment) {
        self.entry(source, target).opened = Some(now);
    }

    /// Whether that is new.
    pub(super) fn befriend(&mut self, source: Address, target: Address, talked: bool) -> bool {
        let pair = self.entry(source, target);
        pair.talked |= talked;
        !std::mem::replace(&mut pair.friends, true)
    }

    /// `source` sends what may be meant to die on the way to `target`.
    pub(super) fn mark_short(&mut self, source: Address, target: Address) {
        self.entry(source, target).short = true;
    }

    /// What `source` sends to `target` from now on is taken for a trace of the route.
    pub(super) fn mark_traced(&mut self, source: Address, target: Address) {
        self.entry(source, target).traced = true;
    }

    fn entry(&mut self, source: Address, target: Address) -> &mut Pair {
        self.table
            .get_or_insert_with((source, target), Pair::default)
            .0
    }
}

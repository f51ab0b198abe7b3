//! What is held against one source.

use std::collections::BTreeMap;

use wire::Timestamp;

use super::tally::Tally;
use crate::news::Technique;
use crate::state::Keep;

/// All that one source does, by technique.
#[derive(Default)]
pub(super) struct Case {
    pub(super) tallies: BTreeMap<Technique, Tally>,
    /// A tally of it has been judged. Asked at each probe.
    pub(super) judged: bool,
}

impl Case {
    pub(super) fn detected(&self) -> bool {
        self.judged
    }

    pub(super) fn is_over(&self, now: Timestamp, quiet: u64) -> bool {
        self.tallies
            .values()
            .all(|tally| tally.activity.is_over(now, quiet))
    }
}

impl Keep for Case {
    fn worth(&self) -> u8 {
        if self.detected() {
            return 8;
        }
        let contacts = self.tallies.values().map(|tally| tally.contacts.len());
        match contacts.max() {
            Some(2..) => 3,
            _ => 1,
        }
    }
}

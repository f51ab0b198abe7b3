//! The round of an inventory agent: house after house of a street, at leisure, and at each door once.

use wire::Timestamp;

use super::limits::Limits;
use crate::address::Address;

/// Of the doors of a round, one in so many may be out of order: a sensor misses frames.
const STRICT: usize = 8;
/// A door is next to the last one, or a few missed ones further.
const NEXT: std::ops::RangeInclusive<u64> = 1..=4;

/// What is known of the order and pace in which hosts are asked.
#[derive(Default)]
pub(super) struct Round {
    last: Option<(Address, Timestamp)>,
    /// Hosts that were asked next after their neighbour, and those of them that were asked in haste.
    strides: usize,
    hasty: usize,
    /// The others.
    others: usize,
    /// Hosts that were asked again, and those whose files were wanted, too.
    knocks: usize,
}

impl Round {
    /// A host is asked for the first time; pauses of so many nanoseconds are leisure.
    pub(super) fn comes_to(&mut self, host: Address, now: Timestamp, pause: u64) {
        if let Some((last, before)) = self.last {
            let next = NEXT.contains(&host.bits().wrapping_sub(last.bits()));
            let at_leisure = now.nanos_since(before) >= pause;
            if next {
                self.strides += 1;
                self.hasty += usize::from(!at_leisure);
            } else {
                self.others += 1;
            }
        }
        self.last = Some((host, now));
    }

    /// More is wanted of a host than its name once.
    pub(super) fn knocks(&mut self) {
        self.knocks += 1;
    }

    /// How many hosts were asked next after their neighbour.
    pub(super) fn strides(&self) -> usize {
        self.strides
    }

    /// Whether this is how an agent takes an inventory.
    pub(super) fn is_inventory(&self, limits: &Limits) -> bool {
        // Its pauses are not all of one length.
        let at_leisure = self.hasty * 2 <= self.strides;
        let strict = (self.others + self.knocks) * STRICT <= self.strides;
        self.strides >= limits.inventory && at_leisure && strict
    }
}

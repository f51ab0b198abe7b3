//! The round of an inventory agent: house after house of a street, at leisure, and at each door once.

use wire::Timestamp;

use super::limits::Limits;
use crate::address::Address;
use crate::extent::Addresses;

/// Of the doors of a round, one in so many may be out of order: a sensor misses frames.
const STRICT: usize = 8;
/// Hosts whose files are wanted, too: who takes an inventory uses a file server or a printer of that network himself.
const USED: usize = 2;
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
    /// How often a host was asked again.
    again: usize,
    /// Hosts whose files were wanted as well.
    entered: Addresses,
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

    /// A host is asked once more.
    pub(super) fn comes_again(&mut self) {
        self.again += 1;
    }

    /// More is wanted of a host than its names.
    pub(super) fn enters(&mut self, host: Address) {
        self.entered.insert(host);
    }

    /// How many hosts were asked next after their neighbour.
    pub(super) fn strides(&self) -> usize {
        self.strides
    }

    /// Whether this is how an agent takes an inventory.
    pub(super) fn is_inventory(&self, limits: &Limits) -> bool {
        // Its pauses are not all of one length.
        let at_leisure = self.hasty * 2 <= self.strides;
        let strict = (self.others + self.again) * STRICT <= self.strides;
        let leaves_it_there = self.entered.len() <= USED;
        self.strides >= limits.inventory && at_leisure && strict && leaves_it_there
    }
}

//! Whether somebody who had to make room has been here before, in little memory.
//!
//! A flood of strangers pushes everybody out of a full table, and who comes slowly would be a stranger each time. A
//! counting Bloom filter remembers who was pushed out: each address stands in a few counters, and has been pushed out at
//! most as often as the lowest of them says. All counters are halved now and then, so that strangers do not add up.
//! Nothing is kept, and nothing costs time, before a table is full.
//!
//! Source: Fan et al., "Summary Cache" (2000); Einziger et al., "TinyLFU" (2017), for the halving.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;

/// Counters for each entry of the table: at 16384 entries four million of a byte.
const COUNTERS: usize = 256;
/// Counters that an address stands in.
const ROWS: u32 = 3;
/// They are halved when so many have been pushed out for each counter.
const LOAD: usize = 4;
/// Seed of the hash; the same everywhere.
const SEED: u64 = 0x7265_7475_726e_6564;

/// Who was pushed out of a table, and how often.
pub(crate) struct Returning {
    counters: Vec<u8>,
    size: usize,
    since: usize,
}

impl Returning {
    /// For a table of so many entries.
    pub(crate) fn new(capacity: usize) -> Self {
        Returning {
            counters: Vec::new(),
            size: capacity.saturating_mul(COUNTERS).next_power_of_two(),
            since: 0,
        }
    }

    /// Somebody had to make room.
    pub(crate) fn push_out(&mut self, who: &impl Hash) {
        if self.counters.is_empty() {
            self.counters.resize(self.size, 0);
        }
        if self.since >= self.size / LOAD {
            self.since = 0;
            self.counters.iter_mut().for_each(|count| *count >>= 1);
        }
        self.since += 1;
        // Only the lowest rise: the others are others' (conservative update).
        let lowest = self.times(who);
        for at in self.places(hash_of(who)) {
            if let Some(count) = self.counters.get_mut(at)
                && *count == lowest
            {
                *count = count.saturating_add(1);
            }
        }
    }

    /// How often it was pushed out, at most, of late.
    pub(crate) fn times(&self, who: &impl Hash) -> u8 {
        if self.counters.is_empty() {
            return 0;
        }
        let counts = self
            .places(hash_of(who))
            .map(|at| self.counters.get(at).copied());
        counts.flatten().min().unwrap_or(0)
    }

    fn places(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.size as u64 - 1;
        (0..ROWS).filter_map(move |row| {
            let place = hash
                .rotate_left(row * 21)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                >> 20;
            usize::try_from(place & mask).ok()
        })
    }
}

fn hash_of(who: &impl Hash) -> u64 {
    FixedState::with_seed(SEED).hash_one(who)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_returns_is_known_among_strangers() {
        let mut returning = Returning::new(64);
        let mut strangers = 0u32;
        for n in 0..40_000u64 {
            if n % 1_000 == 0 {
                returning.push_out(&u64::MAX);
            }
            strangers += u32::from(returning.times(&n) >= 2);
            returning.push_out(&n);
        }
        assert!(returning.times(&u64::MAX) >= 2);
        assert!(strangers < 400, "{strangers}");
    }

    #[test]
    fn before_anybody_is_pushed_out_nobody_is_known() {
        assert_eq!(Returning::new(64).times(&7u64), 0);
    }
}

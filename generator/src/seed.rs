//! Where chance comes from: one independent ChaCha stream per named purpose.
//!
//! A *path* such as `host/client/tcp/isn` names a purpose. The stream of (seed, path) depends on nothing else, so
//! that a new host changes no other host's draws. A *pin* replaces the first values of a path by given ones: this
//! is all that reproducing a published trace needs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// Pinned values by path: times in nanoseconds, everything else as it is drawn.
pub type Pins = BTreeMap<String, Vec<u64>>;

/// What SplitMix64 adds to its state for each word: 2^64 divided by the golden ratio.
pub(crate) const SPLITMIX_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014): every bit of `word` changes half the bits of the outcome. For
/// labels of packets, where a stream of its own would be too dear.
pub(crate) fn mixed(word: u64) -> u64 {
    let word = multiplied(word);
    word ^ (word >> 31)
}

/// The finalizer but for its last step: the upper bits are mixed, the lower ones are not yet.
pub(crate) fn multiplied(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// All the streams of one seed.
#[derive(Debug)]
pub struct SeedTree {
    scenario: String,
    seed: u64,
    pins: Pins,
    opened: RefCell<BTreeSet<String>>,
}

impl SeedTree {
    /// The streams of `seed`, some of them pinned.
    pub fn new(seed: u64, pins: Pins) -> Self {
        SeedTree::of("", seed, pins)
    }

    /// The streams of a scenario's `seed`: two scenarios share no draw, however alike their paths are.
    pub fn of(scenario: &str, seed: u64, pins: Pins) -> Self {
        SeedTree {
            scenario: scenario.to_owned(),
            seed,
            pins,
            opened: RefCell::default(),
        }
    }

    /// The stream of that path, from its beginning.
    pub fn draws(&self, path: &str) -> Draws {
        self.opened.borrow_mut().insert(path.to_owned());
        // The length keeps (seed, path) pairs apart however paths are spelt; the tag keeps other uses of the
        // hash apart, and changes with the meaning of a seed.
        let mut hash = Sha256::new();
        hash.update(b"crywolf/seed/1");
        hash.update(self.seed.to_le_bytes());
        if !self.scenario.is_empty() {
            hash.update((self.scenario.len() as u64).to_le_bytes());
            hash.update(self.scenario.as_bytes());
        }
        hash.update(path.as_bytes());
        Draws {
            rng: ChaCha8Rng::from_seed(hash.finalize().into()),
            pins: self
                .pins
                .get(path)
                .map_or_else(|| Arc::from([]), |values| Arc::from(values.as_slice())),
            used: 0,
        }
    }

    /// The paths that were opened so far, in alphabetical order.
    pub fn opened(&self) -> Vec<String> {
        self.opened.borrow().iter().cloned().collect()
    }

    /// Pinned paths that nobody opened: misspelt ones.
    pub fn unused_pins(&self) -> Vec<String> {
        let opened = self.opened.borrow();
        self.pins
            .keys()
            .filter(|path| !opened.contains(*path))
            .cloned()
            .collect()
    }
}

/// The stream of one path.
#[derive(Clone, Debug)]
pub struct Draws {
    rng: ChaCha8Rng,
    pins: Arc<[u64]>,
    used: usize,
}

impl Draws {
    /// The next pinned value, if any is left.
    pub fn pinned(&mut self) -> Option<u64> {
        let value = self.pins.get(self.used).copied()?;
        self.used += 1;
        Some(value)
    }

    /// Whether a pinned value is left.
    pub fn is_pinned(&self) -> bool {
        self.used < self.pins.len()
    }

    /// A 64-bit value.
    pub fn word(&mut self) -> u64 {
        self.pinned().unwrap_or_else(|| self.rng.next_u64())
    }

    /// A 32-bit value.
    pub fn word32(&mut self) -> u32 {
        match self.pinned() {
            Some(value) => low32(value),
            None => self.rng.next_u32(),
        }
    }

    /// A 16-bit value.
    pub fn word16(&mut self) -> u16 {
        let [a, b, ..] = self.word32().to_le_bytes();
        u16::from_le_bytes([a, b])
    }

    /// A value of a closed range, each as likely as any other.
    ///
    /// Multiply and take the high half, as Lemire describes it, without the rejection step: over ranges below
    /// 2^32 the bias is under 2^-32, and one draw is always one value.
    pub fn range(&mut self, range: RangeInclusive<u64>) -> u64 {
        if let Some(value) = self.pinned() {
            return value;
        }
        let (low, high) = (*range.start(), *range.end());
        let span = u128::from(high.saturating_sub(low)) + 1;
        let offset = (u128::from(self.rng.next_u64()) * span) >> 64;
        low.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX))
    }

    /// A port of a closed range.
    pub fn port(&mut self, range: RangeInclusive<u16>) -> u16 {
        let value = self.range(u64::from(*range.start())..=u64::from(*range.end()));
        u16::try_from(value).unwrap_or(u16::MAX)
    }

    /// An index below `length`; 0 when there is nothing to choose from.
    pub fn index(&mut self, length: usize) -> usize {
        let last = u64::try_from(length.saturating_sub(1)).unwrap_or(u64::MAX);
        usize::try_from(self.range(0..=last)).unwrap_or(0)
    }

    /// One of `choices`.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.index(choices.len()))
    }

    /// Whether an event of probability `parts` in a million happens.
    pub fn chance(&mut self, parts_per_million: u32) -> bool {
        if parts_per_million == 0 && !self.is_pinned() {
            return false;
        }
        match self.pinned() {
            Some(value) => value != 0,
            None => self.range(0..=999_999) < u64::from(parts_per_million),
        }
    }

    /// A time, exponentially distributed around `mean` nanoseconds, cut at 20 times the mean.
    pub fn exponential(&mut self, mean: u64) -> u64 {
        if let Some(value) = self.pinned() {
            return value;
        }
        // 53 bits, never 0: the logarithm stays finite.
        let unit = ((self.rng.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        let nanos = -crate::logarithm::natural(unit) * mean as f64;
        round_nanos(nanos.min(20.0 * mean as f64))
    }

    /// Shuffles in place.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.index(last + 1);
            items.swap(last, other);
        }
    }
}

/// Rounds a non-negative number of nanoseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates below zero and above the range, which the callers bound"
)]
pub(crate) fn round_nanos(nanos: f64) -> u64 {
    libm::round(nanos) as u64
}

/// The low 32 bits.
pub(crate) fn low32(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tree(pins: &[(&str, &[u64])]) -> SeedTree {
        SeedTree::new(
            7,
            pins.iter()
                .map(|(path, values)| ((*path).into(), values.to_vec()))
                .collect(),
        )
    }

    #[test]
    fn a_stream_depends_on_seed_and_path_alone() {
        let tree = tree(&[]);
        let first = tree.draws("host/a").word();
        tree.draws("host/b").word();
        assert_eq!(tree.draws("host/a").word(), first);
        assert_ne!(tree.draws("host/b").word(), first);
        assert_ne!(SeedTree::new(8, Pins::new()).draws("host/a").word(), first);
    }

    #[test]
    fn pins_come_first_and_do_not_move_the_rest() {
        let free: Vec<u64> = {
            let mut d = tree(&[]).draws("x");
            (0..2).map(|_| d.word()).collect()
        };
        let mut pinned = tree(&[("x", &[5, 6])]).draws("x");
        assert_eq!(
            [pinned.word(), pinned.word(), pinned.word(), pinned.word()],
            [5, 6, free[0], free[1]]
        );
    }

    #[test]
    fn a_misspelt_pin_is_noticed() {
        let tree = tree(&[("host/a", &[1]), ("hots/a", &[1])]);
        tree.draws("host/a");
        assert_eq!(tree.unused_pins(), ["hots/a"]);
    }

    #[test]
    fn the_first_draws_of_seed_7_stay_what_they_are() {
        // Other values mean other captures from every seed: an output change.
        let mut draws = tree(&[]).draws("golden");
        let values = (
            draws.word(),
            draws.range(1..=6),
            draws.exponential(1_000_000),
            draws.word16(),
        );
        assert_eq!(values, (17_641_453_877_758_137_578, 5, 259_507, 59_655));
    }

    proptest! {
        #[test]
        fn ranges_are_closed(low in 0u64..1000, span in 0u64..1000, seed: u64) {
            let mut draws = SeedTree::new(seed, Pins::new()).draws("r");
            for _ in 0..20 {
                let value = draws.range(low..=low + span);
                prop_assert!((low..=low + span).contains(&value));
            }
        }
    }
}

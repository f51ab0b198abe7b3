//! Addresses that are too many to be kept: how many they are, and from which block.

use labels::AddressBlock;

use crate::address::Address;

/// Sources that a finding names one by one.
pub(crate) const NAMED_SOURCES: usize = 16;

/// How many different addresses there are, and from which block, in constant memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowd {
    added: u64,
    sample: Vec<Address>,
    /// One bit an address, by hash.
    sketch: Vec<u64>,
}

impl Crowd {
    /// Addresses that are kept to find the block they are drawn from.
    const SAMPLE: usize = 64;
    /// A block of addresses shorter than this says nothing; prefix bits of an IPv4 address.
    const SHORTEST_BLOCK: u8 = 8;
    /// Words of the bitmap that estimates how many there are.
    const WORDS: usize = 64;

    #[inline]
    pub(crate) fn add(&mut self, address: Address) {
        self.added += 1;
        // Each address is as likely to be in the sample as any other (Vitter's algorithm R), by a fixed draw.
        if self.sample.len() < Self::SAMPLE {
            self.sample.push(address);
        } else {
            let spread = self
                .added
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
            let draw = (u128::from(spread) * u128::from(self.added)) >> 64;
            if draw < Self::SAMPLE as u128
                && let Some(old) = usize::try_from(draw)
                    .ok()
                    .and_then(|draw| self.sample.get_mut(draw))
            {
                *old = address;
            }
        }
        if self.sketch.is_empty() {
            self.sketch.resize(Self::WORDS, 0);
        }
        let hash = address.bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
        let word = usize::try_from(hash / 64).unwrap_or(0);
        if let Some(word) = self.sketch.get_mut(word) {
            *word |= 1 << (hash % 64);
        }
    }

    /// How many there are, by linear counting (Whang 1990), and no more than were added; `None` beyond what the bitmap can tell.
    pub(crate) fn count(&self) -> Option<u64> {
        let size = Self::WORDS as u64 * 64;
        let zero: u64 = self
            .sketch
            .iter()
            .map(|word| u64::from(word.count_zeros()))
            .sum();
        if self.sketch.is_empty() {
            return Some(0);
        }
        if zero * 50 < size {
            return None;
        }
        let (zero, size) = (zero as f64, size as f64);
        let estimate = (-size * libm::log(zero / size)).round();
        // Not negative and below 2^20.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded above"
        )]
        Some((estimate as u64).min(self.added))
    }

    pub(crate) fn text(&self) -> String {
        self.count()
            .map_or("more than 16000".to_owned(), |n| n.to_string())
    }

    /// The smallest block that holds nine tenths of them.
    pub(crate) fn block(&self) -> Option<AddressBlock> {
        let needed = self.sample.len() * 9 / 10;
        let bits = if self.sample.first().is_some_and(|a| a.is_v4()) {
            32
        } else {
            128
        };
        for length in (Self::SHORTEST_BLOCK..=bits).rev() {
            let mut blocks: Vec<AddressBlock> =
                self.sample.iter().map(|a| a.block(length)).collect();
            blocks.sort_unstable();
            let largest = blocks.chunk_by(PartialEq::eq).max_by_key(|run| run.len());
            if let Some(run) = largest
                && run.len() >= needed
            {
                return run.first().copied();
            }
        }
        None
    }
}

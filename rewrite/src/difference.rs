//! What a changed field does to an Internet checksum, RFC 1624.
//!
//! A sum is not computed anew but moved by as much as the bytes below it changed, HC' = ~(~HC + ~m + m'). That costs
//! nothing per payload byte, works on fragments and on quotations that are cut short, and keeps a sum that is wrong on
//! purpose wrong by as much. One's complement has two zeros: a wrong or needless 0xffff may come back as 0.

use std::ops::Add;

/// The sum of all ~m + m', not yet folded. Fields stand at even offsets of what a sum covers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Difference(u64);

impl Difference {
    /// Nothing changed.
    pub(super) const NONE: Difference = Difference(0);

    /// Replaces the field at an offset, where it is there, and notes what that does to a sum.
    #[inline]
    pub(super) fn replace<const N: usize>(
        &mut self,
        bytes: &mut [u8],
        at: usize,
        change: impl FnOnce([u8; N]) -> [u8; N],
    ) {
        let Some(field) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<N>) else {
            return;
        };
        let new = change(*field);
        if new != *field {
            self.0 += words(field.map(|byte| !byte)) + words(new);
            *field = new;
        }
    }

    /// Moves the checksum at an offset, where it is there; returns what that in turn does to a sum over the checksum.
    #[inline]
    pub(super) fn settle(self, bytes: &mut [u8], at: usize) -> Difference {
        let mut own = Difference::NONE;
        own.replace(bytes, at, |sum| {
            self.moved(u16::from_be_bytes(sum)).to_be_bytes()
        });
        own
    }

    /// Moves the checksum of UDP, where 0 says that there is none and a sum of 0 is sent as 0xffff, RFC 768.
    #[inline]
    pub(super) fn settle_udp(self, bytes: &mut [u8], at: usize) -> Difference {
        let mut own = Difference::NONE;
        own.replace(bytes, at, |sum| match u16::from_be_bytes(sum) {
            0 => sum,
            there => match self.moved(there) {
                0 => [0xff; 2],
                moved => moved.to_be_bytes(),
            },
        });
        own
    }

    fn moved(self, checksum: u16) -> u16 {
        match self.folded() {
            0 | 0xffff => checksum,
            difference => !Difference(u64::from(!checksum) + u64::from(difference)).folded(),
        }
    }

    fn folded(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).unwrap_or(0xffff)
    }
}

impl Add for Difference {
    type Output = Difference;

    fn add(self, other: Difference) -> Difference {
        Difference(self.0 + other.0)
    }
}

#[inline]
fn words<const N: usize>(bytes: [u8; N]) -> u64 {
    let (words, _) = bytes.as_chunks::<2>();
    words
        .iter()
        .map(|word| u64::from(u16::from_be_bytes(*word)))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wire::checksum::Checksum;

    #[test]
    fn the_example_of_rfc_1624() {
        // Section 4: HC = 0xdd2f, m = 0x5555, m' = 0x3285 gives 0x0000, where the older RFC 1141 gave 0xffff.
        let mut difference = Difference::NONE;
        difference.replace(&mut [0x55, 0x55], 0, |_| [0x32, 0x85]);
        assert_eq!(difference.moved(0xdd2f), 0x0000);
    }

    proptest! {
        #[test]
        fn a_moved_sum_is_the_sum_of_what_is_there(
            mut bytes in proptest::collection::vec(any::<u8>(), 40..80),
            at in 0usize..18,
            new in any::<[u8; 4]>(),
        ) {
            bytes[39] = 1;
            let before = Checksum::new().bytes(&bytes).finish();
            let mut difference = Difference::NONE;
            difference.replace(&mut bytes, 2 * at, |_| new);
            prop_assert_eq!(difference.moved(before), Checksum::new().bytes(&bytes).finish());
        }
    }
}

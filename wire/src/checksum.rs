//! The Internet checksum, RFC 1071.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A running one's-complement sum of 16-bit words.
///
/// Parts are added one after another; each part but the last has an even number of bytes. Eight bytes are added
/// at a time, as RFC 1071 section 2 (C) allows, because payloads pass through here once a frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum(u64);

impl Checksum {
    /// The sum of nothing.
    pub fn new() -> Self {
        Checksum(0)
    }

    /// Adds bytes, an odd last one padded with zero.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let (chunks, rest) = bytes.as_chunks::<8>();
        let mut sum = u128::from(self.0);
        for chunk in chunks {
            sum += u128::from(u64::from_be_bytes(*chunk));
        }
        let mut tail = [0u8; 8];
        for (to, from) in tail.iter_mut().zip(rest) {
            *to = *from;
        }
        sum += u128::from(u64::from_be_bytes(tail));
        Checksum(fold_64(sum))
    }

    /// Adds one 16-bit word.
    #[must_use]
    pub fn word(self, word: u16) -> Self {
        Checksum(fold_64(u128::from(self.0) + u128::from(word)))
    }

    /// Adds the pseudo header of RFC 9293 section 3.1.
    #[must_use]
    pub fn pseudo_v4(
        self,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        protocol: u8,
        length: u16,
    ) -> Self {
        let [a, b, c, d] = source.octets();
        let [e, f, g, h] = destination.octets();
        let [m, n] = length.to_be_bytes();
        self.bytes(&[a, b, c, d, e, f, g, h, 0, protocol, m, n])
    }

    /// Adds the pseudo header of RFC 8200 section 8.1.
    #[must_use]
    pub fn pseudo_v6(
        self,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        protocol: u8,
        length: u16,
    ) -> Self {
        self.bytes(&source.octets())
            .bytes(&destination.octets())
            .word(length)
            .word(u16::from(protocol))
    }

    /// The checksum: the complement of the folded sum.
    pub fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap_or(0xffff)
    }
}

/// Folds carries back in: 2^64 is 1 modulo 2^16 - 1.
fn fold_64(mut sum: u128) -> u64 {
    while sum > u128::from(u64::MAX) {
        sum = (sum & u128::from(u64::MAX)) + (sum >> 64);
    }
    u64::try_from(sum).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let sum = Checksum::new().bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.finish(), !0xddf2);
    }

    proptest! {
        #[test]
        fn agrees_with_adding_word_by_word(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut sum = 0u32;
            for pair in bytes.chunks(2) {
                sum += u32::from(pair[0]) * 256 + u32::from(*pair.get(1).unwrap_or(&0));
                sum = (sum & 0xffff) + (sum >> 16);
            }
            let by_word = !u16::try_from(sum).unwrap();
            prop_assert_eq!(Checksum::new().bytes(&bytes).finish(), by_word);
        }

        #[test]
        fn parts_of_even_length_add_up(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..100) {
            let at = (2 * at).min(bytes.len() & !1);
            let (head, tail) = bytes.split_at(at);
            let whole = Checksum::new().bytes(&bytes).finish();
            prop_assert_eq!(Checksum::new().bytes(head).bytes(tail).finish(), whole);
        }
    }
}

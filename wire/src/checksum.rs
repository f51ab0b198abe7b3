//! The Internet checksum, RFC 1071.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A running one's-complement sum of 16-bit words.
///
/// Parts are added one after another; each part but the last has an even number of bytes. Four bytes are added at a time
/// and carries are folded in at the end, as RFC 1071 section 2 (B) and (C) allow, because payloads pass through here
/// once a frame. The sum holds 2^32 such words before it could overflow: more than 16 GiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum(u64);

impl Checksum {
    /// The sum of nothing.
    pub fn new() -> Self {
        Checksum(0)
    }

    /// Adds bytes, an odd last one padded with zero.
    #[must_use]
    #[inline]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<4>();
        let sum = words.iter().fold(self.0, |sum, word| {
            sum + u64::from(u32::from_be_bytes(*word))
        });
        let tail = match *rest {
            [a, b, c] => u32::from_be_bytes([a, b, c, 0]),
            [a, b] => u32::from_be_bytes([a, b, 0, 0]),
            [a] => u32::from_be_bytes([a, 0, 0, 0]),
            _ => 0,
        };
        Checksum(sum + u64::from(tail))
    }

    /// Adds words of 32 bits.
    #[must_use]
    #[inline]
    pub fn words<const N: usize>(self, words: [u32; N]) -> Self {
        Checksum(
            words
                .iter()
                .fold(self.0, |sum, word| sum + u64::from(*word)),
        )
    }

    /// Adds one 16-bit word.
    #[must_use]
    #[inline]
    pub fn word(self, word: u16) -> Self {
        Checksum(self.0 + u64::from(word))
    }

    /// Adds the pseudo header of RFC 9293 section 3.1.
    #[must_use]
    #[inline]
    pub fn pseudo_v4(
        self,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        protocol: u8,
        length: u16,
    ) -> Self {
        let addresses = u64::from(source.to_bits()) + u64::from(destination.to_bits());
        Checksum(self.0 + addresses + u64::from(protocol) + u64::from(length))
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
    #[inline]
    pub fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap_or(0xffff)
    }
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

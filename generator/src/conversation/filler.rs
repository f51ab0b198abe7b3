//! Bytes that stand for content nobody reads: keys, ciphertext, files.

use wire::Payload;

use crate::seed::Draws;

/// Bytes that one filler holds; longer content repeats them.
const HELD: usize = 16_384;

/// So many random bytes.
pub fn random(draws: &mut Draws, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&draws.word().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Content that all conversations of a program share: sending it copies nothing.
#[derive(Clone, Debug)]
pub struct Filler(Payload);

impl Filler {
    /// Random bytes, as compressed or encrypted content looks.
    pub fn random(draws: &mut Draws) -> Filler {
        Filler(Payload::new(random(draws, HELD)))
    }

    /// Lines of letters, as text and encoded attachments look; 76 characters a line, RFC 2045 section 6.8.
    pub fn text(draws: &mut Draws) -> Filler {
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let letter = |byte: u8| LETTERS.get(usize::from(byte & 63)).copied().unwrap_or(b'A');
        let mut text = Vec::with_capacity(HELD);
        while text.len() + 78 <= HELD {
            text.extend(random(draws, 76).into_iter().map(letter));
            text.extend_from_slice(b"\r\n");
        }
        Filler(Payload::new(text))
    }

    /// So many bytes, as the pieces to send one after another.
    pub fn pieces(&self, length: usize) -> Vec<Payload> {
        let held = self.0.len().max(1);
        let whole = std::iter::repeat_n(self.0.clone(), length / held);
        let rest = self.0.slice(0, length % held);
        whole
            .chain(Some(rest).filter(|rest| !rest.is_empty()))
            .collect()
    }

    /// The first bytes it holds, at most `length`.
    pub fn start(&self, length: usize) -> Payload {
        self.0.slice(0, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Pins, SeedTree};

    #[test]
    fn pieces_add_up() {
        let filler = Filler::random(&mut SeedTree::new(1, Pins::new()).draws("x"));
        for length in [0, 1, HELD - 1, HELD, 3 * HELD + 7] {
            let sum: usize = filler.pieces(length).iter().map(Payload::len).sum();
            assert_eq!(sum, length);
        }
    }

    #[test]
    fn text_is_whole_lines() {
        let filler = Filler::text(&mut SeedTree::new(1, Pins::new()).draws("x"));
        let bytes = filler.start(HELD).to_vec();
        assert!(bytes.len().is_multiple_of(78) && bytes.ends_with(b"\r\n"));
    }
}

//! What a packet carries above its last header.

use std::ops::Range;
use std::sync::Arc;

/// Payload bytes, cheap to copy: a flood of packets shares them.
#[derive(Clone, Debug, Default)]
pub enum Payload {
    /// No bytes.
    #[default]
    Empty,
    /// So many zero bytes.
    Zeros(usize),
    /// A part of shared bytes.
    Shared(Arc<[u8]>, Range<usize>),
}

impl Payload {
    /// A payload of these bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes: Arc<[u8]> = bytes.into();
        let end = bytes.len();
        if end == 0 {
            Payload::Empty
        } else {
            Payload::Shared(bytes, 0..end)
        }
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Payload::Empty => 0,
            Payload::Zeros(length) => *length,
            Payload::Shared(_, range) => range.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes from `start` on, at most `length` of them, without copying.
    #[must_use]
    pub fn slice(&self, start: usize, length: usize) -> Payload {
        let start = start.min(self.len());
        let length = length.min(self.len() - start);
        match self {
            _ if length == 0 => Payload::Empty,
            Payload::Empty => Payload::Empty,
            Payload::Zeros(_) => Payload::Zeros(length),
            Payload::Shared(bytes, range) => {
                let start = range.start + start;
                Payload::Shared(Arc::clone(bytes), start..start + length)
            }
        }
    }

    /// Appends the bytes to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Payload::Empty => {}
            Payload::Zeros(length) => out.resize(out.len() + length, 0),
            Payload::Shared(bytes, range) => {
                out.extend_from_slice(bytes.get(range.clone()).unwrap_or_default());
            }
        }
    }

    /// The bytes, in a vector of their own.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.emit(&mut out);
        out
    }
}

impl PartialEq for Payload {
    /// Equal bytes, however they are held.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.to_vec() == other.to_vec()
    }
}

impl Eq for Payload {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_a_slice_is_a_slice_of_the_whole() {
        let whole = Payload::new(*b"0123456789");
        assert_eq!(whole.slice(2, 6).slice(1, 99).to_vec(), b"34567");
        assert!(whole.slice(10, 5).is_empty() && whole.slice(99, 5).is_empty());
    }

    #[test]
    fn zeros_equal_shared_zeros() {
        assert_eq!(Payload::Zeros(3), Payload::new(vec![0; 3]));
        assert_ne!(Payload::Zeros(3), Payload::new(vec![0, 0, 1]));
    }
}

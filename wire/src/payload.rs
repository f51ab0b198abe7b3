//! What a packet carries above its last header.

use std::sync::Arc;

/// Payload bytes, cheap to copy: a flood of packets shares them. At most 4 GiB.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    /// The bytes of which it is a part; without, it is zeros.
    shared: Option<Arc<[u8]>>,
    start: u32,
    length: u32,
}

impl Payload {
    /// No bytes.
    pub const EMPTY: Payload = Payload {
        shared: None,
        start: 0,
        length: 0,
    };

    /// A payload of these bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes: Arc<[u8]> = bytes.into();
        match narrow(bytes.len()) {
            0 => Payload::EMPTY,
            length => Payload {
                shared: Some(bytes),
                start: 0,
                length,
            },
        }
    }

    /// So many zero bytes.
    pub fn zeros(length: usize) -> Self {
        Payload {
            length: narrow(length),
            ..Payload::EMPTY
        }
    }

    /// Number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.length as usize
    }

    /// Whether there are no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The bytes from `start` on, at most `length` of them, without copying.
    #[must_use]
    pub fn slice(&self, start: usize, length: usize) -> Payload {
        let start = narrow(start).min(self.length);
        match narrow(length).min(self.length - start) {
            0 => Payload::EMPTY,
            length => Payload {
                shared: self.shared.clone(),
                start: self.start + start,
                length,
            },
        }
    }

    /// Appends the bytes to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match &self.shared {
            Some(bytes) => {
                let part = self.start as usize..self.start as usize + self.len();
                out.extend_from_slice(bytes.get(part).unwrap_or_default());
            }
            None => out.resize(out.len() + self.len(), 0),
        }
    }

    /// The bytes, in a vector of their own.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.emit(&mut out);
        out
    }
}

fn narrow(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
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
        assert_eq!(Payload::zeros(3), Payload::new(vec![0; 3]));
        assert_ne!(Payload::zeros(3), Payload::new(vec![0, 0, 1]));
    }
}

//! Frames that show a fact, bounded.

use std::iter::Copied;
use std::slice::Iter;

/// Frames that one fact names at most.
pub(super) const MOST: usize = 8;

/// The first frames that show something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Examples(Vec<u64>);

impl Examples {
    #[inline]
    pub(crate) fn note(&mut self, frame: u64) {
        if self.0.len() < MOST {
            self.0.push(frame);
        }
    }

    /// Keeps a frame however many there are: for what happens a few times and says more.
    pub(crate) fn keep(&mut self, frame: u64) {
        self.0.push(frame);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Examples {
    type Item = u64;
    type IntoIter = Copied<Iter<'a, u64>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}

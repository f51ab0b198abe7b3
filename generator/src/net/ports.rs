//! A set of ports that is asked for every packet: a bit each.

/// Bits of a word.
const BITS: u16 = 64;

/// A set of ports.
#[derive(Clone, Debug, Default)]
pub struct PortSet {
    /// 65,536 bits, as soon as there is one.
    words: Vec<u64>,
    count: usize,
}

impl PortSet {
    /// Adds a port.
    pub fn insert(&mut self, port: u16) {
        if self.words.is_empty() {
            self.words = vec![0; usize::from(u16::MAX / BITS) + 1];
        }
        let bit = 1 << (port % BITS);
        if let Some(word) = self.words.get_mut(usize::from(port / BITS)) {
            self.count += usize::from(*word & bit == 0);
            *word |= bit;
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The ports in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        let is_in = |port: &u16| {
            let word = self.words.get(usize::from(port / BITS));
            word.is_some_and(|word| word >> (port % BITS) & 1 == 1)
        };
        (0..=u16::MAX).filter(move |port| !self.is_empty() && is_in(port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_holds_what_was_put_in(ports in proptest::collection::vec(any::<u16>(), 0..40)) {
            let mut set = PortSet::default();
            ports.iter().for_each(|port| set.insert(*port));
            let sorted: std::collections::BTreeSet<u16> = ports.into_iter().collect();
            prop_assert_eq!(set.len(), sorted.len());
            prop_assert!(set.iter().eq(sorted));
        }
    }
}

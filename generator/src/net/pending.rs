//! Packets with a time, taken out in order of time and then of arrival.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use wire::Timestamp;

/// Values that wait for their time. The heap holds small keys; values stay where they are.
#[derive(Debug)]
pub struct Pending<T> {
    heap: BinaryHeap<Reverse<(Timestamp, u64, u32)>>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    number: u64,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Pending {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            number: 0,
        }
    }
}

impl<T> Pending<T> {
    /// Adds a value that waits until `at`.
    pub fn push(&mut self, at: Timestamp, value: T) {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1)
                    .expect("fewer than 2^32 packets are on their way at once")
            }
        };
        if let Some(room) = self.slots.get_mut(slot as usize) {
            *room = Some(value);
        }
        self.number += 1;
        self.heap.push(Reverse((at, self.number, slot)));
    }

    /// The time of the next value.
    pub fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next value.
    pub fn pop(&mut self) -> Option<(Timestamp, T)> {
        let Reverse((at, _, slot)) = self.heap.pop()?;
        let value = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some((at, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_leave_by_time_and_then_by_arrival(times in proptest::collection::vec(0u64..5, 0..50)) {
            let mut pending = Pending::default();
            for (n, time) in times.iter().enumerate() {
                pending.push(Timestamp::from_nanos(*time), (*time, n));
            }
            let left: Vec<_> = std::iter::from_fn(|| pending.pop().map(|(_, value)| value)).collect();
            let mut sorted = left.clone();
            sorted.sort_unstable();
            prop_assert_eq!(left.len(), times.len());
            prop_assert_eq!(left, sorted);
        }
    }
}

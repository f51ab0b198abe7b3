//! Packets with a time, taken out in order of time and then of arrival.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use wire::Timestamp;

/// Values that wait for their time.
///
/// Most come in the order in which they leave: those wait in a line. Only what overtakes goes through a heap, whose keys
/// are small; its values stay where they are.
#[derive(Debug)]
pub struct Pending<T> {
    line: VecDeque<(Timestamp, u64, T)>,
    heap: BinaryHeap<Reverse<(Timestamp, u64, u32)>>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    number: u64,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Pending {
            line: VecDeque::new(),
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            number: 0,
        }
    }
}

impl<T> Pending<T> {
    /// Adds a value that waits until `at`.
    #[inline]
    pub fn push(&mut self, at: Timestamp, value: T) {
        self.number += 1;
        match self.line.back() {
            Some((last, ..)) if *last > at => self.push_aside(at, value),
            _ => self.line.push_back((at, self.number, value)),
        }
    }

    fn push_aside(&mut self, at: Timestamp, value: T) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1)
                .expect("fewer than 2^32 packets are on their way at once")
        });
        if let Some(room) = self.slots.get_mut(slot as usize) {
            *room = Some(value);
        }
        self.heap.push(Reverse((at, self.number, slot)));
    }

    /// The first of those that wait in order, at most so many.
    pub fn ahead(&self, most: usize) -> impl Iterator<Item = &T> {
        self.line.iter().take(most).map(|(_, _, value)| value)
    }

    /// How many values wait.
    pub fn waiting(&self) -> usize {
        self.line.len() + self.heap.len()
    }

    /// The time of the next value.
    #[inline]
    pub fn next(&self) -> Option<Timestamp> {
        let line = self.line.front().map(|(at, ..)| *at);
        let aside = self.heap.peek().map(|Reverse((at, ..))| *at);
        match (line, aside) {
            (Some(line), Some(aside)) => Some(line.min(aside)),
            (line, aside) => line.or(aside),
        }
    }

    /// The next value and its time, without taking it.
    pub fn peek(&self) -> Option<(Timestamp, &T)> {
        let line = self
            .line
            .front()
            .map(|(at, number, value)| ((*at, *number), value));
        let aside = self.heap.peek().and_then(|Reverse((at, number, slot))| {
            let value = self.slots.get(*slot as usize)?.as_ref()?;
            Some(((*at, *number), value))
        });
        let first = match (line, aside) {
            (Some(line), Some(aside)) if aside.0 < line.0 => aside,
            (Some(line), _) => line,
            (None, aside) => aside?,
        };
        Some((first.0.0, first.1))
    }

    /// Takes the next value.
    #[inline]
    pub fn pop(&mut self) -> Option<(Timestamp, T)> {
        let line = self.line.front().map(|(at, number, _)| (*at, *number));
        let aside = self
            .heap
            .peek()
            .map(|Reverse((at, number, _))| (*at, *number));
        if aside.is_some_and(|aside| line.is_none_or(|line| aside < line)) {
            return self.pop_aside();
        }
        self.line.pop_front().map(|(at, _, value)| (at, value))
    }

    fn pop_aside(&mut self) -> Option<(Timestamp, T)> {
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

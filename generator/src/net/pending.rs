//! Packets with a time, taken out in order of time and then of arrival.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use wire::Timestamp;

/// Lines in which values wait: as many as there are usual delays.
const LINES: usize = 4;

/// Values that wait for their time.
///
/// Most come in the order in which they leave, or in a few such orders that are mixed, as a scan's packets and the timers of
/// its connections: those wait in lines. Only what overtakes them all goes through a heap, whose keys are small; its values
/// stay where they are.
#[derive(Debug)]
pub struct Pending<T> {
    lines: [Line<T>; LINES],
    /// The key of the first value of each line: beside each other, so that the next is found without looking into the lines.
    firsts: [Key; LINES],
    /// When the last value of each line leaves.
    lasts: [Timestamp; LINES],
    heap: BinaryHeap<Reverse<(Key, u32)>>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    number: u64,
    /// The next value, and the line in which it waits; one beyond them for the heap.
    next: Option<(Key, usize)>,
}

/// Values in the order in which they leave.
type Line<T> = VecDeque<(Key, T)>;

/// When a value leaves, and its number among those that came.
type Key = (Timestamp, u64);

/// The first value of a line in which none waits.
const NEVER: Key = (Timestamp::MAX, u64::MAX);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Pending {
            lines: std::array::from_fn(|_| VecDeque::new()),
            firsts: [NEVER; LINES],
            lasts: [Timestamp::ZERO; LINES],
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            number: 0,
            next: None,
        }
    }
}

impl<T> Pending<T> {
    /// Adds a value that waits until `at`. Part of who calls it, as [`Pending::pop`] is: a value that is handed over in memory,
    /// field by field, and taken from there as a whole keeps the processor waiting.
    #[inline(always)]
    pub fn push(&mut self, at: Timestamp, value: T) {
        self.number += 1;
        let key = (at, self.number);
        let place = self.place(at);
        match self.line(place) {
            Some((line, first, last)) => {
                *first = key.min(*first);
                *last = at;
                line.push_back((key, value));
            }
            None => self.push_aside(key, value),
        }
        if self.next.is_none_or(|(next, _)| key < next) {
            self.next = Some((key, place));
        }
    }

    /// Of the lines whose last value leaves no later than `at` that where it leaves last; one beyond them when there is none.
    #[inline]
    fn place(&self, at: Timestamp) -> usize {
        let mut best = (LINES, Timestamp::ZERO);
        for (place, last) in self.lasts.iter().enumerate() {
            if *last <= at && (best.0 == LINES || *last > best.1) {
                best = (place, *last);
            }
        }
        best.0
    }

    /// A line, with what is known of its first value and of its last.
    #[inline]
    fn line(&mut self, place: usize) -> Option<(&mut Line<T>, &mut Key, &mut Timestamp)> {
        let line = self.lines.get_mut(place)?;
        Some((
            line,
            self.firsts.get_mut(place)?,
            self.lasts.get_mut(place)?,
        ))
    }

    fn push_aside(&mut self, key: Key, value: T) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1)
                .expect("fewer than 2^32 packets are on their way at once")
        });
        if let Some(room) = self.slots.get_mut(slot as usize) {
            *room = Some(value);
        }
        self.heap.push(Reverse((key, slot)));
    }

    /// The value that waits so many places behind the first in order, roughly: what is taken soon.
    #[inline]
    pub fn ahead(&self, places: usize) -> Option<&T> {
        let [first, ..] = &self.lines;
        first.get(places).map(|(_, value)| value)
    }

    /// How many values wait.
    pub fn waiting(&self) -> usize {
        self.lines.iter().map(VecDeque::len).sum::<usize>() + self.heap.len()
    }

    /// The time of the next value.
    #[inline]
    pub fn next(&self) -> Option<Timestamp> {
        self.next.map(|((at, _), _)| at)
    }

    /// The next value, without taking it.
    pub fn peek(&self) -> Option<&T> {
        let (_, place) = self.next?;
        match self.lines.get(place) {
            Some(line) => line.front().map(|(_, value)| value),
            None => {
                let Reverse((_, slot)) = self.heap.peek()?;
                self.slots.get(*slot as usize)?.as_ref()
            }
        }
    }

    /// Takes the next value.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<(Timestamp, T)> {
        let ((at, _), place) = self.next?;
        let value = match self.line(place) {
            Some((line, first, last)) => {
                let value = line.pop_front();
                match line.front() {
                    Some((key, _)) => *first = *key,
                    None => (*first, *last) = (NEVER, Timestamp::ZERO),
                }
                value.map(|(_, value)| value)
            }
            None => self.pop_aside(),
        };
        self.next = self.first();
        Some((at, value?))
    }

    /// The next value among the first of the lines and of the heap.
    #[inline]
    fn first(&self) -> Option<(Key, usize)> {
        let aside = self.heap.peek().map_or(NEVER, |Reverse((key, _))| *key);
        let mut first = (aside, LINES);
        for (place, key) in self.firsts.iter().enumerate() {
            if *key < first.0 {
                first = (*key, place);
            }
        }
        (first.0 != NEVER).then_some(first)
    }

    fn pop_aside(&mut self) -> Option<T> {
        let Reverse((_, slot)) = self.heap.pop()?;
        self.free.push(slot);
        self.slots.get_mut(slot as usize)?.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_leave_by_time_and_then_by_arrival(times in proptest::collection::vec(0u64..9, 0..50)) {
            let mut pending = Pending::default();
            for (n, time) in times.iter().enumerate() {
                pending.push(Timestamp::from_nanos(*time), (*time, n));
                prop_assert_eq!(pending.next(), times.iter().take(n + 1).min().map(|at| Timestamp::from_nanos(*at)));
                prop_assert_eq!(pending.peek().map(|(time, _)| Timestamp::from_nanos(*time)), pending.next());
            }
            let left: Vec<_> = std::iter::from_fn(|| pending.pop().map(|(_, value)| value)).collect();
            let mut sorted = left.clone();
            sorted.sort_unstable();
            prop_assert_eq!(left.len(), times.len());
            prop_assert_eq!(left, sorted);
        }
    }
}

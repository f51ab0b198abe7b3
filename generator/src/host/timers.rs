//! Timers of a host, in order of time and then of setting.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use wire::Timestamp;

use super::socket::ProgramId;

/// Timers that programs have set.
#[derive(Debug, Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(Timestamp, u64, ProgramId, u64)>>,
    number: u64,
}

impl Timers {
    /// Sets one.
    pub fn set(&mut self, at: Timestamp, program: ProgramId, token: u64) {
        self.number += 1;
        self.heap.push(Reverse((at, self.number, program, token)));
    }

    /// The time of the next.
    pub fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next that has run out by `now`.
    pub fn pop(&mut self, now: Timestamp) -> Option<(ProgramId, u64)> {
        if self.next()? > now {
            return None;
        }
        self.heap
            .pop()
            .map(|Reverse((_, _, program, token))| (program, token))
    }
}

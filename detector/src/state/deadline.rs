//! Questions that wait for an answer, in the order of their deadlines.

use std::collections::VecDeque;

use wire::Timestamp;

use super::table::Handle;

/// Connections whose next step is due, oldest first. All wait equally long, so a queue suffices.
pub(super) struct Deadlines {
    queue: VecDeque<(Timestamp, Handle)>,
    patience_nanos: u64,
    capacity: usize,
}

impl Deadlines {
    pub(super) fn new(patience_nanos: u64, capacity: usize) -> Self {
        Deadlines {
            queue: VecDeque::new(),
            patience_nanos,
            capacity,
        }
    }

    /// Waits for a connection from now on. A full queue gives its oldest back, to be judged early.
    #[inline]
    pub(super) fn push(&mut self, now: Timestamp, handle: Handle) -> Option<Handle> {
        let early = if self.queue.len() >= self.capacity {
            self.queue.pop_front().map(|(_, handle)| handle)
        } else {
            None
        };
        self.queue
            .push_back((now.plus_nanos(self.patience_nanos), handle));
        early
    }

    /// The next one whose deadline has passed.
    #[inline]
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Handle> {
        let (deadline, _) = self.queue.front()?;
        if *deadline > now {
            return None;
        }
        self.queue.pop_front().map(|(_, handle)| handle)
    }

    /// At the end of the capture: the next one, and whether it has waited for at least `least_nanos`.
    pub(super) fn last(&mut self, now: Timestamp, least_nanos: u64) -> Option<(Handle, bool)> {
        let (deadline, handle) = self.queue.pop_front()?;
        let left = deadline.nanos_since(now);
        Some((
            handle,
            left.saturating_add(least_nanos) <= self.patience_nanos,
        ))
    }
}

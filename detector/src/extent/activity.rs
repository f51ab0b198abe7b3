//! How far something reaches in time.

use crate::news::Moment;

/// First and last moment of something, and how many frames it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activity {
    pub(crate) first: Moment,
    pub(crate) last: Moment,
    pub(crate) packets: u64,
    /// The longest time in which nothing happened, in nanoseconds.
    pub(crate) longest_pause: u64,
}

impl Activity {
    /// Whether nothing was added for so long that nothing more is to be expected: long in itself, and long beside the
    /// pauses that there have been. A slow scan that paused as long before may go on.
    pub(crate) fn is_over(&self, now: wire::Timestamp, quiet: u64) -> bool {
        const PAUSES: u64 = 12;
        let pause = self.longest_pause.saturating_mul(PAUSES).max(quiet);
        now.nanos_since(self.last.time) > pause
    }

    pub(crate) fn new(first: Moment, packets: u64) -> Self {
        Activity {
            first,
            last: first,
            packets,
            longest_pause: 0,
        }
    }

    /// Takes in one more piece.
    #[inline]
    pub(crate) fn extend(&mut self, at: Moment, packets: u64) {
        if at > self.last {
            let pause = at.time.nanos_since(self.last.time);
            self.longest_pause = self.longest_pause.max(pause);
            self.last = at;
        } else {
            self.first = self.first.min(at);
        }
        self.packets = self.packets.saturating_add(packets);
    }

    /// Takes in another.
    pub(crate) fn merge(&mut self, other: &Activity) {
        self.extend(other.first, 0);
        self.extend(other.last, other.packets);
    }
}

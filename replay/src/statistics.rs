//! What a run has done, as far as the kernel has told.

use hdrhistogram::Histogram;
use serde::Serialize;
use wire::Timestamp;

use crate::link::Counters;

/// Frames and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Frames.
    pub frames: u64,
    /// Their bytes, without preamble and frame check sequence.
    pub bytes: u64,
}

impl Tally {
    /// Counts one frame.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.frames += 1;
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    /// The part that `part` of `whole` makes of it, rounded down.
    pub(crate) fn share(&self, part: u64, whole: u64) -> Tally {
        Tally {
            frames: share(self.frames, part, whole),
            bytes: share(self.bytes, part, whole),
        }
    }
}

/// As much of a number as `part` is of `whole`, rounded down.
pub(crate) fn share(number: u64, part: u64, whole: u64) -> u64 {
    let product = u128::from(number) * u128::from(part);
    u64::try_from(product / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

/// How late frames were, in microseconds after they were due. A frame has gone when the kernel returns from taking it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lateness {
    /// Half of the frames were at most that late.
    pub p50: f64,
    /// 99 of 100 frames were at most that late.
    pub p99: f64,
    /// The latest one.
    pub max: f64,
}

/// The gaps between frames as they went, in microseconds: those that one call took went at once. Of several senders, each
/// counts its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Departures {
    /// Half of the gaps were at most that long.
    pub p50: f64,
    /// 99 of 100 gaps were at most that long.
    pub p99: f64,
    /// The longest one.
    pub max: f64,
    /// How many gaps were below each of these, and not below the one before; the last are all others.
    pub histogram: Vec<(f64, u64)>,
    /// Frames that went behind one that stands later in the capture, which only several senders can cause.
    pub out_of_order: u64,
}

/// Bounds of the histogram of gaps, in microseconds.
const GAP_BOUNDS: [f64; 8] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7];

/// Lateness beyond an hour counts as an hour, in nanoseconds.
const MOST_LATE: u64 = 3_600_000_000_000;
/// Digits of lateness that are kept.
const DIGITS: u8 = 2;

/// The counters of one sender.
#[derive(Debug)]
pub struct Sent {
    /// What the kernel took.
    pub accepted: Tally,
    /// When the first and the last frame went.
    pub span: Option<Span>,
    /// How often the kernel could take nothing.
    pub stalls: u64,
    /// Frames that went behind one that stands later in the capture.
    pub out_of_order: u64,
    lateness: Histogram<u64>,
    gaps: Histogram<u64>,
}

impl Default for Sent {
    fn default() -> Self {
        Sent {
            accepted: Tally::default(),
            span: None,
            stalls: 0,
            out_of_order: 0,
            lateness: histogram(),
            gaps: histogram(),
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MOST_LATE, DIGITS)
        .expect("these bounds are within what it can keep")
}

impl Sent {
    /// Counts frames that went at that moment.
    pub fn count(&mut self, frames: u64, bytes: u64, at: Timestamp) {
        if let Some(span) = self.span {
            self.gaps.saturating_record(at.nanos_since(span.last));
        }
        self.gaps.saturating_record_n(0, frames.saturating_sub(1));
        self.accepted.frames += frames;
        self.accepted.bytes += bytes;
        let first = self.span.map_or(at, |span| span.first);
        self.span = Some(Span { first, last: at });
    }

    /// Notes how late a frame was, in nanoseconds.
    pub fn late(&mut self, nanos: u64) {
        self.lateness.saturating_record(nanos);
    }

    /// Takes in what another sender has counted.
    pub fn merge(&mut self, other: &Sent) {
        self.accepted.frames += other.accepted.frames;
        self.accepted.bytes += other.accepted.bytes;
        self.stalls += other.stalls;
        self.out_of_order += other.out_of_order;
        self.span = match (self.span, other.span) {
            (Some(one), Some(other)) => Some(Span {
                first: one.first.min(other.first),
                last: one.last.max(other.last),
            }),
            (one, None) | (None, one) => one,
        };
        // Both count without bounds of their own.
        let _ = self.lateness.add(&other.lateness);
        let _ = self.gaps.add(&other.gaps);
    }

    /// The gaps between frames; `None` where there was none.
    pub fn departures(&self) -> Option<Departures> {
        if self.gaps.is_empty() {
            return None;
        }
        let at = |quantile| micros(self.gaps.value_at_quantile(quantile));
        let mut histogram: Vec<(f64, u64)> = GAP_BOUNDS.map(|bound| (bound, 0)).into();
        histogram.push((f64::INFINITY, 0));
        for step in self.gaps.iter_recorded() {
            let gap = micros(step.value_iterated_to());
            if let Some((_, count)) = histogram.iter_mut().find(|(bound, _)| gap < *bound) {
                *count += step.count_since_last_iteration();
            }
        }
        Some(Departures {
            p50: at(0.5),
            p99: at(0.99),
            max: micros(self.gaps.max()),
            histogram,
            out_of_order: self.out_of_order,
        })
    }

    /// How late frames were; `None` where no frame had a time to keep.
    pub fn lateness(&self) -> Option<Lateness> {
        let at = |quantile| micros(self.lateness.value_at_quantile(quantile));
        (!self.lateness.is_empty()).then(|| Lateness {
            p50: at(0.5),
            p99: at(0.99),
            max: micros(self.lateness.max()),
        })
    }
}

/// What the interface's own counters say about the time of the run. Others may have used it meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceTally {
    /// What it passed on: sent, or, for a tap that was written to, received.
    pub passed: Tally,
    /// Frames it did not pass on.
    pub dropped: u64,
    /// Frames that went the other way: what somebody there answered.
    pub other_way: u64,
}

impl InterfaceTally {
    /// From the difference of an interface's counters.
    pub(crate) fn new(counters: &Counters, written: bool) -> InterfaceTally {
        let sent = Tally {
            frames: counters.sent_frames,
            bytes: counters.sent_bytes,
        };
        let received = Tally {
            frames: counters.received_frames,
            bytes: counters.received_bytes,
        };
        let (passed, other, dropped) = if written {
            (received, sent, counters.received_dropped)
        } else {
            (sent, received, counters.sent_dropped)
        };
        InterfaceTally {
            passed,
            dropped,
            other_way: other.frames,
        }
    }
}

/// The span of a run on the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When the first frame went.
    pub first: Timestamp,
    /// When the last frame went.
    pub last: Timestamp,
}

impl Span {
    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        micros(self.last.nanos_since(self.first)) / 1e6
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a statistic, shown with few digits"
)]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_32_bits_count_and_a_month_are_told() {
        const DAY: u64 = 86_400_000_000_000;
        let mut sent = Sent::default();
        let at = |days: u64| Timestamp::from_nanos(days * DAY);
        for day in 0..=30 {
            sent.count(1 << 32, 64 << 32, at(day));
        }
        assert_eq!(sent.accepted.frames, 31 << 32);
        assert_eq!(sent.accepted.bytes, (31 * 64) << 32);
        let span = sent.span.unwrap();
        assert!((span.seconds() - 30.0 * 86_400.0).abs() < 1.0);
        let departures = sent.departures().unwrap();
        let counted: u64 = departures.histogram.iter().map(|(_, count)| count).sum();
        assert_eq!(counted, (31 << 32) - 1);
        assert_eq!(
            departures.histogram.last().map(|(_, count)| *count),
            Some(30)
        );
    }
}

//! When each frame is due, counted from one moment: the run's start.
//!
//! Due times are worked out from positions in the capture, never from the moment the last frame went. So lateness
//! does not add up, however long a run takes.
//!
//! Time stamps that run back are dealt with and counted: a frame up to [`SMALL_STEP`] behind another goes with it, as
//! captures of several queues hold such frames; after a larger step the capture's clock has been set back, and time
//! goes on from there. Steps ahead are kept, unless `gap_cap` shortens them.

use std::time::Duration;

use wire::Timestamp;
use wire::time::NANOS_PER_SECOND;

/// The largest step back that is taken for a frame out of order.
const SMALL_STEP: u64 = NANOS_PER_SECOND;
/// A step ahead that is worth a word.
const LEAP: u64 = 3600 * NANOS_PER_SECOND;

/// What decides when frames are due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// The capture's time stamps, at a multiple of their speed, no gap longer than the cap (in capture time).
    Capture {
        /// 2 is twice as fast.
        speed: f64,
        /// The longest gap.
        gap_cap: Option<Duration>,
    },
    /// Frames a second.
    FramesPerSecond(f64),
    /// Millions of bits a second, counting the bytes of frames as captured.
    MegabitsPerSecond(f64),
    /// As fast as it goes.
    Top,
}

impl Pace {
    /// The rate, where it is one of frames.
    pub fn frames_per_second(self) -> Option<f64> {
        match self {
            Pace::FramesPerSecond(rate) => Some(rate),
            _ => None,
        }
    }
}

/// What time stamps were met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// Frames with the time stamp of the one before.
    pub repeated: u64,
    /// Frames a little behind one before.
    pub out_of_order: u64,
    /// Steps back by more.
    pub set_back: u64,
    /// Steps ahead by more than an hour.
    pub leaps: u64,
    /// Gaps that were shortened.
    pub capped: u64,
}

/// Works out due times, frame by frame, in the order of the capture.
#[derive(Clone, Debug)]
pub struct Schedule {
    pace: Pace,
    /// The most frames a second, whatever the pace.
    max_pps: f64,
    frames: u64,
    bytes: u64,
    /// The latest time stamp that counts, and the position it stands at.
    latest: Option<(Timestamp, u64)>,
    /// The time stamp before.
    previous: Option<Timestamp>,
    /// Between passes, in nanoseconds of real time, in place of a mean gap.
    pause: Option<u64>,
    /// Pauses so far.
    paused: u64,
    due: u64,
    steps: Steps,
}

impl Schedule {
    /// A schedule that begins with the first frame it is asked about.
    pub fn new(pace: Pace, max_pps: f64) -> Schedule {
        Schedule {
            pace,
            max_pps,
            frames: 0,
            bytes: 0,
            latest: None,
            previous: None,
            pause: None,
            paused: 0,
            due: 0,
            steps: Steps::default(),
        }
    }

    /// The same with a pause of its own between passes, in real time.
    #[must_use]
    pub fn with_pause(mut self, pause: Option<Duration>) -> Schedule {
        self.pause = pause.map(|pause| u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX));
        self
    }

    /// Nanoseconds after the start at which the next frame is due, which has this time stamp and length. Never less
    /// than for the frame before.
    pub fn due(&mut self, time: Timestamp, frame_bytes: usize) -> u64 {
        let position = self.position(time);
        let due = match self.pace {
            Pace::Capture { speed, .. } => scaled(position, 1.0 / speed),
            Pace::FramesPerSecond(rate) => at_rate(self.frames, rate),
            Pace::MegabitsPerSecond(rate) => at_rate(self.bytes.saturating_mul(8), rate * 1e6),
            Pace::Top => 0,
        };
        // The bound on the rate holds in any case.
        let floor = at_rate(self.frames, self.max_pps);
        let due = due.saturating_add(self.paused);
        self.due = due.max(floor).max(self.due);
        self.frames += 1;
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(frame_bytes).unwrap_or(u64::MAX));
        self.due
    }

    /// Begins the next pass over the capture: its first frame follows after the pause, or after the mean gap of those
    /// before.
    pub fn next_pass(&mut self) {
        if let (Some(pause), Some((_, position))) = (self.pause, self.latest) {
            self.paused = self.paused.saturating_add(pause);
            self.latest = Some((Timestamp::MAX, position));
            self.previous = None;
        } else if let (Some((_, position)), Some(gaps)) = (self.latest, self.frames.checked_sub(1))
        {
            let mean = position.checked_div(gaps).unwrap_or_default();
            // Its first time stamp, whatever it is, then stands at this position.
            self.latest = Some((Timestamp::MAX, position.saturating_add(mean)));
            self.previous = None;
        }
    }

    /// What time stamps were met so far.
    pub fn steps(&self) -> Steps {
        self.steps
    }

    /// Where a time stamp stands, in nanoseconds of capture time since the first, gaps capped.
    fn position(&mut self, time: Timestamp) -> u64 {
        let (latest, at) = match (self.latest, self.previous) {
            (None, _) => (time, 0),
            (Some((_, at)), None) => (time, at),
            (Some(latest), Some(previous)) => {
                self.steps.repeated += u64::from(time == previous);
                latest
            }
        };
        self.previous = Some(time);
        let back = latest.nanos_since(time);
        if back > 0 && back <= SMALL_STEP {
            self.steps.out_of_order += 1;
            return at;
        }
        if back > 0 {
            self.steps.set_back += 1;
            self.latest = Some((time, at));
            return at;
        }
        let gap = self.capped(time.nanos_since(latest));
        let position = at.saturating_add(gap);
        self.latest = Some((time, position));
        position
    }

    fn capped(&mut self, gap: u64) -> u64 {
        self.steps.leaps += u64::from(gap > LEAP);
        let Pace::Capture {
            gap_cap: Some(cap), ..
        } = self.pace
        else {
            return gap;
        };
        let cap = u64::try_from(cap.as_nanos()).unwrap_or(u64::MAX);
        self.steps.capped += u64::from(gap > cap);
        gap.min(cap)
    }
}

/// The moment of the item with that number, from 0, at so many a second.
fn at_rate(number: u64, rate: f64) -> u64 {
    scaled(number, 1e9 / rate)
}

/// A product of nanoseconds or numbers. Exact to the nanosecond for a hundred days: 2^53 ns.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the conversion saturates, and precision is as stated"
)]
fn scaled(number: u64, factor: f64) -> u64 {
    (number as f64 * factor) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pause_stands_between_passes_whatever_the_pace() {
        for (pace, expected) in [
            (CAPTURE, [0, 3_000_000_000, 6_000_000_000]),
            (
                Pace::FramesPerSecond(10.0),
                [0, 3_100_000_000, 6_200_000_000],
            ),
        ] {
            let pause = Some(Duration::from_secs(3));
            let mut schedule = Schedule::new(pace, 1e9).with_pause(pause);
            for due in expected {
                // One frame a pass, which has no gap of its own.
                assert_eq!(schedule.due(Timestamp::from_nanos(77), 100), due);
                schedule.next_pass();
            }
        }
    }

    #[test]
    fn a_month_and_more_frames_than_32_bits_count_are_kept_to_the_microsecond() {
        const MONTH: u64 = 30 * 86_400 * NANOS_PER_SECOND;
        let rate = 10_000.0;
        let mut schedule = Schedule::new(Pace::FramesPerSecond(rate), 1e9);
        schedule.frames = u64::from(u32::MAX) - 1;
        let mut before = 0;
        for number in u64::from(u32::MAX) - 1..u64::from(u32::MAX) + 4 {
            let due = schedule.due(Timestamp::ZERO, 100);
            assert!(
                due > before && due.abs_diff(number * 100_000) <= 1_000,
                "{number}: {due}"
            );
            before = due;
        }
        let start = 1_700_000_000 * NANOS_PER_SECOND;
        let times = [0, MONTH, MONTH + 1_000, 2 * MONTH].map(|after| start + after);
        let dues = dues(CAPTURE, &times);
        for (due, time) in dues.iter().zip(times) {
            assert!(due.abs_diff(time - start) <= 1_000, "{due}");
        }
    }

    fn dues(pace: Pace, times: &[u64]) -> Vec<u64> {
        let mut schedule = Schedule::new(pace, 1e9);
        times
            .iter()
            .map(|time| schedule.due(Timestamp::from_nanos(*time), 100))
            .collect()
    }

    const CAPTURE: Pace = Pace::Capture {
        speed: 1.0,
        gap_cap: None,
    };
    const SECOND: u64 = NANOS_PER_SECOND;

    #[test]
    fn each_pace_has_its_moments() {
        let times = [7 * SECOND, 8 * SECOND, 8 * SECOND + 500];
        assert_eq!(dues(CAPTURE, &times), [0, SECOND, SECOND + 500]);
        let fast = Pace::Capture {
            speed: 4.0,
            gap_cap: None,
        };
        assert_eq!(dues(fast, &times), [0, SECOND / 4, SECOND / 4 + 125]);
        let capped = Pace::Capture {
            speed: 1.0,
            gap_cap: Some(Duration::from_millis(3)),
        };
        assert_eq!(dues(capped, &times), [0, 3_000_000, 3_000_500]);
        assert_eq!(
            dues(Pace::FramesPerSecond(1000.0), &times),
            [0, 1_000_000, 2_000_000]
        );
        assert_eq!(
            dues(Pace::MegabitsPerSecond(0.8), &times),
            [0, 1_000_000, 2_000_000]
        );
        assert_eq!(
            dues(Pace::Top, &times),
            [0, 1, 2],
            "bounded by the rate alone"
        );
    }

    #[test]
    fn a_frame_out_of_order_goes_at_once_and_shifts_nothing() {
        let times = [10 * SECOND, 12 * SECOND, 11 * SECOND + 5, 13 * SECOND];
        assert_eq!(
            dues(CAPTURE, &times),
            [0, 2 * SECOND, 2 * SECOND, 3 * SECOND]
        );
    }

    #[test]
    fn time_goes_on_after_a_clock_was_set_back() {
        let times = [10_000 * SECOND, 10_001 * SECOND, 5 * SECOND, 7 * SECOND];
        let mut schedule = Schedule::new(CAPTURE, 1e9);
        let due: Vec<u64> = times
            .iter()
            .map(|time| schedule.due(Timestamp::from_nanos(*time), 60))
            .collect();
        assert_eq!(due, [0, SECOND, SECOND, 3 * SECOND]);
        assert_eq!(schedule.steps().set_back, 1);
    }

    #[test]
    fn leaps_and_repetitions_are_counted() {
        let mut schedule = Schedule::new(CAPTURE, 1e9);
        for time in [0, 0, 0, 7200 * SECOND, 7200 * SECOND] {
            schedule.due(Timestamp::from_nanos(time), 60);
        }
        let steps = schedule.steps();
        assert_eq!((steps.repeated, steps.leaps), (3, 1));
    }

    #[test]
    fn a_pass_follows_after_the_mean_gap() {
        let mut schedule = Schedule::new(CAPTURE, 1e9);
        let mut due = Vec::new();
        for _ in 0..2 {
            for time in [100, 100 + SECOND, 100 + 4 * SECOND] {
                due.push(schedule.due(Timestamp::from_nanos(time), 60));
            }
            schedule.next_pass();
        }
        let seconds: Vec<u64> = due.iter().map(|due| due / SECOND).collect();
        assert_eq!(seconds, [0, 1, 4, 6, 7, 10]);
    }

    #[test]
    fn hours_do_not_drift() {
        let mut schedule = Schedule::new(Pace::FramesPerSecond(3.0), 1e9);
        let mut due = 0;
        for _ in 0..=3 * 3600 * 24 {
            due = schedule.due(Timestamp::ZERO, 60);
        }
        assert!(due.abs_diff(24 * 3600 * SECOND) < 1000, "{due}");
    }

    proptest! {
        #[test]
        fn due_times_never_run_back(times in proptest::collection::vec(any::<u64>(), 0..50), speed in 0.001f64..1000.0) {
            for pace in [Pace::Capture { speed, gap_cap: None }, Pace::FramesPerSecond(speed), Pace::Top] {
                let due = dues(pace, &times);
                prop_assert!(due.is_sorted());
            }
        }
    }
}

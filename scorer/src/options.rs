//! What the rules must be told.

use std::time::Duration;

use jiff::SignedDuration;

/// What the rules of scoring must be told of a detector and its run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The name of the detector.
    pub detector: String,
    /// Its declared latency: how long after an event's last frame an alert may still come.
    pub latency: Duration,
    /// How far its clock may differ from the truth's.
    pub tolerance: Duration,
    /// How coarse its stamps are; `None` is found out: a second, where all lie on whole ones.
    pub resolution: Option<Duration>,
    /// Whether an alert may come later than its latency after an event's last frame, because it says itself which span
    /// it speaks of.
    pub raises_late: bool,
    /// Whether alerts may have scores, of which curves are made.
    pub scores: bool,
    /// The least score that counts, where alerts have one.
    pub threshold: Option<f64>,
    /// What its clock shows, less what the truth's shows at that moment.
    pub clock_offset: SignedDuration,
    /// Whether it looked at a line rather than at the capture: then it counted other frames too, or missed some, and
    /// the numbers it names are not the capture's.
    pub live: bool,
    /// Whether alerts of rules that its map does not know count as false alarms.
    pub strict: bool,
    /// Whether it explains what only looks hostile; if not, it is not asked to. `None` is found out: who explains anything
    /// is asked for every explanation.
    pub explains: Option<bool>,
    /// The share of events that deserve an alert where it will be used.
    pub prevalence: Option<f64>,
}

impl Options {
    /// The clock tolerance for captures in files: time stamps are rounded to microseconds and back.
    pub const FILE_TOLERANCE: Duration = Duration::from_millis(1);

    /// The clock tolerance for live runs.
    pub const LIVE_TOLERANCE: Duration = Duration::from_secs(1);

    /// Those of crywolf's own detector on a file: its findings carry start and end, so it needs no latency.
    pub fn crywolf() -> Options {
        Options {
            detector: "crywolf".into(),
            latency: Duration::ZERO,
            tolerance: Options::FILE_TOLERANCE,
            resolution: None,
            raises_late: true,
            scores: false,
            threshold: None,
            clock_offset: SignedDuration::ZERO,
            live: false,
            strict: false,
            explains: Some(true),
            prevalence: None,
        }
    }

    /// The same for a detector that looked at the capture's frames on a line, with the clock of its machine.
    pub fn on_a_line(self, clock_offset: SignedDuration) -> Options {
        Options {
            tolerance: Options::LIVE_TOLERANCE,
            clock_offset,
            live: true,
            ..self
        }
    }

    /// Latency and tolerance in nanoseconds.
    pub(crate) fn window(&self) -> (i64, i64) {
        (in_nanos(self.latency), in_nanos(self.tolerance))
    }
}

/// A duration in nanoseconds, clamped to what 64 bits hold.
pub(crate) fn in_nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

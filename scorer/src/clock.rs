//! What the stamps of a detector tell of the clock that made them: how coarse it is, and whether it is wrong as a whole.
//!
//! **Coarse.** Where all stamps lie on whole seconds, nobody knows the fraction: the match gives way by a second at both
//! ends. The first [`ENOUGH`] alerts decide, so that memory is bounded.
//!
//! **Wrong.** Alerts that fit nothing when they were raised, but name addresses or frames of events, would fit at some other
//! time. Where one shift fits nearly all of them it is named; it is corrected only when the user says so.

use labels::Truth;

use crate::alert::{Alert, nanos, timestamp};
use crate::grade::Doubt;
use crate::matching::{Subject, When};
use crate::options::{Options, in_nanos};

/// As many alerts on whole seconds do not lie there by chance.
const ENOUGH: usize = 10_000;
const SECOND: i64 = 1_000_000_000;

/// As many alerts tell of a shift, each with the most events it might speak of.
const SAMPLES: usize = 1000;
const EVENTS_EACH: usize = 64;
/// The share of alerts, in percent, that a shift must set right, and the share that may fit without it.
const SET_RIGHT: usize = 90;
const FIT_ALREADY: usize = 10;
/// Fewer alerts may be late for another reason, unless they lie outside the capture.
const FEW: usize = 3;

/// The resolution of stamps, as far as it is known.
#[derive(Debug)]
pub(crate) struct Grain {
    give: i64,
    /// Alerts that wait until it is known.
    held: Option<Vec<Alert>>,
}

impl Grain {
    pub(crate) fn new(options: &Options) -> Grain {
        Grain {
            give: options.resolution.map_or(0, in_nanos),
            held: options.resolution.is_none().then(Vec::new),
        }
    }

    /// Whether it is known, and no alert waits for it.
    pub(crate) fn is_known(&self) -> bool {
        self.held.is_none()
    }

    /// Takes an alert, and hands on those of which the resolution is known.
    pub(crate) fn hold(&mut self, alert: Alert) -> Vec<Alert> {
        let Some(held) = &mut self.held else {
            return vec![alert];
        };
        let whole = alert.is_on_whole_seconds();
        held.push(alert);
        if whole && held.len() < ENOUGH {
            return Vec::new();
        }
        self.give = if whole { SECOND } else { 0 };
        self.held.take().unwrap_or_default()
    }

    /// The alerts that wait still: there were no others, and all lie on whole seconds.
    pub(crate) fn release(&mut self) -> Vec<Alert> {
        let held = self.held.take().unwrap_or_default();
        if !held.is_empty() {
            self.give = SECOND;
        }
        held
    }

    /// By how much the match gives way, in nanoseconds.
    pub(crate) fn give(&self) -> i64 {
        self.give
    }

    /// The same in seconds, where it is not nothing.
    pub(crate) fn seconds(&self) -> Option<f64> {
        (self.give > 0).then(|| self.give as f64 / 1e9)
    }
}

/// The alerts of a capture as seen by a clock.
#[derive(Debug)]
pub(crate) struct Drift {
    /// The capture's time, with what the detector may be late.
    span: Option<(i64, i64)>,
    first: i64,
    last: i64,
    alerts: u64,
    outside: u64,
    /// Alerts that name something of the truth and fit.
    fit: usize,
    /// Of those that do not, the shifts that each would take.
    shifts: Vec<Vec<(i64, i64)>>,
    shifts_outside: usize,
    strangers: u64,
}

impl Drift {
    pub(crate) fn new(truth: &Truth, options: &Options) -> Drift {
        let (latency, tolerance) = options.window();
        let span = truth.capture.first.zip(truth.capture.last);
        Drift {
            span: span.map(|(first, last)| {
                let late = latency.saturating_add(tolerance).saturating_add(SECOND);
                (
                    nanos(first)
                        .saturating_sub(tolerance)
                        .saturating_sub(SECOND),
                    nanos(last).saturating_add(late),
                )
            }),
            first: i64::MAX,
            last: i64::MIN,
            alerts: 0,
            outside: 0,
            fit: 0,
            shifts: Vec::new(),
            shifts_outside: 0,
            strangers: 0,
        }
    }

    /// Whether it still learns from an alert what it would fit.
    pub(crate) fn is_watching(&self) -> bool {
        self.fit + self.shifts.len() < SAMPLES
    }

    /// Counts an alert's time.
    pub(crate) fn count(&mut self, when: When) {
        self.alerts += 1;
        self.first = self.first.min(when.raised);
        self.last = self.last.max(when.raised);
        self.outside += u64::from(self.is_outside(when));
    }

    fn is_outside(&self, when: When) -> bool {
        (self.span).is_some_and(|(first, last)| when.raised < first || when.start > last)
    }

    /// Learns from an alert that fits or not, and from the events it would fit at another time.
    pub(crate) fn note(&mut self, when: When, fits: bool, events: &[&Subject<'_>]) {
        if fits {
            self.fit += 1;
        } else if events.is_empty() {
            self.strangers += 1;
        } else {
            let events = events.iter().take(EVENTS_EACH);
            self.shifts
                .push(events.map(|event| when.shifts(event)).collect());
            self.shifts_outside += usize::from(self.is_outside(when));
        }
    }

    /// What is to be said.
    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let mut doubts: Vec<Doubt> = self.shift().into_iter().collect();
        if self.outside > 0 {
            doubts.push(Doubt::OutOfTime {
                alerts: self.outside,
                of: self.alerts,
                first: timestamp(self.first),
                last: timestamp(self.last),
            });
        }
        let none_known = self.strangers > 0 && self.fit == 0 && self.shifts.is_empty();
        if none_known && self.outside == self.alerts {
            let alerts = self.strangers;
            doubts.push(Doubt::Strangers { alerts });
        }
        doubts
    }

    /// The shift that nearly all alerts have in common.
    fn shift(&self) -> Option<Doubt> {
        let unfit = self.shifts.len();
        let of = unfit + self.fit;
        let sure = unfit >= FEW || (unfit > 0 && self.shifts_outside == unfit);
        if !sure || self.fit * 100 > of * FIT_ALREADY {
            return None;
        }
        let (alerts, least, greatest) = most_common(&self.shifts)?;
        (alerts * 100 >= of * SET_RIGHT).then(|| Doubt::ClockShift {
            seconds: roundest(least, greatest) as f64 / 1e9,
            alerts: alerts as u64,
            of: of as u64,
        })
    }
}

/// How many of the lists hold a common value, at most, and the first stretch of values on which they do.
fn most_common(lists: &[Vec<(i64, i64)>]) -> Option<(usize, i64, i64)> {
    // A list counts once, where its ranges overlap each other too.
    let mut edges: Vec<(i64, i32)> = Vec::new();
    for list in lists {
        let mut ranges = list.clone();
        ranges.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (low, high) in ranges {
            match merged.last_mut() {
                Some((_, end)) if low <= *end => *end = high.max(*end),
                _ => merged.push((low, high)),
            }
        }
        // At one value what begins comes before what ends.
        edges.extend(
            merged
                .iter()
                .flat_map(|(low, high)| [(*low, -1), (*high, 1)]),
        );
    }
    edges.sort_unstable();
    let (mut open, mut best) = (0usize, None::<(usize, i64, i64)>);
    let mut edges = edges.into_iter().peekable();
    while let Some((value, kind)) = edges.next() {
        if kind < 0 {
            open += 1;
            let until = edges.peek().map_or(value, |(next, _)| *next);
            if best.is_none_or(|(count, ..)| open > count) {
                best = Some((open, value, until));
            }
        } else {
            open = open.saturating_sub(1);
        }
    }
    best
}

/// The roundest value of a stretch: clocks are wrong by hours more often than by what lies in the middle.
fn roundest(least: i64, greatest: i64) -> i64 {
    const UNITS: [i64; 9] = [86_400, 3600, 1800, 900, 60, 10, 5, 1, 0];
    let middle = least.saturating_add(greatest.saturating_sub(least) / 2);
    for seconds in UNITS {
        let unit = if seconds == 0 {
            SECOND / 100
        } else {
            seconds * SECOND
        };
        let near =
            middle.saturating_add(if middle < 0 { -unit / 2 } else { unit / 2 }) / unit * unit;
        let candidates = [near, near.saturating_sub(unit), near.saturating_add(unit)];
        let fits = |value: &&i64| **value != 0 && (least..=greatest).contains(*value);
        if let Some(value) = candidates.iter().find(fits) {
            return *value;
        }
    }
    middle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shift_that_most_have_in_common_is_found() {
        let lists = [
            vec![(0, 10), (100, 110)],
            vec![(105, 120), (106, 130)],
            vec![(-5, 5), (104, 107)],
        ];
        assert_eq!(most_common(&lists), Some((3, 105, 107)));
        assert_eq!(most_common(&[]), None);
    }

    #[test]
    fn a_shift_is_as_round_as_it_can_be() {
        let s = SECOND;
        assert_eq!(roundest(7190 * s, 7300 * s), 7200 * s);
        assert_eq!(roundest(-3700 * s, -3590 * s), -3600 * s);
        assert_eq!(roundest(7 * s + 1, 8 * s - 1), 7 * s + s / 2);
        assert_eq!(roundest(86_000 * s, 87_000 * s), 86_400 * s);
    }
}

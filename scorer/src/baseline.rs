//! Against a baseline: which events became worse, which better, and whether that may be chance.
//!
//! Events are the same when scenario, seed, sensor, parameters, id, class and expectation are. Others cannot be
//! compared, and are counted.

use std::collections::BTreeMap;

use labels::{Class, EventId, Expect};

use crate::grade::{CaptureGrade, EventGrade, Grade, Outcome};
use crate::interval::mcnemar;

/// What makes an event of two grades the same one. The last number tells captures apart that were graded twice.
type Key<'a> = (
    &'a str,
    u64,
    &'a str,
    &'a BTreeMap<String, String>,
    (EventId, Class, Expect),
    u32,
);

/// An event of which two grades differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The scenario's id.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The sensor.
    pub sensor: String,
    /// The capture's file name in the new grade.
    pub file: String,
    /// The event.
    pub event: EventId,
    /// What it is.
    pub class: Class,
}

/// On how many events only one of two detectors was right, and the exact McNemar test of that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Events that only the baseline got right.
    pub only_old: u64,
    /// Events that only the new grade got right.
    pub only_new: u64,
    /// The chance of a difference at least as great between equal detectors.
    pub p: f64,
}

/// A grade beside its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Events in both.
    pub shared: u64,
    /// Events in the baseline alone.
    pub only_in_baseline: u64,
    /// Events in the new grade alone.
    pub only_in_grade: u64,
    /// Events that the baseline detected and the new grade misses.
    pub newly_missed: Vec<Change>,
    /// Events on which the baseline kept silent and the new grade cries wolf.
    pub newly_broken: Vec<Change>,
    /// Events that only the new grade detects.
    pub newly_detected: Vec<Change>,
    /// Events on which only the new grade keeps silent.
    pub newly_silent: Vec<Change>,
    /// Over events that expect an alert.
    pub recall: Difference,
    /// Over events that expect silence.
    pub cry_wolf: Difference,
}

impl Comparison {
    /// Whether nothing became worse.
    pub fn passed(&self) -> bool {
        self.newly_missed.is_empty() && self.newly_broken.is_empty()
    }
}

/// Holds a grade against its baseline.
pub fn compare(old: &Grade, new: &Grade) -> Comparison {
    let (before, after) = (by_key(old), by_key(new));
    let mut comparison = Comparison {
        shared: 0,
        only_in_baseline: 0,
        only_in_grade: 0,
        newly_missed: Vec::new(),
        newly_broken: Vec::new(),
        newly_detected: Vec::new(),
        newly_silent: Vec::new(),
        recall: difference(0, 0),
        cry_wolf: difference(0, 0),
    };
    for (key, (_, was)) in &before {
        let Some((capture, is)) = after.get(key) else {
            comparison.only_in_baseline += 1;
            continue;
        };
        comparison.shared += 1;
        let list = match (was.outcome, is.outcome) {
            (Outcome::Detected, Outcome::Missed) => &mut comparison.newly_missed,
            (Outcome::Missed, Outcome::Detected) => &mut comparison.newly_detected,
            (Outcome::Silent, Outcome::WolfCry) => &mut comparison.newly_broken,
            (Outcome::WolfCry, Outcome::Silent) => &mut comparison.newly_silent,
            _ => continue,
        };
        list.push(change(capture, is));
    }
    comparison.only_in_grade = count(&after) - comparison.shared;
    comparison.recall = difference(
        count(&comparison.newly_missed),
        count(&comparison.newly_detected),
    );
    comparison.cry_wolf = difference(
        count(&comparison.newly_broken),
        count(&comparison.newly_silent),
    );
    comparison
}

fn count<'a, C: 'a>(of: &'a C) -> u64
where
    &'a C: IntoIterator,
{
    of.into_iter().map(|_| 1u64).sum()
}

fn difference(only_old: u64, only_new: u64) -> Difference {
    Difference {
        only_old,
        only_new,
        p: mcnemar(only_old, only_new),
    }
}

fn by_key(grade: &Grade) -> BTreeMap<Key<'_>, (&CaptureGrade, &EventGrade)> {
    let mut events = BTreeMap::new();
    for (capture, event) in grade.events() {
        let what = (event.id, event.class, event.expect);
        let (seed, sensor) = (capture.seed, capture.sensor.as_str());
        let mut key: Key<'_> = (
            &capture.scenario,
            seed,
            sensor,
            &capture.parameters,
            what,
            0,
        );
        while events.contains_key(&key) {
            key.5 += 1;
        }
        events.insert(key, (capture, event));
    }
    events
}

fn change(capture: &CaptureGrade, event: &EventGrade) -> Change {
    Change {
        scenario: capture.scenario.clone(),
        seed: capture.seed,
        sensor: capture.sensor.clone(),
        file: capture.file.clone(),
        event: event.id,
        class: event.class,
    }
}

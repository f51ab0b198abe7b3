//! Curves over all thresholds of a detector that says how sure it is.
//!
//! An alert falls to the same event whatever the threshold, so that an event is detected at each threshold up to the greatest
//! score of its alerts. Incidents of mistakes grow together as the threshold falls. An alert without a score counts at all of
//! them.
//!
//! Sources: Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve" (1982);
//! Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic" (2006), method 5, for the
//! interval of the area; Davis and Goadrich, "The relationship between precision-recall and ROC curves" (2006).

use std::collections::BTreeMap;
use std::sync::Arc;

use labels::{AddressBlock, Class, Expect, Family, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::figures::Share;
use crate::incident::{GAP_NS, Place};
use crate::interval::{Interval, area_interval};
use crate::matching::When;

/// The points of a curve in a grade: what changes less shows on no screen.
const POINTS: usize = 200;

/// The curves of a detector whose alerts have scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Curves {
    /// Thresholds at which something changes.
    pub thresholds: u64,
    /// Figures by threshold, from the highest: at most 200 of them, the user's own among them.
    pub points: Vec<Point>,
    /// The area under the ROC curve: the chance that an event that deserves an alert scores higher than one that wants
    /// silence. Events of which nothing was said score lowest.
    pub roc_area: Option<f64>,
    /// Its 95 % interval.
    pub roc_area_interval: Option<Interval>,
    /// The area under the precision-recall curve, as steps; recall that no threshold reaches adds nothing.
    pub average_precision: Option<f64>,
}

/// What the figures are at one threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// The least score that counts.
    pub threshold: f64,
    /// The vertical axis of the ROC curve, the horizontal one of precision and recall.
    pub recall: Share,
    /// The horizontal axis of the ROC curve.
    pub cry_wolf: Share,
    /// The vertical axis of precision and recall.
    pub precision: Share,
}

/// What tells two mistakes apart.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    place: Place,
    rule: Arc<str>,
    class: Option<Class>,
    family: Option<Family>,
    verdict: Option<Verdict>,
    sources: Vec<AddressBlock>,
    targets: Vec<AddressBlock>,
}

/// The scores of a capture's alerts, on the way to its sweep.
#[derive(Debug)]
pub(crate) struct Scores {
    /// The greatest of each event.
    best: Vec<f64>,
    /// Mistakes: score, start and end.
    mistakes: BTreeMap<Key, Vec<(f64, i64, i64)>>,
    any: bool,
}

impl Scores {
    /// Of a capture with that many events.
    pub(crate) fn new(events: usize) -> Scores {
        Scores {
            best: vec![f64::NEG_INFINITY; events],
            mistakes: BTreeMap::new(),
            any: false,
        }
    }

    /// Takes an alerting alert that fell to `place`, where it is a mistake or not.
    pub(crate) fn enter(&mut self, place: Place, alert: &Alert, when: When, is_mistake: bool) {
        self.any |= alert.score.is_some();
        let score = alert.score.unwrap_or(f64::INFINITY);
        if let Place::Event(place) = place
            && let Some(best) = self.best.get_mut(place as usize)
        {
            *best = best.max(score);
        }
        if !is_mistake {
            return;
        }
        let sorted = |blocks: &[AddressBlock]| {
            let mut blocks = blocks.to_vec();
            blocks.sort_unstable();
            blocks.dedup();
            blocks
        };
        let key = Key {
            place,
            rule: Arc::clone(&alert.rule),
            class: alert.class,
            family: alert.family.filter(|_| alert.class.is_none()),
            verdict: alert.conclusion(),
            sources: sorted(&alert.sources),
            targets: sorted(&alert.targets),
        };
        let hits = self.mistakes.entry(key).or_default();
        hits.push((score, when.start, when.end));
    }

    /// What changes at which score; nothing where no alert had one.
    pub(crate) fn close(self, expects: impl Iterator<Item = Expect>) -> Sweep {
        if !self.any {
            return Sweep::default();
        }
        let events = expects.zip(self.best);
        Sweep {
            events: events
                .filter(|(expect, _)| *expect != Expect::May)
                .collect(),
            incidents: self.mistakes.into_values().flat_map(incidents).collect(),
        }
    }
}

/// By how much the number of incidents changes at which score, as it falls.
fn incidents(mut hits: Vec<(f64, i64, i64)>) -> Vec<(f64, i64)> {
    hits.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    // Incidents by their start, none within the gap of another.
    let mut groups: BTreeMap<i64, i64> = BTreeMap::new();
    let mut changes = Vec::new();
    for (score, mut start, mut end) in hits {
        let reach = end.saturating_add(GAP_NS);
        let mut joined = 0i64;
        // The last that begins within reach joins, and those before it, until one ends too early.
        while let Some((first, last)) = groups.range(..=reach).next_back()
            && start.saturating_sub(*last) <= GAP_NS
        {
            let first = *first;
            (start, end) = (start.min(first), end.max(*last));
            groups.remove(&first);
            joined += 1;
        }
        groups.insert(start, end);
        if joined != 1 {
            changes.push((score, 1 - joined));
        }
    }
    changes
}

/// What a capture adds to the curves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sweep {
    /// Events that deserve an alert or want silence, with the greatest score of their alerts.
    events: Vec<(Expect, f64)>,
    /// Scores at which the number of incidents of mistakes changes, and by how much.
    incidents: Vec<(f64, i64)>,
}

/// What is counted at a threshold.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    detected: u64,
    cried: u64,
    incidents: i64,
}

impl Curves {
    /// The curves over captures; `None` where no alert had a score.
    pub(crate) fn over<'a>(
        sweeps: impl Iterator<Item = &'a Sweep>,
        threshold: Option<f64>,
    ) -> Option<Curves> {
        let (mut steps, deserve, silent) = steps(sweeps);
        if steps.is_empty() {
            return None;
        }
        steps.sort_by(|a, b| b.0.total_cmp(&a.0));
        let totals = cumulated(&steps);
        let point = |threshold: f64, counts: Counts| {
            let mistakes = u64::try_from(counts.incidents).unwrap_or(0);
            Point {
                threshold,
                recall: Share::of(counts.detected, deserve),
                cry_wolf: Share::of(counts.cried, silent),
                precision: Share::of(counts.detected, counts.detected + mistakes),
            }
        };
        let finite = totals.iter().filter(|(score, _)| score.is_finite());
        let mut points: Vec<Point> = thinned(
            finite
                .map(|(score, counts)| point(*score, *counts))
                .collect(),
        );
        if let Some(own) = threshold
            && points.iter().all(|point| point.threshold != own)
        {
            let reached = totals.iter().take_while(|(score, _)| *score >= own).last();
            points.push(point(
                own,
                reached.map_or_else(Counts::default, |(_, counts)| *counts),
            ));
            points.sort_by(|a, b| b.threshold.total_cmp(&a.threshold));
        }
        let area = roc_area(&totals, deserve, silent);
        Some(Curves {
            thresholds: totals.len() as u64,
            points,
            roc_area: area,
            roc_area_interval: area.and_then(|area| area_interval(area, deserve, silent)),
            average_precision: average_precision(&totals, deserve),
        })
    }
}

/// What each score adds to the counts, and how many events deserve an alert and silence.
fn steps<'a>(sweeps: impl Iterator<Item = &'a Sweep>) -> (Vec<(f64, Counts)>, u64, u64) {
    let mut steps: Vec<(f64, Counts)> = Vec::new();
    let (mut deserve, mut silent) = (0u64, 0u64);
    for sweep in sweeps {
        for (expect, best) in &sweep.events {
            let is_alert = *expect == Expect::Alert;
            *(if is_alert { &mut deserve } else { &mut silent }) += 1;
            let counts = Counts {
                detected: u64::from(is_alert),
                cried: u64::from(!is_alert),
                incidents: 0,
            };
            if *best > f64::NEG_INFINITY {
                steps.push((*best, counts));
            }
        }
        steps.extend(sweep.incidents.iter().map(|(score, change)| {
            let counts = Counts {
                incidents: *change,
                ..Counts::default()
            };
            (*score, counts)
        }));
    }
    (steps, deserve, silent)
}

/// Counts at each distinct score, of all that score as much or more.
fn cumulated(steps: &[(f64, Counts)]) -> Vec<(f64, Counts)> {
    let mut total = Counts::default();
    let mut totals: Vec<(f64, Counts)> = Vec::new();
    for (score, step) in steps {
        total.detected += step.detected;
        total.cried += step.cried;
        total.incidents += step.incidents;
        match totals.last_mut() {
            Some((last, counts)) if *last == *score => *counts = total,
            _ => totals.push((*score, total)),
        }
    }
    totals
}

/// As many points as fit, evenly among all, the first and the last with them.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    let all = points.len();
    if all <= POINTS {
        return points;
    }
    let wanted = (0..POINTS).map(|n| n * (all - 1) / (POINTS - 1));
    wanted.filter_map(|at| points.get(at).copied()).collect()
}

/// The area under recall over the cry-wolf rate, by trapezia; beyond the last threshold a straight line leads to the corner,
/// as if what was never alerted on were tied.
fn roc_area(totals: &[(f64, Counts)], deserve: u64, silent: u64) -> Option<f64> {
    if deserve == 0 || silent == 0 {
        return None;
    }
    let rates = totals.iter().map(|(_, counts)| {
        (
            counts.cried as f64 / silent as f64,
            counts.detected as f64 / deserve as f64,
        )
    });
    let (mut area, mut from) = (0.0, (0.0, 0.0));
    for to in rates.chain([(1.0, 1.0)]) {
        area += (to.0 - from.0) * (to.1 + from.1) / 2.0;
        from = to;
    }
    Some(area)
}

fn average_precision(totals: &[(f64, Counts)], deserve: u64) -> Option<f64> {
    let (mut area, mut before) = (0.0, 0);
    for (_, counts) in totals {
        let said = counts.detected as f64 + counts.incidents.max(0) as f64;
        if counts.detected > before {
            area +=
                (counts.detected - before) as f64 / deserve as f64 * counts.detected as f64 / said;
        }
        before = counts.detected;
    }
    (deserve > 0).then_some(area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sweep(alerts: &[f64], silences: &[f64], incidents: &[(f64, i64)]) -> Sweep {
        let deserve = alerts.iter().map(|score| (Expect::Alert, *score));
        let silent = silences.iter().map(|score| (Expect::Silence, *score));
        Sweep {
            events: deserve.chain(silent).collect(),
            incidents: incidents.to_vec(),
        }
    }

    const NEVER: f64 = f64::NEG_INFINITY;

    #[test]
    fn a_point_stands_where_something_changes() {
        let sweep = sweep(&[0.9, 0.4, NEVER], &[0.5, NEVER], &[(0.5, 1), (0.3, 1)]);
        let curves = Curves::over([&sweep].into_iter(), Some(0.45)).unwrap();
        let told: Vec<(f64, u64, u64, u64)> = curves
            .points
            .iter()
            .map(|point| {
                (
                    point.threshold,
                    point.recall.hits,
                    point.cry_wolf.hits,
                    point.precision.of,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (0.9, 1, 0, 1),
                (0.5, 1, 1, 2),
                (0.45, 1, 1, 2),
                (0.4, 2, 1, 3),
                (0.3, 2, 1, 4)
            ]
        );
        assert_eq!(
            (curves.points[0].recall.of, curves.points[0].cry_wolf.of),
            (3, 2)
        );
    }

    #[test]
    fn the_area_is_the_chance_to_score_higher() {
        let area = |alerts: &[f64], silences: &[f64]| {
            let sweep = sweep(alerts, silences, &[]);
            Curves::over([&sweep].into_iter(), None)
                .unwrap()
                .roc_area
                .unwrap()
        };
        assert_eq!(area(&[0.9, 0.8], &[0.1, NEVER]), 1.0);
        assert_eq!(area(&[0.1], &[0.9]), 0.0);
        assert_eq!(area(&[0.5, NEVER], &[0.5, NEVER]), 0.5);
    }

    #[test]
    fn average_precision_adds_steps_of_recall() {
        let sweep = sweep(&[0.9, 0.5, NEVER, NEVER], &[], &[(0.7, 1)]);
        let curves = Curves::over([&sweep].into_iter(), None).unwrap();
        // A quarter at precision 1, a quarter at 2 of 3.
        assert_eq!(curves.average_precision, Some(0.25 + 0.25 * 2.0 / 3.0));
        assert_eq!(curves.roc_area, None, "nothing wants silence");
    }

    #[test]
    fn mistakes_join_as_the_threshold_falls() {
        let s = 1_000_000_000;
        // Two of one rule 100 s apart, and one between them that is less sure.
        let changes = incidents(vec![
            (0.9, 0, 0),
            (0.8, 100 * s, 100 * s),
            (0.2, 50 * s, 50 * s),
        ]);
        assert_eq!(changes, [(0.9, 1), (0.8, 1), (0.2, -1)]);
    }

    #[test]
    fn without_scores_there_is_no_curve() {
        assert_eq!(
            Curves::over([&Sweep::default()].into_iter(), Some(0.5)),
            None
        );
    }

    #[test]
    fn a_long_curve_is_thinned() {
        let alerts: Vec<f64> = (0..5000).map(f64::from).collect();
        let curves = Curves::over([&sweep(&alerts, &[1.0], &[])].into_iter(), None).unwrap();
        assert_eq!((curves.points.len(), curves.thresholds), (POINTS, 5000));
        assert_eq!(curves.points[0].threshold, 4999.0);
        assert_eq!(curves.points[POINTS - 1].threshold, 0.0);
    }

    proptest! {
        #[test]
        fn incidents_are_those_that_a_walk_finds(
            hits in prop::collection::vec((0u8..8, 0i64..400, 0i64..90), 1..30),
            threshold in 0u8..8,
        ) {
            let s = 1_000_000_000;
            let hits: Vec<(f64, i64, i64)> =
                hits.iter().map(|(score, start, long)| (f64::from(*score), start * s, (start + long) * s)).collect();
            let least = f64::from(threshold);
            let mut counted: Vec<_> = hits.iter().filter(|(score, ..)| *score >= least).collect();
            counted.sort_unstable_by_key(|(_, start, end)| (*start, *end));
            let (mut groups, mut until) = (0, i64::MIN);
            for (_, start, end) in counted {
                if groups == 0 || start - until > GAP_NS {
                    groups += 1;
                    until = *end;
                }
                until = until.max(*end);
            }
            let swept: i64 = incidents(hits.clone()).iter().filter(|(score, _)| *score >= least).map(|(_, change)| change).sum();
            prop_assert_eq!(swept, groups);
        }
    }
}

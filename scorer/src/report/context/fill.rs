//! What a grade, gates and earlier grades give the page to show.

use std::collections::BTreeMap;

use labels::Class;

use super::{
    Axis, Baseline, Change, ClassInfo, Context, Cost, Curve, CurvePoint, Difference, Gate, Level,
    Note, Point, SCHEMA, Series, capture_ids, stem,
};
use crate::baseline::{self, Comparison};
use crate::curve::{self, Curves};
use crate::figures::Share;
use crate::gate::{GateOutcome, Side};
use crate::grade::Grade;
use crate::report;
use crate::running::Running;

impl Context {
    /// What a grade itself gives to show beside it: the taxonomy, failures, cost.
    pub fn of(grade: &Grade, version: String) -> Context {
        Context {
            schema: SCHEMA,
            version,
            notes: notes(grade),
            gates: Vec::new(),
            classes: Class::ALL
                .iter()
                .map(|class| (*class, class_info(*class)))
                .collect(),
            scenarios: BTreeMap::new(),
            captures: BTreeMap::new(),
            baseline: None,
            trend: Vec::new(),
            curves: grade.curves.as_ref().map(curves).unwrap_or_default(),
            cost: cost(&grade.running),
        }
    }
}

fn class_info(class: Class) -> ClassInfo {
    ClassInfo {
        family: class.family().name(),
        verdict: class.verdict().name(),
        definition: class.definition(),
        technique: class.technique(),
    }
}

fn notes(grade: &Grade) -> Vec<Note> {
    let failures = grade.running.failures.iter().map(|failure| Note {
        level: Level::Error,
        text: format!(
            "The detector failed, and this capture is not graded: {}.",
            failure.message
        ),
        capture: Some(stem(&failure.file).to_owned()),
        output: Some(failure.output.clone()).filter(|output| !output.is_empty()),
    });
    let mut notes: Vec<Note> = failures.collect();
    notes.extend(report::notes(grade).into_iter().map(|text| Note {
        level: Level::Warning,
        text,
        capture: None,
        output: None,
    }));
    let repeats = grade.running.repeats.iter();
    for repeats in repeats.filter(|repeats| !repeats.differing.is_empty()) {
        notes.push(Note {
            level: Level::Warning,
            text: format!(
                "The detector did not say the same in each of {} runs, of {} captures: {}.",
                repeats.runs,
                repeats.differing.len(),
                repeats.differing.join(", ")
            ),
            capture: None,
            output: None,
        });
    }
    notes
}

/// The most points of a curve that the page takes.
const MOST_POINTS: usize = 500;

/// The ROC and the precision-recall curve over thresholds.
fn curves(curves: &Curves) -> Vec<Curve> {
    let step = curves.points.len().div_ceil(MOST_POINTS).max(1);
    let points = |x: fn(&curve::Point) -> &Share, y: fn(&curve::Point) -> &Share| {
        let all = curves.points.iter().step_by(step);
        let shown = all.filter_map(|point| {
            let y = y(point);
            Some(CurvePoint {
                x: x(point).value?,
                label: format!("score {}", point.threshold),
                y: y.value,
                low: y.low,
                high: y.high,
                hits: y.hits,
                of: y.of,
            })
        });
        shown.collect::<Vec<_>>()
    };
    let area = |name: &str, area: Option<f64>| {
        area.map_or_else(String::new, |area| format!("{name} {area:.3}"))
    };
    let all = [
        Curve {
            title: "Recall by cry-wolf rate, over thresholds (ROC)",
            about: area("area", curves.roc_area),
            x: Axis {
                label: "cry-wolf rate",
            },
            y: Axis { label: "recall" },
            series: vec![Series {
                name: "recall",
                points: points(|point| &point.cry_wolf, |point| &point.recall),
            }],
        },
        Curve {
            title: "Precision by recall, over thresholds",
            about: area("average precision", curves.average_precision),
            x: Axis { label: "recall" },
            y: Axis { label: "precision" },
            series: vec![Series {
                name: "precision",
                points: points(|point| &point.recall, |point| &point.precision),
            }],
        },
    ];
    all.into_iter()
        .filter(|curve| curve.series.iter().any(|series| !series.points.is_empty()))
        .collect()
}

fn cost(running: &Running) -> Option<Cost> {
    let cost = running.cost?;
    Some(Cost {
        cpu_s: cost.cpu_s,
        peak_bytes: cost.peak_bytes,
        frames_per_s: cost.frames_per_s,
        repeats: running.repeats.as_ref().map(|repeats| repeats.runs),
        agreed: running
            .repeats
            .as_ref()
            .map(|repeats| repeats.differing.is_empty()),
    })
}

impl From<&GateOutcome> for Gate {
    fn from(outcome: &GateOutcome) -> Gate {
        Gate {
            figure: outcome.gate.to_string(),
            side: match outcome.gate.side {
                Side::Under => "under",
                Side::Over => "over",
            },
            bound: outcome.gate.bound,
            value: outcome.measured,
            passed: outcome.passed,
        }
    }
}

impl Baseline {
    /// An earlier grade of that name, held against this one.
    pub fn of(name: String, old: &Grade, new: &Grade, comparison: &Comparison) -> Baseline {
        let ids = capture_ids(&new.captures);
        let changes = |list: &[baseline::Change]| {
            let named = |change: &baseline::Change| Change {
                capture: capture_of(change, new, &ids),
                event: change.event.0,
                class: change.class,
            };
            list.iter().map(named).collect()
        };
        let difference = |difference: &baseline::Difference| Difference {
            only_old: difference.only_old,
            only_new: difference.only_new,
            p: difference.p,
        };
        Baseline {
            name,
            all: old.all.clone(),
            classes: old.classes.clone(),
            shared: comparison.shared,
            only_in_baseline: comparison.only_in_baseline,
            only_in_grade: comparison.only_in_grade,
            newly_missed: changes(&comparison.newly_missed),
            newly_detected: changes(&comparison.newly_detected),
            newly_broken: changes(&comparison.newly_broken),
            newly_silent: changes(&comparison.newly_silent),
            recall: difference(&comparison.recall),
            cry_wolf: difference(&comparison.cry_wolf),
        }
    }
}

fn capture_of(change: &baseline::Change, grade: &Grade, ids: &[String]) -> String {
    let found = grade.captures.iter().zip(ids).find(|(capture, _)| {
        capture.file == change.file
            && (capture.seed, &capture.scenario, &capture.sensor)
                == (change.seed, &change.scenario, &change.sensor)
    });
    found.map_or_else(|| stem(&change.file).to_owned(), |(_, id)| id.clone())
}

impl Point {
    /// An earlier grade of that name.
    pub fn of(name: String, grade: &Grade) -> Point {
        Point {
            name,
            recall: grade.all.recall,
            cry_wolf: grade.all.cry_wolf,
            precision: grade.all.precision,
            false_alarms: grade.all.false_alarms,
        }
    }
}

//! The grade of a detector: findings against the truth, by protocol `crywolf-1`.
//!
//! Shape: an [`adapter`] turns what a detector wrote into [`Alert`]s; [`CaptureScorer`] assigns them to the events of
//! one capture; [`Grade::new`] computes the figures over captures; [`report`], [`gate`] and [`baseline`] read the grade
//! and nothing else.
//!
//! The scorer opens no file, reads no clock and prints nothing. It sees truth and alerts, never frames, and knows
//! neither generator nor detector.

use labels::Truth;

pub mod adapter;
mod alert;
pub mod assignment;
pub mod baseline;
mod blocks;
mod clock;
pub mod curve;
pub mod figures;
mod frames;
pub mod gate;
pub mod grade;
mod incident;
mod index;
pub mod interval;
pub mod map;
pub mod matching;
pub mod metrics;
mod options;
pub mod report;
pub mod running;
mod spans;

pub use alert::Alert;
pub use assignment::CaptureScorer;
pub use figures::{Figures, Scope, Share};
pub use gate::{Gate, GateError, GateOutcome, Gates};
pub use grade::{CaptureGrade, Doubt, EventGrade, Grade, GradeError, Outcome};
pub use incident::Incident;
pub use index::Flows;
pub use matching::{ClassGrade, Strength};
pub use options::Options;
pub use running::{Cost, Failure, FailureKind, Repeats, Running};

/// One capture to grade: its truth and what a detector said about it.
#[derive(Clone, Debug)]
pub struct Capture<'a> {
    /// What it holds.
    pub truth: &'a Truth,
    /// What was said.
    pub alerts: Vec<Alert>,
}

/// The grade of a detector over captures.
pub fn score(captures: &[Capture<'_>], options: &Options) -> Grade {
    let graded = captures.iter().map(|capture| {
        let no_flows = Flows::new();
        let mut scorer = CaptureScorer::new(capture.truth, &no_flows, options);
        for alert in &capture.alerts {
            scorer.push(alert.clone());
        }
        scorer.finish()
    });
    Grade::new(graded.collect(), options)
}

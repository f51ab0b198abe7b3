//! Gates and baselines: what of a grade must hold.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use scorer::report::context;
use scorer::{GateOutcome, Gates, Grade, baseline};

use crate::output::counted;

/// Reads a grade file.
///
/// # Errors
/// Names the file, and what is wrong with it.
pub fn read_grade(path: &Path) -> Result<Grade> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the grade {name}"))?;
    Grade::from_json(&text).map_err(|error| anyhow!("{name}: {error}"))
}

/// Reads the grade to compare with, which the first run does not have.
fn read_baseline(path: &Path) -> Result<Grade> {
    if !path.exists() {
        bail!(
            "there is no baseline {0}: run once without --baseline and with --json {0}, and keep that file",
            path.display()
        );
    }
    read_grade(path).context("baseline")
}

/// Which gates must hold.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Gates")]
pub struct GateArgs {
    /// Fail below this bound: recall=0.95, recall.low=0.9, syn-scan.recall=1
    #[arg(long, value_name = "FIGURE=X")]
    pub fail_under: Vec<String>,

    /// Fail above this bound: cry-wolf=0.02, false-alarms-per-hour=1
    #[arg(long, value_name = "FIGURE=X")]
    pub fail_over: Vec<String>,

    /// Fail on any event newly missed and any silence newly broken against this earlier JSON grade
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
}

/// Gates that were read and can be held against a grade.
#[derive(Debug)]
pub struct Checks {
    gates: Gates,
    baseline: Option<(PathBuf, Grade)>,
}

impl GateArgs {
    /// Reads gates and baseline, before any work is done.
    ///
    /// # Errors
    /// Fails on a text that is no gate and on a file that is no grade.
    pub fn read(&self) -> Result<Checks> {
        let baseline = match &self.baseline {
            None => None,
            Some(path) => Some((path.clone(), read_baseline(path)?)),
        };
        Ok(Checks {
            gates: Gates::parse(&self.fail_under, &self.fail_over)?,
            baseline,
        })
    }
}

impl Checks {
    /// Holds everything against a grade: whether all passed, and what to tell.
    ///
    /// # Errors
    /// Fails when the baseline shares no event with the grade.
    pub fn hold(&self, grade: &Grade) -> Result<Held> {
        let outcomes = self.gates.check(grade);
        let mut passed = outcomes.iter().all(|outcome| outcome.passed);
        let mut lines: Vec<String> = outcomes
            .iter()
            .map(|outcome| format!("gate {outcome}"))
            .collect();
        let mut compared = None;
        if let Some((path, old)) = &self.baseline {
            let comparison = baseline::compare(old, grade);
            if comparison.shared == 0 {
                bail!(
                    "baseline {} shares no event with these captures: grade the same scenarios and seeds",
                    path.display()
                );
            }
            passed &= comparison.passed();
            let word = if comparison.passed() {
                "passed"
            } else {
                "failed"
            };
            lines.extend(baseline_lines(&format!("baseline {word}"), &comparison));
            compared = Some(context::Baseline::of(
                name_of(path),
                old,
                grade,
                &comparison,
            ));
        }
        Ok(Held {
            passed,
            text: lines.iter().map(|line| format!("{line}\n")).collect(),
            outcomes,
            compared,
        })
    }
}

/// How gates and baseline went.
pub struct Held {
    /// Whether all passed.
    pub passed: bool,
    /// What to tell, in lines.
    pub text: String,
    /// Gate by gate.
    pub outcomes: Vec<GateOutcome>,
    /// The baseline, for the page.
    pub compared: Option<context::Baseline>,
}

/// A grade's name: its file's, without ending.
pub fn name_of(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// How likely such a difference is between equals.
fn chance(p: f64) -> String {
    if p < 0.001 {
        "p < 0.001".into()
    } else {
        format!("p {p:.3}")
    }
}

/// A comparison in lines, the first after `head`.
pub fn baseline_lines(head: &str, comparison: &baseline::Comparison) -> Vec<String> {
    let mut lines = vec![format!(
        "{head}: of {} {} newly missed, {} newly detected ({}), \
         {} newly broken, {} newly kept ({})",
        counted(comparison.shared, "shared event"),
        comparison.newly_missed.len(),
        comparison.newly_detected.len(),
        chance(comparison.recall.p),
        counted(comparison.newly_broken.len() as u64, "silence"),
        comparison.newly_silent.len(),
        chance(comparison.cry_wolf.p),
    )];
    if comparison.only_in_baseline > 0 || comparison.only_in_grade > 0 {
        lines.push(format!(
            "  not compared: {} events of the baseline alone, {} of this grade alone",
            comparison.only_in_baseline, comparison.only_in_grade
        ));
    }
    for (what, changes) in [
        ("newly missed", &comparison.newly_missed),
        ("silence newly broken", &comparison.newly_broken),
        ("newly detected", &comparison.newly_detected),
        ("silence newly kept", &comparison.newly_silent),
    ] {
        lines.extend(changes.iter().map(|change| {
            format!(
                "  {what}: {} ({}, event {})",
                change.class,
                context::stem(&change.file),
                change.event.0
            )
        }));
    }
    lines
}

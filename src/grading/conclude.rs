//! How a graded run ends: reports, summary, gates, exit code.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use generator::Catalogue;
use scorer::report::context::{self, Context as PageContext, Point, capture_ids};
use scorer::{Grade, report};

use crate::grading::gate_args::Checks;
use crate::grading::report_args::ReportArgs;
use crate::output::{Verbosity, print};

/// The width of the summary: what a terminal has at least.
const COLUMNS: usize = 80;

/// The exit code when the detector failed on some capture.
const DETECTOR_FAILED: u8 = 2;

/// Writes the reports, prints the summary and the gates, and says how it ended: 0 passed, 1 a gate failed, 2 the detector
/// failed on some capture, whatever the gates say of the others. `shown` holds what the page shows of captures, by file name.
///
/// # Errors
/// Fails when a report cannot be written, and on a baseline of other captures.
pub fn conclude(
    grade: &Grade,
    shown: BTreeMap<String, context::Capture>,
    trend: Vec<Point>,
    reports: &ReportArgs,
    checks: &Checks,
    verbosity: &Verbosity,
) -> Result<ExitCode> {
    let held = checks.hold(grade)?;
    let mut beside = PageContext::of(grade, format!("crywolf {}", env!("CARGO_PKG_VERSION")));
    if reports.wants_page() {
        beside.gates = held.outcomes.iter().map(context::Gate::from).collect();
        beside.baseline = held.compared;
        beside.trend = trend;
        beside.scenarios = scenarios(grade)?;
        beside.captures = by_id(grade, shown);
    }
    reports.write(grade, &beside)?;
    if verbosity.quiet {
        // That a gate failed is an error; all else was to be kept quiet.
        let failed = if held.passed { "" } else { &held.text };
        let _ = io::stderr().write_all(failed.as_bytes());
    } else if reports.takes_stdout() {
        // The verdict on the gates is wanted all the same, and must not spoil the report.
        let _ = io::stderr().write_all(held.text.as_bytes());
    } else {
        let space = if held.text.is_empty() { "" } else { "\n" };
        print(&format!(
            "{}{space}{}",
            report::text(grade, COLUMNS),
            held.text
        ))?;
    }
    let failed = grade.running.failures.len();
    if failed > 0 {
        let all = failed + grade.captures.len();
        eprintln!(
            "crywolf: the detector failed on {failed} of {all} captures, which are not graded"
        );
        return Ok(ExitCode::from(DETECTOR_FAILED));
    }
    Ok(ExitCode::from(if held.passed { 0 } else { 1 }))
}

/// What is shown of captures, by the ids that the page gives them.
fn by_id(
    grade: &Grade,
    mut shown: BTreeMap<String, context::Capture>,
) -> BTreeMap<String, context::Capture> {
    let ids = capture_ids(&grade.captures);
    let found = grade.captures.iter().zip(ids);
    found
        .filter_map(|(capture, id)| Some((id, shown.remove(&capture.file)?)))
        .collect()
}

/// The scenarios of the catalogue that occur in a grade.
fn scenarios(grade: &Grade) -> Result<BTreeMap<String, context::Scenario>> {
    let catalogue = Catalogue::built_in()?;
    let mut scenarios = BTreeMap::new();
    for capture in &grade.captures {
        if scenarios.contains_key(&capture.scenario) {
            continue;
        }
        // Others are the user's own, who knows them.
        if let Some(file) = catalogue.get(&capture.scenario) {
            let file = file?;
            let identity = file.identity();
            let scenario = context::Scenario {
                title: identity.title.clone(),
                summary: identity.summary.trim().to_owned(),
                naive: identity.naive.clone(),
                tells: identity.tells.clone(),
                facts: identity.facts.iter().map(|fact| fact.say.clone()).collect(),
                source: identity.source.clone(),
            };
            scenarios.insert(capture.scenario.clone(), scenario);
        }
    }
    Ok(scenarios)
}

//! What every graded run shares on the command line: how to count, where reports go, which gates must hold.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use generator::Catalogue;
use scorer::report::context::{self, Context as PageContext, Point, capture_ids};
use scorer::report::{REPORTS, Report};
use scorer::{GateOutcome, Gates, Grade, Options, baseline, report};

use crate::alerts::{AlertArgs, Alerts};
use crate::output::{Verbosity, check_writable, is_stdout, print, unless_closed, write_whole};

/// The width of the summary: what a terminal has at least.
const COLUMNS: usize = 80;

/// The exit code when the detector failed on some capture.
const DETECTOR_FAILED: u8 = 2;

/// How to count.
#[derive(Args, Clone, Debug)]
pub struct ScoringArgs {
    /// Who wrote the alerts.
    #[command(flatten)]
    pub alerts: AlertArgs,

    /// Count alerts of rules that the map does not know as false alarms
    #[arg(long)]
    pub strict: bool,

    /// Also print what the precision becomes where this share of the events deserves an alert
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub prevalence: Option<f64>,
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1, such as 0.01".into()),
    }
}

impl ScoringArgs {
    /// How alerts are read, and the scorer's options.
    ///
    /// # Errors
    /// A map that cannot be read, with all its mistakes.
    pub fn read(&self) -> Result<(Alerts, Options)> {
        let (alerts, options) = self.alerts.read()?;
        let options = Options {
            strict: self.strict,
            prevalence: self.prevalence,
            ..options
        };
        Ok((alerts, options))
    }
}

/// Where reports go.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Reports")]
pub struct ReportArgs {
    #[command(flatten)]
    outputs: Outputs,

    /// Earlier JSON grades to show beside this one in the page, oldest first
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "html")]
    pub trend: Vec<PathBuf>,
}

/// The reports that were asked for, and their files: an option for each of the scorer's reports.
#[derive(Clone, Debug, Default)]
struct Outputs(Vec<(&'static Report, PathBuf)>);

impl Args for Outputs {
    fn augment_args(command: Command) -> Command {
        REPORTS.iter().fold(command, |command, report| {
            let option = Arg::new(report.option)
                .long(report.option)
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help(report.what);
            command.arg(option)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Outputs::augment_args(command)
    }
}

impl FromArgMatches for Outputs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let asked = |report: &&'static Report| {
            let path: Option<&PathBuf> = matches.get_one(report.option);
            Some((*report, path?.clone()))
        };
        Ok(Outputs(REPORTS.iter().filter_map(asked).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Outputs::from_arg_matches(matches)?;
        Ok(())
    }
}

impl ReportArgs {
    fn outputs(&self) -> impl Iterator<Item = (&'static Report, &Path)> {
        self.outputs
            .0
            .iter()
            .map(|(report, path)| (*report, path.as_path()))
    }

    /// Whether the page for a browser is wanted, which shows more than the grade holds.
    pub fn wants_page(&self) -> bool {
        self.outputs().any(|(report, _)| report.option == "html")
    }

    /// The earlier grades, read before any work is done.
    ///
    /// # Errors
    /// A file that is no grade.
    pub fn trend(&self) -> Result<Vec<Point>> {
        let point = |path: &PathBuf| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            Ok(Point::of(name.into_owned(), &read_grade(path)?))
        };
        self.trend.iter().map(point).collect()
    }

    /// Whether a report takes standard output, which leaves none for the summary.
    fn takes_stdout(&self) -> bool {
        self.outputs().any(|(_, path)| is_stdout(path))
    }

    /// Refuses two reports on one output and outputs that cannot be written, before any work is done.
    ///
    /// # Errors
    /// Names the output.
    pub fn check(&self) -> Result<()> {
        let mut paths: Vec<&Path> = self.outputs().map(|(_, path)| path).collect();
        paths.sort_unstable();
        if let Some([twice, _]) = paths.array_windows().find(|[a, b]| a == b) {
            bail!(
                "two reports cannot both go to {}: give each its own file",
                twice.display()
            );
        }
        paths.into_iter().try_for_each(check_writable)
    }

    fn write(&self, grade: &Grade, context: &PageContext) -> Result<()> {
        for (report, path) in self.outputs() {
            if is_stdout(path) {
                unless_closed(report.write(grade, context, &mut io::stdout().lock()))?;
            } else {
                write_whole(path, |out| report.write(grade, context, out))?;
            }
        }
        Ok(())
    }
}

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
    fn hold(&self, grade: &Grade) -> Result<Held> {
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
struct Held {
    passed: bool,
    text: String,
    outcomes: Vec<GateOutcome>,
    compared: Option<context::Baseline>,
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
        "{head}: of {} shared events {} newly missed, {} newly detected ({}), \
         {} silences newly broken, {} newly kept ({})",
        comparison.shared,
        comparison.newly_missed.len(),
        comparison.newly_detected.len(),
        chance(comparison.recall.p),
        comparison.newly_broken.len(),
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

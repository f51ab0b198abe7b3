//! `crywolf grade`: generate, detect, score and report. The main job.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use generator::Catalogue;

use crate::campaign::cache::Cache;
use crate::campaign::detector::{Detector, Foreign};
use crate::campaign::plan::{self, ChoiceArgs, Overrides};
use crate::campaign::run::{Campaign, Task, labelled_tasks};
use crate::campaign::suite;
use crate::campaign::terms::TermArgs;
use crate::duration;
use crate::grading::alerts::Alerts;
use crate::grading::conclude::conclude;
use crate::grading::excerpt;
use crate::grading::gate_args::GateArgs;
use crate::grading::report_args::{ReportArgs, ScoringArgs};
use crate::output::{self, Verbosity};
use crate::process::jobs;

/// Seeds graded of scenarios that are named, when no seeds are.
const DEFAULT_SEEDS: std::ops::RangeInclusive<u64> = 1..=5;
/// The background laid under them when none is named.
const DEFAULT_BACKGROUND: &str = "office";

/// Generate a suite, run a detector on it, and grade what it finds.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf grade
  crywolf grade --suite lookalikes --html report.html
  crywolf grade syn-scan fin-scan --seeds 1..20 --difficulty slow
  crywolf grade --fail-under recall=0.9 --fail-over cry-wolf=0.1 --junit grade.xml
  crywolf grade --detector 'my-detector {capture} > {out}' --timeout 30s --keep runs

Without scenarios, --all, --suite and --captures, the suite 'default' is graded. Scenarios that are named run with seeds 1 to 5 \
over the background 'office', unless told otherwise.

Exit status: 0 all gates passed, 1 a gate failed, 2 wrong use, or a detector that failed on some capture (the others are \
graded), 130 ended by Ctrl-C, 143 by SIGTERM.")]
pub struct GradeArgs {
    /// What is graded on
    #[command(flatten)]
    pub choice: ChoiceArgs,

    /// How the captures are made
    #[command(flatten)]
    pub terms: TermArgs,

    /// Grade the scenarios alone, without the traffic that otherwise lies under them
    #[arg(long, conflicts_with = "background")]
    pub no_background: bool,

    /// Grade on the captures of this folder instead, each with its truth beside it (A.pcap with A.truth.json)
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "scenarios", "all", "suite", "seeds", "sensor", "set", "difficulty", "background", "no_background",
        "label_background", "fault",
    ])]
    pub captures: Option<PathBuf>,

    /// Who is graded
    #[command(flatten)]
    pub detector: DetectorArgs,

    /// How to count
    #[command(flatten)]
    pub scoring: ScoringArgs,

    /// Where reports go
    #[command(flatten)]
    pub reports: ReportArgs,

    /// Which gates must hold
    #[command(flatten)]
    pub gates: GateArgs,

    /// Keep captures for the next run in this folder [default: $XDG_CACHE_HOME/crywolf, or ~/.cache/crywolf]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    pub cache: Option<PathBuf>,

    /// Make every capture anew, and keep none for the next run
    #[arg(long)]
    pub no_cache: bool,

    /// Jobs side by side [default: one a processor]
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
}

/// Who is graded, and how it is run.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Detector")]
pub struct DetectorArgs {
    /// The command that runs the detector, for a shell: {capture} is its input, {out} where its findings go, {home} the
    /// home networks with commas [default: crywolf's own detector]
    #[arg(long, value_name = "CMD")]
    pub detector: Option<String>,

    /// How long it may take over one capture; then it is ended, with all that it has started
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration::parse, requires = "detector")]
    pub timeout: Duration,

    /// Have it look at each capture so often, and say whether it answers the same
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100), requires = "detector")]
    pub repeat: u32,

    /// Take it for an answer when it writes nothing about any capture
    #[arg(long, requires = "detector")]
    pub may_be_silent: bool,

    /// Keep captures, truth, findings and what it printed in this folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

impl DetectorArgs {
    /// The detector, whose alerts are read so.
    pub fn detector(&self, alerts: Alerts) -> Detector {
        match &self.detector {
            None => Detector::BuiltIn,
            Some(command) => Detector::Command(Foreign {
                command: command.clone(),
                timeout: self.timeout,
                runs: self.repeat,
                alerts: Arc::new(alerts),
            }),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Wrong use, mistaken scenarios, reports that cannot be written. A detector that fails is no error but part of the grade.
pub fn run(args: &GradeArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    args.reports.check()?;
    let checks = args.gates.read()?;
    let trend = args.reports.trend()?;
    let catalogue = Catalogue::built_in()?;
    let (alerts, mut options) = args.scoring.read()?;
    match &args.detector.detector {
        Some(command) => options.detector = command.clone(),
        None => ensure!(
            !args.scoring.alerts.are_foreign(),
            "--from, --map, --timezone and --resolution say how to read what a detector writes: name it with --detector"
        ),
    }
    let tasks = match &args.captures {
        Some(folder) => labelled_tasks(folder)?,
        None => orders(args, &catalogue, verbosity)?,
    };
    if let Some(folder) = &args.detector.keep {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let campaign = Campaign {
        catalogue: &catalogue,
        terms: args.terms.terms(),
        detector: args.detector.detector(alerts),
        options,
        cache: if args.no_cache || args.captures.is_some() {
            None
        } else {
            Cache::open(args.cache.as_deref())?
        },
        keep: args.detector.keep.clone(),
        may_be_silent: args.detector.may_be_silent,
    };
    let count = u64::try_from(tasks.len()).unwrap_or(u64::MAX);
    let progress = output::progress(count, "grading", verbosity.quiet);
    let wanted = args.reports.wants_page();
    let outcome = campaign.run(&tasks, jobs::number(args.jobs), &progress, |seen| {
        wanted.then(|| excerpt::of(seen.capture, seen.truth, seen.grade))
    })?;
    conclude(
        &outcome.grade,
        outcome.gathered,
        trend,
        &args.reports,
        &checks,
        verbosity,
    )
}

/// The captures to make.
fn orders(args: &GradeArgs, catalogue: &Catalogue, verbosity: &Verbosity) -> Result<Vec<Task>> {
    let mut overrides = Overrides {
        seeds: args.choice.seeds.clone(),
        step: args.terms.difficulty.clone(),
        background: args.terms.background.clone().map(Some),
        sensors: args.choice.sensor.clone(),
    };
    if args.no_background {
        overrides.background = Some(None);
    }
    let parts = args.choice.parts(Some(suite::DEFAULT), verbosity)?;
    if args.choice.all || !args.choice.scenarios.is_empty() {
        overrides.seeds.get_or_insert(DEFAULT_SEEDS);
        overrides
            .background
            .get_or_insert_with(|| Some(DEFAULT_BACKGROUND.into()));
    }
    let plan = plan::plan(catalogue, &parts, &overrides)?;
    args.terms.check(&plan)?;
    plan.say_left_out(verbosity);
    Ok(plan
        .orders
        .into_iter()
        .map(|order| Task::Order(Box::new(order)))
        .collect())
}

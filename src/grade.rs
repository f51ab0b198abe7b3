//! `crywolf grade`: generate, detect, score and report. The main job.

use std::fs::File;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use generator::Catalogue;
use scorer::adapter::crywolf;
use scorer::{CaptureGrade, CaptureScorer, Flows, Grade, Options};

use crate::detect;
use crate::generate::TermArgs;
use crate::output::{self, Verbosity};
use crate::produce::{self, Order, Produced, Terms};
use crate::report_args::{GateArgs, ReportArgs, ScoringArgs, conclude};
use crate::seeds;

/// Seeds graded when none are named.
const DEFAULT_SEEDS: RangeInclusive<u64> = 1..=5;
/// The background laid under the scenarios when none is named.
const DEFAULT_BACKGROUND: &str = "office";

/// Generate the catalogue, run a detector on it, and grade what it finds.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf grade
  crywolf grade syn-scan fin-scan --seeds 1..20 --difficulty slow
  crywolf grade --fail-under recall=0.95 --fail-over cry-wolf=0.02 --junit grade.xml
  crywolf grade --detector 'my-detector {capture} > {out}'

Exit status: 0 all gates passed, 1 a gate failed, 2 wrong use, or a detector that did not run.")]
pub struct GradeArgs {
    /// Scenarios: ids of the catalogue, or files ending in .toml [default: the whole catalogue]
    #[arg(value_name = "ID|FILE.toml")]
    pub scenarios: Vec<String>,

    /// The seeds, both ends included [default: 1..5]
    #[arg(long, value_name = "A..B", value_parser = seeds::parse_range)]
    pub seeds: Option<RangeInclusive<u64>>,

    /// How the captures are made
    #[command(flatten)]
    pub terms: TermArgs,

    /// Grade the scenarios alone, without the office that otherwise works under them
    #[arg(long, conflicts_with = "background")]
    pub no_background: bool,

    /// The command that runs the detector, for a shell: {capture} is its input, {out} where its findings go, {home} the
    /// home networks with commas [default: crywolf's own detector]
    #[arg(long, value_name = "CMD")]
    pub detector: Option<String>,

    /// How to count
    #[command(flatten)]
    pub scoring: ScoringArgs,

    /// Where reports go
    #[command(flatten)]
    pub reports: ReportArgs,

    /// Which gates must hold
    #[command(flatten)]
    pub gates: GateArgs,

    /// Jobs side by side [default: one a processor]
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
}

/// Runs the command.
///
/// # Errors
/// Wrong use, mistaken scenarios, a detector that did not run, reports that cannot be written.
pub fn run(args: &GradeArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    args.reports.check()?;
    let checks = args.gates.read()?;
    let catalogue = Catalogue::built_in()?;
    let terms = terms(args, &catalogue)?;
    let orders = orders(args, &catalogue)?;
    let mut options = args.scoring.options();
    if let Some(command) = &args.detector {
        options.detector = command.clone();
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let progress = output::progress(orders.len() as u64, "grading", verbosity.quiet);
    let graded = produce::produce_all(&orders, produce::jobs(args.jobs), &progress, |order| {
        let place =
            tempfile::tempdir_in(folder.path()).context("cannot make a temporary folder")?;
        let made = produce::produce(&catalogue, order, &terms, place.path())?;
        made.iter()
            .map(|produced| grade_one(args, produced, &options))
            .collect::<Result<Vec<_>>>()
    })?;
    let grade = Grade::new(graded.into_iter().flatten().collect(), &options);
    conclude(&grade, &args.reports, &checks)
}

fn terms(args: &GradeArgs, catalogue: &Catalogue) -> Result<Terms> {
    let mut terms = args.terms.read(catalogue)?;
    if terms.background.is_none() && !args.no_background {
        terms.background = Some(produce::find(catalogue, DEFAULT_BACKGROUND)?);
    }
    Ok(terms)
}

fn orders(args: &GradeArgs, catalogue: &Catalogue) -> Result<Vec<Order>> {
    let names = if args.scenarios.is_empty() {
        catalogue.ids()
    } else {
        args.scenarios.clone()
    };
    let seeds = args.seeds.clone().unwrap_or(DEFAULT_SEEDS);
    let mut orders = Vec::new();
    for name in &names {
        let file = produce::find(catalogue, name)?;
        // Over the whole catalogue, a step is asked of those that have a ladder.
        if let Some(step) = &args.terms.difficulty
            && args.scenarios.is_empty()
            && !file.difficulties().contains(step)
        {
            continue;
        }
        orders.extend(seeds.clone().map(|seed| Order {
            file: file.clone(),
            seed,
            published: None,
        }));
    }
    if orders.is_empty() {
        bail!("no scenario of the catalogue has the difficulty asked for");
    }
    produce::refuse_same_ids(&orders)?;
    Ok(orders)
}

fn grade_one(args: &GradeArgs, produced: &Produced, options: &Options) -> Result<CaptureGrade> {
    let flows = Flows::new();
    let mut scorer = CaptureScorer::new(&produced.truth, &flows, options);
    let mut reader = crywolf::Reader::new();
    match &args.detector {
        None => {
            let capture =
                File::open(&produced.capture).context("cannot read the capture just made")?;
            let outcome =
                detect::detect(capture, detector::Config::default(), &produced.truth.home)?;
            for finding in outcome.findings {
                scorer.push(reader.alert(finding));
            }
        }
        Some(command) => {
            let text = run_detector(command, produced)?;
            for line in text.lines() {
                if let Some(alert) = reader.line(line).context("in the detector's findings")? {
                    scorer.push(alert);
                }
            }
        }
    }
    Ok(scorer.finish())
}

/// Runs a detector's command in a shell and returns what it wrote.
fn run_detector(command: &str, produced: &Produced) -> Result<String> {
    let out = produced.capture.with_extension("findings");
    let home: Vec<String> = produced
        .truth
        .home
        .iter()
        .map(ToString::to_string)
        .collect();
    let filled = command
        .replace("{capture}", &quoted(&produced.capture))
        .replace("{out}", &quoted(&out))
        .replace("{home}", &home.join(","));
    let ended = Command::new("sh")
        .args(["-c", &filled])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run the detector: {filled}"))?;
    if !ended.status.success() {
        let told = String::from_utf8_lossy(&ended.stderr);
        bail!(
            "the detector failed ({}): {filled}\n{}",
            ended.status,
            told.trim_end()
        );
    }
    if !command.contains("{out}") {
        return String::from_utf8(ended.stdout).context("the detector's output is not UTF-8");
    }
    std::fs::read_to_string(&out)
        .with_context(|| format!("the detector wrote no findings to {}", out.display()))
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

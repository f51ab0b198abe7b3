//! What every graded run shares on the command line: how to count, where reports go, which gates must hold.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use scorer::{Gates, Grade, Options, baseline, report};

use crate::output::{is_stdout, print, unless_closed, write_whole};

/// The width of the summary: what a terminal has at least.
const COLUMNS: usize = 80;

/// How to count.
#[derive(Args, Clone, Debug)]
pub struct ScoringArgs {
    /// Who wrote the findings, and so how to read them
    #[arg(long, value_enum, default_value_t = Format::Crywolf, value_name = "FORMAT")]
    pub from: Format,

    /// Count alerts of rules that the map does not know as false alarms
    #[arg(long)]
    pub strict: bool,

    /// Also print what the precision becomes where this share of the events deserves an alert
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub prevalence: Option<f64>,
}

/// A format of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// crywolf's own findings, JSON lines
    Crywolf,
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1, such as 0.01".into()),
    }
}

impl ScoringArgs {
    /// The scorer's options.
    pub fn options(&self) -> Options {
        let Format::Crywolf = self.from;
        Options {
            strict: self.strict,
            prevalence: self.prevalence,
            ..Options::crywolf()
        }
    }
}

/// Where reports go.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Reports")]
pub struct ReportArgs {
    /// Write the whole grade as JSON ("-" for standard output, here and below)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write JUnit XML, a test case an event
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,

    /// Write a Markdown summary
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,

    /// Write what was called what, as CSV
    #[arg(long, value_name = "FILE")]
    pub confusion: Option<PathBuf>,
}

/// Writes one report. The grade as JSON may be larger than the grade: nothing holds it whole.
type Render = fn(&Grade, &mut dyn Write) -> io::Result<()>;

impl ReportArgs {
    fn outputs(&self) -> impl Iterator<Item = (&Path, Render)> {
        [
            (&self.json, json as Render),
            (&self.junit, junit),
            (&self.markdown, markdown),
            (&self.confusion, confusion),
        ]
        .into_iter()
        .filter_map(|(path, render)| Some((path.as_deref()?, render)))
    }

    /// Whether a report takes standard output, which leaves none for the summary.
    fn takes_stdout(&self) -> bool {
        self.outputs().any(|(path, _)| is_stdout(path))
    }

    /// Refuses two reports on one output, before any work is done.
    ///
    /// # Errors
    /// Names the output that was asked for twice.
    pub fn check(&self) -> Result<()> {
        let mut paths: Vec<&Path> = self.outputs().map(|(path, _)| path).collect();
        paths.sort_unstable();
        if let Some([twice, _]) = paths.array_windows().find(|[a, b]| a == b) {
            bail!(
                "two reports cannot both go to {}: give each its own file",
                twice.display()
            );
        }
        Ok(())
    }

    fn write(&self, grade: &Grade) -> Result<()> {
        for (path, render) in self.outputs() {
            if is_stdout(path) {
                unless_closed(render(grade, &mut io::stdout().lock()))?;
            } else {
                write_whole(path, |out| render(grade, out))?;
            }
        }
        Ok(())
    }
}

fn json(grade: &Grade, out: &mut dyn Write) -> io::Result<()> {
    grade.write_json(out)
}

fn junit(grade: &Grade, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(report::junit(grade).as_bytes())
}

fn markdown(grade: &Grade, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(report::markdown(grade).as_bytes())
}

fn confusion(grade: &Grade, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(report::confusion_csv(grade).as_bytes())
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
            Some(path) => {
                let text = fs::read_to_string(path)
                    .with_context(|| format!("cannot read the baseline {}", path.display()))?;
                let grade = Grade::from_json(&text)
                    .map_err(|error| anyhow!("baseline {}: {error}", path.display()))?;
                Some((path.clone(), grade))
            }
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
    fn hold(&self, grade: &Grade) -> Result<(bool, String)> {
        let (mut passed, mut lines) = (true, Vec::new());
        for outcome in self.gates.check(grade) {
            passed &= outcome.passed;
            lines.push(format!("gate {outcome}"));
        }
        if let Some((path, old)) = &self.baseline {
            let comparison = baseline::compare(old, grade);
            if comparison.shared == 0 {
                bail!(
                    "baseline {} shares no event with these captures: grade the same scenarios and seeds",
                    path.display()
                );
            }
            passed &= comparison.passed();
            lines.extend(baseline_lines(&comparison));
        }
        let text = lines.iter().map(|line| format!("{line}\n")).collect();
        Ok((passed, text))
    }
}

fn baseline_lines(comparison: &baseline::Comparison) -> Vec<String> {
    let word = if comparison.passed() {
        "passed"
    } else {
        "failed"
    };
    let mut lines = vec![format!(
        "baseline {word}: of {} shared events {} newly missed, {} newly detected (p {:.3}), \
         {} silences newly broken, {} newly kept (p {:.3})",
        comparison.shared,
        comparison.newly_missed.len(),
        comparison.newly_detected.len(),
        comparison.recall.p,
        comparison.newly_broken.len(),
        comparison.newly_silent.len(),
        comparison.cry_wolf.p,
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
    ] {
        lines.extend(changes.iter().map(|change| {
            format!(
                "  {what}: {} ({}, seed {}, sensor {}, event {})",
                change.class, change.scenario, change.seed, change.sensor, change.event.0
            )
        }));
    }
    lines
}

/// Writes the reports, prints the summary and the gates, and says how it ended: 0 passed, 1 a gate failed.
///
/// # Errors
/// Fails when a report cannot be written, and on a baseline of other captures.
pub fn conclude(grade: &Grade, reports: &ReportArgs, checks: &Checks) -> Result<ExitCode> {
    reports.write(grade)?;
    let (passed, gates) = checks.hold(grade)?;
    if reports.takes_stdout() {
        // The verdict on the gates is wanted all the same, and must not spoil the report.
        let _ = io::stderr().write_all(gates.as_bytes());
    } else {
        let space = if gates.is_empty() { "" } else { "\n" };
        print(&format!("{}{space}{gates}", report::text(grade, COLUMNS)))?;
    }
    Ok(ExitCode::from(if passed { 0 } else { 1 }))
}

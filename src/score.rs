//! `crywolf score`: the grade of findings already made.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use jiff::SignedDuration;
use labels::Truth;
use scorer::adapter::crywolf;
use scorer::report::context::Capture;
use scorer::{Alert, CaptureGrade, CaptureScorer, Flows, Grade, Options};

use crate::excerpt;
use crate::report_args::{Format, GateArgs, ReportArgs, ScoringArgs, conclude};

/// Endings that a truth file's name may have, the longest first.
const TRUTH_ENDINGS: [&str; 2] = [".truth.json", ".json"];

/// Endings that a findings file's name may have, the longest first.
const FINDINGS_ENDINGS: [&str; 6] = [
    ".findings.jsonl",
    ".findings.ndjson",
    ".findings.json",
    ".jsonl",
    ".ndjson",
    ".json",
];

/// Grade findings against the truth of their captures.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf score --truth a.truth.json --findings a.findings.jsonl
  crywolf score --truth out/*.truth.json --findings out/*.findings.jsonl --json grade.json
  crywolf detect a.pcap --format jsonl | crywolf score --truth a.truth.json --findings -
  crywolf score --truth a.truth.json --findings a.jsonl --fail-under recall=0.95 --fail-over cry-wolf=0.02
  crywolf score --truth a.truth.json --findings live.jsonl --live --clock-offset 1.25s

Exit status: 0 all gates passed, 1 a gate failed, 2 bad input.")]
pub struct ScoreArgs {
    /// The truth of each capture
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub truth: Vec<PathBuf>,

    /// What the detector found in each, paired by file name (A.truth.json with A.findings.jsonl or A.jsonl), else in
    /// order; "-" for standard input
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub findings: Vec<PathBuf>,

    /// The detector looked at a line, not at the capture: its clock may be wrong by a second, and its frame numbers are
    /// its own
    #[arg(long)]
    pub live: bool,

    /// What the detector's clock showed less what the truth's did, such as 1.5s or -250ms
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = parse_offset)]
    pub clock_offset: Option<SignedDuration>,

    /// How to count.
    #[command(flatten)]
    pub scoring: ScoringArgs,

    /// Where reports go.
    #[command(flatten)]
    pub reports: ReportArgs,

    /// Which gates must hold.
    #[command(flatten)]
    pub gates: GateArgs,
}

/// Runs the command.
///
/// # Errors
/// Fails on wrong use and bad input: the caller exits with 2.
pub fn run(args: &ScoreArgs) -> Result<ExitCode> {
    args.reports.check()?;
    let checks = args.gates.read()?;
    let trend = args.reports.trend()?;
    let mut options = args.scoring.options();
    let offset = args.clock_offset.unwrap_or_default();
    options = match args.live {
        true => options.on_a_line(offset),
        false => Options {
            clock_offset: offset,
            ..options
        },
    };
    let mut captures = Vec::new();
    let mut shown = BTreeMap::new();
    for (truth, findings) in pair(&args.truth, &args.findings)? {
        let graded = score_files(truth, findings, args.scoring.from, &options)?;
        if args.reports.wants_page() {
            shown.extend(frames_beside(truth, &graded)?);
        }
        captures.push(graded);
    }
    let grade = Grade::new(captures, &options);
    conclude(&grade, shown, trend, &args.reports, &checks)
}

fn parse_offset(text: &str) -> Result<SignedDuration, String> {
    text.parse()
        .map_err(|_| "an offset is a number with its unit, such as 1.5s, -250ms or 2h".into())
}

/// The frames that the page shows of a capture, where it lies beside its truth.
fn frames_beside(truth: &Path, grade: &CaptureGrade) -> Result<Option<(String, Capture)>> {
    let capture = truth.with_file_name(&grade.file);
    if grade.file.is_empty() || !capture.is_file() {
        return Ok(None);
    }
    let truth = read_truth(truth)?;
    Ok(Some((
        grade.file.clone(),
        excerpt::of(&capture, &truth, grade),
    )))
}

/// Grades one capture's findings.
///
/// # Errors
/// Fails on a file that cannot be read or holds something else, and names file, line and remedy.
pub fn score_files(
    truth: &Path,
    findings: &Path,
    from: Format,
    options: &Options,
) -> Result<CaptureGrade> {
    let truth = read_truth(truth)?;
    let no_flows = Flows::new();
    let mut scorer = CaptureScorer::new(&truth, &no_flows, options);
    let name = if is_stdin(findings) {
        "standard input".to_owned()
    } else {
        findings.display().to_string()
    };
    let Format::Crywolf = from;
    if is_stdin(findings) {
        read_findings(io::stdin().lock(), &name, |alert| scorer.push(alert))?;
    } else {
        let file = File::open(findings).with_context(|| {
            format!("cannot read the findings {name}: did the detector run? One that finds nothing leaves an empty file")
        })?;
        read_findings(BufReader::new(file), &name, |alert| scorer.push(alert))?;
    }
    Ok(scorer.finish())
}

/// Reads a truth file.
///
/// # Errors
/// Fails on a file that cannot be read or is no truth.
pub fn read_truth(path: &Path) -> Result<Truth> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the truth {name}"))?;
    Truth::from_json(&text).map_err(|error| {
        anyhow!("{name}: {error}\n`crywolf generate` writes the truth beside each capture")
    })
}

/// Hands on findings one at a time: they may be many.
///
/// # Errors
/// Fails on what cannot be read, and names file, line and remedy.
pub fn read_findings(input: impl BufRead, name: &str, mut push: impl FnMut(Alert)) -> Result<()> {
    let mut reader = crywolf::Reader::new();
    for (line, number) in input.lines().zip(1u64..) {
        let line =
            line.with_context(|| format!("{name}: cannot read line {number} as UTF-8 text"))?;
        let alert = reader.line(&line).map_err(|error| {
            anyhow!(
                "{name}: {error}\n`crywolf detect --format jsonl` writes findings, one JSON object a line"
            )
        })?;
        if let Some(alert) = alert {
            push(alert);
        }
    }
    Ok(())
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Pairs truths with findings: by file name where the names tell, else in order.
fn pair<'a>(truths: &'a [PathBuf], findings: &'a [PathBuf]) -> Result<Vec<(&'a Path, &'a Path)>> {
    let by_truth = by_stem(truths, &TRUTH_ENDINGS)?;
    let by_findings = by_stem(findings, &FINDINGS_ENDINGS)?;
    if let (Some(by_truth), Some(by_findings)) = (&by_truth, &by_findings) {
        let shared = by_truth
            .keys()
            .filter(|stem| by_findings.contains_key(*stem));
        if shared.count() > 0 {
            return pair_by_stem(by_truth, by_findings);
        }
    }
    if truths.len() != findings.len() {
        bail!(
            "{} truth files and {} findings files do not pair: give one findings file for each truth, \
             in the same order or with the same name before the ending",
            truths.len(),
            findings.len()
        );
    }
    let pairs = truths.iter().zip(findings);
    Ok(pairs
        .map(|(truth, findings)| (truth.as_path(), findings.as_path()))
        .collect())
}

type ByStem<'a> = BTreeMap<String, &'a Path>;

fn pair_by_stem<'a>(
    truths: &ByStem<'a>,
    findings: &ByStem<'a>,
) -> Result<Vec<(&'a Path, &'a Path)>> {
    if let Some(stem) = findings.keys().find(|stem| !truths.contains_key(*stem)) {
        bail!("no truth for the findings of '{stem}': add --truth {stem}.truth.json");
    }
    let partner = |(stem, truth): (&String, &&'a Path)| match findings.get(stem) {
        Some(findings) => Ok((*truth, *findings)),
        None => Err(anyhow!(
            "no findings for {}: give '{stem}.findings.jsonl', empty if the detector found nothing",
            truth.display()
        )),
    };
    truths.iter().map(partner).collect()
}

/// The files by name without its ending; `None` where two share one, and names cannot tell them apart.
///
/// # Errors
/// Fails on a file given twice.
fn by_stem<'a>(paths: &'a [PathBuf], endings: &[&str]) -> Result<Option<ByStem<'a>>> {
    let mut sorted: Vec<&PathBuf> = paths.iter().collect();
    sorted.sort_unstable();
    if let Some([twice, _]) = sorted.array_windows().find(|[a, b]| a == b) {
        bail!("{} was given twice: give each file once", twice.display());
    }
    let mut stems = ByStem::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = endings.iter().find_map(|ending| name.strip_suffix(ending));
        let stem = stem.unwrap_or(&name).to_owned();
        if stems.insert(stem, path).is_some() {
            return Ok(None);
        }
    }
    Ok(Some(stems))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    fn paired(truths: &[&str], findings: &[&str]) -> Result<Vec<(String, String)>> {
        let (truths, findings) = (paths(truths), paths(findings));
        let text = |path: &Path| path.display().to_string();
        let pairs = pair(&truths, &findings)?;
        Ok(pairs.iter().map(|(a, b)| (text(a), text(b))).collect())
    }

    #[test]
    fn names_pair_files_in_any_order() {
        let pairs = paired(
            &["x/a.truth.json", "x/b.truth.json"],
            &["y/b.findings.jsonl", "y/a.jsonl"],
        )
        .unwrap();
        assert_eq!(pairs[0], ("x/a.truth.json".into(), "y/a.jsonl".into()));
        assert_eq!(pairs[1].1, "y/b.findings.jsonl");
    }

    #[test]
    fn names_that_tell_nothing_pair_in_order() {
        let pairs = paired(&["b.truth.json", "a.truth.json"], &["1.jsonl", "2.jsonl"]).unwrap();
        assert_eq!(pairs[0], ("b.truth.json".into(), "1.jsonl".into()));
        assert_eq!(paired(&["a.truth.json"], &["-"]).unwrap()[0].1, "-");
        let same = paired(&["1/a.json", "2/a.json"], &["x.jsonl", "y.jsonl"]).unwrap();
        assert_eq!(same[1], ("2/a.json".into(), "y.jsonl".into()));
    }

    #[test]
    fn what_has_no_partner_is_named() {
        let error =
            |truths: &[&str], findings: &[&str]| paired(truths, findings).unwrap_err().to_string();
        assert!(error(&["a.truth.json", "b.truth.json"], &["a.jsonl"]).contains("b.truth.json"));
        assert!(error(&["a.truth.json"], &["a.jsonl", "b.jsonl"]).contains("'b'"));
        assert!(error(&["a.truth.json"], &["x.jsonl", "y.jsonl"]).contains("do not pair"));
        assert!(error(&["a.truth.json", "a.truth.json"], &["a.jsonl"]).contains("twice"));
    }
}

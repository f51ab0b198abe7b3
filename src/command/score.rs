//! `crywolf score`: the grade of findings already made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use jiff::SignedDuration;
use labels::Truth;
use scorer::report::context::Capture;
use scorer::{CaptureGrade, Grade, Options};

use crate::capture::truth::read_truth;
use crate::grading::conclude::conclude;
use crate::grading::excerpt;
use crate::grading::gate_args::GateArgs;
use crate::grading::report_args::{ReportArgs, ScoringArgs};
use crate::output::Verbosity;

/// Endings that a truth file's name may have, the longest first.
const TRUTH_ENDINGS: [&str; 2] = [".truth.json", ".json"];

/// Grade what a detector said against the truth of their captures.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf score --truth a.truth.json --findings a.findings.jsonl
  crywolf score --truth out/*.truth.json --findings out/*.findings.jsonl --json grade.json
  crywolf detect a.pcap --format jsonl | crywolf score --truth a.truth.json --findings -
  crywolf score --truth a.truth.json --findings a.jsonl --fail-under recall=0.95
  crywolf score --from suricata --truth lab.truth.json --findings eve.json eve.json.1
  crywolf score --from csv --threshold 0.5 --truth a.truth.json --findings model.csv
  crywolf score --truth a.truth.json --findings live.jsonl --live --clock-offset 1.25s

Exit status: 0 all gates passed, 1 a gate failed, 2 bad input.")]
pub struct ScoreArgs {
    /// The truth of each capture
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub truth: Vec<PathBuf>,

    /// What the detector said of each: files and folders, paired by file name (A.truth.json with all that begin with "A."),
    /// else in order; with one truth all belong to it. "-" is standard input
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
pub fn run(args: &ScoreArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    args.reports.check()?;
    let checks = args.gates.read()?;
    let trend = args.reports.trend()?;
    let (alerts, mut options) = args.scoring.read()?;
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
    for (path, findings) in pair(&args.truth, &args.findings)? {
        let truth = read_truth(path)?;
        let graded = alerts.grade_files(&truth, &options, &findings)?;
        if args.reports.wants_page() {
            shown.extend(frames_beside(path, &truth, &graded));
        }
        captures.push(graded);
    }
    let grade = Grade::new(captures, &options);
    conclude(&grade, shown, trend, &args.reports, &checks, verbosity)
}

fn parse_offset(text: &str) -> Result<SignedDuration, String> {
    let (sign, length) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    wire::duration::parse(length)
        .and_then(|nanos| i64::try_from(nanos).ok())
        .map(|nanos| SignedDuration::from_nanos(sign * nanos))
        .ok_or_else(|| "an offset is a number with its unit, such as 1.5s, -250ms or 2h".into())
}

/// The frames that the page shows of a capture, where it lies beside its truth.
fn frames_beside(path: &Path, truth: &Truth, grade: &CaptureGrade) -> Option<(String, Capture)> {
    let capture = path.with_file_name(&grade.file);
    if grade.file.is_empty() || !capture.is_file() {
        return None;
    }
    let shown = excerpt::of(&capture, truth, grade);
    Some((grade.file.clone(), shown))
}

/// A truth and all that was said of its capture.
type Pair<'a> = (&'a Path, Vec<&'a Path>);

/// Pairs truths with findings: by file name where the names tell, else in order, and all with a single truth.
fn pair<'a>(truths: &'a [PathBuf], findings: &'a [PathBuf]) -> Result<Vec<Pair<'a>>> {
    refuse_twice(truths)?;
    refuse_twice(findings)?;
    if let Some(by_stem) = by_stem(truths) {
        let owner = |path: &Path| owner(&by_stem, path);
        if findings.iter().any(|path| owner(path).is_some()) {
            return pair_by_stem(&by_stem, findings);
        }
    }
    if let [truth] = truths {
        return Ok(vec![(
            truth,
            findings.iter().map(PathBuf::as_path).collect(),
        )]);
    }
    if truths.len() != findings.len() {
        bail!(
            "{} truth files and {} findings files do not pair: give one findings file for each truth, in the same order, or \
             several whose names begin as the truth's does. Of captures that were merged, `crywolf merge` makes one truth",
            truths.len(),
            findings.len()
        );
    }
    let pairs = truths.iter().zip(findings);
    Ok(pairs
        .map(|(truth, findings)| (truth.as_path(), vec![findings.as_path()]))
        .collect())
}

/// Truths by their names without ending.
type ByStem<'a> = BTreeMap<String, &'a Path>;

fn pair_by_stem<'a>(truths: &ByStem<'a>, findings: &'a [PathBuf]) -> Result<Vec<Pair<'a>>> {
    let mut found: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
    for path in findings {
        let Some(stem) = owner(truths, path) else {
            let name = path.display();
            bail!("no truth for the findings {name}: add the --truth that its name begins with");
        };
        found.entry(stem).or_default().push(path);
    }
    let partner = |(stem, truth): (&String, &&'a Path)| match found.remove(stem.as_str()) {
        Some(findings) => Ok((*truth, findings)),
        None => Err(anyhow!(
            "no findings for {}: give a file whose name begins with '{stem}.', empty if the detector found nothing",
            truth.display()
        )),
    };
    truths.iter().map(partner).collect()
}

/// The stem of the truth whose name the file's begins with, the longest.
fn owner<'t>(truths: &'t ByStem<'_>, path: &Path) -> Option<&'t str> {
    let name = file_name(path);
    let begins = |stem: &&String| {
        name.strip_prefix(stem.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let longest = truths.keys().filter(begins).max_by_key(|stem| stem.len());
    longest.map(String::as_str)
}

fn refuse_twice(paths: &[PathBuf]) -> Result<()> {
    let mut sorted: Vec<&PathBuf> = paths.iter().collect();
    sorted.sort_unstable();
    if let Some([twice, _]) = sorted.array_windows().find(|[a, b]| a == b) {
        bail!("{} was given twice: give each file once", twice.display());
    }
    Ok(())
}

/// The truths by name without its ending; `None` where two share one, and names cannot tell them apart.
fn by_stem(paths: &[PathBuf]) -> Option<ByStem<'_>> {
    let mut stems = ByStem::new();
    for path in paths {
        let name = file_name(path);
        let stem = TRUTH_ENDINGS
            .iter()
            .find_map(|ending| name.strip_suffix(ending));
        let stem = stem.unwrap_or(&name).to_owned();
        if stems.insert(stem, path).is_some() {
            return None;
        }
    }
    Some(stems)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
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
        let joined = |paths: &[&Path]| {
            let texts: Vec<String> = paths.iter().map(|path| text(path)).collect();
            texts.join(" ")
        };
        Ok(pairs.iter().map(|(a, b)| (text(a), joined(b))).collect())
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
    fn files_of_a_rotation_belong_together() {
        let truths = ["x.seed5.truth.json", "x.seed50.truth.json"];
        let files = [
            "x.seed50.eve.json",
            "x.seed5.eve.json",
            "x.seed5.eve.json.1.gz",
        ];
        let pairs = paired(&truths, &files).unwrap();
        assert_eq!(pairs[0].1, "x.seed5.eve.json x.seed5.eve.json.1.gz");
        assert_eq!(pairs[1].1, "x.seed50.eve.json");
        let alone = paired(&["a.truth.json"], &["eve.json", "eve.json.1"]).unwrap();
        assert_eq!(alone[0].1, "eve.json eve.json.1");
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
        assert!(error(&["a.truth.json"], &["a.jsonl", "b.jsonl"]).contains("b.jsonl"));
        assert!(error(&["a.truth.json", "b.truth.json"], &["x.jsonl"]).contains("do not pair"));
        assert!(error(&["a.truth.json", "a.truth.json"], &["a.jsonl"]).contains("twice"));
    }
}

//! `crywolf compare`: two grades, event by event.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use scorer::{Grade, Share, baseline};

use crate::grading::gate_args::{baseline_lines, name_of, read_grade};
use crate::output::print;

/// Compare two grades of the same captures, event by event.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf compare last-week.json this-week.json
  crywolf compare suricata.json mine.json

Both are JSON grades, of `crywolf grade --json` or `crywolf score --json`. p is the chance of such a difference, or a greater one, \
between equal detectors (exact McNemar test).

Exit status: 0 nothing became worse, 1 an event is newly missed or newly cried at, 2 they cannot be compared.")]
pub struct CompareArgs {
    /// The grade before
    #[arg(value_name = "A.json")]
    pub old: PathBuf,

    /// The grade after
    #[arg(value_name = "B.json")]
    pub new: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Files that are no grades, or that have no event in common.
pub fn run(args: &CompareArgs) -> Result<ExitCode> {
    let (old, new) = (read_grade(&args.old)?, read_grade(&args.new)?);
    let comparison = baseline::compare(&old, &new);
    if comparison.shared == 0 {
        bail!(
            "{} and {} share no event: grade the same scenarios, seeds and steps, with the same version",
            args.old.display(),
            args.new.display()
        );
    }
    let mut lines = figures(&old, &new);
    lines.push(String::new());
    let word = if comparison.passed() {
        "no worse"
    } else {
        "worse"
    };
    let head = format!(
        "{} is {word} than {}",
        name_of(&args.new),
        name_of(&args.old)
    );
    lines.extend(baseline_lines(&head, &comparison));
    for (grade, path) in [(&old, &args.old), (&new, &args.new)] {
        let failures = grade.running.failures.len();
        if failures > 0 {
            lines.push(format!(
                "  in {} the detector failed on {failures} captures, which are not compared",
                name_of(path)
            ));
        }
    }
    print(
        &lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    )?;
    Ok(ExitCode::from(if comparison.passed() { 0 } else { 1 }))
}

/// The headline figures of both, over all that each of them graded.
fn figures(old: &Grade, new: &Grade) -> Vec<String> {
    let figure = |share: &Share| {
        let value = share
            .value
            .map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        format!("{value} ({}/{})", share.hits, share.of)
    };
    let mut lines = vec![format!("{:<15} {:>18} {:>18}", "", "before", "after")];
    for (name, before, after) in [
        ("recall", &old.all.recall, &new.all.recall),
        ("precision", &old.all.precision, &new.all.precision),
        ("cry-wolf rate", &old.all.cry_wolf, &new.all.cry_wolf),
        ("explained", &old.all.explained, &new.all.explained),
    ] {
        lines.push(format!(
            "{name:<15} {:>18} {:>18}",
            figure(before),
            figure(after)
        ));
    }
    let (before, after) = (&old.all.false_alarms, &new.all.false_alarms);
    lines.push(format!(
        "{:<15} {:>18} {:>18}",
        "false alarms", before.incidents, after.incidents
    ));
    lines
}

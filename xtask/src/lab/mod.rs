//! `cargo xtask lab`: a suite of captures onto lines of its own, a detector at the far end of each, and a grade of what
//! it reports.
//!
//! ```text
//! enclosure: no other interface than these, no route, no address on the wires
//!   near ns: crywolf replay ─► near ══ veth ══ far ─► detector   :far ns      one line a capture, some side by side
//! ```
//!
//! A detector runs for one capture: it is started before the first frame and ended after the last, so that what it
//! reports belongs to that capture. The truth is that of the live run, and near and far share a clock.
//!
//! Captures are made by `crywolf generate`, and what was reported is graded by `crywolf score`: choices, seeds, backgrounds and
//! gates mean what they mean there. Only the middle, a detector that listens, is the lab's own.

mod args;
mod pacing;
mod suite;
mod trial;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use crate::enclosure::lifeline::Lifeline;
use crate::enclosure::{Enclosure, private_folder};
use suite::Candidate;
use trial::Trial;

pub use args::LabArgs;

/// What went wrong before there was a grade.
const NOT_GRADED: u8 = 2;

/// Runs the task.
pub fn run(args: &LabArgs) -> Result<ExitCode> {
    let ended = match args.inside.crywolf() {
        Some(crywolf) => inside(args, crywolf),
        None => Enclosure::start(&args.inside, None).and_then(Enclosure::end),
    };
    ended.or_else(|error| {
        eprintln!("xtask: {error:#}");
        Ok(ExitCode::from(NOT_GRADED))
    })
}

fn inside(args: &LabArgs, crywolf: &Path) -> Result<ExitCode> {
    // Nothing that is under way has anything to tell.
    let lifeline = Lifeline::hold(Duration::ZERO);
    let folder = private_folder()?;
    let results = match &args.out {
        Some(out) => out.clone(),
        None => folder.join("results"),
    };
    fs::create_dir_all(&results).with_context(|| format!("cannot make {}", results.display()))?;
    check_options(args, crywolf, &folder)?;
    let mut suite = args.suite.gather(crywolf, &folder)?;
    for candidate in &mut suite {
        candidate.pace = args.pace.of(&candidate.capture)?;
    }
    // The longest first, so that none is left alone at the end.
    suite.sort_by_key(|candidate| std::cmp::Reverse(candidate.pace.takes));
    eprintln!("captures: {}; {}", suite.len(), args.pace.explanation());
    let setting = trial::Setting {
        crywolf,
        args,
        lifeline: &lifeline,
        folder: &folder,
        results: &results,
    };
    try_all(&setting, &suite)?;
    grade(args, crywolf, &results, &suite)
}

/// Lets crywolf score look at its options before there is anything to grade: what it complains of is not the file then.
fn check_options(args: &LabArgs, crywolf: &Path, folder: &Path) -> Result<()> {
    let nothing = "nothing-to-grade-yet";
    let mut score = Command::new(crywolf);
    score
        .args(["score", "--live", "--truth"])
        .arg(folder.join(nothing));
    score.arg("--findings").arg(folder.join(nothing));
    let output = score.args(&args.handed_on).output();
    let output = output.context("cannot run crywolf score")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(said.contains(nothing), "{}", said.trim_end());
    Ok(())
}

/// Tries all, some side by side, until one fails.
fn try_all(setting: &trial::Setting<'_>, suite: &[Candidate]) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let failed = |error: Option<anyhow::Error>| {
        let mut failure = failure.lock().expect("holding it does not panic");
        if failure.is_none() {
            *failure = error;
        }
        failure.is_some()
    };
    std::thread::scope(|scope| {
        for _ in 0..setting.args.jobs {
            scope.spawn(|| {
                while !failed(None) {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    let Some(candidate) = suite.get(nth) else {
                        return;
                    };
                    match Trial::new(setting, candidate, nth).run() {
                        Ok(outcome) => eprintln!("{outcome}"),
                        Err(error) => {
                            failed(Some(error.context(candidate.name.clone())));
                        }
                    }
                }
            });
        }
    });
    match failure.into_inner() {
        Ok(None) => Ok(()),
        Ok(Some(error)) => Err(error),
        Err(_) => Err(anyhow!("a trial panicked")),
    }
}

fn grade(args: &LabArgs, crywolf: &Path, results: &Path, suite: &[Candidate]) -> Result<ExitCode> {
    let mut names: Vec<&str> = suite.iter().map(|candidate| &*candidate.name).collect();
    names.sort_unstable();
    let files = |ending: &'static str| {
        let name = move |name: &&str| results.join(format!("{name}.{ending}"));
        names.iter().map(name)
    };
    let mut score = Command::new(crywolf);
    score.args(["score", "--live", "--truth"]);
    score.args(files("truth.json"));
    score.arg("--findings");
    score.args(files("findings.jsonl"));
    let status = score.args(&args.handed_on).status();
    let status = status.context("cannot run crywolf score")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(NOT_GRADED)))
}

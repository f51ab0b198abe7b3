//! `cargo xtask test`: all that CI runs, in order. Each step is a line in the summary; one that fails does not keep the
//! next from running.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use clap::Args;

use crate::fuzz;
use crate::made::detectors;
use crate::made::golden;
use crate::made::pages;
use crate::made::rules;
use crate::made::schemas;
use crate::packages::{self, advice};
use crate::process;
use crate::tidy;
use crate::tidy::docs;
use crate::tidy::reference;
use crate::tidy::separation;
use crate::workspace;

/// Arguments of the task.
#[derive(Args)]
pub struct TestArgs {
    /// Only these steps
    #[arg(value_parser = STEPS.map(|step| step.name))]
    steps: Vec<String>,
}

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&mut Tally) -> Result<()>,
}

/// What the steps counted.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    notes: Vec<String>,
}

/// In this order a mistake shows early, and little is built twice. The release binary, most of which one core links, is
/// built beside the steps before its own.
const STEPS: [Step; 15] = [
    Step {
        name: "system",
        what: "programs that make or witness real traffic",
        run: system,
    },
    Step {
        name: "format",
        what: "cargo fmt --check",
        run: format,
    },
    Step {
        name: "tidy",
        what: "sizes of files, circles of imports, lints of libraries",
        run: |_| tidy::check(),
    },
    Step {
        name: "separation",
        what: "which crate is built from which",
        run: |_| separation::check(),
    },
    Step {
        name: "clippy",
        what: "lints of all targets, warnings are errors",
        run: clippy,
    },
    Step {
        name: "docs",
        what: "rustdoc without warnings, links of the pages",
        run: documentation,
    },
    Step {
        name: "schemas",
        what: "JSON Schemas against the types",
        run: |_| schemas::check(false),
    },
    Step {
        name: "compile",
        what: "the tests",
        run: |_| process::run(workspace::cargo(&TESTS).arg("--no-run")),
    },
    Step {
        name: "build",
        what: "the release binary",
        run: |_| workspace::build_crywolf().map(|_| ()),
    },
    Step {
        name: "facts",
        what: "what scenarios promise of every seed, and whether seeds differ in kind",
        run: |_| facts(),
    },
    Step {
        name: "golden",
        what: "captures, truth and findings of seed 1",
        run: |_| golden_files(),
    },
    Step {
        name: "pages",
        what: "the book's catalogue against the scenarios",
        run: |_| pages::check(false),
    },
    Step {
        name: "detectors",
        what: "Suricata, psad and a counter graded, against the book's table",
        run: detectors,
    },
    Step {
        name: "fuzz",
        what: "a minute of changed inputs for all that reads",
        run: |_| fuzz::for_a_minute(),
    },
    Step {
        name: "tests",
        what: "unit, property and integration tests",
        run: tests,
    },
];

/// Compiles and runs the tests.
const TESTS: [&str; 4] = ["test", "--quiet", "--workspace", "--locked"];

/// Runs the task.
pub fn run(args: &TestArgs) -> Result<()> {
    if args.steps.is_empty() {
        // What becomes of it, the step of its own says, which waits for it.
        std::thread::spawn(workspace::build_crywolf);
    }
    let mut tally = Tally::default();
    let mut rows = Vec::new();
    let start = Instant::now();
    for step in STEPS {
        if !args.steps.is_empty() && !args.steps.iter().any(|name| name == step.name) {
            rows.push(format!("{:11} not asked for", step.name));
            continue;
        }
        println!("\n== {}: {}", step.name, step.what);
        let begun = Instant::now();
        let failed_before = tally.failed;
        let result = (step.run)(&mut tally);
        let counted = tally.failed > failed_before;
        match &result {
            Ok(()) => tally.passed += 1,
            Err(error) => {
                println!("{error:#}");
                tally.failed += usize::from(!counted);
            }
        }
        let verdict = if result.is_ok() { "passed" } else { "FAILED" };
        println!("== {} {verdict} in {}", step.name, seconds(begun.elapsed()));
        rows.push(format!(
            "{:11} {verdict:8} {:>9}  {}",
            step.name,
            seconds(begun.elapsed()),
            step.what
        ));
    }
    println!(
        "\nRan in {}:\n  {}",
        seconds(start.elapsed()),
        rows.join("\n  ")
    );
    tally.notes.dedup();
    tally.notes.iter().for_each(|note| println!("  {note}"));
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed > 0 {
        std::process::exit(1);
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn system(tally: &mut Tally) -> Result<()> {
    let missing = packages::provide(packages::TESTS)?;
    if missing.is_empty() {
        println!(
            "all there: {}",
            packages::TESTS
                .iter()
                .map(|(program, _)| *program)
                .collect::<Vec<_>>()
                .join(" ")
        );
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
    let note = format!(
        "missing: {}; the tests that need them skip. As root: {}",
        names.join(" "),
        advice(&missing)
    );
    println!("{note}");
    tally.notes.push(note.clone());
    if workspace::in_ci() {
        return Err(anyhow!("CI must have them"));
    }
    Ok(())
}

/// Grades the detectors of others that are there, or can be installed.
fn detectors(tally: &mut Tally) -> Result<()> {
    let absent = packages::provide_detectors()?;
    let missing = detectors::check()?;
    if !missing.is_empty() {
        let note = format!(
            "SKIPPED: grading {}. As root: {}",
            missing.join(", "),
            advice(&absent)
        );
        tally.notes.push(note);
    }
    Ok(())
}

fn format(_: &mut Tally) -> Result<()> {
    process::run(&mut workspace::cargo(&["fmt", "--all", "--check"]))
}

fn clippy(_: &mut Tally) -> Result<()> {
    let args = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    process::run(&mut workspace::cargo(&args))
}

fn documentation(_: &mut Tally) -> Result<()> {
    let mut command = workspace::cargo(&["doc", "--quiet", "--workspace", "--no-deps", "--locked"]);
    process::run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    docs::check()?;
    rules::check(false)?;
    reference::check()
}

/// On twenty seeds, of which three quarters are to differ in kind.
fn facts() -> Result<()> {
    let crywolf = workspace::build_crywolf()?;
    let args = [
        "facts", "--all", "--seeds", "1..20", "--kinds", "0.75", "--quiet",
    ];
    process::run(std::process::Command::new(crywolf).args(args))
}

fn golden_files() -> Result<()> {
    golden::run(&golden::GoldenArgs::check_all())
}

/// Runs cargo test and counts. The output of tests that pass is shown too: it says what was skipped, and how many of the
/// published fields were reproduced.
fn tests(tally: &mut Tally) -> Result<()> {
    let mut command = workspace::cargo(&TESTS);
    command.args(["--no-fail-fast", "--", "--show-output"]);
    let mut counts = [0, 0];
    let mut notes = Vec::new();
    let succeeded = process::watch(&mut command, |line| {
        if let Some(found) = result_counts(line) {
            counts = [counts[0] + found[0], counts[1] + found[1]];
        }
        if line.starts_with("SKIPPED") || line.contains("published fields reproduced") {
            notes.push(line.to_owned());
        }
    })?;
    notes.sort();
    notes.dedup();
    tally.notes.extend(notes);
    tally.passed += counts[0];
    tally.failed += counts[1];
    if !succeeded {
        bail!(
            "cargo test failed: {} tests of {}",
            counts[1],
            counts[0] + counts[1]
        );
    }
    Ok(())
}

/// Passed and failed of a line such as `test result: ok. 3 passed; 0 failed; ...`.
fn result_counts(line: &str) -> Option<[usize; 2]> {
    let rest = line.trim().strip_prefix("test result: ")?;
    let count = |what: &str| {
        let before = rest.split(what).next()?;
        before.split_whitespace().next_back()?.parse().ok()
    };
    Some([count(" passed")?, count(" failed")?])
}

#[cfg(test)]
mod tests {
    use super::result_counts;

    #[test]
    fn results_are_counted() {
        let line =
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 32 filtered out";
        assert_eq!(result_counts(line), Some([10, 2]));
        assert_eq!(result_counts("test notation ... ok"), None);
    }
}

//! `cargo xtask fuzz`: changed inputs for all that reads what others have written, on stable Rust.
//!
//! The targets, their corpus and how inputs are changed are in `fuzz/`. Each target runs in a process of its own, with checks
//! of arithmetic, and with bounds on memory and on the time of an input: what a panic, a loop or a run out of memory ends is
//! kept in `fuzz/found/`. Once mended, it moves to `fuzz/corpus/TARGET/`, where it stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use sha2::{Digest, Sha256};

use crate::process;
use crate::workspace;

/// Arguments of the task.
#[derive(Args)]
pub struct FuzzArgs {
    /// How long, all targets together
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    minutes: f64,

    /// Only these targets
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,

    /// Where chance begins: the same inputs for the same number
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the task.
pub fn run(args: &FuzzArgs) -> Result<()> {
    ensure!(
        args.minutes.is_finite() && args.minutes > 0.0 && args.minutes < 1e6,
        "--minutes takes a number above zero"
    );
    let program = build()?;
    let all = process::output(&mut Command::new(&program))?;
    let all: Vec<&str> = all.lines().collect();
    if let Some(unknown) = args
        .target
        .iter()
        .find(|name| !all.contains(&name.as_str()))
    {
        bail!("there is no target {unknown}, only {}", all.join(", "));
    }
    let wanted =
        |name: &&&str| args.target.is_empty() || args.target.iter().any(|target| target == **name);
    let targets: Vec<&&str> = all.iter().filter(wanted).collect();
    let seconds = (args.minutes * 60.0 / targets.len() as f64).ceil();
    let folder = tempfile::tempdir().context("there is no folder for temporary files")?;
    let last = folder.path().join("last");
    let mut failed = Vec::new();
    for target in targets {
        let status = Command::new(&program)
            .arg(target)
            .arg(workspace::root())
            .arg(args.seed.to_string())
            .arg(format!("{seconds}"))
            .arg(&last)
            .env("RUST_BACKTRACE", "0")
            .status()
            .context("cannot run crywolf-fuzz")?;
        if !status.success() {
            let kept = keep(target, &last)?;
            println!("{target} ended with {status}: {}", kept.display());
            failed.push(format!("{target}: {}", kept.display()));
        }
    }
    if !failed.is_empty() {
        bail!(
            "{} of the targets failed; the inputs:\n  {}",
            failed.len(),
            failed.join("\n  ")
        );
    }
    Ok(())
}

/// For a minute, as CI does.
pub fn for_a_minute() -> Result<()> {
    run(&FuzzArgs {
        minutes: 1.0,
        target: Vec::new(),
        seed: 1,
    })
}

/// Builds the program, with the checks of a development build, from what the tests of all crates were built from.
fn build() -> Result<PathBuf> {
    process::run(&mut workspace::cargo(&[
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "crywolf-fuzz",
    ]))?;
    Ok(workspace::target()?.join("debug").join("crywolf-fuzz"))
}

/// Keeps the input at which a target ended.
fn keep(target: &str, last: &Path) -> Result<PathBuf> {
    let input = fs::read(last).context("the target ended before its first input")?;
    let digest: String = Sha256::digest(&input)
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let folder = workspace::root().join("fuzz/found");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{target}-{digest}"));
    fs::write(&path, input).with_context(|| path.display().to_string())?;
    Ok(path)
}

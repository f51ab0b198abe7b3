//! Feeds changed inputs to all that reads what others have written, until time is up. `cargo xtask fuzz` runs it, a process a
//! target, and keeps the input at which one ends otherwise.
//!
//! ```text
//! crywolf-fuzz TARGET REPOSITORY SEED SECONDS LAST
//! ```
//!
//! Inputs are those of the corpus folder and of the target itself, changed as [`mutate`] does: it knows what fields of
//! captures, lines and numbers are. Before each input is run it is written to the file LAST. An input that takes too long, or
//! more memory than it may, ends the process.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own, which measures time and tells what it did"
)]

mod mutate;
mod target;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use rustix::process::{Resource, Rlimit, setrlimit};

use target::Target;

/// No input may take longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Larger inputs take too long to be changed often.
const LARGEST: usize = 1 << 16;
/// With more inputs than these none is changed often.
const MOST_INPUTS: usize = 400;
/// Nor more memory, in bytes of addresses.
const MEMORY: u64 = 3 << 30;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, root, seed, seconds, last] = words.as_slice() else {
        let names: Vec<&str> = target::ALL.iter().map(|target| target.name).collect();
        println!("{}", names.join("\n"));
        return ExitCode::SUCCESS;
    };
    let target = target::ALL.iter().find(|target| target.name == name);
    let (Some(target), Ok(seed), Ok(seconds)) = (target, seed.parse(), seconds.parse()) else {
        eprintln!("crywolf-fuzz: no such target, or no numbers: {words:?}");
        return ExitCode::from(2);
    };
    let limit = Rlimit {
        current: Some(MEMORY),
        maximum: Some(MEMORY),
    };
    // Where the system does not limit memory, the machine does.
    let _ = setrlimit(Resource::As, limit);
    let inputs = inputs(target, Path::new(root));
    let runs = fuzz(
        target,
        &inputs,
        seed,
        Duration::from_secs(seconds),
        Path::new(last),
    );
    println!("{name}: {runs} inputs from {} of the corpus", inputs.len());
    ExitCode::SUCCESS
}

/// What is changed: the files of the corpus, and what the target has itself.
fn inputs(target: &Target, root: &Path) -> Vec<Vec<u8>> {
    let mut inputs = (target.seeds)();
    let own = root.join("fuzz/corpus").join(target.name);
    inputs.extend(files(&own, ""));
    for (folder, ending) in target.files {
        inputs.extend(files(&root.join(folder), ending));
    }
    inputs.truncate(MOST_INPUTS);
    inputs
}

/// The files of a folder and of those in it whose names end so, in the order of their names; those that are not too large.
fn files(folder: &Path, ending: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            let contents = fs::read(&path).ok();
            found.extend(contents.filter(|contents| contents.len() <= LARGEST));
        }
    }
    found
}

fn fuzz(target: &Target, inputs: &[Vec<u8>], seed: u64, time: Duration, last: &Path) -> u64 {
    let runs = Arc::new(AtomicU64::new(0));
    watch(Arc::clone(&runs));
    let mut rng = Rng::with_seed(seed);
    let start = Instant::now();
    let file = File::create(last).ok();
    let run = |input: &[u8]| {
        if let Some(file) = &file {
            // Without it a failure cannot be repeated, and the parent says so.
            let _ = file.set_len(input.len() as u64);
            let _ = file.write_all_at(input, 0);
        }
        (target.run)(input);
        runs.fetch_add(1, Ordering::Relaxed);
    };
    // First as they are.
    inputs.iter().for_each(|input| run(input));
    while start.elapsed() < time {
        let Some(input) = rng.choice(inputs) else {
            break;
        };
        let other = rng.choice(inputs).cloned().unwrap_or_default();
        run(&mutate::mutate(target.form, input, &other, &mut rng));
    }
    runs.load(Ordering::Relaxed)
}

/// Ends the process when one input takes too long.
fn watch(runs: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        let mut before = u64::MAX;
        loop {
            std::thread::sleep(PATIENCE);
            let now = runs.load(Ordering::Relaxed);
            if now == before {
                eprintln!("an input takes more than {} s", PATIENCE.as_secs());
                std::process::abort();
            }
            before = now;
        }
    });
}

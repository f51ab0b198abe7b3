//! Two commands that do the same work by turns.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

/// Work that two commands do.
pub struct Contest {
    /// Frames that each handles.
    pub frames: u64,
    /// Our command.
    pub ours: Command,
    /// The other's.
    pub theirs: Command,
    /// Who the other is.
    pub rival: &'static str,
    /// How often ours should do the work while theirs does it once.
    pub goal: f64,
}

/// What a contest gave.
pub struct Row {
    name: &'static str,
    frames: u64,
    rival: &'static str,
    ours: Run,
    theirs: Run,
    goal: f64,
}

/// One side of a contest.
#[derive(Clone, Copy)]
struct Run {
    seconds: f64,
    processor_seconds: f64,
    peak_mib: f64,
}

impl Contest {
    /// Runs both by turns, so often, and takes the medians.
    pub fn run(mut self, name: &'static str, rounds: u16) -> Result<Row> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(measure(&mut self.ours)?);
            theirs.push(measure(&mut self.theirs)?);
        }
        let side = |runs: &[Run]| Run {
            seconds: median(runs.iter().map(|run| run.seconds)),
            processor_seconds: median(runs.iter().map(|run| run.processor_seconds)),
            peak_mib: runs.iter().map(|run| run.peak_mib).fold(0.0, f64::max),
        };
        Ok(Row {
            name,
            frames: self.frames,
            rival: self.rival,
            ours: side(&ours),
            theirs: side(&theirs),
            goal: self.goal,
        })
    }
}

/// What a command takes. GNU time reads it where the kernel counts.
fn measure(command: &mut Command) -> Result<Run> {
    let told = tempfile::NamedTempFile::new().context("a temporary file")?;
    let mut timed = Command::new("time");
    timed
        .args(["--format", "%U %S %M", "--output"])
        .arg(told.path());
    timed.arg(command.get_program()).args(command.get_args());
    timed
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let begun = Instant::now();
    let ended = timed.output()?;
    let seconds = begun.elapsed().as_secs_f64();
    let stderr = String::from_utf8_lossy(&ended.stderr);
    ensure!(
        ended.status.success(),
        "{timed:?} ended with {}\n{}",
        ended.status,
        stderr.trim_end()
    );
    let text = fs::read_to_string(told.path())?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [user, system, peak_kib] = numbers.as_slice() else {
        bail!("time said '{}'", text.trim());
    };
    Ok(Run {
        seconds,
        processor_seconds: user + system,
        peak_mib: peak_kib / 1024.0,
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints the table.
pub fn print(rows: &[Row]) {
    println!(
        "{:22} {:>12} {:>12}  {:8} {:>6} {:>6} {:>6} {:>10} {:>10}",
        "work", "crywolf", "other", "", "ratio", "goal", "cpu", "crywolf", "other"
    );
    for row in rows {
        let speed = |run: &Run| row.frames as f64 / run.seconds / 1e6;
        let ratio = row.theirs.seconds / row.ours.seconds;
        println!(
            "{:22} {:>7.2} mpps {:>7.2} mpps  {:8} {ratio:>6.2} {:>6.2} {:>6.2} {:>6.0} MiB {:>6.0} MiB  {}",
            row.name,
            speed(&row.ours),
            speed(&row.theirs),
            row.rival,
            row.goal,
            row.theirs.processor_seconds / row.ours.processor_seconds,
            row.ours.peak_mib,
            row.theirs.peak_mib,
            if ratio >= row.goal { "reached" } else { "" },
        );
    }
    println!(
        "mpps: million frames a second, medians; ratio: of the speeds; cpu: ratio of the processor time, which other"
    );
    println!("work on the machine changes less; MiB: peak memory");
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(super::median([3.0, 1.0, 2.0].into_iter()), 2.0);
    }
}

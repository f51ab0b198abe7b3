//! Two commands that do the same work by turns.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

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
    rival: &'static str,
    ours: Run,
    theirs: Run,
    goal: f64,
}

/// One side of a contest.
#[derive(Clone, Copy)]
struct Run {
    million_frames_per_second: f64,
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
        let side = |runs: &[(f64, f64)]| Run {
            million_frames_per_second: self.frames as f64
                / median(runs.iter().map(|run| run.0))
                / 1e6,
            peak_mib: runs.iter().map(|run| run.1).fold(0.0, f64::max),
        };
        Ok(Row {
            name,
            rival: self.rival,
            ours: side(&ours),
            theirs: side(&theirs),
            goal: self.goal,
        })
    }
}

/// Seconds that a command takes, and the MiB it held at most. GNU time reads them where the kernel counts them.
fn measure(command: &mut Command) -> Result<(f64, f64)> {
    let peak = tempfile::NamedTempFile::new().context("a temporary file")?;
    let mut timed = Command::new("time");
    timed.args(["--format", "%M", "--output"]).arg(peak.path());
    timed.arg(command.get_program()).args(command.get_args());
    let begun = Instant::now();
    let ended = timed
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()?;
    let seconds = begun.elapsed().as_secs_f64();
    let told = String::from_utf8_lossy(&ended.stderr);
    ensure!(
        ended.status.success(),
        "{timed:?} ended with {}\n{}",
        ended.status,
        told.trim_end()
    );
    let text = fs::read_to_string(peak.path())?;
    let kib: f64 = text
        .trim()
        .parse()
        .with_context(|| format!("peak memory '{}'", text.trim()))?;
    Ok((seconds, kib / 1024.0))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints the table.
pub fn print(rows: &[Row]) {
    println!(
        "{:22} {:>12} {:>12}  {:8} {:>6} {:>6} {:>10} {:>10}",
        "work", "crywolf", "other", "", "ratio", "goal", "crywolf", "other"
    );
    for row in rows {
        let ratio = row.ours.million_frames_per_second / row.theirs.million_frames_per_second;
        println!(
            "{:22} {:>7.2} mpps {:>7.2} mpps  {:8} {ratio:>6.2} {:>6.2} {:>6.0} MiB {:>6.0} MiB  {}",
            row.name,
            row.ours.million_frames_per_second,
            row.theirs.million_frames_per_second,
            row.rival,
            row.goal,
            row.ours.peak_mib,
            row.theirs.peak_mib,
            if ratio >= row.goal { "reached" } else { "" },
        );
    }
    println!("mpps: million frames a second, medians; MiB: peak memory");
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(super::median([3.0, 1.0, 2.0].into_iter()), 2.0);
    }
}

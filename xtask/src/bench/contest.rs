//! Two commands that do the same work by turns.

use std::process::Command;

use anyhow::Result;

use super::timed::{Timed, Took};

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
    ours: Took,
    theirs: Took,
    goal: f64,
}

impl Contest {
    /// Runs both by turns, so often, and takes the medians.
    pub fn run(self, name: &'static str, rounds: u16) -> Result<Row> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(measure(&self.ours)?);
            theirs.push(measure(&self.theirs)?);
        }
        let side = |runs: &[Took]| Took {
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

/// What a command takes from start to end.
fn measure(command: &Command) -> Result<Took> {
    Timed::start(command)?.finish()
}

/// The value in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
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
        let speed = |run: &Took| row.frames as f64 / run.seconds / 1e6;
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

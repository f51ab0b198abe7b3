//! At the right moment: when frames arrive, by the kernel's time stamps at the far side, against the capture's.
//!
//! An offset is how much later after the first frame a frame arrived than the capture has it. So the first frame's own
//! lateness is in all the others, with its sign turned. It is therefore told twice: raw, and against the median offset.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::lab::{FAR, Lab};
use super::{captures, floor};
use crate::bench::contest::median;
use crate::bench::timed::Timed;

/// One of several commands that send the same capture.
pub struct Side {
    /// What it is.
    pub name: &'static str,
    /// What it runs.
    pub command: Command,
    /// Microseconds at the median and at the 99th percentile, and share of a processor, that it should not exceed.
    pub goal: Option<(f64, f64, f64)>,
}

/// What one replay gave: microseconds, and the share of a processor.
struct Lap {
    raw: [f64; 2],
    centred: [f64; 2],
    median: f64,
    busy: f64,
}

/// Runs all sides by turns and prints the medians of each figure.
pub fn compare(lab: &Lab, name: &str, capture: &Path, sides: &[Side], rounds: u16) -> Result<()> {
    let mut laps: Vec<Vec<Lap>> = sides.iter().map(|_| Vec::new()).collect();
    let mut floors = Vec::new();
    for _ in 0..rounds {
        floors.push(floor::shares());
        for (side, laps) in sides.iter().zip(&mut laps) {
            laps.push(lap(lab, capture, &side.command).with_context(|| side.name)?);
        }
    }
    println!(
        "\n{name:38} {:>9} {:>9} {:>11} {:>9} {:>9} {:>9}",
        "raw p50", "p99", "centred p50", "p99", "centre", "processor"
    );
    for (side, laps) in sides.iter().zip(&laps) {
        let of = |figure: fn(&Lap) -> f64| median(laps.iter().map(figure));
        let (p50, p99) = (of(|lap| lap.centred[0]), of(|lap| lap.centred[1]));
        let busy = of(|lap| lap.busy);
        let verdict = side.goal.map_or(String::new(), |(most, mostly, busiest)| {
            let reached = p50 <= most && p99 <= mostly && busy <= busiest;
            let busiest = busiest * 100.0;
            let reached = if reached { "reached" } else { "" };
            format!("goal {most:.0}, {mostly:.0} us, {busiest:.0} %  {reached}")
        });
        println!(
            "  {:36} {:>9.1} {:>9.1} {p50:>11.1} {p99:>9.1} {:>9.1} {:>7.1} %  {verdict}",
            side.name,
            of(|lap| lap.raw[0]),
            of(|lap| lap.raw[1]),
            of(|lap| lap.median),
            busy * 100.0,
        );
    }
    let share = |at: usize| median(floors.iter().filter_map(|floor| floor.get(at).copied()));
    println!("{}", floor::told([share(0), share(1)]));
    Ok(())
}

fn lap(lab: &Lab, capture: &Path, command: &Command) -> Result<Lap> {
    let (offsets, busy) = offsets(lab, capture, command)?;
    let centre = median(offsets.iter().copied());
    let percentiles = |centre: f64| {
        let mut away: Vec<f64> = offsets.iter().map(|one| (one - centre).abs()).collect();
        away.sort_by(f64::total_cmp);
        [50, 99].map(|part| {
            let place = away.len() * part / 100;
            away.get(place).copied().unwrap_or(f64::NAN)
        })
    };
    Ok(Lap {
        raw: percentiles(0.0),
        centred: percentiles(centre),
        median: centre,
        busy,
    })
}

/// The offset of each frame, in microseconds, and the share of a processor that the command took.
pub fn offsets(lab: &Lab, capture: &Path, command: &Command) -> Result<(Vec<f64>, f64)> {
    let planned = captures::times(capture)?;
    let seen = lab.path("seen.pcap");
    let listener = listen(&seen, planned.len())?;
    let took = Timed::start(command)?.finish()?;
    let ended = listener.wait_with_output()?;
    ensure!(
        ended.status.success(),
        "tcpdump ended with {}: the frames did not all arrive",
        ended.status
    );
    let arrived = captures::times(&seen)?;
    ensure!(
        arrived.len() == planned.len(),
        "{} of {} frames arrived",
        arrived.len(),
        planned.len()
    );
    Ok((
        differences(&planned, &arrived),
        took.processor_seconds / took.seconds,
    ))
}

fn differences(planned: &[u64], arrived: &[u64]) -> Vec<f64> {
    let since_first = |times: &[u64]| {
        let first = times.first().copied().unwrap_or_default();
        let since: Vec<f64> = times
            .iter()
            .map(|time| time.abs_diff(first) as f64)
            .collect();
        since
    };
    let pairs = since_first(arrived).into_iter().zip(since_first(planned));
    pairs
        .map(|(arrived, planned)| (arrived - planned) / 1e3)
        .collect()
}

/// Has tcpdump write so many frames of the far end with the kernel's time stamps; it listens when this returns.
fn listen(to: &Path, frames: usize) -> Result<Child> {
    let mut command = Command::new("timeout");
    command.args(["--foreground", "--kill-after=1", "900", "tcpdump"]);
    command.args(["-i", FAR, "--time-stamp-precision=nano", "-Z", "root"]);
    command
        .args(["-c", &frames.to_string(), "-w"])
        .arg(to)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut listener = command.spawn().context("tcpdump")?;
    let said = listener.stderr.as_mut().context("its errors are piped")?;
    let mut lines = BufReader::new(said).lines();
    for line in &mut lines {
        if line?.contains("listening on") {
            return Ok(listener);
        }
    }
    drop(lines);
    listener.wait()?;
    anyhow::bail!("tcpdump does not listen on {FAR}")
}

/// Compares the offsets of a long replay's last second with those of its first, and prints it. The mean feels every
/// stall of the machine, the median does not.
pub fn drift(lab: &Lab, capture: &Path, command: &Command, per_second: usize) -> Result<()> {
    let (offsets, _) = offsets(lab, capture, command)?;
    let (first, last) = (
        offsets.get(..per_second),
        offsets.get(offsets.len() - per_second..),
    );
    let (first, last) = first.zip(last).context("the capture is too short")?;
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let middle = |part: &[f64]| median(part.iter().copied());
    let (by_mean, by_median) = (mean(last) - mean(first), middle(last) - middle(first));
    let seconds = offsets.len() / per_second;
    println!("\nreplay: drift over {seconds} s, last second against the first");
    println!(
        "  by the mean {by_mean:.1} us, by the median {by_median:.1} us   goal 100 us  {}",
        if by_median.abs() <= 100.0 {
            "reached"
        } else {
            ""
        }
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn offsets_count_from_the_first_frame() {
        let (planned, arrived) = ([1_000, 2_000, 5_000], [70_000, 71_500, 73_000]);
        assert_eq!(super::differences(&planned, &arrived), [0.0, 0.5, -1.0]);
    }
}

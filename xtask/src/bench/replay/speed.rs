//! As fast as it goes: frames a second, as the interface at the far side counts them.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::lab;
use crate::bench::contest::median;
use crate::bench::timed::{Timed, Took};

/// How often the counters are looked at.
const LOOK: Duration = Duration::from_millis(1);

/// One of several commands that do the same work.
pub struct Side {
    /// What it is.
    pub name: &'static str,
    /// What it runs.
    pub command: Command,
    /// How often it should do the work while the first side does it once.
    pub goal: Option<f64>,
    /// The interface that counts what arrives.
    pub counted_at: &'static str,
}

#[derive(Clone, Copy)]
struct Lap {
    mpps: f64,
    took: Took,
}

/// Runs all sides by turns and prints the medians. The first is what the others are compared with.
pub fn race(name: &str, sides: &[Side], frames: u64, rounds: u16) -> Result<()> {
    let mut laps: Vec<Vec<Lap>> = vec![Vec::new(); sides.len()];
    for _ in 0..rounds {
        for (side, laps) in sides.iter().zip(&mut laps) {
            laps.push(lap(side, frames).with_context(|| side.name)?);
        }
    }
    println!(
        "\n{name:38} {:>10} {:>6} {:>6} {:>10} {:>10}",
        "", "ratio", "goal", "processor", "memory"
    );
    let speed = |laps: &[Lap]| median(laps.iter().map(|lap| lap.mpps));
    let reference = laps.first().map_or(f64::NAN, |laps| speed(laps));
    for (side, laps) in sides.iter().zip(&laps) {
        let ratio = speed(laps) / reference;
        let processor = median(laps.iter().map(|lap| lap.took.processor_seconds));
        let peak = laps.iter().map(|lap| lap.took.peak_mib).fold(0.0, f64::max);
        let goal = side.goal.map_or(String::new(), |goal| format!("{goal:.2}"));
        println!(
            "  {:36} {:>5.2} mpps {ratio:>6.2} {goal:>6} {processor:>8.2} s {peak:>6.0} MiB  {}",
            side.name,
            speed(laps),
            if side.goal.is_some_and(|goal| ratio >= goal) {
                "reached"
            } else {
                ""
            }
        );
    }
    Ok(())
}

/// The speed between the first and the last look at the counters at which frames were arriving. So neither the time
/// to start counts nor that to read a capture into memory, whoever takes it.
fn lap(side: &Side, frames: u64) -> Result<Lap> {
    let before = lab::received(side.counted_at)?;
    let mut timed = Timed::start(&side.command)?;
    let mut first: Option<(Instant, u64)> = None;
    let mut last = first;
    while timed.runs()? {
        let arrived = lab::received(side.counted_at)? - before;
        if arrived > last.map_or(0, |(_, count)| count) {
            last = Some((Instant::now(), arrived));
            first = first.or(last);
        }
        std::thread::sleep(LOOK);
    }
    let took = timed.finish()?;
    let arrived = lab::received(side.counted_at)? - before;
    ensure!(arrived == frames, "{arrived} of {frames} frames arrived");
    let (Some((begin, few)), Some((end, many))) = (first, last) else {
        anyhow::bail!("all frames arrived between two looks at the counters");
    };
    Ok(Lap {
        mpps: (many - few) as f64 / (end - begin).as_secs_f64() / 1e6,
        took,
    })
}

//! `cargo xtask bench`: the speed of crywolf beside that of a public tool, in one run on one machine.
//!
//! Absolute figures drift with the machine and its load; ratios hold. Each contest runs the two by turns and takes the
//! medians. Files stand in the page cache. A contest is a line of [`CONTESTS`].

mod contest;
mod place;
pub mod replay;
mod timed;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::packages::{self, advice};
use crate::workspace;
use contest::{Contest, Row};
use place::Place;

/// Frames of the floods, and of trafgen's.
const FLOOD: u64 = 5_000_000;
/// Frames of the connect scan.
const SCAN: u64 = 2_000_000;

/// Arguments of the task.
#[derive(Args)]
pub struct BenchArgs {
    /// Runs of each side, of which the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Only contests whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Replay for ten minutes, not half a one, to see whether it drifts
    #[arg(long)]
    long: bool,
}

/// A contest's name, and what sets it up.
type Entry = (&'static str, fn(&Place) -> Result<Contest>);

const CONTESTS: [Entry; 7] = [
    ("make a flood", |place| {
        make(place, "flood-spread", 1, FLOOD, 3.0)
    }),
    ("make a flood, two jobs", |place| {
        make(place, "flood-spread", 2, FLOOD, 3.0)
    }),
    ("make a connect scan", |place| {
        make(place, "connect-scan", 1, SCAN, 1.0)
    }),
    ("detect: spread flood", |place| {
        detect(place, "flood-spread")
    }),
    ("detect: narrow flood", |place| {
        detect(place, "flood-narrow")
    }),
    ("detect: connect scan", |place| {
        detect(place, "connect-scan")
    }),
    ("detect: sessions", |place| detect(place, "sessions")),
];

/// Runs the task.
pub fn run(args: &BenchArgs) -> Result<()> {
    let missing = packages::provide(packages::BENCH)?;
    if !missing.is_empty() {
        let advice = advice(&missing);
        bail!("it measures against programs that are not installed; as root: {advice}");
    }
    let crywolf = workspace::build_crywolf()?;
    let only = args.only.as_deref().unwrap_or_default();
    let wanted = |name: &str| name.contains(only);
    let mut rows: Vec<Row> = Vec::new();
    for (name, set_up) in CONTESTS.iter().filter(|(name, _)| wanted(name)) {
        eprintln!("{name} ...");
        let place = Place::new(crywolf.clone())?;
        rows.push(
            set_up(&place)?
                .run(name, args.rounds)
                .with_context(|| *name)?,
        );
    }
    if !rows.is_empty() {
        contest::print(&rows);
    }
    if replay::is_wanted(only) {
        replay::run(&crywolf, only, args.rounds, args.long)?;
    }
    Ok(())
}

/// Making a capture, against trafgen making as many frames of 60 bytes.
fn make(place: &Place, scenario: &str, jobs: u8, frames: u64, goal: f64) -> Result<Contest> {
    Ok(Contest {
        frames,
        ours: place.generate(scenario, jobs),
        theirs: place.trafgen(frames)?,
        rival: "trafgen",
        goal,
    })
}

/// Detection in a capture, against tcpdump reading it and writing it to nowhere.
fn detect(place: &Place, scenario: &str) -> Result<Contest> {
    let capture = place.capture(scenario)?;
    Ok(Contest {
        frames: place::frames(&capture)?,
        ours: place.detect(&capture),
        theirs: place.tcpdump(&capture),
        rival: "tcpdump",
        goal: 1.0,
    })
}

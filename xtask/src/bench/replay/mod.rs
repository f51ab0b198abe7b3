//! `crywolf replay` beside tcpreplay and a write loop, in a network namespace of its own.
//!
//! The task starts itself once more in a new namespace, which goes with the last process in it.

mod accuracy;
mod captures;
mod floor;
mod lab;
mod speed;
mod unread;
pub mod write_loop;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::packages;
use crate::process;
use lab::{FAR, Lab, TAP, TAP_OF_TWO, pinned};
use speed::{Side, race};

/// Frames that are sent as fast as it goes.
const FRAMES: u64 = 1_000_000;
/// Gaps of the accuracy captures, in nanoseconds.
const EVEN: u64 = 1_000_000;
/// The mean of uneven gaps, in nanoseconds.
const UNEVEN: f64 = 5e6;
/// Frames a second at even gaps.
const PER_SECOND: u64 = 1_000_000_000 / EVEN;
/// How long accuracy captures are, in seconds.
const SECONDS: u64 = 5;

/// Arguments of the part that runs in the namespace.
#[derive(Args)]
pub struct LabArgs {
    /// The binary
    crywolf: PathBuf,
    #[arg(long)]
    rounds: u16,
    #[arg(long, default_value = "")]
    only: String,
    #[arg(long)]
    long: bool,
}

type Measurement = (&'static str, fn(&Lab, &LabArgs) -> Result<()>);

const MEASUREMENTS: [Measurement; 6] = [
    ("replay: veth", veth),
    ("replay: tap", tap),
    ("replay: accuracy, gaps of 1 ms", even),
    ("replay: accuracy, gaps of 5 ms +- 5 ms", uneven),
    ("replay: drift", drift),
    ("replay: unread tap", |lab, _| unread::notice(lab)),
];

/// Whether any measurement is wanted.
pub fn is_wanted(only: &str) -> bool {
    MEASUREMENTS.iter().any(|(name, _)| name.contains(only))
}

/// Starts the measurements in a namespace of their own.
pub fn run(crywolf: &Path, only: &str, rounds: u16, long: bool) -> Result<()> {
    if !packages::is_root() {
        eprintln!("replay: skipped, network namespaces need root");
        return Ok(());
    }
    let mut command = Command::new("unshare");
    command.arg("--net").arg(std::env::current_exe()?);
    command.arg("bench-lab").arg(crywolf);
    command.args(["--rounds", &rounds.to_string(), "--only", only]);
    if long {
        command.arg("--long");
    }
    process::run(&mut command)
}

/// The measurements, in the namespace.
pub fn run_in_lab(args: &LabArgs) -> Result<()> {
    let lab = Lab::set_up(&args.crywolf)?;
    for (name, measure) in MEASUREMENTS {
        if name.contains(&args.only) {
            eprintln!("{name} ...");
            measure(&lab, args).context(name)?;
        }
    }
    Ok(())
}

/// Through one end of a veth pair, counted at the other.
fn veth(lab: &Lab, args: &LabArgs) -> Result<()> {
    let capture = &lab.path("frames.pcap");
    captures::write(capture, FRAMES, |_| 1000)?;
    let version = process::output(Command::new("dpkg-query").args(["-W", "tcpreplay"]));
    println!("\n{}", version.unwrap_or_default().trim());
    let side = |name, processors, command, goal| Side {
        name,
        command: pinned(&command, processors),
        goal,
        counted_at: FAR,
    };
    let theirs = |options| Lab::tcpreplay(capture, options);
    let ours = |options: &str| lab.crywolf(capture, &format!("--interface near --top {options}"));
    let sides = [
        side(
            "tcpreplay --preload-pcap, one core",
            "0",
            theirs("--topspeed --preload-pcap"),
            None,
        ),
        side("tcpreplay, one core", "0", theirs("--topspeed"), None),
        side("crywolf, one core", "0", ours(""), Some(1.1)),
        side(
            "crywolf --queues 2, two cores",
            "0,1",
            ours("--queues 2"),
            Some(1.9),
        ),
        side("crywolf --xdp, one core", "0", ours("--xdp"), Some(1.5)),
        side(
            "crywolf --xdp --queues 2, two cores",
            "0,1",
            ours("--xdp --queues 2"),
            None,
        ),
    ];
    race(
        "replay: veth, a million frames",
        &sides,
        FRAMES,
        args.rounds,
    )?;
    println!("  memory of crywolf: goal 150 MiB");
    Ok(())
}

/// Into a tap, counted where frames arrive.
fn tap(lab: &Lab, args: &LabArgs) -> Result<()> {
    let capture = &lab.path("frames.pcap");
    captures::write(capture, FRAMES, |_| 1000)?;
    let mut write_loop = Command::new(std::env::current_exe()?);
    write_loop.args(["write-loop", TAP]).arg(capture);
    let ours = |options| lab.crywolf(capture, options);
    let sides = [
        Side {
            name: "a loop of writes, one core",
            command: pinned(&write_loop, "0"),
            goal: None,
            counted_at: TAP,
        },
        Side {
            name: "crywolf, one core",
            command: pinned(&ours("--tap tap1 --top"), "0"),
            goal: Some(0.95),
            counted_at: TAP,
        },
        Side {
            name: "crywolf --queues 2, two cores",
            command: pinned(&ours("--tap tap2 --top --queues 2"), "0,1"),
            goal: None,
            counted_at: TAP_OF_TWO,
        },
    ];
    race("replay: tap, a million frames", &sides, FRAMES, args.rounds)
}

fn even(lab: &Lab, args: &LabArgs) -> Result<()> {
    let capture = lab.path("even.pcap");
    captures::write(&capture, SECONDS * PER_SECOND, |_| EVEN)?;
    accuracy(
        lab,
        "replay: accuracy, us; gaps of 1 ms",
        &capture,
        args.rounds,
    )
}

fn uneven(lab: &Lab, args: &LabArgs) -> Result<()> {
    let capture = lab.path("uneven.pcap");
    let frames = SECONDS * 1_000_000_000 / UNEVEN as u64;
    captures::write(&capture, frames, |number| {
        captures::exponential(number, UNEVEN)
    })?;
    let name = "replay: accuracy, us; exponential, 5 ms";
    accuracy(lab, name, &capture, args.rounds)
}

fn accuracy(lab: &Lab, name: &str, capture: &Path, rounds: u16) -> Result<()> {
    let side = |name, command, goal| accuracy::Side {
        name,
        command,
        goal,
    };
    let ours = |options| lab.crywolf(capture, options);
    let sides = [
        side(
            "crywolf",
            ours("--interface near"),
            Some((15.0, 60.0, 0.15)),
        ),
        side(
            "crywolf --precise",
            ours("--interface near --precise"),
            Some((15.0, 20.0, 1.0)),
        ),
        side(
            "tcpreplay --timer=nano",
            Lab::tcpreplay(capture, "--timer=nano"),
            None,
        ),
        side(
            "tcpreplay --timer=gtod",
            Lab::tcpreplay(capture, "--timer=gtod"),
            None,
        ),
    ];
    accuracy::compare(lab, name, capture, &sides, rounds)
}

fn drift(lab: &Lab, args: &LabArgs) -> Result<()> {
    let seconds = if args.long { 600 } else { 30 };
    let capture = lab.path("long.pcap");
    captures::write(&capture, seconds * PER_SECOND, |_| EVEN)?;
    let command = lab.crywolf(&capture, "--interface near");
    accuracy::drift(lab, &capture, &command, usize::try_from(PER_SECOND)?)
}

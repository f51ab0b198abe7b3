//! A tap that a program holds and does not read: how long until a replay through it says so.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::lab::{Lab, UNREAD};
use super::{captures, write_loop};

/// What crywolf says by its exit status when nobody takes the frames.
const NOT_DELIVERED: i32 = 1;
/// Seconds within which it should.
const GOAL: f64 = 1.0;

/// Measures and prints it.
pub fn notice(lab: &Lab) -> Result<()> {
    let capture = lab.path("unread.pcap");
    captures::write(&capture, 10_000, |_| 1_000_000)?;
    let _held = write_loop::open(UNREAD)?;
    let mut command = lab.crywolf(&capture, &format!("--interface {UNREAD}"));
    let begun = Instant::now();
    let ended = command.stdin(Stdio::null()).output()?;
    let seconds = begun.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&ended.stderr);
    ensure!(
        ended.status.code() == Some(NOT_DELIVERED),
        "crywolf ended with {} and said\n{said}",
        ended.status
    );
    println!("\nreplay: a tap that nobody reads");
    println!(
        "  said after {seconds:.2} s from the start of the program   goal {GOAL:.0} s  {}",
        if seconds <= GOAL { "reached" } else { "" }
    );
    println!("  {}", said.lines().last().unwrap_or_default());
    Ok(())
}

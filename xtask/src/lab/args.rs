//! The arguments of the task.

use std::path::PathBuf;

use clap::Args;

use super::pacing::PaceArgs;
use super::suite::SuiteArgs;
use crate::enclosure::InsideArgs;
use crate::enclosure::line::Wire;

/// Headings of options.
const LINE: &str = "Lines";
const DETECTOR: &str = "Detector";

/// A suite of captures onto lines in namespaces of their own, and a grade of the detector at the far ends
#[derive(Args)]
#[command(
    override_usage = "cargo xtask lab [ID|FILE.toml|CAPTURE]... [OPTIONS] [OPTIONS OF crywolf score]",
    after_help = "\
Examples:
  cargo xtask lab
  cargo xtask lab syn-scan ftp-session --seeds 1..5 --fail-under recall=1 --json grade.json
  cargo xtask lab --detector 'my-detector -i {interface} > {out}' --ready 'capturing' --background office

All other options are those of `crywolf score` for counting, reports and gates: see `crywolf score --help`.

Exit status: 0 all gates passed, 1 a gate failed, 2 wrong use, a detector that failed or frames that did not arrive,
130 ended by Ctrl-C."
)]
pub struct LabArgs {
    /// What is replayed
    #[command(flatten)]
    pub(super) suite: SuiteArgs,
    /// How fast
    #[command(flatten)]
    pub(super) pace: PaceArgs,
    /// What the frames go over
    #[arg(long, value_enum, default_value_t = Wire::Veth, help_heading = LINE)]
    pub(super) wire: Wire,
    /// The command that runs the detector, for a shell: it listens on {interface}, writes findings to {out}, else to
    /// standard output, until SIGINT; {home} are the home networks with commas [default: crywolf detect]
    #[arg(long, value_name = "CMD", help_heading = DETECTOR)]
    pub(super) detector: Option<String>,
    /// The detector listens when it has said this [default: when it has a packet socket on the interface]
    #[arg(long, value_name = "TEXT", requires = "detector", help_heading = DETECTOR)]
    pub(super) ready: Option<String>,
    /// How many seconds a detector gets to listen, and to end
    #[arg(long, value_name = "SECONDS", default_value_t = 30, help_heading = DETECTOR)]
    pub(super) patience: u64,
    /// How many milliseconds it gets between the last frame and SIGINT [default: 1500, crywolf's own 0]
    #[arg(long, value_name = "MILLISECONDS", help_heading = DETECTOR)]
    pub(super) linger: Option<u64>,
    /// Captures side by side
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = LINE, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) jobs: u8,
    /// Keep truth, findings, statistics and messages in this folder
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    pub(super) out: Option<PathBuf>,
    /// How it runs inside
    #[command(flatten)]
    pub(super) inside: InsideArgs,
    /// Options of crywolf score
    #[arg(last = true, hide = true)]
    pub(super) handed_on: Vec<String>,
}

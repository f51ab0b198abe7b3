//! Interfaces in a network namespace of the measurement's own. It goes with the last process in it, however that ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::process;

/// Ends of the veth pair: what enters one leaves the other.
pub const NEAR: &str = "near";
/// The end at which frames are counted.
pub const FAR: &str = "far";
/// A tap with one queue.
pub const TAP: &str = "tap1";
/// A tap with two.
pub const TAP_OF_TWO: &str = "tap2";
/// A tap that somebody opens and nobody reads.
pub const UNREAD: &str = "unread";
/// The interfaces' counters, those of this namespace.
const COUNTERS: &str = "/proc/self/net/dev";

/// The namespace this process is in, with its interfaces.
pub struct Lab {
    crywolf: PathBuf,
    folder: TempDir,
}

impl Lab {
    /// Sets up the interfaces, unless this is a namespace that others use.
    pub fn set_up(crywolf: &Path) -> Result<Lab> {
        let counters = fs::read_to_string(COUNTERS).context(COUNTERS)?;
        let others = names(&counters).filter(|name| *name != "lo").count();
        ensure!(
            others == 0,
            "there are interfaces here: this belongs into a namespace of its own, which `cargo xtask bench` makes"
        );
        // Nothing but the frames of the measurement passes.
        for setting in ["all", "default"] {
            let path = format!("/proc/sys/net/ipv6/conf/{setting}/disable_ipv6");
            if Path::new(&path).exists() {
                fs::write(&path, "1").context(path)?;
            }
        }
        ip(
            "link add near numtxqueues 2 numrxqueues 2 type veth peer name far numtxqueues 2 numrxqueues 2",
        )?;
        ip("tuntap add mode tap name tap1")?;
        ip("tuntap add mode tap multi_queue name tap2")?;
        ip("tuntap add mode tap name unread")?;
        for name in [NEAR, FAR, TAP, TAP_OF_TWO, UNREAD] {
            ip(&format!("link set {name} up"))?;
        }
        Ok(Lab {
            crywolf: crywolf.to_owned(),
            folder: tempfile::tempdir().context("a temporary folder")?,
        })
    }

    /// A file of the measurement.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A replay by crywolf, as a command.
    pub fn crywolf(&self, capture: &Path, options: &str) -> Command {
        let mut command = bounded();
        command.arg(&self.crywolf).arg("replay").arg(capture);
        command.args(options.split_whitespace());
        command
    }

    /// A replay by tcpreplay through the near end, as a command.
    pub fn tcpreplay(capture: &Path, options: &str) -> Command {
        let mut command = bounded();
        command.args(["tcpreplay", "--quiet", "--intf1", NEAR]);
        command.args(options.split_whitespace()).arg(capture);
        command
    }
}

/// The beginning of a command that ends after so many seconds at the latest.
fn bounded() -> Command {
    let mut command = Command::new("timeout");
    // In the foreground, so that Ctrl-C reaches all.
    command.args(["--foreground", "--kill-after=1", "900"]);
    command
}

/// The command on these processors only.
pub fn pinned(command: &Command, processors: &str) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["--cpu-list", processors]);
    pinned.arg(command.get_program()).args(command.get_args());
    pinned
}

/// How many frames an interface has received, as it counts itself.
pub fn received(interface: &str) -> Result<u64> {
    let counters = fs::read_to_string(COUNTERS).context(COUNTERS)?;
    frames_received(&counters, interface).with_context(|| format!("no counters of {interface}"))
}

fn frames_received(counters: &str, interface: &str) -> Option<u64> {
    let of = |line: &str| {
        let (name, numbers) = line.split_once(':')?;
        (name.trim() == interface).then(|| numbers.split_whitespace().nth(1)?.parse().ok())?
    };
    counters.lines().find_map(of)
}

fn names(counters: &str) -> impl Iterator<Item = &str> {
    let lines = counters.lines();
    lines.filter_map(|line| Some(line.split_once(':')?.0.trim()))
}

fn ip(line: &str) -> Result<()> {
    process::run(Command::new("ip").args(line.split_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
   far: 3000060   50001    0    0    0     0          0         0        0       7    0    0    0     0       0          0
";

    #[test]
    fn counters_are_found_by_name() {
        assert_eq!(frames_received(SHOWN, "far"), Some(50_001));
        assert_eq!(frames_received(SHOWN, "ar"), None);
        assert_eq!(names(SHOWN).collect::<Vec<_>>(), ["lo", "far"]);
    }
}

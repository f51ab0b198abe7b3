//! The most memory that a process or one of its descendants has held, read while they live (Linux).
//!
//! What the kernel says of an ended child is too much where the child was started by a larger program: the memory of the
//! starter counts as the child's until it becomes another program.

use std::fs;
use std::path::Path;

/// The most that one of them has held so far, in bytes; 0 where nobody can tell.
pub fn peak_of_tree(pid: u32) -> u64 {
    let below = children(pid).into_iter().map(peak_of_tree);
    below.fold(peak(Path::new(&format!("/proc/{pid}/status"))), u64::max)
}

/// The most that this program has held so far, in bytes.
pub fn own_peak() -> u64 {
    peak(Path::new("/proc/self/status"))
}

fn peak(status: &Path) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0).saturating_mul(1024)
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids = lists.map(|list| {
        list.split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect::<Vec<u32>>()
    });
    pids.flatten().collect()
}

//! A bench with an uplink, through which nothing of a replay may leave: counted there.

use std::path::PathBuf;

use super::bench::{Bench, code, said};

/// Frames a second.
pub(super) const RATE: u64 = 1_000;
/// What may leave after a way out has appeared: what 100 ms hold, and what a kernel says by itself.
const LATE: u64 = RATE / 10 + 10;
/// What a kernel says by itself on interfaces that come and go.
pub(super) const CHATTER: u64 = 10;
/// From a host of the lab to one that only an uplink leads to.
const OUTWARD: [[u8; 4]; 2] = [[192, 0, 2, 1], [10, 9, 9, 9]];

/// A bench with an uplink: a veth whose other end is in another namespace.
pub(super) struct Uplink {
    pub(super) bench: Bench,
    pub(super) capture: PathBuf,
}

impl Uplink {
    pub(super) fn make() -> Option<Uplink> {
        let bench = Bench::beside(&["outside"])?;
        let outside = bench.namespaces.name("outside");
        bench.ip("link add uplink type veth peer name distant");
        bench.ip(&format!("link set distant netns {outside}"));
        bench.namespaces.ip("outside", "link set distant up");
        bench.ip("link set uplink up");
        bench.ip("link set lo up");
        bench.ip("link set far address 02:00:00:00:00:0f");
        bench.ip("address add 203.0.113.1/24 dev uplink");
        bench.ip("address add 192.0.2.254/24 dev far");
        bench.ip("neighbour add 203.0.113.2 lladdr 02:00:00:00:00:99 dev uplink");
        let capture = bench.capture("outward.pcap", OUTWARD, 20 * RATE, 1_000_000 / RATE);
        let uplink = Uplink { bench, capture };
        // Else packets from addresses that no route leads to are dropped.
        uplink.shell("for conf in /proc/sys/net/ipv4/conf/*; do echo 0 > $conf/rp_filter; done");
        Some(uplink)
    }

    pub(super) fn shell(&self, script: &str) {
        let command = &["sh", "-e", "-c", script];
        let output = self.bench.command(command).output().unwrap();
        assert!(output.status.success(), "{script}: {}", said(&output));
    }

    /// Frames that have left through an interface.
    pub(super) fn left_through(&self, name: &str) -> u64 {
        let counters = self.bench.counters();
        let of = counters.iter().find(|(of, _, _)| of == name);
        of.map_or(0, |(_, sent, _)| *sent)
    }

    /// A way out that is there from the start is refused.
    pub(super) fn refused(&self, target: &str, prepare: &str, parts: &[&str]) {
        self.shell(prepare);
        let options = format!("{target} --destination-mac 02:00:00:00:00:0f");
        self.bench.refused(&self.capture, &options, parts);
    }

    /// A way out that appears while frames go ends the run.
    pub(super) fn ends(
        &self,
        target: &str,
        prepare: &str,
        change: &str,
        exit: &str,
        parts: &[&str],
    ) {
        self.shell(prepare);
        let options = format!("{target} --destination-mac 02:00:00:00:00:0f");
        let mut run = self.bench.start(&self.capture, &options, 50);
        let before = self.left_through(exit);
        self.shell(change);
        // A bound, so that a failure ends: each look takes some milliseconds.
        let ended = (0..1_000).any(|_| {
            self.left_through(exit);
            run.try_wait().unwrap().is_some()
        });
        assert!(ended, "{change}: it goes on");
        let output = run.wait_with_output().unwrap();
        let left = self.left_through(exit).saturating_sub(before);
        assert!(left <= LATE, "{change}: {left} frames left");
        assert_eq!(code(&output), Some(1), "{change}: {}", said(&output));
        for part in ["changed in the middle", "sent       ", "no-way-out"]
            .iter()
            .chain(parts)
        {
            assert!(said(&output).contains(part), "{part}: {}", said(&output));
        }
    }
}

//! How runs end: by themselves, by the user, by what goes wrong.

use std::io::BufRead;
use std::io::BufReader;
use std::process::Stdio;

use super::bench::{Bench, LAB, code, said};
use crate::namespaces::signal;

/// Opens a tap and reads nothing from it, until its input ends.
const HOLD: &str = "import fcntl, struct, sys
tap = open('/dev/net/tun', 'r+b', buffering=0)
fcntl.ioctl(tap, 0x400454ca, struct.pack('16sH22x', sys.argv[1].encode(), 0x1002))
print('held', flush=True)
sys.stdin.read()";

#[test]
fn an_interface_that_vanishes_ends_the_run_with_its_counters() {
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    let capture = bench.capture("long.pcap", LAB, 30_000, 1_000);
    for (options, vanish) in [
        ("--interface near", "link set near down"),
        ("--interface near", "link delete near"),
        ("--tap made0", "link delete made0"),
    ] {
        if vanish.ends_with("delete near") {
            bench.ip("link set near up");
        }
        let name = options.split(' ').nth(1).unwrap();
        let run = bench.start(&capture, options, 5);
        bench.ip(vanish);
        let output = run.wait_with_output().unwrap();
        assert_eq!(code(&output), Some(1), "{vanish}: {}", said(&output));
        for part in ["sent ", "frames, ", &format!("{name} has gone")] {
            assert!(said(&output).contains(part), "{vanish}: {}", said(&output));
        }
        assert!(!said(&output).contains("panicked"), "{}", said(&output));
    }
}

#[test]
fn ctrl_c_ends_a_run_with_its_counters_and_a_kill_leaves_nothing() {
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    let capture = bench.capture("long.pcap", LAB, 60_000, 1_000);
    for (nth, name) in ["INT", "TERM", "HUP", "KILL", "KILL", "KILL"]
        .iter()
        .enumerate()
    {
        // At different moments.
        let run = bench.start(&capture, "--tap run0", [3, 40, 9, 0, 1, 20][nth]);
        signal(&run, name);
        let output = run.wait_with_output().unwrap();
        if *name != "KILL" {
            let expected = [130, 143, 129][nth];
            assert_eq!(code(&output), Some(expected), "{}", said(&output));
            assert!(said(&output).contains("sent "), "{}", said(&output));
        }
        assert!(!bench.ip("link").contains("run0"), "{name} leaves the tap");
    }
}

#[test]
fn a_tap_that_nobody_reads_is_noticed() {
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    let capture = bench.capture("lab.pcap", LAB, 30, 1_000);
    bench.ip("tuntap add unread0 mode tap");
    bench.ip("link set unread0 up");
    let unread = |options: &str| {
        let output = bench.replay(&capture, options).output().unwrap();
        assert_eq!(code(&output), Some(1), "{options}: {}", said(&output));
        for part in ["nobody takes frames from unread0", "--tap unread0", "sent "] {
            assert!(said(&output).contains(part), "{options}: {}", said(&output));
        }
    };
    // Nobody holds it.
    unread("--interface unread0");
    unread("--interface unread0 --top");
    // Somebody holds it, and does not read: what goes in waits, or is dropped once the queue is full.
    let mut holder = bench
        .command(&["python3", "-c", HOLD, "unread0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "held\n");
    unread("--interface unread0");
    unread("--interface unread0 --top --loop 100000 --limit 3000000");
    bench.refused(
        &capture,
        "--tap unread0",
        &["another process holds", "--interface unread0"],
    );
    drop(holder.stdin.take());
    holder.wait().unwrap();
    // Those who listen on it are another matter.
    let told = bench.replayed(&capture, "--tap unread0");
    assert_eq!(told["interface"]["passed"]["frames"], 30);
}

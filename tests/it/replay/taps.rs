//! Taps that the replay makes or takes.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use super::bench::{Bench, LAB, bytes_of, frames};

#[test]
fn a_tap_made_for_the_run_is_silent_and_gone_afterwards() {
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    // Calls to an address of this very namespace, at the tap's own hardware address: a host would answer, by the other way.
    bench.ip("address add 10.0.0.2/24 dev far");
    bench.ip("neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 dev far");
    bench.ip("link set lo up");
    let far_sent = || {
        let counters = bench.counters();
        counters
            .iter()
            .find(|(name, _, _)| name == "far")
            .map(|(_, sent, _)| *sent)
    };
    let before = far_sent();
    let capture = bench.capture("calls.pcap", [[10, 0, 0, 1], [10, 0, 0, 2]], 200, 5_000);
    let options = "--tap silent0 --tap-mac 02:00:00:00:00:02 --destination-mac 02:00:00:00:00:02 --mtu 1400 --json -";
    let mut command = bench.replay(&capture, options);
    let mut run = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("sending 200 frames")));
    let link = bench.ip("-details link show dev silent0");
    for part in ["mtu 1400", "NOARP", "UP", "02:00:00:00:00:02", "tap"] {
        assert!(link.contains(part), "no {part} in {link}");
    }
    assert_eq!(
        bench.ip("address show dev silent0").matches("inet").count(),
        0
    );
    let mut told = String::new();
    run.stdout
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(0));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["interface"]["passed"]["frames"], 200, "{told:#}");
    assert_eq!(
        told["interface"]["other_way"], 0,
        "the kernel has answered: {told:#}"
    );
    assert_eq!(
        far_sent(),
        before,
        "the kernel has answered through another interface"
    );
    assert!(!bench.ip("link").contains("silent0"));
    // The same calls where they belong are answered: the check can fail.
    let mac = bench.ip("-json link show dev far");
    let mac: Value = serde_json::from_str(&mac).unwrap();
    let mac = mac[0]["address"].as_str().unwrap();
    bench.replayed(
        &capture,
        &format!("--interface near --top --destination-mac {mac}"),
    );
    assert_ne!(far_sent(), before, "nobody answers at all");
}

#[test]
fn a_persistent_tap_stays_and_can_be_used_again() {
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    let capture = bench.capture("few.pcap", LAB, 5, 10);
    bench.replayed(&capture, "--tap stays0 --persist --top");
    assert!(bench.ip("link").contains("stays0"));
    let recorder = bench.record("stays0", 5);
    bench.replayed(&capture, "--tap stays0 --top");
    assert_eq!(bytes_of(&recorder.finish()), bytes_of(&frames(&capture)));
    assert!(bench.ip("link").contains("stays0"));
    // It has one queue; one with several takes any number of threads.
    bench.refused(
        &capture,
        "--tap stays0 --queues 2",
        &["stays0", "multi_queue"],
    );
    bench.ip("tuntap add many0 mode tap multi_queue");
    bench.ip("link set many0 up");
    for options in [
        "--tap many0",
        "--tap many0 --queues 2",
        "--tap new0 --queues 3",
    ] {
        let told = bench.replayed(&capture, options);
        assert_eq!(
            told["interface"]["passed"]["frames"], 5,
            "{options}: {told:#}"
        );
    }
    bench.refused(
        &capture,
        "--interface near --xdp --queues 2",
        &["near", "numtxqueues"],
    );
}

#[test]
fn a_run_waits_for_its_listener_and_pauses_between_passes() {
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    let capture = bench.capture("one.pcap", LAB, 1, 1);
    let options = "--tap waited0 --wait-for-listener --loop 4 --loop-pause 100ms --json -";
    let mut run = bench
        .replay(&capture, options)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("waiting for a listener")));
    let recorder = bench.record("waited0", 4);
    let arrived = recorder.finish();
    let told = run.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["accepted"]["frames"], 4, "{told:#}");
    assert_eq!(told["out_of_order"], 0);
    let took = arrived[3].0 - arrived[0].0;
    assert!((299_000_000..2_000_000_000).contains(&took), "{took} ns");
    // Whoever listens elsewhere cannot be seen.
    bench.ip("link set lo up");
    let parts = ["--wait-for-listener", "cannot see"];
    bench.refused(&capture, "--interface lo --wait-for-listener", &parts);
}

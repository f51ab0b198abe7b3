//! Replays in namespaces of their own, counted at the far side by tcpdump.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use labels::Truth;
use serde_json::Value;
use wire::Timestamp;
use wire::capture::{CaptureReader, CaptureWriter};

use crate::namespaces::{Namespaces, ip, is_root, signal};
use crate::tools::{crywolf_ok, has};

/// What the tests need, by the name of the program.
const PROGRAMS: [&str; 4] = ["ip", "tcpdump", "python3", "timeout"];
/// No program takes longer, in seconds.
const AT_MOST: &str = "60";
/// Opens a tap and reads nothing from it, until its input ends.
const HOLD: &str = "import fcntl, struct, sys
tap = open('/dev/net/tun', 'r+b', buffering=0)
fcntl.ioctl(tap, 0x400454ca, struct.pack('16sH22x', sys.argv[1].encode(), 0x1002))
print('held', flush=True)
sys.stdin.read()";

/// A namespace with a veth pair in it, `near` and `far`, without addresses.
struct Bench {
    namespaces: Namespaces,
    folder: tempfile::TempDir,
}

impl Bench {
    fn make() -> Option<Bench> {
        let namespaces = Namespaces::make(&["lab".into()], &PROGRAMS)?;
        let bench = Bench {
            namespaces,
            folder: tempfile::tempdir().expect("there is a folder for temporary files"),
        };
        let silence = "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6";
        let silenced = bench.command(&["sh", "-c", silence]).status();
        assert!(silenced.is_ok_and(|status| status.success()));
        bench.ip("link add near type veth peer name far");
        bench.ip("link set near up");
        bench.ip("link set far up");
        Some(bench)
    }

    /// The same, where taps can be had; else the test skips.
    fn with_taps() -> Option<Bench> {
        let bench = Bench::make()?;
        let name = bench.namespaces.name("lab");
        let made = ip(&["-n", &name, "tuntap", "add", "mode", "tap", "name", "try0"]);
        if !made.status.success() {
            println!("SKIPPED: no taps here: {}", said(&made));
            return None;
        }
        bench.ip("link delete try0");
        Some(bench)
    }

    fn ip(&self, line: &str) -> String {
        self.namespaces.ip("lab", line)
    }

    fn command(&self, words: &[&str]) -> Command {
        self.namespaces.command("lab", AT_MOST, words)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The capture of a scenario, seed 1.
    fn scenario(&self, id: &str, sensor: &str) -> PathBuf {
        let out = self.path("");
        crywolf_ok(&["generate", id, "--sensor", sensor, "--out", text(&out)]);
        self.path(&format!("{id}.{sensor}.seed1.pcap"))
    }

    /// A capture of frames between two addresses, so many microseconds apart.
    fn capture(&self, name: &str, addresses: [[u8; 4]; 2], count: u64, gap: u64) -> PathBuf {
        let path = self.path(name);
        let mut writer = CaptureWriter::new(Vec::new());
        for number in 0..count {
            let time = Timestamp::from_nanos((1_000_000_000 + number * gap) * 1000);
            let frame = udp(addresses, u16::try_from(number % 60_000).unwrap());
            let written = writer.record(time, |out| out.extend_from_slice(&frame));
            written.expect("writing into memory does not fail");
        }
        let bytes = writer.finish().expect("writing into memory does not fail");
        fs::write(&path, bytes).expect("folders of tests are writable");
        path
    }

    /// The replay in the namespace, as a command.
    fn replay(&self, capture: &Path, options: &str) -> Command {
        let lab = self.namespaces.name("lab");
        let mut command = Command::new(env!("CARGO_BIN_EXE_crywolf"));
        command
            .args(["replay", text(capture), "--netns", &lab])
            .args(options.split_whitespace())
            .stdin(Stdio::null());
        command
    }

    /// Starts a replay and returns when so many frames have passed its interface.
    fn start(&self, capture: &Path, options: &str, count: u64) -> Child {
        let name = options.split(' ').nth(1).expect("an interface is named");
        let passed = || {
            let counters = self.counters();
            let of = counters.iter().find(|(of, _, _)| of == name);
            of.map_or(0, |(_, sent, received)| sent + received)
        };
        let before = passed();
        let run = self
            .replay(capture, options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it was built");
        // A bound, so that a failure ends: each look takes some milliseconds.
        assert!(
            (0..5_000).any(|_| passed() > before + count),
            "{options}: nothing passes"
        );
        run
    }

    /// Replays with statistics as data.
    fn replayed(&self, capture: &Path, options: &str) -> Value {
        let options = format!("{options} --json -");
        let output = self
            .replay(capture, &options)
            .output()
            .expect("it was built");
        assert_eq!(code(&output), Some(0), "{}", said(&output));
        serde_json::from_slice(&output.stdout).expect("the statistics are JSON")
    }

    /// A replay that is refused before anything is sent.
    fn refused(&self, capture: &Path, options: &str, parts: &[&str]) {
        let before = self.counters();
        let output = self
            .replay(capture, options)
            .output()
            .expect("it was built");
        assert_eq!(code(&output), Some(2), "{options}: {}", said(&output));
        for part in parts {
            assert!(
                said(&output).contains(part),
                "{options}: no '{part}' in {}",
                said(&output)
            );
        }
        // A bridge now and then says something of its own.
        let sum = |counters: &[(String, u64, u64)]| -> u64 {
            counters
                .iter()
                .map(|(_, sent, received)| sent + received)
                .sum()
        };
        let (before, after) = (sum(&before), sum(&self.counters()));
        assert!(after - before < 20, "{options}: something was sent");
    }

    /// What each interface has sent and received.
    fn counters(&self) -> Vec<(String, u64, u64)> {
        let links: Value = serde_json::from_str(&self.ip("-json -statistics link")).unwrap();
        let links = links.as_array().unwrap().iter();
        links
            .map(|link| {
                let count = |way: &str| link["stats64"][way]["packets"].as_u64().unwrap();
                let name = link["ifname"].as_str().unwrap().to_owned();
                (name, count("tx"), count("rx"))
            })
            .collect()
    }

    /// Starts tcpdump for so many frames.
    fn record(&self, interface: &str, count: usize) -> Recorder {
        let path = self.path(&format!("{interface}.recorded.pcap"));
        let count = count.to_string();
        let words = "tcpdump -n -U --immediate-mode -B 16384 --time-stamp-precision=nano -i";
        let mut words: Vec<&str> = words.split_whitespace().collect();
        words.extend([interface, "-c", &count, "-w", text(&path)]);
        let mut tcpdump = self
            .command(&words)
            .stderr(Stdio::piped())
            .spawn()
            .expect("ip is there");
        let mut lines = BufReader::new(tcpdump.stderr.take().expect("it is piped")).lines();
        let listens = lines.any(|line| line.is_ok_and(|line| line.contains("listening on")));
        assert!(listens, "tcpdump does not listen on {interface}");
        // Read on, so that it does not end for want of a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Recorder { tcpdump, path }
    }
}

/// A tcpdump at work.
struct Recorder {
    tcpdump: Child,
    path: PathBuf,
}

impl Recorder {
    /// Waits until it has seen all frames: when and what.
    fn finish(mut self) -> Vec<(u64, Vec<u8>)> {
        let status = self.tcpdump.wait().expect("it was started");
        assert!(
            status.success(),
            "tcpdump has not seen all frames: {status}"
        );
        frames(&self.path)
    }
}

fn frames(capture: &Path) -> Vec<(u64, Vec<u8>)> {
    let bytes = fs::read(capture).expect("it was written");
    let mut reader = CaptureReader::new(&bytes[..]).expect("it is a capture");
    let mut frames = Vec::new();
    while let Some(record) = reader.next().expect("it is whole") {
        frames.push((record.time.as_nanos(), record.bytes.to_vec()));
    }
    frames
}

fn bytes_of(frames: &[(u64, Vec<u8>)]) -> Vec<&[u8]> {
    frames.iter().map(|(_, bytes)| bytes.as_slice()).collect()
}

fn udp([source, destination]: [[u8; 4]; 2], port: u16) -> Vec<u8> {
    use wire::{Ip, Ipv4, Link, Packet, Payload, Segment, Udp};
    let packet = Packet {
        ip: Ip::V4(Ipv4::new(source.into(), destination.into())),
        segment: Segment::Udp(Udp::new(1024 + port % 60_000, 9)),
        payload: Payload::Zeros(18),
    };
    let mut bytes = Vec::new();
    packet.emit_frame(&Link::default(), &mut bytes);
    bytes
}

const LAB: [[u8; 4]; 2] = [[192, 0, 2, 1], [198, 51, 100, 1]];

fn text(path: &Path) -> &str {
    path.to_str().expect("folders of tests are UTF-8")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]]
        .map(String::from_utf8_lossy)
        .join("\n")
}

#[test]
fn frames_arrive_as_they_were_captured_in_their_order_and_never_early() {
    let Some(bench) = Bench::make() else { return };
    for (id, sensor, options, speed) in [
        ("syn-scan", "victim", "--speed 40", 40),
        ("ftp-session", "client", "--speed 400 --gap-cap 20s", 0),
        ("syn-flood", "forged", "--top", 0),
        ("syn-flood", "forged", "--top --xdp", 0),
    ] {
        let capture = bench.scenario(id, sensor);
        let sent = frames(&capture);
        let recorder = bench.record("far", sent.len());
        let told = bench.replayed(&capture, &format!("--interface near {options}"));
        let arrived = recorder.finish();
        assert!(
            bytes_of(&arrived) == bytes_of(&sent),
            "{id} {options}: the frames differ"
        );
        let count = sent.len() as u64;
        for figure in [&told["accepted"], &told["interface"]["passed"]] {
            assert_eq!(figure["frames"], count, "{id} {options}: {told:#}");
        }
        assert_eq!(told["interface"]["dropped"], 0);
        let offset = |frames: &[(u64, Vec<u8>)], nth: usize| frames[nth].0 - frames[0].0;
        for nth in 0..sent.len() {
            let due = offset(&sent, nth).checked_div(speed).unwrap_or_default();
            // The wall clock, which stamps frames, may be slewed meanwhile: up to 500 millionths.
            let at_least = due - due / 1000;
            assert!(
                offset(&arrived, nth) + 1000 >= at_least,
                "{id}: frame {nth} is early"
            );
        }
    }
}

#[test]
fn several_threads_send_each_frame_once_and_conversations_in_order() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.scenario("connect-scan", "victim");
    let sent = frames(&capture);
    for options in [
        "--interface near --queues 2",
        "--interface near --queues 1 --loop 2",
    ] {
        let passes = if options.contains("loop") { 2 } else { 1 };
        let recorder = bench.record("far", sent.len() * passes);
        bench.replayed(&capture, &format!("--top {options}"));
        let arrived = recorder.finish();
        let sorted = |frames: &[(u64, Vec<u8>)], times: usize| {
            let mut all: Vec<Vec<u8>> = Vec::new();
            (0..times).for_each(|_| all.extend(frames.iter().map(|(_, bytes)| bytes.clone())));
            all.sort();
            all
        };
        assert!(sorted(&arrived, 1) == sorted(&sent, passes), "{options}");
        if passes == 1 {
            // Ports of one connection, either way round.
            let of = |frames: &[(u64, Vec<u8>)], port: &[u8]| -> Vec<Vec<u8>> {
                let holds = |bytes: &&Vec<u8>| bytes[34..36] == *port || bytes[36..38] == *port;
                frames
                    .iter()
                    .map(|(_, bytes)| bytes)
                    .filter(holds)
                    .cloned()
                    .collect()
            };
            for nth in (0..sent.len()).step_by(7) {
                let port = &sent[nth].1[34..36];
                assert!(of(&arrived, port) == of(&sent, port), "frame {nth}");
            }
        }
    }
}

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
fn nothing_is_sent_where_it_must_not_go() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.capture("lab.pcap", LAB, 50, 10);
    for line in [
        "link add bridge0 multicast off type bridge",
        "link add bridge1 multicast off type bridge",
        "link set bridge0 up",
        "link set bridge1 up",
        "link add outside type ifb",
        "link add near2 type veth peer name far2",
        "link add near3 type veth peer name far3",
        "link add alone type veth peer name alone2",
        "link set alone2 up",
        "link set far2 master bridge0 up",
        "link set near2 up",
        "link set near3 up",
        "link set far3 master bridge1 up",
        "link set outside master bridge0 up",
        "address add 192.0.2.9/24 dev near3",
        "route add default via 192.0.2.1 dev near3",
    ] {
        bench.ip(line);
    }
    let refused = |options: &str, parts: &[&str]| bench.refused(&capture, options, parts);
    refused(
        "--interface bridge0",
        &["lab-interface", "--allow-physical bridge0"],
    );
    refused(
        "--interface outside",
        &["lab-interface", "--allow-physical outside"],
    );
    refused(
        "--interface near2",
        &["no-way-out", "outside", "--allow-physical near2"],
    );
    refused("--interface near3", &["no-way-out", "default route"]);
    refused(
        "--interface bridge0 --allow-physical near",
        &["--allow-physical"],
    );
    refused("--interface near --allow-physical bridge0", &["twice"]);
    refused("--interface none0", &["no interface none0", "near"]);
    refused("--tap near", &["near", "veth", "--interface near"]);
    refused(
        "--interface near --pps 6000000",
        &["bounded-rate", "--max-pps"],
    );
    refused(
        "--interface near --pps 10 --loop 900000",
        &["bounded-time", "--duration"],
    );
    refused(
        "--top --loop 9999999 --interface near --start-at 1h",
        &["no frame is left"],
    );
    refused("", &["--tap", "--interface"]);
    refused("--interface alone", &["alone", "ip link set alone up"]);
    for [source, destination] in [[[8, 8, 8, 8], LAB[1]], [LAB[0], [9, 9, 9, 9]]] {
        let public = bench.capture("public.pcap", [source, destination], 30, 10);
        bench.refused(
            &public,
            "--interface near",
            &["lab-addresses", "frame 1", "--allow-public-addresses"],
        );
        let told = bench.replayed(&public, "--interface near --allow-public-addresses");
        assert_eq!(told["accepted"]["frames"], 30);
    }
    let told = bench.replayed(&capture, "--interface bridge0 --allow-physical bridge0");
    assert_eq!(told["accepted"]["frames"], 50);
}

#[test]
fn a_dry_run_tells_who_would_speak_to_whom_and_sends_nothing() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.capture("lab.pcap", LAB, 5, 1_000_000);
    let before = bench.counters();
    for target in ["--interface near", "--tap new0"] {
        let options = format!("{target} --dry-run --loop 3 --map 192.0.2.0/24=10.0.0.0/8");
        let output = bench.replay(&capture, &options).output().unwrap();
        assert_eq!(code(&output), Some(0), "{}", said(&output));
        for part in ["15 frames", "10.0.0.1 > 198.51.100.1", "14.000 s"] {
            assert!(said(&output).contains(part), "{part}: {}", said(&output));
        }
    }
    assert_eq!(bench.counters(), before);
}

#[test]
fn bounds_end_a_run() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.capture("lab.pcap", LAB, 100, 10_000);
    let told = bench.replayed(&capture, "--interface near --top --loop 5 --limit 230");
    assert_eq!(
        (&told["accepted"]["frames"], &told["end"]),
        (&230.into(), &"bound".into())
    );
    let told = bench.replayed(&capture, "--interface near --duration 200ms");
    assert_eq!(told["end"], "bound");
    assert!(
        told["accepted"]["frames"].as_u64().unwrap() <= 20,
        "{told:#}"
    );
    let told = bench.replayed(
        &capture,
        "--interface near --top --start-at 500ms --max-pps 1000",
    );
    assert_eq!(told["accepted"]["frames"], 50);
    assert!(told["seconds"].as_f64().unwrap() >= 0.03, "{told:#}");
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
            assert_eq!(code(&output), Some(130), "{}", said(&output));
            assert!(said(&output).contains("sent "), "{}", said(&output));
        }
        assert!(!bench.ip("link").contains("run0"), "{name} leaves the tap");
    }
}

#[test]
fn privileges_are_given_up_before_anything_is_sent() {
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    let capture = bench.capture("long.pcap", LAB, 60_000, 1_000);
    for options in ["--interface near", "--tap run0"] {
        let run = bench.start(&capture, options, 5);
        for thread in fs::read_dir(format!("/proc/{}/task", run.id())).unwrap() {
            let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                let line = format!("{set}:\t0000000000000000");
                assert!(status.contains(&line), "{options}: {status}");
            }
            assert!(status.contains("NoNewPrivs:\t1"), "{status}");
            assert!(
                status.contains("Uid:\t65534\t65534\t65534\t65534"),
                "{status}"
            );
        }
        signal(&run, "INT");
        assert_eq!(code(&run.wait_with_output().unwrap()), Some(130));
    }
}

#[test]
fn an_ordinary_user_can_replay_in_a_namespace_of_his_own() {
    if !is_root() || !has("setpriv") || !has("unshare") {
        return;
    }
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    let capture = bench.capture("lab.pcap", LAB, 20, 1_000);
    // A place that an ordinary user may enter.
    let open = "find \"$1\" -type d -exec chmod 755 {} + ; chmod 644 \"$1\"/*";
    let folder = bench.path("");
    assert!(
        Command::new("sh")
            .args(["-c", open, "open", text(&folder)])
            .status()
            .unwrap()
            .success()
    );
    let binary = bench.path("crywolf");
    fs::copy(env!("CARGO_BIN_EXE_crywolf"), &binary).unwrap();
    let ordinary = [
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
    ];
    // Where the file behind taps is root's alone, an ordinary user has none.
    let tun = fs::metadata("/dev/net/tun").unwrap();
    let open_to_all = tun.permissions().mode() & 0o006 == 0o006;
    let script = "ip link add near type veth peer name far && ip link set near up && ip link set far up && \
        \"$1\" replay \"$2\" --interface near --top && \"$1\" replay \"$2\" --tap own0 --top";
    let output = Command::new("setpriv")
        .args(ordinary)
        .args([
            "unshare",
            "--user",
            "--map-root-user",
            "--net",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .args([&binary, &capture])
        .output()
        .unwrap();
    if said(&output).contains("unshare: ") {
        println!(
            "SKIPPED: users may not make namespaces here: {}",
            said(&output)
        );
    } else {
        let told = said(&output);
        let wanted = if open_to_all { 2 } else { 1 };
        assert_eq!(
            told.matches("sent       20 frames").count(),
            wanted,
            "{told}"
        );
        assert!(
            open_to_all || told.contains("chmod 666 /dev/net/tun"),
            "{told}"
        );
    }
    // One capability is enough for an interface, and none for nothing.
    let lab = bench.namespaces.name("lab");
    let run = |capabilities: [&str; 2], target: [&str; 2]| {
        Command::new("ip")
            .args([
                "netns",
                "exec",
                &lab,
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ])
            .args(capabilities)
            .args([text(&binary), "replay", text(&capture), "--top"])
            .args(target)
            .output()
            .unwrap()
    };
    let raw = ["--inh-caps=-all,+net_raw", "--ambient-caps=+net_raw"];
    let admin = ["--inh-caps=-all,+net_admin", "--ambient-caps=+net_admin"];
    let output = run(raw, ["--interface", "near"]);
    assert_eq!(code(&output), Some(0), "{}", said(&output));
    let mut refusals = vec![(admin, ["--interface", "near"], "CAP_NET_RAW")];
    if open_to_all {
        let output = run(admin, ["--tap", "run0"]);
        assert_eq!(code(&output), Some(0), "{}", said(&output));
        refusals.push((raw, ["--tap", "run0"], "CAP_NET_ADMIN"));
    }
    for (capabilities, target, wanted) in refusals {
        let output = run(capabilities, target);
        assert_eq!(code(&output), Some(2), "{}", said(&output));
        for part in ["no permission", wanted, "unshare"] {
            assert!(said(&output).contains(part), "{}", said(&output));
        }
    }
}

#[test]
fn frames_are_rewritten_on_the_way_and_the_truth_with_them() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.scenario("syn-scan", "victim");
    let count = frames(&capture).len();
    let recorder = bench.record("far", count * 2);
    let live = bench.path("live.truth.json");
    let options = format!(
        "--interface near --top --loop 2 --unique --map 192.0.2.0/24=10.1.0.0/16 --map 198.51.100.0/24=10.2.0.0/16 \
         --vlan 7 --source-mac 02:00:00:00:00:aa --truth-out {}",
        text(&live)
    );
    let told = bench.replayed(&capture, &options);
    assert_eq!(told["accepted"]["frames"], 2 * count as u64);
    for (nth, (_, bytes)) in recorder.finish().iter().enumerate() {
        assert_eq!(bytes[6..12], [2, 0, 0, 0, 0, 0xaa]);
        let layers = wire::Layers::decode(wire::LinkType::ETHERNET, bytes);
        assert_eq!(layers.link.vlan, Some(7));
        assert!(layers.checksum_anomalies().is_empty(), "frame {nth}");
        let (source, destination) = layers.addresses().unwrap();
        let pass = nth / count;
        for address in [source, destination] {
            let text = address.to_string();
            let expected = [format!("10.1.{pass}."), format!("10.2.{pass}.")];
            assert!(
                expected.iter().any(|prefix| text.starts_with(prefix)),
                "frame {nth}: {text}"
            );
        }
    }
    let before = bench.path("syn-scan.victim.seed1.truth.json");
    let before = Truth::from_json(&fs::read_to_string(before).unwrap()).unwrap();
    let live = Truth::from_json(&fs::read_to_string(live).unwrap()).unwrap();
    assert_eq!(live.capture.packets, 2 * count as u64);
    assert_eq!(live.events.len(), 2 * before.events.len());
    let first = live.capture.first.unwrap();
    assert_eq!(
        told["first"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap(),
        first
    );
    for event in &live.events {
        assert!(event.start >= first && event.end >= event.start);
        assert!(
            event
                .sources
                .iter()
                .all(|block| block.to_string().starts_with("10."))
        );
    }
}

#[test]
fn bad_captures_are_told_and_what_was_good_is_sent() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.capture("lab.pcap", LAB, 10, 10);
    let whole = fs::read(&capture).unwrap();
    let cut = bench.path("cut.pcap");
    fs::write(&cut, &whole[..whole.len() - 7]).unwrap();
    let output = bench
        .replay(&cut, "--interface near --top")
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(2), "{}", said(&output));
    for part in ["sent       9 frames", "cut.pcap", "record 10"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
    let wireless = bench.path("wireless.pcap");
    let mut bytes = whole.clone();
    bytes[20..24].copy_from_slice(&105_u32.to_le_bytes());
    fs::write(&wireless, bytes).unwrap();
    bench.refused(&wireless, "--interface near", &["IEEE802_11", "105"]);
    fs::write(bench.path("empty.pcap"), &whole[..24]).unwrap();
    bench.refused(
        &bench.path("empty.pcap"),
        "--interface near",
        &["no frame is left"],
    );
    bench.refused(&bench.path("none.pcap"), "--interface near", &["none.pcap"]);
    bench.ip("link set near mtu 100");
    let large = bench.path("large.pcap");
    let mut writer = CaptureWriter::new(Vec::new());
    let frame = [&udp(LAB, 1)[..12], b"\x08\x06", &[0; 200]].concat();
    writer
        .record(Timestamp::ZERO, |out| out.extend_from_slice(&frame))
        .unwrap();
    fs::write(&large, writer.finish().unwrap()).unwrap();
    bench.refused(&large, "--interface near", &["--oversize", "100"]);
}

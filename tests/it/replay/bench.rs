//! A bench for replays: a namespace with a veth pair in it, and tcpdump at the far end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use wire::Timestamp;
use wire::capture::{CaptureReader, CaptureWriter};

use crate::namespaces::{Namespaces, ip};
use crate::tools::crywolf_ok;

/// What the tests need, by the name of the program.
const PROGRAMS: [&str; 4] = ["ip", "tcpdump", "python3", "timeout"];
/// No program takes longer, in seconds.
const AT_MOST: &str = "60";
/// A namespace with a veth pair in it, `near` and `far`, without addresses.
pub(super) struct Bench {
    pub(super) namespaces: Namespaces,
    folder: tempfile::TempDir,
}

impl Bench {
    pub(super) fn make() -> Option<Bench> {
        Bench::beside(&[])
    }

    /// The same beside further namespaces.
    pub(super) fn beside(others: &[&str]) -> Option<Bench> {
        let names = ["lab"].iter().chain(others);
        let names: Vec<String> = names.map(|name| (*name).to_owned()).collect();
        let namespaces = Namespaces::make(&names, &PROGRAMS)?;
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
    pub(super) fn with_taps() -> Option<Bench> {
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

    pub(super) fn ip(&self, line: &str) -> String {
        self.namespaces.ip("lab", line)
    }

    pub(super) fn command(&self, words: &[&str]) -> Command {
        self.namespaces.command("lab", AT_MOST, words)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The capture of a scenario, seed 1.
    pub(super) fn scenario(&self, id: &str, sensor: &str) -> PathBuf {
        let out = self.path("");
        crywolf_ok(&["generate", id, "--sensor", sensor, "--out", text(&out)]);
        self.path(&format!("{id}.{sensor}.seed1.pcap"))
    }

    /// A capture of frames between two addresses, so many microseconds apart.
    pub(super) fn capture(
        &self,
        name: &str,
        addresses: [[u8; 4]; 2],
        count: u64,
        gap: u64,
    ) -> PathBuf {
        let frames =
            (0..count).map(|number| udp(addresses, u16::try_from(number % 60_000).unwrap()));
        self.capture_of(name, frames, gap)
    }

    /// A capture of these frames, so many microseconds apart.
    pub(super) fn capture_of(
        &self,
        name: &str,
        frames: impl Iterator<Item = Vec<u8>>,
        gap: u64,
    ) -> PathBuf {
        let path = self.path(name);
        let mut writer = CaptureWriter::new(Vec::new());
        for (number, frame) in (0_u64..).zip(frames) {
            let time = Timestamp::from_nanos((1_000_000_000 + number * gap) * 1000);
            let written = writer.record(time, |out| out.extend_from_slice(&frame));
            written.expect("writing into memory does not fail");
        }
        let bytes = writer.finish().expect("writing into memory does not fail");
        fs::write(&path, bytes).expect("folders of tests are writable");
        path
    }

    /// The replay in the namespace, as a command.
    pub(super) fn replay(&self, capture: &Path, options: &str) -> Command {
        let lab = self.namespaces.name("lab");
        let mut command = Command::new(env!("CARGO_BIN_EXE_crywolf"));
        command
            .args(["replay", text(capture), "--netns", &lab])
            .args(options.split_whitespace())
            .stdin(Stdio::null());
        command
    }

    /// Starts a replay and returns when so many frames have passed its interface.
    pub(super) fn start(&self, capture: &Path, options: &str, count: u64) -> Child {
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
    pub(super) fn replayed(&self, capture: &Path, options: &str) -> Value {
        let options = format!("{options} --json -");
        let output = self
            .replay(capture, &options)
            .output()
            .expect("it was built");
        assert_eq!(code(&output), Some(0), "{}", said(&output));
        serde_json::from_slice(&output.stdout).expect("the statistics are JSON")
    }

    /// A replay that is refused before anything is sent.
    pub(super) fn refused(&self, capture: &Path, options: &str, parts: &[&str]) {
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
    pub(super) fn counters(&self) -> Vec<(String, u64, u64)> {
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
    pub(super) fn record(&self, interface: &str, count: usize) -> Recorder {
        let path = self.path(&format!("{interface}.recorded.pcap"));
        let count = count.to_string();
        let words =
            "tcpdump -n -U --immediate-mode -B 65536 -s 16384 --time-stamp-precision=nano -i";
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
pub(super) struct Recorder {
    tcpdump: Child,
    path: PathBuf,
}

impl Recorder {
    /// Waits until it has seen all frames: when and what.
    pub(super) fn finish(mut self) -> Vec<(u64, Vec<u8>)> {
        let status = self.tcpdump.wait().expect("it was started");
        assert!(
            status.success(),
            "tcpdump has not seen all frames: {status}"
        );
        frames(&self.path)
    }
}

pub(super) fn frames(capture: &Path) -> Vec<(u64, Vec<u8>)> {
    let bytes = fs::read(capture).expect("it was written");
    let mut reader = CaptureReader::new(&bytes[..]).expect("it is a capture");
    let mut frames = Vec::new();
    while let Some(record) = reader.next().expect("it is whole") {
        frames.push((record.time.as_nanos(), record.bytes.to_vec()));
    }
    frames
}

pub(super) fn bytes_of(frames: &[(u64, Vec<u8>)]) -> Vec<&[u8]> {
    frames.iter().map(|(_, bytes)| bytes.as_slice()).collect()
}

pub(super) fn udp([source, destination]: [[u8; 4]; 2], port: u16) -> Vec<u8> {
    use wire::{Ip, Ipv4, Link, Packet, Payload, Segment, Udp};
    let packet = Packet {
        ip: Ip::V4(Ipv4::new(source.into(), destination.into())),
        segment: Segment::Udp(Udp::new(1024 + port % 60_000, 9)),
        payload: Payload::zeros(18),
    };
    let mut bytes = Vec::new();
    packet.emit_frame(&Link::default(), &mut bytes);
    bytes
}

pub(super) const LAB: [[u8; 4]; 2] = [[192, 0, 2, 1], [198, 51, 100, 1]];

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("folders of tests are UTF-8")
}

pub(super) fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

pub(super) fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]]
        .map(String::from_utf8_lossy)
        .join("\n")
}

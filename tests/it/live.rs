//! The detector on an interface, beside the detector on a capture of the same frames.
//!
//! Frames go over a link between two namespaces that has no addresses: nobody answers, and nothing else passes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::{self, JoinHandle};

use labels::Finding;
use wire::capture::{CaptureReader, CaptureWriter};
use wire::{LinkType, Timestamp};

use crate::namespaces::{Namespaces, is_root, signal};
use crate::tools::{crywolf, crywolf_ok, has};

/// What the tests need, by the name of the program.
const PROGRAMS: [&str; 3] = ["ip", "python3", "timeout"];
/// No run takes longer.
const AT_MOST: &str = "60s";
/// No sender takes longer, in seconds.
const SENDER_TIMEOUT: &str = "30";

/// Sends the frames of a classic little-endian capture, one after the other.
const SEND: &str = "import socket, struct, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind((sys.argv[1], 0))
capture = open(sys.argv[2], 'rb').read()
at = 24
while at < len(capture):
    end = at + 16 + struct.unpack_from('<I', capture, at + 8)[0]
    link.send(capture[at + 16:end])
    at = end";

/// Two namespaces, `near` and `far`, and a link between them, called `line` at both ends.
struct Line {
    namespaces: Namespaces,
    folder: tempfile::TempDir,
}

impl Line {
    /// Makes the line, or says why the test skips.
    fn make() -> Option<Line> {
        let namespaces = Namespaces::make(&["near".into(), "far".into()], &PROGRAMS)?;
        for name in ["near", "far"] {
            // Else hosts announce themselves.
            let silence = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; \
                echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6";
            let silenced = namespaces.command(name, "5", &["sh", "-c", silence]);
            assert!({ silenced }.status().is_ok());
            namespaces.ip(name, "link set lo up");
        }
        let far = namespaces.name("far");
        let link = format!("link add line type veth peer name line netns {far}");
        namespaces.ip("near", &link);
        for name in ["near", "far"] {
            namespaces.ip(name, "link set line up");
        }
        Some(Line {
            namespaces,
            folder: tempfile::tempdir().expect("there is a folder for temporary files"),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The capture of a scenario at a sensor, with seed 1.
    fn scenario(&self, id: &str, sensor: &str) -> PathBuf {
        let folder = self.path("");
        let out = text(&folder);
        crywolf_ok(&["generate", id, "--sensor", sensor, "--out", out]);
        self.path(&format!("{id}.{sensor}.seed1.pcap"))
    }

    /// Starts the detector on the near end and returns when it listens. What it sees goes to `seen.pcap`.
    fn listen(&self, interface: &str, options: &[&str]) -> Live {
        let (near, seen) = (self.namespaces.name("near"), self.path("seen.pcap"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_crywolf"));
        command
            .args(["detect", "--interface", interface, "--netns", &near])
            .args(["--write", text(&seen)])
            .args(options);
        if !options.contains(&"--duration") {
            command.args(["--duration", AT_MOST]);
        }
        let mut live = Live::start(command);
        live.wait_for(&format!("listening on {interface}"));
        live
    }

    /// Sends a capture's frames from one end.
    fn send(&self, from: &str, interface: &str, capture: &Path) {
        let words = ["python3", "-c", SEND, interface, text(capture)];
        let mut sender = self.namespaces.command(from, SENDER_TIMEOUT, &words);
        let sent = sender.output().expect("ip is there");
        assert!(sent.status.success(), "{sent:?}");
    }

    /// The findings about what the last run has seen, as of any capture.
    fn findings_about_seen(&self) -> String {
        let seen = self.path("seen.pcap");
        crywolf_ok(&["detect", "--format", "jsonl", text(&seen)])
    }
}

/// A detector at work.
struct Live {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: BufReader<ChildStderr>,
    said: String,
}

/// A detector that has ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Live {
    fn start(mut command: Command) -> Live {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built with the tests");
        let mut stdout = child.stdout.take().expect("it is piped");
        let stderr = child.stderr.take().expect("it is piped");
        Live {
            child,
            stdout: thread::spawn(move || {
                let mut text = String::new();
                stdout.read_to_string(&mut text).expect("it is UTF-8");
                text
            }),
            stderr: BufReader::new(stderr),
            said: String::new(),
        }
    }

    /// Waits until a line that holds `part` comes on standard error.
    fn wait_for(&mut self, part: &str) {
        loop {
            let before = self.said.len();
            let read = self.stderr.read_line(&mut self.said).expect("it is UTF-8");
            assert_ne!(read, 0, "no '{part}' in: {}", self.said);
            if self.said[before..].contains(part) {
                return;
            }
        }
    }

    fn end(mut self) -> Ended {
        self.stderr
            .read_to_string(&mut self.said)
            .expect("it is UTF-8");
        let stdout = self.stdout.join().expect("reading does not panic");
        let status = self.child.wait().expect("it was started");
        Ended {
            code: status.code(),
            stdout,
            stderr: self.said,
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("folders of tests are UTF-8")
}

fn frames(capture: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(capture).expect("it was written");
    let mut reader = CaptureReader::new(&bytes[..]).expect("it is a capture");
    let mut frames = Vec::new();
    while let Some(record) = reader.next().expect("it is whole") {
        frames.push(record.bytes.to_vec());
    }
    frames
}

fn write_capture(path: &Path, frames: &[Vec<u8>]) {
    let mut writer = CaptureWriter::new(Vec::new());
    for frame in frames {
        let written = writer.record(Timestamp::ZERO, |out| out.extend_from_slice(frame));
        written.expect("writing into memory does not fail");
    }
    let bytes = writer.finish().expect("writing into memory does not fail");
    fs::write(path, bytes).expect("folders of tests are writable");
}

/// What stays of findings when the frames come at other times.
fn essence(lines: &str) -> Vec<String> {
    let findings = lines.lines().map(|line| Finding::from_json(line).unwrap());
    let mut essence: Vec<String> = findings
        .map(|finding| {
            let Finding {
                class,
                sources,
                targets,
                ports,
                packets,
                ..
            } = finding;
            format!("{class} {sources:?} {targets:?} {ports:?} {packets}")
        })
        .collect();
    // Sent faster, cases that last close in another order.
    essence.sort();
    essence
}

#[test]
fn findings_live_are_those_of_the_capture() {
    let Some(line) = Line::make() else { return };
    // Sent as fast as it goes: of these nothing depends on pauses.
    for (id, sensor) in [
        ("syn-scan", "victim"),
        ("connect-scan", "victim"),
        ("ack-then-syn", "victim"),
        ("ftp-session", "client"),
        ("syn-flood", "forged"),
    ] {
        let capture = line.scenario(id, sensor);
        let sent = frames(&capture);
        let count = sent.len().to_string();
        let live = line.listen("line", &["--format", "jsonl", "--count", &count]);
        line.send("far", "line", &capture);
        let ended = live.end();
        assert_eq!(ended.code, Some(0), "{id}: {}", ended.stderr);
        let counted = format!("{count} frames seen, 0 dropped");
        assert!(ended.stderr.contains(&counted), "{id}: {}", ended.stderr);
        assert!(
            frames(&line.path("seen.pcap")) == sent,
            "{id}: the frames differ"
        );
        assert_eq!(ended.stdout, line.findings_about_seen(), "{id}");
        let original = crywolf_ok(&["detect", "--format", "jsonl", text(&capture)]);
        assert_ne!(original, "", "{id}: nothing to compare");
        assert_eq!(essence(&ended.stdout), essence(&original), "{id}");
    }
}

#[test]
fn ctrl_c_ends_a_run_with_all_findings_and_none_is_lost() {
    let Some(line) = Line::make() else { return };
    let capture = line.scenario("syn-scan", "victim");
    for name in ["INT", "TERM"] {
        let mut live = line.listen("line", &["--format", "jsonl"]);
        line.send("far", "line", &capture);
        // Told as it happens, long before the case closes.
        live.wait_for("syn-scan 198.51.100.");
        signal(&live.child, name);
        let ended = live.end();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let all = format!("{} frames seen", frames(&capture).len());
        assert!(ended.stderr.contains(&all), "{}", ended.stderr);
        assert_eq!(essence(&ended.stdout).len(), 1, "{}", ended.stdout);
        assert_eq!(ended.stdout, line.findings_about_seen());
    }
}

#[test]
fn early_findings_come_before_those_that_say_all() {
    let Some(line) = Line::make() else { return };
    let capture = line.scenario("syn-scan", "victim");
    let options = ["--early", "--count", "64", "--format", "jsonl"];
    let live = line.listen("line", &options);
    line.send("far", "line", &capture);
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let findings: Vec<Finding> = (ended.stdout.lines())
        .map(|line| Finding::from_json(line).unwrap())
        .collect();
    let [first, whole] = &findings[..] else {
        panic!("{}", ended.stdout)
    };
    assert_eq!(first.detected, whole.detected);
    assert!(first.packets < whole.packets);
}

#[test]
fn an_interface_that_vanishes_ends_a_run_with_an_error_after_its_findings() {
    let Some(line) = Line::make() else { return };
    let capture = line.scenario("syn-scan", "victim");
    let mut live = line.listen("line", &["--format", "jsonl"]);
    line.send("far", "line", &capture);
    live.wait_for("syn-scan 198.51.100.");
    line.namespaces.ip("near", "link delete line");
    let ended = live.end();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let gone = "crywolf: interface line went down or was removed";
    assert!(ended.stderr.contains(gone), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert_eq!(frames(&line.path("seen.pcap")), frames(&capture));
    assert_eq!(ended.stdout, line.findings_about_seen());
    assert_eq!(essence(&ended.stdout).len(), 1);
}

#[test]
fn frames_are_seen_as_they_were_on_the_wire() {
    let Some(line) = Line::make() else { return };
    let frame = |kind: &[u8], length: u8| {
        let mut frame = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]].concat();
        frame.extend_from_slice(kind);
        frame.extend(0..length);
        frame
    };
    let sent = [
        frame(b"\x88\xb5", 60),
        // A customer's tag, which the kernel takes off: priority 3, network 100.
        frame(b"\x81\x00\x60\x64\x88\xb5", 61),
        // A service provider's and a customer's.
        frame(b"\x88\xa8\x00\x07\x81\x00\x00\x08\x88\xb5", 62),
        frame(b"\x88\xb5", 0),
        frame(b"\x88\xb5", 255),
    ];
    let capture = line.path("sent.pcap");
    write_capture(&capture, &sent);
    // From the other end, from this one, and over the loopback interface, where each frame passes twice.
    for (from, interface) in [("far", "line"), ("near", "line"), ("near", "lo")] {
        let live = line.listen(interface, &["--count", "5"]);
        line.send(from, interface, &capture);
        let ended = live.end();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(ended.stdout, "Nothing to report.\n");
        let seen = frames(&line.path("seen.pcap"));
        assert_eq!(seen, sent, "from {from} on {interface}");
    }
}

#[test]
fn a_tun_interface_is_listened_to_as_raw_ip() {
    let Some(line) = Line::make() else { return };
    let near = line.namespaces.name("near");
    let made = Command::new("ip")
        .args(["-n", &near, "tuntap", "add", "mode", "tun", "name", "tun0"])
        .output()
        .expect("ip is there");
    if !made.status.success() {
        println!("SKIPPED: no tun interfaces here: {made:?}");
        return;
    }
    line.namespaces.ip("near", "link set tun0 up");
    let ended = line.listen("tun0", &["--duration", "50ms"]).end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let capture = fs::read(line.path("seen.pcap")).unwrap();
    assert_eq!(capture[20..24], LinkType::RAW.0.to_le_bytes());
}

#[test]
fn what_cannot_be_listened_to_is_said() {
    let refused = |arguments: &[&str], parts: &[&str]| {
        let output = crywolf(&[&["detect"], arguments].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{arguments:?}: no '{part}' in: {text}");
        }
    };
    refused(&[], &["CAPTURE", "--interface"]);
    refused(
        &["a.pcap", "--interface", "lo"],
        &["CAPTURE", "--interface"],
    );
    refused(&["a.pcap", "--early"], &["CAPTURE", "--early"]);
    refused(&["--interface", "lo", "--early"], &["--early", "jsonl"]);
    refused(&["--interface", "lo", "--duration", "30"], &["30s"]);
    let nowhere = ["--interface", "lo", "--netns", "no-such-namespace"];
    refused(&nowhere, &["no-such-namespace", "ip netns"]);
    refused(&["--interface", "lo", "--write", "-"], &["--write"]);
    let Some(line) = Line::make() else { return };
    let near = line.namespaces.name("near");
    let on =
        |interface: &'static str| ["--interface", interface, "--netns", &near].map(str::to_owned);
    let refused_there = |interface, parts: &[&str]| {
        let words = on(interface);
        refused(&words.each_ref().map(String::as_str), parts);
    };
    refused_there("nothing0", &["nothing0", "ip link"]);
    line.namespaces.ip("near", "link set line down");
    refused_there("line", &["line is down", "ip link set line up"]);
}

#[test]
fn without_permission_it_says_how_to_get_it() {
    let mut command = if is_root() {
        if !has("setpriv") {
            return;
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--bounding-set=-all", "--inh-caps=-all"])
            .arg(env!("CARGO_BIN_EXE_crywolf"));
        command
    } else {
        Command::new(env!("CARGO_BIN_EXE_crywolf"))
    };
    let output = command
        .args(["detect", "--interface", "lo", "--duration", "10ms"])
        .output()
        .expect("it is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for part in ["lo", "root", "CAP_NET_RAW", "unshare -Urn"] {
        assert!(said.contains(part), "{said}");
    }
}

//! Captures of the lab: tcpdump at the router while something happens, and what the detector says of it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::{self, JoinHandle};

use labels::Finding;

use super::network::{Lab, Place};
use crate::{namespaces, tools};

/// No capture takes longer, in seconds.
const CAPTURE_TIMEOUT: &str = "60";
/// The last frame of each capture carries it: when it is there, all that came before is.
const MARKER: &[u8] = b"crywolf lab: the capture ends here";
/// Sends the marker, under an EtherType that is free for experiments (IEEE 802, 9.2.3).
const SEND_MARKER: &str = "import socket, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind((sys.argv[1], 0))
link.send(bytes(6) + link.getsockname()[4] + b'\\x88\\xb5' + sys.argv[2].encode())";

/// An interface of the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Towards our hosts.
    Home,
    /// Towards the provider.
    Wan,
    /// Towards the owner of the forged addresses.
    Forged,
}

impl Point {
    fn interface(self) -> &'static str {
        match self {
            Point::Home => "home",
            Point::Wan => "wan",
            Point::Forged => "forged",
        }
    }

    /// The network that is at home for who looks from here.
    fn home(self) -> &'static str {
        match self {
            Point::Home | Point::Wan => "192.0.2.0/24",
            Point::Forged => "198.18.0.0/15",
        }
    }
}

/// A finished capture.
pub struct Capture {
    /// Where it is kept, for who wants to look.
    pub path: PathBuf,
    /// What the detector found in it.
    pub findings: Vec<Finding>,
}

impl Capture {
    /// Findings that are alerts.
    pub fn alerts(&self) -> Vec<&Finding> {
        let alerting = |finding: &&Finding| finding.verdict.is_alerting();
        self.findings.iter().filter(alerting).collect()
    }
}

/// Captures at each point while `act` runs, then runs the detector over each capture.
pub fn record(lab: &Lab, name: &str, points: &[Point], act: impl FnOnce()) -> Vec<Capture> {
    let running: Vec<Running> = points
        .iter()
        .map(|point| Running::start(lab, *point))
        .collect();
    act();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab");
    fs::create_dir_all(&folder).expect("the build's own folder is writable");
    running
        .into_iter()
        .map(|running| {
            let point = running.point;
            let path = folder.join(format!("{name}-{}.pcap", point.interface()));
            fs::write(&path, running.finish(lab)).expect("the folder is there");
            Capture {
                findings: detect(&path, point.home()),
                path,
            }
        })
        .collect()
}

fn detect(path: &Path, home: &str) -> Vec<Finding> {
    let path = path.to_str().expect("the build's own folder is UTF-8");
    let lines = tools::crywolf_ok(&["detect", "--format", "jsonl", "--home", home, path]);
    let findings = lines.lines().map(Finding::from_json);
    findings
        .map(|finding| finding.expect("detect writes what it reads"))
        .collect()
}

/// A tcpdump at work.
struct Running {
    point: Point,
    tcpdump: Child,
    bytes: JoinHandle<Vec<u8>>,
}

impl Running {
    /// Starts tcpdump and returns when it listens.
    fn start(lab: &Lab, point: Point) -> Running {
        // Through a pipe, whose end is news; a file would have to be watched.
        let words = "tcpdump -n -U --immediate-mode -B 16384 -w - -i";
        let mut tcpdump = lab
            .command(
                Place::Router,
                CAPTURE_TIMEOUT,
                &[&super::network::words(words)[..], &[point.interface()]].concat(),
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ip is there");
        let mut stdout = tcpdump.stdout.take().expect("it is piped");
        let bytes = thread::spawn(move || read_to_marker(&mut stdout));
        let mut said = BufReader::new(tcpdump.stderr.take().expect("it is piped")).lines();
        let listens = said.any(|line| line.is_ok_and(|line| line.contains("listening on")));
        assert!(listens, "tcpdump does not listen at {point:?}");
        Running {
            point,
            tcpdump,
            bytes,
        }
    }

    /// Marks the end, waits for the mark, and ends tcpdump.
    fn finish(mut self, lab: &Lab) -> Vec<u8> {
        let marker = std::str::from_utf8(MARKER).expect("it is ASCII");
        let words = [
            &lab.python,
            "-c",
            SEND_MARKER,
            self.point.interface(),
            marker,
        ];
        let sent = lab.run(Place::Router, &words);
        assert!(sent.status.success(), "no marker: {sent:?}");
        let bytes = self.bytes.join().expect("reading does not panic");
        namespaces::terminate(&mut self.tcpdump);
        assert!(
            contains_marker(&bytes),
            "tcpdump ended before the marker, after {} bytes",
            bytes.len()
        );
        bytes
    }
}

/// All bytes up to the frame of the marker, or to the end of the stream.
fn read_to_marker(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let known = bytes.len().saturating_sub(MARKER.len());
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return bytes,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
        if contains_marker(&bytes[known..]) {
            return bytes;
        }
    }
}

fn contains_marker(bytes: &[u8]) -> bool {
    bytes.windows(MARKER.len()).any(|window| window == MARKER)
}

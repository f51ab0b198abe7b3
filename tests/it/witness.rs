//! Other programs read what we write and find nothing wrong with it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::tools::{crywolf, crywolf_ok, has, tshark};

/// The scenario whose probes are malformed by design: 24 zero bytes to the domain port.
const MALFORMED: &str = "f5-syn-24-zero-bytes";

const BAD_CHECKSUM: &str =
    "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0";

/// Every capture of the catalogue for one seed, the published ones, and some amid an office, in a folder that lives as
/// long as the test.
fn whole_catalogue() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    crywolf_ok(&["generate", "--all", "--seed", "2", "--out", out]);
    crywolf_ok(&["generate", "--all", "--as-published", "--out", out]);
    let mixed = folder.path().join("mixed");
    crywolf_ok(&[
        "generate",
        "syn-scan",
        "fin-scan",
        "ftp-session",
        "--seed",
        "3",
        "--background",
        "office",
        "--out",
        mixed.to_str().unwrap(),
    ]);
    let mut captures: Vec<PathBuf> = [folder.path(), mixed.as_path()]
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "pcap")
        })
        .collect();
    captures.sort();
    (folder, captures)
}

#[test]
fn no_dissector_finds_a_malformed_frame_or_a_bad_checksum() {
    if !has("tshark") {
        return;
    }
    let (_folder, captures) = whole_catalogue();
    assert!(captures.len() > 10, "only {} captures", captures.len());
    for capture in captures {
        let name = capture.file_name().unwrap().to_string_lossy();
        let filter = if name.starts_with(MALFORMED) {
            BAD_CHECKSUM.to_owned()
        } else {
            format!("_ws.malformed || {BAD_CHECKSUM}")
        };
        let output = Command::new("tshark")
            .args(["-n", "-r"])
            .arg(&capture)
            .args([
                "-o",
                "ip.check_checksum:TRUE",
                "-o",
                "tcp.check_checksum:TRUE",
                "-o",
                "udp.check_checksum:TRUE",
            ])
            .args(["-Y", &filter])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let found = String::from_utf8_lossy(&output.stdout);
        assert!(
            found.is_empty(),
            "{}:\n{}",
            capture.display(),
            found.lines().take(5).collect::<Vec<_>>().join("\n")
        );
    }
}

#[test]
fn the_truth_agrees_with_the_capture() {
    if !has("tshark") {
        return;
    }
    let (_folder, captures) = whole_catalogue();
    for capture in captures {
        let truth = fs::read_to_string(capture.with_extension("truth.json")).unwrap();
        let truth = labels::Truth::from_json(&truth).unwrap();
        let frames = tshark(
            &capture,
            &[
                "frame.time_epoch",
                "ip.src",
                "ipv6.src",
                "arp.src.proto_ipv4",
            ],
        );
        let name = capture.display();
        assert_eq!(truth.capture.packets, frames.len() as u64, "{name}");
        let mut of_event: BTreeMap<_, Vec<&Vec<String>>> = BTreeMap::new();
        let mut left = frames.iter();
        for (event, count) in truth.frames.runs() {
            let run = left.by_ref().take(usize::try_from(count).unwrap());
            match event {
                Some(id) => of_event.entry(id.0).or_default().extend(run),
                None => run.for_each(drop),
            }
        }
        for event in &truth.events {
            let own = of_event.remove(&event.id.0).unwrap_or_default();
            assert_eq!(
                own.len() as u64,
                event.packets,
                "{name}, event {}",
                event.id.0
            );
            let start: f64 = own[0][0].parse().unwrap();
            assert!(
                (start - event.start.as_microsecond() as f64 / 1e6).abs() < 2e-6,
                "{name}, event {}",
                event.id.0
            );
            let source = own.iter().any(|frame| {
                let from = frame[1..].iter().find_map(|field| field.parse().ok());
                event
                    .sources
                    .iter()
                    .any(|s| from.is_some_and(|from| s.contains(from)))
            });
            assert!(
                source,
                "{name}: event {} names a source that sent none of its frames",
                event.id.0
            );
        }
    }
}

#[test]
fn tcpdump_reads_a_capture_from_a_pipe() {
    if !has("tcpdump") {
        return;
    }
    let capture = crywolf(&[
        "generate",
        "ftp-session",
        "--sensor",
        "client",
        "--out",
        "-",
    ]);
    assert!(capture.status.success());
    let mut child = Command::new("tcpdump")
        .args(["-n", "-r", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&capture.stdout)
        .unwrap();
    let printed = child.wait_with_output().unwrap();
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(
        printed.contains("Flags [S]") && printed.contains("FTP: 220"),
        "{printed}"
    );
}

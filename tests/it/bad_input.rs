//! What is wrong is said in one message that names the file and the remedy; nothing is left behind.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::tools::{crywolf, crywolf_ok};

const BAD_INPUT: Option<i32> = Some(2);

fn message(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked"), "{text}");
    text
}

/// Expects refusal with a message that holds all of `parts`.
fn refused(arguments: &[&str], parts: &[&str]) {
    let output = crywolf(arguments);
    let text = message(&output);
    assert_eq!(
        output.status.code(),
        BAD_INPUT,
        "crywolf {arguments:?}: {text}"
    );
    for part in parts {
        assert!(
            text.contains(part),
            "crywolf {arguments:?}: no '{part}' in: {text}"
        );
    }
}

struct Captures {
    folder: tempfile::TempDir,
}

impl Captures {
    fn new() -> Captures {
        let folder = tempfile::tempdir().unwrap();
        crywolf_ok(&[
            "generate",
            "syn-scan",
            "--sensor",
            "victim",
            "--out",
            folder.path().to_str().unwrap(),
        ]);
        Captures { folder }
    }

    fn good(&self) -> PathBuf {
        self.folder.path().join("syn-scan.victim.seed1.pcap")
    }

    fn with(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn captures_that_are_none_are_named() {
    let captures = Captures::new();
    let empty = captures.with("empty.pcap", b"");
    refused(&["detect", &empty], &["empty.pcap", "empty"]);
    let text = captures.with(
        "notes.pcap",
        b"this is no capture at all, but a note of some length",
    );
    refused(&["detect", &text], &["notes.pcap"]);
    refused(&["detect", "nowhere.pcap"], &["nowhere.pcap"]);
}

#[test]
fn of_a_cut_capture_the_rest_is_read_and_the_cut_is_said() {
    let captures = Captures::new();
    let mut bytes = fs::read(captures.good()).unwrap();
    bytes.truncate(bytes.len() - 7);
    let cut = captures.with("cut.pcap", &bytes);
    let output = crywolf(&["detect", &cut, "--format", "jsonl"]);
    assert_eq!(output.status.code(), BAD_INPUT);
    assert!(message(&output).contains("cut.pcap"));
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("syn-scan"),
        "findings of what was read"
    );
}

#[test]
fn a_foreign_link_type_is_refused() {
    let captures = Captures::new();
    let mut bytes = fs::read(captures.good()).unwrap();
    bytes[20] = 147;
    let radio = captures.with("radio.pcap", &bytes);
    refused(&["detect", &radio], &["radio.pcap", "147"]);
}

#[test]
fn other_byte_order_and_nanoseconds_and_pcapng_are_read_alike() {
    let captures = Captures::new();
    let original = crywolf_ok(&[
        "detect",
        captures.good().to_str().unwrap(),
        "--format",
        "jsonl",
    ]);
    assert!(original.contains("syn-scan"));
    let bytes = fs::read(captures.good()).unwrap();
    let swapped = captures.with("swapped.pcap", &swap_byte_order(&bytes));
    assert_eq!(
        crywolf_ok(&["detect", &swapped, "--format", "jsonl"]),
        original
    );
    let nanos = captures.with("nanos.pcap", &as_nanoseconds(&bytes));
    assert_eq!(
        crywolf_ok(&["detect", &nanos, "--format", "jsonl"]),
        original
    );
    let next = captures.with("next.pcapng", &as_pcapng(&bytes));
    assert_eq!(
        crywolf_ok(&["detect", &next, "--format", "jsonl"]),
        original
    );
}

/// The records of a little-endian capture: seconds, microseconds, bytes.
fn records(bytes: &[u8]) -> Vec<(u32, u32, Vec<u8>)> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut records = Vec::new();
    let mut at = 24;
    while at < bytes.len() {
        let length = word(at + 8) as usize;
        records.push((
            word(at),
            word(at + 4),
            bytes[at + 16..at + 16 + length].to_vec(),
        ));
        at += 16 + length;
    }
    records
}

fn swap_byte_order(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(0xa1b2_c3d4u32.to_be_bytes());
    out.extend([0, 2, 0, 4]);
    out.extend([0; 8]);
    out.extend(262_144u32.to_be_bytes());
    out.extend(1u32.to_be_bytes());
    for (seconds, micros, frame) in records(bytes) {
        for word in [seconds, micros, frame.len() as u32, frame.len() as u32] {
            out.extend(word.to_be_bytes());
        }
        out.extend(frame);
    }
    out
}

fn as_nanoseconds(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes[..24].to_vec();
    out[..4].copy_from_slice(&0xa1b2_3c4du32.to_le_bytes());
    for (seconds, micros, frame) in records(bytes) {
        for word in [
            seconds,
            micros * 1000,
            frame.len() as u32,
            frame.len() as u32,
        ] {
            out.extend(word.to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

/// Section header, interface description, and an enhanced packet block a frame.
fn as_pcapng(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let length = (body.len().next_multiple_of(4) + 12) as u32;
        out.extend(kind.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(body);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(length.to_le_bytes());
    };
    let mut section = 0x1a2b_3c4du32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend([0xff; 8]);
    block(0x0a0d_0d0a, &section);
    block(1, &[1, 0, 0, 0, 0, 0, 4, 0]);
    for (seconds, micros, frame) in records(bytes) {
        let time = u64::from(seconds) * 1_000_000 + u64::from(micros);
        let mut body = 0u32.to_le_bytes().to_vec();
        body.extend(((time >> 32) as u32).to_le_bytes());
        body.extend((time as u32).to_le_bytes());
        body.extend((frame.len() as u32).to_le_bytes());
        body.extend((frame.len() as u32).to_le_bytes());
        body.extend(&frame);
        block(6, &body);
    }
    out
}

#[test]
fn a_truth_of_another_version_is_refused_with_both_names() {
    let captures = Captures::new();
    let truth = captures.good().with_extension("truth.json");
    let text = fs::read_to_string(&truth)
        .unwrap()
        .replace("crywolf.truth/1", "crywolf.truth/9");
    let future = captures.with("future.truth.json", text.as_bytes());
    let findings = captures.with("future.findings.jsonl", b"");
    refused(
        &["score", "--truth", &future, "--findings", &findings],
        &["future.truth.json", "crywolf.truth/9", "crywolf.truth/1"],
    );
}

#[test]
fn unknown_names_are_answered_with_those_that_exist() {
    refused(
        &["generate", "sin-scan"],
        &["sin-scan", "syn-scan", "crywolf list"],
    );
    refused(
        &["generate", "syn-scan", "--sensor", "attic", "--out", "-"],
        &["attic", "victim"],
    );
    refused(
        &[
            "generate",
            "syn-scan",
            "--set",
            "path.intranet.delay=1ms",
            "--out",
            "-",
        ],
        &["intranet", "internet"],
    );
    refused(
        &[
            "generate",
            "syn-scan",
            "--difficulty",
            "impossible",
            "--out",
            "-",
        ],
        &["impossible", "stealthy"],
    );
    // The likeliest first.
    refused(&["generate", "syn-floood"], &["Close to it: syn-flood,"]);
    refused(
        &["generate", "syn-scan", "--background", "offcie"],
        &["Close to it: office"],
    );
    refused(&["generate", "syn-scan", "--seeds", "9..3"], &["9..3"]);
    refused(
        &[
            "generate",
            "syn-scan",
            "--set",
            "path.internet.delay=5",
            "--out",
            "-",
            "--sensor",
            "victim",
        ],
        &["delay", "ms"],
    );
    refused(
        &["generate", "syn-scan", "--set", "id=other", "--out", "-"],
        &["'id'", "extends = \"syn-scan\""],
    );
    refused(
        &["generate", "syn-scan", "--set", "activity.scan.ports=[1,2"],
        &["ports = [1,2"],
    );
    refused(
        &["grade", "syn-scan", "--fail-under", "recal=1"],
        &["recal"],
    );
}

#[test]
fn options_that_would_say_nothing_are_refused() {
    refused(
        &["list", "--verdict", "normal", "--family", "flood"],
        &["flood is attack"],
    );
    refused(
        &["grade", "syn-scan", "--from", "csv"],
        &["--from", "--detector"],
    );
    refused(
        &["inject", "--into", "a.pcap", "syn-scan", "--out", "-"],
        &["standard output", "name a file"],
    );
    refused(
        &["merge", "a.pcap", "b.pcap", "--out", "-"],
        &["standard output", "name a file"],
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("silent.toml");
    let text =
        "id = 'silent'\nextends = 'syn-scan'\nwithout = ['facts']\ntitle = 'It'\nsummary = 'It.'\n";
    fs::write(&file, text).unwrap();
    refused(&["facts", file.to_str().unwrap()], &["no facts are stated"]);
}

#[test]
fn what_holds_for_all_sensors_is_said_once() {
    let output = crywolf(&["generate", "syn-scan", "--fault", "los=3%", "--out", "-"]);
    assert_eq!(message(&output).matches("has no 'los'").count(), 1);
}

#[test]
fn all_mistakes_of_a_scenario_come_at_once_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let text = "id = \"mine\"\ntitle = \"t\"\nfamily = \"port-scam\"\nsummary = \"s\"\nsource = \"me\"\nstart = \"2026-01-01T00:00:00Z\"\nduration = \"soon\"\ncolour = \"red\"\n\n[site.a]\nprefixes = [\"192.0.2.0/33\"]\n";
    fs::write(&path, text).unwrap();
    let broken = path.to_str().unwrap();
    refused(&["generate", broken], &["mine.toml:3", "port-scam"]);
    fs::write(&path, text.replace("port-scam", "port-scan")).unwrap();
    refused(
        &["generate", broken],
        &[
            "mine.toml:7",
            "mine.toml:8",
            "colour",
            "mine.toml:11",
            "sensor",
        ],
    );
}

/// What a command says on a disk of so many kilobytes, and the files it leaves with their sizes.
fn on_a_small_disk(size: u32, args: &[&str]) -> Option<(String, Vec<(String, u64)>)> {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={size}k"), "tmpfs"])
        .arg(folder.path())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        println!("SKIPPED: a small file system needs root");
        return None;
    }
    let out = folder.path().to_str().unwrap();
    let output = crywolf(&[args, &["--out", out]].concat());
    let left = fs::read_dir(folder.path()).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let size = entry.metadata().unwrap().len();
        (entry.file_name().into_string().unwrap(), size)
    });
    let left = left.collect();
    let unmounted = Command::new("umount").arg(folder.path()).status().unwrap();
    assert!(unmounted.success());
    assert_eq!(output.status.code(), BAD_INPUT);
    let text = message(&output);
    assert!(text.contains(out), "{text}");
    assert!(
        text.contains("the disk") || text.contains("No space"),
        "{text}"
    );
    Some((text, left))
}

#[test]
fn a_full_disk_leaves_nothing_under_a_final_name() {
    let flood = ["generate", "syn-flood", "--sensor", "victim"];
    if let Some((text, left)) = on_a_small_disk(64, &flood) {
        assert!(left.is_empty(), "left behind: {left:?} ({text})");
    }
    if let Some((text, left)) = on_a_small_disk(12, &["man"]) {
        let whole = |(name, size): &(String, u64)| name.ends_with(".1") && *size > 0;
        assert!(left.iter().all(whole), "left behind: {left:?} ({text})");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let under = file.join("captures");
    refused(
        &["generate", "syn-scan", "--out", under.to_str().unwrap()],
        &["captures"],
    );
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let script = format!(
        "{} generate syn-flood --sensor victim --out - | head -c 100 >/dev/null; echo ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_crywolf")
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "0",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

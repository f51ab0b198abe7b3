//! `crywolf merge`: captures as one, with the labels of all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use labels::Truth;

use crate::tools::{crywolf, crywolf_ok, has};

/// Two captures whose times overlap, in a folder.
fn captures(folder: &Path) -> [PathBuf; 2] {
    let start = "start=2000-05-14T10:00:00Z";
    let out = folder.to_str().unwrap();
    let of = |scenario| {
        let args = ["generate", scenario, "--sensor", "victim", "--seed", "5"];
        crywolf_ok(&[&args[..], &["--set", start, "--out", out]].concat());
        folder.join(format!("{scenario}.victim.seed5.pcap"))
    };
    [of("syn-scan"), of("fin-scan")]
}

fn merged(captures: &[PathBuf; 2], out: &Path) {
    let [one, two] = captures.each_ref().map(|path| path.to_str().unwrap());
    crywolf_ok(&["merge", one, two, "--out", out.to_str().unwrap()]);
}

fn truth_of(capture: &Path) -> Truth {
    let text = fs::read_to_string(capture.with_extension("truth.json")).unwrap();
    Truth::from_json(&text).unwrap()
}

/// The records of a classic capture, headers included.
fn records(path: &Path) -> Vec<Vec<u8>> {
    let file = fs::read(path).unwrap();
    let mut rest = &file[24..];
    let mut records = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let (record, others) = rest.split_at(16 + length);
        records.push(record.to_vec());
        rest = others;
    }
    records
}

/// The records that belong to each event, by the event's place.
fn by_event(path: &Path, truth: &Truth) -> Vec<Vec<Vec<u8>>> {
    let records = records(path);
    let of = |id| {
        let numbered = records.iter().zip(1u64..);
        let own = numbered.filter(|(_, number)| truth.frames.event_of(*number) == Some(id));
        own.map(|(record, _)| record.clone()).collect()
    };
    truth.events.iter().map(|event| of(event.id)).collect()
}

#[test]
fn events_keep_their_frames() {
    let folder = tempfile::tempdir().unwrap();
    let both = captures(folder.path());
    let out = folder.path().join("both.pcap");
    merged(&both, &out);
    let truth = truth_of(&out);
    let apart = both.iter().flat_map(|path| by_event(path, &truth_of(path)));
    let apart: Vec<_> = apart.collect();
    assert_eq!(by_event(&out, &truth), apart);
    assert!(apart.len() >= 2 && apart.iter().all(|frames| !frames.is_empty()));
    // What makes an event evident is the same frame under another number.
    let all = records(&out);
    let before = both.iter().flat_map(|path| {
        let (truth, records) = (truth_of(path), records(path));
        let frame = |event: &labels::Event| event.evident.as_ref().map(|evident| evident.frame);
        let frames: Vec<_> = truth.events.iter().map(frame).collect();
        let at = move |frame: Option<u64>| frame.map(|frame| records[frame as usize - 1].clone());
        frames.into_iter().map(at)
    });
    for (event, before) in truth.events.iter().zip(before) {
        let frame = event.evident.as_ref().map(|evident| evident.frame);
        assert_eq!(frame.map(|frame| all[frame as usize - 1].clone()), before);
    }
}

#[test]
fn frames_come_as_mergecap_puts_them() {
    if !has("mergecap") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let both = captures(folder.path());
    let (out, theirs) = (
        folder.path().join("both.pcap"),
        folder.path().join("theirs"),
    );
    merged(&both, &out);
    let done = std::process::Command::new("mergecap")
        .args(["-F", "pcap", "-w"])
        .arg(&theirs)
        .args(&both)
        .status()
        .unwrap();
    assert!(done.success());
    assert_eq!(records(&out), records(&theirs));
}

#[test]
fn a_detector_is_graded_on_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("both.pcap");
    merged(&captures(folder.path()), &out);
    let found = crywolf_ok(&["detect", out.to_str().unwrap(), "--format", "jsonl"]);
    let findings = folder.path().join("both.findings.jsonl");
    fs::write(&findings, found).unwrap();
    let truth = out.with_extension("truth.json");
    let summary = crywolf_ok(&[
        "score",
        "--truth",
        truth.to_str().unwrap(),
        "--findings",
        findings.to_str().unwrap(),
    ]);
    assert!(summary.contains("false alarms: 0 incidents"), "{summary}");
    assert!(
        summary
            .lines()
            .any(|line| line.starts_with("recall") && line.contains("2/2")),
        "{summary}"
    );
}

#[test]
fn what_is_compressed_or_comes_in_a_stream_is_merged_alike() {
    let folder = tempfile::tempdir().unwrap();
    let both = captures(folder.path());
    let plain = folder.path().join("plain.pcap");
    merged(&both, &plain);
    let [one, two] = both;
    let packed = folder.path().join("fin-scan.victim.seed5.pcap.gz");
    let mut packer = GzEncoder::new(fs::File::create(&packed).unwrap(), Compression::fast());
    packer.write_all(&fs::read(&two).unwrap()).unwrap();
    packer.finish().unwrap();
    fs::remove_file(two).unwrap();
    let out = folder.path().join("stream.pcap");
    let status = Command::new(env!("CARGO_BIN_EXE_crywolf"))
        .args([
            "merge",
            "-q",
            "-",
            packed.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ])
        .stdin(fs::File::open(&one).unwrap())
        .status();
    assert!(status.unwrap().success());
    assert!(fs::read(&plain).unwrap() == fs::read(&out).unwrap());
    // Beside the compressed one stands its truth; beside a stream stands none.
    let classes = |capture| {
        truth_of(capture)
            .events
            .into_iter()
            .map(|event| event.class)
    };
    assert_eq!(classes(&out).collect::<Vec<_>>(), [labels::Class::FinScan]);
    assert_eq!(classes(&plain).count(), 2);
}

#[test]
fn what_does_not_belong_together_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = captures(folder.path());
    let out = folder.path().join("both.pcap");
    fs::copy(
        one.with_extension("truth.json"),
        two.with_extension("truth.json"),
    )
    .unwrap();
    let args = [
        "merge",
        one.to_str().unwrap(),
        two.to_str().unwrap(),
        "--out",
    ];
    let refused = crywolf(&[&args[..], &[out.to_str().unwrap()]].concat());
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("do not belong together"), "{said}");
    assert!(!out.exists());
    // Nor is a capture written over itself.
    let refused = crywolf(&[&args[..], &[one.to_str().unwrap()]].concat());
    assert_eq!(refused.status.code(), Some(2));
}

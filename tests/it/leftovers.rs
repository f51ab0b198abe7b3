//! Nothing is left behind and nothing mixed up, however a run ends and whoever else writes there.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use labels::Truth;
use sha2::{Digest, Sha256};

use crate::tools::crywolf;

/// A flood that would go on for weeks.
const ENDLESS: &[&str] = &[
    "generate",
    "syn-flood",
    "--sensor",
    "victim",
    "--set",
    "duration=999h",
    "--out",
];

fn endless(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crywolf"));
    command.args(ENDLESS).arg(folder).stderr(Stdio::piped());
    command
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

/// Waits until the run has told what it will write: then it writes.
fn writes(run: &mut Child) {
    let mut told = [0; 16];
    let error = run.stderr.as_mut().expect("it is piped");
    error
        .read_exact(&mut told)
        .expect("a large capture is foreseen");
}

#[test]
fn a_signal_leaves_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129), ("KILL", -1)] {
        let folder = tempfile::tempdir().unwrap();
        let mut run = endless(folder.path()).spawn().unwrap();
        writes(&mut run);
        let kill = format!("kill -{signal} {}", run.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(
            run.wait().unwrap().code(),
            (code > 0).then_some(code),
            "{signal}"
        );
        // Where files cannot be without a name, SIGKILL leaves one.
        let left = names(folder.path());
        assert!(left.is_empty() || signal == "KILL", "{signal}: {left:?}");
    }
}

/// A capture that has not ended yet: more than a pipe holds, so that who has written it knows that it is being read.
fn beginning() -> Vec<u8> {
    let mut capture = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    capture.extend([0xff, 0xff, 0, 0, 1, 0, 0, 0]);
    let record = [0_u8; 8].into_iter().chain([60, 0, 0, 0, 60, 0, 0, 0]);
    let record: Vec<u8> = record.chain([0; 60]).collect();
    capture.extend(record.iter().copied().cycle().take(record.len() * 5_000));
    capture
}

#[test]
fn who_waits_for_input_is_ended_by_a_signal() {
    for words in [&["detect", "-"][..], &["replay", "-", "--null"]] {
        for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
            let mut run = Command::new(env!("CARGO_BIN_EXE_crywolf"))
                .args(words)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            // Held open.
            let mut input = run.stdin.take().unwrap();
            input.write_all(&beginning()).unwrap();
            crate::namespaces::signal(&run, signal);
            assert_eq!(run.wait().unwrap().code(), Some(code), "{words:?} {signal}");
        }
    }
}

#[test]
fn what_may_not_grow_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let bounded = endless(folder.path())
        .args(["--max-bytes", "3MB"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&bounded.stderr).into_owned();
    assert_eq!(bounded.status.code(), Some(2), "{said}");
    for part in [
        "frames and",
        "GB to write",
        "--max-bytes allows 3.0 MB",
        "nothing was kept",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let script = format!("ulimit -f 4000; exec \"$0\" {} \"$1\"", ENDLESS.join(" "));
    let limited = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_crywolf")])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stderr).into_owned();
    assert_eq!(limited.status.code(), Some(2), "{said}");
    assert!(names(folder.path()).is_empty());
    let piped = [
        "generate",
        "syn-flood",
        "--sensor",
        "victim",
        "--out",
        "-",
        "--max-bytes",
        "10kB",
    ];
    let piped = crywolf(&piped);
    assert_eq!(piped.status.code(), Some(2));
    assert!(piped.stdout.len() <= 10_000);
}

#[test]
fn a_capture_and_its_truth_are_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let order = ["generate", "syn-scan", "--sensor", "victim", "--out", out];
    let truth = folder.path().join("syn-scan.victim.seed1.truth.json");
    fs::create_dir(&truth).unwrap();
    let refused = crywolf(&order);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("truth.json") && said.contains("folder"),
        "{said}"
    );
    assert_eq!(
        names(folder.path()).len(),
        1,
        "no capture without its truth"
    );
}

#[test]
fn two_who_write_into_one_folder_mix_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let run = |gap: &str| {
        Command::new(env!("CARGO_BIN_EXE_crywolf"))
            .args([
                "generate", "syn-scan", "--seeds", "1..40", "--quiet", "--sensor", "victim",
                "--set", gap, "--out",
            ])
            .arg(folder.path())
            .spawn()
            .unwrap()
    };
    let runs = [
        run("path.internet.delay=9ms"),
        run("path.internet.delay=31ms"),
    ];
    for mut run in runs {
        assert_eq!(run.wait().unwrap().code(), Some(0));
    }
    let mut pairs = 0;
    for name in names(folder.path())
        .iter()
        .filter(|name| name.ends_with(".pcap"))
    {
        let capture = folder.path().join(name);
        let digest = Sha256::digest(fs::read(&capture).unwrap());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let truth = fs::read_to_string(capture.with_extension("truth.json")).unwrap();
        assert_eq!(
            Truth::from_json(&truth).unwrap().capture.sha256,
            digest,
            "{name}"
        );
        pairs += 1;
    }
    assert_eq!((pairs, names(folder.path()).len()), (40, 80));
}

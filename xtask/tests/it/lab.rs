//! Detectors on a lab's lines, graded.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::programs::{Ended, can_enclose, can_tap, crywolf, is_root, xtask};

/// Short, and of both kinds: what deserves an alert, and what deserves none.
const SUITE: [&str; 5] = ["syn-scan", "ftp-session", "nntp-reset", "--speed", "10"];
/// Each with two sensors.
const CAPTURES: usize = 6;

/// A lab whose detector misses nothing and cries no wolf.
fn grades_ours(mut lab: Command) {
    lab.args(SUITE).args(["--fail-under", "recall=1"]);
    let ended = Ended::of(lab.args(["--fail-over", "cry-wolf=0"])).expect(0);
    let arrived = ended.stderr.matches("all arrived").count();
    assert_eq!(arrived, CAPTURES, "{}", ended.stderr);
    let gates = ended.stdout.matches("gate passed").count();
    assert_eq!(gates, 2, "{}", ended.stdout);
    assert!(ended.stdout.contains("6 captures"), "{}", ended.stdout);
}

#[test]
fn our_detector_is_graded_over_a_pair() {
    if can_enclose() {
        grades_ours(xtask("lab"));
    }
}

#[test]
fn our_detector_is_graded_over_a_tap() {
    if can_enclose() && can_tap() {
        let mut lab = xtask("lab");
        lab.args(["--wire", "tap"]);
        grades_ours(lab);
    }
}

#[test]
fn an_ordinary_user_has_a_lab_too() {
    if !is_root() || !can_enclose() {
        println!("SKIPPED: an ordinary user runs the other tests");
        return;
    }
    let mut probe = as_nobody();
    let may = "test -x \"$0\" && exec unshare --user --map-root-user true";
    probe.args(["sh", "-c", may, env!("CARGO_BIN_EXE_xtask")]);
    if !probe.status().is_ok_and(|status| status.success()) {
        println!("SKIPPED: user namespaces, or this build's folder, are closed to others");
        return;
    }
    // The user of a build could make the folder that a lab works in; nobody cannot.
    let folder = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("lab");
    fs::create_dir_all(folder).unwrap();
    let mut lab = as_nobody();
    lab.args([env!("CARGO_BIN_EXE_xtask"), "lab", "--crywolf"]);
    lab.arg(crywolf());
    grades_ours(lab);
}

fn as_nobody() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command
}

/// A lab of one capture of 86 frames and another detector, whose places are filled in.
fn with_detector(detector: &str) -> Command {
    let mut lab = xtask("lab");
    let crywolf = format!("'{}'", crywolf().display());
    lab.args(["syn-scan", "--sensor", "victim", "--speed", "20"]);
    lab.args(["--detector", &detector.replace("crywolf", &crywolf)]);
    lab
}

#[test]
fn another_detector_is_run_and_its_results_are_kept() {
    if !can_enclose() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let detector =
        "echo for {home} >&2; exec crywolf detect --interface {interface} --format jsonl > {out}";
    let mut lab = with_detector(detector);
    lab.args(["--linger", "0", "--out"]).arg(folder.path());
    Ended::of(lab.args(["--fail-under", "recall=1"])).expect(0);
    let kept = |ending: &str| {
        let path = folder
            .path()
            .join(format!("syn-scan.victim.seed1.{ending}"));
        fs::read_to_string(path).unwrap()
    };
    assert!(kept("findings.jsonl").contains("syn-scan"));
    assert!(kept("truth.json").contains("\"packets\": 86"));
    assert!(kept("replay.json").contains("\"end\": \"complete\""));
    assert!(kept("stderr").contains("for 192.0.2.0/24"));
}

#[test]
fn a_detector_that_finds_nothing_fails_its_gate() {
    if !can_enclose() {
        return;
    }
    let blind = ": > {out}; exec crywolf detect --quiet --interface {interface} > /dev/null";
    let mut lab = with_detector(blind);
    lab.args(["--linger", "0", "--fail-under", "recall=1"]);
    let ended = Ended::of(&mut lab).expect(1);
    assert!(ended.stdout.contains("gate failed"), "{}", ended.stdout);
}

#[test]
fn a_detector_that_fails_or_hangs_is_told_with_its_messages() {
    if !can_enclose() {
        return;
    }
    let listens = "crywolf detect --interface {interface} --format jsonl";
    for (detector, told) in [
        (
            "echo no rules >&2; exit 3",
            "ended before it listened (exit status: 3)",
        ),
        (
            "echo no rules >&2; sleep 60",
            "has no packet socket on far after 1 s",
        ),
        (
            &format!("echo no rules >&2; {listens} --count 5"),
            "ended before it was asked to (exit status: 0)",
        ),
        (
            &format!("echo no rules >&2; trap '' INT; {listens}; exit 4"),
            "failed (exit status: 4)",
        ),
        (
            &format!("echo no rules >&2; trap '' INT; {listens}; sleep 60"),
            "has not ended 1 s after SIGINT",
        ),
    ] {
        let mut lab = with_detector(detector);
        let ended = Ended::of(lab.args(["--patience", "1", "--linger", "1000"])).expect(2);
        for part in ["syn-scan.victim.seed1", told, "no rules"] {
            assert!(
                ended.stderr.contains(part),
                "no '{part}' in {}",
                ended.stderr
            );
        }
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn what_is_wrong_is_said_before_anything_is_sent() {
    if !can_enclose() {
        return;
    }
    for (words, told) in [
        (&["no-such-scenario"][..], "no-such-scenario"),
        (&["syn-scan", "--fail-under", "sense=1"], "sense"),
        (&["syn-scan", "--spede", "9"], "--spede"),
        (&["missing.pcap"], "missing.truth.json"),
    ] {
        let ended = Ended::of(xtask("lab").args(words)).expect(2);
        assert!(ended.stderr.contains(told), "{words:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("arrived"), "{}", ended.stderr);
    }
}

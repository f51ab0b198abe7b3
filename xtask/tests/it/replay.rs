//! Captures onto a tap, in a namespace without a name and in those that have one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use labels::Finding;

use crate::programs::{
    Ended, can_enclose, can_name, can_tap, crywolf, output, signal, wait_until, xtask,
};

/// In about so many seconds divided by the speed: 6.
const SCENARIO: [&str; 3] = ["syn-scan", "--sensor", "victim"];
/// How many frames that is.
const FRAMES: u64 = 86;

fn has_sent_all(ended: &Ended) -> bool {
    ended
        .stdout
        .contains(&format!("sent       {FRAMES} frames"))
}

/// A name that no other test has.
fn name(what: &str) -> String {
    format!("crywolf-{}-{what}", std::process::id())
}

fn namespaces() -> String {
    output(&["ip", "netns", "list"])
}

/// A namespace of the test's own.
struct Namespace(String);

impl Namespace {
    fn make(what: &str) -> Namespace {
        let name = name(what);
        output(&["ip", "netns", "add", &name]);
        Namespace(name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["netns", "delete", &self.0])
            .status();
    }
}

fn has_tap(namespace: &str) -> bool {
    let show = ["-n", namespace, "link", "show", "dev", "tap"];
    let shown = Command::new("ip").args(show).output();
    shown.is_ok_and(|shown| shown.status.success())
}

#[test]
fn a_listener_is_there_before_the_first_frame_and_after_the_last() {
    if !can_enclose() || !can_tap() {
        return;
    }
    let listen = format!(
        "exec '{}' detect --quiet --interface {{interface}} --format jsonl",
        crywolf().display()
    );
    let mut replay = xtask("replay");
    replay
        .args(["--speed", "20"])
        .args(SCENARIO)
        .args(["--listen", &listen]);
    let ended = Ended::of(&mut replay).expect(0);
    let finding = ended
        .stdout
        .lines()
        .find_map(|line| Finding::from_json(line).ok());
    assert_eq!(finding.unwrap().packets, FRAMES, "{}", ended.stdout);
    assert!(has_sent_all(&ended), "{}", ended.stdout);
}

#[test]
fn a_namespace_that_is_made_goes_again() {
    if !can_name() || !can_tap() {
        return;
    }
    let name = name("made");
    let mut replay = xtask("replay");
    replay
        .args(SCENARIO)
        .args(["--netns", &name, "--speed", "50"]);
    let ended = Ended::of(&mut replay).expect(0);
    assert!(
        ended.stderr.contains(&format!("ip netns exec {name} ")),
        "{}",
        ended.stderr
    );
    assert!(!namespaces().contains(&name));
}

#[test]
fn a_namespace_that_is_there_stays_as_it_was() {
    if !can_name() || !can_tap() {
        return;
    }
    let space = Namespace::make("there");
    let mut replay = xtask("replay");
    replay
        .args(SCENARIO)
        .args(["--netns", &space.0, "--speed", "50"]);
    Ended::of(&mut replay).expect(0);
    assert!(namespaces().contains(&space.0));
    assert!(!has_tap(&space.0), "the tap was left behind");
    output(&[
        "ip", "-n", &space.0, "tuntap", "add", "dev", "tap", "mode", "tap",
    ]);
    output(&["ip", "-n", &space.0, "link", "set", "dev", "tap", "up"]);
    Ended::of(&mut replay).expect(0);
    assert!(has_tap(&space.0), "the user's own tap was taken away");
}

#[test]
fn nothing_is_sent_before_a_listener_comes_and_all_stays_until_it_leaves() {
    if !can_name() || !can_tap() {
        return;
    }
    let name = name("wait");
    let mut replay = xtask("replay");
    replay
        .args(SCENARIO)
        .args(["--netns", &name, "--wait", "--speed", "50"]);
    let waiting = replay
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("a tap", || has_tap(&name));
    let mut detect = Command::new(crywolf());
    detect.args([
        "detect",
        "--interface",
        "tap",
        "--netns",
        &name,
        "--format",
        "jsonl",
    ]);
    let seen = Ended::of(detect.args(["--count", &FRAMES.to_string()])).expect(0);
    assert_eq!(
        Finding::from_json(seen.stdout.trim()).unwrap().packets,
        FRAMES
    );
    let ended = Ended::from(waiting.wait_with_output().unwrap()).expect(0);
    assert!(has_sent_all(&ended), "{}", ended.stdout);
    assert!(!namespaces().contains(&name));
}

#[test]
fn enter_sends_without_a_listener() {
    if !can_enclose() || !can_tap() {
        return;
    }
    let mut replay = xtask("replay");
    replay
        .args(SCENARIO)
        .args(["--wait", "--speed", "50"])
        .stdin(Stdio::piped());
    let mut waiting = replay
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    waiting.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    let ended = Ended::from(waiting.wait_with_output().unwrap()).expect(0);
    assert!(has_sent_all(&ended), "{}", ended.stdout);
}

/// Waits until the replay has said that it sends.
fn until_it_sends(replay: &mut Child) {
    let stderr = BufReader::new(replay.stderr.take().unwrap());
    let said = stderr.lines().map_while(Result::ok);
    assert!(
        { said }.any(|line| line.starts_with("sending ")),
        "it never sent"
    );
}

#[test]
fn ctrl_c_ends_a_replay_with_its_statistics() {
    if !can_enclose() || !can_tap() {
        return;
    }
    for signal_name in ["INT", "TERM"] {
        let mut replay = xtask("replay");
        replay.args(SCENARIO).args(["--speed", "0.01"]);
        let mut running = replay
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        until_it_sends(&mut running);
        signal(running.id(), signal_name);
        let ended = Ended::from(running.wait_with_output().unwrap()).expect(130);
        assert!(ended.stdout.contains("sent "), "{}", ended.stdout);
    }
}

#[test]
fn what_is_wrong_is_said() {
    if !can_enclose() || !can_tap() {
        return;
    }
    for (words, told) in [
        (&["no-such-scenario"][..], "no-such-scenario"),
        (&["missing.pcap"], "missing.pcap"),
        (&["-"], "give it as a file"),
        (
            &["syn-scan", "--sensor", "victim", "--spede", "9"],
            "--spede",
        ),
        (&["syn-scan", "--netns", "/no/such/file"], "/no/such/file"),
    ] {
        let ended = Ended::of(xtask("replay").args(words));
        assert!(!ended.status.success(), "{words:?}");
        assert!(ended.stderr.contains(told), "{words:?}: {}", ended.stderr);
    }
}

#[test]
fn of_several_sensors_the_one_that_sees_most_is_taken() {
    if !can_enclose() || !can_tap() {
        return;
    }
    let ended = Ended::of(xtask("replay").args(["syn-flood", "--top"])).expect(0);
    for part in ["sending syn-flood.victim", "--sensor", "syn-flood.forged"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}

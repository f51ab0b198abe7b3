//! What is left behind after a death of any kind: no process, and so no namespace without a name; no namespace with a
//! name, no tap, no pair, no mount, no temporary file.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::programs::{can_enclose, can_name, can_tap, output, signal, wait_until, xtask};

/// Deaths of each task.
const DEATHS: u64 = 6;
/// The moments are drawn from this: a multiplicative generator is enough for them (Lehmer, 48271 modulo 2^31 - 1).
const SEED: u64 = 20_260_714;

fn moments(until: Duration) -> impl Iterator<Item = Duration> {
    let draws = std::iter::successors(Some(SEED), |draw| Some(draw * 48_271 % 0x7fff_ffff));
    let until = u64::try_from(until.as_micros()).unwrap();
    draws
        .skip(1)
        .map(move |draw| Duration::from_micros(draw % until))
}

/// A run whose processes are known by a variable that they inherit, with a folder of its own for temporary files.
struct Run {
    mark: String,
    folder: tempfile::TempDir,
}

impl Run {
    fn new(nth: u64) -> Run {
        Run {
            mark: format!("CRYWOLF_TEST_MARK={}-{nth}-", std::process::id()),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn marked(&self, command: &mut Command) {
        let (name, value) = self.mark.split_once('=').unwrap();
        command.env(name, value).env("TMPDIR", self.folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
    }

    /// The processes of the run that are still there.
    fn processes(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let marked = environment
                .windows(self.mark.len())
                .any(|window| window == self.mark.as_bytes());
            if marked {
                let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push(String::from_utf8_lossy(&words).replace('\0', " "));
            }
        }
        found
    }

    /// Starts it, sends a signal at its moment, and waits until nothing is left.
    fn dies(&self, command: &mut Command, name: &str, moment: Duration) {
        self.marked(command);
        let mut child = command.spawn().unwrap();
        // Not to hope for something: this is the moment of death.
        thread::sleep(moment);
        signal(child.id(), name);
        child.wait().unwrap();
        wait_until(&format!("{:?} go", command.get_args()), || {
            self.processes().is_empty()
        });
        let left = fs::read_dir(self.folder.path()).unwrap().count();
        assert_eq!(left, 0, "temporary files after {moment:?}");
        nothing_is_mounted();
    }
}

fn nothing_is_mounted() {
    let folder = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("lab");
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(folder.to_str().unwrap()), "{mounts}");
    let left = fs::read_dir(&folder).map_or(0, Iterator::count);
    assert_eq!(left, 0, "files in {}", folder.display());
}

fn no_wire_is_outside() {
    let links = output(&["ip", "-json", "link", "show"]);
    for name in ["\"near\"", "\"far\"", "\"tap\""] {
        assert!(!links.contains(name), "{links}");
    }
}

#[test]
fn a_lab_that_is_killed_leaves_nothing() {
    if !can_enclose() {
        return;
    }
    let names = ["KILL", "KILL", "TERM"].into_iter().cycle();
    let moments = moments(Duration::from_millis(900));
    for ((nth, name), moment) in (0..DEATHS).zip(names).zip(moments) {
        let mut lab = xtask("lab");
        lab.args(["syn-scan", "ftp-session", "--speed", "10"]);
        Run::new(nth).dies(&mut lab, name, moment);
    }
    no_wire_is_outside();
}

#[test]
fn a_replay_that_is_killed_leaves_nothing() {
    if !can_name() || !can_tap() {
        return;
    }
    let space = format!("crywolf-{}-killed", std::process::id());
    let moments = moments(Duration::from_millis(500));
    for (nth, moment) in (DEATHS..2 * DEATHS).zip(moments) {
        let mut replay = xtask("replay");
        replay.args([
            "syn-scan", "--sensor", "victim", "--netns", &space, "--speed", "10",
        ]);
        Run::new(nth).dies(&mut replay, "KILL", moment);
        // Between two programs a process has no environment to be known by: its keeper may still be at work.
        wait_until(&format!("{space} goes after {moment:?}"), || {
            !output(&["ip", "netns", "list"]).contains(&space)
        });
    }
    no_wire_is_outside();
}

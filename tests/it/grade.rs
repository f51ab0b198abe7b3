//! `grade`, `compare` and `inject` as their users run them: detectors that fail, ends that come early, captures of one's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use labels::{Event, Truth};

use crate::tools::{crywolf, crywolf_ok, has, tshark};

/// A detector that finds nothing and says so in a file.
const SILENT: &str = "echo > {out}";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

/// Grades two seeds of a scenario at both sensors, and returns exit code, summary and grade.
fn graded(
    folder: &Folder,
    detector: &str,
    more: &[&str],
) -> (Option<i32>, String, serde_json::Value) {
    let json = folder.text("grade.json");
    let mut all = vec![
        "grade",
        "fin-scan",
        "--seeds",
        "1..2",
        "--no-background",
        "--no-cache",
    ];
    all.extend(["--json", &json, "--detector", detector]);
    all.extend(more);
    let output = crywolf(&all);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!error.contains("panicked"), "{error}");
    let grade = fs::read_to_string(&json).unwrap_or_else(|_| panic!("no grade: {error}"));
    (
        output.status.code(),
        text,
        serde_json::from_str(&grade).unwrap(),
    )
}

fn failures(grade: &serde_json::Value) -> Vec<(String, String)> {
    let list = grade["running"]["failures"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    list.iter()
        .map(|one| (text(&one["file"]), text(&one["kind"])))
        .collect()
}

#[test]
fn a_detector_that_crashes_on_one_capture_is_graded_on_the_others() {
    let folder = Folder::new();
    let junit = folder.text("grade.xml");
    let page = folder.text("grade.html");
    let markdown = folder.text("grade.md");
    let detector = "case {capture} in *seed1*) echo 'out of luck' >&2; exit 3;; esac; echo odd >&2; echo > {out}";
    let more = ["--junit", &junit, "--html", &page, "--markdown", &markdown];
    let (code, text, grade) = graded(&folder, detector, &more);
    assert_eq!(code, Some(2));
    let failed = failures(&grade);
    assert!(
        !failed.is_empty()
            && failed
                .iter()
                .all(|(file, kind)| file.contains("seed1") && kind == "crashed"),
        "{failed:?}"
    );
    let captures = grade["captures"].as_array().unwrap();
    assert!(captures.iter().all(|capture| capture["seed"] == 2) && captures.len() == failed.len());
    // Its misses are those of the other captures alone.
    assert_eq!(
        grade["all"]["recall"]["of"].as_u64().unwrap() as usize,
        captures.len()
    );
    for report in [
        text,
        fs::read_to_string(&junit).unwrap(),
        fs::read_to_string(&page).unwrap(),
        fs::read_to_string(&markdown).unwrap(),
    ] {
        assert!(
            report.contains("status 3") && report.contains("out of luck"),
            "{report}"
        );
    }
    assert!(fs::read_to_string(&junit).unwrap().contains("<error"));
    let stderr = grade["running"]["stderr"].as_object().unwrap();
    assert_eq!(stderr.len(), captures.len());
    assert!(stderr.values().all(|said| said == "odd"));
}

#[test]
fn a_detector_that_hangs_is_ended_with_its_children() {
    let folder = Folder::new();
    let pids = folder.text("pids");
    let detector = format!("setsid sleep 1000 & echo $! >> {pids}; sleep 1000");
    let (code, _, grade) = graded(&folder, &detector, &["--timeout", "300ms", "--jobs", "2"]);
    assert_eq!(code, Some(2));
    assert!(failures(&grade).iter().all(|(_, kind)| kind == "timed-out"));
    assert_gone(&fs::read_to_string(&pids).unwrap());
}

fn assert_gone(pids: &str) {
    assert!(!pids.trim().is_empty());
    for pid in pids.lines() {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "{state}");
    }
}

#[test]
fn silence_about_everything_is_an_error_unless_it_is_meant() {
    let folder = Folder::new();
    for detector in ["true", "true {out}", ": > {out}"] {
        let (code, text, grade) = graded(&folder, detector, &[]);
        assert_eq!(code, Some(2), "{detector}");
        assert!(
            failures(&grade)
                .iter()
                .all(|(_, kind)| kind == "nothing-written"),
            "{detector}"
        );
        assert!(grade["all"]["recall"]["value"].is_null(), "{text}");
    }
    let (code, _, grade) = graded(&folder, ": > {out}", &["--may-be-silent"]);
    assert_eq!(code, Some(0));
    assert_eq!(grade["all"]["recall"]["value"], 0.0);
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    let folder = Folder::new();
    let (code, text, grade) = graded(&folder, "echo; echo hello", &[]);
    assert_eq!(code, Some(2));
    assert!(
        failures(&grade)
            .iter()
            .all(|(_, kind)| kind == "unreadable")
    );
    assert!(text.contains("line 2"), "{text}");
    let (_, text, _) = graded(&folder, "no-such-detector {capture}", &[]);
    assert!(text.contains("127"), "{text}");
}

#[test]
fn a_detector_that_changes_its_mind_is_found_out() {
    let folder = Folder::new();
    let ours = format!(
        "{} detect --format jsonl {{capture}}",
        env!("CARGO_BIN_EXE_crywolf")
    );
    let (_, _, grade) = graded(&folder, &ours, &["--repeat", "2"]);
    assert_eq!(
        grade["running"]["repeats"]["differing"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert!(grade["running"]["cost"]["cpu_s"].as_f64().unwrap() > 0.0);
    let moody = format!(
        "{ours} > {{out}}; [ -e {{out}}.again ] && : > {{out}}; : > {}",
        "$(dirname {out})/$(basename {capture} .pcap).2.findings.again"
    );
    let (_, text, grade) = graded(&folder, &moody, &["--repeat", "2"]);
    assert!(
        !grade["running"]["repeats"]["differing"]
            .as_array()
            .unwrap()
            .is_empty(),
        "{text}"
    );
}

#[test]
fn what_is_kept_can_be_graded_again() {
    let folder = Folder::new();
    let keep = folder.text("kept");
    let ours = format!(
        "{} detect --format jsonl {{capture}} > {{out}}",
        env!("CARGO_BIN_EXE_crywolf")
    );
    let (_, _, grade) = graded(&folder, &ours, &["--keep", &keep]);
    assert!(
        Path::new(&keep)
            .join("fin-scan.victim.seed1.findings")
            .is_file()
    );
    let again = folder.text("again.json");
    crywolf_ok(&["grade", "--captures", &keep, "--json", &again]);
    let again: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(again).unwrap()).unwrap();
    assert_eq!(again["all"], grade["all"]);
    // A capture that is not what its truth says is refused.
    let capture = Path::new(&keep).join("fin-scan.victim.seed1.pcap");
    fs::write(&capture, b"something else").unwrap();
    let output = crywolf(&["grade", "--captures", &keep]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("fin-scan.victim.seed1.pcap"));
}

#[test]
fn a_detector_that_deletes_its_capture_leaves_the_users_alone() {
    let folder = Folder::new();
    let own = folder.text("own");
    crywolf_ok(&["generate", "fin-scan", "--sensor", "victim", "--out", &own]);
    let deletes = "rm {capture} && echo > {out}";
    crywolf_ok(&["grade", "--captures", &own, "--detector", deletes]);
    assert!(folder.path("own/fin-scan.victim.seed1.pcap").exists());
}

#[test]
fn ctrl_c_ends_all_and_leaves_nothing() {
    // Also of a detector that does not mind.
    for (signal, minds) in [("-INT", ""), ("-TERM", ""), ("-TERM", "trap '' INT TERM; ")] {
        let folder = Folder::new();
        let temporary = folder.path("tmp");
        fs::create_dir(&temporary).unwrap();
        let pids = folder.text("pids");
        let mut child = Command::new(env!("CARGO_BIN_EXE_crywolf"))
            .args([
                "grade",
                "fin-scan",
                "--no-background",
                "--no-cache",
                "--seeds",
                "1..50",
                "--detector",
            ])
            .arg(format!(
                "{minds}setsid sleep 1000 & echo $! >> {pids}; sleep 1000"
            ))
            .env("TMPDIR", &temporary)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while !Path::new(&pids).exists() {
            sleep(Duration::from_millis(5));
        }
        let sent = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        let expected = if signal == "-INT" { 130 } else { 143 };
        assert_eq!(child.wait().unwrap().code(), Some(expected));
        assert_gone(&fs::read_to_string(&pids).unwrap());
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    }
}

#[test]
fn a_cache_changes_nothing_but_the_time() {
    let folder = Folder::new();
    let cache = folder.text("cache");
    let grade = |name: &str, more: &[&str]| {
        let json = folder.text(name);
        let mut all = vec![
            "grade",
            "fin-scan",
            "--seeds",
            "1",
            "--no-background",
            "--json",
            &json,
        ];
        all.extend(more);
        crywolf_ok(&all);
        fs::read_to_string(json).unwrap()
    };
    let fresh = grade("a.json", &["--no-cache"]);
    assert_eq!(grade("b.json", &["--cache", &cache]), fresh);
    assert_eq!(grade("c.json", &["--cache", &cache]), fresh);
    // A detector that spoils its capture does not spoil the cache.
    let spoil = [
        "--cache",
        cache.as_str(),
        "--detector",
        "echo > {out}; echo spoilt > {capture}",
    ];
    crywolf(
        &["grade", "fin-scan", "--seeds", "1", "--no-background"]
            .iter()
            .chain(&spoil)
            .copied()
            .collect::<Vec<_>>(),
    );
    assert_eq!(grade("d.json", &["--cache", &cache]), fresh);
}

#[test]
fn suites_mean_the_same_to_generate_and_to_grade() {
    let folder = Folder::new();
    let suite = folder.text("own.toml");
    fs::write(
        &suite,
        "title = \"x\"\n[[part]]\nids = [\"fin-scan\", \"web-session\"]\ndifficulties = [\"slow\"]\n[[part]]\nids = [\"office\"]\nbackground = \"office\"\n",
    )
    .unwrap();
    let captures = folder.text("captures");
    crywolf_ok(&["generate", "--suite", &suite, "--out", &captures]);
    let json = folder.text("grade.json");
    crywolf_ok(&["grade", "--suite", &suite, "--no-cache", "--json", &json]);
    let grade: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    let mut graded: Vec<String> = (grade["captures"].as_array().unwrap().iter())
        .map(|capture| capture["file"].as_str().unwrap().to_owned())
        .collect();
    let mut made: Vec<String> = (fs::read_dir(&captures).unwrap())
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".pcap"))
        .collect();
    graded.sort();
    made.sort();
    assert_eq!(made, graded);
    assert!(
        made.iter()
            .any(|name| name.starts_with("fin-scan.victim.slow.alone")),
        "{made:?}"
    );
    let output = crywolf(&["grade", "--suite", "nonesuch"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("lookalikes"));
}

#[test]
fn two_grades_are_compared_event_by_event() {
    let folder = Folder::new();
    let (good, bad) = (folder.text("good.json"), folder.text("bad.json"));
    let base = [
        "grade",
        "fin-scan",
        "--seeds",
        "1..2",
        "--no-background",
        "--no-cache",
        "--json",
    ];
    let grade = |json: &str, more: &[&str]| {
        let mut all = base.to_vec();
        all.push(json);
        all.extend(more);
        crywolf(&all)
    };
    grade(&good, &[]);
    grade(&bad, &["--detector", SILENT]);
    let worse = crywolf(&["compare", &good, &bad]);
    let text = String::from_utf8_lossy(&worse.stdout).into_owned();
    assert_eq!(worse.status.code(), Some(1), "{text}");
    assert!(
        text.contains("newly missed: fin-scan (fin-scan.victim.seed1"),
        "{text}"
    );
    let better = crywolf(&["compare", &bad, &good]);
    assert_eq!(better.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&better.stdout).contains("newly detected: fin-scan"));
    let page = folder.text("page.html");
    let output = grade(
        &bad,
        &[
            "--detector",
            SILENT,
            "--baseline",
            &good,
            "--trend",
            &good,
            "--html",
            &page,
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.contains("\"newly_missed\":[{\"capture\":\"fin-scan.")
            && page.contains("\"trend\":[{\"name\":\"good\"")
    );
    // The frames of what was missed stand in it.
    assert!(page.contains("\"frames\":[{\"n\":1,"), "no frames");
}

/// The records of a classic capture: stamps, lengths and bytes, as they stand in the file.
fn records(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let mut rest = &bytes[24..];
    let mut records = Vec::new();
    while rest.len() >= 16 {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        records.push(rest[..16 + length].to_vec());
        rest = &rest[16 + length..];
    }
    records
}

fn truth_of(capture: &Path) -> Truth {
    let text = fs::read_to_string(capture.with_extension("truth.json")).unwrap();
    Truth::from_json(&text).unwrap()
}

fn event_of<'a>(truth: &'a Truth, class: &str) -> &'a Event {
    let mut events = truth.events.iter();
    events.find(|event| event.class.name() == class).unwrap()
}

/// Every frame of the capture is there, in its order, byte for byte.
fn holds_every_frame_of(laid_over: &Path, base: &Path) {
    let (own, all) = (records(base), records(laid_over));
    let mut left = own.iter().peekable();
    for record in &all {
        left.next_if(|next| *next == record);
    }
    assert_eq!(left.count(), 0);
    assert_eq!(all.len() as u64, truth_of(laid_over).capture.packets);
}

/// Labels of the first survive the second.
fn keeps_labels_of(once: &Path, twice: &Path) {
    let (first, second) = (truth_of(once), truth_of(twice));
    let scan = event_of(&first, "syn-scan");
    let mut events = second.events.iter();
    let kept = events.find(|event| event.id == scan.id).unwrap();
    assert_eq!(
        (kept.class, kept.packets, kept.start, kept.end),
        (scan.class, scan.packets, scan.start, scan.end)
    );
    event_of(&second, "ping-sweep");
}

/// Who is scanned lives in the capture's own network, where nobody lived.
fn is_aimed_at_nobody_in(base: &Path, laid_over: &Path) {
    let (before, after) = (truth_of(base), truth_of(laid_over));
    let target = event_of(&after, "syn-scan").targets[0].as_single().unwrap();
    let at_home = before.home.iter().any(|home| home.contains(target));
    assert!(at_home, "{target}");
    if has("tshark") {
        let is_in = |path: &Path| {
            let rows = tshark(path, &["ip.src", "ip.dst"]);
            let mut addresses = rows.iter().flatten();
            addresses.any(|address| *address == target.to_string())
        };
        assert!(!is_in(base) && is_in(laid_over));
    }
}

#[test]
fn a_scenario_is_laid_over_a_capture_that_stays_as_it_is() {
    let folder = Folder::new();
    let out = folder.text("");
    crywolf_ok(&[
        "generate",
        "office",
        "--out",
        &out,
        "--set",
        "duration=120s",
    ]);
    let mut files = fs::read_dir(folder.0.path())
        .unwrap()
        .map(|file| file.unwrap().path());
    let base = files
        .find(|path| path.extension().is_some_and(|ending| ending == "pcap"))
        .unwrap();
    let (once, twice) = (folder.path("once.pcap"), folder.path("twice.pcap"));
    crywolf_ok(&[
        "inject",
        "--into",
        base.to_str().unwrap(),
        "syn-scan@10s",
        "--out",
        once.to_str().unwrap(),
    ]);
    crywolf_ok(&[
        "inject",
        "--into",
        once.to_str().unwrap(),
        "ping-sweep@5s",
        "--seed",
        "3",
        "--out",
        twice.to_str().unwrap(),
    ]);
    holds_every_frame_of(&once, &base);
    keeps_labels_of(&once, &twice);
    is_aimed_at_nobody_in(&base, &once);
    if has("tshark") {
        let sums = tshark(&twice, &["_ws.malformed", "ip.checksum.status"]);
        assert!(sums.iter().all(|row| row[0].is_empty() && row[1] != "0"));
    }
    // The truth is that of the file: it can be graded.
    let json = folder.text("grade.json");
    fs::remove_file(&base).unwrap();
    fs::remove_file(base.with_extension("truth.json")).unwrap();
    crywolf_ok(&["grade", "--captures", &out, "--json", &json]);
    let grade: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(grade["captures"].as_array().unwrap().len(), 2);
    let detected = grade["classes"]["syn-scan"]["recall"]["hits"].as_u64();
    assert_eq!(detected, Some(2), "{grade}");
}

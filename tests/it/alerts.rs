//! What other detectors wrote, through the command line: read, explained where it is odd, refused where it is wrong.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use labels::Truth;
use serde_json::Value;

use crate::tools::{crywolf, crywolf_ok};

/// A scan, its truth, and alerts about it in the forms of several detectors.
struct Case {
    folder: tempfile::TempDir,
    truth: Truth,
}

impl Case {
    fn new() -> Case {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_str().unwrap().to_owned();
        crywolf_ok(&[
            "-q", "generate", "syn-scan", "--sensor", "victim", "--out", &place,
        ]);
        let path = folder.path().join("syn-scan.victim.seed1.truth.json");
        let truth = Truth::from_json(&fs::read_to_string(path).unwrap()).unwrap();
        Case { folder, truth }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// When the scan began, and so much later.
    fn at(&self, millis: i64) -> Timestamp {
        let start = self.truth.events[0].start;
        start
            .checked_add(SignedDuration::from_millis(millis))
            .unwrap()
    }

    fn ends(&self) -> (String, String) {
        let scan = &self.truth.events[0];
        (scan.sources[0].to_string(), scan.targets[0].to_string())
    }

    /// A table with an alert on the scan at that time.
    fn table(&self, name: &str, time: &str) -> String {
        let (source, target) = self.ends();
        self.write(
            name,
            &format!("time,source,target,class\n{time},{source},{target},syn-scan\n"),
        )
    }

    /// A line of EVE about the scan.
    fn eve(&self, signature: &str, millis: i64) -> String {
        let (source, target) = self.ends();
        format!(
            "{{\"timestamp\":\"{}\",\"event_type\":\"alert\",\"src_ip\":\"{source}\",\"dest_ip\":\"{target}\",\"proto\":\"TCP\",\
             \"alert\":{{\"gid\":1,\"signature_id\":9000001,\"signature\":\"{signature}\",\"category\":\"\",\"severity\":3}}}}\n",
            self.at(millis)
        )
    }

    fn score(&self, arguments: &[&str]) -> String {
        let truth = self.path("syn-scan.victim.seed1.truth.json");
        crywolf_ok(&[&["score", "--truth", &truth], arguments].concat())
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let truth = self.path("syn-scan.victim.seed1.truth.json");
        let output = crywolf(&[&["score", "--truth", &truth], arguments].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            !text.contains("panicked") && output.stdout.is_empty(),
            "{text}"
        );
        text
    }
}

/// Whether a summary says that so many of so many were found.
fn recall(text: &str, ratio: &str) -> bool {
    let line = text
        .lines()
        .find(|line| line.starts_with("recall"))
        .unwrap();
    line.split_whitespace().any(|word| word == ratio)
}

#[test]
fn four_columns_are_enough() {
    let case = Case::new();
    let table = case.table("own.csv", &case.at(5).to_string());
    let text = case.score(&["--from", "csv", "--findings", &table]);
    assert!(recall(&text, "1/1"), "{text}");
    assert!(!text.contains("About the alerts"), "{text}");
}

#[test]
fn a_clock_that_is_two_hours_off_is_named() {
    let case = Case::new();
    let table = case.table("late.csv", &case.at(7_200_005).to_string());
    let text = case.score(&["--from", "csv", "--findings", &table]);
    assert!(recall(&text, "0/1"), "{text}");
    assert!(text.contains("--clock-offset 2h"), "{text}");
    let set_right = case.score(&[
        "--from",
        "csv",
        "--clock-offset",
        "2h",
        "--findings",
        &table,
    ]);
    assert!(recall(&set_right, "1/1"), "{set_right}");
}

#[test]
fn a_zone_is_taken_from_the_command_line_where_stamps_have_none() {
    let case = Case::new();
    let berlin = case
        .at(5)
        .to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(2)));
    let table = case.table("local.csv", &berlin.datetime().to_string());
    let with = |zone| case.score(&["--from", "csv", "--timezone", zone, "--findings", &table]);
    assert!(recall(&with("+02:00"), "1/1"));
    assert!(recall(&with("UTC"), "0/1"));
    assert!(
        case.refused(&["--timezone", "Mars", "--findings", &table])
            .contains("Europe/Berlin")
    );
}

#[test]
fn stamps_on_whole_seconds_find_what_fine_ones_find() {
    let case = Case::new();
    let second = Timestamp::from_second(case.at(5).as_second()).unwrap();
    let table = case.table("coarse.csv", &second.to_string());
    let text = case.score(&["--from", "csv", "--findings", &table]);
    assert!(
        recall(&text, "1/1") && text.contains("whole seconds"),
        "{text}"
    );
    let fine = case.score(&["--from", "csv", "--resolution", "1ms", "--findings", &table]);
    assert!(recall(&fine, "0/1"), "{fine}");
}

#[test]
fn a_users_map_says_what_its_rules_mean() {
    let case = Case::new();
    let eve = case.write(
        "eve.json",
        &(case.eve("our own word", 5) + "{\"event_type\":\"flow\"}\n"),
    );
    let unmapped = case.score(&["--from", "suricata", "--findings", &eve]);
    assert!(recall(&unmapped, "0/1"), "{unmapped}");
    assert!(
        unmapped.contains("1:9000001 our own word: 1 alert"),
        "{unmapped}"
    );
    assert!(unmapped.contains("flow: 1"), "{unmapped}");
    let map = case.write(
        "map.toml",
        "detector = \"suricata\"\n\n[[rule]]\nsid = 9000001\nclass = \"syn-scan\"\n",
    );
    let mapped = case.score(&["--from", "suricata", "--map", &map, "--findings", &eve]);
    assert!(recall(&mapped, "1/1"), "{mapped}");
    let wrong = case.write(
        "wrong.toml",
        "detector = \"suricata\"\n\n[[rule]]\nsid = 1\nclass = \"syn-skan\"\n",
    );
    let text = case.refused(&["--from", "suricata", "--map", &wrong, "--findings", &eve]);
    assert!(
        text.contains("wrong.toml:5: 'syn-skan' is no class"),
        "{text}"
    );
}

#[test]
fn files_of_a_rotation_belong_together_and_so_do_those_of_a_folder() {
    let case = Case::new();
    let newer = case.write("logs/eve.json", &case.eve("a port scan", 900));
    let older = case.write("logs/eve.json.1", &case.eve("a port scan", 5));
    let grade = |findings: &[&str]| -> Value {
        let arguments = [
            &["--from", "suricata", "--json", "-", "--findings"],
            findings,
        ]
        .concat();
        serde_json::from_str(&case.score(&arguments)).unwrap()
    };
    let folder = case.path("logs");
    let files = grade(&[&newer, &older]);
    assert_eq!(files["captures"][0]["events"][0]["alerts"], 2);
    assert_eq!(files, grade(&[&folder]));
}

#[test]
fn a_file_of_another_detector_is_told_by_name() {
    let case = Case::new();
    let eve = case.write("eve.json", &case.eve("x", 5));
    let text = case.refused(&["--from", "zeek", "--findings", &eve]);
    assert!(
        text.contains("eve.json") && text.contains("--from suricata"),
        "{text}"
    );
    let own = case.refused(&["--findings", &eve]);
    assert!(own.contains("--from suricata"), "{own}");
}

#[test]
fn scores_make_curves_and_a_threshold_counts() {
    let case = Case::new();
    let (source, target) = case.ends();
    let rows = format!(
        "time,source,target,class,score\n{},{source},{target},syn-scan,0.7\n{},203.0.113.77,{target},syn-scan,0.4\n",
        case.at(5),
        case.at(6)
    );
    let table = case.write("scores.csv", &rows);
    let grade = |threshold: &str| -> Value {
        let arguments = [
            "--from",
            "csv",
            "--threshold",
            threshold,
            "--json",
            "-",
            "--findings",
            &table,
        ];
        serde_json::from_str(&case.score(&arguments)).unwrap()
    };
    let low = grade("0.3");
    assert_eq!(low["all"]["false_alarms"]["incidents"], 1);
    let high = grade("0.5");
    assert_eq!(high["all"]["false_alarms"]["incidents"], 0);
    assert_eq!(high["captures"][0]["below_threshold"], 1);
    // Whatever the threshold, the curve is the same but for the threshold's own point.
    let points = high["curves"]["points"].as_array().unwrap();
    let told: Vec<[f64; 2]> = points
        .iter()
        .map(|point| {
            [&point["threshold"], &point["precision"]["value"]]
                .map(|number| number.as_f64().unwrap())
        })
        .collect();
    assert_eq!(told, [[0.7, 1.0], [0.5, 1.0], [0.4, 0.5]]);
}

#[test]
fn a_command_may_leave_several_files_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("grade.json");
    let text = crywolf_ok(&[
        "grade",
        "syn-scan",
        "--seeds",
        "1",
        "--sensor",
        "victim",
        "--no-background",
        "--no-cache",
        "--from",
        "csv",
        "--json",
        json.to_str().unwrap(),
        "--detector",
        "mkdir {out}; for part in a b; do echo time,class > {out}/$part; done; echo {capture} > /dev/null; \
         echo 2000-01-01T00:00:00.5Z,syn-scan >> {out}/b",
    ]);
    assert!(text.contains("bear times at which nothing was"), "{text}");
    let grade: Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(grade["captures"][0]["reading"]["alerts"], 1);
    assert_eq!(grade["captures"][0]["reading"]["lines"], 3);
}

#[test]
fn quiet_is_quiet() {
    let case = Case::new();
    let table = case.table("own.csv", &case.at(5).to_string());
    assert_eq!(
        case.score(&["-q", "--from", "csv", "--findings", &table]),
        ""
    );
    let truth = case.path("syn-scan.victim.seed1.truth.json");
    let failed = crywolf(&[
        "-q",
        "score",
        "--from",
        "csv",
        "--truth",
        &truth,
        "--findings",
        &table,
        "--fail-under",
        "recall=1.5",
    ]);
    assert!(failed.stdout.is_empty());
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(
        !told.is_empty(),
        "that a gate failed, or is none, is an error"
    );
}

//! Every sample of every format, against the list of what it holds that was made by an independent reading.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use labels::AddressBlock;

use super::contract::Adapter;
use super::{Calendar, Reader, Reading};
use crate::Alert;
use crate::map::{Map, MapFile};

/// The folders of samples, and the adapter whose name each begins with.
fn formats() -> Vec<(String, &'static str)> {
    let folders = fs::read_dir(samples("")).unwrap();
    let mut formats: Vec<(String, &str)> = folders
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| {
            let folder = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut adapters = super::ADAPTERS.iter();
            let adapter = adapters.find(|adapter| folder.starts_with(adapter.name));
            (folder, adapter.unwrap().name)
        })
        .collect();
    formats.sort();
    formats
}

fn samples(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/adapters")
        .join(folder)
}

fn calendar() -> Calendar {
    // The captures of the samples lie in June 2024, and one of them about this New Year.
    let near = Some("2023-12-31T23:59:00Z".parse().unwrap());
    Calendar {
        zone: TimeZone::UTC,
        near,
    }
}

fn map(folder: &str, name: &str) -> Map {
    let own = fs::read_to_string(samples(folder).join("map.toml")).ok();
    let own = own.map(|text| ("map.toml", MapFile::parse("map.toml", &text).unwrap()));
    Adapter::named(name).unwrap().map(own).unwrap()
}

type Read = Result<(Vec<(u64, Alert)>, Reading), super::ReadError>;

fn read(name: &str, map: &Map, file: &Path) -> Read {
    let mut reader = Reader::new(Adapter::named(name).unwrap(), map, calendar());
    let mut alerts = Vec::new();
    reader.records(BufReader::new(File::open(file).unwrap()), |line, alert| {
        alerts.push((line, alert))
    })?;
    Ok((alerts, reader.reading().clone()))
}

/// The columns of the list that an alert keeps.
fn row(file: &str, line: u64, alert: &Alert) -> BTreeMap<&'static str, String> {
    let joined = |blocks: &[AddressBlock]| {
        let texts: Vec<String> = blocks.iter().map(ToString::to_string).collect();
        texts.join("|")
    };
    let class = match (&alert.ignored, alert.class, alert.family, alert.verdict) {
        (Some(_), ..) => "ignored".into(),
        (_, Some(class), ..) => class.to_string(),
        (_, _, Some(family), _) => format!("family:{family}"),
        (.., Some(verdict)) => format!("verdict:{verdict}"),
        _ => "unmapped".into(),
    };
    BTreeMap::from([
        ("file", file.to_owned()),
        ("line", line.to_string()),
        ("time", format!("{:.6}", alert.time)),
        ("source", joined(&alert.sources)),
        ("target", joined(&alert.targets)),
        (
            "dport",
            alert
                .ports
                .first()
                .map_or_else(String::new, ToString::to_string),
        ),
        (
            "transport",
            alert
                .transport
                .map_or_else(String::new, |name| name.to_string()),
        ),
        ("rule", alert.rule.to_string()),
        ("class", class),
        (
            "frame",
            alert
                .frame
                .map_or_else(String::new, |frame| frame.to_string()),
        ),
    ])
}

fn expected(folder: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(samples(folder).join("expected.csv")).unwrap();
    let mut rows = text
        .lines()
        .map(|line| super::cells::cells(line, ',').unwrap());
    let head = rows.next().unwrap();
    rows.map(|cells| head.iter().cloned().zip(cells).collect())
        .collect()
}

#[test]
fn every_sample_holds_what_an_independent_reading_found() {
    for (folder, name) in formats() {
        let folder = folder.as_str();
        let (map, expected) = (map(folder, name), expected(folder));
        let mut files: Vec<&String> = expected.iter().map(|row| &row["file"]).collect();
        files.dedup();
        let mut found = 0;
        for file in files {
            let (alerts, _) = read(name, &map, &samples(folder).join(file)).unwrap();
            let wanted: Vec<_> = expected.iter().filter(|row| row["file"] == *file).collect();
            let rows: Vec<_> = alerts
                .iter()
                .map(|(line, alert)| row(file, *line, alert))
                .collect();
            for (row, wanted) in rows.iter().zip(&wanted) {
                for (column, value) in row {
                    assert_eq!(
                        value, &wanted[*column],
                        "{folder}/{file}: {column} of {wanted:?}"
                    );
                }
            }
            assert_eq!(rows.len(), wanted.len(), "{folder}/{file}");
            found += rows.len();
        }
        assert_eq!(found, expected.len(), "{folder}");
        assert!(found > 0, "{folder}");
    }
}

#[test]
fn what_is_no_alert_is_counted() {
    let counts = |folder: &str, name: &str, file: &str| {
        let (_, reading) = read(name, &map(folder, name), &samples(folder).join(file)).unwrap();
        (reading.cut, reading.unreadable, reading.other)
    };
    for (folder, name, file) in [
        ("suricata", "suricata", "truncated.eve.json"),
        ("zeek", "zeek", "columns.notice.log"),
        ("zeek", "zeek", "iso8601.notice.json.log"),
        ("snort3-json", "snort", "truncated.alert_json.txt"),
        ("snort3-csv", "snort", "truncated.alert_csv.txt"),
        ("snort2-fast", "snort", "truncated.alert"),
        ("psad", "psad", "truncated.log"),
    ] {
        let (cut, unreadable, _) = counts(folder, name, file);
        assert_eq!((cut, unreadable), (1, 0), "{folder}/{file}");
    }
    // Its last line is broken and has an end.
    let (cut, unreadable, _) = counts("csv", "csv", "plain.jsonl");
    assert_eq!((cut, unreadable), (0, 1));
    let (.., other) = counts("suricata", "suricata", "mixed.eve.json");
    assert!(other["flow"] > 1 && other["ftp"] > 1, "{other:?}");
    let (.., other) = counts("psad", "psad", "syslog.log");
    assert_eq!(other["line of other programs"], 1);
    assert_eq!(other["other message of psad"], 1);
    let (cut, unreadable, other) = counts("zeek", "zeek", "empty.notice.log");
    assert_eq!((cut, unreadable, other.len()), (0, 0, 0));
}

#[test]
fn a_sample_that_must_be_refused_is_refused_with_its_line() {
    let refused = |file: &str| {
        let path = samples("csv").join(file);
        read("csv", &map("csv", "csv"), &path)
            .unwrap_err()
            .to_string()
    };
    assert!(refused("no-time.csv.bad").contains("line 1: no header with a column 'time'"));
    assert!(refused("wrong-class.csv.bad").contains("line 2: 'syn-skan' is no class"));
}

/// What reading `text` gives: the alerts' number, or the error.
fn read_text(name: &str, text: &[u8]) -> Result<usize, String> {
    let map = Adapter::named(name).unwrap().map(None).unwrap();
    let mut reader = Reader::new(Adapter::named(name).unwrap(), &map, calendar());
    let mut count = 0;
    let read = reader.read(text, |_| count += 1);
    read.map(|()| count).map_err(|error| error.to_string())
}

#[test]
fn a_file_of_another_detector_is_told_by_name() {
    let sample = |path: &str| fs::read(samples(path)).unwrap();
    for (path, is, read_as) in [
        ("suricata/odd.eve.json", "suricata", "zeek"),
        ("suricata/odd.eve.json", "suricata", "crywolf"),
        ("zeek/notice.log", "zeek", "suricata"),
        ("snort3-json/alert_json.txt", "snort", "suricata"),
        ("snort2-fast/alert", "snort", "psad"),
        ("psad/odd.log", "psad", "suricata"),
        ("psad/odd.log", "psad", "snort"),
        ("snort2-fast/syslog.alert", "snort", "psad"),
        ("csv/counter.csv", "csv", "suricata"),
        ("suricata/odd.eve.json", "suricata", "csv"),
        ("psad/odd.log", "psad", "csv"),
    ] {
        let error = read_text(read_as, &sample(path)).unwrap_err();
        assert!(
            error.contains(&format!("--from {is}")),
            "{path} as {read_as}: {error}"
        );
    }
}

#[test]
fn an_empty_file_is_a_detector_that_said_nothing() {
    for adapter in super::ADAPTERS {
        assert_eq!(read_text(adapter.name, b""), Ok(0));
        assert_eq!(read_text(adapter.name, b"\n  \n"), Ok(0));
    }
}

#[test]
fn what_holds_no_lines_is_said_to() {
    let told = |bytes: &[u8]| read_text("suricata", bytes).unwrap_err();
    assert!(told(b"\xd4\xc3\xb2\xa1\x02\x00").contains("this is a capture"));
    assert!(told(b"\xff\xfet\x00i\x00").contains("UTF-16"));
    assert!(told(b"\x28\xb5\x2f\xfd\x00").contains("zstd"));
    assert!(told(b"\x1f\x8b\x08\x00\x00").contains("cannot be read"));
    assert!(told(&vec![b'a'; 17 << 20]).contains("line 1 is longer than 16 MiB"));
    assert!(told(b"\xc3\x28\x00\n").contains("no line of it is"));
}

#[test]
fn what_a_table_cannot_mean_is_an_error_with_its_line() {
    for (row, what) in [
        (
            "1717243205250,1.2.3.4,syn-scan,,",
            "not between 1990 and 2100",
        ),
        (
            "1989-12-31T00:00:00Z,1.2.3.4,syn-scan,,",
            "not between 1990 and 2100",
        ),
        ("yesterday,1.2.3.4,syn-scan,,", "is no time"),
        ("1717243205,1.2.3,syn-scan,,", "neither an address"),
        ("1717243205,1.2.3.4,,,", "what does it say"),
        (",1.2.3.4,syn-scan,,", "no 'time'"),
        ("1717243205,1.2.3.4,syn-scan,0,", "count from 1"),
        ("1717243205,1.2.3.4,syn-scan,,sure", "is no score"),
        ("1717243205,1.2.3.4,syn-scan,,nan", "is no score"),
        ("1717243205,1.2.3.4,syn-scan,,0.5,more", "the header has 5"),
        (
            "1717243205,1.2.3.4,\"syn-scan,,",
            "does not end on its line",
        ),
    ] {
        let text =
            format!("time,source,class,frame,score\n1717243205,1.2.3.4,syn-scan,1,1\n{row}\n");
        let error = read_text("csv", text.as_bytes()).unwrap_err();
        assert!(
            error.starts_with("line 3: ") && error.contains(what),
            "{row}: {error}"
        );
    }
    let contradiction = "time,class,verdict\n1717243205,syn-scan,attack\n";
    assert!(
        read_text("csv", contradiction.as_bytes())
            .unwrap_err()
            .contains("contradicts itself")
    );
}

#[test]
fn a_zone_is_that_of_the_user_where_a_stamp_has_none() {
    let map = Adapter::named("snort").unwrap().map(None).unwrap();
    let berlin = Calendar {
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        ..calendar()
    };
    let mut reader = Reader::new(Adapter::named("snort").unwrap(), &map, berlin);
    let file = File::open(samples("snort2-fast").join("alert")).unwrap();
    let mut times = Vec::new();
    reader
        .read(BufReader::new(file), |alert| times.push(alert.time))
        .unwrap();
    assert_eq!(times[0], "2024-06-01T10:00:45.512004Z".parse().unwrap());
}

#[test]
fn every_shipped_map_can_be_read_and_says_for_whom_it_is() {
    for adapter in super::ADAPTERS {
        let map = adapter.map(None).unwrap();
        assert_eq!(
            map.latency.is_some(),
            adapter.map.is_some(),
            "{}",
            adapter.name
        );
    }
    let own = MapFile::parse("own.toml", "detector = 'zeek'\n").unwrap();
    let error = Adapter::named("psad")
        .unwrap()
        .map(Some(("own.toml", own)))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("own.toml:1: this map is for 'zeek'")
    );
}

//! The detector on what real tools and real programs sent: `golden/real`, against what its index expects.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use labels::{AddressBlock, Finding};
use toml::Table;

use crate::tools::crywolf_ok;

/// Hostile captures in which nothing is found.
const MISSED: &[&str] = &[];
/// Hostile captures in which somebody is found, but for another class than he deserves: an SNMP request to each of many
/// hosts is both.
const MISNAMED: &[&str] = &["udp-one-port-sweep"];
/// Captures in which somebody innocent is accused.
const ACCUSED: &[&str] = &[];

#[test]
fn real_scans_are_found_and_nobody_else_is_accused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/real");
    let index: Table = fs::read_to_string(folder.join("index.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let mut wrong: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, row) in &index {
        let row = row.as_table().unwrap();
        let alerts = alerts(&folder.join(row["file"].as_str().unwrap()), &[]);
        let hostile = match row["expect"].as_str().unwrap() {
            "alert" => true,
            "silence" | "explain" => false,
            "may" => continue,
            other => panic!("{name} expects '{other}'"),
        };
        let (guilty, innocent): (Vec<_>, Vec<_>) = alerts
            .iter()
            .partition(|finding| hostile && is_of(finding, row));
        if !innocent.is_empty() {
            wrong.entry("accused").or_default().push(name);
        }
        if hostile && guilty.is_empty() {
            wrong.entry("missed").or_default().push(name);
        } else if hostile
            && guilty
                .iter()
                .all(|f| f.class.name() != row["class"].as_str().unwrap())
        {
            wrong.entry("misnamed").or_default().push(name);
        }
    }
    let told = |kind: &str| wrong.get(kind).map_or(&[][..], Vec::as_slice);
    assert_eq!(told("accused"), ACCUSED);
    assert_eq!(told("missed"), MISSED);
    assert_eq!(told("misnamed"), MISNAMED);
}

#[test]
fn a_preset_is_a_trade_of_alarms_for_certainty() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/real");
    let captures: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "pcap"))
        .collect();
    let alarmed = |preset: &str| {
        let alarms = |path: &&PathBuf| !alerts(path, &["--preset", preset]).is_empty();
        captures.iter().filter(alarms).count()
    };
    let (quiet, balanced, paranoid) = (alarmed("quiet"), alarmed("balanced"), alarmed("paranoid"));
    assert!(
        quiet < balanced && balanced < paranoid,
        "{quiet}, {balanced}, {paranoid}"
    );
}

#[test]
fn the_thresholds_that_are_printed_are_those_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("thresholds.toml");
    fs::write(&file, crywolf_ok(&["detect", "--print-config"])).unwrap();
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/real/hydra-ssh.pcap");
    let with = alerts(&capture, &["--config", file.to_str().unwrap()]);
    assert_eq!(with, alerts(&capture, &[]));
    assert_eq!(with.len(), 1);
    let once = alerts(
        &capture,
        &["--preset", "quiet", "--config", file.to_str().unwrap()],
    );
    assert_eq!(once, with, "a file lies over the preset");
}

fn alerts(capture: &Path, options: &[&str]) -> Vec<Finding> {
    let plain = ["detect", capture.to_str().unwrap(), "--format", "jsonl"];
    crywolf_ok(&[&plain, options].concat())
        .lines()
        .map(|line| Finding::from_json(line).unwrap())
        .filter(|finding| finding.verdict.is_alerting())
        .collect()
}

/// Whether a finding blames who is to blame. Where nobody is by his address, it is right of the target.
fn is_of(finding: &Finding, row: &Table) -> bool {
    let blocks = |key: &str| -> Vec<AddressBlock> {
        let all = row[key].as_array().unwrap().iter();
        all.map(|block| block.as_str().unwrap().parse().unwrap())
            .collect()
    };
    let share = |ours: &[AddressBlock], theirs: &[AddressBlock]| {
        ours.iter()
            .any(|a| theirs.iter().any(|b| a.covers(b) || b.covers(a)))
    };
    match &blocks("sources")[..] {
        [] => share(&finding.targets, &blocks("targets")),
        sources => share(&finding.sources, sources),
    }
}

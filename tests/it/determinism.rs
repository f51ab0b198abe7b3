//! The same seed makes the same bytes, however it is asked for; another seed makes others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::tools::crywolf_ok;

/// The bytes of every file in a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entry = |entry: fs::DirEntry| {
        (
            entry.file_name().into_string().unwrap(),
            fs::read(entry.path()).unwrap(),
        )
    };
    fs::read_dir(folder)
        .unwrap()
        .map(|found| entry(found.unwrap()))
        .collect()
}

fn generate(arguments: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let mut all = vec!["generate"];
    all.extend(arguments);
    all.extend(["--out", folder.path().to_str().unwrap()]);
    crywolf_ok(&all);
    files(folder.path())
}

#[test]
fn the_number_of_jobs_never_shows() {
    let arguments = [
        "syn-scan",
        "ftp-session",
        "fin-scan",
        "--seeds",
        "1..3",
        "--background",
        "office",
    ];
    let one = generate(&[&arguments[..], &["--jobs", "1"]].concat());
    let four = generate(&[&arguments[..], &["--jobs", "4"]].concat());
    assert!(one.len() >= 12);
    assert!(one == four, "files differ between one job and four");
}

#[test]
fn one_sensor_alone_records_what_it_records_among_others() {
    let all = generate(&["syn-flood", "--seed", "4"]);
    let alone = generate(&["syn-flood", "--seed", "4", "--sensor", "forged"]);
    assert!(
        alone
            .iter()
            .all(|(name, bytes)| all.get(name) == Some(bytes))
    );
}

#[test]
fn another_seed_makes_another_capture() {
    let captures: Vec<Vec<u8>> = generate(&["syn-scan", "--seeds", "1..4", "--sensor", "victim"])
        .into_values()
        .collect();
    let mut different = captures.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), captures.len());
}

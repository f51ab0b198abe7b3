//! Traces of every rule, in `detector/traces/RULE/`: what it must find (`found-*`), what looks alike and is something else
//! (`lookalike-*`), a case just below its threshold (`below-*`), and a variant with loss or in another order (`lossy-*`,
//! `reordered-*`).
//!
//! A trace says what the detector makes of it, `gives CLASS CLASS` or `gives nothing`, in the order of the findings, several
//! of one class as `gives 3 CLASS`, and where need be `home NETWORK`. What a finding holds, the tests beside a rule look at.

use std::fs;
use std::path::{Path, PathBuf};

use wire::Trace;

use crate::trace::detected;
use crate::{Config, Detector};

/// The beginnings of the names of a rule's traces, each of which there must be.
const KINDS: [&[&str]; 4] = [
    &["found"],
    &["lookalike"],
    &["below"],
    &["lossy", "reordered"],
];

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The files of the rules that there are.
fn rules() -> Vec<&'static str> {
    let listed = include_str!("rule/mod.rs").lines();
    let mut rules: Vec<&str> = listed
        .filter_map(|line| line.trim().strip_prefix("Box::new(")?.split("::").next())
        .collect();
    rules.sort_unstable();
    rules
}

/// What a trace should give, and what it gives.
fn run(text: &str) -> Result<(), String> {
    let trace = Trace::parse(text).map_err(|error| error.to_string())?;
    let (mut home, mut wanted) = (Vec::new(), None);
    for head in &trace.heads {
        match head.text.split_once(' ') {
            Some(("home", network)) => home.push(
                network
                    .parse()
                    .map_err(|_| format!("line {}: {network} is no network", head.number))?,
            ),
            Some(("gives", classes)) => wanted = Some(classes),
            _ => return Err(format!("line {}: 'gives' or 'home'", head.number)),
        }
    }
    let wanted = wanted.ok_or("it does not say what it gives")?;
    let report = detected(Detector::new(Config::default(), &home), &trace);
    let classes: Vec<&str> = (report.findings.iter())
        .map(|finding| finding.class.name())
        .collect();
    let runs = classes.chunk_by(|one, other| one == other);
    let said = runs.map(|run| match run {
        [one] => (*one).to_owned(),
        run => format!("{} {}", run.len(), run[0]),
    });
    let found = match said.collect::<Vec<_>>().join(" ") {
        none if none.is_empty() => "nothing".to_owned(),
        found => found,
    };
    if found == wanted {
        Ok(())
    } else {
        Err(format!("gives {found}, should give {wanted}"))
    }
}

#[test]
fn every_trace_gives_what_it_says() {
    let mut wrong = Vec::new();
    for rule in rules() {
        let folder = folder("traces").join(rule);
        for name in names(&folder) {
            let text = fs::read_to_string(folder.join(format!("{name}.trace"))).unwrap();
            if let Err(problem) = run(&text) {
                wrong.push(format!("{rule}/{name}: {problem}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_traces_of_all_kinds() {
    assert_eq!(names(&folder("traces")), rules());
    for rule in rules() {
        let names = names(&folder("traces").join(rule));
        for kind in KINDS {
            let is_of = |name: &String| kind.iter().any(|kind| name.starts_with(kind));
            assert!(
                names.iter().any(is_of),
                "{rule} has no trace {}-*",
                kind.join("-* or ")
            );
        }
        let stranger = names.iter().find(|name| {
            let mut kinds = KINDS.iter().flat_map(|kind| kind.iter());
            !kinds.any(|kind| name.starts_with(kind))
        });
        assert_eq!(stranger, None, "{rule}");
    }
}

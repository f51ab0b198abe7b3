//! The scenario language: extending, varying, targets that are nobody, and how different seeds are.

use std::collections::BTreeSet;

use crate::micro::{read, record};
use generator::{Catalogue, Request, ScenarioFile, simulate};
use wire::Layers;
use wire::capture::CaptureReader;
use wire::decode::Transport;

/// What a sensor sees of a seed, apart from times and numbers: who, to whom, which ports and flags.
fn trace(file: &ScenarioFile, seed: u64) -> Vec<String> {
    let (bytes, _) = record(file, seed);
    let mut reader = CaptureReader::new(bytes.as_slice()).unwrap();
    let mut lines = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        let layers = Layers::decode(record.link_type, record.bytes);
        let Some((source, target)) = layers.addresses() else {
            continue;
        };
        let (_, port) = layers.ports().unwrap_or_default();
        let kind = match &layers.transport {
            Transport::Tcp(tcp) => tcp.flags.to_string(),
            _ => "other".into(),
        };
        lines.push(format!(
            "{source} {target} {port} {kind} {}",
            layers.payload_length
        ));
    }
    lines
}

fn distinct(file: &ScenarioFile) -> usize {
    let traces: BTreeSet<Vec<String>> = (1..=50).map(|seed| trace(file, seed)).collect();
    traces.len()
}

#[test]
fn an_extension_is_the_other_but_for_what_it_says() {
    let file = read(
        "extends = 'syn-scan'\nid = 'mine'\ntitle = 'mine'\nsummary = 'mine'\nwithout = ['difficulty', 'vary']\n[activity.scan]\nports = [7, 9]\n",
    )
    .unwrap();
    assert_eq!(file.identity().id, "mine");
    assert!(file.published().is_empty() && file.difficulties().is_empty());
    let ports: BTreeSet<String> = trace(&file, 1)
        .iter()
        .filter(|line| line.contains(" S "))
        .map(|line| line.split(' ').nth(2).unwrap().to_owned())
        .collect();
    assert!(
        ports.contains("7") && ports.contains("9") && !ports.contains("22"),
        "{ports:?}"
    );
}

#[test]
fn an_extension_of_nothing_is_a_mistake_of_its_line() {
    let error = read("id = 'mine'\nextends = 'sin-scan'\n").unwrap_err();
    assert!(
        error.starts_with("micro.toml:2") && error.contains("sin-scan"),
        "{error}"
    );
}

const WORLD: &str = r#"
id = "mine"
title = "a sweep"
family = "port-scan"
summary = "a test"
source = "a test"
start = "2000-05-14T12:00:00Z"
duration = "100s"
[site.outside]
prefixes = ["198.51.100.0/24"]
[site.home]
prefixes = ["192.0.2.0/24"]
[path.internet]
between = ["outside", "home"]
[group.scanners]
site = "outside"
count = 2
stack = "linux-2.2"
[group.open]
site = "home"
count = 2
stack = "linux-2.2"
open = [22, 80]
[group.filtered]
site = "home"
count = 1
stack = "linux-2.2"
ports = "filtered"
[group.dead]
site = "home"
count = 3
absent = true
[sensor.home]
site = "home"
[activity.scan]
tool = "nmap-2-syn"
from = "scanners"
to = ["open", "filtered", "dead"]
ports = [22, 80]
gap = "100ms"
class = "syn-scan"
"#;

#[test]
fn a_group_of_nobody_is_visited_and_does_not_answer() {
    let file = read(WORLD).unwrap();
    let lines = trace(&file, 1);
    let syns: Vec<&String> = lines.iter().filter(|line| line.contains(" S ")).collect();
    let targets: BTreeSet<&str> = syns
        .iter()
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    assert_eq!((syns.len(), targets.len()), (24, 6), "{lines:#?}");
    let answers: BTreeSet<&str> = lines
        .iter()
        .filter(|line| line.starts_with("192.0.2."))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(answers.len(), 2, "{answers:?}");
}

#[test]
fn seeds_differ_in_kind() {
    let text = format!(
        "{WORLD}[vary]\n\"group.scanners.count\" = \"1..3\"\n\"group.open.count\" = \"1..4\"\n\"group.dead.count\" = \"0..4\"\n\"group.filtered.count\" = \"0..2\"\n\
         \"activity.scan.ports\" = {{ choose = \"2..5\", of = [21, 22, 23, 25, 80, 110, 143], mixed = true }}\n\
         \"activity.scan.at\" = \"anywhere\"\n\"activity.scan.order\" = [\"by-host\", \"by-port\"]\n\"activity.scan.gap\" = \"log 1ms..500ms\"\n"
    );
    let file = read(&text).unwrap();
    assert_eq!(distinct(&file), 50);
}

#[test]
fn a_tools_own_stages_can_be_set() {
    let text = format!("{WORLD}[vary]\n\"activity.scan.stage.again.ports\" = [[25], [110]]\n");
    let file = read(&text.replace(
        "class = \"syn-scan\"",
        "class = \"syn-scan\"\nstage.first = {}\nstage.again = { delay = \"1s\" }",
    ))
    .unwrap();
    let lines = trace(&file, 1);
    assert!(
        lines
            .iter()
            .any(|line| line.contains(" 25 S ") || line.contains(" 110 S ")),
        "{lines:#?}"
    );
}

#[test]
fn built_in_scenarios_vary_with_their_seeds() {
    let catalogue = Catalogue::built_in().unwrap();
    for id in ["syn-scan", "nntp-reset", "fin-scan", "connect-scan"] {
        let file = catalogue.get(id).unwrap().unwrap();
        let traces: BTreeSet<Vec<String>> = (1..=20).map(|seed| trace(&file, seed)).collect();
        assert!(
            traces.len() >= 18,
            "{id}: {} of 20 traces differ",
            traces.len()
        );
    }
}

#[test]
fn numbers_without_bounds_are_mistakes() {
    for (wrong, wanted) in [
        ("app = 'http'\nparallel = 1000000000", "1000"),
        ("app = 'http'\nevery = '0s'", "at least 100us"),
        ("app = 'ntp'\nsessions = 9223372036854775807", "1000000000"),
        (
            "tool = 'probe'\nports = 1\ncount = 9223372036854775807",
            "1000000000000",
        ),
        ("tool = 'probe'\nports = 1\ntries = 100000", "1000"),
    ] {
        let text = WORLD.split("[activity.scan]").next().unwrap();
        let error = read(&format!(
            "{text}[activity.x]\nfrom = 'scanners'\nto = 'open'\n{wrong}\n"
        ))
        .unwrap_err();
        assert!(error.contains(wanted), "{wrong}: {error}");
    }
    let service = "[host.h]\nsite = 'home'\naddress = '192.0.2.250'\nstack = 'linux-6'\nservice.web = { app = 'http', writes = 9223372036854775807 }\n";
    assert!(
        read(&format!("{WORLD}{service}"))
            .unwrap_err()
            .contains("2^30")
    );
}

#[test]
fn every_built_in_scenario_is_right_with_all_it_offers() {
    let catalogue = Catalogue::built_in().unwrap();
    for id in catalogue.ids() {
        if let Err(errors) = catalogue.check(&id).unwrap() {
            panic!("{id}: {errors}");
        }
    }
}

#[test]
fn what_has_no_home_is_no_background() {
    let catalogue = Catalogue::built_in().unwrap();
    let base = read(&WORLD.replace("home", "office")).unwrap();
    let story = catalogue.get("syn-scan").unwrap().unwrap();
    let request = Request {
        background: Some(&base),
        ..Request::default()
    };
    let errors = story.resolve(&request, catalogue.stacks()).unwrap_err();
    assert!(
        errors.to_string().contains("needs a site called 'home'"),
        "{errors}"
    );
}

/// A short scan may be the last that a capture shows, though its file leaves it much more time.
#[test]
fn a_story_over_a_background_begins_as_likely_late_as_early() {
    let catalogue = Catalogue::built_in().unwrap();
    let scan = read(&WORLD.replace("100s", "290s")).unwrap();
    let office = catalogue.get("office-2000").unwrap().unwrap();
    let shares: Vec<u64> = (1..=60)
        .map(|seed| {
            let request = Request {
                seed,
                background: Some(&office),
                rehearse: Some(generator::sim::rehearse),
                ..Request::default()
            };
            let scenario = scan.resolve(&request, catalogue.stacks()).unwrap();
            let begins = scenario
                .runs
                .iter()
                .filter(|run| run.path.starts_with("tool/scan"));
            let first = begins.map(|run| run.at).min().unwrap();
            first * 10 / scenario.duration
        })
        .collect();
    for tenth in [0, 4, 9] {
        assert!(shares.contains(&tenth), "{shares:?}");
    }
}

/// What a way does and when belongs to the story: the connections that a loop is to hit fall into it wherever they begin.
#[test]
fn over_a_background_a_loop_comes_when_its_story_does() {
    let catalogue = Catalogue::built_in().unwrap();
    let [story, office] =
        ["routing-loop", "office-2000"].map(|id| catalogue.get(id).unwrap().unwrap());
    for seed in 1..=5 {
        let request = Request {
            seed,
            background: Some(&office),
            rehearse: Some(generator::sim::rehearse),
            ..Request::default()
        };
        let scenario = story.resolve(&request, catalogue.stacks()).unwrap();
        let (_, from, until) = (scenario.paths.iter())
            .find_map(|path| path.circle)
            .expect("one of its ways loops");
        let hit = (scenario.runs.iter()).filter(|run| run.path.contains("/hit/"));
        let begins = hit.map(|run| run.at).min().expect("somebody is hit");
        assert!(
            (from..until).contains(&begins),
            "seed {seed}: {begins} is not in {from}..{until}"
        );
    }
}

/// Others close before.
#[test]
fn over_a_background_a_recording_that_ends_with_a_close_ends_with_that_of_its_event() {
    let catalogue = Catalogue::built_in().unwrap();
    let [story, office] =
        ["ftp-close-last-ack-lost", "office-2000"].map(|id| catalogue.get(id).unwrap().unwrap());
    let request = Request {
        background: Some(&office),
        ..Request::default()
    };
    let scenario = story.resolve(&request, catalogue.stacks()).unwrap();
    let client = |sensor: &str| (sensor == "client").then(Vec::new);
    let recordings = simulate(&scenario, 1, true, client).unwrap();
    let (_, truth) = recordings.into_iter().next().unwrap().into_truth();
    let ends = truth.events.iter().map(|event| event.end);
    assert_eq!(ends.max(), truth.capture.last, "of a whole session");
}

//! What is counted.

use labels::{Class, Verdict};
use scorer::{Capture, Options, score};

use crate::world::*;

const SCANNER: &str = "198.51.100.7";
const HOST: &str = "192.0.2.10";
const OTHER: &str = "203.0.113.9";

#[test]
fn without_alerts_everything_is_missed_and_nobody_cried_wolf() {
    let events = vec![
        event(1, Class::SynScan, SCANNER, HOST, 0, 10_000),
        event(2, Class::LbSynProbe, OTHER, HOST, 0, 10_000),
    ];
    let grade = grade(&truth(1, events, &[1, 2]), vec![]);
    let all = &grade.all;
    assert_eq!(
        (all.recall.value, all.cry_wolf.value),
        (Some(0.0), Some(0.0))
    );
    assert_eq!((all.precision.value, all.f1), (None, None));
    assert_eq!(
        (all.time_to_detect.detected, all.time_to_detect.missed),
        (0, 1)
    );
    assert_eq!(all.time_to_detect.seconds.median, None);
    assert_eq!(all.explained.value, Some(0.0));
}

#[test]
fn without_events_every_share_is_null() {
    let truth = truth(1, vec![], &[0, 0]);
    let silent = grade(&truth, vec![]);
    for share in [
        &silent.all.recall,
        &silent.all.precision,
        &silent.all.cry_wolf,
    ] {
        assert_eq!(
            (share.value, share.low, share.high, share.exact),
            (None, None, None, None)
        );
    }
    let loud = grade(&truth, vec![alert(Class::SynScan, SCANNER, HOST, 0)]);
    assert_eq!(loud.all.precision.value, Some(0.0));
    assert_eq!(loud.all.recall.value, None);
}

#[test]
fn only_silent_events_and_one_alert() {
    let events = (1..=4).map(|id| {
        event(
            id,
            Class::LbSynProbe,
            &format!("203.0.113.{id}"),
            HOST,
            0,
            10_000,
        )
    });
    let said = alert(Class::SynScan, "203.0.113.3", HOST, 5_000);
    let grade = grade(&truth(1, events.collect(), &[]), vec![said]);
    assert_eq!(grade.all.cry_wolf.value, Some(0.25));
    assert_eq!(grade.all.recall.value, None);
    assert_eq!(grade.all.precision.value, Some(0.0));
}

#[test]
fn precision_weighs_incidents() {
    let events = vec![
        event(1, Class::SynScan, SCANNER, HOST, 0, 10_000),
        event(2, Class::LbSynProbe, OTHER, HOST, 0, 600_000),
    ];
    let mut alerts: Vec<_> = (0..5)
        .map(|n| alert(Class::SynScan, SCANNER, HOST, n * 1000))
        .collect();
    // Two wolf-cry incidents: the gap is over a minute.
    alerts.extend([0, 30_000, 300_000].map(|ms| alert(Class::SynScan, OTHER, HOST, ms)));
    // One false-alarm incident of ten alerts.
    alerts.extend((0..10).map(|n| alert(Class::PingSweep, "203.0.113.77", HOST, n * 60_000)));
    let grade = grade(&truth(1, events, &[]), alerts);
    let all = &grade.all;
    assert_eq!((all.precision.hits, all.precision.of), (1, 4));
    assert_eq!((all.wolf_cries.incidents, all.wolf_cries.alerts), (2, 3));
    assert_eq!(
        (all.false_alarms.incidents, all.false_alarms.alerts),
        (1, 10)
    );
    assert_eq!(all.false_alarms_per_hour, Some(1.0));
    assert_eq!(all.alerts_per_event, Some(5.0));
    // By the class that was said: one of three SYN scans deserved it, no ping sweep did.
    assert_eq!(grade.classes[&Class::SynScan].precision.of, 3);
    assert_eq!(grade.classes[&Class::PingSweep].precision.value, Some(0.0));
    assert_eq!(grade.verdicts[&Verdict::Reconnaissance].precision.of, 4);
    // F1 = 2 * 1/4 * 1 / (1/4 + 1)
    assert_eq!(all.f1, Some(0.4));
}

#[test]
fn an_alert_of_count_n_is_n_alerts_and_one_incident() {
    let scan = event(1, Class::SynScan, SCANNER, HOST, 0, 10_000);
    let mut said = alert(Class::SynScan, SCANNER, HOST, 5_000);
    said.count = 7;
    let mut stray = alert(Class::SynScan, OTHER, HOST, 5_000);
    stray.count = 3;
    let grade = grade(&truth(1, vec![scan], &[]), vec![said, stray]);
    assert_eq!(outcome_of(&grade, 1).alerts, 7);
    assert_eq!((grade.all.precision.hits, grade.all.precision.of), (1, 2));
    assert_eq!(grade.all.false_alarms.alerts, 3);
    assert_eq!(grade.captures[0].alerts, 10);
}

#[test]
fn rates_are_per_hour_and_per_million_frames() {
    // An hour and four frames: two incidents are 2 an hour and 500,000 per million frames.
    let alerts = vec![
        alert(Class::SynScan, OTHER, HOST, 0),
        alert(Class::SynScan, SCANNER, HOST, 0),
    ];
    let grade = grade(&truth(1, vec![], &[0, 0, 0, 0]), alerts);
    assert_eq!(grade.all.false_alarms_per_hour, Some(2.0));
    assert_eq!(grade.all.false_alarms_per_million, Some(500_000.0));
}

#[test]
fn the_first_alert_alone_names_the_event() {
    let scan = event(1, Class::SynScan, SCANNER, HOST, 0, 10_000);
    let alerts = vec![
        alert(Class::FinScan, SCANNER, HOST, 1_000),
        alert(Class::SynScan, SCANNER, HOST, 2_000),
    ];
    let grade = grade(&truth(1, vec![scan], &[]), alerts);
    assert_eq!((grade.all.family_named.hits, grade.all.named.hits), (1, 0));
}

#[test]
fn explained_takes_the_exact_class_and_asks_only_detectors_that_explain() {
    let events = vec![
        event(1, Class::LbSynProbe, SCANNER, HOST, 0, 10_000),
        event(2, Class::Traceroute, OTHER, HOST, 0, 10_000),
        event(3, Class::Web, "203.0.113.3", HOST, 0, 10_000),
    ];
    let truth = truth(1, events, &[]);
    let alerts = vec![
        alert(Class::LbSynackProbe, SCANNER, HOST, 5_000),
        alert(Class::Traceroute, OTHER, HOST, 5_000),
    ];
    let grade = grade(&truth, alerts.clone());
    assert_eq!((grade.all.explained.hits, grade.all.explained.of), (1, 2));
    assert_eq!(grade.all.cry_wolf.of, 3);
    let mute = Options {
        explains: Some(false),
        ..Options::crywolf()
    };
    assert_eq!(grade_with(&mute, &truth, alerts).all.explained.value, None);
}

#[test]
fn the_confusion_has_a_none_column_and_a_background_row() {
    let events = vec![
        event(1, Class::SynScan, SCANNER, HOST, 0, 10_000),
        event(2, Class::SynScan, OTHER, HOST, 0, 10_000),
        event(3, Class::Traceroute, "203.0.113.3", HOST, 0, 10_000),
    ];
    let alerts = vec![
        alert(Class::FinScan, SCANNER, HOST, 5_000),
        alert(Class::Traceroute, "203.0.113.3", HOST, 5_000),
        alert(Class::PingSweep, "203.0.113.4", HOST, 5_000),
    ];
    let grade = grade(&truth(1, events, &[]), alerts);
    let rows = &grade.confusion;
    assert_eq!(rows[0].truth, Some(Class::SynScan));
    assert_eq!((rows[0].said[&Class::FinScan], rows[0].none), (1, 1));
    assert_eq!(rows[1].said[&Class::Traceroute], 1);
    assert_eq!((rows[2].truth, rows[2].said[&Class::PingSweep]), (None, 1));
    let csv = scorer::report::confusion_csv(&grade);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines,
        [
            "truth,syn-scan,fin-scan,ping-sweep,traceroute,unclassed,none",
            "syn-scan,0,1,0,0,0,1",
            "traceroute,0,0,0,1,0,0",
            "background,0,0,1,0,0,",
        ]
    );
}

#[test]
fn intervals_over_seeds_need_two_seeds() {
    let scan = || vec![event(1, Class::SynScan, SCANNER, HOST, 0, 10_000)];
    let truths: Vec<_> = (1..=4).map(|seed| truth(seed, scan(), &[])).collect();
    let captures: Vec<_> = (truths.iter())
        .map(|truth| Capture {
            truth,
            alerts: if truth.seed == 1 {
                vec![]
            } else {
                vec![alert(Class::SynScan, SCANNER, HOST, 5_000)]
            },
        })
        .collect();
    let one = score(&captures[..1], &Options::crywolf());
    assert_eq!(one.all.recall.by_seed, None);
    let four = score(&captures, &Options::crywolf());
    assert_eq!(four.all.recall.value, Some(0.75));
    let interval = four.all.recall.by_seed.unwrap();
    assert!(interval.low < 0.75 && interval.high >= 0.75, "{interval:?}");
    assert_eq!(
        score(&captures, &Options::crywolf()),
        four,
        "the same grade every time"
    );
}

#[test]
fn prevalence_turns_rates_into_precision() {
    // Recall 1 of 2, cry-wolf 1 of 4: at 1 in 5 that is 0.2 * 0.5 / (0.2 * 0.5 + 0.8 * 0.25) = 1/3.
    let mut events: Vec<_> = (1..=2)
        .map(|id| {
            event(
                id,
                Class::SynScan,
                &format!("198.51.100.{id}"),
                HOST,
                0,
                10_000,
            )
        })
        .collect();
    events.extend(
        (3..=6).map(|id| event(id, Class::Web, &format!("198.51.100.{id}"), HOST, 0, 10_000)),
    );
    let alerts =
        ["198.51.100.1", "198.51.100.3"].map(|from| alert(Class::SynScan, from, HOST, 5_000));
    let options = Options {
        prevalence: Some(0.2),
        ..Options::crywolf()
    };
    let grade = grade_with(&options, &truth(1, events, &[]), alerts.to_vec());
    let precision = grade.all.precision_at_prevalence.unwrap();
    assert!((precision - 1.0 / 3.0).abs() < 1e-12, "{precision}");
}

#[test]
fn a_grade_reads_back_as_it_was_written() {
    let mut scan = event(1, Class::SynScan, SCANNER, HOST, 0, 10_000);
    scan.evident = evident(2);
    let mut said = at_frame(alert(Class::SynScan, SCANNER, HOST, 5_000), 2);
    said.evidence = evidence();
    let truth = truth(1, vec![scan], &[1, 1, 0]);
    let grade = grade(&truth, vec![said]);
    let text = grade.to_json();
    let mut written = Vec::new();
    grade.write_json(&mut written).unwrap();
    assert_eq!(written, text.as_bytes());
    assert_eq!(scorer::Grade::from_json(&text).unwrap(), grade);
    let foreign = text.replace("crywolf.grade/1", "crywolf.grade/2");
    assert!(scorer::Grade::from_json(&foreign).is_err());
    let other_rules = text.replace("crywolf-1", "crywolf-2");
    assert!(scorer::Grade::from_json(&other_rules).is_err());
    let error = scorer::Grade::from_json(&truth.to_json()).unwrap_err();
    assert!(error.to_string().contains("crywolf.truth/1"), "{error}");
}

//! What the stamps of a detector tell of its clock: coarse ones widen the match, a shift is named and not corrected.

use std::time::Duration;

use jiff::SignedDuration;
use labels::{Class, Event, Truth};
use scorer::{Alert, Doubt, Grade, Options};

use crate::world::*;

const SCANNER: &str = "198.51.100.7";
const HOST: &str = "192.0.2.10";

/// A scan from 10.4 s to 20.6 s.
fn scan() -> Event {
    event(1, Class::SynScan, SCANNER, HOST, 10_400, 20_600)
}

fn one_scan() -> Truth {
    truth(1, vec![scan()], &[])
}

fn moment(millis: i64) -> Alert {
    alert(Class::SynScan, SCANNER, HOST, millis)
}

fn hits(options: &Options, alerts: &[i64]) -> u64 {
    let alerts = alerts.iter().map(|millis| moment(*millis)).collect();
    let grade = grade_with(options, &one_scan(), alerts);
    outcome_of(&grade, 1).alerts
}

#[test]
fn stamps_on_whole_seconds_widen_the_match_by_one_at_both_ends() {
    let found = Options::crywolf();
    for (millis, fits) in [(9_000, 0), (10_000, 1), (21_000, 1), (22_000, 0)] {
        assert_eq!(hits(&found, &[millis]), fits, "at {millis} ms");
    }
    // One that lies between seconds shows that the others could have.
    assert_eq!(hits(&found, &[10_000, 15_001]), 1);
    assert_eq!(hits(&found, &[15_001, 10_000]), 1);
}

#[test]
fn a_found_resolution_is_told() {
    let told = |millis| {
        let grade = grade_with(&Options::crywolf(), &one_scan(), vec![moment(millis)]);
        grade.captures[0].resolution_s
    };
    assert_eq!((told(10_000), told(10_500)), (Some(1.0), None));
}

#[test]
fn a_declared_resolution_holds_instead() {
    let declared = |millis| Options {
        resolution: Some(Duration::from_millis(millis)),
        ..Options::crywolf()
    };
    assert_eq!(hits(&declared(0), &[10_000]), 0);
    assert_eq!(hits(&declared(300), &[10_100]), 1);
    assert_eq!(hits(&declared(300), &[10_098]), 0);
    assert_eq!(hits(&declared(5000), &[25_600]), 1);
}

#[test]
fn the_resolution_is_that_of_the_detectors_clock() {
    let offset = SignedDuration::from_millis(90_250);
    let options = Options {
        clock_offset: offset,
        ..Options::crywolf()
    };
    // 100 s by its clock is 9.75 s by the truth's: within a second of 10.4 s.
    assert_eq!(hits(&options, &[100_000]), 1);
}

#[test]
fn many_alerts_on_whole_seconds_do_not_wait_for_ever() {
    let alerts: Vec<i64> = (0..25_000).map(|_| 10_000).collect();
    assert_eq!(hits(&Options::crywolf(), &alerts), 25_000);
}

/// Three scans at different times, and alerts on each that are `shift` late.
fn shifted(shift: i64, latency: u64) -> Grade {
    let scans: Vec<Event> = (0..3)
        .map(|n| {
            let start = 60_000 * i64::from(n) * i64::from(n + 1);
            event(
                n + 1,
                Class::SynScan,
                SCANNER,
                HOST,
                start + 400,
                start + 900,
            )
        })
        .collect();
    let alerts = scans
        .iter()
        .map(|scan| {
            let raised = scan.start.as_millisecond() - at(0).as_millisecond();
            moment(raised + 123 + shift)
        })
        .collect();
    grade_with(&with_latency(latency), &truth(1, scans, &[]), alerts)
}

fn named_shift(grade: &Grade) -> Option<f64> {
    grade.captures[0]
        .doubts
        .iter()
        .find_map(|doubt| match doubt {
            Doubt::ClockShift { seconds, .. } => Some(*seconds),
            _ => None,
        })
}

#[test]
fn a_shift_of_all_alerts_is_named_and_not_corrected() {
    for (shift, named) in [
        (0, None),
        (7_200_000, Some(7200.0)),
        (-3_600_000, Some(-3600.0)),
        (-20_000, Some(-20.0)),
        (86_400_000, Some(86_400.0)),
    ] {
        let grade = shifted(shift, 1);
        assert_eq!(named_shift(&grade), named, "{shift} ms");
        let hits = if shift == 0 { 3 } else { 0 };
        assert_eq!(grade.all.recall.hits, hits);
    }
    // With its latency the detector was not late at all.
    assert_eq!(named_shift(&shifted(20_000, 60)), None);
}

#[test]
fn one_alert_tells_of_a_shift_only_outside_the_capture() {
    let shift = |millis| {
        named_shift(&grade_with(
            &with_latency(1),
            &one_scan(),
            vec![moment(millis)],
        ))
    };
    assert_eq!(shift(1_000_000), None);
    assert_eq!(shift(7_215_000), Some(7200.0));
}

#[test]
fn a_few_alerts_that_fit_by_chance_do_not_hide_a_shift_and_many_do() {
    let scans: Vec<Event> = (0..20)
        .map(|n| {
            event(
                n + 1,
                Class::SynScan,
                SCANNER,
                HOST,
                i64::from(n * n) * 5_000,
                i64::from(n * n) * 5_000 + 100,
            )
        })
        .collect();
    let alerts = |late: usize| -> Vec<Alert> {
        (scans.iter().enumerate())
            .map(|(n, scan)| {
                let raised = scan.start.as_millisecond() - at(0).as_millisecond() + 7;
                moment(raised + if n < late { 7_200_000 } else { 0 })
            })
            .collect()
    };
    let shift = |late| {
        named_shift(&grade_with(
            &with_latency(1),
            &truth(1, scans.clone(), &[]),
            alerts(late),
        ))
    };
    assert_eq!(shift(19), Some(7200.0));
    assert_eq!(shift(10), None);
}

#[test]
fn alerts_of_another_capture_are_doubted() {
    let stranger = alert(Class::SynScan, "203.0.113.1", "203.0.113.2", 10_000_000);
    let grade = grade_with(&with_latency(1), &one_scan(), vec![stranger]);
    let doubts = &grade.captures[0].doubts;
    assert!(
        matches!(
            doubts[0],
            Doubt::OutOfTime {
                alerts: 1,
                of: 1,
                ..
            }
        ),
        "{doubts:?}"
    );
    assert!(
        matches!(doubts[1], Doubt::Strangers { alerts: 1 }),
        "{doubts:?}"
    );
}

#[test]
fn frames_beyond_the_capture_are_told() {
    let said = at_frame(moment(15_000), 4);
    let graded = grade(&truth(1, vec![scan()], &[1, 1, 1]), vec![said]);
    assert_eq!(
        graded.captures[0].doubts,
        [Doubt::FramesBeyond { alerts: 1 }]
    );
    assert_eq!(graded.all.recall.hits, 1, "they are no evidence");
}

#[test]
fn who_does_not_say_when_its_case_ended_is_bound_to_its_latency() {
    let other = Options {
        raises_late: false,
        ..with_latency(5)
    };
    let late = |millis| spanning(moment(millis), 10_400, 20_600);
    let fits = |millis| {
        grade_with(&other, &one_scan(), vec![late(millis)])
            .all
            .recall
            .hits
    };
    assert_eq!((fits(25_600), fits(25_602)), (1, 0));
}

//! Bounds and baselines.

use labels::{Class, Truth};
use scorer::gate::Side;
use scorer::{Alert, Capture, Gate, Gates, Grade, Options, baseline, score};

use crate::world::*;

const HOST: &str = "192.0.2.10";

/// Twenty scans and ten probes that want silence.
fn captures() -> Truth {
    let from = |n: u32| format!("198.51.100.{n}");
    let scans = (1..=20).map(|n| event(n, Class::SynScan, &from(n), HOST, 0, 10_000));
    let probes = (21..=30).map(|n| event(n, Class::LbSynProbe, &from(n), HOST, 0, 10_000));
    truth(1, scans.chain(probes).collect(), &[])
}

fn alerts_on(sources: impl IntoIterator<Item = u32>) -> Vec<Alert> {
    let said = |n| alert(Class::SynScan, &format!("198.51.100.{n}"), HOST, 5_000);
    sources.into_iter().map(said).collect()
}

fn graded(sources: impl IntoIterator<Item = u32>) -> Grade {
    grade(&captures(), alerts_on(sources))
}

fn passes(grade: &Grade, side: Side, text: &str) -> bool {
    Gate::parse(side, text).unwrap().check(grade).passed
}

#[test]
fn a_bound_passes_itself() {
    // 19 of 20 detected, 1 of 10 cried wolf.
    let grade = graded((1..=19).chain([21]));
    assert!(passes(&grade, Side::Under, "recall=0.95"));
    assert!(!passes(&grade, Side::Under, "recall=0.951"));
    assert!(passes(&grade, Side::Over, "cry-wolf=0.1"));
    assert!(!passes(&grade, Side::Over, "cry-wolf=0.09"));
    assert!(passes(&grade, Side::Under, "syn-scan.recall=0.95"));
    assert!(passes(&grade, Side::Under, "reconnaissance.recall=0.95"));
    assert!(passes(&grade, Side::Over, "latency-probe.cry-wolf=0.1"));
    assert!(passes(&grade, Side::Over, "false-alarms=0"));
    assert!(passes(&grade, Side::Over, "time-to-detect=5"));
}

#[test]
fn a_lower_bound_asks_for_more_than_the_figure() {
    // Wilson on 20 of 20: 20 / (20 + 3.8415) = 0.8389; the exact bound is 0.05^(1/20) = 0.8609.
    let grade = graded(1..=20);
    assert!(passes(&grade, Side::Under, "recall.low=0.838"));
    assert!(!passes(&grade, Side::Under, "recall.low=0.84"));
    assert!(passes(&grade, Side::Under, "recall.exact=0.86"));
    assert!(!passes(&grade, Side::Under, "recall.exact=0.862"));
    // 0 of 10 silences broken: Wilson's upper end is 3.8415 / 13.8415 = 0.2775.
    assert!(passes(&grade, Side::Over, "cry-wolf.high=0.278"));
    assert!(!passes(&grade, Side::Over, "cry-wolf.high=0.277"));
}

#[test]
fn a_figure_over_nothing_passes_no_gate() {
    let grade = graded([]);
    assert!(!passes(&grade, Side::Under, "precision=0"));
    assert!(!passes(&grade, Side::Under, "udp-scan.recall=0"));
    assert!(!passes(&grade, Side::Over, "udp-scan.cry-wolf=1"));
    let outcome = Gate::parse(Side::Under, "udp-scan.recall=1")
        .unwrap()
        .check(&grade);
    assert!(outcome.to_string().contains("not measured"), "{outcome}");
}

#[test]
fn gates_are_read_and_held_together() {
    let gates = Gates::parse(&["recall=0.9".into()], &["cry-wolf=0".into()]).unwrap();
    let passed: Vec<bool> = gates
        .check(&graded([1, 21]))
        .iter()
        .map(|gate| gate.passed)
        .collect();
    assert_eq!(passed, [false, false]);
    assert!(Gates::parse(&["recall".into()], &[]).is_err());
}

#[test]
fn a_baseline_fails_on_what_became_worse_alone() {
    let old = graded([1, 2, 3, 21]);
    let same = baseline::compare(&old, &old);
    assert!(same.passed());
    assert_eq!((same.shared, same.recall.p), (30, 1.0));
    // Better at 4 to 9 and 21, worse at nothing.
    let better = baseline::compare(&old, &graded(1..=9));
    assert!(better.passed());
    assert_eq!(
        (better.newly_detected.len(), better.newly_silent.len()),
        (6, 1)
    );
    assert!((better.recall.p - 2.0 / 64.0).abs() < 1e-12);
    // As good in sum, but event 3 is missed now and event 22 cries wolf.
    let moved = baseline::compare(&old, &graded([1, 2, 4, 22]));
    assert!(!moved.passed());
    assert_eq!(moved.newly_missed[0].event.0, 3);
    assert_eq!(moved.newly_broken[0].event.0, 22);
    assert_eq!(moved.newly_broken[0].class, Class::LbSynProbe);
}

#[test]
fn events_of_other_captures_are_not_compared() {
    let old = graded([1]);
    let mut other = captures();
    other.seed = 2;
    let comparison = baseline::compare(&old, &grade(&other, vec![]));
    assert!(comparison.passed());
    let counts = (
        comparison.shared,
        comparison.only_in_baseline,
        comparison.only_in_grade,
    );
    assert_eq!(counts, (0, 30, 30));
}

#[test]
fn captures_graded_twice_are_compared_one_by_one() {
    let truth = captures();
    let twice = |second| {
        let alerts = alerts_on([1]);
        score(
            &[
                Capture {
                    truth: &truth,
                    alerts,
                },
                Capture {
                    truth: &truth,
                    alerts: alerts_on(second),
                },
            ],
            &Options::crywolf(),
        )
    };
    let comparison = baseline::compare(&twice(vec![1]), &twice(vec![]));
    assert_eq!((comparison.shared, comparison.newly_missed.len()), (60, 1));
}

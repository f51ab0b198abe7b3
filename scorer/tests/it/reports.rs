//! What people and machines read.

use labels::{Class, Expect};
use scorer::{Grade, Options, report};

use crate::world::*;

/// One of everything that can go right or wrong.
fn everything() -> Grade {
    let host = "192.0.2.10";
    let mut missed = event(2, Class::XmasScan, "198.51.100.8", host, 0, 10_000);
    missed.evident = evident(5);
    let mut probe = event(3, Class::LbSynProbe, "203.0.113.9", host, 0, 10_000);
    probe.because = vec!["it came after a lookup".into(), "it carries data".into()];
    let mut open = event(5, Class::PreviousTenant, "203.0.113.11", host, 0, 10_000);
    open.expect = Expect::May;
    let events = vec![
        event(1, Class::SynScan, "198.51.100.7", host, 0, 10_000),
        missed,
        probe,
        event(4, Class::Traceroute, "203.0.113.10", host, 0, 10_000),
        open,
    ];
    let truth = truth(7, events, &[1, 1, 1, 2, 2, 0, 3, 4, 5]);
    let mut wolf = at_frame(alert(Class::SynScan, "203.0.113.9", host, 4_000), 7);
    wolf.evidence = evidence();
    let mut stray = alert(
        Class::SynFlood,
        "203.0.113.99",
        "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4",
        9_000,
    );
    stray.evidence = evidence();
    stray.rule = "evil\u{1b}[31m <b>rule</b>".into();
    let mut unknown = alert(Class::SynScan, "203.0.113.98", host, 0);
    unknown.class = None;
    unknown.rule = "sid:2010935".into();
    let alerts = vec![
        at_frame(alert(Class::SynScan, "198.51.100.7", host, 2_500), 2),
        alert(Class::SynScan, "198.51.100.7", host, 3_000),
        wolf,
        alert(Class::Traceroute, "203.0.113.10", host, 1_000),
        alert(Class::PingSweep, "203.0.113.11", host, 1_000),
        stray,
        unknown,
    ];
    let options = Options {
        prevalence: Some(0.1),
        ..Options::crywolf()
    };
    grade_with(&options, &truth, alerts)
}

#[test]
fn the_summary_says_what_happened_and_why() {
    insta::assert_snapshot!(report::text(&everything(), 80));
}

#[test]
fn the_summary_keeps_to_its_width() {
    for width in [80, 100] {
        let text = report::text(&everything(), width);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= width), "{text}");
    }
}

#[test]
fn nothing_a_detector_wrote_steers_the_terminal() {
    let text = report::text(&everything(), 80);
    assert!(
        text.chars()
            .all(|letter| letter == '\n' || !letter.is_control())
    );
}

#[test]
fn an_empty_grade_can_be_read() {
    let text = report::text(&Grade::new(vec![], &Options::crywolf()), 80);
    assert!(text.contains("0 captures"), "{text}");
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}

#[test]
fn junit_has_a_case_for_each_event_and_one_for_the_background() {
    insta::assert_snapshot!(report::junit(&everything()));
}

#[test]
fn markdown_lets_no_markup_through() {
    let page = report::markdown(&everything());
    assert!(!page.contains("<b>"), "{page}");
    insta::assert_snapshot!(page);
}

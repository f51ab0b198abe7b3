//! When an alert fits an event.

use jiff::SignedDuration;
use labels::{Class, Event};
use scorer::{Alert, Options};

use crate::world::*;

const SCANNER: &str = "198.51.100.7";
const HOST: &str = "192.0.2.10";

/// A scan from 10 s to 20 s.
fn scan() -> Event {
    event(1, Class::SynScan, SCANNER, HOST, 10_000, 20_000)
}

fn detects(options: &Options, alert: Alert) -> bool {
    let grade = grade_with(options, &truth(1, vec![scan()], &[]), vec![alert]);
    assert_eq!(
        grade.all.recall.hits + false_alarms(&grade),
        1,
        "one or the other"
    );
    grade.all.recall.hits == 1
}

fn moment(millis: i64) -> Alert {
    alert(Class::SynScan, SCANNER, HOST, millis)
}

#[test]
fn an_alert_fits_from_the_first_frame_to_the_last() {
    let crywolf = fine();
    for (millis, fits) in [
        (9_998, false),
        (10_000, true),
        (20_000, true),
        (20_002, false),
    ] {
        assert_eq!(detects(&crywolf, moment(millis)), fits, "at {millis} ms");
    }
}

#[test]
fn a_declared_latency_lets_it_come_later_and_never_earlier() {
    let slow = with_latency(60);
    for (millis, fits) in [
        (9_998, false),
        (10_000, true),
        (80_000, true),
        (80_002, false),
    ] {
        assert_eq!(detects(&slow, moment(millis)), fits, "at {millis} ms");
    }
}

#[test]
fn the_clock_may_differ_by_a_millisecond_on_files() {
    let crywolf = fine();
    let nanosecond = jiff::SignedDuration::from_nanos(1);
    for (millis, fits) in [(9_999, true), (20_001, true)] {
        assert_eq!(detects(&crywolf, moment(millis)), fits);
    }
    let early = Alert::at(at(9_999).checked_sub(nanosecond).unwrap(), "r");
    let late = Alert::at(at(20_001).checked_add(nanosecond).unwrap(), "r");
    for outside in [early, late] {
        let outside = Alert {
            class: Some(Class::SynScan),
            sources: blocks(SCANNER),
            ..outside
        };
        assert!(!detects(&crywolf, outside));
    }
}

#[test]
fn the_clock_may_differ_by_a_second_in_a_live_run() {
    let live = live(0);
    for (millis, fits) in [
        (8_999, false),
        (9_000, true),
        (21_000, true),
        (21_001, false),
    ] {
        assert_eq!(detects(&live, moment(millis)), fits, "at {millis} ms");
    }
}

fn live(offset_millis: i64) -> Options {
    fine().on_a_line(SignedDuration::from_millis(offset_millis))
}

#[test]
fn a_clock_that_is_fast_or_slow_is_set_right_before_anything_is_compared() {
    // The scan is from 10 s to 20 s, and a live clock may be wrong by 1 s beyond its offset.
    for (offset, millis, fits) in [
        (90_000, 98_999, false),
        (90_000, 99_000, true),
        (90_000, 111_000, true),
        (90_000, 111_001, false),
        (-250, 8_749, false),
        (-250, 8_750, true),
        (-250, 20_750, true),
        (-250, 20_751, false),
    ] {
        let fitted = detects(&live(offset), moment(millis));
        assert_eq!(fitted, fits, "at {millis} ms by a clock off by {offset} ms");
    }
}

#[test]
fn all_of_a_findings_times_are_set_right() {
    let finding = spanning(moment(102_500), 100_000, 110_000);
    let grade = grade_with(&live(90_000), &truth(1, vec![scan()], &[]), vec![finding]);
    let delay = outcome_of(&grade, 1).delay.unwrap();
    assert_eq!(delay.seconds, 2.5);
    assert_eq!(grade.settings.clock_offset_s, 90.0);
    // Its span ends 1 s and 1 ms before the event, though it was raised during it.
    let early = spanning(moment(102_500), 95_000, 98_999);
    assert!(!detects(&live(90_000), early));
}

#[test]
fn an_offset_may_be_of_decades_and_may_leave_the_calendar() {
    let decades = 26 * 365 * 86_400_000;
    assert!(detects(&live(decades), moment(15_000 + decades)));
    for offset in [i64::MIN, i64::MAX] {
        assert!(!detects(&live(offset), moment(15_000)));
    }
}

#[test]
fn frame_numbers_of_a_live_run_are_its_own() {
    // The detector missed the first two frames: what it calls 2 is the capture's 4, and not the stranger's 2.
    let stranger = event(
        2,
        Class::SynFlood,
        "198.51.100.9",
        "192.0.2.20",
        9_000,
        20_000,
    );
    let truth = truth(1, vec![scan(), stranger], &[2, 2, 1, 1]);
    let said = at_frame(moment(12_000), 2);
    let live = grade_with(&live(0), &truth, vec![said.clone()]);
    assert_eq!(outcome_of(&live, 1).alerts, 1);
    assert_eq!(outcome_of(&live, 1).delay.unwrap().frames, None);
    // Where the number is the capture's, it decides against the addresses.
    let from_file = grade(&truth, vec![said]);
    assert_eq!(outcome_of(&from_file, 2).alerts, 1);
}

#[test]
fn an_alert_within_the_tolerance_before_the_first_frame_took_no_time() {
    let grade = grade(&truth(1, vec![scan()], &[]), vec![moment(9_999)]);
    assert_eq!(outcome_of(&grade, 1).delay.unwrap().seconds, 0.0);
}

#[test]
fn a_finding_fits_what_its_span_touches_once_it_was_raised() {
    let crywolf = fine();
    let finding = |start, end, raised| spanning(moment(raised), start, end);
    // It began before the event, with something else, and was raised during it.
    assert!(detects(&crywolf, finding(0, 15_000, 12_000)));
    // Its evidence was complete before the event's first frame.
    assert!(!detects(&crywolf, finding(0, 15_000, 9_000)));
    // Its span ends before the event; that it was raised during the event does not help.
    assert!(!detects(&crywolf, finding(0, 9_000, 12_000)));
    // An answer was overdue only after the event's last frame.
    assert!(detects(&crywolf, finding(10_000, 20_000, 23_000)));
    // It goes on after the event.
    assert!(detects(&crywolf, finding(15_000, 90_000, 60_000)));
    // It begins after the event.
    assert!(!detects(&crywolf, finding(21_000, 22_000, 22_000)));
}

#[test]
fn a_finding_is_as_late_as_it_was_raised() {
    let finding = spanning(moment(12_500), 10_000, 20_000);
    let grade = grade(&truth(1, vec![scan()], &[]), vec![finding]);
    assert_eq!(outcome_of(&grade, 1).delay.unwrap().seconds, 2.5);
}

#[test]
fn an_alert_stamped_when_the_detector_flushed_fits_by_its_span_or_not_at_all() {
    let crywolf = fine();
    assert!(!detects(&crywolf, moment(3_600_000)));
    let spanned = spanning(moment(3_600_000), 10_000, 20_000);
    assert!(detects(&crywolf, spanned.clone()));
    let grade = grade(&truth(1, vec![scan()], &[]), vec![spanned]);
    assert_eq!(outcome_of(&grade, 1).delay.unwrap().seconds, 3_590.0);
}

#[test]
fn an_event_of_one_frame_can_be_detected() {
    let probe = event(1, Class::PortZeroProbe, SCANNER, HOST, 5_000, 5_000);
    let truth = truth(1, vec![probe], &[0, 1, 0]);
    let said = at_frame(alert(Class::PortZeroProbe, SCANNER, HOST, 5_000), 2);
    let grade = grade(&truth, vec![said]);
    let delay = outcome_of(&grade, 1).delay.unwrap();
    assert_eq!(
        (delay.seconds, delay.frames, delay.share),
        (0.0, Some(1), Some(1.0))
    );
}

#[test]
fn delay_counts_the_events_own_frames() {
    let mut scan = scan();
    scan.evident = evident(4);
    // Frames 2, 4, 5 and 8 are the scan's; at frame 6 three of four had passed, two make it evident.
    let truth = truth(1, vec![scan], &[0, 1, 0, 1, 1, 0, 0, 1]);
    let mut said = moment(12_000);
    said.frame = Some(6);
    let grade = grade(&truth, vec![said]);
    let delay = outcome_of(&grade, 1).delay.unwrap();
    assert_eq!(delay.frames, Some(3));
    assert_eq!(delay.share, Some(0.75));
    assert_eq!(delay.slack_frames, Some(1));
    assert_eq!(outcome_of(&grade, 1).frames, Some([2, 8]));
}

#[test]
fn an_alert_before_the_evident_frame_has_negative_slack() {
    let mut scan = scan();
    scan.evident = evident(3);
    let truth = truth(1, vec![scan], &[1, 1, 1]);
    let grade = grade(&truth, vec![at_frame(moment(10_000), 1)]);
    assert_eq!(outcome_of(&grade, 1).delay.unwrap().slack_frames, Some(-2));
}

#[test]
fn of_equal_times_the_alert_that_fits_best_is_first() {
    let alerts = vec![
        alert(Class::SynFlood, SCANNER, HOST, 12_000),
        alert(Class::SynScan, SCANNER, HOST, 12_000),
        alert(Class::FinScan, SCANNER, HOST, 12_000),
    ];
    let grade = grade(&truth(1, vec![scan()], &[]), alerts);
    assert_eq!(grade.all.named.hits, 1);
    assert_eq!(outcome_of(&grade, 1).alerts, 3);
}

//! What holds for every truth and every detector.

use labels::{Class, Event, Expect, Truth};
use proptest::prelude::*;
use scorer::{Alert, Grade};

use crate::world::*;

/// Classes of every verdict, some of one family.
const CLASSES: [Class; 8] = [
    Class::SynScan,
    Class::FinScan,
    Class::PingSweep,
    Class::SynFlood,
    Class::SynFloodBackscatter,
    Class::LbSynProbe,
    Class::Traceroute,
    Class::Web,
];

fn address(network: &str, host: u8) -> String {
    format!("{network}.{host}")
}

/// Events among few addresses and close in time, so that they overlap.
fn any_event() -> impl Strategy<Value = Event> {
    (
        0..CLASSES.len(),
        0u8..4,
        0u8..4,
        0i64..300,
        0i64..200,
        0u8..8,
    )
        .prop_map(|(class, source, target, start, length, may)| {
            let (source, target) = (address("198.51.100", source), address("192.0.2", target));
            let (start, end) = (start * 1000, (start + length) * 1000);
            let mut event = event(0, CLASSES[class], &source, &target, start, end);
            if may == 0 {
                event.expect = Expect::May;
            }
            event
        })
}

/// A truth of such events, each frame of one of them or of none.
fn any_truth() -> impl Strategy<Value = Truth> {
    (
        prop::collection::vec(any_event(), 0..12),
        prop::collection::vec(0u32..16, 0..40),
    )
        .prop_map(|(mut events, frames)| {
            let count = u32::try_from(events.len()).unwrap();
            for (event, id) in events.iter_mut().zip(1..) {
                event.id.0 = id;
            }
            let frames: Vec<u32> = frames
                .iter()
                .map(|id| if *id <= count { *id } else { 0 })
                .collect();
            truth(1, events, &frames)
        })
}

/// Alerts among the same addresses; some without addresses, some with a frame.
fn any_alert() -> impl Strategy<Value = Alert> {
    (0..CLASSES.len(), 0u8..6, 0u8..6, 0i64..600, 0u64..60).prop_map(
        |(class, source, target, second, frame)| {
            let name = |network, host| {
                if host < 5 {
                    address(network, host)
                } else {
                    String::new()
                }
            };
            let (source, target) = (name("198.51.100", source), name("192.0.2", target));
            let said = alert(CLASSES[class], &source, &target, second * 1000);
            if frame > 30 {
                at_frame(said, frame - 30)
            } else {
                said
            }
        },
    )
}

/// What a perfect detector says: at each event's last frame its class, told by the frames where there are any.
fn perfect(truth: &Truth) -> Vec<Alert> {
    let mut last = vec![0u64; truth.events.len() + 1];
    let mut frame = 0;
    for (event, count) in truth.frames.runs() {
        frame += count;
        last[event.map_or(0, |id| id.0 as usize)] = frame;
    }
    let events = truth
        .events
        .iter()
        .filter(|event| event.expect != Expect::May);
    events
        .map(|event| {
            let said = Alert {
                class: Some(event.class),
                sources: event.sources.clone(),
                targets: event.targets.clone(),
                ..Alert::at(event.end, event.class.name())
            };
            let said = Alert {
                start: event.start,
                ..said
            };
            match last[event.id.0 as usize] {
                0 => said,
                frame => at_frame(said, frame),
            }
        })
        .collect()
}

/// Whether each event can be told from every other by what an alert can say.
fn is_unambiguous(truth: &Truth) -> bool {
    let mut keys: Vec<_> = (truth.events.iter())
        .map(|event| (event.sources.clone(), event.targets.clone()))
        .collect();
    keys.sort();
    keys.windows(2).all(|pair| pair[0] != pair[1])
}

/// The grade without the one figure that duplicates may change.
fn but_for_counts(mut grade: Grade) -> Grade {
    let figures = (grade.verdicts.values_mut())
        .chain(grade.families.values_mut())
        .chain(grade.classes.values_mut());
    for figures in figures.chain([&mut grade.all]) {
        figures.alerts_per_event = None;
        figures.wolf_cries.alerts = 0;
        figures.false_alarms.alerts = 0;
    }
    grade.ignored.clear();
    for capture in &mut grade.captures {
        capture.alerts = 0;
        capture.stray_explanations = 0;
        capture.ignored.clear();
        capture.doubts.clear();
        for event in &mut capture.events {
            (event.alerts, event.explanations) = (0, 0);
            event
                .incidents
                .iter_mut()
                .for_each(|incident| incident.alerts = 0);
        }
        capture
            .false_alarms
            .iter_mut()
            .for_each(|incident| incident.alerts = 0);
    }
    grade
}

proptest! {
    #[test]
    fn a_perfect_detector_scores_one_without_false_alarm(truth in any_truth()) {
        prop_assume!(is_unambiguous(&truth));
        let grade = grade(&truth, perfect(&truth));
        let all = &grade.all;
        for share in [&all.recall, &all.named, &all.precision] {
            prop_assert_eq!(share.hits, share.of);
        }
        prop_assert_eq!(all.cry_wolf.hits, 0);
        prop_assert_eq!(false_alarms(&grade), 0);
        let silent = truth.events.iter().filter(|event| event.expect == Expect::Silence);
        let explicable = silent.filter(|event| event.verdict.is_explanation()).count();
        prop_assert_eq!(all.explained.hits, explicable as u64);
    }

    #[test]
    fn a_silent_detector_scores_zero_and_cries_no_wolf(truth in any_truth()) {
        let grade = grade(&truth, vec![]);
        prop_assert_eq!(grade.all.recall.hits, 0);
        prop_assert!(grade.all.recall.value.is_none_or(|recall| recall == 0.0));
        prop_assert!(grade.all.cry_wolf.value.is_none_or(|rate| rate == 0.0));
        prop_assert_eq!(grade.all.precision.value, None);
    }

    #[test]
    fn the_order_of_alerts_changes_nothing(
        truth in any_truth(),
        (alerts, shuffled) in prop::collection::vec(any_alert(), 0..30)
            .prop_flat_map(|alerts| (Just(alerts.clone()), Just(alerts).prop_shuffle())),
    ) {
        prop_assert_eq!(grade(&truth, alerts).to_json(), grade(&truth, shuffled).to_json());
    }

    #[test]
    fn one_more_duplicate_changes_nothing_but_alerts_per_event(
        truth in any_truth(),
        alerts in prop::collection::vec(any_alert(), 1..30),
        which in any::<prop::sample::Index>(),
    ) {
        let mut more = alerts.clone();
        more.push(alerts[which.index(alerts.len())].clone());
        let (once, twice) = (grade(&truth, alerts), grade(&truth, more));
        prop_assert_eq!(but_for_counts(once), but_for_counts(twice));
    }

    #[test]
    fn a_later_duplicate_of_a_detection_moves_no_share(
        truth in any_truth(),
        alerts in prop::collection::vec(any_alert(), 1..30),
        later in 1i64..200,
    ) {
        let before = grade(&truth, alerts.clone());
        let Some((_, detected)) = before.events().find(|(_, event)| event.outcome == scorer::Outcome::Detected) else {
            return Ok(());
        };
        let first = detected.first_alert.clone().unwrap();
        let mut repeat = Alert {
            class: first.class,
            sources: first.sources,
            targets: first.targets,
            frame: first.frame,
            frames: first.frame.into_iter().collect(),
            ..Alert::at(first.time, "another rule")
        };
        repeat.time = repeat.time.checked_add(jiff::SignedDuration::from_secs(later)).unwrap();
        let mut more = alerts;
        more.push(repeat);
        let after = grade(&truth, more);
        prop_assert_eq!(after.all.precision, before.all.precision);
        prop_assert_eq!(after.all.recall, before.all.recall);
        prop_assert_eq!(after.all.named, before.all.named);
        prop_assert_eq!(after.all.time_to_detect, before.all.time_to_detect);
    }

    #[test]
    fn every_alert_is_accounted_for_once(
        truth in any_truth(),
        alerts in prop::collection::vec(any_alert(), 0..30),
    ) {
        let count = alerts.len() as u64;
        let grade = grade(&truth, alerts);
        let capture = &grade.captures[0];
        let on_events: u64 = capture.events.iter().map(|event| event.alerts + event.explanations).sum();
        let false_alarms: u64 = capture.false_alarms.iter().map(|incident| incident.alerts).sum();
        let ignored: u64 = capture.ignored.values().sum();
        prop_assert_eq!(on_events + false_alarms + capture.stray_explanations + ignored, count);
        prop_assert_eq!(capture.alerts + ignored, count);
    }
}

//! Which event gets the credit.

use labels::{Class, Expect};
use scorer::{Alert, Outcome};

use crate::world::*;

const SCANNER: &str = "198.51.100.7";
const HOST: &str = "192.0.2.10";
const OTHER: &str = "203.0.113.9";

fn outcomes(grade: &scorer::Grade) -> Vec<Outcome> {
    grade.events().map(|(_, event)| event.outcome).collect()
}

#[test]
fn a_scan_inside_a_flood_of_the_same_source_is_told_apart_by_class() {
    let events = vec![
        event(1, Class::SynFlood, SCANNER, HOST, 0, 60_000),
        event(2, Class::SynScan, SCANNER, HOST, 10_000, 20_000),
    ];
    let truth = truth(1, events, &[]);
    let flood = alert(Class::SynFlood, SCANNER, HOST, 15_000);
    assert_eq!(
        outcomes(&grade(&truth, vec![flood])),
        [Outcome::Detected, Outcome::Missed]
    );
    let scan = alert(Class::SynScan, SCANNER, HOST, 15_000);
    assert_eq!(
        outcomes(&grade(&truth, vec![scan])),
        [Outcome::Missed, Outcome::Detected]
    );
    // Neither's class nor family nor verdict: the shorter event gets it.
    let guess = alert(Class::PasswordGuessing, SCANNER, HOST, 15_000);
    assert_eq!(
        outcomes(&grade(&truth, vec![guess])),
        [Outcome::Detected, Outcome::Missed]
    );
}

#[test]
fn an_alert_credits_one_event_only() {
    let events = vec![
        event(1, Class::SynScan, SCANNER, HOST, 0, 10_000),
        event(2, Class::SynScan, SCANNER, HOST, 0, 10_000),
    ];
    let grade = grade(
        &truth(1, events, &[]),
        vec![alert(Class::SynScan, SCANNER, HOST, 5_000)],
    );
    assert_eq!(
        outcomes(&grade),
        [Outcome::Detected, Outcome::Missed],
        "the lowest id"
    );
}

#[test]
fn of_equals_the_one_whose_port_is_named_then_the_shorter_then_the_later_wins() {
    let base = |id, start, end| event(id, Class::SynScan, SCANNER, HOST, start, end);
    let winner = |events: Vec<labels::Event>| {
        let mut said = alert(Class::SynScan, SCANNER, HOST, 5_000);
        said.ports = ports(80, 80);
        let grade = grade(&truth(1, events, &[]), vec![said]);
        let detected = grade
            .events()
            .find(|(_, event)| event.outcome == Outcome::Detected);
        detected.unwrap().1.id.0
    };
    let mut web = base(2, 0, 30_000);
    web.ports = ports(80, 90);
    let mut mail = base(1, 0, 10_000);
    mail.ports = ports(25, 25);
    assert_eq!(winner(vec![mail, web]), 2, "the port");
    assert_eq!(
        winner(vec![base(1, 0, 20_000), base(2, 0, 10_000)]),
        2,
        "the shorter"
    );
    assert_eq!(
        winner(vec![base(1, 0, 10_000), base(2, 1_000, 11_000)]),
        2,
        "the later"
    );
}

#[test]
fn an_alert_goes_rather_to_an_event_that_deserves_it() {
    let events = vec![
        event(1, Class::LbSynProbe, SCANNER, HOST, 4_000, 6_000),
        event(2, Class::SynFlood, SCANNER, HOST, 0, 60_000),
    ];
    let truth = truth(1, events, &[1, 2]);
    let said = alert(Class::SynScan, SCANNER, HOST, 5_000);
    assert_eq!(
        outcomes(&grade(&truth, vec![said.clone()])),
        [Outcome::Silent, Outcome::Detected]
    );
    // But not on weaker evidence: the frame is the probe's.
    let framed = at_frame(said, 1);
    assert_eq!(
        outcomes(&grade(&truth, vec![framed])),
        [Outcome::WolfCry, Outcome::Missed]
    );
}

#[test]
fn an_alert_on_silence_alone_is_a_wolf_cry_and_no_false_alarm() {
    let probe = event(1, Class::LbSynProbe, SCANNER, HOST, 0, 10_000);
    let said = alert(Class::SynScan, SCANNER, HOST, 5_000);
    let grade = grade(&truth(1, vec![probe], &[]), vec![said]);
    assert_eq!(outcomes(&grade), [Outcome::WolfCry]);
    assert_eq!((grade.all.cry_wolf.hits, grade.all.cry_wolf.of), (1, 1));
    assert_eq!(
        grade.classes[&Class::LbSynProbe].cry_wolf.hits,
        1,
        "charged to the event's class"
    );
    assert_eq!(
        (grade.all.wolf_cries.incidents, false_alarms(&grade)),
        (1, 0)
    );
    assert_eq!(grade.all.precision.value, Some(0.0));
    assert_eq!(grade.all.recall.value, None);
}

#[test]
fn an_alert_where_either_is_right_is_neutral() {
    let mut open = event(1, Class::PreviousTenant, SCANNER, HOST, 0, 10_000);
    open.expect = Expect::May;
    let silent = event(2, Class::LbSynProbe, SCANNER, HOST, 4_000, 6_000);
    let said = alert(Class::SynScan, SCANNER, HOST, 5_000);
    let grade = grade(&truth(1, vec![open, silent], &[]), vec![said]);
    assert_eq!(outcomes(&grade), [Outcome::MayAlerted, Outcome::Silent]);
    assert_eq!(grade.all.precision.of, 0);
    assert_eq!((grade.all.may, grade.all.may_alerted), (1, 1));
}

#[test]
fn an_explanation_is_never_a_false_alarm() {
    let scan = event(1, Class::SynScan, SCANNER, HOST, 0, 10_000);
    let truth = truth(1, vec![scan], &[]);
    let on_attack = alert(Class::Traceroute, SCANNER, HOST, 5_000);
    let stray = alert(Class::Traceroute, OTHER, "", 5_000);
    let grade = grade(&truth, vec![on_attack, stray]);
    assert_eq!(outcomes(&grade), [Outcome::Missed]);
    assert_eq!(grade.all.precision.of, 0);
    assert_eq!(grade.captures[0].stray_explanations, 1);
    assert_eq!(outcome_of(&grade, 1).explanations, 1);
}

#[test]
fn a_finding_that_calls_it_normal_is_nothing() {
    let web = event(1, Class::Web, SCANNER, HOST, 0, 10_000);
    let said = alert(Class::Web, SCANNER, HOST, 5_000);
    let graded = grade(&truth(1, vec![web], &[]), vec![said]);
    let event = outcome_of(&graded, 1);
    assert!(event.first_explanation.is_none());
    assert_eq!((event.explanations, graded.captures[0].alerts), (0, 0));
    assert_eq!(graded.ignored.values().sum::<u64>(), 1);
}

#[test]
fn a_rule_that_is_passed_over_is_counted_by_its_reason() {
    let mut said = alert(Class::SynScan, SCANNER, "192.0.2.99", 5_000);
    said.ignored = Some("policy".into());
    let scan = event(1, Class::SynScan, SCANNER, HOST, 0, 10_000);
    let options = scorer::Options {
        strict: true,
        ..fine()
    };
    let graded = grade_with(&options, &truth(1, vec![scan], &[]), vec![said]);
    assert_eq!((graded.all.recall.hits, false_alarms(&graded)), (0, 0));
    assert_eq!(graded.ignored["policy"], 1);
}

#[test]
fn a_family_is_named_without_a_class() {
    let scan = event(1, Class::FinScan, SCANNER, HOST, 0, 10_000);
    let said = Alert {
        family: Some(labels::Family::PortScan),
        sources: blocks(SCANNER),
        ..Alert::at(at(5_000), "a rule that counts")
    };
    let wrong = Alert {
        family: Some(labels::Family::Flood),
        ..said.clone()
    };
    let named = |alert| {
        let graded = grade(&truth(1, vec![scan.clone()], &[]), vec![alert]);
        let all = &graded.all;
        (all.recall.hits, all.family_named.hits, all.named.hits)
    };
    assert_eq!(named(said), (1, 1, 0));
    assert_eq!(named(wrong), (1, 0, 0));
}

#[test]
fn an_alert_below_the_threshold_is_none() {
    let scan = event(1, Class::SynScan, SCANNER, HOST, 0, 10_000);
    let scored = |score| Alert {
        score,
        ..alert(Class::SynScan, SCANNER, HOST, 5_000)
    };
    let options = scorer::Options {
        threshold: Some(0.5),
        ..fine()
    };
    for (score, counts) in [(Some(0.49), 0), (Some(0.5), 1), (None, 1)] {
        let graded = grade_with(
            &options,
            &truth(1, vec![scan.clone()], &[]),
            vec![scored(score)],
        );
        assert_eq!(graded.all.recall.hits, counts, "{score:?}");
        assert_eq!(graded.captures[0].below_threshold, 1 - counts);
    }
}

#[test]
fn an_attack_finding_detects_reconnaissance_and_does_not_name_it() {
    let scan = event(1, Class::SynScan, SCANNER, HOST, 0, 10_000);
    let said = alert(Class::SynFlood, SCANNER, HOST, 5_000);
    let grade = grade(&truth(1, vec![scan], &[]), vec![said]);
    let hits = |share: scorer::Share| share.hits;
    let all = &grade.all;
    assert_eq!([hits(all.recall), hits(all.verdict_named)], [1, 0]);
    assert_eq!([hits(all.family_named), hits(all.named)], [0, 0]);
}

#[test]
fn an_unknown_rule_is_listed_and_counts_only_when_strict() {
    let scan = event(1, Class::SynScan, SCANNER, HOST, 0, 10_000);
    let truth = truth(1, vec![scan], &[]);
    let mut unknown = alert(Class::SynScan, SCANNER, HOST, 5_000);
    unknown.class = None;
    unknown.rule = "sid:1".into();
    let lenient = grade(&truth, vec![unknown.clone()]);
    assert_eq!(lenient.unmapped["sid:1"], 1);
    assert_eq!((lenient.all.recall.hits, false_alarms(&lenient)), (0, 0));
    let strict = scorer::Options {
        strict: true,
        ..scorer::Options::crywolf()
    };
    let strict = grade_with(&strict, &truth, vec![unknown]);
    assert_eq!((strict.all.recall.hits, false_alarms(&strict)), (0, 1));
    assert_eq!(strict.all.precision.value, Some(0.0));
}

#[test]
fn an_alert_of_an_unknown_rule_is_noted_at_the_event_that_it_fits() {
    let truth = truth(
        1,
        vec![event(
            1,
            Class::SynScan,
            "198.51.100.7",
            "192.0.2.10",
            0,
            10_000,
        )],
        &[],
    );
    let unknown = |sources| Alert {
        class: None,
        rule: "sid:9".into(),
        ..alert(Class::SynScan, sources, "192.0.2.10", 5_000)
    };
    let said = ["198.51.100.7", "198.51.100.7", "203.0.113.1"].map(unknown);
    let grade = grade(&truth, said.to_vec());
    let event = outcome_of(&grade, 1);
    assert_eq!(
        (event.outcome, event.unmapped.get("sid:9")),
        (Outcome::Missed, Some(&2))
    );
    let page = scorer::report::text(&grade, 200);
    assert!(page.contains("spoke of it: sid:9 (2)"), "{page}");
    assert!(
        page.contains("sid:9: 3 alerts, which fit 1 missed event"),
        "{page}"
    );
}

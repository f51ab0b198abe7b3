//! Whom an alert must name to fit an event.

use std::collections::BTreeMap;

use labels::{Class, EventId, Transport};
use scorer::{Alert, CaptureScorer, Grade, Options, Outcome, Strength};

use crate::world::*;

const SCANNER: &str = "198.51.100.7";
const HOST: &str = "192.0.2.10";
const OTHER: &str = "203.0.113.9";

fn scan() -> labels::Event {
    event(1, Class::SynScan, SCANNER, HOST, 0, 10_000)
}

fn detects(event: labels::Event, alert: Alert) -> bool {
    let grade = grade(&truth(1, vec![event], &[]), vec![alert]);
    grade.all.recall.hits == 1
}

#[test]
fn a_pair_must_fit_as_a_pair() {
    let said = |from, to| alert(Class::SynScan, from, to, 5_000);
    assert!(detects(scan(), said(SCANNER, HOST)));
    assert!(
        !detects(scan(), said(SCANNER, OTHER)),
        "the right source does not mend the target"
    );
    assert!(!detects(scan(), said(OTHER, HOST)));
    assert!(
        !detects(scan(), said(HOST, SCANNER)),
        "who blames the victim is wrong"
    );
}

#[test]
fn one_address_is_enough_where_there_is_no_other() {
    let said = |from, to| alert(Class::SynScan, from, to, 5_000);
    assert!(detects(scan(), said(SCANNER, "")));
    assert!(
        detects(scan(), said("", HOST)),
        "a distributed scan reported without a source"
    );
    assert!(!detects(scan(), said(OTHER, "")));
}

#[test]
fn backscatter_may_be_told_either_way_round() {
    let scatter = event(1, Class::SynFloodBackscatter, OTHER, HOST, 0, 10_000);
    for (from, to) in [(OTHER, HOST), (HOST, OTHER)] {
        let said = alert(Class::SynFloodBackscatter, from, to, 5_000);
        let grade = grade(&truth(1, vec![scatter.clone()], &[]), vec![said]);
        assert_eq!(grade.all.explained.hits, 1);
    }
}

#[test]
fn a_role_that_the_truth_leaves_open_agrees_with_everybody() {
    let open = event(1, Class::SynScan, SCANNER, "", 0, 10_000);
    assert!(detects(
        open.clone(),
        alert(Class::SynScan, SCANNER, OTHER, 5_000)
    ));
    assert!(!detects(open, alert(Class::SynScan, OTHER, HOST, 5_000)));
}

#[test]
fn a_block_fits_only_within_what_the_event_lists() {
    let flood = event(1, Class::SpoofedSynFlood, "198.18.0.0/15", HOST, 0, 10_000);
    let said = |from| alert(Class::SpoofedSynFlood, from, HOST, 5_000);
    assert!(detects(flood.clone(), said("198.18.0.0/15")));
    assert!(detects(flood.clone(), said("198.19.200.1")));
    assert!(!detects(flood, said("0.0.0.0/0")));
    assert!(
        !detects(scan(), said("198.51.100.0/24")),
        "the scan lists an address, not its block"
    );
}

#[test]
fn a_mapped_address_is_the_ipv4_address() {
    assert!(detects(
        scan(),
        alert(Class::SynScan, "::ffff:198.51.100.7", HOST, 5_000)
    ));
}

#[test]
fn ipv6_scans_are_matched_like_others() {
    let scan = event(
        1,
        Class::SynScan,
        "2001:db8::7",
        "2001:db8:1::/64",
        0,
        10_000,
    );
    assert!(detects(
        scan,
        alert(Class::SynScan, "2001:db8::7", "2001:db8:1::25", 5_000)
    ));
}

#[test]
fn a_finding_with_many_addresses_fits_as_a_pair_by_half_of_each() {
    let said = |sources, targets| alert(Class::SynScan, sources, targets, 5_000);
    let half = "203.0.113.1 192.0.2.10";
    let less = "203.0.113.1 203.0.113.2 192.0.2.10";
    assert!(detects(scan(), said(SCANNER, half)));
    assert!(!detects(scan(), said(SCANNER, less)));
    assert!(!detects(
        scan(),
        said("198.51.100.7 203.0.113.8 203.0.113.9", HOST)
    ));
    // Without the other side any of them is enough.
    assert!(detects(scan(), said("", less)));
}

#[test]
fn an_open_role_is_asked_of_sources_and_actor_together() {
    // The actor is known, and nobody shows as a source: that is not open.
    let mut hidden = event(1, Class::SynFlood, "", HOST, 0, 10_000);
    hidden.actor = Some("198.51.100.9".parse().unwrap());
    let stranger = alert(Class::SynFlood, OTHER, HOST, 5_000);
    let right = alert(Class::SynFlood, "198.51.100.9", HOST, 5_000);
    for others in [0, 14, 16, 100] {
        // However many other events there are of the same addresses.
        let others = (0..others).flat_map(|id| {
            let start = 20_000 + i64::from(id);
            [
                event(2 + id, Class::Web, OTHER, "192.0.2.99", start, start),
                event(1000 + id, Class::Web, "198.51.100.9", HOST, start, start),
            ]
        });
        let truth = truth(1, [hidden.clone()].into_iter().chain(others).collect(), &[]);
        let hit = |alert: &Alert| grade(&truth, vec![alert.clone()]).all.recall.hits;
        assert_eq!((hit(&stranger), hit(&right)), (0, 1));
    }
}

#[test]
fn an_alert_that_names_nobody_fits_the_only_event_under_way() {
    let nobody = alert(Class::SynScan, "", "", 5_000);
    let grade_of = |events| grade(&truth(1, events, &[]), vec![nobody.clone()]);
    let alone = grade_of(vec![scan()]);
    let first = outcome_of(&alone, 1).first_alert.as_ref().unwrap();
    assert_eq!(first.strength, Strength::Weak);
    let web = event(2, Class::Web, OTHER, HOST, 4_000, 6_000);
    let crowded = grade_of(vec![scan(), web]);
    assert_eq!((crowded.all.recall.hits, false_alarms(&crowded)), (0, 1));
    let later = event(2, Class::Web, OTHER, HOST, 6_000, 7_000);
    assert_eq!(grade_of(vec![scan(), later]).all.recall.hits, 1);
}

#[test]
fn an_event_that_began_after_an_alert_was_raised_does_not_crowd_the_one_it_speaks_of() {
    let nobody = spanning(alert(Class::SynScan, "", "", 5_000), 4_000, 9_000);
    let later = event(2, Class::Web, OTHER, HOST, 7_000, 8_000);
    let grade = grade(&truth(1, vec![scan(), later], &[]), vec![nobody]);
    assert_eq!(grade.all.recall.hits, 1);
}

#[test]
fn a_frame_outweighs_addresses() {
    let truth = truth(1, vec![scan()], &[1, 0, 1]);
    let grade_of = |said| grade(&truth, vec![said]);
    let in_scan = at_frame(alert(Class::SynScan, HOST, SCANNER, 5_000), 3);
    assert_eq!(grade_of(in_scan).all.recall.hits, 1);
    let in_background = at_frame(alert(Class::SynScan, SCANNER, HOST, 5_000), 2);
    let grade = grade_of(in_background);
    assert_eq!((grade.all.recall.hits, false_alarms(&grade)), (0, 1));
}

#[test]
fn a_frame_beyond_the_capture_is_no_evidence() {
    let truth = truth(1, vec![scan()], &[1, 0, 1]);
    let beyond = at_frame(alert(Class::SynScan, SCANNER, HOST, 5_000), 99);
    let grade = grade(&truth, vec![beyond]);
    let first = outcome_of(&grade, 1).first_alert.as_ref().unwrap();
    assert_eq!(first.strength, Strength::Pair);
    assert_eq!(outcome_of(&grade, 1).delay.unwrap().frames, None);
}

#[test]
fn any_of_its_frames_is_enough() {
    let truth = truth(1, vec![scan()], &[0, 0, 1]);
    let mut said = alert(Class::SynScan, SCANNER, HOST, 5_000);
    said.frames = vec![1, 3];
    assert_eq!(grade(&truth, vec![said]).all.recall.hits, 1);
}

#[test]
fn a_community_id_outweighs_addresses_where_the_flows_are_known() {
    let truth = truth(1, vec![scan()], &[]);
    let flows = BTreeMap::from([("1:known".to_owned(), vec![EventId(1)])]);
    let said = |id: &str, from| Alert {
        community_id: Some(id.into()),
        ..alert(Class::SynScan, from, HOST, 5_000)
    };
    let none = BTreeMap::new();
    for (flows, id, from, hits) in [
        (&flows, "1:known", OTHER, 1),
        (&flows, "1:foreign", SCANNER, 0),
        (&none, "1:foreign", SCANNER, 1),
    ] {
        let options = Options::crywolf();
        let mut scorer = CaptureScorer::new(&truth, flows, &options);
        scorer.push(said(id, from));
        let grade = Grade::new(vec![scorer.finish()], &options);
        assert_eq!(grade.all.recall.hits, hits, "{id} from {from}");
    }
}

#[test]
fn a_stated_transport_must_be_the_events() {
    let over = |transport| Alert {
        transport,
        ..alert(Class::SynScan, SCANNER, HOST, 5_000)
    };
    assert!(detects(scan(), over(Some(Transport::Tcp))));
    assert!(detects(scan(), over(None)));
    assert!(!detects(scan(), over(Some(Transport::Udp))));
    let mut mixed = event(1, Class::Sscan, SCANNER, HOST, 0, 10_000);
    mixed.transport = Transport::Other;
    assert!(
        detects(mixed, over(Some(Transport::Udp))),
        "it uses several"
    );
    assert!(detects(scan(), over(Some(Transport::Other))));
}

#[test]
fn an_icmp_error_fits_by_the_flow_it_quotes_and_not_by_its_own() {
    let mut probe = event(1, Class::UdpScan, SCANNER, HOST, 0, 10_000);
    probe.transport = Transport::Udp;
    let told = |from, to, transport| Alert {
        transport: Some(transport),
        ..alert(Class::UdpScan, from, to, 5_000)
    };
    assert!(detects(probe.clone(), told(SCANNER, HOST, Transport::Udp)));
    assert!(!detects(probe, told(HOST, SCANNER, Transport::Icmp)));
}

#[test]
fn a_fragment_without_ports_fits_all_the_same() {
    let mut scan = scan();
    scan.ports = ports(21, 25);
    assert!(detects(scan, alert(Class::SynScan, SCANNER, HOST, 5_000)));
}

#[test]
fn any_decoy_detects_and_the_actor_is_counted_beside() {
    let mut decoys = event(
        1,
        Class::DecoyScan,
        "198.51.100.7 203.0.113.1 203.0.113.2",
        HOST,
        0,
        9,
    );
    decoys.actor = Some(SCANNER.parse().unwrap());
    let named = |from| {
        let said = alert(Class::DecoyScan, from, HOST, 5);
        let grade = grade(&truth(1, vec![decoys.clone()], &[]), vec![said]);
        assert_eq!(grade.all.recall.hits, 1, "{from}");
        (grade.all.actor_named.hits, grade.all.actor_named.of)
    };
    assert_eq!(named("203.0.113.2"), (0, 1));
    assert_eq!(named(SCANNER), (1, 1));
    assert_eq!(
        named("198.51.100.7 203.0.113.1 203.0.113.2"),
        (0, 1),
        "all is no name"
    );
}

#[test]
fn an_actor_that_does_not_show_may_be_named_and_is_not_asked_for() {
    let mut flood = event(1, Class::SpoofedSynFlood, "198.18.0.0/15", HOST, 0, 10_000);
    flood.actor = Some(SCANNER.parse().unwrap());
    let said = alert(Class::SpoofedSynFlood, SCANNER, HOST, 5_000);
    let grade = grade(&truth(1, vec![flood], &[]), vec![said]);
    assert_eq!(outcome_of(&grade, 1).outcome, Outcome::Detected);
    assert_eq!(grade.all.actor_named.of, 0);
}

#[test]
fn of_events_with_one_id_the_first_has_the_frames() {
    let truth = truth(
        1,
        vec![scan(), event(1, Class::Web, OTHER, HOST, 0, 10_000)],
        &[1, 1],
    );
    let grade = grade(
        &truth,
        vec![at_frame(alert(Class::SynScan, "", "", 5_000), 2)],
    );
    assert_eq!((grade.all.recall.hits, grade.all.cry_wolf.hits), (1, 0));
}

//! What tools of the kit put on the wire: micro scenarios of a few frames each.

use crate::micro::{read, record};
use generator::ScenarioFile;
use wire::capture::CaptureReader;
use wire::decode::{Network, Transport};
use wire::{Flags, Layers};

const WORLD: &str = r#"
id = "micro"
title = "micro"
family = "port-scan"
summary = "a test"
source = "a test"
start = "2026-01-01T00:00:00Z"
duration = "600s"
[site.outside]
prefixes = ["198.51.100.0/24", "2001:db8:1::/64"]
[site.home]
prefixes = ["192.0.2.0/24", "2001:db8:2::/64"]
[path.internet]
between = ["outside", "home"]
hops = 4
routers = ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"]
delay = "10ms"
[host.scanner]
site = "outside"
address = ["198.51.100.1", "2001:db8:1::1"]
stack = "linux-2.2"
[host.open]
site = "home"
address = ["192.0.2.10", "2001:db8:2::10"]
stack = "linux-2.2"
open = [22, 80]
[host.closed]
site = "home"
address = "192.0.2.11"
stack = "linux-2.2"
[host.silent]
site = "home"
address = "192.0.2.12"
stack = "linux-2.2"
ports = "filtered"
[sensor.home]
site = "home"
"#;

/// A frame, as far as these tests look at it.
#[derive(Clone, Debug)]
struct Seen {
    millis: u64,
    source: String,
    target: String,
    ports: (u16, u16),
    flags: Option<Flags>,
    sequence: u32,
    acknowledgment: u32,
    id: u16,
    icmp: Option<(u8, u8)>,
    payload: usize,
    fragment: Option<(u16, bool)>,
}

/// The world with one activity in it.
fn scanned(activity: &str) -> Result<ScenarioFile, String> {
    read(&format!(
        "{WORLD}[activity.scan]\nfrom = \"scanner\"\nclass = \"syn-scan\"\n{activity}"
    ))
}

fn errors(activity: &str) -> String {
    scanned(activity).err().unwrap_or_default()
}

fn run(activity: &str) -> Vec<Seen> {
    frames(&scanned(activity).unwrap())
}

fn frames(file: &ScenarioFile) -> Vec<Seen> {
    let (bytes, _) = record(file, 3);
    let mut reader = CaptureReader::new(bytes.as_slice()).unwrap();
    let (mut seen, mut first) = (Vec::new(), None);
    while let Some(record) = reader.next().unwrap() {
        let first = *first.get_or_insert(record.time);
        let layers = Layers::decode(record.link_type, record.bytes);
        if let Some(frame) = frame(&layers, record.time.nanos_since(first) / 1_000_000) {
            seen.push(frame);
        }
    }
    seen
}

fn frame(layers: &Layers<'_>, millis: u64) -> Option<Seen> {
    let (source, target) = layers.addresses()?;
    let (id, fragment) = match &layers.network {
        Network::V4(ip) => {
            let part = ip
                .is_fragment()
                .then_some((ip.fragment_offset, ip.flags & 1 != 0));
            (ip.identification, part)
        }
        _ => (0, None),
    };
    let mut seen = Seen {
        millis,
        source: source.to_string(),
        target: target.to_string(),
        ports: layers.ports().unwrap_or_default(),
        flags: None,
        sequence: 0,
        acknowledgment: 0,
        id,
        icmp: None,
        payload: layers.payload_length,
        fragment,
    };
    match &layers.transport {
        Transport::Tcp(tcp) => {
            seen.flags = Some(tcp.flags);
            seen.sequence = tcp.sequence;
            seen.acknowledgment = tcp.acknowledgment;
        }
        Transport::Icmp(icmp) => seen.icmp = Some((icmp.icmp_type, icmp.code)),
        _ => {}
    }
    Some(seen)
}

/// Those that the scanner sent, or others under its tool's hand.
fn asked(seen: &[Seen]) -> Vec<Seen> {
    seen.iter()
        .filter(|frame| !frame.source.starts_with("192.0.2."))
        .cloned()
        .collect()
}

/// Target and port in order.
fn visits(seen: &[Seen]) -> Vec<(&str, u16)> {
    let syns = seen.iter().filter(|frame| frame.flags == Some(Flags::SYN));
    syns.map(|frame| (frame.target.as_str(), frame.ports.1))
        .collect()
}

#[test]
fn a_silent_port_is_tried_again_whoever_else_is_silent() {
    let seen = run(
        "tool = 'nmap-syn'\nto = ['open', '192.0.2.20', '192.0.2.21']\nports = [22]\norder = 'by-port'\n\
         gap = '100ms'\ntries = 2\nretry = '1s'",
    );
    assert_eq!(
        visits(&seen),
        [
            ("192.0.2.10", 22),
            ("192.0.2.20", 22),
            ("192.0.2.21", 22),
            ("192.0.2.20", 22),
            ("192.0.2.21", 22)
        ]
    );
}

#[test]
fn retries_keep_what_they_are_told_to_keep() {
    let keeps = |keep: &str| {
        let seen = run(&format!(
            "tool = 'probe'\nto = 'silent'\nports = 80\nsequence = 'random'\nid = 'random'\ntries = 3\n\
             retry = '2s doubling'\n{keep}"
        ));
        let syns = asked(&seen);
        assert_eq!(syns.len(), 3);
        let seconds: Vec<u64> = syns
            .iter()
            .map(|frame| (frame.millis + 500) / 1000)
            .collect();
        assert_eq!(seconds, [0, 2, 6]);
        (
            syns[0].sequence == syns[2].sequence,
            syns[0].id == syns[2].id,
        )
    };
    assert_eq!(keeps(""), (false, false));
    assert_eq!(keeps("keep = ['sequence']"), (true, false));
    assert_eq!(keeps("keep = 'all'"), (true, true));
}

#[test]
fn only_those_who_answer_a_ping_are_asked_further() {
    let seen = run(
        "tool = 'probe'\nto = '192.0.2.8..192.0.2.13'\ngap = '300ms'\n\
         stage.ping = { protocol = 'icmp', payload = 'alphabet 32' }\n\
         stage.syn = { ports = [80, 81], only = 'answered', begins = 'with-answer', delay = '2s', gap = '50ms' }\n\
         stage.again = { program = 'connect', ports = 'open', after = 'syn', delay = '1s' }",
    );
    let pings = seen.iter().filter(|frame| frame.icmp == Some((8, 0)));
    assert_eq!(pings.count(), 6);
    let hosts: Vec<&str> = visits(&seen).iter().map(|(host, _)| *host).collect();
    // Two ports each of three that answer a ping, and the one open port once more.
    for (host, count) in [
        ("192.0.2.10", 3),
        ("192.0.2.11", 2),
        ("192.0.2.12", 2),
        ("192.0.2.9", 0),
    ] {
        assert_eq!(
            hosts.iter().filter(|other| **other == host).count(),
            count,
            "{host}"
        );
    }
    let ping = seen
        .iter()
        .find(|frame| frame.icmp == Some((0, 0)))
        .unwrap();
    let first = seen
        .iter()
        .find(|frame| frame.flags == Some(Flags::SYN))
        .unwrap();
    let delay = first.millis - ping.millis;
    assert!((2000..2500).contains(&delay), "{delay}");
}

#[test]
fn numbers_follow_from_each_other() {
    let seen = run(
        "tool = 'probe'\nto = 'open'\nports = 53\nflags = 'S.'\nsource_port = 'count 1'\nsequence = 'source_port + 10355455'\n\
         acknowledgment = 'sequence - 1'\nid = 0\nttl = 255\nrounds = 5\nwindow = 4128\noptions = 'mss 556'",
    );
    let probes = asked(&seen);
    assert_eq!(probes.len(), 5);
    for (first, second) in probes.iter().zip(probes.iter().skip(1)) {
        assert_eq!(second.ports.0, first.ports.0.wrapping_add(1));
    }
    for probe in probes {
        assert_eq!(probe.sequence - u32::from(probe.ports.0), 10_355_455);
        assert_eq!((probe.acknowledgment, probe.id), (probe.sequence - 1, 0));
    }
}

#[test]
fn masscan_marks_its_packets() {
    let seen = run("tool = 'masscan'\nto = ['open', 'closed']\nports = '1-50'\ngap = '1ms'");
    let probes: Vec<Seen> = asked(&seen)
        .into_iter()
        .filter(|frame| frame.flags == Some(Flags::SYN))
        .collect();
    assert_eq!(probes.len(), 100);
    for probe in &probes {
        let target = u32::from(probe.target.parse::<std::net::Ipv4Addr>().unwrap());
        let mark = target ^ u32::from(probe.ports.1) ^ probe.sequence;
        assert_eq!(u32::from(probe.id), mark & 0xffff);
    }
    let ascending = probes
        .windows(2)
        .filter(|pair| pair[0].ports.1 < pair[1].ports.1)
        .count();
    assert!(
        (30..70).contains(&ascending),
        "mixed, not in order: {ascending}"
    );
}

#[test]
fn a_probe_among_decoys_looks_the_same_under_every_name() {
    let seen = run(
        "tool = 'nmap-syn'\nto = 'closed'\nports = [21, 23]\ntries = 1\ndecoys = ['203.0.113.7', '203.0.113.9']\ngap = '1s'",
    );
    let probes = asked(&seen);
    let probes: Vec<&Seen> = probes
        .iter()
        .filter(|frame| frame.flags == Some(Flags::SYN))
        .collect();
    assert_eq!(probes.len(), 6);
    for copies in probes.chunks(3) {
        let mut sources: Vec<&str> = copies.iter().map(|frame| frame.source.as_str()).collect();
        sources.sort_unstable();
        assert_eq!(sources, ["198.51.100.1", "203.0.113.7", "203.0.113.9"]);
        assert!(
            copies
                .iter()
                .all(|copy| copy.sequence == copies[0].sequence && copy.id == copies[0].id)
        );
    }
    let place = |copies: &[&Seen]| {
        copies
            .iter()
            .position(|frame| frame.source == "198.51.100.1")
    };
    assert_eq!(
        place(&probes[..3]),
        place(&probes[3..]),
        "its place is drawn once"
    );
}

#[test]
fn a_fingerprint_goes_to_the_ports_that_were_found() {
    let seen = run(
        "tool = 'probe'\nto = 'open'\nlet = { base = 'constant 30000..40000', number = 'constant' }\n\
         stage.ports = { program = 'connect', ports = [25, 80] }\n\
         stage.tests = { sequence = 'number', window = 4096, gap = '150us', tries = 2, retry = '600ms', keep = 'all', \
           probe = { t1 = { flags = 'SE', port = 'open', source_port = 'base + 6' }, \
                     t2 = { flags = 'none', port = 'open', source_port = 'base + 7' }, \
                     t7 = { flags = 'FPU', port = 'closed', source_port = 'base + 12' } } }",
    );
    let tests: Vec<Seen> = asked(&seen)
        .into_iter()
        .filter(|frame| frame.ports.0 > 30005)
        .collect();
    let tests: Vec<&Seen> = tests
        .iter()
        .filter(|frame| frame.flags != Some(Flags::RST))
        .collect();
    let ports: Vec<u16> = tests.iter().map(|frame| frame.ports.1).collect();
    // The open port ignores a segment without flags, which is sent again.
    assert_eq!(ports, [80, 80, 25, 80]);
    assert_eq!(tests[1].ports.0, tests[0].ports.0 + 1);
    assert_eq!(tests[3].sequence, tests[1].sequence);
}

#[test]
fn a_trace_raises_its_time_to_live_until_the_target_answers() {
    let seen = run("tool = 'traceroute'\nto = 'closed'");
    let probes: Vec<Seen> = asked(&seen)
        .into_iter()
        .filter(|frame| frame.icmp.is_none())
        .collect();
    // The sensor sees three for each router behind it, and three for the target.
    let ports: Vec<u16> = probes.iter().map(|frame| frame.ports.1).collect();
    assert!(
        ports.len() >= 3 && ports.len().is_multiple_of(3),
        "{ports:?}"
    );
    assert!(
        ports.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{ports:?}"
    );
    let refusals = seen.iter().filter(|frame| frame.icmp == Some((3, 3)));
    assert_eq!(refusals.count(), 3);
}

#[test]
fn a_trace_ends_where_a_router_says_that_nobody_is_there() {
    let world = WORLD.replace(
        "[site.home]\n",
        "[site.home]\nabsent = \"host-unreachable\"\n",
    );
    let text = "[activity.scan]\nfrom = \"scanner\"\nclass = \"traceroute\"\ntool = 'traceroute'\nto = '192.0.2.99'";
    let seen = frames(&read(&format!("{world}{text}")).unwrap());
    let errors = seen.iter().filter(|frame| frame.icmp == Some((3, 1)));
    assert_eq!(errors.count(), 3, "{seen:?}");
}

#[test]
fn a_connection_is_given_up_before_the_stack_tires_of_it() {
    let tries = |keys: &str| -> Vec<u64> {
        let seen = run(&format!(
            "tool = 'connect'\nto = 'silent'\nports = 80\n{keys}"
        ));
        assert_eq!(
            visits(&seen).len(),
            seen.len(),
            "nothing but SYNs: {seen:?}"
        );
        seen.iter()
            .map(|frame| (frame.millis + 500) / 1000)
            .collect()
    };
    assert_eq!(tries("give_up = '2s'"), [0]);
    assert_eq!(tries("give_up = '15s'"), [0, 3, 9]);
    // The next try is another connection.
    assert_eq!(tries("give_up = '2s'\ntries = 2\nretry = '5s'"), [0, 7]);
    let refused = run("tool = 'connect'\nto = 'closed'\nports = 80\ngive_up = '2s'");
    assert_eq!(refused.len(), 2, "{refused:?}");
    let open = run(
        "tool = 'connect'\nto = 'open'\nports = 80\ngive_up = '2s'\nscript = ['pause 5s', 'close']",
    );
    let ends = open
        .iter()
        .filter(|frame| frame.flags.is_some_and(|flags| flags.contains(Flags::FIN)));
    assert!(ends.clone().count() == 2 && ends.clone().all(|end| end.millis > 4000));
}

#[test]
fn a_forged_error_quotes_a_packet_of_its_target() {
    let seen = run(
        "tool = 'probe'\nto = 'open'\nprotocol = 'icmp'\nicmp_type = 'source-quench'\nrounds = 3\nsources = ['203.0.113.80']\n\
         quote = { target_address = '203.0.113.80', source_port = 1025, port = 80, flags = 'S' }",
    );
    assert_eq!(seen.len(), 3);
    assert!(
        seen.iter()
            .all(|frame| frame.icmp == Some((4, 0)) && frame.payload == 28)
    );
}

#[test]
fn a_probe_in_pieces_is_answered_as_a_whole() {
    let seen = run("tool = 'probe'\nto = 'open'\nports = 80\nfragment = 8\noptions = 'mss 1460'");
    let pieces: Vec<_> = seen.iter().filter_map(|frame| frame.fragment).collect();
    assert_eq!(pieces, [(0, true), (1, true), (2, false)]);
    assert!(
        seen.iter()
            .any(|frame| frame.flags == Some(Flags::SYN | Flags::ACK)),
        "{seen:?}"
    );
}

#[test]
fn a_question_is_repeated_on_its_schedule_and_refused_once() {
    let seen = run("tool = 'rpcinfo'\nto = ['silent', 'closed']");
    let to = |target: &str| -> Vec<u64> {
        let probes = seen
            .iter()
            .filter(|frame| frame.target == target && frame.ports == (1023, 111));
        probes.map(|frame| frame.millis).collect()
    };
    let starts = to("192.0.2.12");
    let expected = [0, 250, 750, 1750, 2750, 4750, 8750];
    assert_eq!(starts.len(), 7);
    for (time, wanted) in starts.iter().zip(expected) {
        assert!((time - starts[0]).abs_diff(wanted) < 60, "{starts:?}");
    }
    assert_eq!(to("192.0.2.11").len(), 1, "port unreachable ends it");
    assert!(
        seen.iter()
            .filter(|frame| frame.ports.1 == 111)
            .all(|frame| frame.payload == 84)
    );
}

#[test]
fn a_scripted_connection_says_its_lines() {
    let seen = run(
        "tool = 'connect'\nto = 'open'\nports = 80\nscript = ['line HEAD / HTTP/1.0', 'hex 0d0a', 'pause 2s', 'abort']",
    );
    let said: Vec<usize> = asked(&seen)
        .iter()
        .map(|frame| frame.payload)
        .filter(|bytes| *bytes > 0)
        .collect();
    assert_eq!(said, [17, 2]);
    let reset = asked(&seen)
        .into_iter()
        .find(|frame| frame.flags.is_some_and(|flags| flags.contains(Flags::RST)));
    assert!(reset.is_some_and(|frame| (2000..2500).contains(&frame.millis)));
}

#[test]
fn stages_begin_when_they_are_told() {
    let seen = run(
        "tool = 'probe'\nto = ['open', 'closed']\nports = 9\ngap = '1s'\nstage.first = {}\nstage.second = { from_start = '30s', ports = 10 }",
    );
    let times: Vec<(u16, u64)> = asked(&seen)
        .iter()
        .map(|frame| (frame.ports.1, (frame.millis + 100) / 1000))
        .collect();
    assert_eq!(times, [(9, 0), (9, 1), (10, 30), (10, 31)]);
    let whole = run(
        "tool = 'probe'\nto = ['open', 'closed']\nwhole_host = true\nstage.first = { ports = 9 }\nstage.second = { ports = 10 }",
    );
    let order: Vec<(&str, u16)> = visits(&whole);
    assert_eq!(
        order,
        [
            ("192.0.2.10", 9),
            ("192.0.2.10", 10),
            ("192.0.2.11", 9),
            ("192.0.2.11", 10)
        ]
    );
}

#[test]
fn both_versions_of_ip_can_be_aimed_at() {
    let seen = run("tool = 'nmap-syn'\nto = '2001:db8:2::10'\nports = [22, 23]\ngap = '100ms'");
    assert_eq!(
        visits(&seen),
        [("2001:db8:2::10", 22), ("2001:db8:2::10", 23)]
    );
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[test]
fn a_mistake_says_where_and_what_would_be_right() {
    for (activity, wanted) in [
        (
            "tool = 'probe'\nto = 'open'\nprotocol = 'icmp'\nports = 80",
            "have no ports",
        ),
        ("tool = 'nmap-syn'\nto = 'open'", "needs 'ports'"),
        ("tool = 'nmap-9'\nto = 'open'", "nmap-7"),
        (
            "tool = 'nmap-syn'\nto = 'open'\nports = 80\nsequenze = 1",
            "has no 'sequenze'",
        ),
        (
            "tool = 'nmap-syn'\nto = 'open'\nports = 80\nsequence = 'rand'",
            "formula",
        ),
        (
            "tool = 'nmap-syn'\nto = 'open'\nports = 80\ngap = '0s'",
            "at least 100ns",
        ),
        (
            "tool = 'nmap-syn'\nto = 'open'\nports = 80\nsequence = 'id'\nid = 'sequence'",
            "circle",
        ),
        (
            "tool = 'nmap-syn'\nto = 'open'\nports = 80\nonly = 'open'",
            "first stage",
        ),
        (
            "tool = 'connect'\nto = 'open'\nports = 80\nscript = ['shout']",
            "a step is",
        ),
        (
            "tool = 'probe'\nto = 'open'\nstage.a = { ports = 1, after = 'b' }",
            "earlier stage",
        ),
    ] {
        let text = errors(activity);
        let wanted = if wanted == "nmap-7" {
            "nmap-syn"
        } else {
            wanted
        };
        assert!(
            text.contains(wanted) && text.contains("micro.toml:"),
            "{activity}: {text}"
        );
    }
}

#[test]
fn a_pace_is_the_mean_that_was_asked() {
    for pace in [
        "gap = '3000/s'",
        "gap = '3000/s'\ngap_jitter = '500us'",
        "gap = '3000/s'\npace = 'exponential'",
        "gap = '3000/s'\npace = 'bursts of 100'\nburst_gap = '20us'",
        "gap = '3000/s'\ntick = '10ms'",
    ] {
        let seen = run(&format!(
            "tool = 'syn-flood'\nto = 'silent'\nports = 80\nsources = ['203.0.113.0/24']\ncount = 9000\n{pace}"
        ));
        let last = seen.last().map_or(0, |frame| frame.millis);
        assert!((2900..3100).contains(&last), "{pace}: 9000 in {last} ms");
    }
}

/// What is sent to go on with a probe, such as the rest of its connection, its repetition or a reset, does not count.
#[test]
fn the_truth_tells_the_pace_of_probes_whatever_comes_of_them() {
    for tool in [
        "connect-scan",
        "nmap-syn",
        "masscan",
        "nmap-ack",
        "snmp-probe",
    ] {
        let activity = format!(
            "tool = '{tool}'\nto = ['open', 'closed', 'silent']\nports = [21, 22, 23, 80, 161, 443]\ngap = '50ms'"
        );
        let (_, truth) = record(&scanned(&activity).unwrap(), 1);
        let pace = truth.events.first().and_then(|event| event.pace.clone());
        let pace = pace.unwrap_or_else(|| panic!("{tool} tells none"));
        let delivered = pace.delivered_s.unwrap();
        assert!(
            (0.0495..0.0505).contains(&delivered) && pace.asked_s == Some(0.05),
            "{tool}: {pace:?}"
        );
    }
}

/// Nobody asks for the pace of a tool that waits for each answer, or of one whose stages have none in common.
#[test]
fn the_truth_tells_what_a_tool_did_where_no_pace_was_asked() {
    let tools = [
        ("traceroute", ""),
        ("firewalk", "stage.scan.ports = [22, 80]"),
        ("sscan", ""),
    ];
    for (tool, keys) in tools {
        let activity = format!("tool = '{tool}'\nto = ['open', 'closed']\n{keys}");
        let (_, truth) = record(&scanned(&activity).unwrap(), 1);
        let pace = truth.events.first().and_then(|event| event.pace.clone());
        let pace = pace.unwrap_or_else(|| panic!("{tool} tells none"));
        assert!(
            pace.asked_s.is_none() && pace.delivered_s.is_some_and(|gap| gap > 0.0),
            "{tool}: {pace:?}"
        );
    }
}

/// The pace of the only event of an activity that a group of three does, too.
fn pace_of(activity: &str) -> labels::truth::Pace {
    let crowd =
        "[group.crowd]\nsite = \"outside\"\ncount = 3\nstack = [\"linux-2.2\"]\n[sensor.home]";
    let world = WORLD.replace("[sensor.home]", crowd);
    let file = read(&format!(
        "{world}[activity.act]\nclass = 'syn-scan'\n{activity}"
    ))
    .unwrap();
    let (_, truth) = record(&file, 1);
    let pace = truth.events.first().and_then(|event| event.pace.clone());
    pace.unwrap_or_else(|| panic!("{activity} tells none"))
}

#[test]
fn several_go_at_one_pace_only_where_they_go_at_once() {
    let crowd = "tool = 'nmap-ack'\nfrom = 'crowd'\nto = 'closed'";
    for alone in [
        "ports = 79",
        "ports = 79\nat = '0s..60s'",
        "ports = '1-20'\ngap = '1s'\nat = '0s..100s'",
    ] {
        let pace = pace_of(&format!("{crowd}\n{alone}"));
        assert!(pace.asked_s.is_none(), "{alone}: {pace:?}");
        assert!(pace.delivered_s.is_some(), "{alone}: {pace:?}");
    }
    for at_once in ["", "at = '0s..10s'"] {
        let pace = pace_of(&format!("{crowd}\nports = '1-200'\ngap = '1s'\n{at_once}"));
        let ratio = pace.delivered_s.unwrap() / pace.asked_s.unwrap();
        assert!((0.95..1.07).contains(&ratio), "{at_once}: {pace:?}");
    }
}

#[test]
fn the_pace_that_was_asked_is_that_of_all_its_gaps() {
    let probe = "tool = 'probe'\nfrom = 'scanner'\nprotocol = 'icmp'\ngap = '4s'";
    let cases = [
        (
            "to = ['open', 'closed']\nrounds = 3\nround_gap = '60s'",
            (3.0 * 4.0 + 2.0 * 60.0) / 5.0,
        ),
        (
            "to = ['open', 'closed']\nprobe_gap = '1s'\nprobe.a = { payload = 'zeros 8' }\nprobe.b = { payload = 'zeros 9' }",
            (2.0 * 1.0 + 4.0) / 3.0,
        ),
        ("to = 'open'\ncount = 8", 4.0),
    ];
    for (keys, wanted) in cases {
        let pace = pace_of(&format!("{probe}\n{keys}"));
        let near = |gap: Option<f64>, by: f64| gap.is_some_and(|gap| (gap - wanted).abs() < by);
        assert!(
            near(pace.asked_s, 1e-6) && near(pace.delivered_s, 0.01),
            "{keys}: {pace:?}"
        );
    }
    let parts = "tool = 'ping'\nfrom = 'scanner'\nto = 'open'\ncount = 5\n[activity.more]\npart_of = 'act'\ntool = 'ping'\n\
                 from = 'scanner'\nto = 'closed'\ncount = 9\ngap = '3s'";
    assert!(pace_of(parts).asked_s.is_none());
}

#[test]
fn counters_of_a_host_stand_where_the_file_says() {
    let with = |keys: &str| {
        let world = WORLD.replace(
            "stack = \"linux-2.2\"\n[host.open]",
            &format!("stack = \"linux-2.2\"\n{keys}\n[host.open]"),
        );
        let scan = "tool = 'connect'\nto = 'closed'\nports = [1, 2, 3]";
        read(&format!(
            "{world}[activity.scan]\nfrom = \"scanner\"\nclass = \"connect-scan\"\n{scan}"
        ))
    };
    let seen = frames(&with("next_port = 4998\nid_behind = 5000").unwrap());
    let sent = seen.iter().filter(|frame| frame.ports.0 > 1023);
    let counters: Vec<(u16, u16)> = sent.map(|frame| (frame.ports.0, frame.id)).collect();
    // The ports of that stack end with 4999, identifications with 65535.
    assert_eq!(counters, [(4998, 65534), (4999, 65535), (1024, 0)]);
    for (keys, wanted) in [
        ("id_behind = 376", "id_behind counts from next_port"),
        ("next_port = 80", "takes ports from 1024 to 4999"),
    ] {
        let text = with(keys).err().unwrap_or_default();
        assert!(
            text.contains(wanted) && text.contains("micro.toml:"),
            "{text}"
        );
    }
}

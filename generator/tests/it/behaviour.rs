//! What stacks, tools and paths do, written as traces: micro scenarios of a few frames, each against the lines it must
//! show at its sensor. Fields that chance decides are left out of the comparison.

use std::collections::BTreeMap;

use crate::micro::{read, record};
use labels::Truth;
use wire::capture::CaptureReader;
use wire::decode::{Network, Transport};
use wire::{Flags, Layers};

/// A world of two sites; `hosts` and `activities` are added as they stand.
fn scenario(parts: &str) -> String {
    format!(
        r#"
id = "micro"
title = "micro"
family = "port-scan"
summary = "a test"
source = "a test"
start = "2026-01-01T00:00:00Z"
duration = "200s"

[site.outside]
prefixes = ["198.51.100.0/24"]

[site.home]
prefixes = ["192.0.2.0/24"]
{parts}
"#
    )
}

const PATH: &str = "
[path.internet]
between = [\"outside\", \"home\"]
hops = 10
delay = \"10ms\"
[host.client]
site = \"outside\"
address = \"198.51.100.1\"
stack = \"linux-6\"
[sensor.home]
site = \"home\"
";

/// The frames at sensor `home` as short lines, and the truth.
fn run(parts: &str) -> (Vec<String>, Truth) {
    let (bytes, truth) = record(&read(&scenario(parts)).unwrap(), 3);
    let mut reader = CaptureReader::new(bytes.as_slice()).unwrap();
    let mut lines = Vec::new();
    let mut starts: BTreeMap<(u16, u16), u32> = BTreeMap::new();
    while let Some(record) = reader.next().unwrap() {
        lines.push(line(
            &Layers::decode(record.link_type, record.bytes),
            &mut starts,
        ));
    }
    (lines, truth)
}

/// `> 80 S 0 win 64240` for a segment towards home, `<` for one from home; numbers count from each side's first.
fn line(layers: &Layers<'_>, starts: &mut BTreeMap<(u16, u16), u32>) -> String {
    let (source, _) = layers.addresses().unwrap();
    let inward = !source.to_string().starts_with("192.0.2.");
    let arrow = if inward { '>' } else { '<' };
    match &layers.transport {
        Transport::Tcp(tcp) => {
            let port = if inward { tcp.destination } else { tcp.source };
            let own = *starts
                .entry((tcp.source, tcp.destination))
                .or_insert(tcp.sequence);
            let other = starts.get(&(tcp.destination, tcp.source)).copied();
            let mut text = format!(
                "{arrow} {port} {} {}",
                tcp.flags,
                tcp.sequence.wrapping_sub(own)
            );
            if layers.payload_length > 0 {
                text.push_str(&format!("({})", layers.payload_length));
            }
            if tcp.flags.contains(Flags::ACK) {
                text.push_str(&format!(
                    " ack {}",
                    tcp.acknowledgment.wrapping_sub(other.unwrap_or(0))
                ));
            }
            text
        }
        Transport::Udp(udp) => format!(
            "{arrow} {} udp({})",
            if inward { udp.destination } else { udp.source },
            layers.payload_length
        ),
        Transport::Icmp(icmp) => format!("{arrow} icmp {}/{}", icmp.icmp_type, icmp.code),
        other => panic!("unexpected {other:?}"),
    }
}

fn probe(stack: &str, host: &str, flags: &str) -> Vec<String> {
    let parts = format!(
        "{PATH}
[host.server]
site = \"home\"
address = \"192.0.2.1\"
stack = \"{stack}\"
{host}
[activity.probe]
tool = \"nmap-2-fin\"
from = \"client\"
to = \"server\"
flags = \"{flags}\"
ports = 80
tries = 1
class = \"fin-scan\"
"
    );
    run(&parts).0
}

#[test]
fn a_closed_port_answers_odd_flags_as_rfc_9293_says() {
    // Section 3.10.7.1: with ACK the reset takes its number from it; without, it acknowledges what came.
    assert_eq!(probe("linux-6", "", "F"), ["> 80 F 0", "< 80 R. 0 ack 1"]);
    assert_eq!(
        probe("linux-6", "", "none"),
        ["> 80 none 0", "< 80 R. 0 ack 0"]
    );
    assert_eq!(
        probe("linux-6", "", "FPU"),
        ["> 80 FPU 0", "< 80 R. 0 ack 1"]
    );
    assert_eq!(probe("linux-6", "", "SF"), ["> 80 FS 0", "< 80 R. 0 ack 2"]);
    assert_eq!(probe("linux-6", "", "."), ["> 80 . 0 ack 0", "< 80 R 0"]);
    assert_eq!(probe("linux-6", "", "R"), ["> 80 R 0"]);
}

#[test]
fn an_open_port_is_silent_to_odd_flags_unless_its_stack_is_windows() {
    let open = "open = [80]";
    assert_eq!(probe("linux-6", open, "F"), ["> 80 F 0"]);
    assert_eq!(probe("linux-6", open, "none"), ["> 80 none 0"]);
    assert_eq!(probe("linux-6", open, "."), ["> 80 . 0 ack 0", "< 80 R 0"]);
    assert_eq!(
        probe("windows-98", open, "F"),
        ["> 80 F 0", "< 80 R. 0 ack 1"]
    );
}

#[test]
fn a_filter_is_silent_or_says_so() {
    assert_eq!(probe("linux-6", "ports = \"filtered\"", "F"), ["> 80 F 0"]);
    assert_eq!(
        probe("linux-6", "ports = \"rejected\"", "F"),
        ["> 80 F 0", "< icmp 3/13"]
    );
}

#[test]
fn a_half_open_probe_is_torn_down_by_the_scanners_own_stack() {
    let parts = format!(
        "{PATH}
[host.server]
site = \"home\"
address = \"192.0.2.1\"
stack = \"linux-6\"
open = [80]
[activity.scan]
tool = \"nmap-2-syn\"
from = \"client\"
to = \"server\"
ports = [80, 81]
gap = \"1s\"
class = \"syn-scan\"
evident = \"2 distinct ports\"
"
    );
    let (lines, truth) = run(&parts);
    assert_eq!(
        lines,
        [
            "> 80 S 0",
            "< 80 S. 0 ack 1",
            "> 80 R 1",
            "> 81 S 0",
            "< 81 R. 0 ack 1"
        ]
    );
    let event = &truth.events[0];
    assert_eq!(
        (
            event.packets,
            event.evident.as_ref().map(|evident| evident.frame)
        ),
        (5, Some(4))
    );
}

#[test]
fn an_early_windows_client_tries_a_refused_port_twice_more_and_then_gives_up() {
    let parts = format!(
        "{}
[host.server]
site = \"home\"
address = \"192.0.2.1\"
stack = \"linux-6\"
[activity.scan]
tool = \"connect-scan\"
from = \"client\"
to = \"server\"
ports = 37
class = \"connect-scan\"
",
        PATH.replace("linux-6", "windows-98")
    );
    let (lines, _) = run(&parts);
    assert_eq!(lines, ["> 37 S 0", "< 37 R. 0 ack 1"].repeat(3));
}

#[test]
fn an_open_port_repeats_its_syn_ack_to_one_who_never_answers_and_forgets() {
    let parts = "
[path.internet]
between = [\"outside\", \"home\"]
delay = \"10ms\"
[host.attacker]
site = \"outside\"
address = \"198.51.100.66\"
stack = \"linux-6\"
[host.server]
site = \"home\"
address = \"192.0.2.1\"
stack = \"bsd-net2\"
open = [23]
[sensor.home]
site = \"home\"
[activity.flood]
tool = \"syn-flood\"
from = \"attacker\"
to = \"server\"
ports = 23
sources = [\"198.18.0.9\"]
count = 1
class = \"spoofed-syn-flood\"
echo = \"syn-flood-backscatter\"
";
    let (lines, truth) = run(parts);
    // Four in all, as the stack's file says, each with the first one's number.
    let expected = [vec!["> 23 S 0"], vec!["< 23 S. 0 ack 1"; 4]].concat();
    assert_eq!(lines, expected);
    let event = &truth.events[0];
    assert_eq!(
        event.actor,
        Some("198.51.100.66".parse().unwrap()),
        "the sender hides behind a forged source"
    );
    assert_eq!(event.sources, ["198.18.0.9".parse().unwrap()]);
}

#[test]
fn nobody_answers_for_an_absent_address_but_the_router_if_the_site_lets_it() {
    let absent = |policy: &str| {
        let parts = format!(
            "{}
[activity.scan]
tool = \"nmap-2-syn\"
from = \"client\"
to = \"192.0.2.77\"
ports = 80
class = \"syn-scan\"
",
            PATH
        );
        let text = scenario(&parts).replace(
            "prefixes = [\"192.0.2.0/24\"]",
            &format!("prefixes = [\"192.0.2.0/24\"]\nabsent = \"{policy}\""),
        );
        record(&read(&text).unwrap(), 3).1.capture.packets
    };
    assert_eq!(absent("silent"), 1);
    assert_eq!(absent("host-unreachable"), 2);
    assert_eq!(absent("network-unreachable"), 2);
}

#[test]
fn a_lossy_path_delivers_every_byte_in_the_end() {
    let session = |loss: &str| {
        let parts = format!(
            "{}
[host.server]
site = \"home\"
address = \"192.0.2.1\"
stack = \"linux-6\"
[host.server.service.ftp]
app = \"ftp\"
greeting = \"220 ready\"
[activity.session]
app = \"ftp\"
from = \"client\"
to = \"server\"
class = \"ftp\"
",
            PATH.replace(
                "delay = \"10ms\"",
                &format!("delay = \"10ms\"\nloss = \"{loss}\"")
            )
        );
        run(&parts).0
    };
    let clean = session("0%");
    let lossy = session("12%");
    assert!(
        lossy.len() > clean.len(),
        "lost segments come again: {lossy:?}"
    );
    // The server's last acknowledgment covers the client's FIN in both.
    let close = |lines: &[String]| lines.iter().any(|line| line.starts_with("> 21 F."));
    assert!(close(&clean) && close(&lossy), "{lossy:?}");
}

const BOTH_FAMILIES: &str = "
[site.outside]
prefixes = [\"198.51.100.0/24\", \"2001:db8:9::/48\"]
[site.home]
prefixes = [\"192.0.2.0/24\", \"2001:db8:1::/64\"]
[path.internet]
between = [\"outside\", \"home\"]
hops = 10
delay = \"10ms\"
[group.clients]
site = \"home\"
count = 1
stack = \"linux-6\"
ipv6 = true
[group.names]
site = \"outside\"
count = 1
stack = \"linux-6\"
access = \"1ms\"
ipv6 = true
[group.names.service.http]
app = \"http\"
[activity.visit]
app = \"http\"
from = \"clients\"
to = \"names\"
class = \"web\"
[sensor.home]
site = \"home\"
";

/// The SYNs of a capture by version of IP, and whether data came over each.
fn families(change: (&str, &str)) -> [(usize, bool); 2] {
    let text = scenario("")
        .split("[site.")
        .next()
        .unwrap_or_default()
        .to_owned();
    let parts = BOTH_FAMILIES.replace(change.0, change.1);
    let (bytes, _) = record(&read(&format!("{text}{parts}")).unwrap(), 3);
    let mut reader = CaptureReader::new(bytes.as_slice()).unwrap();
    let mut seen = [(0, false); 2];
    while let Some(record) = reader.next().unwrap() {
        let layers = Layers::decode(record.link_type, record.bytes);
        let (source, _) = layers.addresses().unwrap();
        if let Transport::Tcp(tcp) = &layers.transport {
            let [four, six] = &mut seen;
            let (syns, data) = if source.is_ipv6() { six } else { four };
            *syns += usize::from(tcp.flags.is_exactly(Flags::SYN));
            *data |= layers.payload_length > 0;
        }
    }
    seen
}

#[test]
fn who_has_both_families_takes_ipv6_where_it_works() {
    assert_eq!(families(("", "")), [(0, false), (1, true)]);
}

#[test]
fn a_stale_ipv6_address_is_left_for_ipv4_after_a_quarter_of_a_second() {
    let stale = ("access = \"1ms\"\nipv6 = true", "ipv6 = \"stale\"");
    assert_eq!(families(stale), [(1, true), (1, false)]);
}

#[test]
fn who_has_ipv4_alone_never_tries_the_other() {
    let alone = ("ipv6 = true\n[group.names]", "[group.names]");
    assert_eq!(families(alone), [(1, true), (0, false)]);
}

#[test]
fn an_ipv6_address_needs_a_block() {
    let text = scenario(&format!(
        "{PATH}\n[group.desks]\nsite = \"home\"\ncount = 1\nstack = \"linux-6\"\nipv6 = true"
    ));
    let error = read(&text).unwrap_err();
    assert!(
        error.contains("group.desks: 'ipv6' needs a block of IPv6 addresses at its site 'home'"),
        "{error}"
    );
}

#[test]
fn a_segment_hears_routers_that_are_asked_and_hosts_that_join() {
    let text = scenario("")
        .split("[site.")
        .next()
        .unwrap_or_default()
        .to_owned();
    let parts = BOTH_FAMILIES.replace(
        "count = 1\nstack = \"linux-6\"\nipv6 = true\n[group.names]",
        "count = 1\nbooted = true\nstack = \"linux-6\"\nipv6 = true\n[group.names]",
    );
    let parts = parts.replace(
        "[sensor.home]\nsite = \"home\"",
        "[sensor.home]\nsite = \"home\"\nat = \"segment 0\"",
    );
    let (bytes, _) = record(&read(&format!("{text}{parts}")).unwrap(), 3);
    let mut reader = CaptureReader::new(bytes.as_slice()).unwrap();
    let (mut kinds, mut labels) = (Vec::new(), std::collections::BTreeMap::new());
    while let Some(record) = reader.next().unwrap() {
        let layers = Layers::decode(record.link_type, record.bytes);
        assert!(layers.anomalies.is_empty(), "{:?}", layers.anomalies);
        if let Transport::Icmpv6(message) = &layers.transport {
            kinds.push(message.icmp_type);
        }
        if let (Network::V6(ip), Some(ports)) = (&layers.network, layers.ports()) {
            let flow = (ip.source, ip.destination, ports);
            let label = *labels.entry(flow).or_insert(ip.flow_label);
            assert_eq!(label, ip.flow_label, "one label a flow");
        }
    }
    let distinct: std::collections::BTreeSet<&u32> = labels.values().collect();
    assert!(
        distinct.len() == labels.len() && !distinct.contains(&0),
        "{labels:?}"
    );
    // Who joins says first in which group it listens, and again under its own address.
    assert_eq!(
        kinds.iter().filter(|kind| **kind == 143).count(),
        2,
        "{kinds:?}"
    );
    let joins: Vec<u8> = kinds
        .iter()
        .copied()
        .filter(|kind| [133, 134].contains(kind))
        .collect();
    assert_eq!(joins.get(..2), Some(&[133, 134][..]), "{kinds:?}");
    assert!(
        kinds.iter().filter(|kind| **kind == 135).count() >= 3,
        "{kinds:?}"
    );
}

/// Two hosts of home behind one address visit a server, as a sensor at that place sees it.
fn behind_one_address(at: &str) -> Vec<u8> {
    let text = scenario(&format!(
        r#"nat = "192.0.2.1"
[path.internet]
between = ["outside", "home"]
[host.one]
site = "home"
address = "10.0.0.7"
stack = "linux-6"
[host.two]
site = "home"
address = "10.0.0.8"
stack = "linux-6"
[host.server]
site = "outside"
address = "198.51.100.9"
stack = "linux-6"
[host.server.service.http]
app = "http"
[activity.visit]
app = "http"
from = ["one", "two"]
to = "server"
class = "web"
[sensor.home]
site = "home"
at = "{at}"
"#
    ));
    let private = "prefixes = [\"192.0.2.1/32\", \"10.0.0.0/24\"]";
    let text = text.replace("prefixes = [\"192.0.2.0/24\"]", private);
    record(&read(&text).unwrap(), 3).0
}

#[test]
fn hosts_behind_one_address_show_it_outside_and_get_their_answers() {
    let bytes = behind_one_address("border");
    let mut reader = CaptureReader::new(bytes.as_slice()).unwrap();
    let (mut ports, mut answers) = (std::collections::BTreeSet::new(), 0);
    while let Some(record) = reader.next().unwrap() {
        let layers = Layers::decode(record.link_type, record.bytes);
        let (source, target) = layers.addresses().unwrap();
        assert!(
            [source, target]
                .map(|a| a.to_string())
                .contains(&"192.0.2.1".to_owned())
        );
        if let Transport::Tcp(tcp) = &layers.transport {
            if tcp.flags.is_exactly(Flags::SYN) {
                ports.insert(tcp.source);
            }
            answers += usize::from(tcp.source == 80 && layers.payload_length > 0);
        }
    }
    assert_eq!(ports.len(), 2, "{ports:?}");
    assert!(answers >= 2);
}

/// Who stands behind one address asks for its router by a private one: nobody holds the other on that segment.
#[test]
fn hosts_behind_one_address_ask_for_their_router_by_a_private_one() {
    let bytes = behind_one_address("segment 0");
    let mut reader = CaptureReader::new(bytes.as_slice()).unwrap();
    let mut asked = std::collections::BTreeSet::new();
    while let Some(record) = reader.next().unwrap() {
        let layers = Layers::decode(record.link_type, record.bytes);
        if let Network::Arp(arp) = &layers.network {
            asked.insert(arp.target.to_string());
        }
    }
    assert_eq!(
        asked.into_iter().collect::<Vec<_>>(),
        ["10.0.0.254", "10.0.0.7", "10.0.0.8"]
    );
}

#[test]
fn a_service_that_died_refuses_until_it_is_back_and_clients_try_again() {
    let parts = format!(
        "{PATH}
[host.server]
site = \"home\"
address = \"192.0.2.9\"
stack = \"linux-6\"
[host.server.service.http]
app = \"http\"
dies = \"0s\"
gone = \"6s\"
[activity.visit]
app = \"http\"
from = \"client\"
to = \"server\"
at = \"1s\"
reconnect = \"2s\"
reconnects = 20
class = \"web\"
"
    );
    let (lines, _) = run(&parts);
    let refused = lines.iter().filter(|line| line.contains("R.")).count();
    let opened = lines.iter().filter(|line| line.contains("S.")).count();
    assert!(refused >= 2 && opened == 1, "{lines:#?}");
}

#[test]
fn what_cannot_be_seen_is_said_with_its_line() {
    let server = "[host.server]\nsite = \"home\"\naddress = \"192.0.2.9\"\nstack = \"linux-6\"\n";
    let scan = |to: &str, rest: &str| {
        format!(
            "{PATH}{server}[activity.scan]\ntool = \"nmap-syn\"\nfrom = \"client\"\nports = 80\nclass = \"syn-scan\"\n{to}\n{rest}"
        )
    };
    for (parts, wanted) in [
        (
            scan("to = \"server\"", "").replace(
                "between = [\"outside\", \"home\"]",
                "between = [\"outside\", \"outside\"]",
            ),
            "joins two different sites",
        ),
        (
            scan("to = \"203.0.113.9\"", ""),
            "203.0.113.9 belongs to no site",
        ),
        (scan("", ""), "it is aimed at nobody"),
        (scan("to = \"client\"", ""), "speaks to itself alone"),
        (
            scan("to = \"server\"", "at = \"400s\""),
            "it begins at 400s, when the scenario is over",
        ),
        (
            scan("to = \"server\"", "").replace("\"home\"]\n", "\"home\"]\nloss = \"100%\"\n"),
            "path.internet loses all",
        ),
        (
            scan("to = \"server\"", "").replace("delay = \"10ms\"", "delay = \"90min\""),
            "path.internet takes 90min",
        ),
        (
            scan("to = \"255.255.255.255\"", ""),
            "stays on the segment of 'client', where no sensor stands",
        ),
        (
            scan(
                "to = \"server\"",
                "[host.other]\nsite = \"home\"\naddress = \"192.0.2.8\"\nstack = \"linux-6\"",
            )
            .replace("from = \"client\"", "from = \"other\""),
            "what hosts of site 'home' say to each other does not pass its border",
        ),
        (
            scan(
                "to = \"server\"",
                "[group.nobody]\nsite = \"outside\"\ncount = 0\nstack = \"linux-6\"",
            )
            .replace("from = \"client\"", "from = \"nobody\""),
            "'nobody' has no members",
        ),
        (
            scan("to = \"server\"", "[sensor.home.fault]\nloss = \"100%\""),
            "no frame is left",
        ),
        (
            scan(
                "to = \"server\"",
                "[sensor.far]\npath = \"internet\"\nhop = 90",
            ),
            "hop = 90: the path has",
        ),
        (
            scan(
                "to = \"server\"",
                "[sensor.deep]\nsite = \"home\"\nat = \"segment 9\"\n[site.empty]\nprefixes = [\"203.0.113.0/24\"]\n[sensor.e]\nsite = \"empty\"",
            ),
            "nobody lives at site 'empty'",
        ),
        (
            scan(
                "to = \"server\"",
                "[sensor.raw]\nsite = \"home\"\nmedium = \"raw\"\nvlan = 7",
            ),
            "shows packets without their frames",
        ),
        (
            scan(
                "to = \"server\"",
                "[host.server.service.a]\napp = \"http\"\n[host.server.service.b]\napp = \"tls\"\nport = 80",
            ),
            "port 80 is 'a''s already",
        ),
    ] {
        let error = read(&scenario(&parts)).unwrap_err();
        assert!(
            error.contains(wanted) && error.contains("micro.toml:"),
            "{wanted}: {error}"
        );
    }
}

//! What stacks, tools and paths do, written as traces: micro scenarios of a few frames, each against the lines it must
//! show at its sensor. Fields that chance decides are left out of the comparison.

use std::collections::BTreeMap;

use crate::micro::{read, record};
use labels::Truth;
use wire::capture::CaptureReader;
use wire::decode::Transport;
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

use labels::{Class, Finding};

use crate::trace::{classes, findings, merge, repeat};

/// Ports 21 (open) and 37 (closed), one source port, the open one torn down.
const SYN_SCAN: &str = "
    0.00 198.51.100.7:49724 > 192.0.2.10:21 S seq 2421827136
    0.00 192.0.2.10:21 > 198.51.100.7:49724 S. seq 4046313668 ack 2421827137
    0.00 198.51.100.7:49724 > 192.0.2.10:21 R seq 2421827137
    0.02 198.51.100.7:49724 > 192.0.2.10:37 S seq 2418821749
    0.02 192.0.2.10:37 > 198.51.100.7:49724 R. seq 0 ack 2418821750
";

/// Ports 21 (open, nothing follows) and 37 (closed), an operating system's SYNs.
const CONNECT_SCAN: &str = "
    0.000 198.51.100.7:1141 > 192.0.2.10:21 S seq 929641
    0.749 192.0.2.10:21 > 198.51.100.7:1141 S. seq 779881634 ack 929642
    0.759 198.51.100.7:1141 > 192.0.2.10:21 . seq 929642 ack 779881635
    3.512 198.51.100.7:1144 > 192.0.2.10:37 S seq 932103
    4.205 192.0.2.10:37 > 198.51.100.7:1144 R. seq 0 ack 932104
";

fn only(lines: &str) -> Finding {
    let mut found = findings(lines);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

/// A session with data both ways.
fn session(at: f64, source: &str, target: &str) -> String {
    let text = format!(
        "{:.6} {source} > {target} S seq 100
         {:.6} {target} > {source} S. seq 900 ack 101
         {:.6} {source} > {target} . seq 101 ack 901
         {:.6} {source} > {target} P. seq 101 ack 901 len 300
         {:.6} {target} > {source} P. seq 901 ack 401 len 900
         {:.6} {source} > {target} F. seq 401 ack 1801
         {:.6} {target} > {source} F. seq 1801 ack 402\n",
        at,
        at + 0.01,
        at + 0.02,
        at + 0.03,
        at + 0.05,
        at + 0.06,
        at + 0.07
    );
    // Each connection has numbers of its own.
    text.replace("seq 100", &format!("seq {:.0}", 100.0 + at * 1e6))
}

#[test]
fn the_smallest_syn_scan_is_found() {
    let found = only(SYN_SCAN);
    assert_eq!(found.class, Class::SynScan);
    assert_eq!(found.ports.len(), 2);
    assert_eq!((found.packets, found.detected_frame), (5, 5));
    assert!(found.confidence < 0.9);
}

#[test]
fn the_smallest_connect_scan_is_found() {
    let found = only(CONNECT_SCAN);
    assert_eq!((found.class, found.detected_frame), (Class::ConnectScan, 5));
    assert!(found.confidence <= 0.6);
}

#[test]
fn one_refused_or_one_empty_connection_is_nothing() {
    let lines: Vec<&str> = CONNECT_SCAN.trim().lines().collect();
    assert!(classes(&lines[..3].join("\n")).is_empty());
    assert!(classes(&lines[3..].join("\n")).is_empty());
}

#[test]
fn a_connection_that_carries_data_late_absolves() {
    let late = "3.3 198.51.100.7:1141 > 192.0.2.10:21 P. seq 929642 ack 779881635 len 20";
    assert!(classes(&merge(CONNECT_SCAN, late)).is_empty());
}

#[test]
fn related_services_of_one_host_count_once() {
    let lines = merge(
        &repeat(3, 1.0, "198.51.100.7:{p} > 192.0.2.10:443 S"),
        "0.5 198.51.100.7:30000 > 192.0.2.10:80 S
         0.6 192.0.2.10:80 > 198.51.100.7:30000 R. seq 0
         5.0 198.51.100.7:30001 > 192.0.2.10:8080 S
         5.1 192.0.2.10:8080 > 198.51.100.7:30001 R. seq 0
         9.0 198.51.100.7:30002 > 192.0.2.10:8443 S",
    );
    assert!(classes(&lines).is_empty());
}

#[test]
fn a_closed_port_tried_again_and_again_is_nothing() {
    let tries = repeat(60, 0.5, "198.51.100.7:{p} > 192.0.2.10:5432 S");
    let answers = repeat(60, 0.5, "192.0.2.10:5432 > 198.51.100.7:{p} R. seq 0");
    let mut lines = String::new();
    for (ask, answer) in tries.lines().zip(answers.lines()) {
        lines += &format!("{ask}\n{answer}\n");
    }
    assert!(classes(&lines).is_empty());
}

#[test]
fn a_dead_host_tried_by_a_client_is_no_scan() {
    let mut lines = String::new();
    for n in 0..20u32 {
        let at = f64::from(n) * 30.0;
        for wait in [0.0, 1.0, 3.0, 7.0] {
            lines += &format!(
                "{:.1} 192.0.2.5:{} > 198.51.100.9:443 S\n",
                at + wait,
                40_000 + n
            );
        }
    }
    assert_eq!(classes(&lines), [Class::RetryToDeadHost]);
}

#[test]
fn a_browser_with_twenty_parallel_connections_is_nothing() {
    let lines: String = (0..20)
        .map(|n| {
            session(
                f64::from(n) * 0.001,
                &format!("192.0.2.5:{}", 40_000 + n),
                "198.51.100.9:443",
            )
        })
        .collect();
    assert!(classes(&merge(&lines, "")).is_empty());
}

#[test]
fn four_silent_services_are_a_scan_and_three_are_not() {
    let probe = |ports: &[u16]| -> String {
        ports
            .iter()
            .enumerate()
            .map(|(n, port)| format!("{n}.0 198.51.100.7:{} > 192.0.2.10:{port} S\n", 40_000 + n))
            .collect()
    };
    assert_eq!(classes(&probe(&[21, 22, 23, 79])), [Class::ConnectScan]);
    assert!(classes(&probe(&[21, 22, 23])).is_empty());
}

#[test]
fn a_scan_of_which_answers_were_lost_is_found_all_the_same() {
    let lossy: String = SYN_SCAN
        .lines()
        .filter(|line| !line.contains("192.0.2.10:21 >"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(classes(&lossy), [Class::SynScan]);
}

#[test]
fn a_sweep_of_one_port_is_a_sweep() {
    let sweep = repeat(12, 0.1, "198.51.100.7:{p} > 192.0.2.{}:445 S");
    assert_eq!(classes(&sweep), [Class::PortSweep]);
    let below = repeat(7, 0.1, "198.51.100.7:{p} > 192.0.2.{}:445 S");
    assert!(classes(&below).is_empty());
    let scattered = repeat(20, 0.1, "192.0.2.7:{p} > 198.18.{}.9:25 S");
    assert!(classes(&scattered).is_empty());
}

#[test]
fn peers_on_ports_of_their_own_are_no_sweep() {
    let peers = repeat(60, 0.3, "192.0.2.5:{p} > 198.18.{}.77:{p} S");
    // The source port differs from the target's by nothing here; give each its own.
    let peers = peers.replace("192.0.2.5:2", "192.0.2.5:4");
    assert!(classes(&peers).is_empty());
}

#[test]
fn active_ftp_is_no_scan_by_its_source_port() {
    let mut lines = session(0.0, "192.0.2.5:1030", "198.51.100.9:21");
    for n in 0..3 {
        lines += &format!("{}.5 198.51.100.9:20 > 192.0.2.5:{} S\n", n + 1, 1031 + n);
    }
    assert!(classes(&lines).is_empty());
}

#[test]
fn a_slow_fin_scan_is_found_across_minutes() {
    let found = only(
        "0.0   198.51.100.7:53 > 192.0.2.201:21 F seq 0
         6.0   198.51.100.7:53 > 192.0.2.201:21 F seq 0
         70.7  198.51.100.7:53 > 192.0.2.202:21 F seq 0
         76.7  198.51.100.7:53 > 192.0.2.202:21 F seq 0
         312.5 198.51.100.7:53 > 192.0.2.24:21 F seq 0
         318.5 198.51.100.7:53 > 192.0.2.24:21 F seq 0
         382.9 198.51.100.7:53 > 192.0.2.3:21 F seq 0
         389.0 198.51.100.7:53 > 192.0.2.3:21 F seq 0
         430.5 198.51.100.7:53 > 192.0.2.102:21 F seq 0
         430.6 192.0.2.102:21 > 198.51.100.7:53 R. seq 0",
    );
    assert_eq!(found.class, Class::FinScan);
    assert_eq!((found.targets.len(), found.packets), (5, 10));
}

#[test]
fn one_bare_fin_is_nothing() {
    let one = "0.0 198.51.100.7:53 > 192.0.2.201:21 F seq 0
               6.0 198.51.100.7:53 > 192.0.2.201:21 F seq 0";
    assert!(classes(one).is_empty());
    let two = "0.0 198.51.100.7:53 > 192.0.2.201:21 F seq 0
               6.0 198.51.100.7:53 > 192.0.2.202:21 F seq 0";
    assert!(classes(two).is_empty());
}

#[test]
fn each_odd_flag_has_its_name() {
    for (flags, class) in [
        ("F", Class::FinScan),
        ("none", Class::NullScan),
        ("FPU", Class::XmasScan),
        ("F.", Class::MaimonScan),
        (".", Class::AckScan),
    ] {
        let mut lines = String::new();
        for (n, port) in [22, 80, 111, 3306].iter().enumerate() {
            lines += &format!("{n}.0 198.51.100.7:61000 > 192.0.2.10:{port} {flags}\n");
            lines += &format!("{n}.1 192.0.2.10:{port} > 198.51.100.7:61000 R\n");
        }
        assert_eq!(classes(&lines), [class], "{flags}");
    }
}

#[test]
fn the_middle_of_older_sessions_is_nothing() {
    // Ends and keep-alives from and to several hosts, some answered with RST, some not at all.
    let lines = "
        0.0 192.0.2.5:40001 > 198.51.100.9:443 F. seq 5 ack 9
        0.1 198.51.100.9:443 > 192.0.2.5:40001 F. seq 9 ack 6
        0.2 192.0.2.5:40002 > 198.51.100.10:443 . seq 5 ack 9
        0.3 198.51.100.10:443 > 192.0.2.5:40002 . seq 9 ack 6
        0.4 192.0.2.5:40003 > 198.51.100.11:443 F. seq 5 ack 9
        0.5 198.51.100.11:443 > 192.0.2.5:40003 R seq 9
        0.6 192.0.2.5:40004 > 198.51.100.12:443 F. seq 5 ack 9
        1.0 198.51.100.9:443 > 192.0.2.8:50001 F. seq 5 ack 9
        1.1 198.51.100.9:443 > 192.0.2.8:50002 F. seq 5 ack 9
        1.2 198.51.100.9:443 > 192.0.2.9:50003 F. seq 5 ack 9
        1.3 198.51.100.9:443 > 192.0.2.9:50004 F. seq 5 ack 9
        2.0 198.51.100.9:443 > 192.0.2.8:50005 R seq 5
        2.1 198.51.100.9:443 > 192.0.2.8:50006 R. seq 5 ack 9";
    assert!(classes(lines).is_empty());
}

#[test]
fn an_equal_ports_probe_and_the_syns_after_it_are_one_scan() {
    let mut lines = String::new();
    let mut at = 0.0;
    for port in [23, 143] {
        for host in [11, 12] {
            lines += &format!(
                "{at:.2} 198.51.100.7:{port} > 192.0.2.{host}:{port} . ack 499410217 win 1028\n"
            );
            at += 0.04;
            lines += &format!("{at:.2} 192.0.2.{host}:{port} > 198.51.100.7:{port} R\n");
        }
    }
    let mut sport = 1146;
    for round in [5.0, 8.0, 14.0] {
        for host in [11, 12] {
            for port in [23, 143, 111, 79, 53, 31337, 21] {
                lines += &format!("{round:.2} 198.51.100.7:{sport} > 192.0.2.{host}:{port} S\n");
                sport += 1;
            }
        }
    }
    let found = only(&lines);
    assert_eq!((found.class, found.detected_frame), (Class::AckScan, 4));
    assert_eq!(found.ports.len(), 7);
}

#[test]
fn udp_ports_answered_unreachable_are_a_scan_and_lookups_are_not() {
    let mut lines = String::new();
    for n in 0..6 {
        lines += &format!(
            "{n}.0 198.51.100.7:4000 > 192.0.2.10:{} udp len 8\n",
            100 + n
        );
        lines += &format!(
            "{n}.1 192.0.2.10 > 198.51.100.7 unreachable of {}\n",
            2 * n + 1
        );
    }
    assert_eq!(classes(&lines), [Class::UdpScan]);
    let below: Vec<&str> = lines.lines().take(8).collect();
    assert!(classes(&below.join("\n")).is_empty());
    let mut lookups = String::new();
    for n in 0..40 {
        lookups += &format!(
            "{n}.0 192.0.2.53:{} > 198.51.100.{n}:53 udp len 40\n",
            30_000 + n
        );
        lookups += &format!(
            "{n}.1 198.51.100.{n}:53 > 192.0.2.53:{} udp len 90\n",
            30_000 + n
        );
    }
    assert!(classes(&lookups).is_empty());
}

#[test]
fn answers_of_a_scanned_host_are_held_against_nobody() {
    let mut lines = String::new();
    for n in 0..300u32 {
        lines += &format!(
            "{:.3} 198.51.100.7:61000 > 192.0.2.10:{} S bare\n",
            f64::from(n) * 0.01,
            n + 1
        );
        lines += &format!(
            "{:.3} 192.0.2.10:{} > 198.51.100.7:61000 R. seq 0\n",
            f64::from(n) * 0.01 + 0.002,
            n + 1
        );
    }
    let found = only(&lines);
    assert_eq!(found.class, Class::SynScan);
    assert_eq!(found.ports, [labels::PortRange::new(1, 300).unwrap()]);
}

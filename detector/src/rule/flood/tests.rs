//! Floods, and crowds that look like them.

use labels::Class;

use crate::trace::{classes, findings, findings_with, merge, repeat};

#[test]
fn three_syns_with_one_sequence_number_are_a_flood_however_slow() {
    let found = findings(
        "0.00 198.51.100.7:1053 > 192.0.2.10:23 S seq 322286
         0.39 198.51.100.7:1054 > 192.0.2.10:23 S seq 322286
         0.76 198.51.100.7:1055 > 192.0.2.10:23 S seq 322286",
    );
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].class, Class::SpoofedSynFlood);
    assert_eq!((found[0].packets, found[0].detected_frame), (3, 3));
}

#[test]
fn a_syn_that_no_stack_repeats_so_often_fills_the_backlog() {
    let syn = "198.51.100.7:20000 > 192.0.2.10:80 S seq 77 bare win 1480";
    assert_eq!(classes(&repeat(200, 0.01, syn)), [Class::SynFlood]);
    assert!(classes(&repeat(8, 1.0, syn)).is_empty());
}

#[test]
fn clients_that_retry_a_dead_service_flood_nothing() {
    let mut lines = String::new();
    for n in 0..3_000u32 {
        let (client, port) = (n % 20 + 1, 20_000 + n);
        let time = f64::from(n) * 0.002;
        lines += &format!(
            "{time:.4} 10.0.0.{client}:{port} > 10.0.1.9:5432 S seq {}\n",
            n * 7_919
        );
        lines += &format!(
            "{:.4} 10.0.1.9:5432 > 10.0.0.{client}:{port} R. seq 0\n",
            time + 0.0005
        );
    }
    assert!(
        !classes(&lines)
            .iter()
            .any(|class| class.verdict().is_alerting())
    );
}

#[test]
fn a_flood_that_has_to_make_room_keeps_its_target() {
    let mut lines = String::new();
    for (second, target) in [(1, "192.0.2.10"), (2, "192.0.2.20")] {
        for n in 0..4 {
            lines += &format!("{second}.{n} 198.51.100.7:{n} > {target}:80 S seq 674719801\n");
        }
    }
    let found = findings_with(&lines, "[memory]\ncases = 1");
    let targets: Vec<_> = found.iter().map(|f| f.targets[0].to_string()).collect();
    assert_eq!(targets, ["192.0.2.10", "192.0.2.20"]);
}

#[test]
fn two_are_not_and_neither_are_retransmissions() {
    assert!(
        classes(
            "0.00 198.51.100.7:1053 > 192.0.2.10:23 S seq 322286
             0.39 198.51.100.7:1054 > 192.0.2.10:23 S seq 322286",
        )
        .is_empty()
    );
    assert!(classes(&repeat(6, 3.0, "198.51.100.7:1053 > 192.0.2.10:23 S seq 5")).is_empty());
}

#[test]
fn the_answers_to_a_flood_belong_to_it() {
    let flood = repeat(
        200,
        0.01,
        "198.18.{}.9:{p} > 192.0.2.10:80 S seq 674719801 bare",
    );
    let answers = repeat(
        200,
        0.01,
        "192.0.2.10:80 > 198.18.{}.9:{p} S. ack 674719802",
    );
    let found = findings(&merge(&flood, &answers));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].class, Class::SpoofedSynFlood);
    assert_eq!(found[0].tool.as_deref(), Some("synk4"));
    // The two answers before the third SYN are not counted.
    assert_eq!(found[0].packets, 398);
    assert_eq!(found[0].sources, ["198.18.0.0/16".parse().unwrap()]);
}

#[test]
fn a_true_source_tears_its_half_open_connections_down() {
    let mut lines = String::new();
    for n in 0..200u32 {
        let (at, port) = (f64::from(n) * 0.02, 2000 + n);
        lines += &format!(
            "{at:.3} 198.51.100.7:{port} > 192.0.2.10:80 S seq {} bare\n",
            n * n * 77
        );
        lines += &format!("{:.3} 192.0.2.10:80 > 198.51.100.7:{port} S.\n", at + 0.001);
        lines += &format!("{:.3} 198.51.100.7:{port} > 192.0.2.10:80 R\n", at + 0.002);
    }
    assert_eq!(classes(&lines), [Class::SynFlood]);
}

#[test]
fn a_flood_over_all_ports_of_a_host_is_one_flood_and_its_clients_are_none() {
    let mut lines = String::new();
    for n in 0..3_000u32 {
        let drawn = (n ^ n >> 5).wrapping_mul(2_654_435_761);
        let (a, b, port) = (drawn >> 24, drawn >> 16 & 0xff, drawn % 65_535 + 1);
        let at = f64::from(n) * 0.001;
        let from = format!("198.18.{a}.{b}:{}", 2000 + n);
        lines += &format!("{at:.3} {from} > 192.0.2.10:{port} S seq {drawn} bare\n");
    }
    assert_eq!(classes(&lines), [Class::SpoofedSynFlood]);
    let mut lines = String::new();
    for n in 0..3_000u32 {
        let (at, from) = (
            f64::from(n) * 0.01,
            format!("198.18.{}.{}:4000", n / 200, n % 200),
        );
        let to = format!("192.0.2.10:{}", 20_000 + n);
        lines += &format!("{at:.3} {from} > {to} S seq {}\n", n * 991);
        lines += &format!("{:.3} {to} > {from} S.\n", at + 0.001);
        lines += &format!("{:.3} {from} > {to} .\n", at + 0.002);
        lines += &format!("{:.3} {to} > {from} P. len 2000\n", at + 0.003);
    }
    assert!(classes(&merge(&lines, "")).is_empty());
}

#[test]
fn a_busy_server_is_not_flooded() {
    let mut lines = String::new();
    for n in 0..2000u32 {
        let (at, from) = (
            f64::from(n) * 0.002,
            format!("198.18.{}.{}:{}", n / 200, n % 200, 2000 + n),
        );
        lines += &format!("{at:.4} {from} > 192.0.2.10:443 S seq {}\n", n * 991);
        lines += &format!("{:.4} 192.0.2.10:443 > {from} S.\n", at + 0.04);
        lines += &format!("{:.4} {from} > 192.0.2.10:443 .\n", at + 0.08);
        lines += &format!("{:.4} {from} > 192.0.2.10:443 P. len 100\n", at + 0.09);
    }
    assert!(classes(&merge(&lines, "")).is_empty());
}

#[test]
fn many_clients_of_a_dead_server_retransmit_and_are_no_flood() {
    let mut lines = String::new();
    for n in 0..300u32 {
        for wait in [0.0, 1.0, 3.0] {
            lines += &format!(
                "{:.3} 198.18.0.{}:{} > 192.0.2.10:443 S seq {}\n",
                f64::from(n) * 0.1 + wait,
                n % 200,
                3000 + n,
                n * 991
            );
        }
    }
    assert_eq!(classes(&merge(&lines, "")), [Class::RetryToDeadHost]);
}

#[test]
fn a_client_that_hammers_a_closed_port_is_no_flood() {
    let mut lines = String::new();
    for n in 0..300u32 {
        let at = f64::from(n) * 0.01;
        lines += &format!(
            "{at:.3} 198.51.100.7:{} > 192.0.2.10:8086 S seq {}\n",
            3000 + n,
            n * 991
        );
        lines += &format!(
            "{:.3} 192.0.2.10:8086 > 198.51.100.7:{} R. seq 0\n",
            at + 0.001,
            3000 + n
        );
    }
    assert!(classes(&lines).is_empty());
}

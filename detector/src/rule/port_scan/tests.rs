//! What a scan's finding holds.

use labels::{Class, PortRange};

use crate::trace::only;

#[test]
fn the_smallest_syn_scan_is_told_with_its_last_frame_and_not_too_surely() {
    let found = only(
        "0.00 198.51.100.7.49724 > 192.0.2.10.21: S =2421827136 $syn
         0.00 192.0.2.10.21 > 198.51.100.7.49724: S. =4046313668 ack 1 $syn
         0.00 198.51.100.7.49724 > 192.0.2.10.21: R 1
         0.02 198.51.100.7.49724 > 192.0.2.10.37: S =2418821749 $syn
         0.02 192.0.2.10.37 > 198.51.100.7.49724: R. =0 ack 1",
    );
    assert_eq!(found.class, Class::SynScan);
    assert_eq!(found.ports.len(), 2);
    assert_eq!((found.packets, found.detected_frame), (5, 5));
    assert!(found.confidence < 0.9);
}

#[test]
fn the_smallest_connect_scan_is_told_less_surely() {
    let found = only(
        "0.000 198.51.100.7.1141 > 192.0.2.10.21: S =929641 $syn
         0.749 192.0.2.10.21 > 198.51.100.7.1141: S. =779881634 ack 1 $syn
         0.759 198.51.100.7.1141 > 192.0.2.10.21: . 1 ack 1 win 64240
         3.512 198.51.100.7.1144 > 192.0.2.10.37: S =932103 $syn
         4.205 192.0.2.10.37 > 198.51.100.7.1144: R. =0 ack 1",
    );
    assert_eq!((found.class, found.detected_frame), (Class::ConnectScan, 5));
    assert!(found.confidence <= 0.6);
}

#[test]
fn a_slow_fin_scan_is_one_across_minutes() {
    let found = only(
        "0.0   198.51.100.7.53 > 192.0.2.201.21: F =0
         6.0   198.51.100.7.53 > 192.0.2.201.21: F =0
         70.7  198.51.100.7.53 > 192.0.2.202.21: F =0
         76.7  198.51.100.7.53 > 192.0.2.202.21: F =0
         312.5 198.51.100.7.53 > 192.0.2.24.21: F =0
         318.5 198.51.100.7.53 > 192.0.2.24.21: F =0
         382.9 198.51.100.7.53 > 192.0.2.3.21: F =0
         389.0 198.51.100.7.53 > 192.0.2.3.21: F =0
         430.5 198.51.100.7.53 > 192.0.2.102.21: F =0
         430.6 192.0.2.102.21 > 198.51.100.7.53: R. =0 ack =1",
    );
    assert_eq!(found.class, Class::FinScan);
    assert_eq!((found.targets.len(), found.packets), (5, 10));
}

#[test]
fn an_equal_ports_probe_and_the_syns_after_it_are_one_scan() {
    let mut trace = String::new();
    for port in [23, 143] {
        for host in [11, 12] {
            trace += &format!(
                "+0.04 198.51.100.7.{port} > 192.0.2.{host}.{port}: . =0 ack =499410217 win 1028
                 +0.04 192.0.2.{host}.{port} > 198.51.100.7.{port}: R =499410217\n"
            );
        }
    }
    for (round, at) in (0..).zip([5, 8, 14]) {
        for (n, port) in (0..).zip([23, 143, 111, 79, 53, 31337, 21]) {
            let own = 1146 + 14 * round + n;
            trace += &format!(
                "{at} 198.51.100.7.{own} > 192.0.2.11.{port}: S 0 $syn
                 {at} 198.51.100.7.{} > 192.0.2.12.{port}: S 0 $syn\n",
                own + 7
            );
        }
    }
    let found = only(&trace);
    assert_eq!((found.class, found.detected_frame), (Class::AckScan, 4));
    assert_eq!(found.ports.len(), 7);
}

#[test]
fn answers_of_a_scanned_host_are_held_against_nobody() {
    let found = only(
        "0 repeat 300 every 0.01
           0.000 198.51.100.7.61000 > 192.0.2.10.{n+1}: S 0 win 64240
           0.002 192.0.2.10.{n+1} > 198.51.100.7.61000: R. =0 ack 1
         end",
    );
    assert_eq!(found.class, Class::SynScan);
    assert_eq!(found.ports, [PortRange::new(1, 300).unwrap()]);
}

//! Scans, sweeps and floods, and what a flood's third party sees.

use std::slice::from_ref;

use labels::Class;

use super::capture::{Point, record};
use super::network::{Lab, Place};
use super::{HOME_AND_WAN, Misses, download, texts, words};

/// Ports to scan: 21, 22 and 80 are open.
const PORTS: &str = "21-25,53,80,110,113,135,139,143,443,445,3306,8080";

#[test]
fn scans_of_ports_are_named() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Web, &["web", "ssh", "ftp"]);
    let mut misses = Misses::default();
    let scans = [
        ("connect", "-sT -T4", Class::ConnectScan),
        ("syn", "-sS -T4", Class::SynScan),
        ("syn-slow", "-sS --scan-delay 150ms", Class::SynScan),
        ("syn-one-source-port", "-sS -T4 -g 53", Class::SynScan),
        ("fin", "-sF -T4", Class::FinScan),
        ("null", "-sN -T4", Class::NullScan),
        ("xmas", "-sX -T4", Class::XmasScan),
        ("maimon", "-sM -T4", Class::MaimonScan),
        ("ack", "-sA -T4", Class::AckScan),
    ];
    for (name, options, class) in scans {
        let (from, to) = (Place::Stranger.address(), Place::Web.address());
        let nmap = format!("nmap -n -Pn {options} -p {PORTS} {to}");
        let captures = record(&lab, &format!("nmap-{name}"), HOME_AND_WAN, || {
            lab.run(Place::Stranger, &words(&nmap));
        });
        misses.expect_alert(&captures, class, from, to);
    }
}

#[test]
fn scans_that_a_filter_stops_are_named() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Web, &["web", "ssh"]);
    let mut misses = Misses::default();
    let (from, to) = (Place::Stranger.address(), Place::Web.address());
    // Behind the router nothing is left of them.
    lab.filter("5000-5999", "blackhole");
    lab.filter("6000-6999", "prohibit");
    let scans = [
        (
            "syn-silent",
            "-sS --max-retries 1 -p 80,5001-5012",
            Class::SynScan,
        ),
        (
            "syn-prohibited",
            "-sS --max-retries 1 -p 80,6001-6012",
            Class::SynScan,
        ),
        (
            "connect-silent",
            "-sT --max-retries 1 -p 80,5001-5012",
            Class::ConnectScan,
        ),
        (
            "fin-silent",
            "-sF --max-retries 1 -p 80,5001-5012",
            Class::FinScan,
        ),
        (
            "ack-silent",
            "-sA --max-retries 1 -p 80,5001-5012",
            Class::AckScan,
        ),
    ];
    for (name, options, class) in scans {
        let captures = record(&lab, &format!("filtered-{name}"), &[Point::Wan], || {
            lab.run(
                Place::Stranger,
                &words(&format!("nmap -n -Pn -T4 {options} {to}")),
            );
        });
        misses.expect_alert(&captures, class, from, to);
    }
}

#[test]
fn a_scan_amid_ordinary_sessions_is_named_alone() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Web, &["web", "ssh", "ftp"]);
    lab.serve(Place::Server, &["web", "dns", "ssh"]);
    let mut misses = Misses::default();
    let (from, to) = (Place::Stranger.address(), Place::Web.address());
    let captures = record(&lab, "scan-amid-sessions", HOME_AND_WAN, || {
        download(&lab, Place::Desk, Place::Server, 30);
        lab.run(
            Place::Stranger,
            &words(&format!("nmap -n -Pn -sS -T4 -p {PORTS} {to}")),
        );
        download(&lab, Place::Server, Place::Web, 30);
    });
    misses.expect_alert(&captures, Class::SynScan, from, to);
}

#[test]
fn sweeps_are_named() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Web, &["ssh"]);
    let mut misses = Misses::default();
    for (name, options) in [("syn", "-sS"), ("connect", "-sT")] {
        // Absent hosts are asked for by ARP only: the sweep shows before the router.
        let captures = record(&lab, &format!("sweep-{name}"), &[Point::Wan], || {
            let nmap = format!("nmap -n -Pn {options} -T4 --max-retries 1 -p 22 192.0.2.8-31");
            lab.run(Place::Stranger, &words(&nmap));
        });
        for capture in &captures {
            match capture.alerts()[..] {
                [alert]
                    if alert.class == Class::PortSweep
                        && texts(&alert.sources) == [Place::Stranger.address()]
                        && alert.ports.len() == 1 => {}
                _ => misses.say(capture, "a port sweep from the stranger"),
            }
        }
    }
}

/// So many hping3 SYNs to port 80 of the web server, with further options.
fn flood(lab: &Lab, options: &str, count: u32) {
    let to = Place::Web.address();
    let hping = format!("hping3 -q -n -S -p 80 -c {count} -i u500 {options} {to}");
    lab.run(Place::Stranger, &words(&hping));
}

#[test]
fn a_flood_in_the_own_name_is_named() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Web, &["web"]);
    let captures = record(&lab, "flood-own-name", HOME_AND_WAN, || {
        flood(&lab, "", 3000);
    });
    let (from, to) = (Place::Stranger.address(), Place::Web.address());
    Misses::default().expect_alert(&captures, Class::SynFlood, from, to);
}

#[test]
fn a_flood_in_a_forged_name_is_named_and_its_backscatter_explained() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Web, &["web"]);
    let points = [Point::Home, Point::Wan, Point::Forged];
    let captures = record(&lab, "flood-forged", &points, || {
        flood(&lab, "-a 198.18.5.5", 3000);
    });
    let mut misses = Misses::default();
    let victim = Place::Web.address();
    let [home, wan, owner] = &captures[..] else {
        panic!("one capture a point")
    };
    let forged = "198.18.5.5";
    misses.expect_alert(from_ref(home), Class::SpoofedSynFlood, forged, victim);
    // The answers leave by another interface: nothing here tells how their receiver takes them.
    misses.expect_alert(from_ref(wan), Class::SynFlood, forged, victim);
    let backscatter = (Class::SynFloodBackscatter, victim);
    misses.expect_silence(from_ref(owner), Some(backscatter));
}

#[test]
fn a_flood_in_random_names_is_named() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Web, &["web"]);
    let mut misses = Misses::default();
    let captures = record(&lab, "flood-random", HOME_AND_WAN, || {
        flood(&lab, "--rand-source", 3000);
    });
    for capture in &captures {
        match capture.alerts()[..] {
            [alert]
                if alert.class == Class::SpoofedSynFlood
                    && texts(&alert.targets) == [Place::Web.address()]
                    && !texts(&alert.sources).contains(&Place::Stranger.address().to_owned()) => {}
            _ => misses.say(capture, "a spoofed SYN flood to the web server"),
        }
    }
}

#[test]
fn backscatter_is_explained_whether_a_forged_address_exists_or_not() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Web, &["web"]);
    let mut misses = Misses::default();
    let victim = Place::Web.address();
    for (name, port) in [("closed", 81), ("open", 80), ("open-owned", 80)] {
        if name == "open-owned" {
            lab.ip(Place::Owner, "route add local 198.18.0.0/15 dev lo");
        }
        let captures = record(
            &lab,
            &format!("backscatter-{name}"),
            &[Point::Forged],
            || {
                let hping = format!(
                    "for host in 1 2 3 4 5 6; do \
                 hping3 -q -n -S -p {port} -c 50 -i u1000 -a 198.18.$host.9 {victim} & done; wait"
                );
                lab.run(Place::Stranger, &["sh", "-c", &hping]);
            },
        );
        misses.expect_silence(&captures, Some((Class::SynFloodBackscatter, victim)));
    }
}

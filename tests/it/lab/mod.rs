//! Real traffic: real tools against real services, in a network made for it, captured at its router.
//!
//! Every test builds a [`Lab`] of its own and makes one capture a case. Addresses are those of the documentation and
//! benchmarking blocks (RFC 5737, RFC 2544). Captures stay in the build's folder, `tmp/lab`.

mod capture;
mod hostile;
mod network;
mod ordinary;

use std::fmt::Write;

use labels::{AddressBlock, Class, Finding};

use self::capture::{Capture, Point};
use self::network::{Lab, Place, words};
use crate::namespaces::ip;

const HOME_AND_WAN: &[Point] = &[Point::Home, Point::Wan];

/// What the detector got wrong, all of it.
#[derive(Default)]
struct Misses(String);

impl Misses {
    fn say(&mut self, capture: &Capture, what: &str) {
        let _ = writeln!(self.0, "{}: {what}", capture.path.display());
        for finding in &capture.findings {
            let _ = writeln!(self.0, "  {}", finding.to_json());
        }
    }

    /// One alert and no other: this class, of this source, against this target.
    fn expect_alert(&mut self, captures: &[Capture], class: Class, source: &str, target: &str) {
        for capture in captures {
            match capture.alerts()[..] {
                [alert]
                    if alert.class == class
                        && texts(&alert.sources) == [source]
                        && texts(&alert.targets) == [target] => {}
                _ => self.say(capture, &format!("{class} from {source} to {target}")),
            }
        }
    }

    /// No alert; and, if named, this explanation, of this source.
    fn expect_silence(&mut self, captures: &[Capture], explanation: Option<(Class, &str)>) {
        for capture in captures {
            if !capture.alerts().is_empty() {
                self.say(capture, "no alert");
            }
            let Some((class, source)) = explanation else {
                continue;
            };
            let explains =
                |finding: &Finding| finding.class == class && texts(&finding.sources) == [source];
            if !capture.findings.iter().any(explains) {
                self.say(capture, &format!("{class} from {source}"));
            }
        }
    }
}

impl Drop for Misses {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(
                self.0.is_empty(),
                "the detector should have found\n{}",
                self.0
            );
        }
    }
}

/// Addresses without the length that a single host has.
fn texts(blocks: &[AddressBlock]) -> Vec<String> {
    blocks
        .iter()
        .map(|block| block.to_string().trim_end_matches("/32").to_owned())
        .collect()
}

/// So many parallel downloads of 20 kB.
fn download(lab: &Lab, from: Place, server: Place, count: u32) {
    let url = format!("http://{}/20000-[1-{count}]", server.address());
    let curl = ["curl", "--silent", "--parallel", "--parallel-immediate"];
    let rest = ["--parallel-max", "30", "--output", "/dev/null", &url];
    let output = lab.run(from, &[&curl[..], &rest].concat());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_lab_has_no_way_out() {
    let Some(lab) = Lab::build() else { return };
    for router in [Place::Router, Place::Provider] {
        for family in ["-4", "-6"] {
            let route = lab.ip(router, &format!("{family} route show default"));
            assert_eq!(route, "", "{router:?} knows a way out");
        }
    }
    let own = lab.namespaces();
    for place in Place::ALL {
        let links = lab.ip(place, "-oneline -details link show up");
        let ports: Vec<_> = links.lines().filter(|link| link.contains("@")).collect();
        assert!(!ports.is_empty(), "{place:?} is linked to nobody");
        for port in ports {
            // The far end, of a veth as of anything else that has one.
            let (_, far) = port
                .split_once("link-netns ")
                .expect("its other end is named");
            let far = far.split_whitespace().next().unwrap_or_default();
            assert!(own.iter().any(|name| name == far), "{place:?}: {port}");
        }
    }
    let outside = String::from_utf8_lossy(&ip(&["-details", "link", "show"]).stdout).into_owned();
    for name in &own {
        assert!(!outside.contains(name.as_str()), "a link leads to {name}");
    }
    let output = lab.run(
        Place::Desk,
        &words("traceroute -n -q 1 -w 1 -m 4 203.0.113.2"),
    );
    let hops = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        hops.contains("203.0.113.2"),
        "the lab itself is connected: {hops}"
    );
}

#[test]
fn a_dropped_lab_leaves_nothing() {
    let Some(mut lab) = Lab::build() else { return };
    lab.serve(Place::Web, &["web"]);
    let own = lab.namespaces();
    let exist = |names: &[String]| {
        let list = String::from_utf8_lossy(&ip(&["netns", "list"]).stdout).into_owned();
        names
            .iter()
            .filter(|name| list.contains(name.as_str()))
            .count()
    };
    assert_eq!(exist(&own), own.len());
    drop(lab);
    assert_eq!(exist(&own), 0);
}

//! UDP scans: datagrams to many ports of one host, answered with port-unreachable or not at all.
//!
//! Stays silent on: lookups, traceroute (its datagrams die on the way), one service asked again and again, programs
//! that send to one port each of many hosts.
//! Does not see: sweeps of one UDP port.

use super::limits::Limits;
use super::syn::services;
use super::tally::{Contact, Detection, Tally, frames};
use crate::news::{Moment, Outcome};
use crate::report::{count, fact};

/// The judgement, while there is none yet.
pub(super) fn judge(tally: &Tally, config: &Limits, now: Moment) -> Option<Detection> {
    for contacts in tally.by_target() {
        if contacts.iter().any(|c| c.friend) && contacts.len() < 2 * config.udp_scan.silent_ports {
            continue;
        }
        let unreachable: Vec<&Contact> = contacts
            .iter()
            .filter(|c| c.outcome == Some(Outcome::Unreachable))
            .copied()
            .collect();
        let ports = services(&contacts, config).len();
        let refused = services(&unreachable, config).len();
        if refused >= config.udp_scan.unreachable_ports || ports >= config.udp_scan.silent_ports {
            return Some(Detection {
                crafted: true,
                doubt: None,
                at: now,
                confidence: 0.8,
                evidence: vec![fact(
                    "datagrams to many ports of one host",
                    format!(
                        "{}, {} answered with port-unreachable, none with a datagram",
                        count(ports, "port"),
                        unreachable.len()
                    ),
                    format!("fewer than {}", config.udp_scan.unreachable_ports),
                    frames(&contacts),
                )],
            });
        }
    }
    None
}

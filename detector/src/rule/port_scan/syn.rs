//! SYN scans, connect scans and sweeps: SYNs that led to nothing.
//!
//! From strong tells that need few contacts to an ordinary look that needs many:
//! 1. one source port, several ports of a host, or one port of several hosts;
//! 2. half-open connections torn down with RST;
//! 3. hand-made SYNs, unless the source insists on one as stacks do, or exchanges data behind one;
//! 4. ordinary connections to unrelated services of one host, or to one port of many hosts.
//!
//! Whether it is a connect scan or a SYN scan follows from what happened at open ports, and else from the SYNs' look:
//! a program that connects leaves source ports and options to its operating system.
//!
//! Stays silent on: a closed port tried again and again, services that somebody waits for, a host that is gone, related
//! ports of one service, sessions, ident callbacks, parallel connections of a browser.

use super::limits::Limits;
use super::tally::{Contact, Detection, Doubt, Tally, distinct, frames};
use crate::address::Address;
use crate::news::{Moment, Outcome};
use crate::report::{count, fact};
use crate::state::State;
use crate::tools;

/// Port of the ident service, RFC 1413.
const IDENT: u16 = 113;
/// The port of the web by which its row is known, and that of a tunnel which may go by it.
const WEB: u16 = 80;
const VPN: u16 = 1194;
/// A shared source port is no accident where it is that of one contact in so many.
const CHANCE: usize = 8;

/// What is known of the source besides.
#[derive(Clone, Copy)]
pub(super) struct Past {
    /// Hosts with which it gets on.
    pub(super) friends: usize,
    /// It was found to look for hosts.
    pub(super) walking: bool,
    /// It has asked hosts that are not there, if not enough of them.
    pub(super) seeking: bool,
    /// Its stack's SYNs look hand-made, as those of other times do.
    pub(super) bare: bool,
    /// Nor is seen what it is answered, or who turns to it.
    pub(super) half_seen: bool,
}

impl Past {
    pub(super) fn of(source: Address, state: &State) -> Past {
        Past {
            friends: state.friends(source),
            walking: state.is_walking(source),
            seeking: state.is_seeking(source),
            bare: state.is_bare(source),
            half_seen: state.sees_one_side(),
        }
    }
}

/// The judgement, while there is none yet.
pub(super) fn judge(tally: &Tally, past: Past, config: &Limits, now: Moment) -> Option<Detection> {
    let friends = past.friends;
    crafted(tally, config, now)
        .or_else(|| torn(tally, past, config, now))
        .or_else(|| raw(tally, past, config, now))
        .or_else(|| vertical(tally, friends, config, now))
        .or_else(|| row_by_row(tally, past, config, now))
        .or_else(|| horizontal(tally, past, config, now))
        .or_else(|| mixed(tally, friends, config, now))
}

/// More contacts than the threshold make a claim surer, up to 0.98.
fn confidence(base: f64, seen: usize, needed: usize) -> f64 {
    let surplus = seen.saturating_sub(needed).min(10);
    (base + 0.04 * f64::from(u8::try_from(surplus).unwrap_or(10))).min(0.98)
}

fn crafted(tally: &Tally, config: &Limits, now: Moment) -> Option<Detection> {
    let scan = &config.scan;
    for contacts in tally.group(|c| (c.target, c.sport)) {
        if contacts.iter().any(|c| c.short) {
            continue;
        }
        let ports = distinct(&contacts, |c| c.port);
        let friend = contacts.iter().any(|c| c.friend);
        let needed = if friend {
            scan.friend_ports
        } else {
            scan.crafted_ports
        };
        // A busy client comes round to a port that it has used before.
        if ports >= needed && contacts.len() * CHANCE >= tally.contacts.len() {
            let sport = contacts.first().map_or(0, |c| c.sport);
            return Some(Detection {
                crafted: !contacts.iter().any(|c| c.outcome == Some(Outcome::Empty)),
                doubt: None,
                at: now,
                confidence: confidence(0.75, ports, scan.crafted_ports),
                evidence: vec![fact(
                    "one source port for different ports of one host",
                    format!("source port {sport} to {}", count(ports, "port")),
                    "a new source port for each connection",
                    frames(&contacts),
                )],
            });
        }
    }
    for contacts in tally.group(|c| (c.port, c.sport)) {
        let hosts = distinct(&contacts, |c| c.target);
        let dials = contacts.iter().all(|c| is_dialled_from_where_it_listens(c));
        if hosts >= scan.crafted_hosts && !dials {
            let (sport, port) = contacts.first().map_or((0, 0), |c| (c.sport, c.port));
            return Some(Detection {
                crafted: !contacts.iter().any(|c| c.outcome == Some(Outcome::Empty)),
                doubt: None,
                at: now,
                confidence: confidence(0.7, hosts, scan.crafted_hosts),
                evidence: vec![fact(
                    "one source port for one port of several hosts",
                    format!(
                        "source port {sport} to port {port} of {}",
                        count(hosts, "host")
                    ),
                    "a new source port for each connection",
                    frames(&contacts),
                )],
            });
        }
    }
    None
}

/// Whether a program of peers may have asked for it: those that let others reach them dial from the port at which they listen.
fn is_dialled_from_where_it_listens(contact: &Contact) -> bool {
    contact.equal_ports() && !contact.raw && !tools::is_system(contact.port)
}

fn torn(tally: &Tally, past: Past, config: &Limits, now: Moment) -> Option<Detection> {
    let torn: Vec<&Contact> = tally
        .contacts
        .iter()
        .filter(|c| c.outcome == Some(Outcome::Torn) && !c.short)
        .collect();
    // A client with a choice of paths drops the slower one; it has sessions besides, and its stack's look.
    let raw = torn.iter().filter(|c| c.raw && !past.bare).count();
    if raw < config.scan.torn
        && (torn.len() < 2 * config.scan.torn || is_busy(torn.len(), past.friends, config))
    {
        return None;
    }
    Some(Detection {
        crafted: true,
        doubt: None,
        at: now,
        confidence: confidence(0.75, torn.len(), config.scan.torn),
        evidence: vec![fact(
            "half-open connections torn down with RST by the host that began them",
            count(torn.len(), "service"),
            "an ACK that completes the handshake",
            frames(&torn),
        )],
    })
}

fn raw(tally: &Tally, past: Past, config: &Limits, now: Moment) -> Option<Detection> {
    if past.bare {
        return None;
    }
    let scan = &config.scan;
    let found = tally
        .by_target()
        .find_map(|contacts| raw_among(contacts, scan.raw_ports, 1))
        .or_else(|| {
            tally
                .group(|c| c.port)
                .into_iter()
                .find_map(|contacts| raw_among(contacts, 1, scan.raw_hosts))
        })?;
    // Systems of other times have such SYNs of their own: who has sessions with as many looks like one of them.
    let hosts = distinct(&found, |c| c.target);
    if hosts > 1 && is_busy(hosts, past.friends, config) {
        return None;
    }
    Some(Detection {
        crafted: true,
        doubt: Some(Doubt::Look),
        at: now,
        confidence: confidence(0.7, found.len(), scan.raw_ports),
        evidence: vec![fact(
            "hand-made SYNs that led to nothing",
            format!("{} without options or with a scanner's window", found.len()),
            "the options and window of an operating system",
            frames(&found),
        )],
    })
}

/// The hand-made ones among contacts, where they are to enough ports and hosts.
fn raw_among(contacts: Vec<&Contact>, ports: usize, hosts: usize) -> Option<Vec<&Contact>> {
    let raw: Vec<&Contact> = contacts.into_iter().filter(|c| c.raw).collect();
    let enough = distinct(&raw, |c| c.port) >= ports && distinct(&raw, |c| c.target) >= hosts;
    enough.then_some(raw)
}

/// Contacts of one host by service: related ports count once, by the first of their row.
pub(super) fn services<'a>(contacts: &[&'a Contact], config: &Limits) -> Vec<&'a Contact> {
    let mut seen = Vec::new();
    contacts
        .iter()
        .filter(|contact| {
            let service = config.scan.service(contact.port);
            let new = !seen.contains(&service);
            seen.push(service);
            new
        })
        .copied()
        .collect()
}

fn vertical(tally: &Tally, friends: usize, config: &Limits, now: Moment) -> Option<Detection> {
    let scan = &config.scan;
    for contacts in tally.by_target() {
        let mut services = services(&contacts, config);
        if services.len() < scan.ports {
            // Servers ask their clients' ident service, and sometimes a second port.
            services.retain(|c| c.port != IDENT);
        }
        let of = |outcome| {
            services
                .iter()
                .filter(|c| c.outcome == Some(outcome))
                .count()
        };
        let refused = of(Outcome::Refused) + of(Outcome::Unreachable);
        let empty = of(Outcome::Empty);
        // Programs tell each other of ports above, where they wait for one call.
        let of_system = services.iter().any(|c| tools::is_system(c.port));
        let friend = contacts.iter().any(|c| c.friend);
        let rung = if friend {
            (services.len() >= scan.friend_ports).then_some((0.6, scan.friend_ports, None))
        } else if services.len() >= scan.ports {
            Some((0.7, scan.ports, None))
        } else if refused >= scan.refused_ports && of_system {
            Some((0.6, scan.refused_ports, None))
        } else if refused > 0
            && empty > 0
            && refused + empty >= scan.open_and_refused
            && !is_busy(tally.targets.len(), friends, config)
            && !tally.waits()
        {
            Some((0.5, scan.open_and_refused, Some(Doubt::Size)))
        } else {
            None
        };
        let Some((base, needed, doubt)) = rung else {
            continue;
        };
        return Some(Detection {
            crafted: false,
            doubt,
            at: now,
            confidence: confidence(base, services.len(), needed),
            evidence: vec![fact(
                "connections to unrelated services of one host that led to nothing",
                format!(
                    "{}: {refused} refused, {empty} accepted and left empty",
                    count(services.len(), "service")
                ),
                format!("fewer than {needed}, and data on those that accept"),
                frames(&services),
            )],
        });
    }
    None
}

/// The same few services refused by host after host of a neighbourhood.
fn row_by_row(tally: &Tally, past: Past, config: &Limits, now: Moment) -> Option<Detection> {
    const SERVICES: usize = 2;
    // Who has looked which hosts are there has no list of services that these should have.
    let fewer = usize::from(past.seeking);
    let needed = config.scan.refused_rows.saturating_sub(fewer).max(1);
    for contacts in tally.group(|c| c.target.neighbourhood()) {
        let mut refused: Vec<&Contact> = contacts
            .into_iter()
            .filter(|c| c.outcome == Some(Outcome::Refused))
            .collect();
        refused.sort_by_key(|c| c.target);
        let hosts: Vec<&[&Contact]> = refused
            .chunk_by(|a, b| a.target == b.target)
            .filter(|host| services(host, config).len() >= SERVICES || is_row(host, config))
            .collect();
        // Who first asks which hosts are there is refused by all of those; who gets on with others has business.
        let known: Vec<&Contact> = refused.iter().filter(|c| c.friend).copied().collect();
        if hosts.len() < needed || distinct(&known, |c| c.target) < past.friends {
            continue;
        }
        return Some(Detection {
            crafted: false,
            doubt: None,
            at: now,
            confidence: confidence(0.55, hosts.len(), needed),
            evidence: vec![fact(
                "unrelated services refused by one host after another",
                format!("{SERVICES} and more by {}", count(hosts.len(), "host")),
                format!("fewer than {needed}"),
                frames(&hosts.concat()),
            )],
        });
    }
    None
}

/// Whether three or more ports of the web, and no others, are asked: who wants a page tries one or two.
fn is_row(host: &[&Contact], config: &Limits) -> bool {
    const PORTS: usize = 3;
    let web = |contact: &&&Contact| config.scan.service(contact.port) == WEB && contact.port != VPN;
    host.iter().filter(web).count() >= PORTS && host.iter().all(|contact| web(&contact))
}

/// Whether a source that has this many friends and failures is rather a busy client.
fn is_busy(failures: usize, friends: usize, config: &Limits) -> bool {
    friends * 100 >= (friends + failures) * config.scan.friendly_percent && friends > 0
}

fn horizontal(tally: &Tally, past: Past, config: &Limits, now: Moment) -> Option<Detection> {
    let scan = &config.scan;
    // Who has just looked which hosts are there now looks what is on them.
    let ordinary = if past.walking {
        scan.sweep_shape_hosts
    } else {
        scan.sweep_hosts
    };
    for contacts in tally.group(|c| c.port) {
        let hosts = distinct(&contacts, |c| c.target);
        // Who gets on with nobody, and is met by nobody whom he asks for one thing, has no list of hosts.
        let alone = past.friends == 0 && !past.half_seen;
        let stranger = alone && tally.ports.len() == 1 && are_absent(&contacts);
        let needed = if stranger {
            ordinary.min(scan.stranger_hosts)
        } else {
            ordinary
        };
        if hosts < needed || is_busy(hosts, past.friends, config) {
            continue;
        }
        let near = nearest(&contacts);
        if near < needed && hosts < scan.scattered_hosts {
            continue;
        }
        let port = contacts.first().map_or(0, |c| c.port);
        return Some(Detection {
            crafted: false,
            doubt: Some(Doubt::Place),
            at: now,
            confidence: confidence(0.65, hosts, needed),
            evidence: vec![fact(
                "connections to one port of many hosts that led to nothing",
                format!(
                    "port {port} of {}, {near} of one neighbourhood",
                    count(hosts, "host")
                ),
                format!("fewer than {needed}"),
                frames(&contacts),
            )],
        });
    }
    None
}

/// Whether none of them was there, and none was asked again.
fn are_absent(contacts: &[&Contact]) -> bool {
    let told = [Outcome::Silent, Outcome::Refused, Outcome::Unreachable];
    contacts.iter().all(|contact| {
        contact.rounds == 1
            && contact
                .outcome
                .is_some_and(|outcome| told.contains(&outcome))
    })
}

/// Hosts in the neighbourhood that holds most of them.
fn nearest(contacts: &[&Contact]) -> usize {
    let mut hosts: Vec<_> = contacts.iter().map(|c| c.target).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
        .chunk_by(|a, b| a.neighbourhood() == b.neighbourhood())
        .map(<[_]>::len)
        .max()
        .unwrap_or(0)
}

fn mixed(tally: &Tally, friends: usize, config: &Limits, now: Moment) -> Option<Detection> {
    let needed = config.scan.mixed;
    if tally.contacts.len() < needed {
        return None;
    }
    for contacts in tally.group(|c| c.target.neighbourhood()) {
        let hosts = distinct(&contacts, |c| c.target);
        let low = contacts.iter().filter(|c| tools::is_system(c.port)).count();
        // Peers of peer-to-peer programs listen on high ports, one a host.
        let scanlike = low * 2 > contacts.len() || contacts.len() >= hosts * 2;
        // As at one host, who has exchanged data may ask for twice as much.
        let known = contacts.iter().filter(|c| c.friend).count();
        if contacts.len() * 2 >= needed * 2 + known
            && scanlike
            && !is_busy(contacts.len(), friends, config)
        {
            return Some(Detection {
                crafted: false,
                doubt: None,
                at: now,
                confidence: confidence(0.65, contacts.len(), needed),
                evidence: vec![fact(
                    "connections to many ports and hosts of one neighbourhood that led to nothing",
                    format!(
                        "{} on {}",
                        count(contacts.len(), "port"),
                        count(hosts, "host")
                    ),
                    format!("fewer than {needed}"),
                    frames(&contacts),
                )],
            });
        }
    }
    None
}

/// Whether the probes came from a program that makes its own packets.
pub(super) fn is_half_open(tally: &Tally) -> bool {
    if tally.detection.as_ref().is_some_and(|d| d.crafted) {
        return true;
    }
    let half_open = tally.outcome(Outcome::Torn) + tally.outcome(Outcome::Abandoned);
    let completed = tally.outcome(Outcome::Empty);
    if half_open != completed {
        return half_open > completed;
    }
    let raw = tally.contacts.iter().filter(|c| c.raw).count();
    let shared = tally
        .group(|c| c.sport)
        .iter()
        .map(Vec::len)
        .filter(|length| *length > 1)
        .sum::<usize>();
    raw * 2 > tally.contacts.len() || shared * 2 > tally.contacts.len()
}

/// Whether the shape is that of a sweep.
pub(super) fn is_sweep(tally: &Tally, config: &Limits) -> bool {
    let (ports, hosts) = (tally.ports.len(), tally.targets.len());
    ports <= config.scan.sweep_shape_ports
        && hosts >= config.scan.sweep_shape_hosts
        && hosts >= ports * 2
}

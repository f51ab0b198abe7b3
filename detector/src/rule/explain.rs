//! What looks odd and is housekeeping: leases, what does not fit, loops of routers, translated lookups, late answers,
//! servers that check their clients, callers of the host that had the address before, programs that call for their like,
//! names of hosts with which there was traffic, monitors, clients that retry.
//!
//! # What
//! Kinds of traffic that draw the eye and have an innocent reason which the capture shows.
//!
//! # Why these facts
//! Each has its reason beside it: the message that says how long a packet may be was about a packet that was sent; a
//! packet that dies though nobody meant it to has gone round in circles; a low source port whose questions are answered
//! as questions is a translator's; who tries the ports of proxies on a host that has just called checks its client;
//! strangers that call one closed port again and again want who had the address before.
//!
//! # Evidence
//! How often, and the first frames.
//!
//! # Blind spots
//! Who imitates the reason as well. None of this holds of the frames of a scan or a flood, which say more.
//!
//! # References
//! RFC 2131; RFC 1191; RFC 1812 section 5.3.1; RFC 4787.

use labels::{Class, Finding, Transport};

use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Ports};
use crate::news::{Attempt, Excuse, Moment, News, NewsKind, NewsKinds, Oddity, Outcome, Technique};
use crate::observe::{Fault, Quoted};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};
use crate::tools;
use crate::words::Word;

section! {
    /// When what looks odd is explained.
    Limits "explain" {
        leases: u32,
        too_big: u32,
        looped: u32,
        low_ports: u32,
        late: u32,
        checked_ports: usize,
        callers: usize,
        calls: u32,
        pings: u32,
        checks: u32,
        retries: u32,
        peers: usize,
    }
}

/// What is known of one habit.
#[derive(Default)]
struct Habit {
    times: u32,
    sources: Addresses,
    targets: Addresses,
    ports: Ports,
    frames: Examples,
}

impl Habit {
    fn suffices(&self, class: Class, transport: Transport, limits: &Limits) -> bool {
        match class {
            Class::DhcpBroadcast => self.times >= limits.leases,
            Class::PathMtuDiscovery => self.times >= limits.too_big,
            Class::RoutingLoop => self.times >= limits.looped,
            Class::NatLowPortDns => self.times >= limits.low_ports,
            Class::StaleDns => self.times >= limits.late,
            // One says why.
            Class::NetbiosNameResolution => true,
            Class::PeerDiscovery => {
                transport == Transport::Udp || self.targets.len() >= limits.peers
            }
            Class::MonitoringPoll => {
                let checked = self.targets.len() * self.ports.len().max(1);
                let checked = u32::try_from(checked).unwrap_or(u32::MAX);
                match transport {
                    Transport::Tcp => self.times >= limits.checks.saturating_mul(checked),
                    _ => self.times >= limits.pings,
                }
            }
            Class::RetryToDeadHost => {
                let sources = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
                self.ports.len() == 1 && self.times >= limits.retries.saturating_mul(sources)
            }
            _ if transport == Transport::Udp => {
                self.sources.len() >= 2 && self.ports.len() <= self.sources.len()
            }
            Class::ProxyCheck => {
                let ports = self.ports.list();
                let proxies = ports.iter().filter(|port| tools::PROXIES.contains(port));
                ports.len() >= limits.checked_ports && proxies.count() * 2 >= ports.len()
            }
            _ => {
                self.sources.len() >= limits.callers
                    && self.times >= limits.calls
                    // They come again.
                    && usize::try_from(self.times).unwrap_or(usize::MAX) >= 2 * self.sources.len()
                    && self.ports.len() * 2 <= self.sources.len()
            }
        }
    }
}

impl Brief for Habit {
    type Key = (Class, Address, Transport);
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, _: &Limits) -> Option<Finding> {
        let &(class, _, transport) = key;
        let what = match class {
            Class::DhcpBroadcast => "a host asks for an address",
            Class::PathMtuDiscovery => "a router says what fits",
            Class::RoutingLoop => "packets die that nobody meant to die",
            Class::NatLowPortDns => "lookups from low ports, answered as lookups",
            Class::StaleDns => "answers to lookups that nobody waits for any more",
            Class::NetbiosNameResolution => {
                "the name of a host that it has to do with is asked for"
            }
            Class::PeerDiscovery if transport == Transport::Udp => {
                "a program calls for its like on its segment"
            }
            Class::PeerDiscovery => "peers that speak a peer-to-peer protocol",
            Class::MonitoringPoll => "the same is asked again and again",
            Class::RetryToDeadHost => "clients try a closed service again and again",
            Class::ProxyCheck => "ports of a host that had just called are tried",
            _ => "strangers call a closed port again and again",
        };
        let times = usize::try_from(self.times).unwrap_or(usize::MAX);
        let draft = Draft {
            class,
            tool: None,
            sources: self.sources.blocks(),
            targets: self.targets.blocks(),
            transport,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.7,
            evidence: vec![fact(
                what,
                count(times, "time"),
                "a reason of its own beside it",
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Explain {
    habits: Docket<Habit>,
}

impl Explain {
    pub(super) fn new(config: &Config) -> Self {
        Explain {
            habits: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn note(
        &mut self,
        (class, about): (Class, Address),
        (source, target, transport): (Address, Address, Transport),
        port: Option<u16>,
        now: Moment,
        findings: &mut Findings,
    ) {
        // Callers by one protocol say nothing of those by another.
        let key = (class, about, transport);
        let habit = &mut self.habits.note(key, now, 1, findings).brief;
        habit.times = habit.times.saturating_add(1);
        habit.sources.insert(source);
        habit.targets.insert(target);
        if let Some(port) = port {
            habit.ports.insert(port);
        }
        habit.frames.note(now.frame);
        self.habits.judge(key, now, findings, |habit, limits| {
            habit.suffices(class, transport, limits)
        });
    }

    /// An attempt shows a habit, if it does.
    fn of(
        &mut self,
        habit: Option<(Class, Address)>,
        attempt: &Attempt,
        now: Moment,
        findings: &mut Findings,
    ) {
        let Some(key) = habit else { return };
        let transport = match attempt.technique {
            Technique::Udp => Transport::Udp,
            Technique::Echo | Technique::Stamp => Transport::Icmp,
            _ => Transport::Tcp,
        };
        let port = (transport != Transport::Icmp).then_some(attempt.dport);
        let ends = (attempt.source, attempt.target, transport);
        self.note(key, ends, port, now, findings);
    }
}

/// What a first packet alone explains, and about whom.
fn begun(attempt: &Attempt, state: &State) -> Option<(Class, Address)> {
    if attempt.technique != Technique::Udp {
        return None;
    }
    let (source, target) = (attempt.source, attempt.target);
    match (attempt.sport, attempt.dport, attempt.word) {
        (68, 67, _) | (546, 547, _) => Some((Class::DhcpBroadcast, source)),
        // After other traffic between the two.
        (_, 137, _) if attempt.met || state.pair(target, source).opened.is_some() => {
            Some((Class::NetbiosNameResolution, source))
        }
        (67, _, _) | (137 | 138, _, _) => None,
        (_, port, _) if attempt.is_local() && is_broadcast(target) && port != 53 => {
            Some((Class::PeerDiscovery, target))
        }
        (_, 123, Word::NtpQuestion) => Some((Class::MonitoringPoll, target)),
        // The opening of a flow whose question went elsewhere, or to another port.
        (53, 1024.., Word::DnsAnswer(_)) if state.are_friends(target, source) => {
            Some((Class::StaleDns, source))
        }
        _ => None,
    }
}

/// What the same again explains, and about whom.
fn repeated(attempt: &Attempt, now: Moment, state: &State) -> Option<(Class, Address)> {
    match attempt.technique {
        Technique::Echo if is_patient(attempt, now) => {
            Some((Class::MonitoringPoll, attempt.source))
        }
        Technique::Udp if is_broadcast(attempt.target) => begun(attempt, state),
        Technique::Udp => {
            let calls_stranger = attempt.target.is_host()
                && attempt.fetched == 0
                && !tools::is_system(attempt.dport)
                && !attempt.met
                && attempt.is_from_elsewhere();
            calls_stranger.then_some((Class::PreviousTenant, attempt.target))
        }
        _ => None,
    }
}

/// What a connection that led to nothing explains, and about whom.
fn settled(attempt: &Attempt, outcome: Outcome) -> Option<(Class, Address)> {
    if attempt.technique != Technique::Syn {
        return None;
    }
    let by_a_stack = !attempt.raw;
    match (outcome, attempt.excuse) {
        (Outcome::Empty, _) => Some((Class::MonitoringPoll, attempt.source)),
        (Outcome::Refused, _) if attempt.met && by_a_stack && !attempt.is_from_elsewhere() => {
            Some((Class::RetryToDeadHost, attempt.target))
        }
        (_, Some(Excuse::Callback | Excuse::Guest)) => Some((Class::ProxyCheck, attempt.source)),
        (Outcome::Refused, None) if by_a_stack && attempt.is_from_elsewhere() => {
            Some((Class::PreviousTenant, attempt.target))
        }
        _ => None,
    }
}

/// A lookup that a translator has given a low port.
fn is_translated_lookup(attempt: &Attempt) -> bool {
    attempt.technique == Technique::Udp
        && attempt.dport == 53
        && tools::is_system(attempt.sport)
        && !matches!(attempt.sport, 53 | 123)
}

/// Whether everybody on a segment is meant, and no group that has joined.
fn is_broadcast(target: Address) -> bool {
    target.is_v4() && target.is_broadcast_like() && target.bits() & 0xff == 0xff
}

/// Whether whoever asked the same before asks it again, and insists on no answer now.
fn is_patient(attempt: &Attempt, now: Moment) -> bool {
    const AGAIN: u8 = 5;
    const PATIENT_NANOS: u64 = 5_000_000_000;
    attempt.sent >= AGAIN && now.time.nanos_since(attempt.opened.time) >= PATIENT_NANOS
}

impl Rule for Explain {
    fn name(&self) -> &'static str {
        "explain"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Repeated,
            NewsKind::Said,
            NewsKind::Fruitful,
            NewsKind::Settled,
            NewsKind::Died,
            NewsKind::Complained,
            NewsKind::Odd,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt) => self.of(begun(attempt, state), attempt, now, findings),
            News::Repeated(attempt) => {
                self.of(repeated(attempt, now, state), attempt, now, findings);
            }
            News::Settled(attempt, outcome) => {
                self.of(settled(attempt, *outcome), attempt, now, findings);
            }
            News::Said(attempt, true, Word::Peer) => {
                let known = (Class::PeerDiscovery, attempt.source);
                self.of(Some(known), attempt, now, findings);
            }
            News::Fruitful(attempt) if is_translated_lookup(attempt) => {
                let known = (Class::NatLowPortDns, attempt.source);
                self.of(Some(known), attempt, now, findings);
            }
            News::Odd(Oddity::Looping, attempt) => {
                let known = (Class::RoutingLoop, attempt.target);
                self.of(Some(known), attempt, now, findings);
            }
            News::Died {
                source,
                target,
                router: _,
                aimed: false,
            } => {
                let ends = (*source, *target, Transport::Icmp);
                self.note((Class::RoutingLoop, *target), ends, None, now, findings);
            }
            News::Complained {
                fault: Fault::TooBig | Fault::Reassembly,
                speaker,
                to,
                quoted,
                known: true,
                ..
            } => {
                let key = (Class::PathMtuDiscovery, *to);
                let ends = (*speaker, *to, (*quoted).into());
                self.note(key, ends, None, now, findings);
            }
            News::Complained {
                fault: Fault::Port,
                speaker,
                to,
                quoted: Quoted::Udp,
                sport: Some(53),
                known: true,
                ..
            } => {
                let ends = (*to, *speaker, Transport::Udp);
                self.note((Class::StaleDns, *speaker), ends, Some(53), now, findings);
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.habits.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.habits.evicted()
    }
}

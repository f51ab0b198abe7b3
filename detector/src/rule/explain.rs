//! What looks odd and is housekeeping: leases, what does not fit, loops of routers, translated lookups, late answers,
//! servers that check their clients, callers of the host that had the address before.
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

use super::Rule;
use crate::address::Address;
use crate::config::Config;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::news::{Attempt, Excuse, Moment, News, NewsKind, NewsKinds, Oddity, Outcome, Technique};
use crate::observe::Fault;
use crate::report::{Addresses, Draft, Findings, Ports, count, fact};
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
    }
}

/// What is known of one habit.
#[derive(Default)]
struct Habit {
    times: u32,
    sources: Addresses,
    targets: Addresses,
    ports: Ports,
    frames: Vec<u64>,
    transport: Option<Transport>,
}

impl Habit {
    fn suffices(&self, class: Class, limits: &Limits) -> bool {
        match class {
            Class::DhcpBroadcast => self.times >= limits.leases,
            Class::PathMtuDiscovery => self.times >= limits.too_big,
            Class::RoutingLoop => self.times >= limits.looped,
            Class::NatLowPortDns => self.times >= limits.low_ports,
            Class::StaleDns => self.times >= limits.late,
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
    type Key = (Class, Address);
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, _: &Limits) -> Option<Finding> {
        let what = match key.0 {
            Class::DhcpBroadcast => "a host asks for an address",
            Class::PathMtuDiscovery => "a router says what fits",
            Class::RoutingLoop => "packets die that nobody meant to die",
            Class::NatLowPortDns => "lookups from low ports, answered as lookups",
            Class::StaleDns => "answers to lookups that nobody waits for any more",
            Class::ProxyCheck => "ports of a host that had just called are tried",
            _ => "strangers call a closed port again and again",
        };
        let times = usize::try_from(self.times).unwrap_or(usize::MAX);
        let draft = Draft {
            class: key.0,
            tool: None,
            sources: self.sources.blocks(),
            targets: self.targets.blocks(),
            transport: self.transport?,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.7,
            evidence: vec![fact(
                what,
                count(times, "time"),
                "a reason of its own beside it",
                self.frames.iter().copied(),
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
        key: (Class, Address),
        (source, target, transport): (Address, Address, Transport),
        port: Option<u16>,
        now: Moment,
        findings: &mut Findings,
    ) {
        let habit = &mut self.habits.note(key, now, 1, findings).brief;
        habit.times = habit.times.saturating_add(1);
        habit.sources.insert(source);
        habit.targets.insert(target);
        habit.transport.get_or_insert(transport);
        if let Some(port) = port {
            habit.ports.insert(port);
        }
        if habit.frames.len() < 8 {
            habit.frames.push(now.frame);
        }
        let limits = self.habits.limits();
        if self
            .habits
            .peek(&key)
            .is_some_and(|folder| folder.brief.suffices(key.0, limits))
        {
            self.habits.claim(key, now, findings);
        }
    }

    fn of(
        &mut self,
        class: Class,
        about: Address,
        attempt: &Attempt,
        now: Moment,
        findings: &mut Findings,
    ) {
        let transport = match attempt.technique {
            Technique::Udp => Transport::Udp,
            Technique::Echo | Technique::Stamp => Transport::Icmp,
            _ => Transport::Tcp,
        };
        let port = (transport != Transport::Icmp).then_some(attempt.dport);
        let ends = (attempt.source, attempt.target, transport);
        self.note((class, about), ends, port, now, findings);
    }

    fn opening(&mut self, attempt: &Attempt, now: Moment, state: &State, findings: &mut Findings) {
        if attempt.technique != Technique::Udp {
            return;
        }
        match (attempt.sport, attempt.dport, attempt.word) {
            (68, 67, _) | (546, 547, _) => {
                self.of(Class::DhcpBroadcast, attempt.source, attempt, now, findings);
            }
            // The opening of a flow whose question went elsewhere, or to another port.
            (53, 1024.., Word::DnsAnswer(_))
                if state.are_friends(attempt.target, attempt.source) =>
            {
                self.of(Class::StaleDns, attempt.source, attempt, now, findings);
            }
            _ => {}
        }
    }
}

impl Rule for Explain {
    fn name(&self) -> &'static str {
        "explain"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Fruitful,
            NewsKind::Settled,
            NewsKind::Died,
            NewsKind::Complained,
            NewsKind::Odd,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt) => self.opening(attempt, now, state, findings),
            News::Fruitful(attempt)
                if attempt.technique == Technique::Udp
                    && attempt.dport == 53
                    && attempt.sport < 1024
                    && !matches!(attempt.sport, 53 | 123) =>
            {
                self.of(Class::NatLowPortDns, attempt.source, attempt, now, findings);
            }
            News::Settled(attempt, _)
                if attempt.technique == Technique::Syn
                    && attempt.excuse == Some(Excuse::Callback) =>
            {
                self.of(Class::ProxyCheck, attempt.source, attempt, now, findings);
            }
            News::Settled(attempt, Outcome::Refused)
                if attempt.technique == Technique::Syn
                    && attempt.excuse.is_none()
                    && !attempt.raw
                    && !attempt.source.is_near(attempt.target) =>
            {
                self.of(
                    Class::PreviousTenant,
                    attempt.target,
                    attempt,
                    now,
                    findings,
                );
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
            News::Odd(Oddity::Looping, attempt) => {
                self.of(Class::RoutingLoop, attempt.target, attempt, now, findings);
            }
            News::Complained {
                fault: Fault::TooBig,
                speaker,
                to,
                known: true,
                ..
            } => {
                let ends = (*speaker, *to, Transport::Icmp);
                self.note(
                    (Class::PathMtuDiscovery, *speaker),
                    ends,
                    None,
                    now,
                    findings,
                );
            }
            News::Complained {
                fault: Fault::Port,
                speaker,
                to,
                sport: Some(53),
                known: true,
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

#[cfg(test)]
mod tests {
    use labels::Class;

    use crate::trace::classes;

    #[test]
    fn strangers_that_call_a_closed_port_again_want_who_was_there_before() {
        let mut lines = String::new();
        for n in 0..12u32 {
            let from = format!("198.51.{}.9:{}", 100 + n % 4, 40_000 + n);
            lines += &format!("{n}.0 {from} > 192.0.2.10:6346 S seq {}\n", n * 977);
            lines += &format!("{n}.1 192.0.2.10:6346 > {from} R. seq 0\n");
        }
        assert_eq!(classes(&lines), [Class::PreviousTenant]);
        let few: Vec<&str> = lines.lines().take(6).collect();
        assert!(classes(&few.join("\n")).is_empty());
    }
}

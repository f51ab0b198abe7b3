//! Floods of datagrams, ICMP messages and TCP segments that open nothing.
//!
//! # What
//! More packets a second to one host than it or its line can take, from one source or many, in their own names or in
//! forged ones.
//!
//! # Why these facts
//! Each packet fills a bucket of its victim, time drains it at the rate that is nobody's harm; the bucket has no window
//! to straddle. What is answered, or goes between hosts that talk besides, is traffic, however much: only flows that go
//! one way count. Echo requests count even if they are answered: that is what the host's time is spent on.
//!
//! # Evidence
//! Packets, sources, the rate over the whole.
//!
//! # Blind spots
//! A flood below the rates. One-way media streams to hosts that never speak look alike and are told apart by rate alone.
//!
//! # References
//! RFC 4732 section 2.

use labels::{AddressBlock, Class, Finding, Transport};
use wire::Timestamp;

use super::Rule;
use crate::address::Address;
use crate::config::Config;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::news::{AnswerKind, Attempt, Moment, News, NewsKind, NewsKinds, Technique};
use crate::report::{Addresses, Crowd, Draft, Findings, NAMED_SOURCES, Ports, fact};
use crate::state::{Memory, State};
use crate::words::Word;

/// Sources from which datagrams to many ports of one host are a flood and no scan.
const EVERYWHERE: u64 = 50;

section! {
    /// When packets are a flood.
    Limits "volume" {
        datagrams: u64,
        echoes: u64,
        segments: u64,
        drain_per_second: u64,
        echo_drain_per_second: u64,
    }
}

/// What the packets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Datagrams,
    Echoes,
    Segments,
}

/// What is known of a victim.
#[derive(Default)]
struct Load {
    /// In thousandths of a packet.
    level: u64,
    drained: Timestamp,
    packets: u64,
    /// The most frequent sources, by the algorithm of Misra and Gries.
    heavy: Vec<(Address, u64)>,
    crowd: Crowd,
    ports: Ports,
    frames: Vec<u64>,
}

impl Load {
    fn add(&mut self, source: Address, packets: u64) {
        self.packets += packets;
        self.crowd.add(source);
        if let Some((_, count)) = self.heavy.iter_mut().find(|(known, _)| *known == source) {
            *count += packets;
        } else if self.heavy.len() < NAMED_SOURCES {
            self.heavy.push((source, packets));
        } else {
            self.heavy
                .iter_mut()
                .for_each(|(_, count)| *count = count.saturating_sub(packets));
            self.heavy.retain(|(_, count)| *count > 0);
        }
    }

    /// Sources that have sent much; else the block that they are drawn from.
    fn blocks(&self) -> Vec<AddressBlock> {
        let mut named = Addresses::default();
        for (source, count) in &self.heavy {
            if count * 20 >= self.packets {
                named.insert(*source);
            }
        }
        if named.len() > 0 {
            return named.blocks();
        }
        self.crowd.block().into_iter().collect()
    }
}

impl Brief for Load {
    /// Whom, at which port; 0 where the port says nothing.
    type Key = (Address, u16, Kind);
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, limits: &Limits) -> Option<Finding> {
        let (class, transport) = match key.2 {
            Kind::Datagrams => (Class::UdpFlood, Transport::Udp),
            Kind::Echoes => (Class::IcmpFlood, Transport::Icmp),
            Kind::Segments => (Class::TcpFlagFlood, Transport::Tcp),
        };
        let draft = Draft {
            class,
            tool: None,
            sources: self.blocks(),
            targets: vec![key.0.to_ip().into()],
            transport,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.85,
            evidence: vec![fact(
                "packets that fill the line and lead to nothing",
                format!("{} from {} sources", self.packets, self.crowd.text()),
                format!("at most {} a second for long", limits.drain_per_second),
                self.frames.iter().copied(),
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Volume {
    loads: Docket<Load>,
}

impl Volume {
    pub(super) fn new(config: &Config) -> Self {
        Volume {
            loads: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn pour(
        &mut self,
        key: (Address, u16, Kind),
        source: Address,
        packets: u64,
        now: Moment,
        findings: &mut Findings,
    ) {
        let limits = self.loads.limits().clone();
        let folder = self.loads.open(key, findings);
        let load = &mut folder.brief;
        let per_second = match key.2 {
            Kind::Echoes => limits.echo_drain_per_second,
            _ => limits.drain_per_second,
        };
        let gone = now.time.nanos_since(load.drained) / 1_000_000 * per_second;
        if gone > 0 {
            load.level = load.level.saturating_sub(gone);
            load.drained = now.time;
            if load.level == 0 && folder.life.detected.is_none() {
                *folder = crate::docket::Folder::default();
                folder.brief.drained = now.time;
            }
        }
        let load = &mut folder.brief;
        let most = match key.2 {
            Kind::Datagrams => limits.datagrams,
            Kind::Echoes => limits.echoes,
            Kind::Segments => limits.segments,
        };
        load.level = (load.level + packets * 1_000).min(8 * most * 1_000);
        load.add(source, packets);
        if key.1 != 0 {
            load.ports.insert(key.1);
        }
        if load.frames.len() < 8 {
            load.frames.push(now.frame);
        }
        // At many ports of one host: a scan, unless it comes from everywhere.
        let spread = key.2 == Kind::Datagrams && key.1 == 0;
        let everywhere = load
            .crowd
            .count()
            .is_none_or(|sources| sources >= EVERYWHERE);
        let full = load.level >= most * 1_000 && (!spread || everywhere);
        folder.life.extend(now, packets);
        if full {
            self.loads.claim(key, now, findings);
        }
    }

    fn relieve(&mut self, key: (Address, u16, Kind), packets: u64) {
        if let Some(folder) = self.loads.get(&key) {
            folder.brief.level = folder.brief.level.saturating_sub(packets * 1_000);
        }
    }

    fn flow(
        &mut self,
        attempt: &Attempt,
        packets: u64,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        if !attempt.target.is_host() || state.pair(attempt.source, attempt.target).traced {
            return;
        }
        let kind = match attempt.technique {
            Technique::Echo | Technique::Stamp => Kind::Echoes,
            Technique::Udp => Kind::Datagrams,
            Technique::Syn | Technique::Arp => return,
            _ => Kind::Segments,
        };
        let port = if kind == Kind::Echoes {
            0
        } else {
            attempt.dport
        };
        // Datagrams that are answered, or go between those who talk besides, are traffic.
        if kind == Kind::Datagrams
            && (attempt.fetched > 0
                || attempt.word != Word::Other && state.are_friends(attempt.source, attempt.target)
                || attempt.dport != 53 && state.are_friends(attempt.source, attempt.target))
        {
            return;
        }
        self.pour(
            (attempt.target, port, kind),
            attempt.source,
            packets,
            now,
            findings,
        );
        if kind == Kind::Datagrams {
            self.pour(
                (attempt.target, 0, kind),
                attempt.source,
                packets,
                now,
                findings,
            );
        }
    }
}

impl Rule for Volume {
    fn name(&self) -> &'static str {
        "volume"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Repeated,
            NewsKind::Grown,
            NewsKind::Fruitful,
            NewsKind::Stray,
            NewsKind::StrayRefuted,
            NewsKind::Unsolicited,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt) | News::Stray(attempt) => {
                self.flow(attempt, 1, now, state, findings);
            }
            News::Repeated(attempt)
                if matches!(attempt.technique, Technique::Echo | Technique::Stamp) =>
            {
                self.flow(attempt, 1, now, state, findings);
            }
            // Answers take their part of a growing flow.
            News::Grown(attempt)
                if !matches!(attempt.technique, Technique::Echo | Technique::Stamp) =>
            {
                self.flow(
                    attempt,
                    u64::from(attempt.packets / 2),
                    now,
                    state,
                    findings,
                );
            }
            // An answer to what was no question says so, and no more.
            News::Fruitful(attempt)
                if attempt.technique == Technique::Udp
                    && !(attempt.dport == 53 && attempt.word == Word::Other) =>
            {
                for port in [0, attempt.dport] {
                    self.relieve((attempt.target, port, Kind::Datagrams), 1);
                }
            }
            News::StrayRefuted(attempt) => {
                self.relieve((attempt.target, attempt.dport, Kind::Segments), 1);
            }
            // Resets that end nothing.
            News::Unsolicited(answer)
                if answer.kind == AnswerKind::Reset
                    && !state.have_met(answer.source, answer.target) =>
            {
                let key = (answer.target, answer.dport, Kind::Segments);
                self.pour(key, answer.source, 1, now, findings);
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.loads.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.loads.evicted()
    }
}

#[cfg(test)]
mod tests {
    use labels::Class;

    use crate::trace::{classes, repeat};

    #[test]
    fn many_at_once_are_a_flood_and_the_same_slowly_are_not() {
        for (flags, class) in [("udp len 100", Class::UdpFlood), (".", Class::TcpFlagFlood)] {
            let line = format!("198.51.100.7:{{p}} > 192.0.2.10:80 {flags}");
            assert_eq!(classes(&repeat(600, 0.002, &line)), [class]);
            assert!(classes(&repeat(600, 0.5, &line)).is_empty());
        }
    }
}

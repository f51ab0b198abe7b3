//! A sweep that many sources share: a botnet's.
//!
//! # What
//! Many sources ask one port of one neighbourhood, each of a few hosts, and most of the hosts do not have it.
//!
//! # Why these facts
//! Each source alone is a stranger with a wrong address or two. Together they go over a network for one service, and no
//! service is at all of its addresses. Clients of a service that died had been served; those of a name whose addresses
//! are all dead each go through all of them, and insist as stacks do; bots whose stacks insist divide dozens of hosts among
//! them. A flood goes to few addresses again and again, or to
//! all of a network at once, in names of which hardly two are equal: bots come again, and are not that many in a minute.
//!
//! # Evidence
//! How many sources, how many hosts failed, how many answered.
//!
//! # Blind spots
//! A shared sweep of few hosts in each neighbourhood, or of one or two by each by connections that a stack insists on.
//!
//! # References
//! Antonakakis et al., "Understanding the Mirai Botnet" (2017), section 2.

use labels::{Class, Finding, PortRange, Transport};
use wire::Timestamp;

use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Crowd};
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds, Outcome, Technique};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};

/// Tries of one attempt from which on a stack insists.
const INSISTS: u8 = 3;

section! {
    /// When many sources share a sweep.
    Limits "shared_sweep" {
        sources: usize,
        hosts: usize,
        forged: u64,
    }
}

/// The time that a burst of forged SYNs may take.
const BURST_SECONDS: u64 = 60;

/// What is known of one port of a neighbourhood.
#[derive(Default)]
struct Ground {
    sources: Addresses,
    /// Sources, of which those of one network of IPv6 count once: each host has as many addresses there as it likes.
    parties: Addresses,
    failed: Addresses,
    present: Addresses,
    failures: usize,
    /// Of which a stack insisted on.
    insisted: usize,
    /// Who failed where, and whether that was once as those do who divide hosts among them.
    pairs: Vec<(Address, Address)>,
    divided: bool,
    frames: Examples,
    crowd: Crowd,
    /// SYNs of the last minute, in thousandths, as a bucket that time drains.
    level: u64,
    drained: Timestamp,
    /// Names that were forged for a flood.
    forged: bool,
}

impl Ground {
    /// One more SYN.
    fn pour(&mut self, source: Address, at: Timestamp, limits: &Limits) {
        let gone = at.nanos_since(self.drained) / 1_000_000 * limits.forged / BURST_SECONDS;
        self.level = self.level.saturating_sub(gone) + 1_000;
        self.drained = self.drained.max(at);
        self.crowd.add(source);
        let names = self.crowd.count().unwrap_or(u64::MAX);
        let ever_new = names.saturating_mul(5) >= self.failures as u64 * 4;
        self.forged |= self.level >= limits.forged * 1_000 && ever_new;
    }

    fn suffices(&self, limits: &Limits) -> bool {
        let (hosts, sources) = (self.failed.len(), self.sources.len());
        hosts >= limits.hosts
            && self.parties.len() >= limits.sources
            && hosts >= 2 * self.present.len()
            // Each source a few, each host a few times.
            && self.failures <= 8 * hosts
            && self.failures < sources * hosts / 2
            && (self.insisted * 4 <= self.failures || self.divided)
    }

    /// Whether so many hosts are divided among so many sources, several for each, that these are no visitors of a site that is
    /// gone: who visits wants one host or two.
    fn is_divided(&self, limits: &Limits) -> bool {
        const EACH: usize = 3;
        let (hosts, sources) = (self.failed.len(), self.sources.len());
        hosts >= 2 * limits.hosts
            && self.pairs.len() >= EACH * sources
            // Hardly any host is wanted by two.
            && self.pairs.len() * 2 <= 3 * hosts
    }

    /// One source has failed at one host.
    fn pair(&mut self, source: Address, target: Address) {
        const MOST: usize = 512;
        let pair = (source, target);
        if self.pairs.len() < MOST && !self.pairs.contains(&pair) {
            self.pairs.push(pair);
        }
    }
}

/// Whom an address stands for.
fn party(source: Address) -> Address {
    if source.is_v4() {
        source
    } else {
        source.neighbourhood()
    }
}

impl Brief for Ground {
    /// The neighbourhood, and the port.
    type Key = (Address, u16);
    type Limits = Limits;

    fn worth(&self) -> u8 {
        if self.failed.len() > 1 && self.sources.len() > 1 {
            3
        } else {
            1
        }
    }

    fn finding(&self, key: &Self::Key, life: &Life, limits: &Limits) -> Option<Finding> {
        if !self.suffices(limits) {
            return None;
        }
        let mut targets = self.failed.clone();
        targets.merge(&self.present);
        let (class, sources) = if self.forged {
            (
                Class::SpoofedSynFlood,
                self.crowd.block().into_iter().collect(),
            )
        } else {
            (Class::PortSweep, self.sources.blocks())
        };
        let draft = Draft {
            class,
            tool: None,
            sources,
            targets: targets.blocks(),
            transport: Transport::Tcp,
            ports: vec![PortRange::single(key.1)],
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.7,
            evidence: vec![fact(
                "many sources that ask one port of one neighbourhood",
                format!(
                    "{} failed at {}, {} answered",
                    count(self.sources.len(), "source"),
                    count(self.failed.len(), "host"),
                    self.present.len()
                ),
                "clients of a service know which hosts have it",
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct SharedSweep {
    grounds: Docket<Ground>,
}

impl SharedSweep {
    pub(super) fn new(config: &Config) -> Self {
        SharedSweep {
            grounds: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn failed(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        let key = (attempt.target.neighbourhood(), attempt.dport);
        let packets = u64::from(attempt.packets);
        let limits = self.grounds.limits().clone();
        let ground = &mut self
            .grounds
            .note(key, attempt.opened, packets, findings)
            .brief;
        ground.failures += 1;
        ground.insisted += usize::from(attempt.tries >= INSISTS);
        ground.sources.insert(attempt.source);
        ground.parties.insert(party(attempt.source));
        ground.failed.insert(attempt.target);
        ground.pair(attempt.source, attempt.target);
        ground.divided |= ground.is_divided(&limits);
        ground.pour(attempt.source, attempt.opened.time, &limits);
        ground.frames.note(attempt.opened.frame);
        self.grounds.judge(key, now, findings, Ground::suffices);
    }
}

impl Rule for SharedSweep {
    fn name(&self) -> &'static str {
        "shared sweep"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[NewsKind::Settled, NewsKind::Fruitful])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Settled(attempt, Outcome::Refused | Outcome::Silent | Outcome::Unreachable)
                if attempt.technique == Technique::Syn
                    && attempt.excuse.is_none()
                    && !attempt.friend
                    && !state.is_scanning(attempt.source)
                    && !state.sees_one_side() =>
            {
                self.failed(attempt, now, findings);
            }
            News::Fruitful(attempt) if attempt.technique == Technique::Syn => {
                let key = (attempt.target.neighbourhood(), attempt.dport);
                if let Some(folder) = self.grounds.get(&key) {
                    folder.brief.present.insert(attempt.target);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.grounds.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.grounds.evicted()
    }
}

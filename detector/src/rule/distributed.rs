//! Scans in several names: decoys, and scans that many sources share.
//!
//! # What
//! One host is asked at many ports by many sources, none of which does much; or the same probe comes in several names.
//!
//! # Why these facts
//! Evidence that is kept by source sees nothing of a scan that changes its source with each port. Kept by target it is
//! plain: many sources fail at many ports within an hour, and hardly two at the same one; the strangers that every address
//! draws come one by one, over days. Clients of a service that has died all fail at
//! one port. Decoys repeat the probe: the same source port, target port and sequence number from different sources
//! within moments, which two hosts' stacks agree on only by chance. Datagrams have no number, but their clients have ports
//! of their own; programs that keep to one, as games do, ask one port with it. Hundreds of names of which hardly one comes
//! twice were drawn: then it is a flood.
//!
//! # Evidence
//! Sources, ports, and the probes that came in several names.
//!
//! # Blind spots
//! A shared scan of few ports, or of a few an hour. Decoys of a program that makes a new number for each.
//!
//! # References
//! nmap's `scan_engine_raw.cc` (decoys share all but the source); Snort's distributed port scan.

use std::collections::VecDeque;

use labels::{AddressBlock, Class, Finding, Transport};
use wire::Timestamp;

use crate::address::Address;
use crate::config::{Config, Span};
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Activity, Addresses, Crowd, Ports};
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds, Outcome, Technique};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};
use crate::tools;

/// Probes that are remembered to be compared.
const REMEMBERED: usize = 128;
/// Of what may come in floods without any service's being known as flooded, so many: decoys are sent in one go.
const REMEMBERED_OTHERS: usize = 16;

/// So many within so long are a flood: nmap sends a thousand a second at its fastest, in a few names each.
const BURST: usize = 64;
const BURST_NANOS: u64 = 10_000_000;
/// After so long it is looked at again.
const LOOKED_AWAY_NANOS: u64 = 1_000_000_000;

/// Names in which nmap sends one probe at most; more are a flood's.
const MOST_DECOYS: usize = 128;

section! {
    /// When several sources share a scan.
    Limits "distributed" {
        sources: usize,
        ports: usize,
        within: Span,
        decoyed: usize,
        decoy_within: Span,
    }
}

/// The probe of one name: source port, target port, sequence number, source, when.
type Probe = (u16, u16, u32, Address, Moment);

/// Failures that are remembered one by one until there is a claim: at least so many of the latest, and up to twice as many, so
/// that they are seldom put together anew.
const MOST_FAILURES: usize = 64;

/// A connection that came to nothing.
#[derive(Clone, Copy)]
struct Failure {
    opened: Moment,
    source: Address,
    port: u16,
    /// By a SYN that no operating system makes.
    raw: bool,
    packets: u32,
}

/// Connections that came to nothing.
#[derive(Default)]
struct Failures {
    /// One by one as long as they are not too many, and how many there are.
    sources: Addresses,
    crowd: Crowd,
    ports: Ports,
    count: usize,
    raw: usize,
    span: Option<Activity>,
}

impl Failures {
    fn add(&mut self, failure: &Failure) {
        self.sources.insert(failure.source);
        self.crowd.add(failure.source);
        self.ports.insert(failure.port);
        self.count += 1;
        self.raw += usize::from(failure.raw);
        let packets = u64::from(failure.packets);
        match &mut self.span {
            Some(span) => span.extend(failure.opened, packets),
            None => self.span = Some(Activity::new(failure.opened, packets)),
        }
    }

    fn are_shared(&self, limits: &Limits) -> bool {
        self.sources.len() >= limits.sources
            && self.ports.len() >= limits.ports
            // Hardly two at one port; hardly one at many.
            && self.ports.len() * 2 > self.count
            && (self.count as u64) < self.crowd.count().unwrap_or(u64::MAX).saturating_mul(4)
    }

    /// Whether they are so many names, of which hardly one comes twice, that they were drawn.
    fn are_forged(&self) -> bool {
        const DRAWN: u64 = 512;
        let names = self.crowd.count().unwrap_or(u64::MAX);
        names >= DRAWN && names.saturating_mul(5) >= self.count as u64 * 4
    }

    fn class(&self) -> Class {
        if self.are_forged() {
            Class::SpoofedSynFlood
        } else if self.raw * 2 > self.count {
            Class::SynScan
        } else {
            Class::ConnectScan
        }
    }

    fn blocks(&self) -> Vec<AddressBlock> {
        if self.are_forged() {
            self.crowd.block().into_iter().collect()
        } else {
            self.sources.blocks()
        }
    }
}

/// What is known of one host that is asked.
#[derive(Default)]
struct Target {
    /// Failures of late, and what they are together; once they are a scan, all that have come since.
    latest: VecDeque<Failure>,
    failed: Failures,
    shared: bool,
    recent: VecDeque<Probe>,
    /// How often a probe came in another name.
    twins: usize,
    decoys: Addresses,
    decoyed: Ports,
    frames: Examples,
    /// Of echo requests, which go to many: whom.
    pinged: Addresses,
    udp: bool,
}

impl Target {
    fn is_decoyed(&self, limits: &Limits) -> bool {
        // The same names come again; a flood's are ever new.
        self.decoyed.len() >= limits.decoyed
            && self.twins > self.decoys.len()
            && self.decoys.len() <= MOST_DECOYS
    }

    /// One more failure; those before which nobody who shares a scan would have waited so long are forgotten.
    fn fail(&mut self, failure: Failure, limits: &Limits) {
        self.frames.note(failure.opened.frame);
        self.failed.add(&failure);
        if self.shared {
            return;
        }
        self.latest.push_back(failure);
        let (all, now) = (self.latest.len(), failure.opened.time);
        let is_old = |old: &Failure| now.nanos_since(old.opened.time) > limits.within.nanos();
        if all >= 2 * MOST_FAILURES {
            self.latest.drain(..MOST_FAILURES);
        }
        while self.latest.front().is_some_and(is_old) {
            self.latest.pop_front();
        }
        if self.latest.len() < all {
            self.failed = Failures::default();
            self.latest.iter().for_each(|old| self.failed.add(old));
        }
        self.shared = self.failed.are_shared(limits);
    }
}

impl Brief for Target {
    type Key = Address;
    type Limits = Limits;

    fn finding(&self, target: &Address, life: &Life, limits: &Limits) -> Option<Finding> {
        let decoyed = self.is_decoyed(limits);
        let pinged = self.pinged.len() > 0;
        let (class, names, ports) = if decoyed {
            let names = count(self.decoys.len(), "name");
            (Class::DecoyScan, names, &self.decoyed)
        } else if self.failed.are_shared(limits) {
            let names = format!("{} sources", self.failed.crowd.text());
            (self.failed.class(), names, &self.failed.ports)
        } else {
            return None;
        };
        let evidence = if decoyed {
            fact(
                "the same probe in several names",
                format!("to {} in {names}", count(ports.len(), "port")),
                "each stack chooses ports and sequence numbers of its own",
                &self.frames,
            )
        } else {
            fact(
                "many sources fail at many ports of one host, hardly two at one",
                format!("{names} at {}", count(ports.len(), "port")),
                "clients of a service fail at its port",
                &self.frames,
            )
        };
        let draft = Draft {
            class,
            tool: None,
            sources: if decoyed {
                self.decoys.blocks()
            } else {
                self.failed.blocks()
            },
            targets: if pinged {
                self.pinged.blocks()
            } else {
                vec![target.to_ip().into()]
            },
            transport: match (pinged, self.udp) {
                (true, _) => Transport::Icmp,
                (false, true) => Transport::Udp,
                (false, false) => Transport::Tcp,
            },
            ports: if pinged { Vec::new() } else { ports.ranges() },
            span: self.failed.span.filter(|_| !decoyed).or(life.activity)?,
            detected: life.detected?,
            confidence: 0.75,
            evidence: vec![evidence],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Distributed {
    targets: Docket<Target>,
    /// Who is flooded with what has no service's flood to hide behind, and until when nobody looks for decoys in it.
    busy: Option<(Address, Timestamp)>,
}

impl Distributed {
    pub(super) fn new(config: &Config) -> Self {
        Distributed {
            targets: Docket::new(config.get::<Memory>().cases, config.get()),
            busy: None,
        }
    }

    /// What may come in floods is looked at as long as it comes no faster than any scanner sends.
    fn other_opening(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        let busy = |(target, until)| target == attempt.target && now.time < until;
        if self.busy.is_some_and(busy) {
            return;
        }
        self.opening(attempt, now, findings);
        let target = self.targets.peek(&attempt.target);
        let earlier = target.and_then(|folder| folder.brief.recent.iter().rev().nth(BURST));
        if earlier.is_some_and(|(.., then)| now.time.nanos_since(then.time) < BURST_NANOS) {
            self.busy = Some((attempt.target, now.time.plus_nanos(LOOKED_AWAY_NANOS)));
        }
    }

    fn opening(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        let within = self.targets.limits().decoy_within.nanos();
        // Echo requests have neither ports nor a number of their own: identifier and sequence number stand for them.
        let ping = attempt.technique == Technique::Echo;
        let (key, dport) = if ping {
            let sequence = u16::try_from(attempt.isn & 0xffff).unwrap_or(0);
            (attempt.target.neighbourhood(), sequence)
        } else {
            (attempt.target, attempt.dport)
        };
        let folder = self.targets.note(key, now, 1, findings);
        let target = &mut folder.brief;
        if ping {
            target.pinged.insert(attempt.target);
        }
        let remembered = match attempt.technique {
            Technique::Syn | Technique::Echo => REMEMBERED,
            _ => REMEMBERED_OTHERS,
        };
        let mut recent = target.recent.iter().rev().take(remembered);
        let twin = recent.find(|(sport, port, isn, source, then)| {
            (*sport, *port, *isn) == (attempt.sport, dport, attempt.isn)
                && *source != attempt.source
                && now.time.nanos_since(then.time) <= within
        });
        if let Some((_, _, _, source, then)) = twin.copied() {
            target.twins += 1;
            target.decoys.insert(source);
            target.decoys.insert(attempt.source);
            target.decoyed.insert(dport);
            target.udp = attempt.technique == Technique::Udp;
            target.frames.note(then.frame);
            target.frames.note(now.frame);
        }
        if target.recent.len() >= REMEMBERED {
            target.recent.pop_front();
        }
        target
            .recent
            .push_back((attempt.sport, dport, attempt.isn, attempt.source, now));
        self.judge(key, now, findings);
    }

    fn failed(&mut self, attempt: &Attempt, now: Moment, state: &State, findings: &mut Findings) {
        if attempt.excuse.is_some() || attempt.friend || state.is_scanning(attempt.source) {
            return;
        }
        let limits = self.targets.limits().clone();
        let folder = (self.targets).note(attempt.target, attempt.opened, 0, findings);
        let failure = Failure {
            opened: attempt.opened,
            source: attempt.source,
            port: attempt.dport,
            raw: attempt.raw,
            packets: attempt.packets,
        };
        folder.brief.fail(failure, &limits);
        self.judge(attempt.target, now, findings);
    }

    fn judge(&mut self, target: Address, now: Moment, findings: &mut Findings) {
        self.targets.judge(target, now, findings, |target, limits| {
            target.is_decoyed(limits) || target.shared
        });
    }
}

/// A datagram to one host from a client's port, which no other client has at the same time but by chance; services that
/// answer a call to a group have the lower port.
fn is_clients(attempt: &Attempt) -> bool {
    attempt.technique == Technique::Udp
        && !tools::is_system(attempt.sport)
        && attempt.sport > attempt.dport
        && !attempt.target.is_broadcast_like()
}

impl Rule for Distributed {
    fn name(&self) -> &'static str {
        "distributed scan"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[NewsKind::Opening, NewsKind::Stray, NewsKind::Settled])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt)
                if matches!(attempt.technique, Technique::Syn | Technique::Echo) =>
            {
                self.opening(attempt, now, findings);
            }
            News::Opening(attempt) if is_clients(attempt) => {
                self.other_opening(attempt, now, findings);
            }
            News::Stray(attempt) => self.other_opening(attempt, now, findings),
            News::Settled(attempt, Outcome::Refused | Outcome::Silent | Outcome::Unreachable)
                if attempt.technique == Technique::Syn =>
            {
                self.failed(attempt, now, state, findings);
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.targets.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.targets.evicted()
    }
}

//! SYN floods: a service drowned in SYNs that come to nothing.
//!
//! # What
//! Many SYNs to one service of one host, in one's own name or in forged ones, whose handshakes are never completed.
//!
//! # Why these facts
//! A client completes its handshake, or retransmits its SYN from the same port when nobody answers. So each SYN fills a
//! bucket of its service, a completion or a first retransmission takes it out again, and time drains it slowly; the
//! bucket has no window to straddle. What comes again sooner than any stack repeats it shows no client: it is a copy, of a mirror
//! or a bond. A SYN that comes more often than any stack repeats it fills it, too. While a flood
//! lasts, a few SYNs stand for all: where most of them are sent again, a host is gone and its clients insist. Nor is it one
//! where a few sources come again and again as seldom as clients do to a service that is down. Besides,
//! a sequence number that stays while source ports or addresses change is made by a program that forges packets, and
//! three of them suffice, however slow; but not those of one client within a moment, whose stack may read them off a
//! clock. So are source ports or numbers that count on from one address to
//! the next. A flood may be spread over all ports of a host: each port's first SYN fills a bucket of the host, which counts
//! where hundreds of sources ask.
//!
//! # Evidence
//! SYNs against completions, distinct sources, the constant sequence number, who tore half-open connections down.
//! Forged: many sources that do not react, or one that reacts neither with ACK nor RST to what it is answered.
//! A few sources that come again and again are true ones.
//! What the flooded host answers belongs to the flood and is held against nobody.
//!
//! # Blind spots
//! A flood in few names over so many ports that no bucket fills is a scan here; one that completes handshakes is nothing.
//! A forged source that exists answers RST as a true one would. During a flood, handshakes of true clients with that service are not followed.
//!
//! # References
//! RFC 4987 (SYN flooding); RFC 9293 section 3.8.1 (retransmission); "Interpreting Network Traffic", "To Flood or
//! Not to Flood".

mod bucket;
mod insistence;
mod limits;
mod victim;

use self::bucket::{Bucket, ONE, counts_on, drain, fill, overflows};
pub(super) use self::limits::Limits;
use self::victim::Victim;
use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Closing, Docket};
use crate::news::{
    Attempt, Excuse, FloodSyn, Moment, News, NewsKind, NewsKinds, Outcome, Technique,
};
use crate::report::Findings;
use crate::state::{Memory, Service, State, Table};

/// Names in which nmap sends one probe at most.
const MOST_DECOYS: u32 = 128;
/// SYNs of one connection beyond those that any stack sends (Linux sends seven, at growing intervals), and beyond their
/// copies.
const MOST_SENT: u8 = 8;

/// The rule.
pub(super) struct SynFlood {
    buckets: Table<Service, Bucket>,
    /// By the flooded host.
    victims: Docket<Victim>,
}

impl SynFlood {
    pub(super) fn new(config: &Config) -> Self {
        let memory = config.get::<Memory>();
        SynFlood {
            buckets: Table::new(memory.services),
            victims: Docket::new(memory.cases, config.get()),
        }
    }

    fn opening(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        if state.pair(attempt.source, attempt.target).traced {
            return;
        }
        let flood = self.victims.limits();
        let key = service_of(attempt);
        let (bucket, evicted) = self.buckets.get_or_insert_with(key, Bucket::default);
        if let Some((service, _)) = evicted.filter(|(_, bucket)| bucket.flooded) {
            state.set_flooded(service, false);
        }
        let first = bucket.last.is_none();
        drain(bucket, now, flood.drain_per_second);
        fill(bucket, attempt, now);
        // Most buckets never hold more than a drop: what costs memory is kept of the others.
        if bucket.level > 2 * ONE || bucket.equal_isns > 1 || bucket.counted > 0 {
            let detail = bucket.detail.get_or_insert_with(Box::default);
            detail.add(attempt, now);
        }
        if first {
            self.new_port(attempt, now, state, findings);
        }
        self.judge(attempt, now, state, findings);
    }

    /// A port of a host is asked for the first time: a flood over so many ports that no bucket fills shows itself in how
    /// many there are, and from how many sources.
    fn new_port(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        /// Clients of a server that gives each a port of its own, as FTP does, are not as many at a time.
        const SOURCES: u64 = 256;
        let key = host_of(attempt.target);
        let flood = self.victims.limits();
        let (bucket, evicted) = self.buckets.get_or_insert_with(key, Bucket::default);
        if let Some((service, _)) = evicted.filter(|(_, bucket)| bucket.flooded) {
            state.set_flooded(service, false);
        }
        drain(bucket, now, flood.drain_per_second);
        // Each host of a scanned network has such a bucket: only of a flood's it is worth memory who filled it.
        fill(bucket, attempt, now);
        if bucket.level > flood.sudden * ONE / 2 {
            let detail = bucket.detail.get_or_insert_with(Box::default);
            detail.add(attempt, now);
        }
        let detail = bucket.detail.as_deref();
        let crowd = detail.is_some_and(|detail| {
            let sources = detail.crowd.count();
            sources.is_none_or(|sources| sources >= SOURCES)
        });
        let few_complete = bucket.completed * flood.completed_one_in < bucket.level;
        if !bucket.flooded && crowd && bucket.level >= flood.sudden * ONE && few_complete {
            self.flooded(key, attempt, false, now, state, findings);
        }
    }

    /// Whether the bucket of that service runs over.
    fn judge(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        let key = service_of(attempt);
        let flood = self.victims.limits();
        let Some(bucket) = self.buckets.get_mut(&key) else {
            return;
        };
        // Decoys are a few dozen names, each of which asks a service once or twice.
        let by_isn = (bucket.equal_isns >= flood.equal_isns || bucket.renamed >= MOST_DECOYS)
            && !bucket.completes;
        let counted = bucket.is_counted(flood) && !bucket.completes;
        let one_side = state.sees_one_side();
        if bucket.flooded || (!by_isn && !counted && !overflows(bucket, now, one_side, flood)) {
            return;
        }
        self.flooded(key, attempt, by_isn, now, state, findings);
    }

    /// A bucket has run over.
    fn flooded(
        &mut self,
        key: Service,
        attempt: &Attempt,
        by_isn: bool,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        let Some(bucket) = self.buckets.get_mut(&key) else {
            return;
        };
        bucket.flooded = true;
        state.set_flooded(key, true);
        let detail = bucket.detail.take().unwrap_or_default();
        let (first, before) = if by_isn {
            let equal = bucket.equal_isns.max(bucket.renamed);
            (bucket.equal_from, u64::from(equal))
        } else {
            (bucket.risen, bucket.level / ONE)
        };
        let folder = self
            .victims
            .note(attempt.target, first.unwrap_or(now), before, findings);
        let victim = &mut folder.brief;
        if by_isn {
            victim.isn.get_or_insert(attempt.isn);
            victim.equal_isns += before;
        }
        victim.syns += before;
        victim.counted = victim.counted.max(bucket.counted);
        victim.accepted += detail.accepted;
        victim.refused += detail.refused;
        victim.torn += detail.torn;
        victim.ports.insert(attempt.dport);
        if victim.crowd.count() == Some(0) {
            victim.crowd = detail.crowd;
        }
        // Forged sources come once; a flooder's own, again and again.
        for (source, count) in detail.heavy.iter() {
            if count * 16 >= before || before <= 16 {
                victim.name(source, count);
            }
        }
        if victim.examples.is_empty() {
            victim.examples = detail.examples;
        }
        folder.life.extend(now, 0);
        self.victims.claim(attempt.target, now, findings);
    }

    /// A SYN to a service that is known to be flooded.
    fn more(&mut self, syn: &FloodSyn, now: Moment, state: &mut State) {
        if let Some(folder) = self.victims.get(&syn.service.address) {
            folder.brief.syn(syn, now);
            folder.life.extend(now, 1);
        }
        let flood = self.victims.limits();
        for key in [syn.service, host_of(syn.service.address)] {
            let Some(bucket) = self.buckets.get_mut(&key).filter(|bucket| bucket.flooded) else {
                continue;
            };
            drain(bucket, now, flood.drain_per_second);
            bucket.level = (bucket.level + ONE).min(4 * flood.level * ONE);
            let mark = (syn.isn, syn.source, syn.sport);
            let steady =
                (bucket.last).is_some_and(|last| last.0 == syn.isn || counts_on(last, mark));
            if bucket.level < flood.level * ONE / 4 && !steady {
                bucket.flooded = false;
                bucket.equal_isns = 0;
                state.set_flooded(key, false);
            }
            bucket.last = Some(mark);
            return;
        }
    }

    fn victim(
        &mut self,
        target: Address,
        now: Moment,
        packets: u64,
        note: impl FnOnce(&mut Victim),
    ) {
        if let Some(folder) = self.victims.get(&target) {
            note(&mut folder.brief);
            folder.life.extend(now, packets);
        }
    }

    /// Takes what turned out harmless out of the bucket.
    fn relieve(&mut self, attempt: &Attempt, relief: u64) -> Option<&mut Bucket> {
        let bucket = self.buckets.get_mut(&service_of(attempt))?;
        bucket.level = bucket.level.saturating_sub(relief);
        Some(bucket)
    }

    fn settled(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        let over = matches!(outcome, Outcome::Refused | Outcome::Torn);
        // What is over at once fills no backlog; only a program that makes its own packets is held to them.
        let excused = attempt
            .excuse
            .is_some_and(|excuse| excuse != Excuse::Missed);
        let storm = outcome == Outcome::Torn && self.is_storm(attempt, now);
        if over && !attempt.raw && !storm || excused {
            // Who comes again retries, and knows whom he wants; a flood's forged sources come once.
            let flood = self.victims.limits();
            let stampede = (self.buckets.peek(&service_of(attempt)))
                .is_some_and(|bucket| bucket.is_stampede(now, flood));
            let relief = if attempt.met && !stampede {
                ONE
            } else {
                flood.refused_relief
            };
            self.relieve(attempt, relief);
        }
        if let Some(bucket) = self.buckets.get_mut(&service_of(attempt))
            && let Some(detail) = bucket.detail.as_mut()
        {
            detail.refused += u64::from(outcome == Outcome::Refused);
            detail.torn += u64::from(outcome == Outcome::Torn);
            detail.accepted += u64::from(matches!(outcome, Outcome::Torn | Outcome::Abandoned));
        }
        match outcome {
            Outcome::Refused => self.victim(attempt.target, now, 1, |victim| victim.refused += 1),
            Outcome::Torn => self.victim(attempt.target, now, 1, |victim| victim.torn += 1),
            _ => {}
        }
        self.judge(attempt, now, state, findings);
    }

    /// Whether so many half-open connections are torn down at that service that no checks of it explain them.
    fn is_storm(&self, attempt: &Attempt, now: Moment) -> bool {
        let flood = self.victims.limits();
        self.buckets
            .peek(&service_of(attempt))
            .is_some_and(|bucket| {
                let seconds = bucket.age_nanos(now) / 1_000_000_000 + 1;
                let torn = bucket.detail.as_ref().map_or(0, |detail| detail.torn);
                torn > flood.level * seconds
            })
    }

    /// A session of a flooded host goes on.
    fn goes_on(&mut self, target: Address) {
        let Some(folder) = self.victims.get(&target) else {
            return;
        };
        folder.brief.completed += 1;
        for port in folder.brief.ports.list() {
            let service = Service {
                address: target,
                port,
            };
            if let Some(bucket) = self.buckets.get_mut(&service) {
                bucket.level = bucket.level.saturating_sub(ONE);
                bucket.completed += ONE;
            }
        }
    }
}

/// All ports of a host together: port 0 stands for them, where no service is.
fn host_of(address: Address) -> Service {
    Service { address, port: 0 }
}

fn service_of(attempt: &Attempt) -> Service {
    Service {
        address: attempt.target,
        port: attempt.dport,
    }
}

impl Rule for SynFlood {
    fn name(&self) -> &'static str {
        "SYN flood"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Repeated,
            NewsKind::Accepted,
            NewsKind::Completed,
            NewsKind::Settled,
            NewsKind::FloodSyn,
            NewsKind::FloodAnswer,
            NewsKind::FloodReset,
            NewsKind::FloodSegment,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt) if attempt.technique == Technique::Syn => {
                self.opening(attempt, now, state, findings);
            }
            News::FloodSyn(syn) => self.more(syn, now, state),
            News::FloodAnswer { source, refused } => {
                self.victim(*source, now, 1, |victim| {
                    victim.refused += u64::from(*refused);
                    victim.accepted += u64::from(!*refused);
                });
            }
            News::FloodReset { target } => self.victim(*target, now, 1, |victim| victim.torn += 1),
            News::FloodSegment { target } => self.goes_on(*target),
            News::Accepted(attempt) => {
                self.victim(attempt.target, now, 1, |victim| victim.accepted += 1);
            }
            News::Repeated(attempt) if attempt.technique == Technique::Syn => {
                let haste = attempt.sent.saturating_sub(attempt.tries);
                if attempt.tries == 2 && !attempt.hasty {
                    if let Some(bucket) = self.relieve(attempt, ONE)
                        && let Some(detail) = bucket.detail.as_mut()
                    {
                        detail.repeated += 1;
                    }
                } else if attempt.tries > MOST_SENT || haste > MOST_SENT {
                    self.opening(attempt, now, state, findings);
                }
            }
            News::Completed(attempt) => {
                if let Some(bucket) = self.relieve(attempt, ONE) {
                    bucket.completed += ONE;
                    bucket.completes = true;
                }
                if let Some(host) = self.buckets.get_mut(&host_of(attempt.target)) {
                    host.level = host.level.saturating_sub(ONE);
                    host.completed += ONE;
                }
                self.victim(attempt.target, now, 0, |victim| victim.completed += 1);
            }
            News::Settled(attempt, outcome) if attempt.technique == Technique::Syn => {
                self.settled(attempt, *outcome, now, state, findings);
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, state: &mut State, findings: &mut Findings) {
        let buckets = &mut self.buckets;
        self.victims
            .close_with(closing, findings, |target, victim| {
                for port in victim.ports.list() {
                    let service = Service {
                        address: *target,
                        port,
                    };
                    if buckets.remove(&service).is_some() {
                        state.set_flooded(service, false);
                    }
                }
            });
    }

    fn evicted(&self) -> u64 {
        self.victims.evicted()
    }
}

#[cfg(test)]
mod tests;

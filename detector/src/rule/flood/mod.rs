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

mod insistence;

use labels::{AddressBlock, Class, Finding, Transport};

use self::insistence::Insistence;
use crate::address::Address;
use crate::config::{Config, Span};
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Crowd, Frequent, NAMED_SOURCES, Ports};
use crate::news::{
    Attempt, Excuse, FloodSyn, Moment, News, NewsKind, NewsKinds, Outcome, Technique,
};
use crate::report::{Draft, Examples, Findings, fact};
use crate::state::{Keep, Memory, Service, State, Table};
use crate::tools;

section! {
    /// When a service is flooded.
    Limits "flood" {
        level: u64,
        half_open: u64,
        drain_per_second: u64,
        least: Span,
        sudden: u64,
        completed_one_in: u64,
        equal_isns: u32,
        counted_ports: u32,
        refused_relief: u64,
    }
}

/// Thousandths that one SYN adds.
const ONE: u64 = 1_000;
/// Sources that a bucket remembers with how often they came.
const HEAVY: usize = 4;

/// Who has filled a bucket, and what became of it.
#[derive(Debug, Default)]
struct Detail {
    heavy: Frequent<HEAVY>,
    crowd: Crowd,
    raw: u64,
    accepted: u64,
    refused: u64,
    torn: u64,
    /// Those that their stack has sent again.
    repeated: u64,
    examples: Examples,
    /// SYNs in all, and those of sources that had called the host before.
    added: u64,
    again: u64,
    alike: Alike,
}

/// Whether all SYNs look alike, wherever they come from.
#[derive(Debug, Default)]
struct Alike {
    /// Window, time to live and neighbourhood of the first.
    first: Option<(u16, u8, Address)>,
    differ: u64,
    /// Those from other neighbourhoods.
    elsewhere: u64,
}

impl Alike {
    fn add(&mut self, attempt: &Attempt) {
        let hood = attempt.source.neighbourhood();
        let look = (attempt.size, attempt.ttl);
        let &mut (size, ttl, home) = self.first.get_or_insert((look.0, look.1, hood));
        self.differ += u64::from(look != (size, ttl));
        self.elsewhere += u64::from(hood != home);
    }
}

impl Detail {
    /// Nothing listens, and the same clients try again and again: no backlog fills. That they are refused need not be
    /// seen where answers are not: else they would insist; nor where they begin anew no faster than clients do.
    fn is_dead_service(&self, one_side: bool, lasted_nanos: u64, flood: &Limits) -> bool {
        if self.is_stampede(lasted_nanos, flood) {
            return false;
        }
        let refused = self.again * 2 >= self.added && (self.refused * 2 >= self.added || one_side);
        let patient = self.again * 4 >= self.added && self.is_patient(lasted_nanos, flood);
        self.accepted == 0 && self.raw * 2 < self.added && (refused || patient)
    }

    /// Whether no service had them for clients, whatever they are answered: so many sources come so fast, or from all over,
    /// as far away, with one stack.
    fn is_stampede(&self, lasted_nanos: u64, flood: &Limits) -> bool {
        const SOURCES: u64 = 256;
        const ONE_IN: u64 = 50;
        let sources = self.crowd.count().unwrap_or(u64::MAX);
        let seconds = lasted_nanos / 1_000_000_000 + 1;
        let fast = sources >= SOURCES && self.added > flood.sudden * seconds;
        let one_program = sources >= SOURCES / 2
            && self.alike.differ * ONE_IN < self.added
            && self.alike.elsewhere * 4 > self.added;
        fast || one_program
    }

    /// Whether each source has begun no oftener than who looks every half second whether a service is up, and all of them
    /// together so seldom that few are open even if each is given up after a second.
    fn is_patient(&self, lasted_nanos: u64, flood: &Limits) -> bool {
        let seconds = lasted_nanos / 1_000_000_000 + 1;
        let sources = self.crowd.count().unwrap_or(0);
        self.added <= (sources * 2).min(flood.level) * seconds
    }

    fn add(&mut self, attempt: &Attempt, now: Moment) {
        self.added += 1;
        self.again += u64::from(attempt.met);
        self.crowd.add(attempt.source);
        self.alike.add(attempt);
        self.raw += u64::from(attempt.raw);
        self.examples.note(now.frame);
        self.heavy.add(attempt.source, 1);
    }
}

/// Whose part of a flood is smaller than an equal one by this factor takes no part in it.
const SHARE: u64 = 8;
/// Names in which nmap sends one probe at most.
const MOST_DECOYS: u32 = 128;
/// SYNs of each source from which on its name is no draw.
const STEADY: u64 = 16;
/// Within so long a client opens its parallel connections, as browsers do.
const AT_ONCE_NANOS: u64 = 50_000_000;
/// SYNs of one connection beyond those that any stack sends (Linux sends seven, at growing intervals), and beyond their
/// copies.
const MOST_SENT: u8 = 8;

/// What is known of a service that may be flooded.
#[derive(Debug, Default)]
struct Bucket {
    /// In thousandths of a SYN.
    level: u64,
    completed: u64,
    drained: wire::Timestamp,
    risen: Option<Moment>,
    equal_isns: u32,
    /// The same SYN in other names, in a row.
    renamed: u32,
    /// How often the next source port or number came in another name, less how often it did not.
    counted: u32,
    equal_from: Option<Moment>,
    last: Option<Mark>,
    /// Somebody has completed a handshake: equal numbers are a stack's weakness then, no forgery.
    completes: bool,
    flooded: bool,
    detail: Option<Box<Detail>>,
}

impl Bucket {
    fn age_nanos(&self, now: Moment) -> u64 {
        self.risen
            .map_or(0, |risen| now.time.nanos_since(risen.time))
    }

    fn is_stampede(&self, now: Moment, flood: &Limits) -> bool {
        let age = self.age_nanos(now);
        (self.detail.as_deref()).is_some_and(|detail| detail.is_stampede(age, flood))
    }

    /// Whether a program has counted ports or numbers up from name to name: stacks know nothing of each other's.
    fn is_counted(&self, flood: &Limits) -> bool {
        let sources = |detail: &Detail| detail.crowd.count().unwrap_or(u64::MAX);
        let names = self.detail.as_deref().map_or(0, sources);
        self.counted >= flood.counted_ports && names >= u64::from(flood.counted_ports)
    }
}

impl Keep for Bucket {
    fn worth(&self) -> u8 {
        match self.level / ONE {
            _ if self.flooded => 8,
            4.. => 3,
            _ => 1,
        }
    }
}

/// What is known of the flood of one host.
#[derive(Default)]
struct Victim {
    ports: Ports,
    /// With how many SYNs each, as long as they are few.
    sources: Vec<(Address, u64)>,
    crowd: Crowd,
    syns: u64,
    accepted: u64,
    refused: u64,
    /// Half-open connections that their source tore down.
    torn: u64,
    completed: u64,
    /// The sequence number that repeats.
    isn: Option<u32>,
    equal_isns: u64,
    /// Source ports or numbers that went on counting from name to name.
    counted: u32,
    insistence: Insistence,
    examples: Examples,
}

impl Victim {
    fn syn(&mut self, syn: &FloodSyn, now: Moment) {
        self.insistence.note(syn, now.time);
        self.syns += 1;
        self.equal_isns += u64::from(self.isn == Some(syn.isn));
        self.ports.insert(syn.service.port);
        self.name(syn.source, 1);
        self.crowd.add(syn.source);
    }

    fn name(&mut self, source: Address, syns: u64) {
        if self.sources.len() > NAMED_SOURCES {
            return;
        }
        match self.sources.iter_mut().find(|(known, _)| *known == source) {
            Some((_, sent)) => *sent += syns,
            None => self.sources.push((source, syns)),
        }
    }

    fn is_forged(&self) -> bool {
        match self.crowd.count() {
            None => true,
            Some(sources) if self.is_steady(sources) => false,
            // True hosts would tear down what they did not mean, forged ones mostly do not exist.
            Some(sources) if sources >= 8 => self.torn * 4 < self.syns,
            Some(_) => {
                let accepted = self.accepted * 2 > self.syns;
                self.torn == 0 && (accepted || (self.isn.is_some() && self.refused == 0))
            }
        }
    }

    /// Whether names are not drawn anew, nor only one: who comes with a few, each again and again, has no others.
    fn is_steady(&self, sources: u64) -> bool {
        let several = match self.flooders() {
            Some(flooders) => flooders.count() as u64,
            None => sources,
        };
        several >= 2 && self.syns >= several * STEADY
    }

    /// Who takes part in the flood, where the sources are few: a client of the service has sent a few SYNs beside.
    fn flooders(&self) -> Option<impl Iterator<Item = Address>> {
        let few = self.sources.len() <= NAMED_SOURCES;
        let all: u64 = self.sources.iter().map(|(_, syns)| syns).sum();
        let least = all.div_ceil(SHARE * self.sources.len().max(1) as u64);
        let flooders = self.sources.iter().filter(move |(_, syns)| *syns >= least);
        few.then(|| flooders.map(|(source, _)| *source))
    }

    /// The sources one by one where they are few, else the smallest block that holds nine tenths of them.
    fn blocks(&self) -> Vec<AddressBlock> {
        if let Some(few) = self.flooders() {
            let mut flooders = Addresses::default();
            few.for_each(|source| flooders.insert(source));
            return flooders.blocks();
        }
        self.crowd.block().into_iter().collect()
    }
}

impl Brief for Victim {
    type Key = Address;
    type Limits = Limits;

    fn finding(&self, target: &Address, life: &Life, limits: &Limits) -> Option<Finding> {
        // Sessions that go on with data after all: a crowd. Stacks that insist: the clients of a host that is gone.
        let insists = self.isn.is_none() && self.insistence.is_of_stacks();
        if self.completed * 2 > self.syns || insists {
            return None;
        }
        let tool = self.isn.and_then(tools::flooder);
        let mut evidence = vec![fact(
            "SYNs that were never followed by a handshake",
            format!("{} SYNs, {} completed", self.syns, self.completed),
            format!(
                "completions, or retransmissions from the same port; at most {} open at a time",
                limits.level
            ),
            &self.examples,
        )];
        if let Some(isn) = self.isn {
            evidence.push(fact(
                "one sequence number for different ports or sources",
                format!("{isn} in {} SYNs", self.equal_isns),
                "a new one for each connection (RFC 9293 section 3.4.1)",
                &self.examples,
            ));
        }
        if self.counted >= limits.counted_ports {
            evidence.push(fact(
                "source ports or numbers that count on from one source to the next",
                format!("{} times", self.counted),
                "each source has its own",
                &self.examples,
            ));
        }
        evidence.push(fact(
            "sources and their reaction",
            format!(
                "{} sources; {} answers accept, {} refuse, {} torn down by the source",
                self.crowd.text(),
                self.accepted,
                self.refused,
                self.torn
            ),
            "a forged source knows of no connection and stays silent",
            [],
        ));
        // Nobody sends himself what comes over a wire.
        let own = self.sources.iter().any(|(source, _)| source == target);
        let draft = Draft {
            class: if own || self.is_forged() {
                Class::SpoofedSynFlood
            } else {
                Class::SynFlood
            },
            tool,
            sources: if own { Vec::new() } else { self.blocks() },
            targets: vec![target.to_ip().into()],
            transport: Transport::Tcp,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: if self.syns >= 100 || tool.is_some() {
                0.95
            } else {
                0.8
            },
            evidence,
        };
        Some(draft.finish())
    }
}

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

fn overflows(bucket: &Bucket, now: Moment, one_side: bool, flood: &Limits) -> bool {
    let age = bucket.age_nanos(now);
    // Hand-made SYNs are no busy server's clients: no completions are to be awaited.
    let raw = bucket.detail.as_ref().map_or(0, |detail| detail.raw) * ONE;
    // A backlog of old is full long before: what it holds is known by who never comes back.
    let held = bucket.detail.as_ref().map_or(0, |detail| {
        // Of those that were accepted, none that its source has torn down.
        detail.accepted.saturating_sub(detail.torn)
    });
    let backlog = held >= flood.half_open && bucket.completed == 0 && raw * 10 >= bucket.level * 9;
    // Stacks that nobody answers send their SYN again after a second: until then, and while they do, it is a dead host's clients.
    let stacks = raw * 2 < bucket.level;
    let repeated = bucket.detail.as_ref().map_or(0, |detail| detail.repeated) * ONE;
    let least = flood.least.nanos() * if stacks { 2 } else { 1 };
    let enough =
        bucket.level >= flood.level * ONE && age >= least && (repeated < bucket.level || !stacks)
            || backlog && bucket.level >= 2 * flood.half_open * ONE
            || bucket.level >= 2 * flood.level * ONE && raw * 10 >= bucket.level * 9
            || bucket.level >= flood.sudden * ONE;
    let dead = |detail: &Detail| detail.is_dead_service(one_side, age, flood);
    enough
        && bucket.completed * flood.completed_one_in < bucket.level
        && !bucket.detail.as_deref().is_some_and(dead)
}

fn drain(bucket: &mut Bucket, now: Moment, per_second: u64) {
    let elapsed = now.time.nanos_since(bucket.drained);
    let gone = elapsed / 1_000_000 * per_second;
    if gone == 0 {
        return;
    }
    bucket.drained = now.time;
    bucket.level = bucket.level.saturating_sub(gone);
    // Completions are forgotten as they age: a service that was busy an hour ago may be flooded now.
    bucket.completed = bucket
        .completed
        .saturating_sub(gone.max(bucket.completed / 100));
    if bucket.level == 0 {
        bucket.risen = None;
    }
}

/// Number, source and source port of a SYN.
type Mark = (u32, Address, u16);

/// Whether another name has the next source port or sequence number, or one soon after: a flood goes to several services, and
/// sensors miss some.
fn counts_on((last, name, port): Mark, (isn, source, sport): Mark) -> bool {
    const SOON: u32 = 1 << 20;
    let next_port = matches!(sport.wrapping_sub(port), 1..=8);
    let next_number = matches!(isn.wrapping_sub(last), 1..=SOON);
    name != source && (next_port || next_number)
}

fn fill(bucket: &mut Bucket, attempt: &Attempt, now: Moment) {
    if bucket.risen.is_none() {
        bucket.risen = Some(now);
        bucket.drained = now.time;
    }
    bucket.level += ONE;
    let (isn, source, sport) = (attempt.isn, attempt.source, attempt.sport);
    let mark = (isn, source, sport);
    bucket.counted = if bucket.last.is_some_and(|last| counts_on(last, mark)) {
        bucket.counted.saturating_add(1)
    } else {
        bucket.counted.saturating_sub(1)
    };
    match bucket.last {
        // From the same port in several names, it is a scan's decoys.
        // A stack's next number lies far off; a program that counts forges, too. One of old reads it off a clock, and its
        // client opens several at once.
        Some((last, name, port)) if isn.wrapping_sub(last) <= 1 && port != sport => {
            let from = bucket.equal_from.unwrap_or(now);
            let at_once = name == source && now.time.nanos_since(from.time) < AT_ONCE_NANOS;
            bucket.equal_isns += u32::from(!at_once);
        }
        Some((last, name, port)) if (last, port) == (isn, sport) => {
            bucket.renamed += u32::from(name != source);
        }
        _ => {
            bucket.equal_isns = 1;
            bucket.renamed = 0;
            bucket.equal_from = Some(now);
            // Slow and with ever new numbers: nobody's flood so far.
            if bucket.level <= ONE && bucket.counted == 0 {
                bucket.detail = None;
                bucket.completes = false;
            }
        }
    }
    bucket.last = Some(mark);
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

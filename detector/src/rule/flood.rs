//! SYN floods: a service drowned in SYNs that come to nothing.
//!
//! # What
//! Many SYNs to one service of one host, in one's own name or in forged ones, whose handshakes are never completed.
//!
//! # Why these facts
//! A client completes its handshake, or retransmits its SYN from the same port when nobody answers. So each SYN
//! fills a bucket of its service, a completion or a first retransmission takes it out again, and time drains it
//! slowly; the bucket has no window to straddle. Besides, a sequence number that stays while source ports or addresses
//! change is made by a program that forges packets, and three of them suffice, however slow.
//!
//! # Evidence
//! SYNs against completions, distinct sources, the constant sequence number, who tore half-open connections down.
//! Forged: many sources that do not react, or one that reacts neither with ACK nor RST to what it is answered.
//! What the flooded host answers belongs to the flood and is held against nobody.
//!
//! # Blind spots
//! A flood spread over so many ports that no bucket fills; one that completes handshakes. A forged source that exists
//! answers RST as a true one would. During a flood, handshakes of true clients with that service are not followed.
//!
//! # References
//! RFC 4987 (SYN flooding); RFC 9293 section 3.8.1 (retransmission); "Interpreting Network Traffic", "To Flood or
//! Not to Flood".

use labels::{AddressBlock, Class, Finding, Transport};
use wire::Timestamp;

use super::Rule;
use crate::config::Config;
use crate::report::{Activity, Addresses, Draft, Findings, Ports, block, fact};
use crate::state::{
    Address, Attempt, Keep, Moment, News, Outcome, Service, ServiceState, State, Table,
};

/// Sequence numbers that known tools put into every SYN: the Zakath flooder's, which shaft shares, and synk4's.
const TOOLS: [(u32, &str); 2] = [(674_711_609, "shaft"), (674_719_801, "synk4")];
/// Thousandths that one SYN adds.
const ONE: u64 = 1_000;
/// Sources that are kept to find the block they are drawn from.
const SAMPLE: usize = 64;
/// Sources that a finding names one by one.
const NAMED_SOURCES: usize = 16;
/// A block of sources shorter than this says nothing; prefix bits of an IPv4 address.
const SHORTEST_BLOCK: u8 = 8;
/// Words of the bitmap that estimates how many sources there are.
const SKETCH_WORDS: usize = 64;

/// The tool whose sequence number this is.
pub(super) fn tool_of(isn: u32) -> Option<&'static str> {
    TOOLS
        .iter()
        .find(|(known, _)| *known == isn)
        .map(|(_, name)| *name)
}

/// What is known of the flood of one host.
#[derive(Default)]
struct Case {
    detected: Option<Moment>,
    activity: Option<Activity>,
    ports: Ports,
    sources: Addresses,
    sample: Vec<Address>,
    /// One bit a source, by hash.
    sketch: Vec<u64>,
    syns: u64,
    raw: u64,
    accepted: u64,
    refused: u64,
    /// Half-open connections that their source tore down.
    torn: u64,
    completed: u64,
    /// The sequence number that repeats.
    isn: Option<u32>,
    equal_isns: u64,
    examples: Vec<u64>,
}

impl Keep for Case {
    fn worth(&self) -> u8 {
        8
    }
}

impl Case {
    fn syn(&mut self, attempt: &Attempt, now: Moment) {
        self.syns += 1;
        self.raw += u64::from(attempt.raw);
        self.equal_isns += u64::from(self.isn == Some(attempt.isn));
        self.ports.insert(attempt.dport);
        if self.sources.len() <= NAMED_SOURCES {
            self.sources.insert(attempt.source);
        }
        // Each source is as likely to be in the sample as any other (Vitter's algorithm R), by a fixed draw.
        let spread = self
            .syns
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
        let draw = (u128::from(spread) * u128::from(self.syns)) >> 64;
        if self.sample.len() < SAMPLE {
            self.sample.push(attempt.source);
        } else if let Some(old) = usize::try_from(draw)
            .ok()
            .and_then(|draw| self.sample.get_mut(draw))
        {
            *old = attempt.source;
        }
        let hash = attempt.source.bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
        if self.sketch.is_empty() {
            self.sketch.resize(SKETCH_WORDS, 0);
        }
        let word = usize::try_from(hash / 64).unwrap_or(0);
        if let Some(word) = self.sketch.get_mut(word) {
            *word |= 1 << (hash % 64);
        }
        self.touch(now, 1);
    }

    fn touch(&mut self, now: Moment, packets: u64) {
        match &mut self.activity {
            Some(activity) => activity.extend(now, packets),
            None => self.activity = Some(Activity::new(now, packets)),
        }
        if self.examples.len() < 8 {
            self.examples.push(now.frame);
        }
    }

    /// How many sources there are, by linear counting (Whang 1990); `None` beyond what the bitmap can tell.
    fn source_count(&self) -> Option<u64> {
        let size = SKETCH_WORDS as u64 * 64;
        let zero: u64 = self
            .sketch
            .iter()
            .map(|word| u64::from(word.count_zeros()))
            .sum();
        if self.sketch.is_empty() {
            return Some(0);
        }
        if zero * 50 < size {
            return None;
        }
        let (zero, size) = (zero as f64, size as f64);
        let estimate = (-size * libm::log(zero / size)).round();
        // Not negative and below 2^20.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded above"
        )]
        Some(estimate as u64)
    }

    fn is_forged(&self) -> bool {
        match self.source_count() {
            None => true,
            // True hosts would tear down what they did not mean, forged ones mostly do not exist.
            Some(sources) if sources >= 8 => self.torn * 4 < self.syns,
            Some(_) => {
                self.torn == 0 && (self.accepted > 0 || (self.isn.is_some() && self.refused == 0))
            }
        }
    }
}

/// The rule.
pub(super) struct SynFlood {
    config: Config,
    /// By the flooded host.
    cases: Table<Address, Case>,
}

impl SynFlood {
    pub(super) fn new(config: &Config) -> Self {
        SynFlood {
            config: config.clone(),
            cases: Table::new(config.memory.cases),
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
        let key = service_of(attempt);
        let flood = &self.config.flood;
        let (service, _) = state
            .services
            .get_or_insert_with(key, ServiceState::default);
        drain(service, now, flood.drain_per_second);
        fill(service, attempt, now);
        let by_isn = service.equal_isns >= flood.equal_isns;
        if !by_isn && !self.overflows(service, now) {
            return;
        }
        service.flooded = true;
        let first = if by_isn {
            service.equal_from
        } else {
            service.risen
        };
        let before = if by_isn {
            u64::from(service.equal_isns)
        } else {
            service.level / ONE
        };
        let (case, evicted) = self.cases.get_or_insert_with(attempt.target, Case::default);
        let is_new = case.detected.is_none();
        case.detected.get_or_insert(now);
        if by_isn {
            case.isn.get_or_insert(attempt.isn);
            case.equal_isns += before.saturating_sub(1);
        }
        case.touch(first.unwrap_or(now), before.saturating_sub(1));
        case.syns += before.saturating_sub(1);
        case.syn(attempt, now);
        if is_new {
            findings.open(|| finding(attempt.target, case, &self.config));
        }
        if let Some((target, old)) = evicted {
            findings.close(finding(target, &old, &self.config));
        }
    }

    fn overflows(&self, service: &ServiceState, now: Moment) -> bool {
        let flood = &self.config.flood;
        let age = service
            .risen
            .map_or(0, |risen| now.time.nanos_since(risen.time));
        let enough = service.level >= flood.level * ONE && age >= flood.least.nanos()
            || service.level >= flood.sudden * ONE;
        enough && service.completed * flood.completed_one_in < service.level
    }

    /// A SYN to a service that is known to be flooded.
    fn more(&mut self, attempt: &Attempt, now: Moment, state: &mut State) {
        let flood = &self.config.flood;
        if let Some(case) = self.cases.get_mut(&attempt.target) {
            case.syn(attempt, now);
        }
        let Some(service) = state.services.get_mut(&service_of(attempt)) else {
            return;
        };
        drain(service, now, flood.drain_per_second);
        service.level = (service.level + ONE).min(4 * flood.level * ONE);
        let steady = service.last.is_some_and(|(isn, _, _)| isn == attempt.isn);
        if service.level < flood.level * ONE / 4 && !steady {
            service.flooded = false;
            service.equal_isns = 0;
        }
        service.last = Some((attempt.isn, attempt.source, attempt.sport));
    }

    fn case(&mut self, attempt: &Attempt) -> Option<&mut Case> {
        self.cases.get_mut(&attempt.target)
    }
}

fn service_of(attempt: &Attempt) -> Service {
    Service {
        address: attempt.target,
        port: attempt.dport,
    }
}

fn drain(service: &mut ServiceState, now: Moment, per_second: u64) {
    let elapsed = now.time.nanos_since(service.drained);
    let gone = elapsed / 1_000_000 * per_second;
    if gone == 0 {
        return;
    }
    service.drained = now.time;
    service.level = service.level.saturating_sub(gone);
    // Completions are forgotten as they age: a service that was busy an hour ago may be flooded now.
    service.completed = service
        .completed
        .saturating_sub(gone.max(service.completed / 100));
    if service.level == 0 {
        service.risen = None;
        service.sources = 0;
    }
}

fn fill(service: &mut ServiceState, attempt: &Attempt, now: Moment) {
    if service.risen.is_none() {
        service.risen = Some(now);
        service.drained = now.time;
    }
    service.level += ONE;
    service.sources |= 1 << (attempt.source.bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
    let (isn, source, sport) = (attempt.isn, attempt.source, attempt.sport);
    match service.last {
        Some((last, from, port)) if last == isn && (from, port) != (source, sport) => {
            service.equal_isns += 1;
        }
        Some((last, from, port)) if (last, from, port) == (isn, source, sport) => {}
        _ => {
            service.equal_isns = 1;
            service.equal_from = Some(now);
        }
    }
    service.last = Some((isn, source, sport));
}

/// What is known of a case, once it is a claim.
fn finding(target: Address, case: &Case, config: &Config) -> Option<Finding> {
    let (detected, span) = (case.detected?, case.activity?);
    let forged = case.is_forged();
    let sources = case.source_count();
    let tool = case.isn.and_then(tool_of);
    let mut evidence = vec![fact(
        "SYNs that were never followed by a handshake",
        format!("{} SYNs, {} completed", case.syns, case.completed),
        format!(
            "completions, or retransmissions from the same port; at most {} open at a time",
            config.flood.level
        ),
        case.examples.iter().copied(),
    )];
    if let Some(isn) = case.isn {
        evidence.push(fact(
            "one sequence number for different ports or sources",
            format!("{isn} in {} SYNs", case.equal_isns),
            "a new one for each connection (RFC 9293 section 3.4.1)",
            case.examples.iter().copied(),
        ));
    }
    let many = sources.map_or("more than 16000".to_owned(), |n| n.to_string());
    evidence.push(fact(
        "sources and their reaction",
        format!(
            "{many} sources; {} answers accept, {} refuse, {} torn down by the source",
            case.accepted, case.refused, case.torn
        ),
        "a forged source knows of no connection and stays silent",
        [],
    ));
    Some(
        Draft {
            class: if forged {
                Class::SpoofedSynFlood
            } else {
                Class::SynFlood
            },
            tool,
            sources: source_blocks(case),
            targets: vec![target.to_ip().into()],
            transport: Transport::Tcp,
            ports: case.ports.ranges(),
            span,
            detected,
            confidence: if case.syns >= 100 || tool.is_some() {
                0.95
            } else {
                0.8
            },
            evidence,
        }
        .finish(),
    )
}

/// The sources one by one where they are few, else the smallest block that holds nine tenths of them.
fn source_blocks(case: &Case) -> Vec<AddressBlock> {
    if case.sources.len() <= NAMED_SOURCES {
        return case.sources.blocks();
    }
    let needed = case.sample.len() * 9 / 10;
    let bits = if case.sample.first().is_some_and(|a| a.is_v4()) {
        32
    } else {
        128
    };
    for length in (SHORTEST_BLOCK..=bits).rev() {
        let mut blocks: Vec<AddressBlock> = case.sample.iter().map(|a| block(*a, length)).collect();
        blocks.sort_unstable();
        let largest = blocks.chunk_by(PartialEq::eq).max_by_key(|run| run.len());
        if let Some(run) = largest
            && run.len() >= needed
        {
            return run.first().copied().into_iter().collect();
        }
    }
    Vec::new()
}

impl Rule for SynFlood {
    fn name(&self) -> &'static str {
        "SYN flood"
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt) => self.opening(attempt, now, state, findings),
            News::FloodSyn(attempt) => self.more(attempt, now, state),
            News::FloodAnswer {
                source, refused, ..
            } => {
                if let Some(case) = self.cases.get_mut(source) {
                    case.refused += u64::from(*refused);
                    case.accepted += u64::from(!*refused);
                    case.touch(now, 1);
                }
            }
            News::FloodReset { target } => {
                if let Some(case) = self.cases.get_mut(target) {
                    case.torn += 1;
                    case.touch(now, 1);
                }
            }
            News::Accepted(attempt) => {
                if let Some(case) = self.case(attempt) {
                    case.accepted += 1;
                    case.touch(now, 1);
                }
            }
            News::Repeated(attempt) if attempt.packets == 2 => relieve(state, attempt, ONE, 0),
            News::Completed(attempt) => {
                relieve(state, attempt, ONE, ONE);
                if let Some(case) = self.case(attempt) {
                    case.completed += 1;
                }
            }
            News::Settled(attempt, Outcome::Refused) => {
                let relief = self.config.flood.refused_relief;
                let one_source = state
                    .services
                    .peek(&service_of(attempt))
                    .is_some_and(|service| service.sources.count_ones() <= 2);
                if one_source && !attempt.raw {
                    relieve(state, attempt, relief, 0);
                }
                if let Some(case) = self.case(attempt) {
                    case.refused += 1;
                    case.touch(now, 1);
                }
            }
            News::Settled(attempt, Outcome::Torn) => {
                if let Some(case) = self.case(attempt) {
                    case.torn += 1;
                    case.touch(now, 1);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, before: Option<Timestamp>, state: &mut State, findings: &mut Findings) {
        let ripe = self.cases.take_ripe(|case| {
            before.is_none_or(|before| case.activity.is_some_and(|a| a.last.time < before))
        });
        for (target, case) in ripe {
            for port in case.ports.list() {
                let service = Service {
                    address: target,
                    port,
                };
                if let Some(service) = state.services.get_mut(&service) {
                    *service = ServiceState::default();
                }
            }
            findings.close(finding(target, &case, &self.config));
        }
    }

    fn evicted(&self) -> u64 {
        self.cases.evicted()
    }
}

/// Takes what turned out harmless out of the bucket.
fn relieve(state: &mut State, attempt: &Attempt, relief: u64, completed: u64) {
    if let Some(service) = state.services.get_mut(&service_of(attempt)) {
        service.level = service.level.saturating_sub(relief);
        service.completed += completed;
    }
}

#[cfg(test)]
mod tests {
    use labels::Class;

    use crate::trace::{classes, findings, findings_with, merge, repeat};

    #[test]
    fn three_syns_with_one_sequence_number_are_a_flood_however_slow() {
        let found = findings(
            "0.00 198.51.100.7:1053 > 192.0.2.10:23 S seq 322286
             0.39 198.51.100.7:1054 > 192.0.2.10:23 S seq 322286
             0.76 198.51.100.7:1055 > 192.0.2.10:23 S seq 322286",
        );
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].class, Class::SpoofedSynFlood);
        assert_eq!((found[0].packets, found[0].detected_frame), (3, 3));
    }

    #[test]
    fn a_flood_that_has_to_make_room_keeps_its_target() {
        let mut lines = String::new();
        for (second, target) in [(1, "192.0.2.10"), (2, "192.0.2.20")] {
            for n in 0..4 {
                lines += &format!("{second}.{n} 198.51.100.7:{n} > {target}:80 S seq 674719801\n");
            }
        }
        let found = findings_with(&lines, "[memory]\ncases = 1");
        let targets: Vec<_> = found.iter().map(|f| f.targets[0].to_string()).collect();
        assert_eq!(targets, ["192.0.2.10", "192.0.2.20"]);
    }

    #[test]
    fn two_are_not_and_neither_are_retransmissions() {
        assert!(
            classes(
                "0.00 198.51.100.7:1053 > 192.0.2.10:23 S seq 322286
                 0.39 198.51.100.7:1054 > 192.0.2.10:23 S seq 322286",
            )
            .is_empty()
        );
        assert!(classes(&repeat(6, 3.0, "198.51.100.7:1053 > 192.0.2.10:23 S seq 5")).is_empty());
    }

    #[test]
    fn the_answers_to_a_flood_belong_to_it() {
        let flood = repeat(
            200,
            0.01,
            "198.18.{}.9:{p} > 192.0.2.10:80 S seq 674719801 bare",
        );
        let answers = repeat(
            200,
            0.01,
            "192.0.2.10:80 > 198.18.{}.9:{p} S. ack 674719802",
        );
        let found = findings(&merge(&flood, &answers));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].class, Class::SpoofedSynFlood);
        assert_eq!(found[0].tool.as_deref(), Some("synk4"));
        // The two answers before the third SYN are not counted.
        assert_eq!(found[0].packets, 398);
        assert_eq!(found[0].sources, ["198.18.0.0/16".parse().unwrap()]);
    }

    #[test]
    fn a_true_source_tears_its_half_open_connections_down() {
        let mut lines = String::new();
        for n in 0..200u32 {
            let (at, port) = (f64::from(n) * 0.02, 2000 + n);
            lines += &format!(
                "{at:.3} 198.51.100.7:{port} > 192.0.2.10:80 S seq {} bare\n",
                n * n * 77
            );
            lines += &format!("{:.3} 192.0.2.10:80 > 198.51.100.7:{port} S.\n", at + 0.001);
            lines += &format!("{:.3} 198.51.100.7:{port} > 192.0.2.10:80 R\n", at + 0.002);
        }
        assert_eq!(classes(&lines), [Class::SynFlood]);
    }

    #[test]
    fn a_busy_server_is_not_flooded() {
        let mut lines = String::new();
        for n in 0..2000u32 {
            let (at, from) = (
                f64::from(n) * 0.002,
                format!("198.18.{}.{}:{}", n / 200, n % 200, 2000 + n),
            );
            lines += &format!("{at:.4} {from} > 192.0.2.10:443 S seq {}\n", n * 991);
            lines += &format!("{:.4} 192.0.2.10:443 > {from} S.\n", at + 0.04);
            lines += &format!("{:.4} {from} > 192.0.2.10:443 .\n", at + 0.08);
            lines += &format!("{:.4} {from} > 192.0.2.10:443 P. len 100\n", at + 0.09);
        }
        assert!(classes(&merge(&lines, "")).is_empty());
    }

    #[test]
    fn many_clients_of_a_dead_server_retransmit_and_are_no_flood() {
        let mut lines = String::new();
        for n in 0..300u32 {
            for wait in [0.0, 1.0, 3.0] {
                lines += &format!(
                    "{:.3} 198.18.0.{}:{} > 192.0.2.10:443 S seq {}\n",
                    f64::from(n) * 0.1 + wait,
                    n % 200,
                    3000 + n,
                    n * 991
                );
            }
        }
        assert_eq!(classes(&merge(&lines, "")), [Class::RetryToDeadHost]);
    }

    #[test]
    fn a_client_that_hammers_a_closed_port_is_no_flood() {
        let mut lines = String::new();
        for n in 0..300u32 {
            let at = f64::from(n) * 0.01;
            lines += &format!(
                "{at:.3} 198.51.100.7:{} > 192.0.2.10:8086 S seq {}\n",
                3000 + n,
                n * 991
            );
            lines += &format!(
                "{:.3} 192.0.2.10:8086 > 198.51.100.7:{} R. seq 0\n",
                at + 0.001,
                3000 + n
            );
        }
        assert!(classes(&lines).is_empty());
    }
}

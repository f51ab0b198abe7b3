//! Floods of datagrams, ICMP messages and TCP segments that open nothing.
//!
//! # What
//! More packets a second to one host, or to a network as a whole, than it or its line can take, from one source or many,
//! in their own names or in forged ones.
//!
//! # Why these facts
//! Each packet fills a bucket of its victim, time drains it at the rate that is nobody's harm; the bucket has no window
//! to straddle. What is answered, or goes between hosts that talk besides, is traffic, however much: only flows that go
//! one way count; and who is flooded does not turn to the flooder. Echo requests count even if they are answered: that is what the host's time is spent on.
//!
//! # Evidence
//! Packets, sources, the rate over the whole.
//!
//! # Blind spots
//! A flood below the rates. One-way media streams to hosts that never speak look alike and are told apart by rate alone. A
//! flood that keeps to one program's port at each end and was under way when the capture began: so does any stream of
//! which the sensor has not seen how it was agreed upon.
//!
//! # References
//! RFC 4732 section 2.

use labels::{AddressBlock, Class, Finding, Transport};
use wire::Timestamp;

use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Crowd, Frequent, NAMED_SOURCES, Ports};
use crate::news::{AnswerKind, Attempt, GROWTH, Moment, News, NewsKind, NewsKinds, Technique};
use crate::report::{Draft, Examples, Findings, fact};
use crate::state::{Memory, State};
use crate::tools;
use crate::words::Word;

/// Sources from which datagrams to many ports of one host are a flood and no scan.
const EVERYWHERE: u64 = 50;

/// From so long after the capture's begin on, sessions that began before it have shown themselves.
const SETTLED_NANOS: u64 = 2_000_000_000;
/// Ports from which on they are many.
const SPREAD: usize = 16;
/// Bytes of an average datagram from which on many of them, to ever other ports, are a load and no questions: a scanner
/// sends nothing, or a protocol's shortest greeting.
const LOADED: u64 = 64;

/// Bytes of an average answer of a service that its asker may have wanted; amplified ones are as long as fits.
const ANSWER: u64 = 400;

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
    /// Datagrams to hosts of one neighbourhood, all over it.
    Network,
}

/// What is known of a victim.
#[derive(Default)]
struct Load {
    /// In thousandths of a packet.
    level: u64,
    drained: Timestamp,
    packets: u64,
    bytes: u64,
    /// From which service's port all come, if they do; `Some(0)` where they come from several.
    service: Option<u16>,
    /// Some of the ports, where the case is about all.
    spread: Vec<u16>,
    heavy: Frequent<NAMED_SOURCES>,
    crowd: Crowd,
    /// It was under way when the capture began, from one port of a program to another.
    under_way: bool,
    /// Source ports of datagrams, by source, as long as they are few.
    sockets: Vec<(Address, u16)>,
    ports: Ports,
    frames: Examples,
    /// Where the case is about a network.
    hosts: Addresses,
}

/// Hosts of a neighbourhood from which on all of it is meant.
const NETWORK: usize = 16;
/// Hosts whose one service answers a victim: one's answers may be wanted.
const REFLECTORS: usize = 3;
/// Sockets that are remembered.
const MOST_SOCKETS: usize = 32;
/// What passes so soon was under way when the capture began.
const UNDER_WAY_NANOS: u64 = 1_000_000_000;
/// Ports from here on are programs' own rather than those of services that everybody knows.
const PROGRAMS: u16 = 1024;
/// What hosts of the own site may send from one socket each, for what anybody may: records of flows, of logs, of
/// measurements are sent so, by programs, and not answered.
const STREAM_FACTOR: u64 = 4;

impl Load {
    fn add(&mut self, source: Address, packets: u64) {
        self.packets += packets;
        self.crowd.add(source);
        self.heavy.add(source, packets);
    }

    /// Whether one service of several hosts answers what nobody asked: somebody asked in the victim's name.
    fn is_reflected(&self) -> bool {
        let sources = self.crowd.count().unwrap_or(u64::MAX);
        self.service.is_some_and(serves) && sources >= REFLECTORS as u64
    }

    fn note_socket(&mut self, source: Address, sport: u16) {
        if self.sockets.len() < MOST_SOCKETS && !self.sockets.contains(&(source, sport)) {
            self.sockets.push((source, sport));
        }
    }

    /// Whether all comes from neighbours, each of which keeps to one socket.
    fn is_stream(&self, target: Address) -> bool {
        let sources = self.sockets.len();
        let each = self.crowd.count() == u64::try_from(sources).ok();
        each && (1..MOST_SOCKETS).contains(&sources)
            && self
                .sockets
                .iter()
                .all(|(source, _)| source.is_near(target))
    }

    /// Whether it is one stream, of which the sensor came too late to see how it was agreed upon.
    fn is_continued(&self) -> bool {
        self.under_way && self.sockets.len() == 1 && self.crowd.count() == Some(1)
    }

    /// Sources that have sent much; else the block that they are drawn from.
    fn blocks(&self) -> Vec<AddressBlock> {
        let mut named = Addresses::default();
        for (source, count) in self.heavy.iter() {
            if count * 20 >= self.packets {
                named.insert(source);
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
            Kind::Datagrams | Kind::Network if self.is_reflected() => {
                (Class::Amplification, Transport::Udp)
            }
            Kind::Datagrams | Kind::Network => (Class::UdpFlood, Transport::Udp),
            Kind::Echoes => (Class::IcmpFlood, Transport::Icmp),
            Kind::Segments => (Class::TcpFlagFlood, Transport::Tcp),
        };
        let draft = Draft {
            class,
            tool: None,
            sources: self.blocks(),
            targets: match key.2 {
                Kind::Network => self.hosts.blocks(),
                _ => vec![key.0.to_ip().into()],
            },
            transport,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.85,
            evidence: vec![fact(
                "packets that fill the line and lead to nothing",
                format!("{} from {} sources", self.packets, self.crowd.text()),
                format!("at most {} a second for long", limits.drain_per_second),
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// Whether what comes from that port is a service's answer.
fn serves(port: u16) -> bool {
    (1..1024).contains(&port) || tools::AMPLIFIERS.contains(&port)
}

/// Remembers from which port the packets come, as long as it is one.
fn note_service(load: &mut Load, sport: u16) {
    load.service = match load.service {
        None => Some(sport),
        Some(known) if known == sport => Some(sport),
        Some(_) => Some(0),
    };
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
        let factor = if load.is_stream(key.0) {
            STREAM_FACTOR
        } else {
            1
        };
        let per_second = match key.2 {
            Kind::Echoes => limits.echo_drain_per_second,
            _ => limits.drain_per_second * factor,
        };
        let gone = now.time.nanos_since(load.drained) / 1_000_000 * per_second;
        if gone > 0 {
            load.level = load.level.saturating_sub(gone);
            load.drained = now.time;
            if load.level == 0 && folder.life.detected.is_none() {
                let under_way = load.under_way;
                *folder = crate::docket::Folder::default();
                folder.brief.drained = now.time;
                // What had begun before is still the same.
                folder.brief.under_way = under_way;
            }
        }
        let load = &mut folder.brief;
        let most = match key.2 {
            Kind::Datagrams => limits.datagrams * factor,
            Kind::Network => limits.datagrams,
            Kind::Echoes => limits.echoes,
            Kind::Segments => limits.segments,
        };
        load.level = (load.level + packets * 1_000).min(8 * most * 1_000);
        load.add(source, packets);
        if key.1 != 0 {
            load.ports.insert(key.1);
        }
        load.frames.note(now.frame);
        // At many ports of one host: a scan, unless it comes from everywhere, or is heavy.
        let spread = key.2 != Kind::Echoes && key.1 == 0;
        let everywhere = load
            .crowd
            .count()
            .is_none_or(|sources| sources >= EVERYWHERE);
        let served = load.service.is_some_and(|port| (1..1024).contains(&port));
        let heavy = load.spread.len() >= SPREAD && !served && load.bytes >= load.packets * LOADED;
        // A resolver's answers, where the sensor misses its questions, are short.
        let answers = served && load.bytes < load.packets * ANSWER;
        let fills = match key.2 {
            Kind::Network => everywhere && !answers && load.hosts.len() >= NETWORK,
            _ => !spread || everywhere && !answers || heavy,
        };
        let full = load.level >= most * 1_000 && fills && !load.is_continued();
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
        // Lookups are answered where this sensor does not see it.
        if matches!(attempt.word, Word::DnsQuestion(..)) && state.sees_one_side() {
            return;
        }
        if kind == Kind::Datagrams {
            if is_traffic(attempt, state) || self.is_answer(attempt, state, findings) {
                return;
            }
            self.datagrams(attempt, packets, now, state, findings);
        } else {
            let port = if kind == Kind::Echoes {
                0
            } else {
                attempt.dport
            };
            let key = (attempt.target, port, kind);
            self.pour(key, attempt.source, packets, now, findings);
        }
    }

    /// One service's answers to one client, whose questions the sensor does not see.
    fn is_answer(&mut self, attempt: &Attempt, state: &State, findings: &mut Findings) -> bool {
        let from_service = (1..1024).contains(&attempt.sport) && attempt.dport >= 1024;
        if !state.sees_one_side() || !from_service {
            return false;
        }
        let key = (attempt.target, 0, Kind::Datagrams);
        let load = &mut self.loads.open(key, findings).brief;
        load.note_socket(attempt.source, attempt.sport);
        load.sockets.len() < REFLECTORS
    }

    /// Datagrams count for their port, for their host and for its network.
    fn datagrams(
        &mut self,
        attempt: &Attempt,
        packets: u64,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        let (source, target) = (attempt.source, attempt.target);
        let bytes = u64::from(attempt.size) * packets;
        let port = (target, attempt.dport, Kind::Datagrams);
        self.pour(port, source, packets, now, findings);
        if !state.sees_one_side() {
            let network = (target.neighbourhood(), 0, Kind::Network);
            let load = &mut self.loads.open(network, findings).brief;
            load.bytes += bytes;
            load.hosts.insert(target);
            note_service(load, attempt.sport);
            self.pour(network, source, packets, now, findings);
        }
        let host = (target, 0, Kind::Datagrams);
        let load = &mut self.loads.open(host, findings).brief;
        load.bytes += bytes;
        note_service(load, attempt.sport);
        if !load.spread.contains(&attempt.dport) && load.spread.len() < SPREAD {
            load.spread.push(attempt.dport);
        }
        let load = &mut self.loads.open(port, findings).brief;
        note_service(load, attempt.sport);
        load.note_socket(source, attempt.sport);
        load.under_way |= attempt.packets == 1
            && state.age_nanos() < UNDER_WAY_NANOS
            && attempt.sport >= PROGRAMS
            && attempt.dport >= PROGRAMS;
        self.pour(host, source, packets, now, findings);
    }
}

/// Datagrams that are answered, or go between those who talk besides, are traffic; so is what goes to who turns to the
/// sender himself: a stream that was agreed upon before the capture began.
fn is_traffic(attempt: &Attempt, state: &State) -> bool {
    let (source, target) = (attempt.source, attempt.target);
    let lookup = attempt.word == Word::Other && attempt.dport == 53;
    attempt.fetched > 0
        || !lookup && state.are_friends(source, target)
        || state.pair(target, source).opened.is_some()
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
            NewsKind::Middle,
            NewsKind::MiddleRefuted,
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
                self.flow(attempt, u64::from(GROWTH), now, state, findings);
            }
            // An answer to what was no question says so, and no more.
            News::Fruitful(attempt)
                if attempt.technique == Technique::Udp
                    && !(attempt.dport == 53 && attempt.word == Word::Other) =>
            {
                for port in [0, attempt.dport] {
                    self.relieve((attempt.target, port, Kind::Datagrams), 1);
                }
                let network = attempt.target.neighbourhood();
                self.relieve((network, 0, Kind::Network), 1);
            }
            News::StrayRefuted(attempt) => {
                self.relieve((attempt.target, attempt.dport, Kind::Segments), 1);
            }
            // Sessions that began before the capture show themselves at its beginning, and go on.
            News::Middle(attempt)
                if state.age_nanos() >= SETTLED_NANOS
                    && !state.have_met(attempt.source, attempt.target) =>
            {
                self.flow(attempt, 1, now, state, findings);
            }
            News::MiddleRefuted(attempt) => {
                self.relieve((attempt.target, attempt.dport, Kind::Segments), 1);
            }
            // Resets that end nothing, consent that nobody asked for.
            News::Unsolicited(answer)
                if matches!(answer.kind, AnswerKind::Reset | AnswerKind::Accept)
                    && answer.target.is_host()
                    && !state.have_met(answer.source, answer.target) =>
            {
                // What one service consents to is backscatter; what many do is aimed.
                let service = answer.kind == AnswerKind::Accept && answer.sport < 1024;
                let port = if service { 0 } else { answer.dport };
                let key = (answer.target, port, Kind::Segments);
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

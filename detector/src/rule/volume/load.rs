//! What is known of one who is flooded, or of one network.

use labels::{AddressBlock, Class, Finding, Transport};
use wire::Timestamp;
use wire::packet::{PROTOCOL_TCP, PROTOCOL_UDP};

use super::limits::Limits;
use crate::address::Address;
use crate::docket::{Brief, Life};
use crate::extent::{Addresses, Crowd, Frequent, NAMED_SOURCES, Ports};
use crate::news::Attempt;
use crate::report::{Draft, Examples, fact};
use crate::state::State;
use crate::tools;
use crate::words::Word;

/// Sources from which datagrams to many ports of one host are a flood and no scan.
const EVERYWHERE: u64 = 50;
/// Ports from which on they are many.
const SPREAD: usize = 16;
/// Bytes of an average datagram from which on many of them, to ever other ports, are a load and no questions: a scanner
/// sends nothing, or a protocol's shortest greeting.
const LOADED: u64 = 64;
/// Bytes of an average answer of a service that its asker may have wanted; amplified ones are as long as fits.
pub(super) const ANSWER: u64 = 400;
/// Hosts of a neighbourhood from which on all of it is meant.
const NETWORK: usize = 8;
/// Hosts whose one service answers a victim: one's answers may be wanted.
pub(super) const REFLECTORS: usize = 3;
/// Sockets that are remembered.
const MOST_SOCKETS: usize = 32;
/// What hosts of the own site may send from one socket each, for what anybody may: records of flows, of logs, of
/// measurements are sent so, by programs, and not answered. Many may send half of that each; all of it where they are seen to
/// be such records, wherever they come from.
const STREAM_FACTOR: u64 = 4;
/// Sockets that a program has used before when it is restarted once more.
const RESTARTS: usize = 3;
/// Streams that one host may have agreed upon with another at a time, as measurements do.
const STREAMS: usize = 8;
/// Port of name servers.
const DNS: u16 = 53;

/// What the packets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Datagrams,
    Echoes,
    /// Echo requests to a host that answers them.
    AnsweredEchoes,
    /// Echo replies that nobody asked for.
    Replies,
    /// ICMP errors about what nobody sent.
    Errors,
    Segments,
    /// Questions to a name server, answered or not.
    Lookups,
    /// Datagrams to hosts of one neighbourhood, all over it.
    NetworkDatagrams,
    /// The same of segments.
    NetworkSegments,
    /// The same of echo requests.
    NetworkEchoes,
    /// Packets of which pieces came, and the header did not; of that protocol in place of a port.
    Pieces,
}

impl Kind {
    /// Whether it is about a network as a whole.
    pub(super) fn is_network(self) -> bool {
        matches!(
            self,
            Kind::NetworkDatagrams | Kind::NetworkSegments | Kind::NetworkEchoes
        )
    }

    /// From how many packets on they are a flood.
    fn most(self, limits: &Limits) -> u64 {
        match self {
            Kind::Datagrams | Kind::NetworkDatagrams | Kind::Pieces => limits.datagrams,
            Kind::Echoes
            | Kind::AnsweredEchoes
            | Kind::NetworkEchoes
            | Kind::Errors
            | Kind::Replies => limits.echoes,
            Kind::Segments | Kind::NetworkSegments => limits.segments,
            Kind::Lookups => limits.lookups,
        }
    }

    /// How many a second are nobody's harm.
    fn harmless(self, limits: &Limits) -> u64 {
        match self {
            Kind::Echoes | Kind::NetworkEchoes | Kind::Errors => limits.echo_drain_per_second,
            Kind::AnsweredEchoes => limits.answered_echo_drain_per_second,
            _ => limits.drain_per_second,
        }
    }
}

/// Whom, at which port, or 0 where the port says nothing; and by what.
pub(super) type Key = (Address, u16, Kind);

/// What is known of a victim.
#[derive(Default)]
pub(super) struct Load {
    /// In thousandths of a packet.
    pub(super) level: u64,
    drained: Timestamp,
    packets: u64,
    pub(super) bytes: u64,
    /// From which service's port all come, if they do; `Some(0)` where they come from several.
    service: Option<u16>,
    /// Some of the ports, where the case is about all.
    spread: Vec<u16>,
    /// How long the latest of some sources was, and how many were as long as the one before from there, and how many not.
    lengths: Vec<(Address, u16)>,
    alike: u64,
    unlike: u64,
    /// Somebody may want some of them: a neighbour, an equal, or an asker whom this sensor does not hear.
    wanted: bool,
    heavy: Frequent<NAMED_SOURCES>,
    crowd: Crowd,
    /// It was under way when the capture began, from one port of a program to another.
    pub(super) under_way: bool,
    /// Source ports of datagrams, by source, or what complaints are about; as long as they are few.
    pub(super) sockets: Vec<(Address, u16)>,
    /// Somebody has sent from more of them than a program that is restarted.
    changes_sockets: bool,
    /// Not all are records for a collector.
    mixed: bool,
    /// The sensor sees one side: whether it was agreed upon is not known.
    pub(super) one_sided: bool,
    ports: Ports,
    frames: Examples,
    /// Where the case is about a network.
    pub(super) hosts: Addresses,
}

impl Load {
    /// An empty one, of which only is kept what was so before: that it had begun, and from which sockets it came.
    pub(super) fn emptied(&mut self, now: Timestamp) -> Load {
        Load {
            drained: now,
            under_way: self.under_way,
            sockets: std::mem::take(&mut self.sockets),
            changes_sockets: self.changes_sockets,
            mixed: self.mixed,
            ..Load::default()
        }
    }

    /// Time has passed; whether nothing is left.
    pub(super) fn drain(&mut self, key: &Key, now: Timestamp, limits: &Limits) -> bool {
        let per_second = key.2.harmless(limits) * self.factor(key);
        let gone = now.nanos_since(self.drained) / 1_000_000 * per_second;
        if gone == 0 {
            return false;
        }
        self.level = self.level.saturating_sub(gone);
        self.drained = now;
        self.level == 0
    }

    /// So many came; whether they are more than is nobody's harm.
    pub(super) fn fill(
        &mut self,
        key: &Key,
        source: Address,
        packets: u64,
        limits: &Limits,
    ) -> bool {
        let most = self.most(key, limits);
        self.level = (self.level + packets * 1_000).min(8 * most * 1_000);
        self.packets += packets;
        self.crowd.add(source);
        self.heavy.add(source, packets);
        if key.1 != 0 && key.2 != Kind::Pieces {
            self.ports.insert(key.1);
        }
        self.level >= most * 1_000
    }

    /// From how many packets on they are a flood.
    fn most(&self, key: &Key, limits: &Limits) -> u64 {
        if key.2 == Kind::Datagrams && self.is_amplified() {
            limits.reflected
        } else {
            key.2.most(limits) * self.factor(key)
        }
    }

    /// So many datagrams of a flow, and how long they are.
    fn note_length(&mut self, attempt: &Attempt, packets: u64) {
        let length = attempt.size;
        self.bytes += u64::from(length) * packets;
        let constant = attempt.given == u32::from(length).saturating_mul(attempt.packets);
        let full = self.lengths.len() >= MOST_SOCKETS;
        let latest = (self.lengths.iter_mut()).find(|(source, _)| *source == attempt.source);
        let known = match latest {
            Some((_, latest)) => Some(std::mem::replace(latest, length) == length),
            None if full => return,
            None => {
                self.lengths.push((attempt.source, length));
                None
            }
        };
        match known {
            Some(false) => self.unlike += packets,
            _ if !constant => self.unlike += packets,
            Some(true) => self.alike += packets,
            None => self.alike += packets - 1,
        }
    }

    /// Whether several hosts' one service that amplifies answers at length who has not asked, and each says the same over
    /// and over: it is asked one thing in a victim's name. Who is heard by half, a resolver or a player who looks for a
    /// server, is told now this and now that.
    fn is_amplified(&self) -> bool {
        !self.wanted
            && self.is_reflected()
            && self.service.is_some_and(tools::amplifies)
            && self.alike > self.unlike * 3
            && self.bytes >= self.packets * ANSWER
    }

    pub(super) fn note_frame(&mut self, frame: u64) {
        self.frames.note(frame);
    }

    /// Whether so many packets are an attack, by whom they come from and where they go.
    pub(super) fn is_attack(&self, key: &Key, limits: &Limits) -> bool {
        // A resolver's answers, where the sensor misses its questions, are short.
        let served = self.service.is_some_and(|port| (1..1024).contains(&port));
        let answers = served && self.bytes < self.packets * ANSWER;
        match key.2 {
            Kind::Echoes | Kind::AnsweredEchoes | Kind::Pieces => true,
            Kind::Errors => self.sockets.len() < SPREAD,
            Kind::Lookups => self.comes_once(limits),
            Kind::Replies => self.is_of_a_network(),
            Kind::NetworkDatagrams | Kind::NetworkSegments | Kind::NetworkEchoes => {
                self.is_from_everywhere() && !answers && self.hosts.len() >= NETWORK
            }
            // At many ports of one host: a scan, unless it comes from everywhere, or is heavy.
            Kind::Datagrams | Kind::Segments => {
                let heavy =
                    self.spread.len() >= SPREAD && !served && self.bytes >= self.packets * LOADED;
                let everywhere = self.is_from_everywhere() && !answers;
                let floods = key.1 != 0 || everywhere || heavy || self.is_amplified();
                floods && !self.is_continued()
            }
        }
    }

    fn is_from_everywhere(&self) -> bool {
        self.crowd
            .count()
            .is_none_or(|sources| sources >= EVERYWHERE)
    }

    /// Whether hardly a source came twice: nobody has so many strangers for clients, and none of them a second question.
    fn comes_once(&self, limits: &Limits) -> bool {
        let sources = self.crowd.count().unwrap_or(0);
        sources * 100 >= self.packets * limits.lookups_once_percent
    }

    /// Whether several hosts send it again and again: whom somebody looks for in another's name replies once or twice.
    fn is_of_a_network(&self) -> bool {
        const AGAIN: u64 = 4;
        let sources = self.crowd.count().unwrap_or(u64::MAX);
        sources >= REFLECTORS as u64 && self.packets / AGAIN >= sources
    }

    fn factor(&self, key: &Key) -> u64 {
        let sockets = self.sockets.len();
        if key.2 != Kind::Datagrams || !self.keeps_to_sockets() {
            return 1;
        }
        if !self.mixed {
            return STREAM_FACTOR * sockets as u64;
        }
        if self.one_sided && sockets == 1 || self.are_near(key.0) {
            return STREAM_FACTOR.max(sockets as u64 / 2);
        }
        1
    }

    /// What datagrams of a flow say of all.
    pub(super) fn note(&mut self, attempt: &Attempt, packets: u64, state: &State) {
        let equals = attempt.dport == attempt.sport;
        self.wanted |= equals || !attempt.is_from_elsewhere() || state.sees_one_side();
        self.one_sided = state.sees_one_side();
        self.mixed |= attempt.word != Word::Record;
        self.note_length(attempt, packets);
        self.note_service(attempt);
    }

    /// Remembers from which service's port the packets come, as long as it is one.
    fn note_service(&mut self, attempt: &Attempt) {
        let sport = match attempt.word {
            Word::DnsAnswer(_) => attempt.sport,
            // What comes from there and is no answer, was sent by no service.
            _ if attempt.sport == DNS => 0,
            _ => attempt.sport,
        };
        self.service = match self.service {
            None => Some(sport),
            Some(known) if known == sport => Some(sport),
            Some(_) => Some(0),
        };
    }

    pub(super) fn note_port(&mut self, port: u16) {
        if !self.spread.contains(&port) && self.spread.len() < SPREAD {
            self.spread.push(port);
        }
    }

    pub(super) fn note_socket(&mut self, source: Address, sport: u16) {
        if self.sockets.len() < MOST_SOCKETS && !self.sockets.contains(&(source, sport)) {
            let of_source = self.sockets.iter().filter(|(known, _)| *known == source);
            self.changes_sockets |= of_source.count() >= RESTARTS;
            self.sockets.push((source, sport));
        }
    }

    /// Whether one service of several hosts answers what nobody asked: somebody asked in the victim's name.
    fn is_reflected(&self) -> bool {
        let sources = self.crowd.count().unwrap_or(u64::MAX);
        self.service.is_some_and(serves) && sources >= REFLECTORS as u64
    }

    /// Whether all comes from a few programs, each of which keeps to its socket.
    fn keeps_to_sockets(&self) -> bool {
        !self.changes_sockets && (1..MOST_SOCKETS).contains(&self.sockets.len())
    }

    /// Whether all of them are neighbours.
    fn are_near(&self, target: Address) -> bool {
        let mut sources = self.sockets.iter().map(|(source, _)| source);
        sources.all(|source| source.is_near(target))
    }

    /// Whether it is a stream or a few, of which the sensor came too late to see how they were agreed upon.
    fn is_continued(&self) -> bool {
        self.under_way && self.sockets.len() <= STREAMS && self.crowd.count() == Some(1)
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

    fn class(&self, &(_, protocol, kind): &Key) -> (Class, Transport) {
        match kind {
            Kind::Pieces if protocol == u16::from(PROTOCOL_UDP) => {
                (Class::UdpFlood, Transport::Udp)
            }
            Kind::Pieces if protocol == u16::from(PROTOCOL_TCP) => {
                (Class::TcpFlagFlood, Transport::Tcp)
            }
            Kind::Pieces => (Class::IcmpFlood, Transport::Icmp),
            Kind::Datagrams | Kind::NetworkDatagrams if self.is_reflected() => {
                (Class::Amplification, Transport::Udp)
            }
            Kind::Datagrams | Kind::NetworkDatagrams | Kind::Lookups => {
                (Class::UdpFlood, Transport::Udp)
            }
            Kind::Echoes | Kind::AnsweredEchoes | Kind::NetworkEchoes | Kind::Errors => {
                (Class::IcmpFlood, Transport::Icmp)
            }
            Kind::Replies => (Class::Amplification, Transport::Icmp),
            Kind::Segments | Kind::NetworkSegments => (Class::TcpFlagFlood, Transport::Tcp),
        }
    }
}

impl Brief for Load {
    type Key = Key;
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, limits: &Limits) -> Option<Finding> {
        let (class, transport) = self.class(key);
        let (fact_of_kind, expected) = match key.2 {
            Kind::Lookups => (
                "questions, hardly two of them from one source",
                "clients that come back".to_owned(),
            ),
            Kind::Pieces => (
                "packets of which pieces came, and never the header",
                "a first piece for each".to_owned(),
            ),
            Kind::Errors => (
                "complaints about packets that were never sent",
                "a packet of ours before each".to_owned(),
            ),
            Kind::Datagrams if self.is_amplified() => (
                "long answers that nobody asked for, of each host nearly always the same",
                "a question of the victim's before each".to_owned(),
            ),
            kind => (
                "packets that fill the line and lead to nothing",
                format!("at most {} a second for long", kind.harmless(limits)),
            ),
        };
        let draft = Draft {
            class,
            tool: None,
            sources: self.blocks(),
            targets: if key.2.is_network() {
                self.hosts.blocks()
            } else {
                vec![key.0.to_ip().into()]
            },
            transport,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.85,
            evidence: vec![fact(
                fact_of_kind,
                format!("{} from {} sources", self.packets, self.crowd.text()),
                expected,
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

//! What the detector remembers, and what it learns from each frame.
//!
//! [`State::update`] follows connections and tells the rules only what is news: an attempt that led to nothing, an
//! answer nobody asked for, a segment that belongs to nothing. Data of sessions under way is no news, and costs one
//! look-up. All tables are capped; two short cuts keep floods and fast scans from passing through them: a service
//! that a rule has found flooded, and a source that a rule has found scanning, get no connections any more.
//!
//! Not modelled: sequence windows (a forged segment can end a connection here), reassembly of fragments.

mod address;
mod connection;
mod deadline;
mod news;
mod segment;
pub(crate) mod table;

use wire::Timestamp;

pub(crate) use address::Address;
pub(crate) use news::{Answer, AnswerKind, Attempt, Moment, News, Outcome, Technique};
pub(crate) use table::{Keep, Table};

use crate::config::Config;
use crate::observe::{Complaint, Datagram, Kind, Observation};
use connection::{Connection, ConnectionKey, Endpoint, Seen};
use deadline::Deadlines;
use table::Handle;

/// A port of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Service {
    pub(crate) address: Address,
    pub(crate) port: u16,
}

/// What is remembered of a service.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServiceState {
    /// A rule found it flooded: SYNs to it are counted, and no connection is kept of them.
    pub(crate) flooded: bool,
    /// SYNs that came to nothing, less what time has drained; in thousandths.
    pub(crate) level: u64,
    /// Connections completed, draining alike; in thousandths.
    pub(crate) completed: u64,
    /// When `level` was last drained.
    pub(crate) drained: Timestamp,
    /// When `level` last rose from nothing.
    pub(crate) risen: Option<Moment>,
    /// The last SYN: its sequence number, source and source port.
    pub(crate) last: Option<(u32, Address, u16)>,
    /// SYNs in a row with one sequence number from different ports or sources.
    pub(crate) equal_isns: u32,
    /// The first of them.
    pub(crate) equal_from: Option<Moment>,
    /// Which of 64 classes of sources have been seen since `risen`.
    pub(crate) sources: u64,
}

impl Keep for ServiceState {
    fn worth(&self) -> u8 {
        match self.level {
            _ if self.flooded => 8,
            0..3_000 if self.equal_isns < 2 => 0,
            _ => 2,
        }
    }
}

/// What is remembered of who talks with whom.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pair {
    /// When the originator last opened a connection to the other.
    pub(crate) opened: Option<Moment>,
    /// Data has flowed between them.
    pub(crate) friends: bool,
    /// A rule found the one tracing the route to the other.
    pub(crate) traced: bool,
}

impl Keep for Pair {
    fn worth(&self) -> u8 {
        u8::from(self.friends || self.traced) * 2
    }
}

/// What is remembered of a source.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SourceState {
    /// A rule found it scanning: its probes are counted, and no connection is kept of them.
    pub(crate) scanning: bool,
    /// Hosts with which it has exchanged data.
    pub(crate) friends: u32,
}

impl Keep for SourceState {
    fn worth(&self) -> u8 {
        if self.scanning { 8 } else { 1 }
    }
}

/// All that is remembered besides the rules' own cases.
pub(crate) struct State {
    clock: Timestamp,
    /// When the first frame passed.
    began: Option<Timestamp>,
    connections: Table<ConnectionKey, Connection>,
    deadlines: Deadlines,
    pub(crate) services: Table<Service, ServiceState>,
    pairs: Table<(Address, Address), Pair>,
    pub(crate) sources: Table<Address, SourceState>,
    /// Segments and datagrams of which nothing could be kept, by reason.
    pub(crate) midstream: u64,
    /// Deadlines that came early because too many were waiting.
    pub(crate) hurried: u64,
}

impl State {
    pub(crate) fn new(config: &Config) -> Self {
        let memory = &config.memory;
        State {
            clock: Timestamp::ZERO,
            began: None,
            connections: Table::new(memory.connections),
            deadlines: Deadlines::new(config.answers.patience.nanos(), memory.waiting),
            services: Table::new(memory.services),
            pairs: Table::new(memory.pairs),
            sources: Table::new(memory.sources),
            midstream: 0,
            hurried: 0,
        }
    }

    /// The latest time that was seen; it never runs back.
    pub(crate) fn clock(&self) -> Timestamp {
        self.clock
    }

    /// How long the capture has lasted.
    pub(crate) fn age_nanos(&self) -> u64 {
        self.began.map_or(0, |began| self.clock.nanos_since(began))
    }

    /// Entries that had to make room, by table.
    pub(crate) fn evicted(&self) -> [(&'static str, u64); 4] {
        [
            ("connections", self.connections.evicted()),
            ("services", self.services.evicted()),
            ("pairs", self.pairs.evicted()),
            ("sources", self.sources.evicted()),
        ]
    }

    /// When `source` last opened a connection to `target`, and whether the two have exchanged data.
    pub(crate) fn pair(&self, source: Address, target: Address) -> Pair {
        self.pairs
            .peek(&(source, target))
            .copied()
            .unwrap_or_default()
    }

    /// Whether data has flowed between the two, whoever began.
    pub(crate) fn are_friends(&self, a: Address, b: Address) -> bool {
        self.pair(a, b).friends || self.pair(b, a).friends
    }

    /// What `source` sends to `target` from now on is taken for a trace of the route.
    pub(crate) fn mark_traced(&mut self, source: Address, target: Address) {
        self.pairs
            .get_or_insert_with((source, target), Pair::default)
            .0
            .traced = true;
    }

    pub(crate) fn is_scanning(&self, source: Address) -> bool {
        self.sources
            .peek(&source)
            .is_some_and(|source| source.scanning)
    }

    fn is_flooded(&self, address: Address, port: u16) -> bool {
        self.services
            .peek(&Service { address, port })
            .is_some_and(|service| service.flooded)
    }

    /// Moves the clock on and reports what has become overdue.
    #[inline]
    pub(crate) fn advance(&mut self, time: Timestamp, news: &mut Vec<News>) {
        self.clock = self.clock.max(time);
        self.began.get_or_insert(time);
        while let Some(handle) = self.deadlines.due(self.clock) {
            self.overdue(handle, news);
        }
    }

    /// At the end of the capture, all that waits is judged: what was asked and not answered stays so, for the
    /// thresholds tell a scan from the few connections that a capture's end cuts off. Only a connection that has been
    /// accepted must have been left empty for at least `least_nanos`.
    pub(crate) fn finish(&mut self, least_nanos: u64, news: &mut Vec<News>) {
        while let Some((handle, old_enough)) = self.deadlines.last(self.clock, least_nanos) {
            let accepted = self
                .connections
                .by_handle(handle)
                .is_some_and(|(_, connection)| {
                    connection.seen.has(Seen::ACCEPTED.with(Seen::COMPLETED))
                });
            if old_enough || !accepted {
                self.overdue(handle, news);
            }
        }
    }

    /// Learns from one packet.
    #[inline]
    pub(crate) fn update(&mut self, seen: &Observation, frame: u64, news: &mut Vec<News>) {
        let now = Moment {
            time: self.clock,
            frame,
        };
        match &seen.kind {
            Kind::Tcp(segment) => self.segment(seen, segment, now, news),
            Kind::Udp(datagram) => self.datagram(seen, *datagram, now, news),
            Kind::Echo => short_lived(seen, None, news),
            Kind::Error(complaint) => self.complaint(seen, complaint, news),
            Kind::Other => {}
        }
    }

    fn wait(&mut self, now: Moment, handle: Handle, news: &mut Vec<News>) {
        if let Some(early) = self.deadlines.push(now.time, handle) {
            self.hurried += 1;
            self.overdue(early, news);
        }
    }

    /// A connection that has waited long enough.
    fn overdue(&mut self, handle: Handle, news: &mut Vec<News>) {
        let Some((key, connection)) = self.connections.by_handle(handle) else {
            return;
        };
        let seen = connection.seen;
        if seen.has(
            Seen::SETTLED
                .with(Seen::FRUITFUL)
                .with(Seen::MIDSTREAM)
                .with(Seen::DATA_RESPONDER),
        ) {
            return;
        }
        connection.seen.add(Seen::SETTLED);
        let attempt = connection.attempt(key);
        if self.is_flooded(attempt.target, attempt.dport) {
            return;
        }
        if seen.has(Seen::STRAY) {
            news.push(News::StraySilent(attempt));
        } else if seen.has(Seen::UNSOLICITED) {
            news.push(News::UnsolicitedOverdue(answer(&attempt)));
        } else {
            let outcome = if seen.has(Seen::COMPLETED) {
                Outcome::Empty
            } else if seen.has(Seen::ACCEPTED) {
                Outcome::Abandoned
            } else {
                Outcome::Silent
            };
            let friend = self.are_friends(attempt.source, attempt.target);
            news.push(News::Settled(Attempt { friend, ..attempt }, outcome));
        }
    }

    fn befriend(&mut self, source: Address, target: Address) {
        let (pair, _) = self
            .pairs
            .get_or_insert_with((source, target), Pair::default);
        if !pair.friends {
            pair.friends = true;
            self.sources
                .get_or_insert_with(source, SourceState::default)
                .0
                .friends += 1;
        }
    }

    /// A datagram: the first one of a flow opens it, one in return makes it fruitful.
    fn datagram(&mut self, seen: &Observation, udp: Datagram, now: Moment, news: &mut Vec<News>) {
        short_lived(seen, Some(udp.dport), news);
        let (from, to) = ends(seen, udp.sport, udp.dport);
        let (key, from_low) = ConnectionKey::new(from, to, true);
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.packets = connection.packets.saturating_add(1);
            if connection.originator_is_low != from_low && !connection.seen.has(Seen::FRUITFUL) {
                connection.seen.add(Seen::FRUITFUL);
                let attempt = connection.attempt(&key);
                self.befriend(attempt.source, attempt.target);
                news.push(News::Fruitful(attempt));
            }
            return;
        }
        if !seen.target.is_host() {
            return;
        }
        let mut fresh = Connection {
            opened: now,
            isn: 0,
            acknowledgment: 0,
            packets: 1,
            seen: Seen::default(),
            technique: Technique::Udp,
            originator_is_low: from_low,
        };
        // A service speaking to a client is an answer whose question was not captured; a packet that is to die on
        // the way asks the routers, not the port.
        let answer = udp.sport < 1024 && udp.dport >= 1024;
        if answer || seen.ttl <= MAX_HOPS {
            fresh.seen.add(Seen::MIDSTREAM);
            self.connections.insert_new(key, fresh);
            return;
        }
        let (handle, _) = self.connections.insert_new(key, fresh);
        self.wait(now, handle, news);
    }

    /// An ICMP error: about a packet that was seen, or about one that nobody sent.
    fn complaint(&mut self, seen: &Observation, about: &Complaint, news: &mut Vec<News>) {
        if about.time_exceeded {
            news.push(News::Died {
                source: about.source,
                target: about.target,
                router: seen.source,
            });
            return;
        }
        let Some((sport, dport)) = about.ports else {
            return;
        };
        let from = Endpoint {
            address: about.source,
            port: sport,
        };
        let to = Endpoint {
            address: about.target,
            port: dport,
        };
        let (key, from_low) = ConnectionKey::new(from, to, about.udp);
        let Some(connection) = self.connections.get_mut(&key) else {
            self.unasked_complaint(about, (sport, dport), news);
            return;
        };
        let over = Seen::SETTLED
            .with(Seen::FRUITFUL)
            .with(Seen::MIDSTREAM)
            .with(Seen::COMPLETED);
        connection.packets = connection.packets.saturating_add(1);
        if connection.originator_is_low == from_low && !connection.seen.has(over) {
            connection.seen.add(Seen::SETTLED);
            let attempt = connection.attempt(&key);
            let friend = self.are_friends(attempt.source, attempt.target);
            let attempt = Attempt { friend, ..attempt };
            news.push(if connection_is_stray(&attempt) {
                News::StraySilent(attempt)
            } else {
                News::Settled(attempt, Outcome::Unreachable)
            });
        }
    }

    fn unasked_complaint(
        &mut self,
        about: &Complaint,
        (sport, dport): (u16, u16),
        news: &mut Vec<News>,
    ) {
        if about.udp
            || !about.may_be_syn
            || self.is_scanning(about.source)
            || self.is_flooded(about.target, dport)
        {
            return;
        }
        news.push(News::Unsolicited(Answer {
            kind: AnswerKind::Unreachable,
            source: about.target,
            sport: dport,
            target: about.source,
            dport: sport,
            acknowledgment: None,
        }));
    }
}

/// The longest time to live that may be meant to end on the way: traceroute's default maximum.
pub(crate) const MAX_HOPS: u8 = 30;

fn connection_is_stray(attempt: &Attempt) -> bool {
    !matches!(attempt.technique, Technique::Syn | Technique::Udp)
}

fn short_lived(seen: &Observation, port: Option<u16>, news: &mut Vec<News>) {
    if seen.ttl <= MAX_HOPS && seen.target.is_host() {
        news.push(News::ShortLived {
            source: seen.source,
            target: seen.target,
            ttl: seen.ttl,
            port,
        });
    }
}

#[inline]
fn ends(seen: &Observation, sport: u16, dport: u16) -> (Endpoint, Endpoint) {
    let from = Endpoint {
        address: seen.source,
        port: sport,
    };
    let to = Endpoint {
        address: seen.target,
        port: dport,
    };
    (from, to)
}

/// An unsolicited answer, from the connection that it would belong to: its originator is the addressee.
fn answer(attempt: &Attempt) -> Answer {
    Answer {
        kind: AnswerKind::Accept,
        source: attempt.target,
        sport: attempt.dport,
        target: attempt.source,
        dport: attempt.sport,
        acknowledgment: Some(attempt.acknowledgment),
    }
}

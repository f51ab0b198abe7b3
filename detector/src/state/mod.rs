//! What the detector remembers, and what it learns from each packet.
//!
//! [`State::update`] follows conversations and tells the rules only what is news: an attempt that led to nothing, an
//! answer nobody asked for, a segment that belongs to nothing. Data of sessions under way is no news, and costs one
//! look-up. All tables are capped; two short cuts keep floods and fast scans from passing through them: a service
//! that a rule has found flooded, and a source that a rule has found scanning, get no connections any more.
//!
//! A file a protocol, and of TCP one each for resets and for segments of no known connection; the tables are private,
//! and rules ask through methods. Why an attempt is held against nobody is decided in one place, [`excuse`].
//!
//! Not modelled: sequence windows (a forged segment can end a connection here).

mod calls;
mod connection;
mod context;
mod deadline;
mod exchange;
mod excuse;
mod icmp;
mod known;
mod mirror;
mod missed;
mod names;
mod outbox;
mod pairs;
mod reset;
mod returning;
mod sealed;
mod services;
mod sides;
mod sources;
mod stray;
pub(crate) mod table;
mod tcp;

use ipnet::IpNet;
use wire::Timestamp;

pub(crate) use crate::address::Service;
pub(crate) use context::Excuses;
pub(crate) use outbox::Outbox;
pub(crate) use returning::Returning;
pub(crate) use sealed::Sealed;
pub(crate) use table::{Keep, Table};

use crate::address::Address;
use crate::config::{Config, Span};
use crate::news::{Answer, AnswerKind, Attempt, Moment, News, Oddity, Outcome, Technique};
use crate::observe::{Kind, Observation};
use crate::words::Word;
use calls::Calls;
use connection::{Connection, ConnectionKey, Endpoint, Seen};
use context::Context;
use deadline::Deadlines;
use missed::Missed;
use names::Names;
use pairs::Pairs;
use services::Services;
use sides::{Answered, Mirror, Sides};
use sources::Sources;
use table::Handle;

section! {
    /// How much is remembered.
    Memory "memory" {
        connections: usize,
        waiting: usize,
        services: usize,
        pairs: usize,
        sources: usize,
        names: usize,
        cases: usize,
    }
}
section! {
    /// How long answers are waited for.
    Answers "answers" {
        patience: Span,
        longer_patience: Span,
        patience_at_end: Span,
        longest_question: u32,
    }
}

/// All that is remembered besides the rules' own cases.
pub(crate) struct State {
    clock: Timestamp,
    /// When the first frame passed.
    began: Option<Timestamp>,
    connections: Table<ConnectionKey, Connection>,
    deadlines: Deadlines,
    longer: Deadlines,
    services: Services,
    pairs: Pairs,
    sources: Sources,
    names: Names,
    calls: Calls,
    missed: Missed,
    context: Context,
    sides: Sides,
    deferred: Vec<(Attempt, Mirror)>,
    answered: Table<Address, Answered>,
    home: Vec<IpNet>,
    longest_question: u32,
    /// Segments of sessions whose beginning was not seen.
    pub(crate) midstream: u64,
    /// Deadlines that came early because too many were waiting.
    pub(crate) hurried: u64,
}

impl State {
    pub(crate) fn new(config: &Config, home: &[IpNet]) -> Self {
        let memory = config.get::<Memory>();
        let answers = config.get::<Answers>();
        State {
            clock: Timestamp::ZERO,
            began: None,
            connections: Table::new(memory.connections),
            deadlines: Deadlines::new(answers.patience.nanos(), memory.waiting),
            longer: Deadlines::new(answers.longer_patience.nanos(), memory.waiting),
            services: Services::new(memory.services),
            pairs: Pairs::new(memory.pairs),
            sources: Sources::new(memory.sources),
            names: Names::new(memory.names, config.get::<Excuses>().named_within.nanos()),
            calls: Calls::new(memory.sources),
            missed: Missed::new(memory.sources),
            context: Context::new(config),
            sides: Sides::default(),
            deferred: Vec::new(),
            answered: Table::new(memory.cases),
            home: home.to_vec(),
            longest_question: answers.longest_question,
            midstream: 0,
            hurried: 0,
        }
    }

    /// The latest time that was seen; it never runs back.
    #[inline]
    pub(crate) fn clock(&self) -> Timestamp {
        self.clock
    }

    /// Whether this sensor has shown that it sees what one side sends, and nothing else.
    pub(crate) fn sees_one_side(&self) -> bool {
        self.sides.is_one()
    }

    /// Whether it is of a home network, as far as these are known.
    pub(crate) fn is_home(&self, address: Address) -> bool {
        !self.home.is_empty() && self.home.iter().any(|net| net.contains(&address.to_ip()))
    }

    /// How long the capture has lasted.
    pub(crate) fn age_nanos(&self) -> u64 {
        self.began.map_or(0, |began| self.clock.nanos_since(began))
    }

    /// Entries that had to make room, by table.
    pub(crate) fn evicted(&self) -> [(&'static str, u64); 5] {
        [
            ("connections", self.connections.evicted()),
            ("services", self.services.evicted()),
            ("pairs", self.pairs.evicted()),
            ("sources", self.sources.evicted()),
            ("names", self.names.evicted()),
        ]
    }

    /// Moves the clock on and reports what has become overdue.
    #[inline]
    pub(crate) fn advance(&mut self, time: Timestamp, news: &mut Outbox) {
        self.clock = self.clock.max(time);
        self.began.get_or_insert(time);
        while let Some(handle) = self.deadlines.due(self.clock) {
            self.overdue(handle, news);
        }
        while let Some(handle) = self.longer.due(self.clock) {
            self.overdue(handle, news);
        }
    }

    /// At the end of the capture, all that waits is judged: what was asked and not answered stays so, for the
    /// thresholds tell a scan from the few connections that a capture's end cuts off. Only a connection that has been
    /// accepted must have been left empty for at least `least_nanos`.
    pub(crate) fn finish(&mut self, least_nanos: u64, news: &mut Outbox) {
        if self.sides.is_one() {
            for (attempt, what) in std::mem::take(&mut self.deferred) {
                self.mirrored(attempt, what, news);
            }
        }
        loop {
            let (handle, old_enough) = match self.deadlines.last(self.clock, least_nanos) {
                Some(next) => next,
                None => match self.longer.last(self.clock, least_nanos) {
                    Some(next) => next,
                    None => return,
                },
            };
            let accepted = match self.connections.by_handle(handle) {
                Some((_, connection)) => {
                    // There is no more time to give.
                    connection.seen.add(Seen::PATIENT);
                    connection.seen.has(Seen::ACCEPTED.with(Seen::COMPLETED))
                }
                None => continue,
            };
            if old_enough || !accepted {
                self.overdue(handle, news);
            }
        }
    }

    /// Learns from one packet.
    #[inline]
    pub(crate) fn update(&mut self, seen: &Observation<'_>, frame: u64, news: &mut Outbox) {
        let now = Moment {
            time: self.clock,
            frame,
        };
        if seen.source_routed || seen.tiny_fragments {
            self.odd_header(seen, now, news);
        }
        match &seen.kind {
            Kind::Tcp(segment) => self.segment(seen, segment, now, news),
            Kind::Udp(datagram) => self.datagram(seen, *datagram, now, news),
            Kind::Message(message) => self.message(seen, *message, now, news),
            Kind::Arp(resolution) => self.resolution(seen, *resolution, now, news),
            Kind::Error(complaint) => self.complaint(seen, complaint, now, news),
            Kind::Protocol(number) => news.tell(News::Protocol {
                source: seen.source,
                target: seen.target,
                number: *number,
            }),
            Kind::Other => {}
        }
    }

    #[cold]
    fn odd_header(&mut self, seen: &Observation<'_>, now: Moment, news: &mut Outbox) {
        // Who answers goes back by the way that the question came, RFC 1122 section 3.2.1.8; and is another one than the
        // header of that question named.
        let oddity = if !seen.source_routed {
            Oddity::TinyFragments
        } else if self.sources.get(seen.target).routes {
            return;
        } else {
            self.sources.entry(seen.source).routes = true;
            Oddity::SourceRoute
        };
        self.odd(oddity, seen, now, news);
    }

    #[cold]
    fn odd(&mut self, oddity: Oddity, seen: &Observation<'_>, now: Moment, news: &mut Outbox) {
        let (technique, sport, dport) = match &seen.kind {
            Kind::Tcp(segment) => (Technique::Syn, segment.sport, segment.dport),
            Kind::Udp(datagram) => (Technique::Udp, datagram.sport, datagram.dport),
            _ => (Technique::Echo, 0, 0),
        };
        let (from, to) = ends(seen, sport, dport);
        let (key, low) = ConnectionKey::new(from, to, connection::Protocol::Tcp);
        let attempt = Connection::new(now, technique, low).attempt(&key);
        news.tell(News::Odd(oddity, attempt));
    }

    /// Whether a packet may be meant to die on the way: not one of a sender whose packets all come with as long to live, as
    /// those of stacks do that begin with 32. A trace takes one value a few times, and begins with the shortest.
    fn may_die(&mut self, seen: &Observation<'_>) -> bool {
        const STEADY: u8 = 6;
        /// Of those with next to nothing to live: some programs ask each router so often.
        const ASKED_AT_MOST: u8 = 16;
        if seen.ttl > MAX_HOPS {
            return false;
        }
        let known = self.sources.entry(seen.source);
        if known.ttl == seen.ttl {
            known.steady = known.steady.saturating_add(1);
        } else {
            (known.ttl, known.steady) = (seen.ttl, 0);
        }
        known.short |= seen.ttl <= SURELY_SHORT;
        let most = match seen.ttl {
            // It reaches hardly anybody.
            0..=2 => u8::MAX,
            3..=SURELY_SHORT => ASKED_AT_MOST,
            _ => STEADY,
        };
        known.short && known.steady < most
    }

    /// A packet may be meant to die on the way.
    fn short_lived(
        &mut self,
        seen: &Observation<'_>,
        port: Option<u16>,
        technique: Technique,
        news: &mut Outbox,
    ) {
        if seen.ttl <= MAX_HOPS && seen.target.is_host() {
            if seen.ttl <= SURELY_SHORT {
                self.pairs.mark_short(seen.source, seen.target);
            }
            news.tell(News::ShortLived {
                source: seen.source,
                target: seen.target,
                ttl: seen.ttl,
                port,
                technique,
            });
        }
    }

    fn wait(&mut self, now: Moment, handle: Handle, news: &mut Outbox) {
        if let Some(early) = self.deadlines.push(now.time, handle) {
            self.hurried += 1;
            self.overdue(early, news);
        }
    }

    fn mark(&mut self, handle: Handle, what: Seen) {
        if let Some((_, connection)) = self.connections.by_handle(handle) {
            connection.seen.add(what);
        }
    }

    /// A connection that has waited long enough.
    fn overdue(&mut self, handle: Handle, news: &mut Outbox) {
        let Some((key, connection)) = self.connections.by_handle(handle) else {
            return;
        };
        let key = *key;
        let seen = connection.seen;
        if seen.has(
            Seen::SETTLED
                .with(Seen::FRUITFUL)
                .with(Seen::MIDSTREAM)
                .with(Seen::DATA_RESPONDER),
        ) {
            return;
        }
        let unanswered = !seen.has(Seen::ACCEPTED.with(Seen::COMPLETED));
        let insists = connection.tries > 1 && unanswered && seen.has(Seen::SYN);
        let attempt = connection.attempt(&key);
        if insists && !seen.has(Seen::PATIENT) && !self.has_turned(&attempt) {
            // How long shows who.
            self.mark(handle, Seen::PATIENT);
            if let Some(early) = self.longer.push(self.clock, handle) {
                self.hurried += 1;
                self.overdue(early, news);
            }
            return;
        }
        self.mark(handle, Seen::SETTLED);
        if key.is_tcp() && self.is_flooded(attempt.target, attempt.dport) {
            return;
        }
        if seen.has(Seen::STRAY) {
            news.tell(News::StraySilent(attempt));
        } else if seen.has(Seen::MIRRORED) {
            self.settle(attempt, Outcome::Abandoned, news);
        } else if seen.has(Seen::UNSOLICITED) {
            news.tell(News::UnsolicitedOverdue(answer(&attempt)));
        } else {
            let outcome = if seen.has(Seen::COMPLETED) {
                Outcome::Empty
            } else if seen.has(Seen::ACCEPTED) {
                Outcome::Abandoned
            } else if seen.has(Seen::UNREACHABLE) {
                Outcome::Unreachable
            } else {
                Outcome::Silent
            };
            if matches!(attempt.word, Word::DnsQuestion(..) | Word::NtpQuestion) {
                self.sides.missed(attempt.source);
            }
            self.settle(attempt, outcome, news);
        }
    }

    /// An attempt led to nothing: whether that is excused is asked here, once.
    fn settle(&mut self, attempt: Attempt, outcome: Outcome, news: &mut Outbox) {
        let friend = self.are_friends(attempt.source, attempt.target);
        let mut attempt = Attempt { friend, ..attempt };
        attempt.excuse = self.excuse(&attempt, outcome);
        news.tell(News::Settled(attempt, outcome));
    }

    /// One host turns to another; whether it had done so before.
    fn meet(&mut self, source: Address, target: Address, now: Moment) -> bool {
        let (services, sides) = (&self.services, self.sides);
        self.names.presume(source, target, now.time, |server| {
            sides.is_one() || services.worked_at(server, DNS).is_some()
        });
        self.pairs.opened(source, target, now)
    }

    /// Data has flowed.
    fn befriend(&mut self, source: Address, target: Address) {
        if self.pairs.befriend(source, target, true) {
            self.sources.gained_friend(source);
        }
    }

    /// The question whether somebody is there was answered.
    fn acquaint(&mut self, source: Address, target: Address) {
        if self.pairs.befriend(source, target, false) {
            self.sources.gained_friend(source);
        }
    }
}

/// Port of name servers.
const DNS: u16 = 53;

/// A time to live from which on nobody doubts that it was chosen to be short: old stacks start at 30 or 32 and are that
/// far away at most (Zeek takes less than 10 for a trace).
const SURELY_SHORT: u8 = 10;

/// The longest time to live that may be meant to end on the way: traceroute's default maximum.
pub(crate) const MAX_HOPS: u8 = 30;

fn connection_is_stray(attempt: &Attempt) -> bool {
    !matches!(
        attempt.technique,
        Technique::Syn | Technique::Udp | Technique::Echo | Technique::Stamp | Technique::Arp
    )
}

#[inline]
fn ends(seen: &Observation<'_>, sport: u16, dport: u16) -> (Endpoint, Endpoint) {
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
        quoted: None,
    }
}

//! Questions and answers: datagrams, echo and timestamp requests, address resolution.
//!
//! The first packet of a flow asks, the first in return answers. For datagrams that is all that can be known; ICMP and
//! ARP say themselves which is which.

use super::connection::{Connection, ConnectionKey, Endpoint, Protocol, Seen};
use super::sides::Mirror;
use super::{MAX_HOPS, Outbox, State, ends};
use crate::news::{
    Answer, AnswerKind, Attempt, DOUBLINGS, GROWTH, Moment, News, NewsKind, Oddity, Technique,
};
use crate::observe::{Ask, Datagram, Message, Observation, Resolution};
use crate::tools;
use crate::words::{self, Word};

/// Datagrams of one flow without an answer after which somebody goes on: more than a question is repeated.
const PERSISTS: u8 = 5;

/// A stack asks for an address once a second (RFC 1122 section 2.3.2.1), by its own clock; who asks sooner is a program.
const RESOLUTION_NANOS: u64 = 900_000_000;

/// Ports of services that refuse logins by datagram: Kerberos, SIP.
const SAYS_NO: [u16; 2] = [88, 5060];
/// The port of servers that give addresses away; those who ask have the next (RFC 2131).
const LEASES: u16 = 67;

/// Port of the discovery of services (UPnP), which answers as web servers do.
const SSDP: u16 = 1900;

/// What is asked, in terms that all protocols of this file share.
struct Question {
    from: Endpoint,
    to: Endpoint,
    protocol: Protocol,
    technique: Technique,
    size: u16,
    /// What tells one question of an asker from his next.
    number: u32,
}

impl State {
    /// A datagram: the first one of a flow opens it, one in return makes it fruitful.
    pub(super) fn datagram(
        &mut self,
        seen: &Observation<'_>,
        udp: Datagram,
        now: Moment,
        news: &mut Outbox,
    ) {
        if udp.dport == 0 || (udp.sport == 0 && udp.dport < 1024) {
            self.odd(Oddity::PortZero, seen, now, news);
        }
        if seen.ttl <= MAX_HOPS {
            self.short_lived(seen, Some(udp.dport), Technique::Udp, news);
        }
        if udp.sport == LEASES {
            self.mark_assigns(seen.source);
            if let Some(address) = words::given_address(seen.payload) {
                self.mark_given(address.into());
            }
        }
        if udp.sport == 53 && !seen.payload.is_empty() {
            self.names.learn(seen.target, seen.payload, self.clock);
        } else if udp.dport == 53 {
            self.names
                .ask(seen.source, seen.target, seen.payload, self.clock);
            if words::asks_as_resolver(seen.payload) {
                self.mark_resolves(seen.source);
            }
        }
        let (from, to) = ends(seen, udp.sport, udp.dport);
        if seen.target.is_broadcast_like() {
            self.calls.note(from, self.clock);
        }
        let (key, from_low) = ConnectionKey::new(from, to, Protocol::Udp);
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.packets = connection.packets.saturating_add(1);
            if connection.originator_is_low == from_low {
                goes_on(connection, &key, seen, udp, news);
            } else if let Some(attempt) = comes_back(connection, &key, seen, udp, news) {
                self.sides.both = self.sides.both.saturating_add(1);
                self.befriend(attempt.source, attempt.target);
                self.services.worked(attempt.target, attempt.dport, now);
                news.tell(News::Fruitful(attempt));
            }
            return;
        }
        let fresh = Connection::new(now, Technique::Udp, from_low);
        self.flow_opens(&key, fresh, (seen, udp), (to, now), news);
    }

    /// The first datagram of a flow.
    fn flow_opens(
        &mut self,
        key: &ConnectionKey,
        mut fresh: Connection,
        (seen, udp): (&Observation<'_>, Datagram),
        (to, now): (Endpoint, Moment),
        news: &mut Outbox,
    ) {
        fresh.given = udp.length;
        fresh.size = u16::try_from(udp.length).unwrap_or(u16::MAX);
        fresh.ttl = seen.ttl;
        fresh.word = words::of_datagram(udp.sport, udp.dport, seen.payload);
        if fresh.word == Word::Peer {
            self.mark_peer(seen.source);
        }
        if seen.tiny_fragments {
            fresh.seen.add(Seen::FRAGMENTED);
        }
        if self.have_met(seen.source, seen.target) {
            fresh.seen.add(Seen::MET);
        }
        // A service speaking to a client is an answer whose question was not captured; a packet that is to die on
        // the way asks the routers, not the port.
        // Who asks for an address has none yet from which he could be seen to ask.
        let leased = udp.sport == LEASES && udp.dport == LEASES + 1;
        let called = leased || self.calls.answers(to, self.clock);
        let answer = called
            || udp.sport < 1024
                && udp.dport >= 1024
                && !tools::AMPLIFIERS.contains(&udp.dport)
                && looks_like_answer(udp.sport, seen)
            || udp.sport == 53 && udp.dport != 53 && matches!(fresh.word, Word::DnsAnswer(_))
            || udp.sport == 123 && matches!(seen.payload, [mode, ..] if mode & 7 == 4)
            || udp.sport == SSDP && udp.dport >= 1024 && seen.payload.starts_with(b"HTTP/1.1 ")
            || tools::AMPLIFIERS.contains(&udp.sport)
                && udp.dport >= 1024
                && udp.length > self.longest_question;
        if answer && !called {
            self.unasked(seen.target, (seen.source, udp.sport));
        }
        if answer || self.may_die(seen) || !seen.target.is_host() {
            fresh.seen.add(Seen::MIDSTREAM);
            let attempt = fresh.attempt(key);
            self.connections.insert_new(*key, fresh);
            news.tell(News::Opening(attempt));
            return;
        }
        let attempt = fresh.attempt(key);
        let (handle, _) = self.connections.insert_new(*key, fresh);
        self.meet(seen.source, seen.target, now);
        news.tell(News::Opening(attempt));
        self.wait(now, handle, news);
    }

    /// A question or answer of ICMP.
    pub(super) fn message(
        &mut self,
        seen: &Observation<'_>,
        message: Message,
        now: Moment,
        news: &mut Outbox,
    ) {
        let (protocol, technique) = match message.ask {
            Ask::Echo => (Protocol::Echo, Technique::Echo),
            Ask::Timestamp | Ask::Mask | Ask::Information => (Protocol::Stamp, Technique::Stamp),
        };
        let (sport, dport) = if message.answer {
            (0, message.identifier)
        } else {
            (message.identifier, 0)
        };
        let (from, to) = ends(seen, sport, dport);
        if message.answer {
            self.answered(from, to, protocol, (message, seen.ttl), now, news);
            return;
        }
        if message.code != 0 && message.ask == Ask::Echo {
            self.odd(Oddity::EchoCode, seen, now, news);
        }
        let question = Question {
            from,
            to,
            protocol,
            technique,
            size: u16::try_from(message.length).unwrap_or(u16::MAX),
            number: u32::from(message.sequence),
        };
        self.ask(&question, seen, now, news);
    }

    /// Address resolution. Answers go to who has asked.
    pub(super) fn resolution(
        &mut self,
        seen: &Observation<'_>,
        resolution: Resolution,
        now: Moment,
        news: &mut Outbox,
    ) {
        let (from, to) = ends(seen, 0, 0);
        if resolution.answer {
            let message = Message {
                ask: Ask::Echo,
                answer: true,
                code: 0,
                identifier: 0,
                sequence: 0,
                length: 0,
            };
            self.answered(from, to, Protocol::Arp, (message, 0), now, news);
            return;
        }
        let question = Question {
            from,
            to,
            protocol: Protocol::Arp,
            technique: Technique::Arp,
            size: 0,
            number: 0,
        };
        self.ask(&question, seen, now, news);
    }

    fn ask(&mut self, question: &Question, seen: &Observation<'_>, now: Moment, news: &mut Outbox) {
        let (key, from_low) = ConnectionKey::new(question.from, question.to, question.protocol);
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.packets = connection.packets.saturating_add(1);
            let echo = question.technique == Technique::Echo;
            // The one before may still be on its way when the next is sent.
            if echo && question.number <= connection.isn && seen.ttl < connection.ttl {
                if question.number == connection.isn {
                    connection.ttl = seen.ttl;
                }
                let attempt = connection.attempt(&key);
                news.tell(News::Odd(Oddity::Looping, attempt));
                return;
            }
            connection.isn = question.number;
            connection.ttl = seen.ttl;
            let waited = now.time.nanos_since(connection.opened.time);
            let hasty = question.technique == Technique::Arp
                && waited < u64::from(connection.sent) * RESOLUTION_NANOS;
            connection.sent = connection.sent.saturating_add(u8::from(!hasty));
            let attempt = connection.attempt(&key);
            news.tell(News::Repeated(attempt));
            grown(connection, &key, news);
            if seen.ttl <= MAX_HOPS && question.technique != Technique::Arp {
                self.short_lived(seen, None, question.technique, news);
            }
            return;
        }
        let mut fresh = Connection::new(now, question.technique, from_low);
        fresh.size = question.size;
        fresh.isn = question.number;
        fresh.ttl = seen.ttl;
        if !seen.payload.is_empty() {
            fresh.word = Word::Other;
        }
        if seen.ttl <= MAX_HOPS {
            self.short_lived(seen, None, question.technique, news);
        }
        // Who asks a group, or wants the packet to die on the way, does not ask this host.
        let waits = seen.target.is_host() && !self.may_die(seen);
        if !waits {
            fresh.seen.add(Seen::MIDSTREAM);
        }
        let attempt = fresh.attempt(&key);
        let (handle, _) = self.connections.insert_new(key, fresh);
        if question.technique != Technique::Arp {
            self.meet(seen.source, seen.target, now);
        }
        news.tell(News::Opening(attempt));
        if waits {
            self.wait(now, handle, news);
        }
    }

    fn answered(
        &mut self,
        from: Endpoint,
        to: Endpoint,
        protocol: Protocol,
        (message, ttl): (Message, u8),
        now: Moment,
        news: &mut Outbox,
    ) {
        let (key, _) = ConnectionKey::new(from, to, protocol);
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.packets = connection.packets.saturating_add(1);
            connection.fetched = connection.fetched.saturating_add(message.length);
            let first = !connection.seen.has(Seen::FRUITFUL);
            let late = first && connection.seen.has(Seen::SETTLED);
            connection.seen.add(Seen::FRUITFUL);
            let attempt = connection.attempt(&key);
            if connection.seen.has(Seen::MIRRORED) {
                // Another question that the sensor does not see.
                connection.sent = connection.sent.saturating_add(1);
                news.tell(News::Repeated(attempt));
            }
            if first {
                if protocol != Protocol::Arp {
                    self.sides.both = self.sides.both.saturating_add(1);
                }
                // Address resolution is no acquaintance: routers do it for others.
                if protocol != Protocol::Arp {
                    self.acquaint(attempt.source, attempt.target);
                }
                news.tell(News::Fruitful(attempt));
            }
            if late && protocol == Protocol::Echo {
                // It answers a later question.
                self.unasked(attempt.source, (attempt.target, 0));
            }
            return;
        }
        match protocol {
            Protocol::Echo => self.unasked(to.address, (from.address, 0)),
            Protocol::Arp => self.unasked_of_any(to.address),
            _ => {}
        }
        if protocol == Protocol::Echo {
            let (key, low) = ConnectionKey::new(to, from, protocol);
            let mut fresh = Connection::new(now, Technique::Echo, low);
            fresh.seen.add(Seen::FRUITFUL.with(Seen::MIRRORED));
            fresh.fetched = message.length;
            if self.mirror(fresh.attempt(&key), Mirror::Echoed, ttl, news) {
                self.connections.insert_new(key, fresh);
                return;
            }
        }
        if protocol == Protocol::Echo && !self.have_met(from.address, to.address) {
            news.tell(News::Unsolicited(Answer {
                kind: AnswerKind::EchoReply,
                source: from.address,
                sport: 0,
                target: to.address,
                dport: message.identifier,
                acknowledgment: None,
                quoted: None,
            }));
        }
    }
}

/// Whether a datagram from a service's port can be its answer: who scans from port 53 or 123 does not send one.
fn looks_like_answer(sport: u16, seen: &Observation<'_>) -> bool {
    match (sport, seen.payload) {
        (_, []) => true,
        (53, payload) => matches!(words::of_datagram(53, 1024, payload), Word::DnsAnswer(_)),
        // A list of clients says itself that it is an answer (mode 7, its first bit).
        (123, [mode, ..]) => matches!(mode & 7, 2 | 4 | 6) || mode & 0x87 == 0x87,
        _ => true,
    }
}

/// Another datagram of who began a flow.
#[inline]
fn goes_on(
    connection: &mut Connection,
    key: &ConnectionKey,
    seen: &Observation<'_>,
    udp: Datagram,
    news: &mut Outbox,
) {
    connection.given = connection.given.saturating_add(udp.length);
    connection.sent = connection.sent.saturating_add(1);
    grown(connection, key, news);
    if !seen.target.is_host() || connection.sent == PERSISTS {
        news.tell(News::Repeated(connection.attempt(key)));
    }
    if DOUBLINGS.contains(&connection.sent) && news.wants(NewsKind::Doubled) {
        news.tell(News::Doubled(connection.attempt(key)));
    }
    if udp.dport == 161 && news.wants(NewsKind::Said) {
        let word = words::of_datagram(udp.sport, udp.dport, seen.payload);
        news.tell(News::Said(connection.attempt(key), true, word));
    }
}

/// A datagram in return; what it answers, if it is the first.
#[inline]
fn comes_back(
    connection: &mut Connection,
    key: &ConnectionKey,
    seen: &Observation<'_>,
    udp: Datagram,
    news: &mut Outbox,
) -> Option<Attempt> {
    connection.fetched = connection.fetched.saturating_add(udp.length);
    if SAYS_NO.contains(&udp.sport) && news.wants(NewsKind::Said) {
        let word = words::of_datagram(udp.sport, udp.dport, seen.payload);
        news.tell(News::Said(connection.attempt(key), false, word));
    }
    if connection.seen.has(Seen::FRUITFUL.with(Seen::MIDSTREAM)) {
        grown(connection, key, news);
        return None;
    }
    connection.seen.add(Seen::FRUITFUL);
    Some(connection.attempt(key))
}

/// Tells of a flow that grows.
#[inline]
pub(super) fn grown(connection: &Connection, key: &ConnectionKey, news: &mut Outbox) {
    if connection.packets.is_multiple_of(GROWTH) && news.wants(NewsKind::Grown) {
        news.tell(News::Grown(connection.attempt(key)));
    }
}

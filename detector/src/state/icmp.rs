//! ICMP errors: about a packet that was seen, or about one that nobody sent.

use super::connection::{Connection, ConnectionKey, Endpoint, Protocol, Seen};
use super::exchange::grown;
use super::sides::Mirror;
use super::{Outbox, State, connection_is_stray};
use crate::address::Address;
use crate::news::{Answer, AnswerKind, Attempt, Moment, News, NewsKind, Outcome, Technique};
use crate::observe::{Complaint, Fault, Observation, Quoted};
use crate::tools;

impl State {
    /// An ICMP error: what it says of the packet that it quotes, and of the attempt that this belongs to.
    pub(super) fn complaint(
        &mut self,
        seen: &Observation<'_>,
        about: &Complaint,
        now: Moment,
        news: &mut Outbox,
    ) {
        let key = quoted_key(about);
        let known = key.is_some_and(|(key, _)| self.connections.peek(&key).is_some());
        if news.wants(NewsKind::Complained) {
            news.tell(News::Complained {
                fault: about.what,
                speaker: seen.source,
                to: seen.target,
                quoted: about.quoted,
                sport: about.ports.map(|(sport, _)| sport),
                receiver: (about.target, about.ports.map_or(0, |(_, dport)| dport)),
                known: known || self.have_met(about.source, about.target),
            });
        }
        match (about.what, key) {
            (Fault::Exceeded, _) => self.exceeded(seen, about, known, now, news),
            (Fault::Port | Fault::Host, Some(key)) => {
                self.unreachable(seen, about, key, now, news);
            }
            _ => {}
        }
    }

    /// A packet died on its way, in the hands of the router that says so; whether its connection is known.
    fn exceeded(
        &mut self,
        seen: &Observation<'_>,
        about: &Complaint,
        known: bool,
        now: Moment,
        news: &mut Outbox,
    ) {
        news.tell(News::Died {
            source: about.source,
            target: about.target,
            router: seen.source,
            aimed: self.pair(about.source, about.target).short,
        });
        if !known {
            self.unasked_complaint(seen, about, AnswerKind::Exceeded, now, news);
        }
    }

    /// A host or its port cannot be reached, or is closed by who speaks for it: an attempt leads to nothing.
    fn unreachable(
        &mut self,
        seen: &Observation<'_>,
        about: &Complaint,
        (key, from_low): (ConnectionKey, bool),
        now: Moment,
        news: &mut Outbox,
    ) {
        let Some(connection) = self.connections.get_mut(&key) else {
            self.unasked_complaint(seen, about, AnswerKind::Unreachable, now, news);
            return;
        };
        connection.packets = connection.packets.saturating_add(1);
        if connection.technique == Technique::Udp {
            grown(connection, &key, news);
        }
        let over = Seen::SETTLED
            .with(Seen::FRUITFUL)
            .with(Seen::MIDSTREAM)
            .with(Seen::COMPLETED);
        if connection.originator_is_low != from_low || connection.seen.has(over) {
            return;
        }
        // A stack tells its program when it has asked again, and the program turns to the other version of IP.
        let may_turn = connection.seen.has(Seen::SYN)
            && !connection.seen.has(Seen::RAW)
            && !about.target.is_v4();
        if may_turn {
            connection.seen.add(Seen::UNREACHABLE.with(Seen::PATIENT));
            return;
        }
        connection.seen.add(Seen::SETTLED);
        let attempt = connection.attempt(&key);
        if connection_is_stray(&attempt) {
            let friend = self.are_friends(attempt.source, attempt.target);
            news.tell(News::StraySilent(Attempt { friend, ..attempt }));
        } else {
            self.settle(attempt, Outcome::Unreachable, news);
        }
    }

    /// An error about a packet that was not seen: one that the sensor has missed, or that was forged.
    fn unasked_complaint(
        &mut self,
        seen: &Observation<'_>,
        about: &Complaint,
        kind: AnswerKind,
        now: Moment,
        news: &mut Outbox,
    ) {
        let (sport, dport) = about.ports.unwrap_or((0, 0));
        if kind == AnswerKind::Unreachable && self.refused_unseen(seen, about, now, news) {
            return;
        }
        if self.is_scanning(about.source)
            || self.is_flooded(about.target, dport)
            || self.have_met(about.source, about.target)
        {
            return;
        }
        if about.quoted == Quoted::Tcp && !about.may_be_syn && kind == AnswerKind::Unreachable {
            return;
        }
        news.tell(News::Unsolicited(Answer {
            kind,
            source: about.target,
            sport: dport,
            target: about.source,
            dport: sport,
            acknowledgment: None,
            quoted: Some(about.quoted),
        }));
    }

    /// A host refuses a datagram that the sensor has missed: whether it was taken for that.
    fn refused_unseen(
        &mut self,
        seen: &Observation<'_>,
        about: &Complaint,
        now: Moment,
        news: &mut Outbox,
    ) -> bool {
        let (sport, dport) = about.ports.unwrap_or((0, 0));
        if about.quoted != Quoted::Udp
            || seen.source != about.target
            // The end of a trace of the route.
            || tools::TRACE.contains(&dport)
        {
            return false;
        }
        let (from, to) = (end(about.source, sport), end(about.target, dport));
        let (key, from_low) = ConnectionKey::new(from, to, Protocol::Udp);
        let mut attempt = Connection::new(now, Technique::Udp, from_low).attempt(&key);
        attempt.size = about.datagram;
        let unasked = self.pair(about.target, about.source).opened.is_none();
        let what = if unasked && self.answers_at_length(&attempt) {
            Mirror::Unwanted
        } else {
            Mirror::Settled(Outcome::Unreachable)
        };
        if self.mirror(attempt, what, seen.ttl, news) {
            return true;
        }
        // Who has turned to that host has done so again.
        let missed = self.pair(about.source, about.target).opened.is_some();
        if missed {
            attempt.met = true;
            self.settle(attempt, Outcome::Unreachable, news);
        }
        missed
    }
}

impl State {
    /// Whether a datagram from the port of a service that amplifies, to a client's, is longer than any question.
    fn answers_at_length(&self, attempt: &Attempt) -> bool {
        tools::amplifies(attempt.sport)
            && attempt.dport >= 1024
            && u32::from(attempt.size) > self.longest_question
    }
}

/// The connection of the packet that an error quotes, and whether its sender is the low end; `None` where the quotation
/// does not tell.
fn quoted_key(about: &Complaint) -> Option<(ConnectionKey, bool)> {
    let (sport, dport) = about.ports?;
    let protocol = match about.quoted {
        Quoted::Tcp => Protocol::Tcp,
        Quoted::Udp => Protocol::Udp,
        Quoted::Echo => Protocol::Echo,
        Quoted::Other => return None,
    };
    let (from, to) = (end(about.source, sport), end(about.target, dport));
    Some(ConnectionKey::new(from, to, protocol))
}

fn end(address: Address, port: u16) -> Endpoint {
    Endpoint { address, port }
}

//! What a TCP segment means to the connection it belongs to, or to none.

use wire::Flags;

use super::connection::{Connection, ConnectionKey, Seen, stray_technique};
use super::news::{Answer, AnswerKind, Attempt, Moment, News, Outcome, Technique};
use super::{Pair, Service, State, answer, ends, short_lived};
use crate::observe::{Observation, Segment};

impl State {
    #[inline]
    pub(super) fn segment(
        &mut self,
        seen: &Observation,
        segment: &Segment,
        now: Moment,
        news: &mut Vec<News>,
    ) {
        let flags = segment.flags;
        if flags.contains(Flags::SYN) && !flags.intersects(Flags::RST | Flags::FIN) {
            if flags.contains(Flags::ACK) {
                self.accept(seen, segment, now, news);
            } else {
                self.syn(seen, segment, now, news);
            }
        } else if flags.contains(Flags::RST) {
            self.reset(seen, segment, news);
        } else if !flags.contains(Flags::SYN) {
            self.other(seen, segment, now, news);
        }
    }

    fn syn(&mut self, seen: &Observation, segment: &Segment, now: Moment, news: &mut Vec<News>) {
        let (from, to) = ends(seen, segment.sport, segment.dport);
        let mut fresh = Connection {
            opened: now,
            isn: segment.sequence,
            acknowledgment: segment.acknowledgment,
            packets: 1,
            seen: Seen::SYN,
            technique: Technique::Syn,
            originator_is_low: from <= to,
        };
        if segment.raw {
            fresh.seen.add(Seen::RAW);
        }
        let (key, from_low) = ConnectionKey::new(from, to, false);
        let attempt = fresh.attempt(&key);
        if !seen.target.is_host() {
            return;
        }
        if self.short_cut(&attempt, news) {
            return;
        }
        short_lived(seen, Some(segment.dport), news);
        if let Some((handle, connection)) = self.connections.lookup(&key) {
            let same = connection.originator_is_low == from_low
                && connection.isn == segment.sequence
                && connection.seen.has(Seen::SYN);
            if same {
                connection.packets = connection.packets.saturating_add(1);
                news.push(News::Repeated(connection.attempt(&key)));
                late(connection, &key, news);
                return;
            }
            *connection = fresh;
            self.wait(now, handle, news);
        } else {
            let (handle, _) = self.connections.insert_new(key, fresh);
            self.wait(now, handle, news);
        }
        let (pair, _) = self
            .pairs
            .get_or_insert_with((seen.source, seen.target), Pair::default);
        pair.opened = Some(now);
        news.push(News::Opening(attempt));
    }

    /// Floods and scans that are known already pass without a connection.
    #[inline]
    fn short_cut(&mut self, attempt: &Attempt, news: &mut Vec<News>) -> bool {
        if self.is_flooded(attempt.target, attempt.dport) {
            news.push(News::FloodSyn(*attempt));
            return true;
        }
        if self.is_scanning(attempt.source) {
            news.push(News::MoreProbes(*attempt));
            return true;
        }
        false
    }

    /// A SYN-ACK.
    fn accept(&mut self, seen: &Observation, segment: &Segment, now: Moment, news: &mut Vec<News>) {
        let (from, to) = ends(seen, segment.sport, segment.dport);
        let (key, from_low) = ConnectionKey::new(from, to, false);
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.packets = connection.packets.saturating_add(1);
            if connection.originator_is_low == from_low {
                return;
            }
            if connection.seen.has(Seen::UNSOLICITED) {
                let attempt = connection.attempt(&key);
                news.push(News::UnsolicitedRepeated(answer(&attempt)));
            } else if connection.seen.has(Seen::SYN) && !connection.seen.has(Seen::ACCEPTED) {
                connection.seen.add(Seen::ACCEPTED);
                let attempt = connection.attempt(&key);
                news.push(News::Accepted(attempt));
            }
            late(connection, &key, news);
            return;
        }
        if self.is_flooded(seen.source, segment.sport) {
            news.push(News::FloodAnswer {
                source: seen.source,
                refused: false,
            });
            return;
        }
        if self.is_scanning(seen.target) {
            return;
        }
        let fresh = Connection {
            opened: now,
            isn: segment.acknowledgment.wrapping_sub(1),
            acknowledgment: segment.acknowledgment,
            packets: 1,
            seen: Seen::UNSOLICITED,
            technique: Technique::Syn,
            originator_is_low: !from_low,
        };
        let attempt = fresh.attempt(&key);
        let (handle, _) = self.connections.insert_new(key, fresh);
        news.push(News::Unsolicited(answer(&attempt)));
        self.wait(now, handle, news);
    }

    /// A RST: a refusal, an end, or an answer to nothing.
    fn reset(&mut self, seen: &Observation, segment: &Segment, news: &mut Vec<News>) {
        let (from, to) = ends(seen, segment.sport, segment.dport);
        let (key, from_low) = ConnectionKey::new(from, to, false);
        let Some(connection) = self.connections.get_mut(&key) else {
            self.unasked_reset(seen, segment, news);
            return;
        };
        connection.packets = connection.packets.saturating_add(1);
        let before = connection.seen;
        late(connection, &key, news);
        connection.seen.add(Seen::CLOSED);
        let from_originator = connection.originator_is_low == from_low;
        if before.has(
            Seen::SETTLED
                .with(Seen::MIDSTREAM)
                .with(Seen::UNSOLICITED)
                .with(Seen::FRUITFUL),
        ) {
            return;
        }
        if before.has(Seen::STRAY) {
            if !from_originator {
                connection.seen.add(Seen::SETTLED);
                let attempt = connection.attempt(&key);
                news.push(News::StrayReset(attempt));
            }
            return;
        }
        let outcome = match (from_originator, before.has(Seen::COMPLETED)) {
            (_, true) => Outcome::Empty,
            (true, false) if before.has(Seen::ACCEPTED) => Outcome::Torn,
            (true, false) => return,
            (false, false) if before.has(Seen::ACCEPTED) => return,
            (false, false) => Outcome::Refused,
        };
        connection.seen.add(Seen::SETTLED);
        let attempt = connection.attempt(&key);
        let friend = self.are_friends(attempt.source, attempt.target);
        news.push(News::Settled(Attempt { friend, ..attempt }, outcome));
    }

    /// A RST of no known connection. Only one with ACK and sequence number 0 answers a SYN; any other may end a
    /// session whose beginning was not captured.
    fn unasked_reset(&mut self, seen: &Observation, segment: &Segment, news: &mut Vec<News>) {
        if self.is_flooded(seen.source, segment.sport) {
            news.push(News::FloodAnswer {
                source: seen.source,
                refused: true,
            });
            return;
        }
        if self.is_flooded(seen.target, segment.dport) {
            news.push(News::FloodReset {
                target: seen.target,
            });
            return;
        }
        if !segment.flags.contains(Flags::ACK)
            || segment.sequence != 0
            || self.is_scanning(seen.target)
        {
            self.midstream += 1;
            return;
        }
        news.push(News::Unsolicited(Answer {
            kind: AnswerKind::Refusal,
            source: seen.source,
            sport: segment.sport,
            target: seen.target,
            dport: segment.dport,
            acknowledgment: Some(segment.acknowledgment),
        }));
    }

    /// A segment without SYN and without RST.
    #[inline]
    fn other(&mut self, seen: &Observation, segment: &Segment, now: Moment, news: &mut Vec<News>) {
        let (from, to) = ends(seen, segment.sport, segment.dport);
        let (key, from_low) = ConnectionKey::new(from, to, false);
        let Some(connection) = self.connections.get_mut(&key) else {
            self.unknown(seen, segment, (key, from_low), now, news);
            return;
        };
        connection.packets = connection.packets.saturating_add(1);
        let from_originator = connection.originator_is_low == from_low;
        if connection.seen.has(Seen::MIDSTREAM) {
            return;
        }
        if connection.seen.has(Seen::STRAY.with(Seen::UNSOLICITED)) {
            refute(connection, &key, segment, from_originator, news);
            return;
        }
        late(connection, &key, news);
        if !from_originator {
            if segment.payload > 0 {
                connection.seen.add(Seen::DATA_RESPONDER);
            }
            return;
        }
        if connection.seen.has(Seen::FRUITFUL) {
            return;
        }
        self.originator_speaks(key, segment, news);
    }

    /// The originator of a connection that has carried no data of its own speaks after its SYN.
    fn originator_speaks(&mut self, key: ConnectionKey, segment: &Segment, news: &mut Vec<News>) {
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        if !connection.seen.has(Seen::COMPLETED) && segment.flags.contains(Flags::ACK) {
            connection.seen.add(Seen::COMPLETED);
            news.push(News::Completed(connection.attempt(&key)));
        }
        if segment.payload > 0 {
            connection
                .seen
                .add(Seen::DATA_ORIGINATOR.with(Seen::FRUITFUL));
            let attempt = connection.attempt(&key);
            self.befriend(attempt.source, attempt.target);
            news.push(News::Fruitful(attempt));
        } else if segment.flags.contains(Flags::FIN) && !connection.seen.has(Seen::SETTLED) {
            let fetched = connection.seen.has(Seen::DATA_RESPONDER);
            connection.seen.add(Seen::SETTLED.with(Seen::CLOSED));
            let attempt = connection.attempt(&key);
            let friend = self.are_friends(attempt.source, attempt.target);
            if friend && fetched {
                // A file that was asked for on another connection, as FTP does.
                return;
            }
            news.push(News::Settled(Attempt { friend, ..attempt }, Outcome::Empty));
        }
    }

    /// A segment of no known connection: the middle of a session, or a probe.
    fn unknown(
        &mut self,
        seen: &Observation,
        segment: &Segment,
        (key, from_low): (ConnectionKey, bool),
        now: Moment,
        news: &mut Vec<News>,
    ) {
        let service = Service {
            address: seen.target,
            port: segment.dport,
        };
        if self.is_flooded(service.address, service.port)
            || self.is_flooded(seen.source, segment.sport)
            || !seen.target.is_host()
        {
            return;
        }
        let mut fresh = Connection {
            opened: now,
            isn: segment.sequence,
            acknowledgment: segment.acknowledgment,
            packets: 1,
            seen: Seen::STRAY,
            technique: Technique::Ack,
            originator_is_low: from_low,
        };
        let Some(technique) = stray_technique(segment.flags, segment.payload) else {
            self.midstream += 1;
            fresh.seen = Seen::MIDSTREAM;
            self.connections.insert_new(key, fresh);
            return;
        };
        fresh.technique = technique;
        let attempt = fresh.attempt(&key);
        let friend = self.are_friends(seen.source, seen.target);
        let (handle, _) = self.connections.insert_new(key, fresh);
        news.push(News::Stray(Attempt { friend, ..attempt }));
        self.wait(now, handle, news);
    }
}

/// Another frame of a connection that has led to nothing still belongs to what is made of it.
fn late(connection: &Connection, key: &ConnectionKey, news: &mut Vec<News>) {
    if connection.seen.has(Seen::SETTLED) && !connection.seen.has(Seen::FRUITFUL) {
        news.push(News::Late(connection.attempt(key)));
    }
}

/// A stray segment or an unsolicited answer is followed by another segment: a session is under way, unless the
/// probe itself is merely repeated.
fn refute(
    connection: &mut Connection,
    key: &ConnectionKey,
    segment: &Segment,
    from_originator: bool,
    news: &mut Vec<News>,
) {
    // A bare FIN, or no flags at all, belongs to no session, whatever its numbers.
    let same_numbers = connection.isn == segment.sequence
        && connection.acknowledgment == segment.acknowledgment
        || !matches!(connection.technique, Technique::Ack | Technique::Maimon);
    let repeated = connection.seen.has(Seen::STRAY)
        && from_originator
        && stray_technique(segment.flags, segment.payload) == Some(connection.technique)
        && same_numbers;
    if repeated {
        news.push(News::Late(connection.attempt(key)));
        return;
    }
    let attempt = connection.attempt(key);
    let stray = connection.seen.has(Seen::STRAY);
    connection.seen = Seen::MIDSTREAM;
    news.push(if stray {
        News::StrayRefuted(attempt)
    } else {
        News::UnsolicitedRefuted(answer(&attempt))
    });
}

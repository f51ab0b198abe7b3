//! Resets: a refusal, the end of a session, or an answer to what was not seen.

use wire::Flags;

use super::connection::{Connection, ConnectionKey, Protocol, Seen};
use super::sides::Mirror;
use super::stray::serves;
use super::tcp::late;
use super::{Outbox, State, ends};
use crate::news::{Answer, AnswerKind, Moment, News, Outcome, Technique};
use crate::observe::Observation;
use crate::segment::Segment;

impl State {
    /// A RST: a refusal, an end, or an answer to nothing.
    pub(super) fn reset(
        &mut self,
        seen: &Observation<'_>,
        segment: &Segment,
        now: Moment,
        news: &mut Outbox,
    ) {
        let (from, to) = ends(seen, segment.sport, segment.dport);
        let (key, from_low) = ConnectionKey::new(from, to, Protocol::Tcp);
        let Some(connection) = self.connections.get_mut(&key) else {
            self.unasked_reset(seen, segment, now, news);
            return;
        };
        connection.packets = connection.packets.saturating_add(1);
        let before = connection.seen;
        late(connection, &key, news);
        connection.seen.add(Seen::CLOSED);
        let from_originator = connection.originator_is_low == from_low;
        let given = connection.given;
        if from_originator && segment.sequence != 0 {
            connection.acknowledge(true, segment.sequence);
        }
        if connection.given > given && before.has(Seen::ACCEPTED.with(Seen::COMPLETED)) {
            // It ends what has said something that the sensor has not caught.
            connection.seen.add(Seen::DATA_ORIGINATOR);
            self.fruitful(key, now, news);
            return;
        }
        if connection.is_session() {
            if !before.has(Seen::CLOSED) {
                let attempt = connection.attempt(&key);
                news.tell(News::Closed(attempt));
            }
            return;
        }
        if before.has(Seen::SETTLED.with(Seen::MIDSTREAM).with(Seen::UNSOLICITED)) {
            return;
        }
        if before.has(Seen::STRAY) {
            if !from_originator {
                connection.seen.add(Seen::SETTLED);
                let attempt = connection.attempt(&key);
                news.tell(News::StrayReset(attempt));
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
        self.settle(attempt, outcome, news);
    }

    /// A RST of no known connection. One with ACK and sequence number 0 answers a SYN; any other may end a session
    /// whose beginning was not captured.
    fn unasked_reset(
        &mut self,
        seen: &Observation<'_>,
        segment: &Segment,
        now: Moment,
        news: &mut Outbox,
    ) {
        if self.is_flooded(seen.source, segment.sport) {
            news.tell(News::FloodAnswer {
                source: seen.source,
                refused: true,
            });
            return;
        }
        if self.is_flooded(seen.target, segment.dport) {
            news.tell(News::FloodReset {
                target: seen.target,
            });
            return;
        }
        if self.is_scanning(seen.target) || self.is_scanning(seen.source) {
            return;
        }
        let refusal = segment.flags.contains(Flags::ACK) && segment.sequence == 0;
        if !refusal {
            self.midstream += 1;
        }
        if self.mirrored_reset(seen, segment, refusal, now, news) {
            return;
        }
        let turned = self.pair(seen.target, seen.source).opened.is_some();
        if refusal && turned && self.sides.has_gaps() {
            // Who has turned to that host has done so again, and this sensor has missed the SYN, as it has missed other things.
            let (to, from) = ends(seen, segment.sport, segment.dport);
            let (key, from_low) = ConnectionKey::new(from, to, Protocol::Tcp);
            let mut attempt = Connection::new(now, Technique::Syn, from_low).attempt(&key);
            attempt.isn = segment.acknowledgment.wrapping_sub(1);
            attempt.met = true;
            self.settle(attempt, Outcome::Refused, news);
            return;
        }
        let answer = Answer {
            kind: if refusal {
                AnswerKind::Refusal
            } else {
                AnswerKind::Reset
            },
            source: seen.source,
            sport: segment.sport,
            target: seen.target,
            dport: segment.dport,
            acknowledgment: segment
                .flags
                .contains(Flags::ACK)
                .then_some(segment.acknowledgment),
            quoted: None,
        };
        news.tell(News::Unsolicited(answer));
    }

    /// A RST by who stands beside the sensor, which sees nothing of whom it answers: the question is known from it.
    fn mirrored_reset(
        &mut self,
        seen: &Observation<'_>,
        segment: &Segment,
        refusal: bool,
        now: Moment,
        news: &mut Outbox,
    ) -> bool {
        let (to, from) = ends(seen, segment.sport, segment.dport);
        let (key, from_low) = ConnectionKey::new(from, to, Protocol::Tcp);
        let technique = if refusal {
            Technique::Syn
        } else {
            Technique::Ack
        };
        let mut attempt = Connection::new(now, technique, from_low).attempt(&key);
        if refusal {
            attempt.isn = segment.acknowledgment.wrapping_sub(1);
        }
        let what = if refusal {
            Mirror::Settled(Outcome::Refused)
        } else {
            Mirror::Reset
        };
        // What a service sends to a client's port answers, and asks nothing.
        let strangers = refusal
            || !(serves(segment.dport, segment.sport) || self.have_met(seen.source, seen.target));
        strangers && self.mirror(attempt, what, seen.ttl, news)
    }
}

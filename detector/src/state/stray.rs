//! Segments of no known connection: probes, and the middle of sessions whose beginning was not captured.

use wire::Flags;

use super::connection::{Connection, ConnectionKey, Seen};
use super::{MAX_HOPS, Outbox, State, answer};
use crate::news::{Attempt, GROWTH, Moment, News, NewsKind, Technique};
use crate::observe::Observation;
use crate::segment::Segment;
use crate::tools;

impl State {
    /// A segment of no known connection: the middle of a session, or a probe.
    pub(super) fn unknown(
        &mut self,
        seen: &Observation<'_>,
        segment: &Segment,
        (key, from_low): (ConnectionKey, bool),
        now: Moment,
        news: &mut Outbox,
    ) {
        if self.is_flooded(seen.target, segment.dport) {
            if segment.flags.contains(Flags::ACK) && segment.payload > 0 {
                news.tell(News::FloodSegment {
                    target: seen.target,
                });
            }
            return;
        }
        if self.is_flooded(seen.source, segment.sport) || !seen.target.is_host() {
            return;
        }
        // Who speaks from a service's port to a client's answers a question that was not captured.
        let technique = stray_technique(segment.flags, segment.payload);
        let answers = serves(segment.sport, segment.dport) && technique.is_none();
        let mut fresh = Connection::new(now, Technique::Ack, from_low != answers);
        fresh.begin(seen, segment, Seen::STRAY);
        if answers {
            fresh.turn();
        }
        if seen.ttl <= MAX_HOPS {
            self.short_lived(
                seen,
                Some(segment.dport),
                technique.unwrap_or(Technique::Ack),
                news,
            );
        }
        let Some(technique) = technique else {
            self.middle(seen, segment, (key, fresh, answers), news);
            return;
        };
        fresh.technique = technique;
        let attempt = fresh.attempt(&key);
        let friend = self.are_friends(seen.source, seen.target);
        let (handle, _) = self.connections.insert_new(key, fresh);
        news.tell(News::Stray(Attempt { friend, ..attempt }));
        self.wait(now, handle, news);
    }

    /// The middle of a session whose beginning was not captured; whether its responder sent the segment.
    fn middle(
        &mut self,
        seen: &Observation<'_>,
        segment: &Segment,
        (key, mut fresh, answers): (ConnectionKey, Connection, bool),
        news: &mut Outbox,
    ) {
        self.midstream += 1;
        fresh.seen = Seen::MIDSTREAM;
        if segment.payload > 0 {
            // Services have the lower ports.
            if segment.sport < segment.dport {
                self.unasked(seen.target, (seen.source, segment.sport));
            } else {
                self.unasked(seen.source, (seen.target, segment.dport));
            }
            fresh.seen.add(if answers {
                Seen::DATA_RESPONDER
            } else {
                Seen::DATA_ORIGINATOR
            });
        }
        let attempt = fresh.attempt(&key);
        self.connections.insert_new(key, fresh);
        news.tell(News::Middle(attempt));
        if segment.payload > 0 && news.wants(NewsKind::Said) && !seen.payload.is_empty() {
            let word = seen.spoken(segment.sport, segment.dport);
            news.tell(News::Said(attempt, !answers, word));
        }
    }
}

/// A stray segment or an unsolicited answer is followed by another segment: a session is under way, unless the
/// probe itself is merely repeated.
pub(super) fn refute(
    connection: &mut Connection,
    key: &ConnectionKey,
    segment: &Segment,
    from_originator: bool,
    news: &mut Outbox,
) {
    // A bare FIN, or no flags at all, belongs to no session, whatever its numbers.
    let same_numbers = connection.isn == segment.sequence
        && connection.acknowledgment == segment.acknowledgment
        || !matches!(connection.technique, Technique::Ack | Technique::Maimon);
    let repeated = connection.seen.has(Seen::STRAY)
        && from_originator
        && stray_technique(segment.flags, segment.payload) == Some(connection.technique)
        && (same_numbers || connection.is_far(segment));
    if repeated {
        connection.sent = connection.sent.saturating_add(1);
        news.tell(News::Late(connection.attempt(key)));
        // Each that is refused comes with its refusal.
        let refused = connection.seen.has(Seen::SETTLED);
        let (every, at) = if refused {
            (2 * GROWTH, 1)
        } else {
            (GROWTH, 0)
        };
        if connection.packets % every == at {
            news.tell(News::Grown(connection.attempt(key)));
        }
        return;
    }
    let attempt = connection.attempt(key);
    let stray = connection.seen.has(Seen::STRAY);
    if connection.seen.has(Seen::MIRRORED) {
        connection.seen = Seen::MIDSTREAM;
        news.tell(News::Completed(attempt));
        return;
    }
    connection.seen = Seen::MIDSTREAM;
    if stray && serves(attempt.sport, attempt.dport) {
        // It was an answer's acknowledgment.
        connection.originator_is_low = !connection.originator_is_low;
        connection.turn();
    }
    news.tell(if stray {
        News::StrayRefuted(attempt)
    } else {
        News::UnsolicitedRefuted(answer(&attempt))
    });
}

/// Who speaks from a service's port to a client's answers.
pub(super) fn serves(sport: u16, dport: u16) -> bool {
    tools::is_system(sport) && !tools::is_system(dport)
}

/// What a segment without RST, and without SYN or with a SYN that makes no sense, may be a probe of; `None` where any
/// session may hold it. ECN's bits are left out: they say nothing of this.
fn stray_technique(flags: Flags, payload: u32) -> Option<Technique> {
    const XMAS: Flags = Flags(Flags::FIN.0 | Flags::PSH.0 | Flags::URG.0);
    const MAIMON: Flags = Flags(Flags::FIN.0 | Flags::ACK.0);
    let flags = Flags(flags.0 & 0x3f);
    if flags.contains(Flags::SYN | Flags::FIN) {
        return Some(if flags.intersects(Flags::URG | Flags::PSH) {
            Technique::Odd
        } else {
            Technique::SynFin
        });
    }
    if flags.contains(Flags::SYN) {
        return flags.contains(Flags::RST).then_some(Technique::Odd);
    }
    if flags.is_exactly(XMAS) {
        return Some(Technique::Xmas);
    }
    if payload > 0 && flags.contains(Flags::ACK) {
        return None;
    }
    if flags.is_exactly(Flags::NONE) {
        Some(Technique::Null)
    } else if flags.is_exactly(Flags::FIN) {
        Some(Technique::Fin)
    } else if flags.is_exactly(MAIMON) {
        Some(Technique::Maimon)
    } else if flags.is_exactly(Flags::ACK) {
        Some(Technique::Ack)
    } else if flags.contains(Flags::ACK) {
        None
    } else {
        Some(Technique::Odd)
    }
}

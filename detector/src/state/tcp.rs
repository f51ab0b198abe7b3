//! What a TCP segment means to the connection it belongs to. A RST is judged in `reset`, a segment of no known
//! connection in `stray`.

use wire::Flags;

use super::connection::{Again, Connection, ConnectionKey, Protocol, Seen};
use super::sides::Mirror;
use super::stray::refute;
use super::{MAX_HOPS, Outbox, Service, State, answer, ends};
use crate::news::{FloodSyn, Moment, News, Oddity, Outcome, Technique};
use crate::observe::Observation;
use crate::segment::Segment;
use crate::words::{self, Word};

/// So many bytes from the responder are what the originator came for, even if it said nothing itself: no greeting is
/// as long.
const FETCHED: u32 = 1_000;
/// Ports of chat servers, RFC 7194 and custom.
const CHAT: std::ops::RangeInclusive<u16> = 6660..=6669;
/// Ports of protocols whose later words a rule asks for: logins and mail. At others, those after a login, and of the web.
const SPOKEN: [u16; 33] = [
    21, 23, 25, 53, 80, 110, 119, 139, 143, 389, 445, 513, 554, 587, 873, 1080, 1433, 1883, 2121,
    2525, 3128, 3306, 5222, 5432, 5900, 5901, 6379, 6667, 8000, 8080, 8554, 8888, 27_017,
];

/// Bytes of a form, at most: what is longer is no login.
const MOST_POSTED: usize = 1024;

impl State {
    /// A TCP segment, or what SCTP has in its place.
    #[inline]
    pub(super) fn segment(
        &mut self,
        seen: &Observation<'_>,
        segment: &Segment,
        now: Moment,
        news: &mut Outbox,
    ) {
        let flags = segment.flags;
        // What a stack answers goes where it was asked from, even by a forgery from port 0, and comes from where it was asked.
        let answers = flags.contains(Flags::RST) || flags.contains(Flags::SYN | Flags::ACK);
        if (segment.sport == 0 || segment.dport == 0) && !answers {
            self.odd(Oddity::PortZero, seen, now, news);
        }
        if flags.contains(Flags::SYN) && !flags.intersects(Flags::RST | Flags::FIN) {
            if flags.contains(Flags::ACK) {
                self.accept(seen, segment, now, news);
            } else {
                self.syn(seen, segment, now, news);
            }
        } else if flags.contains(Flags::RST) && !flags.contains(Flags::SYN) {
            self.reset(seen, segment, now, news);
        } else {
            self.other(seen, segment, now, news);
        }
    }

    /// A SYN: it opens a connection, or comes again.
    #[inline]
    fn syn(&mut self, seen: &Observation<'_>, segment: &Segment, now: Moment, news: &mut Outbox) {
        let (from, to) = ends(seen, segment.sport, segment.dport);
        if self.is_flooded(to.address, to.port) {
            news.tell(News::FloodSyn(FloodSyn {
                source: from.address,
                sport: from.port,
                service: Service {
                    address: to.address,
                    port: to.port,
                },
                isn: segment.sequence,
            }));
            return;
        }
        if !seen.target.is_host() {
            return;
        }
        let (key, from_low) = ConnectionKey::new(from, to, Protocol::Tcp);
        let mut fresh = Connection::new(now, Technique::Syn, from_low);
        fresh.begin(seen, segment, Seen::SYN);
        if segment.raw {
            fresh.seen.add(Seen::RAW);
        }
        if segment.sctp {
            fresh.word = Word::Association;
        } else if segment.payload > 0 {
            fresh.word = seen.spoken(segment.sport, segment.dport);
        }
        let mut attempt = fresh.attempt(&key);
        if self.is_scanning(attempt.source) {
            news.tell(News::MoreProbes(attempt));
            return;
        }
        if seen.ttl <= MAX_HOPS {
            self.short_lived(seen, Some(segment.dport), Technique::Syn, news);
        }
        if let Some((handle, connection)) = self.connections.lookup(&key) {
            let same = connection.originator_is_low == from_low
                && connection.isn == segment.sequence
                && connection.seen.has(Seen::SYN);
            if same && !connection.is_asked_anew(now.time) {
                connection.packets = connection.packets.saturating_add(1);
                // A copy has passed one router more.
                if seen.ttl.saturating_add(1) < connection.ttl {
                    news.tell(News::Odd(Oddity::Looping, connection.attempt(&key)));
                    return;
                }
                if connection.repeat(now.time) == Again::Stack && connection.seen.has(Seen::RAW) {
                    // Hand-made as they look, they are a stack's.
                    connection.seen.remove(Seen::RAW);
                    self.sources.entry(attempt.source).bare = true;
                }
                let attempt = connection.attempt(&key);
                news.tell(News::Repeated(attempt));
                late(connection, &key, news);
                return;
            }
            *connection = fresh;
            attempt.met = self.meet(seen.source, seen.target, now);
            if let Some((_, connection)) = self.connections.by_handle(handle) {
                connection.met(attempt.met);
            }
            self.wait(now, handle, news);
        } else {
            attempt.met = self.meet(seen.source, seen.target, now);
            fresh.met(attempt.met);
            let (handle, _) = self.connections.insert_new(key, fresh);
            self.wait(now, handle, news);
        }
        news.tell(News::Opening(attempt));
    }

    /// A SYN-ACK.
    fn accept(
        &mut self,
        seen: &Observation<'_>,
        segment: &Segment,
        now: Moment,
        news: &mut Outbox,
    ) {
        let (from, to) = ends(seen, segment.sport, segment.dport);
        let (key, from_low) = ConnectionKey::new(from, to, Protocol::Tcp);
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.packets = connection.packets.saturating_add(1);
            if connection.originator_is_low == from_low {
                return;
            }
            let [_, said] = connection.next;
            connection.expect(false, segment.sequence.wrapping_add(1));
            if connection.seen.has(Seen::MIRRORED) {
                // It was said before.
            } else if connection.seen.has(Seen::UNSOLICITED) {
                // To another SYN, or because nobody takes it up; a copy insists on nothing.
                let again = said != segment.sequence.wrapping_add(1)
                    || connection.repeat(now.time) != Again::Hasty;
                if again {
                    let attempt = connection.attempt(&key);
                    news.tell(News::UnsolicitedRepeated(answer(&attempt)));
                }
            } else if connection.seen.has(Seen::STRAY) && !connection.seen.has(Seen::SETTLED) {
                // SYN and FIN together: some stacks accept.
                connection.seen.add(Seen::SETTLED);
                let attempt = connection.attempt(&key);
                news.tell(News::StrayReset(attempt));
            } else if connection.seen.has(Seen::SYN) && !connection.seen.has(Seen::ACCEPTED) {
                self.sides.both = self.sides.both.saturating_add(1);
                connection.seen.add(Seen::ACCEPTED);
                let attempt = connection.attempt(&key);
                news.tell(News::Accepted(attempt));
            }
            late(connection, &key, news);
            return;
        }
        if self.is_flooded(seen.source, segment.sport) {
            news.tell(News::FloodAnswer {
                source: seen.source,
                refused: false,
            });
            return;
        }
        if self.is_scanning(seen.target) {
            return;
        }
        let mut fresh = Connection::new(now, Technique::Syn, !from_low);
        fresh.isn = segment.acknowledgment.wrapping_sub(1);
        fresh.acknowledgment = segment.acknowledgment;
        fresh.next = [segment.acknowledgment, segment.sequence.wrapping_add(1)];
        fresh.seen = Seen::UNSOLICITED;
        let attempt = fresh.attempt(&key);
        self.unasked(seen.target, (seen.source, segment.sport));
        if self.mirror(attempt, Mirror::Accepted, seen.ttl, news) {
            fresh.seen.add(Seen::MIRRORED);
        } else {
            news.tell(News::Unsolicited(answer(&attempt)));
        }
        let (handle, _) = self.connections.insert_new(key, fresh);
        self.wait(now, handle, news);
    }

    /// A segment without SYN and without RST, or one whose flags make no sense.
    #[inline]
    fn other(&mut self, seen: &Observation<'_>, segment: &Segment, now: Moment, news: &mut Outbox) {
        let (from, to) = ends(seen, segment.sport, segment.dport);
        let (key, from_low) = ConnectionKey::new(from, to, Protocol::Tcp);
        let Some(connection) = self.connections.get_mut(&key) else {
            self.unknown(seen, segment, (key, from_low), now, news);
            return;
        };
        connection.packets = connection.packets.saturating_add(1);
        let from_originator = connection.originator_is_low == from_low;
        if segment.payload > 0
            && let Some(goes_on) = connection.goes_on(from_originator, segment.sequence)
        {
            self.sides.follow(goes_on);
        }
        let missed = connection.take_in(segment, from_originator);
        let before = connection.seen;
        if before.has(Seen::MIDSTREAM) && connection.packets == 2 {
            let attempt = connection.attempt(&key);
            news.tell(News::MiddleRefuted(attempt));
        }
        if segment.payload > 0 {
            self.data(seen, segment, &key, from_originator, news);
        }
        if before.has(Seen::FRUITFUL.with(Seen::MIDSTREAM)) {
            if segment.flags.contains(Flags::FIN) {
                self.ended(&key, news);
            }
            return;
        }
        self.undecided(segment, key, (from_originator, missed), now, news);
    }

    /// A segment of a connection of which it is open what it leads to: neither data has flowed on it, nor is it the middle of
    /// a session. Whether its originator sent the segment, and whether that shows words of his that were missed.
    fn undecided(
        &mut self,
        segment: &Segment,
        key: ConnectionKey,
        (from_originator, missed): (bool, bool),
        now: Moment,
        news: &mut Outbox,
    ) {
        let Some(mut connection) = self.connections.get_mut(&key) else {
            return;
        };
        if connection.seen.has(Seen::UNSOLICITED) && !from_originator {
            // A server that goes on talking to somebody whom this sensor does not see.
            self.sides.one = self.sides.one.saturating_add(1);
            if segment.payload > 0 {
                let attempt = connection.attempt(&key);
                self.befriend(attempt.source, attempt.target);
                let Some(again) = self.connections.get_mut(&key) else {
                    return;
                };
                connection = again;
            }
        }
        if connection.seen.has(Seen::UNSOLICITED)
            && from_originator
            && connection.is_taken_up(segment)
        {
            // Only its SYN was missed.
            let attempt = connection.attempt(&key);
            connection.seen = Seen::SYN.with(Seen::ACCEPTED);
            self.pairs
                .opened(attempt.source, attempt.target, attempt.opened);
            news.tell(News::UnsolicitedRefuted(answer(&attempt)));
        }
        if connection.seen.has(Seen::STRAY.with(Seen::UNSOLICITED)) {
            refute(connection, &key, segment, from_originator, news);
            return;
        }
        late(connection, &key, news);
        if missed {
            // The originator said something that the sensor has not caught.
            connection.seen.add(Seen::DATA_ORIGINATOR);
            self.fruitful(key, now, news);
        } else if from_originator {
            self.originator_speaks(key, segment, now, news);
        } else if segment.payload > 0 {
            connection.seen.add(Seen::DATA_RESPONDER);
            if connection.fetched >= FETCHED {
                self.fruitful(key, now, news);
            }
        }
    }

    /// A session that carried data comes to its end.
    fn ended(&mut self, key: &ConnectionKey, news: &mut Outbox) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.is_session() && !connection.seen.has(Seen::CLOSED) {
            connection.seen.add(Seen::CLOSED);
            news.tell(News::Closed(connection.attempt(key)));
        }
    }

    /// A segment carries data: what it says, where a rule may ask for that.
    #[inline]
    fn data(
        &mut self,
        seen: &Observation<'_>,
        segment: &Segment,
        key: &ConnectionKey,
        from_originator: bool,
        news: &mut Outbox,
    ) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let before = connection.seen;
        let login = connection.word.is_login();
        if connection.word == Word::SshGreeting
            && from_originator
            && words::is_new_keys(seen.payload)
        {
            connection.take_keys();
        }
        let unknown = connection.may_be_refused();
        if before.has(Seen::MIDSTREAM) {
            self.joined_late(key, from_originator);
        }
        let (low, high) = if segment.sport < segment.dport {
            (segment.sport, segment.dport)
        } else {
            (segment.dport, segment.sport)
        };
        let first = from_originator && !before.has(Seen::DATA_ORIGINATOR)
            || !from_originator && !before.has(Seen::DATA_RESPONDER);
        let known = SPOKEN.contains(&low) || SPOKEN.contains(&high);
        let heard = first || login || known;
        let overheard = unknown && !known;
        if !(heard || overheard) || seen.payload.is_empty() {
            return;
        }
        let mut word = Word::Other;
        if heard {
            word = seen.spoken(segment.sport, segment.dport);
        }
        if word == Word::Peer {
            self.mark_peer(seen.source);
        }
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let posts = matches!(
            connection.word,
            Word::HttpRequest | Word::HttpBare | Word::FormLogin(_)
        );
        let short = seen.payload.len() <= MOST_POSTED;
        if posts && short && from_originator && word == Word::Other {
            // A form whose header came before.
            word = words::form(seen.payload).unwrap_or(word);
        }
        if overheard && word == Word::Other {
            word = connection.overhear(from_originator, seen.payload);
        }
        if from_originator {
            connection.remember(word);
        }
        if !matches!(word, Word::None | Word::Other) || first {
            let attempt = connection.attempt(key);
            news.tell(News::Said(attempt, from_originator, word));
        }
    }

    /// One side speaks in a session whose beginning was not seen.
    fn joined_late(&mut self, key: &ConnectionKey, from_originator: bool) {
        let side = if from_originator {
            Seen::DATA_ORIGINATOR
        } else {
            Seen::DATA_RESPONDER
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.seen.has(side) {
            return;
        }
        connection.seen.add(side);
        let both =
            connection.seen.has(Seen::DATA_RESPONDER) && connection.seen.has(Seen::DATA_ORIGINATOR);
        // Where one side is seen, it would not go on without the other.
        if both || self.sides.is_one() {
            let attempt = connection.attempt(key);
            // Who asked whom is not known.
            self.befriend(attempt.source, attempt.target);
            if CHAT.contains(&attempt.dport) {
                self.mark_chats(attempt.source);
            }
        }
    }

    /// A connection carries data that makes it a session.
    pub(super) fn fruitful(&mut self, key: ConnectionKey, now: Moment, news: &mut Outbox) {
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        connection.seen.add(Seen::FRUITFUL);
        let attempt = connection.attempt(&key);
        self.befriend(attempt.source, attempt.target);
        if attempt.raw {
            self.sources.entry(attempt.source).bare = true;
        }
        if CHAT.contains(&attempt.dport) {
            self.mark_chats(attempt.source);
        }
        self.services.worked(attempt.target, attempt.dport, now);
        news.tell(News::Fruitful(attempt));
    }

    /// The originator of a connection that has carried no data of its own speaks after its SYN.
    fn originator_speaks(
        &mut self,
        key: ConnectionKey,
        segment: &Segment,
        now: Moment,
        news: &mut Outbox,
    ) {
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        if !connection.seen.has(Seen::COMPLETED) && segment.flags.contains(Flags::ACK) {
            if !connection.seen.has(Seen::ACCEPTED) {
                self.sides.one = self.sides.one.saturating_add(1);
            }
            connection.seen.add(Seen::COMPLETED);
            let attempt = connection.attempt(&key);
            self.context.completed(&attempt, self.clock);
            news.tell(News::Completed(attempt));
        }
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        if segment.payload > 0 {
            connection.seen.add(Seen::DATA_ORIGINATOR);
            self.fruitful(key, now, news);
        } else if segment.flags.contains(Flags::FIN) && !connection.seen.has(Seen::SETTLED) {
            // Seen, or acknowledged.
            let fetched = connection.fetched > 0;
            connection.seen.add(Seen::SETTLED.with(Seen::CLOSED));
            let attempt = connection.attempt(&key);
            if fetched && self.are_friends(attempt.source, attempt.target) {
                // A file that was asked for on another connection, as FTP does.
                self.fruitful(key, now, news);
                return;
            }
            self.settle(attempt, Outcome::Empty, news);
        }
    }
}

/// Another frame of a connection that has led to nothing still belongs to what is made of it.
#[inline]
pub(super) fn late(connection: &Connection, key: &ConnectionKey, news: &mut Outbox) {
    if connection.seen.has(Seen::SETTLED) && !connection.seen.has(Seen::FRUITFUL) {
        news.tell(News::Late(connection.attempt(key)));
    }
}

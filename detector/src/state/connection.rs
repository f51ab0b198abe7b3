//! One connection, flow or exchange, or what may become one: who began it, and how far it got.

use wire::{Flags, Timestamp};

use super::sealed::Sealed;
use super::table::Keep;
use crate::address::Address;
use crate::news::{Attempt, Moment, Technique};
use crate::observe::Observation;
use crate::segment::Segment;
use crate::words::{self, Password, Word};

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Endpoint {
    pub(super) address: Address,
    pub(super) port: u16,
}

/// A leap beyond the largest window of the time is none of this connection.
const LEAP: u32 = 1 << 24;

/// What kind of conversation a key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Protocol {
    Tcp,
    Udp,
    Echo,
    Stamp,
    Arp,
}

/// Both ends, in an order that does not depend on the direction, and the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionKey {
    low: Address,
    high: Address,
    /// Port of the low end, port of the high end, protocol: one word, to be compared and mixed at once.
    rest: u64,
}

impl std::hash::Hash for ConnectionKey {
    /// One word an address: the table compares whole keys anyway.
    #[inline]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.low.bits());
        state.write_u64(self.high.bits());
        state.write_u64(self.rest);
    }
}

impl ConnectionKey {
    /// The key, and whether the sender is its low end.
    #[inline]
    pub(super) fn new(from: Endpoint, to: Endpoint, protocol: Protocol) -> (Self, bool) {
        let from_low = from <= to;
        let (low, high) = if from_low { (from, to) } else { (to, from) };
        let key = ConnectionKey {
            low: low.address,
            high: high.address,
            rest: u64::from(low.port) << 32 | u64::from(high.port) << 16 | protocol as u64,
        };
        (key, from_low)
    }

    /// The low end, and the high end.
    #[inline]
    fn ends(&self) -> (Endpoint, Endpoint) {
        // Two bytes each.
        #[expect(clippy::cast_possible_truncation, reason = "a word is taken apart")]
        let port = |shift: u32| (self.rest >> shift) as u16;
        let end = |address, port| Endpoint { address, port };
        (end(self.low, port(32)), end(self.high, port(16)))
    }

    /// Whether it names a connection of TCP, or of what is told in its terms.
    pub(super) fn is_tcp(&self) -> bool {
        self.rest & 0xffff == Protocol::Tcp as u64
    }
}

/// What has been seen of a connection, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(u32);

impl Seen {
    /// The SYN that opens it.
    pub(super) const SYN: Seen = Seen(1 << 0);
    /// The responder's consent: a SYN-ACK.
    pub(super) const ACCEPTED: Seen = Seen(1 << 1);
    /// The originator has gone on after its SYN.
    pub(super) const COMPLETED: Seen = Seen(1 << 2);
    /// The originator said something.
    pub(super) const DATA_ORIGINATOR: Seen = Seen(1 << 3);
    /// The responder said something; of one whose beginning was not seen: the other side spoke as well.
    pub(super) const DATA_RESPONDER: Seen = Seen(1 << 4);
    /// A rule was told that it led to nothing.
    pub(super) const SETTLED: Seen = Seen(1 << 5);
    /// A rule was told that data flows.
    pub(super) const FRUITFUL: Seen = Seen(1 << 6);
    /// It began before the capture did, or belongs to nothing.
    pub(super) const MIDSTREAM: Seen = Seen(1 << 7);
    /// Its first segment opens nothing: a probe, or the middle of a session.
    pub(super) const STRAY: Seen = Seen(1 << 8);
    /// Its first segment was an answer.
    pub(super) const UNSOLICITED: Seen = Seen(1 << 9);
    /// A FIN or RST has passed.
    pub(super) const CLOSED: Seen = Seen(1 << 10);
    /// Its SYN looks hand-made.
    pub(super) const RAW: Seen = Seen(1 << 11);
    /// Its first segment has options.
    pub(super) const OPTIONS: Seen = Seen(1 << 12);
    /// Its first packet came in tiny fragments.
    pub(super) const FRAGMENTED: Seen = Seen(1 << 13);
    /// Its first packet was sent again, and it has been given more time.
    pub(super) const PATIENT: Seen = Seen(1 << 14);
    /// Known from its answer alone: the sensor sees one direction.
    pub(super) const MIRRORED: Seen = Seen(1 << 15);

    /// The two had opened another conversation before.
    pub(super) const MET: Seen = Seen(1 << 16);
    /// The originator of a session of SSH has taken its new keys.
    const KEYED: Seen = Seen(1 << 17);
    /// The responder has said what is as short as its consent to a login.
    const CONSENTED: Seen = Seen(1 << 18);
    /// A router said that the responder cannot be reached.
    pub(super) const UNREACHABLE: Seen = Seen(1 << 19);
    /// The originator's first packet came again, the last time sooner than any stack repeats it.
    const HASTY: Seen = Seen(1 << 20);

    /// Whether any of these has been seen.
    #[inline]
    pub(super) fn has(self, other: Seen) -> bool {
        self.0 & other.0 != 0
    }

    /// These have been seen, too.
    #[inline]
    pub(super) fn add(&mut self, other: Seen) {
        self.0 |= other.0;
    }

    /// It was taken for these by mistake.
    pub(super) fn remove(&mut self, other: Seen) {
        self.0 &= !other.0;
    }

    /// Both sets in one.
    pub(super) const fn with(self, other: Seen) -> Seen {
        Seen(self.0 | other.0)
    }
}

/// What it shows that a first packet is seen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Nothing of the answer that its sender has got: it comes sooner than any stack repeats anything.
    Hasty,
    /// Its sender tries again, for want of an answer.
    Try,
    /// It does so at the intervals of a stack.
    Stack,
}

/// What is remembered of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    pub(super) opened: Moment,
    /// Sequence number of its first segment, or of its latest echo request; 0 where there is none.
    pub(super) isn: u32,
    /// Acknowledgment number of its first segment.
    pub(super) acknowledgment: u32,
    /// Packets of both sides.
    pub(super) packets: u32,
    /// Bytes of originator and responder, seen or known by their numbers.
    pub(super) given: u32,
    pub(super) fetched: u32,
    pub(super) seen: Seen,
    /// The originator's first words, or its latest login.
    pub(super) word: Word,
    /// The window of its first segment, or the bytes of its first datagram or message.
    pub(super) size: u16,
    pub(super) technique: Technique,
    /// Time to live of its first packet, as it came; 0 while unknown.
    pub(super) ttl: u8,
    /// How often its first packet was sent.
    pub(super) sent: u8,
    /// How many of these its sender can have sent because nobody answered: no copies, and no haste.
    pub(super) tries: u8,
    /// How long after the first the second and the latest try were, in tenths of a second.
    again_after: u16,
    tried_after: u16,
    /// How many segments with data the originator has sent.
    pub(super) said: u8,
    /// How many of these came after the first few, are too short for a key, and as long as the one before.
    pub(super) short: u8,
    /// Bytes of the latest of these.
    last_said: u16,
    /// What it said last, in a protocol that is not known.
    muttered: Option<Password>,
    /// What the responder was first seen to say after the first few of both sides.
    first_answer: u16,
    /// The longest that the responder said after the first few of both sides.
    pub(super) tail: u16,
    sealed: Option<Sealed>,
    pub(super) originator_is_low: bool,
    /// The sequence numbers that originator and responder come to next; 0 while unknown.
    pub(super) next: [u32; 2],
}

impl Keep for Connection {
    fn worth(&self) -> u8 {
        if self.seen.has(Seen::FRUITFUL.with(Seen::MIDSTREAM)) {
            2
        } else {
            1
        }
    }
}

impl Connection {
    /// One that has just begun.
    pub(super) fn new(opened: Moment, technique: Technique, originator_is_low: bool) -> Self {
        Connection {
            opened,
            isn: 0,
            acknowledgment: 0,
            packets: 1,
            given: 0,
            fetched: 0,
            seen: Seen::default(),
            word: Word::None,
            size: 0,
            technique,
            ttl: 0,
            sent: 1,
            tries: 1,
            again_after: 0,
            tried_after: 0,
            said: 0,
            short: 0,
            last_said: 0,
            muttered: None,
            first_answer: 0,
            tail: 0,
            sealed: None,
            originator_is_low,
            next: [0; 2],
        }
    }

    /// What the first segment that was seen says.
    #[inline]
    pub(super) fn begin(&mut self, seen: &Observation<'_>, segment: &Segment, first: Seen) {
        self.isn = segment.sequence;
        self.acknowledgment = segment.acknowledgment;
        self.given = segment.payload;
        let syn = u32::from(segment.flags.contains(Flags::SYN));
        let said = segment.payload.wrapping_add(syn);
        self.next = [segment.sequence.wrapping_add(said), 0];
        if segment.flags.contains(Flags::ACK) {
            self.expect(false, segment.acknowledgment);
        }
        self.size = segment.window;
        self.ttl = seen.ttl;
        self.seen = first;
        if segment.options {
            self.seen.add(Seen::OPTIONS);
        }
        if seen.tiny_fragments {
            self.seen.add(Seen::FRAGMENTED);
        }
    }

    /// The first packet is seen once more; what that shows. A stack waits a second or more until it tries again (RFC 6298
    /// section 2), some of old half of that: what comes sooner is a copy, or a program's haste.
    pub(super) fn repeat(&mut self, now: Timestamp) -> Again {
        const TENTH_NANOS: u64 = 100_000_000;
        /// Half a second, less a tenth for a clock that ticks coarsely.
        const SOONEST: u16 = 4;
        /// A second, by such a clock.
        const SECOND: u16 = 9;
        self.sent = self.sent.saturating_add(1);
        let after = now.nanos_since(self.opened.time) / TENTH_NANOS;
        let after = u16::try_from(after).unwrap_or(u16::MAX);
        if after.saturating_sub(self.tried_after) < SOONEST {
            self.seen.add(Seen::HASTY);
            return Again::Hasty;
        }
        self.seen.remove(Seen::HASTY);
        self.tries = self.tries.saturating_add(1);
        self.tried_after = after;
        if self.tries == 2 {
            self.again_after = after;
        }
        let first = u32::from(self.again_after);
        // A stack waits longer each time (section 5.5); a program that asks several times does so at even intervals.
        let backs_off = self.again_after >= SECOND && u32::from(after) * 2 >= first * 5;
        if self.tries == 3 && backs_off {
            Again::Stack
        } else {
            Again::Try
        }
    }

    /// Whether the originator's numbers lie so far from those with which it began that both were drawn: no session goes on so.
    pub(super) fn is_far(&self, segment: &Segment) -> bool {
        let near = |a: u32, b: u32| a.wrapping_sub(b).min(b.wrapping_sub(a)) <= LEAP;
        !near(segment.sequence, self.isn) || !near(segment.acknowledgment, self.acknowledgment)
    }

    /// Whether its first packet comes again though it was over: a program asks with the same numbers as before. What comes
    /// sooner is a copy; and some stacks do not take a refusal until they have asked three times (Windows does, every half
    /// second).
    pub(super) fn is_asked_anew(&self, now: Timestamp) -> bool {
        const SOONEST_NANOS: u64 = 500_000_000;
        const STUBBORN: u8 = 3;
        self.seen.has(Seen::CLOSED)
            && (self.seen.has(Seen::ACCEPTED) || self.sent >= STUBBORN)
            && now.nanos_since(self.opened.time) >= SOONEST_NANOS
    }

    /// Whether the two had opened another conversation before.
    pub(super) fn met(&mut self, met: bool) {
        if met {
            self.seen.add(Seen::MET);
        }
    }

    /// What a further segment says and acknowledges; whether it shows, without data of its own, that the originator said
    /// something that the sensor has not caught.
    #[inline]
    pub(super) fn take_in(&mut self, segment: &Segment, from_originator: bool) -> bool {
        let given = self.given;
        self.carry(
            from_originator,
            segment.sequence,
            segment.payload,
            segment.flags,
        );
        if segment.flags.contains(Flags::ACK) {
            // What is acknowledged was said.
            self.acknowledge(!from_originator, segment.acknowledgment);
        }
        segment.payload == 0 && self.given > given
    }

    /// Takes in what one side said: `length` bytes that were seen, and what is missing before them. Sequence numbers
    /// tell what was said, whether the sensor caught it or not; what comes again says nothing.
    #[inline]
    fn carry(&mut self, from_originator: bool, sequence: u32, length: u32, flags: Flags) {
        let next = self.next(from_originator);
        let end = sequence.wrapping_add(length);
        let after = end.wrapping_add(u32::from(flags.contains(Flags::FIN)));
        if next == 0 || sequence == next {
            self.expect(from_originator, after);
        } else {
            self.acknowledge(from_originator, sequence);
            // Some of it may have been said before: a segment that was put together anew.
            let new = end.wrapping_sub(self.next(from_originator));
            if new > length {
                return;
            }
            self.expect(from_originator, after);
            if new < length {
                self.said_so_much(from_originator, new);
                return;
            }
        }
        self.said_so_much(from_originator, length);
        if !from_originator {
            self.weigh(u16::try_from(length).unwrap_or(u16::MAX));
        }
    }

    /// One side has said everything up to a number, seen or not.
    #[inline]
    pub(super) fn acknowledge(&mut self, by_originator: bool, number: u32) {
        let next = self.next(by_originator);
        let missed = number.wrapping_sub(next);
        if missed == 0 || missed > LEAP && next != 0 {
            return;
        }
        self.expect(by_originator, number);
        // One number alone may be that of a FIN.
        if next != 0 && missed > 1 {
            self.said_so_much(by_originator, missed);
        }
    }

    /// What one side says next has this number.
    #[inline]
    pub(super) fn expect(&mut self, by_originator: bool, number: u32) {
        let [originator, responder] = &mut self.next;
        *(if by_originator { originator } else { responder }) = number;
    }

    /// Whether a segment goes on where its sender had come to, as far as that is known; `None` of what comes again.
    #[inline]
    pub(super) fn goes_on(&self, from_originator: bool, sequence: u32) -> Option<bool> {
        let next = self.next(from_originator);
        let leap = sequence.wrapping_sub(next);
        (next != 0 && leap <= LEAP).then_some(leap == 0)
    }

    fn next(&self, of_originator: bool) -> u32 {
        let [originator, responder] = self.next;
        if of_originator { originator } else { responder }
    }

    /// Originator and responder were taken for each other.
    pub(super) fn turn(&mut self) {
        self.next.reverse();
        std::mem::swap(&mut self.given, &mut self.fetched);
        self.said = 0;
    }

    /// Whether a segment of the originator takes up what the responder has accepted.
    pub(super) fn is_taken_up(&self, segment: &Segment) -> bool {
        segment.flags.contains(Flags::ACK) && segment.acknowledgment == self.next(false)
    }

    /// Whether both have said something that makes it a session, whether or not its beginning was seen.
    pub(super) fn is_session(&self) -> bool {
        let both = self.seen.has(Seen::DATA_ORIGINATOR) && self.seen.has(Seen::DATA_RESPONDER);
        self.seen.has(Seen::FRUITFUL) || self.seen.has(Seen::MIDSTREAM) && both
    }

    /// Greeting, offer and key of an encrypted session come first, and are longer than what follows.
    const FIRST: u8 = 5;
    /// The new keys are what an SSH client says fourth; long offers are said in several segments.
    const KEYS: u8 = 4;
    /// An SSH server's consent to a login holds one byte (RFC 4252 section 5.1), its consent to be asked for a login 17 of
    /// them (RFC 4253 section 10), and a refusal no fewer: so many bytes less, whatever the cipher's blocks.
    const SHORTER: u16 = 16;
    /// What offers a key to an SSH server is longer: the shortest key with its name, and the frame around it.
    const KEY: u16 = 112;

    #[inline]
    fn said_so_much(&mut self, from_originator: bool, length: u32) {
        if length == 0 {
            return;
        }
        if let Some(sealed) = &mut self.sealed {
            sealed.carry(from_originator, length);
        }
        if from_originator {
            self.given = self.given.saturating_add(length);
            self.said = self.said.saturating_add(1);
            let length = u16::try_from(length).unwrap_or(u16::MAX);
            if self.said > Self::FIRST && length < Self::KEY && length == self.last_said {
                self.short = self.short.saturating_add(1);
            }
            self.last_said = length;
        } else {
            self.fetched = self.fetched.saturating_add(length);
            if self.said >= Self::FIRST {
                let length = u16::try_from(length).unwrap_or(u16::MAX);
                self.tail = self.tail.max(length);
            }
        }
    }

    /// The responder says so much in a segment that was seen: those that were missed are known by their sum only.
    fn weigh(&mut self, length: u16) {
        if length == 0 || self.said < Self::FIRST {
            return;
        }
        if self.first_answer == 0 {
            self.first_answer = length;
        } else if length <= self.first_answer.saturating_sub(Self::SHORTER) {
            self.seen.add(Seen::CONSENTED);
        }
    }

    /// An SSH client takes its new keys: what comes now is encrypted.
    pub(super) fn take_keys(&mut self) {
        if !self.seen.has(Seen::KEYED) {
            self.seen.add(Seen::KEYED);
            (self.said, self.short) = (Self::KEYS, 0);
            (self.first_answer, self.tail) = (0, 0);
        }
    }

    /// The originator says something: its first words are kept, and of logins the latest.
    pub(super) fn remember(&mut self, word: Word) {
        if word == Word::Tls {
            self.sealed.get_or_insert_default();
        }
        self.word = match (self.word, word) {
            (Word::LoginName(name), Word::Credentials(Some(password))) => {
                Word::Credentials(Some(password.of(name)))
            }
            (Word::None, word) => word,
            (_, word) if word.is_login() => word,
            (first, _) => first,
        };
    }

    /// How many segments of the originator may come before it is let in or not.
    const UNTIL_LET_IN: u8 = 5;
    /// Bytes of the longest of them that is looked at.
    const LONGEST_LOGIN: usize = 512;

    /// Whether a login may be under way in a protocol that is not known.
    #[inline]
    pub(super) fn may_be_refused(&self) -> bool {
        match self.word {
            Word::None | Word::Other => self.said <= Self::UNTIL_LET_IN,
            // It was refused before.
            Word::Credentials(_) => true,
            _ => false,
        }
    }

    /// Hears what one side says in a protocol that is not known: whether it is a refusal. What was refused is remembered.
    pub(super) fn overhear(&mut self, from_originator: bool, payload: &[u8]) -> Word {
        if from_originator {
            if payload.len() <= Self::LONGEST_LOGIN {
                self.muttered = Some(Password::in_bytes(payload));
            }
        } else if words::refuses(payload) {
            self.word = Word::Credentials(self.muttered);
            return Word::Denied;
        }
        Word::Other
    }

    /// What the rules are told of it.
    #[inline]
    pub(super) fn attempt(&self, key: &ConnectionKey) -> Attempt {
        let (low, high) = key.ends();
        let (from, to) = if self.originator_is_low {
            (low, high)
        } else {
            (high, low)
        };
        Attempt {
            technique: self.technique,
            source: from.address,
            target: to.address,
            sport: from.port,
            dport: to.port,
            isn: self.isn,
            acknowledgment: self.acknowledgment,
            size: self.size,
            raw: self.seen.has(Seen::RAW),
            options: self.seen.has(Seen::OPTIONS),
            fragmented: self.seen.has(Seen::FRAGMENTED),
            friend: false,
            met: self.seen.has(Seen::MET),
            ttl: self.ttl,
            excuse: None,
            word: self.word,
            opened: self.opened,
            packets: self.packets,
            sent: self.sent,
            tries: self.tries,
            hasty: self.seen.has(Seen::HASTY),
            fetched: self.fetched,
            given: self.given,
            said: self.said,
            short: self.short,
            tail: self.tail,
            consented: self.seen.has(Seen::CONSENTED),
            sealed: self.sealed,
        }
    }
}

//! One connection, or what may become one: who began it, and how far it got.

use wire::Flags;

use super::Address;
use super::news::{Attempt, Moment, Technique};
use super::table::Keep;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Endpoint {
    pub(super) address: Address,
    pub(super) port: u16,
}

/// Both ends, in an order that does not depend on the direction, and the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ConnectionKey {
    low: Endpoint,
    high: Endpoint,
    udp: bool,
}

impl ConnectionKey {
    /// The key, and whether the sender is its low end.
    #[inline]
    pub(super) fn new(from: Endpoint, to: Endpoint, udp: bool) -> (Self, bool) {
        if from <= to {
            let key = ConnectionKey {
                low: from,
                high: to,
                udp,
            };
            (key, true)
        } else {
            let key = ConnectionKey {
                low: to,
                high: from,
                udp,
            };
            (key, false)
        }
    }
}

/// What has been seen of a connection, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(u16);

impl Seen {
    pub(super) const SYN: Seen = Seen(1 << 0);
    pub(super) const ACCEPTED: Seen = Seen(1 << 1);
    pub(super) const COMPLETED: Seen = Seen(1 << 2);
    pub(super) const DATA_ORIGINATOR: Seen = Seen(1 << 3);
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
    /// Over: the next SYN begins another one.
    pub(super) const CLOSED: Seen = Seen(1 << 10);
    pub(super) const RAW: Seen = Seen(1 << 11);

    #[inline]
    pub(super) fn has(self, other: Seen) -> bool {
        self.0 & other.0 != 0
    }

    #[inline]
    pub(super) fn add(&mut self, other: Seen) {
        self.0 |= other.0;
    }

    pub(super) fn with(self, other: Seen) -> Seen {
        Seen(self.0 | other.0)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    pub(super) opened: Moment,
    pub(super) isn: u32,
    pub(super) acknowledgment: u32,
    pub(super) packets: u32,
    pub(super) seen: Seen,
    pub(super) technique: Technique,
    pub(super) originator_is_low: bool,
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
    /// What the rules are told of it.
    pub(super) fn attempt(&self, key: &ConnectionKey) -> Attempt {
        let (from, to) = if self.originator_is_low {
            (key.low, key.high)
        } else {
            (key.high, key.low)
        };
        Attempt {
            technique: self.technique,
            source: from.address,
            target: to.address,
            sport: from.port,
            dport: to.port,
            isn: self.isn,
            acknowledgment: self.acknowledgment,
            raw: self.seen.has(Seen::RAW),
            friend: false,
            opened: self.opened,
            packets: self.packets,
        }
    }
}

/// What a segment without SYN and RST and of no known connection may be a probe of.
pub(super) fn stray_technique(flags: Flags, payload: u32) -> Option<Technique> {
    if payload > 0 {
        return None;
    }
    const XMAS: Flags = Flags(Flags::FIN.0 | Flags::PSH.0 | Flags::URG.0);
    const MAIMON: Flags = Flags(Flags::FIN.0 | Flags::ACK.0);
    if flags.is_exactly(Flags::NONE) {
        Some(Technique::Null)
    } else if flags.is_exactly(Flags::FIN) {
        Some(Technique::Fin)
    } else if flags.is_exactly(XMAS) {
        Some(Technique::Xmas)
    } else if flags.is_exactly(MAIMON) {
        Some(Technique::Maimon)
    } else if flags.is_exactly(Flags::ACK) {
        Some(Technique::Ack)
    } else {
        None
    }
}

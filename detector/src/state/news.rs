//! What the state learns from a frame, in the rules' terms.

use wire::Timestamp;

use super::Address;

/// A frame and the clock as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) time: Timestamp,
    pub(crate) frame: u64,
}

/// How somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Technique {
    Syn,
    Fin,
    Null,
    Xmas,
    Maimon,
    Ack,
    Udp,
}

/// One party's first packet to a port of another, and what identifies it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) technique: Technique,
    pub(crate) source: Address,
    pub(crate) target: Address,
    pub(crate) sport: u16,
    pub(crate) dport: u16,
    /// Its initial sequence number.
    pub(crate) isn: u32,
    /// Its acknowledgment number.
    pub(crate) acknowledgment: u32,
    /// Whether it looks hand-made.
    pub(crate) raw: bool,
    /// Whether the two have exchanged data before, in either direction.
    pub(crate) friend: bool,
    /// When it began.
    pub(crate) opened: Moment,
    /// Frames seen of it so far, both directions.
    pub(crate) packets: u32,
}

/// How an attempt ended, where it led to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The target answered RST.
    Refused,
    /// Nobody answered in time.
    Silent,
    /// A router or the target answered unreachable.
    Unreachable,
    /// The target accepted, the originator tore the half-open connection down with RST.
    Torn,
    /// The target accepted, the originator never said another word.
    Abandoned,
    /// The handshake was completed, and no data followed from the originator.
    Empty,
}

/// What answers look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AnswerKind {
    /// SYN-ACK: the port is open.
    Accept,
    /// RST-ACK with sequence number 0: the port is closed, RFC 9293 section 3.5.2.
    Refusal,
    /// An ICMP unreachable that quotes a segment.
    Unreachable,
}

/// An answer to a question that nobody was seen asking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) kind: AnswerKind,
    /// Who answers, or is complained of.
    pub(crate) source: Address,
    pub(crate) sport: u16,
    /// To whom.
    pub(crate) target: Address,
    pub(crate) dport: u16,
    /// The question's initial sequence number plus one, where the answer says it.
    pub(crate) acknowledgment: Option<u32>,
}

/// What was learnt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News {
    /// A SYN opens a connection.
    Opening(Attempt),
    /// The SYN came again.
    Repeated(Attempt),
    /// A SYN-ACK came.
    Accepted(Attempt),
    /// The originator acknowledged it.
    Completed(Attempt),
    /// It led to nothing.
    Settled(Attempt, Outcome),
    /// Another frame of one that led to nothing.
    Late(Attempt),
    /// Data flows: whatever it looked like, it is a session.
    Fruitful(Attempt),
    /// A segment that opens nothing and belongs to nothing.
    Stray(Attempt),
    /// It was answered with RST.
    StrayReset(Attempt),
    /// It was not answered in time.
    StraySilent(Attempt),
    /// It belongs to a connection after all, whose beginning was not captured.
    StrayRefuted(Attempt),
    /// An answer to nothing.
    Unsolicited(Answer),
    /// It came again.
    UnsolicitedRepeated(Answer),
    /// Nothing came of it in time.
    UnsolicitedOverdue(Answer),
    /// It belongs to a connection after all.
    UnsolicitedRefuted(Answer),
    /// Another SYN to a service that is being flooded; no connection is kept of it.
    FloodSyn(Attempt),
    /// Another answer of a service that is being flooded.
    FloodAnswer {
        /// Who answers.
        source: Address,
        /// With RST rather than SYN-ACK.
        refused: bool,
    },
    /// A source tears down a half-open connection with a service that is being flooded.
    FloodReset {
        /// The flooded host.
        target: Address,
    },
    /// Another probe of a known scanner; no connection is kept of it.
    MoreProbes(Attempt),
    /// A packet whose time to live is small enough to die on the way.
    ShortLived {
        source: Address,
        target: Address,
        ttl: u8,
        port: Option<u16>,
    },
    /// A router reports that one died.
    Died {
        /// Who sent it.
        source: Address,
        target: Address,
        router: Address,
    },
}

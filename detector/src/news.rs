//! What the state learns from a frame, in the rules' terms.
//!
//! News has kinds, and a rule subscribes to kinds: news of a kind that nobody hears is not even made.

use wire::Timestamp;

use crate::address::{Address, Service};
use crate::fragments::Forgotten;
use crate::observe::{Fault, Quoted};
use crate::state::Sealed;
use crate::words::Word;

/// A frame and the clock as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) time: Timestamp,
    pub(crate) frame: u64,
}

/// How somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Technique {
    Syn,
    Fin,
    Null,
    Xmas,
    Maimon,
    Ack,
    /// SYN and FIN together.
    SynFin,
    /// Any other set of flags that no session holds.
    Odd,
    Udp,
    /// Echo request.
    Echo,
    /// ICMP timestamp or mask request.
    Stamp,
    Arp,
}

/// Why an attempt that led to nothing is held against nobody. The order is that in which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Excuse {
    /// It was meant to die on the way: a trace of the route.
    Trace,
    /// A server asks the ident service of the host that has just connected to it.
    Ident,
    /// The target had just called the source: it calls back.
    Callback,
    /// The target is in a chat, and is asked for an open proxy, as those in the room may.
    Guest,
    /// The source speaks a peer-to-peer protocol, and peers at programs' ports come and go.
    Peer,
    /// Who gives addresses away tries one before he does.
    Assignment,
    /// The service had answered others before: it has gone, whoever asks.
    ServiceDied,
    /// A name had just been resolved to this address for this client.
    Named,
    /// The same was reached at once over the other version of IP.
    OtherFamily,
    /// Clients that had been well served all fail now: the line is down.
    Outage,
    /// The sensor sees about as many answers without a question as questions without an answer.
    Missed,
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
    /// Window of a SYN, or bytes of a datagram.
    pub(crate) size: u16,
    /// Whether it looks hand-made.
    pub(crate) raw: bool,
    /// Whether it has TCP options.
    pub(crate) options: bool,
    /// Whether its header was cut into tiny pieces.
    pub(crate) fragmented: bool,
    /// Whether the two have exchanged data before, in either direction.
    pub(crate) friend: bool,
    /// Whether its sender had opened another conversation with the other before; of a datagram, whether either had.
    pub(crate) met: bool,
    /// Its time to live as it passed.
    pub(crate) ttl: u8,
    /// Whether it is excused; known once it has led to nothing.
    pub(crate) excuse: Option<Excuse>,
    /// What its first payload says, or the latest login.
    pub(crate) word: Word,
    /// When it began.
    pub(crate) opened: Moment,
    /// Frames seen of it so far, both directions.
    pub(crate) packets: u32,
    /// How often its first packet was sent.
    pub(crate) sent: u8,
    /// How many of these were tries of one who got no answer: neither copies nor sooner than any stack sends again.
    pub(crate) tries: u8,
    /// Whether the latest of them was none.
    pub(crate) hasty: bool,
    /// Bytes the responder has sent.
    pub(crate) fetched: u32,
    /// Bytes the originator has sent.
    pub(crate) given: u32,
    /// How many segments or datagrams with data the originator has sent.
    pub(crate) said: u8,
    /// How many of these came after the first few, are too short for a key, and as long as the one before.
    pub(crate) short: u8,
    /// The longest thing that the responder said after the first few of both sides.
    pub(crate) tail: u16,
    /// Whether something of that was as short as an SSH server's consent to a login.
    pub(crate) consented: bool,
    /// What passed inside TLS.
    pub(crate) sealed: Option<Sealed>,
}

impl Attempt {
    /// Whether its sender stands on the segment of the one it asks, or beside the sensor: no router has touched the
    /// time to live, and both belong to one site.
    pub(crate) fn is_local(&self) -> bool {
        is_untouched(self.ttl) && (self.source.is_near(self.target) || self.target.is_of_segment())
    }

    /// Whether its sender belongs to another site than the one it asks, as far as addresses tell.
    pub(crate) fn is_from_elsewhere(&self) -> bool {
        !self.source.is_near(self.target)
    }
}

/// Times to live as operating systems send them (32 until Windows 98): who sends with one of these stands beside the sensor.
pub(crate) fn is_untouched(ttl: u8) -> bool {
    matches!(ttl, 32 | 64 | 128 | 255)
}

/// A SYN to a service that is being flooded: all that is kept of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloodSyn {
    pub(crate) source: Address,
    pub(crate) sport: u16,
    pub(crate) service: Service,
    /// Its initial sequence number.
    pub(crate) isn: u32,
}

/// As sent, or as behind one router: who sends with one of these is of the sensor's site.
pub(crate) fn is_near(ttl: u8) -> bool {
    is_untouched(ttl) || is_untouched(ttl.saturating_add(1))
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
    /// An ICMP unreachable that quotes what nobody sent.
    Unreachable,
    /// An echo reply.
    EchoReply,
    /// Time exceeded for what nobody sent.
    Exceeded,
    /// A bare RST of no known connection.
    Reset,
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
    /// What it quotes, if it quotes.
    pub(crate) quoted: Option<Quoted>,
}

/// What no program sends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Oddity {
    /// A packet names its way.
    SourceRoute,
    /// A packet is for port 0.
    PortZero,
    /// A segment's header lies in several fragments.
    TinyFragments,
    /// Echo requests with a code, which none has: a fingerprinter's.
    EchoCode,
    /// The same packet passed before with a higher time to live.
    Looping,
}

/// Packets by which a flow grows until it is news again: as few as a bucket can take at once, for who pours them in
/// does not know how they were spread.
pub(crate) const GROWTH: u32 = 32;

/// Datagrams of whoever began a flow at which it is news before it has grown: each about twice as many as the one before.
pub(crate) const DOUBLINGS: [u8; 3] = [5, 10, 20];

/// What was learnt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News {
    /// A first packet: a SYN, a datagram, an echo or address request.
    Opening(Attempt),
    /// It came again.
    Repeated(Attempt),
    /// A SYN-ACK came.
    Accepted(Attempt),
    /// The originator acknowledged it.
    Completed(Attempt),
    /// It led to nothing.
    Settled(Attempt, Outcome),
    /// Another frame of one that led to nothing.
    Late(Attempt),
    /// Data flows, or the question was answered: whatever it looked like, it is an exchange.
    Fruitful(Attempt),
    /// A connection in which data flowed has ended.
    Closed(Attempt),
    /// A payload says something that a rule may ask for; whether the originator says it.
    Said(Attempt, bool, Word),
    /// A flow or exchange has grown by [`GROWTH`] packets.
    Grown(Attempt),
    /// A flow of datagrams that has not grown so far has come to one of [`DOUBLINGS`].
    Doubled(Attempt),
    /// A segment that opens nothing and belongs to nothing.
    Stray(Attempt),
    /// It was answered with RST.
    StrayReset(Attempt),
    /// It was not answered in time.
    StraySilent(Attempt),
    /// It belongs to a connection after all, whose beginning was not captured.
    StrayRefuted(Attempt),
    /// A segment as any session has it, of a connection whose beginning was not seen.
    Middle(Attempt),
    /// Another one followed it.
    MiddleRefuted(Attempt),
    /// An answer to nothing.
    Unsolicited(Answer),
    /// It came again.
    UnsolicitedRepeated(Answer),
    /// Nothing came of it in time.
    UnsolicitedOverdue(Answer),
    /// It belongs to a connection after all.
    UnsolicitedRefuted(Answer),
    /// Another SYN to a service that is being flooded; no connection is kept of it.
    FloodSyn(FloodSyn),
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
    /// A segment that goes on with a session of a service that is being flooded.
    FloodSegment {
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
        technique: Technique,
    },
    /// A router reports that one died.
    Died {
        /// Who sent it.
        source: Address,
        target: Address,
        router: Address,
        /// Whether its sender may have meant it to die.
        aimed: bool,
    },
    /// Any ICMP error.
    Complained {
        fault: Fault,
        speaker: Address,
        /// To whom it complains.
        to: Address,
        /// What it quotes.
        quoted: Quoted,
        /// From which port the packet came that it quotes.
        sport: Option<u16>,
        /// Where the packet went to that it quotes, and to which port, 0 where there is none.
        receiver: (Address, u16),
        /// Whether what it quotes was seen.
        known: bool,
    },
    /// A packet of a protocol of IP that nothing else is known of.
    Protocol {
        source: Address,
        target: Address,
        number: u8,
    },
    /// What no program sends by itself.
    Odd(Oddity, Attempt),
    /// A packet in pieces is waited for no longer.
    Forgotten(Forgotten),
}

macro_rules! kinds {
    ($($kind:ident),* $(,)?) => {
        /// A kind of news.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum NewsKind { $($kind),* }

        impl NewsKind {
            pub(crate) const ALL: &'static [NewsKind] = &[$(NewsKind::$kind),*];
        }
    };
}

kinds!(
    Opening,
    Repeated,
    Accepted,
    Completed,
    Settled,
    Late,
    Fruitful,
    Closed,
    Said,
    Grown,
    Doubled,
    Stray,
    StrayReset,
    StraySilent,
    StrayRefuted,
    Middle,
    MiddleRefuted,
    Unsolicited,
    UnsolicitedRepeated,
    UnsolicitedOverdue,
    UnsolicitedRefuted,
    FloodSyn,
    FloodAnswer,
    FloodReset,
    FloodSegment,
    MoreProbes,
    ShortLived,
    Died,
    Complained,
    Protocol,
    Odd,
    Forgotten,
);

/// Kinds of news, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NewsKinds(u32);

impl NewsKinds {
    pub(crate) const fn of(kinds: &[NewsKind]) -> NewsKinds {
        let (mut bits, mut at) = (0, 0);
        while at < kinds.len() {
            #[expect(clippy::indexing_slicing, reason = "bounded by the loop")]
            {
                bits |= 1 << kinds[at] as u8;
            }
            at += 1;
        }
        NewsKinds(bits)
    }

    #[inline]
    pub(crate) const fn has(self, kind: NewsKind) -> bool {
        self.0 >> kind as u8 & 1 != 0
    }
}

impl News {
    #[inline]
    pub(crate) fn kind(&self) -> NewsKind {
        match self {
            News::Opening(_) => NewsKind::Opening,
            News::Repeated(_) => NewsKind::Repeated,
            News::Accepted(_) => NewsKind::Accepted,
            News::Completed(_) => NewsKind::Completed,
            News::Settled(..) => NewsKind::Settled,
            News::Late(_) => NewsKind::Late,
            News::Fruitful(_) => NewsKind::Fruitful,
            News::Closed(_) => NewsKind::Closed,
            News::Said(..) => NewsKind::Said,
            News::Grown(_) => NewsKind::Grown,
            News::Doubled(_) => NewsKind::Doubled,
            News::Stray(_) => NewsKind::Stray,
            News::StrayReset(_) => NewsKind::StrayReset,
            News::StraySilent(_) => NewsKind::StraySilent,
            News::StrayRefuted(_) => NewsKind::StrayRefuted,
            News::Middle(_) => NewsKind::Middle,
            News::MiddleRefuted(_) => NewsKind::MiddleRefuted,
            News::Unsolicited(_) => NewsKind::Unsolicited,
            News::UnsolicitedRepeated(_) => NewsKind::UnsolicitedRepeated,
            News::UnsolicitedOverdue(_) => NewsKind::UnsolicitedOverdue,
            News::UnsolicitedRefuted(_) => NewsKind::UnsolicitedRefuted,
            News::FloodSyn(_) => NewsKind::FloodSyn,
            News::FloodAnswer { .. } => NewsKind::FloodAnswer,
            News::FloodReset { .. } => NewsKind::FloodReset,
            News::FloodSegment { .. } => NewsKind::FloodSegment,
            News::MoreProbes(_) => NewsKind::MoreProbes,
            News::ShortLived { .. } => NewsKind::ShortLived,
            News::Died { .. } => NewsKind::Died,
            News::Complained { .. } => NewsKind::Complained,
            News::Protocol { .. } => NewsKind::Protocol,
            News::Odd(..) => NewsKind::Odd,
            News::Forgotten(_) => NewsKind::Forgotten,
        }
    }
}

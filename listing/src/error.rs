//! What a listing cannot say, and where.

use std::fmt;

/// A line that looks like a packet and cannot be read as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ListingError {
    /// Line of the listing, counted from 1.
    pub line: usize,
    /// Where in the line, counted in bytes from 1.
    pub column: usize,
    /// Why.
    pub problem: Problem,
}

/// Why a line cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The packet ends too early.
    #[error("the packet ends where {0} is wanted")]
    Ended(Wanted),
    /// Something else stands there.
    #[error("'{found}' stands where {wanted} is wanted")]
    Unexpected {
        /// What stands there.
        found: String,
        /// What should.
        wanted: Wanted,
    },
    /// A number is too large for its field.
    #[error("{0} is more than the field holds")]
    TooLarge(String),
    /// A service without a port number.
    #[error("no port is known for the service '{0}': write its number instead")]
    UnknownService(String),
    /// An address alone where a port must follow.
    #[error("'{0}' has no port: a dot and a number or a service are wanted behind the host")]
    NoPort(String),
    /// A name stands for an address of the other version of IP.
    #[error("'{name}' stands for {address}, which is of the other version of IP")]
    MixedVersions {
        /// The name.
        name: String,
        /// Its address.
        address: std::net::IpAddr,
    },
    /// More names than there are addresses to give them.
    #[error(
        "there are more names than documentation and benchmark addresses: give some with their own"
    )]
    TooManyNames,
    /// A moment before 1970.
    #[error("{0} is before 1970, which a capture cannot say")]
    BeforeEpoch(String),
    /// Text of which nothing is made.
    #[error(
        "nothing is made of '{0}', and --exact allows nothing to be left out: a listing with bytes (tcpdump -x) needs nothing made"
    )]
    Lost(String),
    /// Bytes that are not those of the line above them.
    #[error(
        "the bytes below are not those of this packet, or of a link layer that is not read: print it with -x, without the link header"
    )]
    OtherBytes,
    /// Lengths that no packet holds.
    #[error("{0} bytes do not fit a packet")]
    TooLong(usize),
}

/// What should stand in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Something of this kind.
    Kind(&'static str),
    /// This text.
    Text(&'static str),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Kind(kind) => f.write_str(kind),
            Wanted::Text(text) => write!(f, "'{text}'"),
        }
    }
}

/// A problem and its place, in bytes from where the reading began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) problem: Problem,
}

impl Fault {
    /// Whether a message is not known, which may be for want of its end.
    pub(super) fn may_be_cut(&self) -> bool {
        let unknown = |wanted: &str| [Fault::MESSAGE, Fault::ICMP_MESSAGE].contains(&wanted);
        matches!(self.problem, Problem::Ended(Wanted::Kind(wanted)) if unknown(wanted))
    }

    /// What is wanted behind the ends.
    pub(super) const MESSAGE: &'static str = "what TCP, UDP or ICMP says";
    /// What is wanted of ICMP.
    pub(super) const ICMP_MESSAGE: &'static str = "an ICMP message that is known";

    /// Whether more text could help.
    pub(super) fn is_end(&self) -> bool {
        matches!(self.problem, Problem::Ended(_))
    }
}

/// What reading gives.
pub(super) type Read<T> = Result<T, Fault>;

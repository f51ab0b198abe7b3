//! Traces for tests: packets in the [notation](super) with times, relative numbers, quotes, repetitions and comments.
//!
//! ```text
//! # One port open, one closed: the smallest scan.
//! home 192.0.2.0/24
//! let scanner = 198.51.100.7
//! 0.00   $scanner.49724 > 192.0.2.10.21: S 0 win 1024
//! +0.01  192.0.2.10.21 > $scanner.49724: S. 0 ack 1 win 8760 <mss 1460>
//! +0.00  $scanner.49724 > 192.0.2.10.21: R 1
//! 1.00   repeat 3 every 0.5
//!   0.00   $scanner.{50000+n} > 192.0.2.10.{37+n}: S 0 win 1024
//!   0.01   192.0.2.10.{37+n} > $scanner.{50000+n}: R. =0 ack 1
//! end
//! 3.00   192.0.2.1 > $scanner: icmp 3/1 quotes 1
//! ```
//!
//! A line that begins with a time, in seconds or after `+` in seconds since the line before, is an event: a packet, or words
//! for whoever runs the trace. Any other line speaks of the trace as a whole. `#` begins a comment, `let NAME = TEXT` gives a
//! text a name, `$NAME` is it. What stands between `repeat N every SECONDS` and `end` happens so often, counted from 0: `{n}`
//! is the number of the round, and an expression such as `{20000+n}` or `{n/256}` is worked out from left to right. Events
//! are in the order of their times, those of one time in that of the text.
//!
//! Sequence and acknowledgment numbers count from the first sequence number of their direction, which is any: a SYN's,
//! where it tells one. `=N` is N itself. `quotes N` is the payload of an ICMP error about the Nth event of the text, counted
//! from 1 as they happen to be written, `quotes -1` about the one written before it: its header and the first eight bytes
//! behind that; `quotes 1 after 3` quotes it as it is behind three hops, with so much less time to live.
//!
//! A trace is read as far as times, names and repetitions go; what its packets are, [`Numbers`] says one by one, because in
//! a trace that a host takes part in, numbers depend on what that host has said. What it says is held against a line by
//! [`differences`].

mod compare;
mod expand;
mod numbers;

pub use compare::differences;
pub use numbers::Numbers;

use super::{Frame, NotationError};

/// A line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it is written, counted from 1.
    pub number: usize,
    /// What it says, its names and expressions filled in.
    pub text: String,
}

/// Something that happens at its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, in nanoseconds since the beginning.
    pub at: u64,
    /// Its number among the events as they are written, from 1.
    pub order: usize,
    /// What.
    pub line: Line,
}

impl Event {
    /// Whether it is a packet, and not words for whoever runs the trace.
    pub fn is_packet(&self) -> bool {
        let mut words = self.line.text.split_whitespace();
        let word = words.next().unwrap_or_default();
        word.starts_with('[') || words.next() == Some(">")
    }
}

/// A trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// What is said of it as a whole.
    pub heads: Vec<Line>,
    /// What happens, in order.
    pub events: Vec<Event>,
}

/// Where a text is no trace, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TraceError {
    /// The line, counted from 1.
    pub line: usize,
    /// Why.
    pub problem: TraceProblem,
}

/// Why a text is no trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceProblem {
    /// A time that is none.
    #[error("'{0}' is no time: seconds, as in 1.5, or +0.5 after the line before")]
    Time(String),
    /// `let` without a name and a text.
    #[error("a name is given as in: let scanner = 198.51.100.7")]
    Let,
    /// A name that nothing was given.
    #[error("nothing is called '${0}'")]
    Unnamed(String),
    /// An expression that cannot be worked out.
    #[error("'{{{0}}}' cannot be worked out: numbers and n, with + - * / % between them")]
    Expression(String),
    /// `repeat` without number and gap.
    #[error("a repetition begins as in: 1.0 repeat 60 every 0.5")]
    Repeat,
    /// Far more rounds than a test needs.
    #[error("more than {0} rounds")]
    TooMany(u32),
    /// A repetition that does not end, or an end of none.
    #[error("'repeat' and 'end' do not belong together here")]
    Unbalanced,
    /// A quotation of nothing.
    #[error("there is no event {0} to quote")]
    Quote(String),
    /// A packet that is none.
    #[error("{0}")]
    Packet(#[from] NotationError),
}

impl Trace {
    /// Reads a trace.
    ///
    /// # Errors
    /// Names the line, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Trace, TraceError> {
        expand::expand(text)
    }

    /// The frames, with the time of each, of a trace that no host takes part in.
    ///
    /// # Errors
    /// Names the line that is no packet, and what is wrong with it.
    pub fn frames(&self) -> Result<Vec<(u64, Frame)>, TraceError> {
        let mut numbers = Numbers::default();
        let events = self.events.iter();
        events
            .map(|event| Ok((event.at, numbers.frame(event)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests;

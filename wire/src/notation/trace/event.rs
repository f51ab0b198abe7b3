//! What a trace is made of, and why a text is none.

use crate::notation::NotationError;

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

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
//! [`differences`]: of fields, those that the line names, and after `no` those that must not be there, as in `no DF`.

mod compare;
mod event;
mod expand;
mod numbers;

pub use compare::differences;
pub use event::{Event, Line, Trace, TraceError, TraceProblem};
pub use numbers::Numbers;

use super::Frame;

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

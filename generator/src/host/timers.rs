//! Timers of a host, in order of time and then of setting.

use wire::Timestamp;

use super::socket::ProgramId;
use crate::net::pending::Pending;

/// Timers that programs have set.
#[derive(Debug, Default)]
pub struct Timers(Pending<(ProgramId, u64)>);

impl Timers {
    /// Sets one.
    pub fn set(&mut self, at: Timestamp, program: ProgramId, token: u64) {
        self.0.push(at, (program, token));
    }

    /// The time of the next.
    pub fn next(&self) -> Option<Timestamp> {
        self.0.next()
    }

    /// Takes the next that has run out by `now`.
    pub fn pop(&mut self, now: Timestamp) -> Option<(ProgramId, u64)> {
        self.0.next().filter(|at| *at <= now)?;
        self.0.pop().map(|(_, timer)| timer)
    }
}

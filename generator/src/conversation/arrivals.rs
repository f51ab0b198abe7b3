//! When the sessions of a client begin.

use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The rhythm of a client's sessions.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// Mean gap between two sessions, in nanoseconds.
    every: Option<u64>,
    /// How many there are.
    sessions: u64,
}

impl Arrivals {
    /// Reads `every` and `sessions`: one session unless said otherwise, without end where only `every` is given.
    pub fn read(fields: &mut Fields<'_, '_>) -> Arrivals {
        let every = fields.gap("every");
        let sessions = fields.number("sessions", 1..=1_000_000_000);
        Arrivals {
            every,
            sessions: sessions.unwrap_or(if every.is_some() { u64::MAX } else { 1 }),
        }
    }

    /// Nanoseconds until the session of that number, from 0, begins after the one before; `None` where there is none.
    ///
    /// Sessions that come again and again are a Poisson process from the start; a single one begins at once.
    pub fn gap(&self, number: u64, draws: &mut Draws) -> Option<u64> {
        if number >= self.sessions {
            return None;
        }
        match self.every {
            Some(mean) if self.sessions == u64::MAX || number > 0 => Some(draws.exponential(mean)),
            _ => Some(0),
        }
    }
}

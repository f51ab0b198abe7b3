//! When the sessions of a client begin.

use crate::reading::fields::Fields;
use crate::seed::Draws;

/// Least mean gap between two sessions of a host, in nanoseconds.
const LEAST_EVERY: u64 = 100_000;

/// More sessions than these do not begin at one moment.
const MOST_AT_ONCE: u64 = 10_000;

/// The rhythm of a client's sessions.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// Mean gap between two sessions, in nanoseconds.
    every: Option<u64>,
    /// How many there are.
    sessions: u64,
    /// Whether the gap is always the same, as a timer's; else sessions come at random.
    regular: bool,
    /// How long, on average, it waits before it connects again when a connection fails, in nanoseconds.
    reconnect: Option<u64>,
    /// How often it does so.
    reconnects: u64,
}

impl Arrivals {
    /// Reads `every`, `rhythm`, `sessions`, `reconnect` and `reconnects`: one session unless said otherwise, without end where only `every` is given.
    pub fn read(fields: &mut Fields<'_, '_>) -> Arrivals {
        let every = fields.gap("every");
        if every.is_some_and(|every| every < LEAST_EVERY) {
            let origin = fields.origin().clone();
            fields.mistake(
                &origin,
                "every: at least 100us between two sessions of one host; run it from more hosts for more",
            );
        }
        let every = every.map(|every| every.max(LEAST_EVERY));
        let sessions = fields.number("sessions", 1..=1_000_000_000);
        if every.is_none() && sessions.is_some_and(|sessions| sessions > MOST_AT_ONCE) {
            let origin = fields.origin().clone();
            fields.mistake(
                &origin,
                format!(
                    "sessions: more than {MOST_AT_ONCE} need 'every': without it all of them begin at once"
                ),
            );
        }
        let rhythms = [("random", false), ("regular", true)];
        Arrivals {
            regular: fields.choice("rhythm", &rhythms).unwrap_or(false),
            reconnect: fields.duration("reconnect"),
            reconnects: fields.number("reconnects", 1..=1_000).unwrap_or(5),
            every,
            sessions: sessions.unwrap_or(if every.is_some() { u64::MAX } else { 1 }),
        }
    }

    /// Whether what fails is tried again.
    pub fn tries_again(&self) -> bool {
        self.reconnect.is_some()
    }

    /// Nanoseconds until a connection is tried again that has failed so often; `None` where that is not done any more.
    pub fn again(&self, failures: u64, draws: &mut Draws) -> Option<u64> {
        let wait = self.reconnect.filter(|_| failures <= self.reconnects)?;
        // Half of it always, so that nobody hammers.
        Some(wait / 2 + draws.exponential(wait / 2))
    }

    /// Nanoseconds until the session of that number, from 0, begins after the one before; `None` where there is none.
    ///
    /// Sessions that come again and again are a Poisson process from the start; a single one begins at once.
    pub fn gap(&self, number: u64, draws: &mut Draws) -> Option<u64> {
        if number >= self.sessions {
            return None;
        }
        match self.every {
            Some(gap) if self.regular => Some(match draws.pinned() {
                Some(pinned) => pinned,
                // The first beat falls anywhere within a period.
                None if number == 0 && self.sessions == u64::MAX => draws.range(0..=gap),
                None if number == 0 => 0,
                None => gap,
            }),
            Some(mean) if self.sessions == u64::MAX || number > 0 => Some(draws.exponential(mean)),
            _ => Some(0),
        }
    }
}

//! Questions over connections that wait for their answer, for rules that count what a service refuses: a sensor may miss
//! the answer.

/// Connections that are remembered at a time; the oldest makes room.
const MOST: usize = 16;

/// Questions that are open, by the port from which they came.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    open: Vec<(u16, u8)>,
}

impl Asking {
    /// Somebody asks, having said so much; whether he had asked before over the same connection, without an answer.
    pub(crate) fn ask(&mut self, sport: u16, said: u8) -> bool {
        let before = self.answer(sport).is_some();
        if self.open.len() >= MOST {
            self.open.remove(0);
        }
        self.open.push((sport, said));
        before
    }

    /// The answer; how much had been said with the question, if one was open.
    pub(crate) fn answer(&mut self, sport: u16) -> Option<u8> {
        let at = self.open.iter().position(|(port, _)| *port == sport)?;
        Some(self.open.remove(at).1)
    }

    /// The end of a connection over which so much was said: whether a question was open, and nothing was said after it
    /// but to take leave.
    pub(crate) fn end(&mut self, sport: u16, said: u8) -> bool {
        self.answer(sport)
            .is_some_and(|then| said.saturating_sub(then) <= 1)
    }
}

//! Answers whose questions the sensor has not caught.
//!
//! A sensor that loses frames, or keeps one in so many, sees questions without answers and answers without questions,
//! about as many of the one as of the other. Then that nobody answers says nothing. A scanner's questions are unanswered
//! because nobody does; what answers it now and then is met by its question.

use super::State;
use super::table::{Keep, Table};
use crate::address::Address;
use crate::news::Outcome;

/// Fewer are chance: a line that loses some frames loses some of the questions.
const FEW: u16 = 2;

/// One asker's questions to one port of whomever.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// Answers without a question, with data or consent: who refuses answers a scanner as well.
    answers: u16,
    /// Questions without an answer since the first of these.
    silent: u16,
}

impl Keep for Account {}

/// All askers, by what they ask for; port 0 is an echo.
pub(super) struct Missed {
    accounts: Table<(Address, u16), Account>,
}

impl Missed {
    pub(super) fn new(capacity: usize) -> Self {
        Missed {
            accounts: Table::new(capacity),
        }
    }
}

impl State {
    /// An answer to nothing, which says yes.
    pub(super) fn unasked(&mut self, asker: Address, (target, port): (Address, u16)) {
        // Who had turned to that host has done so again, and the sensor has missed it.
        if self.pair(asker, target).opened.is_some() {
            self.sides.lost = self.sides.lost.saturating_add(1);
        }
        let accounts = &mut self.missed.accounts;
        let (account, _) = accounts.get_or_insert_with((asker, port), Account::default);
        account.answers = account.answers.saturating_add(1);
    }

    /// Whether this sensor misses so much that silence says nothing.
    pub(crate) fn misses_much(&self) -> bool {
        self.sides.is_lossy()
    }

    /// Whether an attempt that led to nothing is one of those whose answers the sensor has missed.
    pub(super) fn is_missed(&mut self, asker: Address, port: u16, outcome: Outcome) -> bool {
        if self.sides.is_lossy() {
            return !matches!(outcome, Outcome::Refused | Outcome::Unreachable);
        }
        if outcome != Outcome::Silent {
            return false;
        }
        let Some(account) = self.missed.accounts.get_mut(&(asker, port)) else {
            return false;
        };
        account.silent = account.silent.saturating_add(1);
        account.answers >= FEW && account.answers.saturating_mul(2) >= account.silent
    }
}

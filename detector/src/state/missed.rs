//! Answers whose questions the sensor has not caught.
//!
//! A sensor that loses frames, or keeps one in so many, sees questions without answers and answers without questions,
//! about as many of the one as of the other. Then that nobody answers says nothing. A scanner's questions are unanswered
//! because nobody does; what answers it now and then is met by its question. Data of a connection whose beginning was not
//! seen counts as an answer. A sample has the shares of the whole: who is seen to ask, and hardly ever to be answered, is not.

use super::table::{Keep, Table};
use crate::address::Address;

/// Fewer are chance: a line that loses some frames loses some of the questions.
const FEW: u16 = 2;

/// One asker's questions to one port of whomever, or all of his.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// Answers without a question, with data or consent: who refuses answers a scanner as well.
    answers: u16,
    /// Questions without an answer since the first of these.
    silent: u16,
}

impl Account {
    /// Whether as many answers lack their questions as questions lack their answers, chance aside.
    fn balances(self) -> bool {
        self.answers.saturating_mul(2) >= self.silent
    }
}

impl Keep for Account {}

/// All askers, by what they ask for; port 0 is an echo. Where the sensor keeps one frame in so many, also whatever they ask
/// for.
pub(super) struct Missed {
    accounts: Table<(Address, Option<u16>), Account>,
}

impl Missed {
    pub(super) fn new(capacity: usize) -> Self {
        Missed {
            accounts: Table::new(capacity),
        }
    }

    /// An answer to nothing, which says yes.
    pub(super) fn answered(&mut self, asker: Address, port: Option<u16>) {
        let (account, _) = self
            .accounts
            .get_or_insert_with((asker, port), Account::default);
        account.answers = account.answers.saturating_add(1);
    }

    /// A question without an answer: whether it is one of those whose answers were missed.
    pub(super) fn silent(&mut self, asker: Address, port: Option<u16>) -> bool {
        let Some(account) = self.accounts.get_mut(&(asker, port)) else {
            return false;
        };
        account.silent = account.silent.saturating_add(1);
        account.answers >= FEW && account.balances()
    }

    /// How often the asker was answered, whatever he asked for, if that is about as often as not.
    pub(super) fn answers(&self, asker: Address) -> usize {
        let account = self.accounts.peek(&(asker, None));
        let account = account.filter(|account| account.balances());
        account.map_or(0, |account| usize::from(account.answers))
    }
}

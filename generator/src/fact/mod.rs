//! Facts: what holds in a scenario's captures for every seed, as a sentence and a check.
//!
//! A check is read once ([`parse`]) and looked at in a capture ([`check`]) whose frames answer by the names of Wireshark's
//! display filters ([`field`]). `kind` tells captures apart that differ in more
//! than pace and addresses; [`tshark`] says the same filter in tshark's words, where it has them, for a second opinion.
//! The language is described in `docs/src/reference/facts.md`.

pub mod check;
mod evaluate;
pub mod field;
mod kind;
mod lexer;
pub mod parse;
pub mod tshark;
pub mod value;

use crate::reading::error::Origin;

pub use check::{Capture, Outcome};
pub use parse::Check;
pub use value::Names;

/// A fact of a scenario.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The sentence.
    pub say: String,
    /// The check, as it is written and as it is read.
    pub check: (String, Check),
    /// The sensor in whose capture it holds; without one, in that of each.
    pub at: Option<String>,
    /// Where it is written.
    pub origin: Origin,
}

impl Fact {
    /// Whether it holds in a capture.
    ///
    /// # Errors
    /// What does not hold, with the frames that show it, or a name that the scenario does not have.
    pub fn holds(&self, capture: &Capture, names: &Names) -> Outcome {
        check::hold(&self.check.1, capture, names)
    }
}

//! @WORDS@: what it finds, in one sentence.
//!
//! # What
//! The behaviour: who does what to whom.
//!
//! # Why these facts
//! Why who does this does it, and who else does what looks the same.
//!
//! # Evidence
//! What a finding shows.
//!
//! # Blind spots
//! What escapes it, and what it takes for this.
//!
//! # References
//! RFC or document, section.

use crate::config::Config;
use crate::contract::Rule;
use crate::docket::Closing;
use crate::news::{Moment, News, NewsKinds};
use crate::report::Findings;
use crate::state::State;

/// The rule.
pub(super) struct @TYPE@;

impl @TYPE@ {
    pub(super) fn new(_config: &Config) -> Self {
        @TYPE@
    }
}

impl Rule for @TYPE@ {
    fn name(&self) -> &'static str {
        "@WORDS@"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[])
    }

    fn hear(&mut self, _: &News, _: Moment, _: &mut State, _: &mut Findings) {}

    fn close(&mut self, _: Closing, _: &mut State, _: &mut Findings) {}

    fn evicted(&self) -> u64 {
        0
    }
}

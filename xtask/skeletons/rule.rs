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

use super::Rule;
use crate::config::Config;
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

#[cfg(test)]
mod tests {
    use crate::trace::classes;

    // Beside it: what it must find, a case just below its threshold, and one with loss or reordering.
    #[test]
    fn its_lookalike_is_passed_over() {
        let lines = "0.0 192.0.2.5:40000 > 198.51.100.9:443 S
                     0.1 198.51.100.9:443 > 192.0.2.5:40000 S.
                     0.2 192.0.2.5:40000 > 198.51.100.9:443 .
                     0.3 192.0.2.5:40000 > 198.51.100.9:443 P. len 5";
        assert!(classes(lines).is_empty());
    }
}

//! What a rule is.

use crate::docket::Closing;
use crate::news::{Moment, News, NewsKinds};
use crate::report::Findings;
use crate::state::State;

/// One family of behaviours.
///
/// A rule hears what the state has learnt, of the kinds of [`News`] that it subscribes to, keeps its own capped table of
/// cases, says when a case has become a claim, and hands a finding out when a case has been quiet for long, or at the
/// end. It may mark a service as flooded, a source as scanning or walking, or a pair as traced, so that the state treats
/// their packets accordingly; it changes nothing else.
pub(crate) trait Rule {
    /// Name, for counters.
    fn name(&self) -> &'static str;

    /// The kinds of news it subscribes to.
    fn hears(&self) -> NewsKinds;

    /// Hears one piece of news.
    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings);

    /// Hands out the findings of cases that are over.
    fn close(&mut self, closing: Closing, state: &mut State, findings: &mut Findings);

    /// Cases that had to make room.
    fn evicted(&self) -> u64;
}

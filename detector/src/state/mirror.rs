//! Questions that are known by their answers alone.

use super::sides::{Answered, Mirror};
use super::{Outbox, State};
use crate::news::{Attempt, News, is_near, is_untouched};
use crate::observe::{Fault, Quoted};

/// Answers that are kept until it is known whether the sensor sees one side.
const DEFERRED: usize = 1024;
/// Questions with answers from which on it is known that it sees both.
const BOTH_SHOWN: u32 = 8;

impl State {
    /// An answer whose question this sensor may be unable to see: whether it was taken for that.
    pub(super) fn mirror(
        &mut self,
        attempt: Attempt,
        what: Mirror,
        ttl: u8,
        news: &mut Outbox,
    ) -> bool {
        let beside = is_untouched(ttl) || self.is_home(attempt.target);
        if !beside && !is_near(ttl) {
            return false;
        }
        let answered = self
            .answered
            .get_or_insert_with(attempt.target, Answered::default)
            .0;
        if !answered.takes(attempt.source) {
            return false;
        }
        self.sides.answers = self.sides.answers.saturating_add(u32::from(beside));
        if !self.sides.is_one() {
            if self.sides.both < BOTH_SHOWN && self.deferred.len() < DEFERRED {
                self.deferred.push((attempt, what));
            }
            return false;
        }
        for (attempt, what) in std::mem::take(&mut self.deferred) {
            self.mirrored(attempt, what, news);
        }
        self.mirrored(attempt, what, news);
        true
    }

    pub(super) fn mirrored(&mut self, attempt: Attempt, what: Mirror, news: &mut Outbox) {
        match what {
            Mirror::Accepted => {
                self.pairs
                    .was_opened(attempt.source, attempt.target, attempt.opened);
                news.tell(News::Opening(attempt));
            }
            Mirror::Settled(outcome) => {
                news.tell(News::Opening(attempt));
                self.settle(attempt, outcome, news);
            }
            Mirror::Unwanted => {
                news.tell(News::Opening(attempt));
                news.tell(News::Complained {
                    fault: Fault::Port,
                    speaker: attempt.target,
                    to: attempt.source,
                    quoted: Quoted::Udp,
                    sport: Some(attempt.sport),
                    receiver: (attempt.target, attempt.dport),
                    known: true,
                });
            }
            Mirror::Reset => {
                news.tell(News::Stray(attempt));
                news.tell(News::StrayReset(attempt));
            }
            Mirror::Echoed => {
                news.tell(News::Opening(attempt));
                news.tell(News::Fruitful(attempt));
            }
        }
    }
}

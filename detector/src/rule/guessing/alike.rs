//! Refused logins inside TLS, by lengths alone.

use wire::Timestamp;

use super::limits::Limits;
use crate::news::Attempt;
use crate::state::Sealed;

/// Ports of services at which one logs in inside TLS: FTP and mail that is read or handed in. Not the web, whose clients ask
/// and are answered in few words all day, nor exchangers of mail, who log in nowhere.
const SERVICES: [u16; 8] = [21, 110, 143, 465, 587, 990, 993, 995];
/// What a client says inside TLS until it is refused: who it is or what the server can, a mechanism, a password, good-bye.
const MOST_TURNS: u8 = 4;
/// All of that is shorter than a mail, in bytes.
const MOST_ASKED: u32 = 300;
/// And so is each answer: servers of mail say to who is let in what he may do now, or what there is for him.
const LONGEST_ANSWER: u32 = 200;

/// Sessions inside TLS, one after the other, that were answered alike to the byte.
#[derive(Clone, Copy, Default)]
pub(super) struct Alike {
    asked: u32,
    answered: u32,
    /// When the latest ended.
    ended: Timestamp,
    tries: u32,
    /// How often what was asked was of another length than in the session before, as passwords are.
    lengths: u32,
}

impl Alike {
    /// Takes in a session that may have been refused.
    pub(super) fn add(&mut self, sealed: &Sealed, now: Timestamp, limits: &Limits) {
        let goes_on = self.answered == sealed.answered
            && now.nanos_since(self.ended) <= limits.hidden_within.nanos();
        if !goes_on && self.shown(limits) == 0 {
            *self = Alike::default();
        } else if self.asked != sealed.asked {
            self.lengths += 1;
        }
        self.tries += tries(sealed);
        (self.asked, self.answered, self.ended) = (sealed.asked, sealed.answered, now);
    }

    /// As many tries as they show; none while they are too few to show any.
    pub(super) fn shown(&self, limits: &Limits) -> u32 {
        let shows = self.tries >= limits.hidden && self.lengths >= limits.hidden_lengths;
        if shows { self.tries } else { 0 }
    }
}

/// A challenge and what is said of its solution are two answers that come again.
fn tries(sealed: &Sealed) -> u32 {
    1 + u32::from(sealed.again) / 2
}

/// Whether a session says inside TLS what it says of a login.
pub(super) fn hides(attempt: &Attempt) -> bool {
    SERVICES.contains(&attempt.dport)
        && (attempt.sealed).is_some_and(|sealed| sealed.questions() > 0)
}

/// Whether what passed inside TLS may be refused logins and nothing else.
pub(super) fn may_be_refused(sealed: &Sealed) -> bool {
    sealed.turns() <= MOST_TURNS
        && sealed.asked <= MOST_ASKED * tries(sealed)
        && sealed.longest <= LONGEST_ANSWER
}

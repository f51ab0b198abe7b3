//! Whether the sensor sees both sides of what is said, and what an answer alone says where it does not.

use super::table::Keep;
use crate::address::Address;
use crate::news::Outcome;

/// Whether the sensor sees both directions. Hosts of one segment may talk among each other past a sensor that sees one
/// direction of the line; where some answers are lost, most are not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sides {
    /// Answers that were seen to questions that were seen.
    pub(super) both: u32,
    /// Connections that went on though no answer was seen.
    pub(super) one: u32,
    /// Answers, by hosts beside the sensor, to questions that it should have seen.
    pub(super) answers: u32,
    /// Lookups that nobody answered, the first who made one, and whether others did.
    unheard: u32,
    asker: Option<Address>,
    several: bool,
    /// Answers without a question between two who had turned to each other before.
    pub(super) lost: u32,
    /// Data that goes on where its sender had come to, and data before which something is missing.
    whole: u32,
    gaps: u32,
}

impl Sides {
    /// The sensor has shown that it sees what one side sends, and nothing else.
    pub(super) fn is_one(self) -> bool {
        // A few answers stand at the beginning of any capture, or their questions were lost.
        const FEW: u32 = 4;
        // Several hosts ask servers of names or time, and nobody is ever answered.
        let deaf = self.both == 0 && self.several && self.unheard >= FEW;
        deaf || self.one.saturating_add(self.answers / FEW) > self.both / 2
    }

    /// The sensor has shown that it misses more questions than it sees, though it sees both sides: it keeps one frame in so
    /// many. Then most of what goes on has gaps.
    pub(super) fn is_lossy(self) -> bool {
        const FEW: u32 = 4;
        let lost = self.lost >= FEW && self.lost > self.both;
        let gaps = self.gaps >= FEW && self.gaps > self.whole;
        gaps || lost && self.whole / FEW <= self.gaps
    }

    /// Something that was said is missing.
    pub(super) fn has_gaps(self) -> bool {
        self.gaps > 0
    }

    /// Something was missed that this sensor should have seen.
    pub(super) fn misses_some(self) -> bool {
        self.lost > 0 || self.gaps > 0
    }

    /// Data came, behind what its sender had said before or not.
    #[inline]
    pub(super) fn follow(&mut self, goes_on: bool) {
        let count = if goes_on {
            &mut self.whole
        } else {
            &mut self.gaps
        };
        *count = count.saturating_add(1);
    }

    /// A lookup was not answered.
    pub(super) fn missed(&mut self, asker: Address) {
        self.unheard = self.unheard.saturating_add(1);
        self.several |= *self.asker.get_or_insert(asker) != asker;
    }
}

/// Whom a host beside the sensor has answered that was not seen asking.
#[derive(Clone, Debug, Default)]
pub(super) struct Answered {
    askers: Vec<Address>,
}

impl Keep for Answered {}

impl Answered {
    /// Whether that can be one more asker. Who "answers" ever others has been asked by none of them: they were forged, or
    /// nobody asked.
    pub(super) fn takes(&mut self, asker: Address) -> bool {
        const MOST: usize = 16;
        let known = self.askers.contains(&asker);
        if !known && self.askers.len() < MOST {
            self.askers.push(asker);
            return true;
        }
        known
    }
}

/// What an answer alone says of its question, once the sensor is known to see one side.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mirror {
    /// It was accepted.
    Accepted,
    /// It led to nothing.
    Settled(Outcome),
    /// It was no question, but an answer that the host had not asked for, and refused.
    Unwanted,
    /// A segment of no connection drew a reset.
    Reset,
    /// An echo was answered.
    Echoed,
}

//! A look at all that a run would send, before anything is sent.
//!
//! It takes the same way through rewriting and guard as the run itself. What is refused is refused here, while the
//! wire is still silent.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use rewrite::Counts;
use wire::capture::CaptureError;
use wire::{Layers, LinkType, Timestamp};

use crate::batch::Batch;
use crate::error::ReplayError;
use crate::feed::{Feed, Plan, Share, Source};
use crate::guard::{Control, Guard, Limits};
use crate::pace::Steps;
use crate::statistics::{Tally, share};

/// Pairs of addresses that are told apart.
const MAX_PAIRS: usize = 10_000;

/// What a run would send.
#[derive(Debug)]
pub struct Survey {
    /// Frames of the capture that all passes would take if they were not bounded, or at least more than the bound.
    pub wanted: u64,
    /// Frames that would be sent, in all passes, and their bytes.
    pub planned: Tally,
    /// How long those would take that the bound on frames lets through.
    pub duration: Duration,
    /// The first time stamp of the capture.
    pub first: Option<Timestamp>,
    /// The longest frame, in bytes.
    pub longest: usize,
    /// What time stamps were met.
    pub steps: Steps,
    /// What rewriting would do in a pass.
    pub rewriting: Counts,
    /// Frames by which networks are run, by kind, in a pass.
    pub control: BTreeMap<Control, u64>,
    /// Whether this machine would answer any of the frames.
    pub answered: bool,
    /// Where the capture is cut short or damaged, if it is.
    pub cut: Option<CaptureError>,
    /// Who would speak to whom in the first pass; by source and destination.
    pub pairs: BTreeMap<(IpAddr, IpAddr), Tally>,
    /// Frames of further pairs, and of none.
    pub others: Tally,
}

impl Survey {
    /// Goes through the capture once.
    ///
    /// # Errors
    /// The first frame that the guard refuses or that cannot be rewritten, and a capture that cannot be read at all.
    pub fn take(
        source: &dyn Source,
        plan: &Plan,
        guard: &Guard,
        limits: &Limits,
    ) -> Result<Survey, ReplayError> {
        let once = Plan {
            passes: 1,
            ..plan.clone()
        };
        let mut feed = Feed::new(source, &once, guard, limits, Share::ALL)?.looking();
        let mut counting = Counting::default();
        let mut batch = Batch::default();
        loop {
            feed.fill(&mut batch);
            if batch.is_empty() {
                break;
            }
            counting.count(&batch, guard);
        }
        let fed = feed.into_outcome();
        let cut = match fed.failure {
            None => None,
            Some(ReplayError::Capture(cut)) => Some(cut),
            Some(other) => return Err(other),
        };
        // What is cut is not read a second time.
        let wanted = fed.taken + u64::from(fed.bounded);
        let passes = if cut.is_some() { 1 } else { plan.passes };
        Ok(Survey {
            wanted: wanted.saturating_mul(u64::from(passes)),
            planned: counting.planned(passes, fed.taken, limits),
            duration: counting.duration(passes, plan.pause, fed.taken, limits),
            first: fed.first,
            longest: counting.longest,
            steps: fed.steps,
            rewriting: fed.rewriting,
            control: fed.control,
            answered: counting.answered,
            cut,
            pairs: counting.pairs,
            others: counting.others,
        })
    }
}

#[derive(Default)]
struct Counting {
    once: Tally,
    last_due: u64,
    longest: usize,
    answered: bool,
    pairs: BTreeMap<(IpAddr, IpAddr), Tally>,
    others: Tally,
}

impl Counting {
    fn count(&mut self, batch: &Batch, guard: &Guard) {
        let frames = batch.front(batch.len());
        for frame in frames.iter() {
            self.once.add(frame.len());
            self.longest = self.longest.max(frame.len());
            self.answered = self.answered || guard.is_answered(frame);
            self.pair(frame).add(frame.len());
        }
        self.last_due = frames.origins().last().map_or(0, |origin| origin.due);
    }

    fn pair(&mut self, frame: &[u8]) -> &mut Tally {
        let addresses = Layers::decode(LinkType::ETHERNET, frame).addresses();
        let full = self.pairs.len() >= MAX_PAIRS;
        match addresses {
            Some(pair) if !full || self.pairs.contains_key(&pair) => {
                self.pairs.entry(pair).or_default()
            }
            _ => &mut self.others,
        }
    }

    /// All passes, as far as the bound on frames lets them through.
    fn planned(&self, passes: u32, taken: u64, limits: &Limits) -> Tally {
        let all = |once: u64| once.saturating_mul(u64::from(passes));
        let wanted = Tally {
            frames: all(self.once.frames),
            bytes: all(self.once.bytes),
        };
        match all(taken) {
            whole if whole > limits.frames => wanted.share(limits.frames, whole),
            _ => wanted,
        }
    }

    /// From the first frame to the last: all passes, with a mean gap between them, as far as the bound on frames lets
    /// them through.
    fn duration(
        &self,
        passes: u32,
        pause: Option<Duration>,
        taken: u64,
        limits: &Limits,
    ) -> Duration {
        let gap = self.last_due / self.once.frames.saturating_sub(1).max(1);
        let gap = pause.map_or(gap, |pause| {
            u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX)
        });
        let between = gap.saturating_mul(u64::from(passes.saturating_sub(1)));
        let within = self.last_due.saturating_mul(u64::from(passes));
        let whole = within.saturating_add(between);
        Duration::from_nanos(match taken.saturating_mul(u64::from(passes)) {
            all if all > limits.frames => share(whole, limits.frames, all),
            _ => whole,
        })
    }
}

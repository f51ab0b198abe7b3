//! Finding the few events that an alert may fit, among a hundred thousand.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use indexmap::IndexMap;
use labels::{AddressBlock, EventId, Truth};

use crate::alert::Alert;
use crate::blocks::Lengths;
use crate::frames::Frames;
use crate::matching::{Strength, Subject, When};
use crate::spans::Spans;

/// A capture's flows by Community ID, and the events that each belongs to.
pub type Flows = BTreeMap<String, Vec<EventId>>;

/// As many events are looked through sooner than it is found out whether the other side has fewer.
const SHORT: usize = 16;

/// A capture's events by frame, flow, address and time.
#[derive(Debug)]
pub(crate) struct Index<'a> {
    pub(crate) frames: Frames,
    places: BTreeMap<EventId, u32>,
    flows: &'a Flows,
    lengths: Lengths,
    by_address: IndexMap<AddressBlock, Spans>,
    /// Events of which the truth leaves either sources or targets open: a pair finds them by one address only.
    half_open: Spans,
    all: Spans,
}

impl<'a> Index<'a> {
    pub(crate) fn new(truth: &Truth, subjects: &[Subject<'_>], flows: &'a Flows) -> Index<'a> {
        let mut places = BTreeMap::new();
        let mut lengths = Lengths::default();
        let mut times: IndexMap<AddressBlock, Vec<(i64, i64, u32)>> = IndexMap::new();
        let mut half_open = Vec::new();
        let mut all = Vec::new();
        for (subject, place) in subjects.iter().zip(0u32..) {
            let time = (subject.from, subject.until, place);
            // A truth that names an id twice gives its frames to the first bearer.
            places.entry(subject.event.id).or_insert(place);
            all.push(time);
            if subject.is_half_open() {
                half_open.push(time);
            }
            for block in subject.addresses() {
                lengths.add(&block);
                times.entry(block).or_default().push(time);
            }
        }
        Index {
            frames: Frames::new(&truth.frames, &places),
            places,
            flows,
            lengths,
            by_address: (times.into_iter())
                .map(|(block, times)| (block, Spans::new(times)))
                .collect(),
            half_open: Spans::new(half_open),
            all: Spans::new(all),
        }
    }

    /// The events that the alert's strongest evidence points at, each once, and that evidence. Time and transport,
    /// and for addresses their roles, are still to be checked.
    pub(crate) fn candidates(&self, alert: &Alert, when: When) -> (Strength, Vec<u32>) {
        let (strength, mut found) = self
            .by_frame(alert)
            .or_else(|| self.by_flow(alert))
            .unwrap_or_else(|| self.by_name(alert, when));
        found.sort_unstable();
        found.dedup();
        (strength, found)
    }

    fn by_frame(&self, alert: &Alert) -> Option<(Strength, Vec<u32>)> {
        let mut known = (alert.frames.iter())
            .filter(|frame| self.frames.holds(**frame))
            .peekable();
        known.peek()?;
        let found = known.filter_map(|frame| self.frames.event_of(*frame));
        Some((Strength::Frame, found.collect()))
    }

    fn by_flow(&self, alert: &Alert) -> Option<(Strength, Vec<u32>)> {
        let flow = alert.community_id.as_ref()?;
        if self.flows.is_empty() {
            return None;
        }
        let ids = self.flows.get(flow).into_iter().flatten();
        let found = ids.filter_map(|id| self.places.get(id).copied());
        Some((Strength::CommunityId, found.collect()))
    }

    fn by_name(&self, alert: &Alert, when: When) -> (Strength, Vec<u32>) {
        let (from, until) = when.reach();
        let mut found = Vec::new();
        let mut take = |event| {
            found.push(event);
            ControlFlow::Continue(())
        };
        let (strength, lists) = match (alert.sources.is_empty(), alert.targets.is_empty()) {
            (true, true) => return (Strength::Weak, self.alone(when)),
            (true, false) => (Strength::Address, self.lists(&alert.targets)),
            (false, true) => (Strength::Address, self.lists(&alert.sources)),
            (false, false) => {
                let _ = (self.half_open).overlapping(from, until, &mut take);
                (Strength::Pair, self.shorter_lists(alert))
            }
        };
        for list in lists {
            let _ = list.overlapping(from, until, &mut take);
        }
        (strength, found)
    }

    /// Both sides of a pair must fit: the one with fewer events finds them all but the half-open.
    fn shorter_lists(&self, alert: &Alert) -> Vec<&Spans> {
        let size = |lists: &[&Spans]| lists.iter().map(|list| list.len()).sum::<usize>();
        let sources = self.lists(&alert.sources);
        if size(&sources) <= SHORT {
            return sources;
        }
        let targets = self.lists(&alert.targets);
        if size(&sources) <= size(&targets) {
            sources
        } else {
            targets
        }
    }

    /// The events of each address and block that covers one of `blocks`.
    fn lists(&self, blocks: &[AddressBlock]) -> Vec<&Spans> {
        let covering = blocks.iter().flat_map(|block| self.lengths.covering(block));
        covering
            .filter_map(|block| self.by_address.get(&block))
            .collect()
    }

    /// The event under way by all that the alert says of time, where there is exactly one.
    fn alone(&self, when: When) -> Vec<u32> {
        let (from, until) = when.reach();
        let mut found = Vec::new();
        let _ = self.all.overlapping(from, until, &mut |event| {
            found.push(event);
            if found.len() > 1 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if found.len() == 1 { found } else { Vec::new() }
    }
}

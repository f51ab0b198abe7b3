//! The frames of a capture: whose each is, and how far an event had come at each.

use std::collections::BTreeMap;

use labels::{EventId, FrameRuns};

/// A run of frames of one event.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Number of its first frame, from 1.
    first: u64,
    /// Number of its last frame.
    last: u64,
    /// The event's place in the truth; `None` for background.
    event: Option<u32>,
}

/// Whose each frame is.
#[derive(Debug)]
pub(crate) struct Frames(Vec<Run>);

impl Frames {
    /// The frames of a capture whose events have these places.
    pub(crate) fn new(runs: &FrameRuns, places: &BTreeMap<EventId, u32>) -> Frames {
        let mut last = 0u64;
        let runs = runs.runs().filter(|(_, count)| *count > 0);
        Frames(
            runs.map(|(id, count)| {
                let first = last.saturating_add(1);
                last = last.saturating_add(count);
                let event = id.and_then(|id| places.get(&id).copied());
                Run { first, last, event }
            })
            .collect(),
        )
    }

    /// Whether the capture holds a frame of that number.
    pub(crate) fn holds(&self, frame: u64) -> bool {
        frame >= 1 && self.0.last().is_some_and(|run| frame <= run.last)
    }

    /// The event of that frame.
    pub(crate) fn event_of(&self, frame: u64) -> Option<u32> {
        let place = self.0.partition_point(|run| run.last < frame);
        self.0.get(place).filter(|_| frame >= 1)?.event
    }

    /// The first and the last frame of each of `count` events.
    pub(crate) fn extents(&self, count: usize) -> Vec<Option<[u64; 2]>> {
        let mut extents: Vec<Option<[u64; 2]>> = vec![None; count];
        for run in &self.0 {
            let Some(extent) = run.event.and_then(|event| extents.get_mut(event as usize)) else {
                continue;
            };
            let first = extent.map_or(run.first, |[first, _]| first);
            *extent = Some([first, run.last]);
        }
        extents
    }

    /// For each question `(frame, event)`, how many of the event's frames the capture holds up to that frame. One
    /// walk over the capture answers them all.
    pub(crate) fn ranks(&self, questions: &[(u64, u32)], count: usize) -> Vec<u64> {
        let mut order: Vec<usize> = (0..questions.len()).collect();
        order.sort_by_key(|at| questions.get(*at).copied());
        let mut passed = vec![0u64; count];
        let mut answers = vec![0u64; questions.len()];
        let mut order = order.into_iter().peekable();
        let last = Run {
            first: u64::MAX,
            last: u64::MAX,
            event: None,
        };
        for run in self.0.iter().chain([&last]) {
            while let Some(at) = order.peek().copied() {
                let Some((frame, event)) = questions.get(at).copied() else {
                    break;
                };
                if frame > run.last {
                    break;
                }
                order.next();
                let within = if run.event == Some(event) {
                    (frame + 1).saturating_sub(run.first)
                } else {
                    0
                };
                let before = passed.get(event as usize).copied().unwrap_or(0);
                if let Some(answer) = answers.get_mut(at) {
                    *answer = before + within;
                }
            }
            if let Some(passed) = run.event.and_then(|event| passed.get_mut(event as usize)) {
                *passed += run.last - run.first + 1;
            }
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames 1 and 2 background, 3 to 5 event 0, 6 event 1, 7 and 8 event 0.
    fn frames() -> Frames {
        let ids = [0, 0, 7, 7, 7, 9, 7, 7];
        let mut runs = FrameRuns::default();
        for id in ids {
            runs.push((id != 0).then_some(EventId(id)));
        }
        Frames::new(&runs, &BTreeMap::from([(EventId(7), 0), (EventId(9), 1)]))
    }

    #[test]
    fn each_frame_has_its_event() {
        let owners: Vec<_> = (0..=9).map(|frame| frames().event_of(frame)).collect();
        let (no, a, b) = (None, Some(0), Some(1));
        assert_eq!(owners, [no, no, no, a, a, a, b, a, a, no]);
        assert!(frames().holds(8) && !frames().holds(9) && !frames().holds(0));
    }

    #[test]
    fn extents_run_from_the_first_to_the_last_frame() {
        assert_eq!(frames().extents(2), [Some([3, 8]), Some([6, 6])]);
    }

    #[test]
    fn ranks_count_an_events_own_frames() {
        let questions = [(8, 0), (2, 0), (3, 0), (6, 0), (5, 1), (6, 1), (99, 1)];
        assert_eq!(frames().ranks(&questions, 2), [5, 0, 1, 3, 0, 1, 1]);
    }
}

//! Which events are under way at a given time: a static interval tree.
//!
//! Entries are sorted by start; the middle of each range also knows how far its range reaches. A query leaves out
//! whole ranges that ended before it, so that one event as long as its capture does not make every query walk all
//! the others. Source: Cormen et al., "Introduction to Algorithms", interval trees, here without pointers.

use std::ops::ControlFlow;

/// One event's time in the tree.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: i64,
    end: i64,
    /// The latest end in the range whose middle this is.
    reach: i64,
    event: u32,
}

/// The times of some events.
#[derive(Debug, Default)]
pub(crate) struct Spans(Vec<Span>);

impl Spans {
    /// The tree of `(start, end, event)`, ends included.
    pub(crate) fn new(times: impl IntoIterator<Item = (i64, i64, u32)>) -> Spans {
        let mut spans: Vec<Span> = times
            .into_iter()
            .map(|(start, end, event)| Span {
                start,
                end,
                reach: end,
                event,
            })
            .collect();
        spans.sort_unstable_by_key(|span| (span.start, span.event));
        reach(&mut spans);
        Spans(spans)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Shows `see` each event that shares a moment with `from..=until`, until it breaks off.
    pub(crate) fn overlapping(
        &self,
        from: i64,
        until: i64,
        see: &mut impl FnMut(u32) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        descend(&self.0, from, until, see)
    }
}

/// Sets `reach` throughout, and returns that of the whole range.
fn reach(spans: &mut [Span]) -> i64 {
    let (left, rest) = spans.split_at_mut(spans.len() / 2);
    let Some((middle, right)) = rest.split_first_mut() else {
        return i64::MIN;
    };
    middle.reach = middle.end.max(reach(left)).max(reach(right));
    middle.reach
}

fn descend(
    spans: &[Span],
    from: i64,
    until: i64,
    see: &mut impl FnMut(u32) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let (left, rest) = spans.split_at(spans.len() / 2);
    let Some((middle, right)) = rest.split_first() else {
        return ControlFlow::Continue(());
    };
    if middle.reach < from {
        return ControlFlow::Continue(());
    }
    descend(left, from, until, see)?;
    if middle.start > until {
        return ControlFlow::Continue(());
    }
    if middle.end >= from {
        see(middle.event)?;
    }
    descend(right, from, until, see)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn overlapping(spans: &Spans, from: i64, until: i64) -> Vec<u32> {
        let mut seen = Vec::new();
        let _ = spans.overlapping(from, until, &mut |event| {
            seen.push(event);
            ControlFlow::Continue(())
        });
        seen.sort_unstable();
        seen
    }

    #[test]
    fn ends_are_included() {
        let spans = Spans::new([(10, 20, 1), (20, 30, 2), (21, 21, 3)]);
        assert_eq!(overlapping(&spans, 20, 20), [1, 2]);
        assert_eq!(overlapping(&spans, 31, 99), [0u32; 0]);
    }

    #[test]
    fn a_query_can_break_off() {
        let spans = Spans::new((0..100).map(|event| (0, 100, event)));
        let mut seen = 0;
        let _ = spans.overlapping(0, 0, &mut |_| {
            seen += 1;
            if seen == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert_eq!(seen, 2);
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_a_walk_finds(
            times in prop::collection::vec((0i64..50, 0i64..20), 0..60),
            from in 0i64..60,
            length in 0i64..20,
        ) {
            let times: Vec<(i64, i64, u32)> =
                times.iter().zip(0..).map(|((start, length), event)| (*start, start + length, event)).collect();
            let walked: Vec<u32> = times
                .iter()
                .filter(|(start, end, _)| *start <= from + length && *end >= from)
                .map(|(_, _, event)| *event)
                .collect();
            prop_assert_eq!(overlapping(&Spans::new(times), from, from + length), walked);
        }
    }
}

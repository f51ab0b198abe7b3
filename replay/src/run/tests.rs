//! Long runs by a clock that stands still while nobody waits: days in seconds.

use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex};

use wire::capture::CaptureWriter;
use wire::{Ip, Ipv4, Link, Packet, Payload, Segment, Udp};

use super::*;
use crate::batch::Frames;
use crate::guard::Permissions;
use rewrite::Rewrite;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;
/// What a call takes, in nanoseconds.
const CALL: u64 = 35_000;

/// A capture in memory.
struct Capture(Vec<u8>);

impl Source for Capture {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Cursor::new(&self.0)))
    }
}

/// Frames at these moments.
fn capture(moments: impl Iterator<Item = u64>) -> Capture {
    let mut writer = CaptureWriter::new(Vec::new());
    for moment in moments {
        let packet = Packet {
            ip: Ip::V4(Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into())),
            segment: Segment::Udp(Udp::new(7, 9)),
            payload: Payload::zeros(18),
        };
        let at = Timestamp::from_nanos(1_000_000 * SECOND + moment);
        let written = writer.record(at, |out| packet.emit_frame(&Link::default(), out));
        written.unwrap();
    }
    Capture(writer.finish().unwrap())
}

/// Takes frames, which takes a moment, and now and then none.
struct Slow {
    hands: &'static AtomicU64,
    calls: u64,
    /// When frames went, and when they were due.
    taken: Arc<Mutex<Vec<(u64, u64)>>>,
}

impl Sink for Slow {
    fn send(&mut self, frames: Frames<'_>) -> Result<usize, ReplayError> {
        self.calls += 1;
        let at = self.hands.fetch_add(CALL, Ordering::Relaxed);
        if self.calls.is_multiple_of(1000) {
            return Ok(0);
        }
        let taken = frames.origins().map(|origin| (at, origin.due));
        self.taken.lock().unwrap().extend(taken);
        Ok(frames.len())
    }

    fn wait(&mut self, _at_most: Duration) {
        self.hands.fetch_add(CALL, Ordering::Relaxed);
    }
}

/// A run by a simulated clock: what it reports, and for each frame when it went and was due, after the first.
fn run(capture: &Capture, plan: &Plan, limit: Duration) -> (Report, Vec<(u64, u64)>) {
    let hands: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(0)));
    let taken = Arc::new(Mutex::new(Vec::new()));
    let sink = Slow {
        hands,
        calls: 0,
        taken: Arc::clone(&taken),
    };
    let guard = Guard::new(Permissions {
        duration: Some(limit),
        ..Permissions::default()
    });
    let run = Run {
        source: capture,
        plan,
        guard: &guard,
        limits: guard.limits(false),
        stop: &AtomicBool::new(false),
        progress: &AtomicU64::new(0),
    };
    let clock = Clock::simulated(hands, Timestamp::from_nanos(2_000_000 * SECOND));
    let report = run.start_by(clock, vec![Box::new(sink)], None, None);
    let taken = std::mem::take(&mut *taken.lock().unwrap());
    let first = taken.first().copied().unwrap_or_default();
    let after = |(at, due): (u64, u64)| (at - first.0, due - first.1);
    (report, taken.into_iter().map(after).collect())
}

fn plan(pace: Pace, passes: u32) -> Plan {
    Plan {
        pace,
        passes,
        pause: None,
        start_at: Duration::ZERO,
        rewrite: Rewrite::default(),
        precise: false,
    }
}

const AS_CAPTURED: Pace = Pace::Capture {
    speed: 1.0,
    gap_cap: None,
};

/// An hour's uneven gaps, in pairs; the last frame stands a second before its end.
fn hour() -> impl Iterator<Item = u64> {
    (0..1800).flat_map(|nth| [nth * 2 * SECOND, nth * 2 * SECOND + SECOND + nth * 111_111])
}

#[test]
fn a_day_passes_without_drift() {
    let (report, frames) = run(
        &capture(hour()),
        &plan(AS_CAPTURED, 24),
        Duration::from_nanos(2 * DAY),
    );
    assert!(matches!(report.end, End::Complete), "{:?}", report.end);
    assert_eq!(report.accepted.frames, 24 * 3600);
    assert_eq!(report.accepted.frames, frames.len() as u64);
    // Each frame at its moment, in the last hour as in the first.
    for (nth, (at, due)) in frames.iter().enumerate() {
        let early = due.saturating_sub(*at);
        let late = at.saturating_sub(*due);
        assert!(
            early <= CALL && late <= 4 * CALL,
            "frame {nth}: {at}, due {due}"
        );
    }
    // A pass follows after a mean gap.
    let seconds = report.span.unwrap().seconds();
    assert!((86_400.0..86_410.0).contains(&seconds), "{seconds}");
    let lateness = report.lateness.unwrap();
    assert!(
        lateness.p99 <= 100.0 && lateness.max <= 200.0,
        "{lateness:?}"
    );
    let departures = report.departures.unwrap();
    let counted: u64 = departures.histogram.iter().map(|(_, count)| count).sum();
    assert_eq!(counted, report.accepted.frames - 1);
    assert_eq!(departures.out_of_order, 0);
    // One call in a thousand took none.
    assert!((80..=90).contains(&report.stalls), "{}", report.stalls);
}

#[test]
fn a_month_passes_and_ends_by_its_bound_where_it_has_one() {
    let day = || capture((0..48).map(|nth| nth * HOUR / 2));
    let month = |limit| run(&day(), &plan(AS_CAPTURED, 31), Duration::from_nanos(limit)).0;
    let whole = month(40 * DAY);
    assert!(matches!(whole.end, End::Complete), "{:?}", whole.end);
    assert_eq!(whole.accepted.frames, 31 * 48);
    let seconds = whole.span.unwrap().seconds();
    assert!(
        (seconds - (31.0 * 86_400.0 - 1800.0)).abs() < 1.0,
        "{seconds}"
    );
    let part = month(DAY);
    assert!(matches!(part.end, End::Bound), "{:?}", part.end);
    assert_eq!(part.accepted.frames, 48);
    assert!(part.span.unwrap().seconds() <= 86_400.0);
}

#[test]
fn paces_hold_for_hours() {
    // Six hours at ten frames a minute; at a fifth of the speed; at a rate in bits.
    for (pace, passes, hours) in [
        (Pace::FramesPerSecond(1.0 / 6.0), 1, 6.0),
        (
            Pace::Capture {
                speed: 0.2,
                gap_cap: None,
            },
            1,
            5.0,
        ),
        (Pace::MegabitsPerSecond(60.0 * 8.0 / 6.0 / 1e6), 1, 6.0),
    ] {
        let (report, frames) = run(
            &capture(hour()),
            &plan(pace, passes),
            Duration::from_nanos(DAY),
        );
        assert!(matches!(report.end, End::Complete), "{:?}", report.end);
        let seconds = report.span.unwrap().seconds();
        assert!(
            (seconds - hours * 3600.0).abs() < 12.0,
            "{pace:?}: {seconds}"
        );
        let late = frames.iter().map(|(at, due)| at.saturating_sub(*due));
        assert!(late.max() <= Some(4 * CALL), "{pace:?}");
    }
}

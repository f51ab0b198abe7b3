//! The run's clock: nanoseconds since its start, and what the wall clock shows then.

use std::time::Duration;

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};
use wire::Timestamp;

/// A sleeper wakes up at least that much before a frame is due and watches the clock from there, because the kernel wakes
/// nobody on the microsecond: `docs/src/reference/speed.md` has what was measured with this and other distances.
const WATCH: u64 = 110_000;
/// And at most that much: who has slept for long wakes up later.
const WATCH_LONGEST: u64 = 300_000;
/// In between it is this part of the gap, so that watching takes no more of a processor than a tenth or so.
const WATCH_PART: u64 = 10;
/// The same of one whose turn comes at once: a processor that has slept for long is slow with the first frame after it.
const WATCH_AT_ONCE: u64 = 4_000_000;
/// A gap below which such a one sleeps no more.
const SHORT: u64 = 100_000;
/// Between rehearsals while the clock is watched: what the path needs is still at hand after that.
const REHEARSE_EVERY: u64 = 50_000;
/// No rehearsal begins that short before a frame is due: one after a sleep may take that long.
const REHEARSED_BY: u64 = 15_000;
/// Nobody sleeps longer without a look at the stop flag, so that Ctrl-C ends a run within 100 ms.
const SLICE: u64 = 50_000_000;
/// Between opening and the first frame: time for all threads to be ready.
const HEADWAY: u64 = 20_000_000;

/// What moves the hands.
#[derive(Clone, Copy, Debug)]
enum Hands {
    /// The system.
    System,
    /// Whoever waits, in tests: a day passes in a moment. Nanoseconds since some beginning.
    #[cfg(test)]
    Simulated(&'static std::sync::atomic::AtomicU64),
}

/// A clock that starts soon after it is made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    hands: Hands,
    /// The start, on the system's monotonic clock.
    start: u64,
    /// The start, on the wall.
    wall: Timestamp,
    watch: Watch,
}

/// For how long before a frame is due the clock is watched.
#[derive(Clone, Copy, Debug)]
enum Watch {
    /// A tenth of the gap, within bounds.
    Briefly,
    /// A longer while, but never for all of a gap: a thread whose turn always comes at once and that never sleeps is made to
    /// wait by the kernel, for the sake of the others.
    Mostly,
    /// All the time.
    Always,
}

impl Watch {
    /// How long to sleep, of so many nanoseconds that are left.
    fn sleep(self, left: u64) -> u64 {
        match self {
            Watch::Briefly => left.saturating_sub((left / WATCH_PART).clamp(WATCH, WATCH_LONGEST)),
            Watch::Mostly if left > SHORT => left.saturating_sub(WATCH_AT_ONCE).max(left / 4),
            Watch::Mostly | Watch::Always => 0,
        }
    }
}

impl Clock {
    /// A clock whose start is a moment ahead. Who waits for a precise one never sleeps but watches it all the time.
    pub fn starting_soon(precise: bool) -> Clock {
        let (monotonic, wall) = (nanos(ClockId::Monotonic), nanos(ClockId::Realtime));
        Clock {
            hands: Hands::System,
            start: monotonic.saturating_add(HEADWAY),
            wall: Timestamp::from_nanos(wall.saturating_add(HEADWAY)),
            watch: if precise {
                Watch::Always
            } else {
                Watch::Briefly
            },
        }
    }

    /// A clock whose hands are moved by whoever waits for it, and by a test.
    #[cfg(test)]
    pub(crate) fn simulated(
        hands: &'static std::sync::atomic::AtomicU64,
        wall: Timestamp,
    ) -> Clock {
        Clock {
            hands: Hands::Simulated(hands),
            start: HEADWAY,
            wall: wall.plus_nanos(HEADWAY),
            watch: Watch::Briefly,
        }
    }

    /// The same clock, for a thread whose turn comes at once.
    #[must_use]
    pub fn watched_at_once(self) -> Clock {
        Clock {
            watch: Watch::Mostly,
            ..self
        }
    }

    /// Nanoseconds since the start; 0 before it.
    #[inline]
    pub fn now(&self) -> u64 {
        self.hands.now().saturating_sub(self.start)
    }

    /// Moves the start so many nanoseconds ahead.
    pub fn delay(&mut self, nanos: u64) {
        self.start = self.start.saturating_add(nanos);
        self.wall = self.wall.plus_nanos(nanos);
    }

    /// What the wall clock shows so many nanoseconds after the start, if nobody has set it since.
    pub fn wall(&self, nanos: u64) -> Timestamp {
        self.wall.plus_nanos(nanos)
    }

    /// Waits for the start. Even a precise run sleeps first: who has been busy up to then is the one whose turn is over
    /// when the first frame is due.
    pub fn wait_for_start(&self) {
        self.hands.sleep_until(self.start.saturating_sub(WATCH));
        while self.hands.now() < self.start {
            self.hands.watch();
        }
    }

    /// Waits until so many nanoseconds after the start, or until `over` says so. Who watches the clock does not watch idly:
    /// what is to be done then is rehearsed, so that it finds all it needs at hand.
    pub fn wait_until(&self, due: u64, mut rehearse: impl FnMut(), over: impl Fn() -> bool) {
        let begun = self.now();
        let awake = begun + self.watch.sleep(due.saturating_sub(begun));
        let mut rehearsal = begun + REHEARSE_EVERY;
        loop {
            let now = self.now();
            if now >= due || over() {
                return;
            }
            if now < awake {
                let moment = awake.min(now + SLICE);
                self.hands.sleep_until(self.start.saturating_add(moment));
                rehearsal = now;
            } else if now >= rehearsal && due - now > REHEARSED_BY {
                rehearse();
                rehearsal = self.now() + REHEARSE_EVERY;
            } else {
                self.hands.watch();
            }
        }
    }
}

impl Hands {
    #[inline]
    fn now(self) -> u64 {
        match self {
            Hands::System => nanos(ClockId::Monotonic),
            #[cfg(test)]
            Hands::Simulated(at) => at.load(std::sync::atomic::Ordering::Relaxed),
        }
    }

    fn sleep_until(self, moment: u64) {
        match self {
            Hands::System => sleep_until(moment),
            #[cfg(test)]
            Hands::Simulated(at) => {
                at.fetch_max(moment, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    /// Lets a moment pass.
    #[inline]
    fn watch(self) {
        match self {
            Hands::System => std::hint::spin_loop(),
            #[cfg(test)]
            Hands::Simulated(at) => {
                at.fetch_add(1_000, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }
}

/// Sleeps until a moment of the system's monotonic clock.
fn sleep_until(nanos: u64) {
    let moment = Duration::from_nanos(nanos);
    let moment = Timespec {
        tv_sec: i64::try_from(moment.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(moment.subsec_nanos()),
    };
    // A signal wakes us early: the caller looks at the clock again.
    let _ = clock_nanosleep_absolute(ClockId::Monotonic, &moment);
}

/// Lets this thread's timers fire on time; the kernel otherwise gathers them over 50 us.
pub(crate) fn sharpen_timers() {
    // Where it is refused, frames are a little later.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}

fn nanos(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_let_through_at_once_sleeps_in_each_gap_that_is_not_short() {
        let sleeps = |left| Watch::Mostly.sleep(left);
        assert_eq!(
            [50_000, 200_000, 1_000_000, 5_000_000, 20_000_000].map(sleeps),
            [0, 50_000, 250_000, 1_250_000, 16_000_000]
        );
        let briefly = |left| Watch::Briefly.sleep(left);
        assert_eq!(
            [100_000, 1_000_000, 2_000_000, 5_000_000].map(briefly),
            [0, 890_000, 1_800_000, 4_700_000]
        );
        assert_eq!(Watch::Always.sleep(u64::MAX), 0);
    }

    #[test]
    fn who_watches_rehearses_after_a_sleep_and_never_just_before_its_turn() {
        use std::sync::atomic::AtomicU64;
        static HANDS: AtomicU64 = AtomicU64::new(0);
        let clock = Clock::simulated(&HANDS, Timestamp::ZERO);
        clock.wait_for_start();
        let mut rehearsed = Vec::new();
        let mut wait = |due| {
            rehearsed.clear();
            clock.wait_until(due, || rehearsed.push(clock.now()), || false);
            rehearsed.iter().map(|at| (due - at) / 1_000).collect()
        };
        let (long, short): (Vec<u64>, Vec<u64>) = (wait(5_000_000), wait(5_040_000));
        assert_eq!(
            long,
            [300, 250, 200, 150, 100, 50],
            "microseconds before a frame is due"
        );
        assert!(short.is_empty(), "the frame before has just gone there");
    }
}

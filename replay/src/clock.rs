//! The run's clock: nanoseconds since its start, and what the wall clock shows then.

use std::time::Duration;

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};
use wire::Timestamp;

/// A sleeper wakes up that much before a frame is due and watches the clock from there, because the kernel wakes
/// nobody on the microsecond: `docs/src/reference/speed.md` has what was measured with this and other distances.
const WATCH: u64 = 110_000;
/// Nobody sleeps longer without a look at the stop flag, so that Ctrl-C ends a run within 100 ms.
const SLICE: u64 = 50_000_000;
/// Between opening and the first frame: time for all threads to be ready.
const HEADWAY: u64 = 20_000_000;

/// A clock that starts soon after it is made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The start, on the system's monotonic clock.
    start: u64,
    /// The start, on the wall.
    wall: Timestamp,
    watch: u64,
}

impl Clock {
    /// A clock whose start is a moment ahead. A precise one never sleeps: it watches the clock all the time.
    pub fn starting_soon(precise: bool) -> Clock {
        let (monotonic, wall) = (nanos(ClockId::Monotonic), nanos(ClockId::Realtime));
        Clock {
            start: monotonic.saturating_add(HEADWAY),
            wall: Timestamp::from_nanos(wall.saturating_add(HEADWAY)),
            watch: if precise { u64::MAX } else { WATCH },
        }
    }

    /// Nanoseconds since the start; 0 before it.
    #[inline]
    pub fn now(&self) -> u64 {
        nanos(ClockId::Monotonic).saturating_sub(self.start)
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
        sleep_until(self.start.saturating_sub(WATCH));
        while nanos(ClockId::Monotonic) < self.start {
            std::hint::spin_loop();
        }
    }

    /// Waits until so many nanoseconds after the start, or until `over` says so.
    pub fn wait_until(&self, due: u64, over: impl Fn() -> bool) {
        loop {
            let left = due.saturating_sub(self.now());
            if left == 0 || over() {
                return;
            }
            match left.checked_sub(self.watch) {
                Some(sleep) if sleep > 0 => {
                    sleep_until(self.start.saturating_add(self.now() + sleep.min(SLICE)));
                }
                _ => std::hint::spin_loop(),
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

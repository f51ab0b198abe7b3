//! What the machine allows: how much of all time a program is away from its processor that does nothing but read the clock.
//!
//! A frame that is due at such a moment is late, whoever sends it. Where that is more than a hundredth of the time, no
//! 99th percentile of lateness is below the length of these absences.

use std::time::{Duration, Instant};

/// How long the clock is read.
const LENGTH: Duration = Duration::from_secs(2);
/// Absences that are told, longer than so many microseconds.
pub const LONGER_THAN: [u64; 2] = [20, 50];

/// The shares of the time, in percent, that a loop is away for longer than each of [`LONGER_THAN`].
pub fn shares() -> [f64; LONGER_THAN.len()] {
    let began = Instant::now();
    let mut last = 0;
    let mut away = [0; LONGER_THAN.len()];
    let end = nanoseconds(LENGTH);
    while last < end {
        let now = nanoseconds(began.elapsed());
        count(&mut away, now - last);
        last = now;
    }
    away.map(|sum| 100.0 * sum as f64 / last as f64)
}

/// Adds a gap between two looks at the clock, in nanoseconds, to the sums that it counts for.
fn count(away: &mut [u64; LONGER_THAN.len()], gap: u64) {
    for (sum, bound) in away.iter_mut().zip(LONGER_THAN) {
        if gap > bound * 1_000 {
            *sum += gap;
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// In words, to stand beside figures of lateness.
pub fn told(shares: [f64; LONGER_THAN.len()]) -> String {
    let parts = LONGER_THAN.iter().zip(shares);
    let parts = parts.map(|(bound, share)| format!("{share:.2} % in gaps of more than {bound} us"));
    format!(
        "  floor: a loop that only reads the clock is away for {}{}",
        parts.collect::<Vec<_>>().join(", "),
        match shares {
            [most, ..] if most > 1.0 => "; no p99 can be below 20 us here",
            _ => "",
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_counts_whole_for_each_bound_that_it_exceeds() {
        let mut away = [0; 2];
        for gap in [300, 20_000, 20_001, 70_000] {
            count(&mut away, gap);
        }
        assert_eq!(away, [90_001, 70_000]);
    }

    #[test]
    fn a_goal_that_is_out_of_reach_is_said_to_be() {
        assert!(told([1.3, 0.9]).contains("1.30 % in gaps of more than 20 us"));
        assert!(told([1.3, 0.9]).ends_with("no p99 can be below 20 us here"));
        assert!(!told([0.9, 0.1]).contains("no p99"));
    }
}

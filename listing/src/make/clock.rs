//! From printed times to moments.
//!
//! A time of day without a date is one of the day that the settings name; where it jumps back by more than twelve hours,
//! midnight has passed. Lesser jumps back stay: captures merge packets out of order, and a listing is not sorted anew. A
//! line without a time comes a millisecond after the one before.
//!
//! `tcpdump -ttt` prints what has passed since the line before, and it looks like a time of day. It is taken for that
//! where the first line says zero and a later one less than the line before it.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use wire::time::Timestamp;

use crate::error::{Problem, Wanted};
use crate::gap::Gap;
use crate::said::Stamp;

/// What a day holds.
const DAY: u64 = 86_400_000_000_000;
/// What comes between two lines without a time.
const STEP: u64 = 1_000_000;

/// How the times of a listing are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    /// As they look: see the head of this file.
    #[default]
    Guess,
    /// Times of day, or since the first line.
    Clock,
    /// Since the line before.
    Delta,
}

/// Makes moments of stamps, in the order of the listing.
pub(super) struct Clock {
    date: Date,
    /// Of the day that goes on, where it can be said.
    midnight: Result<Timestamp, Problem>,
    delta: bool,
    last: Option<Timestamp>,
}

impl Clock {
    pub(super) fn new(date: Date, delta: bool) -> Self {
        Clock {
            date,
            midnight: midnight(date),
            delta,
            last: None,
        }
    }

    /// The moment of a line.
    pub(super) fn moment(
        &mut self,
        stamp: Option<Stamp>,
        gaps: &mut Vec<Gap>,
    ) -> Result<Timestamp, Problem> {
        let time = match stamp {
            None => {
                gaps.push(Gap::Time);
                match self.last {
                    Some(last) => last.plus_nanos(STEP),
                    None => self.midnight.clone()?,
                }
            }
            Some(Stamp::Clock(nanos) | Stamp::Seconds(nanos)) if self.delta => {
                gaps.push(Gap::Date);
                let start = self.last.map_or(self.midnight.clone(), Ok)?;
                start.plus_nanos(nanos)
            }
            Some(Stamp::Clock(nanos)) => {
                gaps.push(Gap::Date);
                self.of_day(nanos)?
            }
            Some(Stamp::Seconds(nanos)) => Timestamp::from_nanos(nanos),
            Some(Stamp::Dated(date, nanos)) => midnight(date)?.plus_nanos(nanos),
            Some(Stamp::Yearless(month, day, nanos)) => {
                gaps.push(Gap::Year);
                midnight(self.this_year(month, day)?)?.plus_nanos(nanos)
            }
        };
        self.last = Some(time);
        Ok(time)
    }

    fn of_day(&mut self, nanos: u64) -> Result<Timestamp, Problem> {
        let mut midnight = self.midnight.clone()?;
        let jump = self
            .last
            .map_or(0, |last| last.nanos_since(midnight.plus_nanos(nanos)));
        if jump > DAY / 2 {
            midnight = midnight.plus_nanos(DAY);
        }
        self.midnight = Ok(midnight);
        Ok(midnight.plus_nanos(nanos))
    }

    fn this_year(&self, month: i8, day: i8) -> Result<Date, Problem> {
        let found = || format!("{month}/{day}");
        Date::new(self.date.year(), month, day).map_err(|_| Problem::Unexpected {
            found: found(),
            wanted: Wanted::Kind("a day of the year"),
        })
    }
}

/// Whether the stamps are what has passed since the line before.
pub(super) fn is_delta(times: Times, stamps: impl Iterator<Item = Stamp>) -> bool {
    let nanos = stamps.map(|stamp| match stamp {
        Stamp::Clock(nanos) => Some(nanos),
        _ => None,
    });
    match times {
        Times::Clock => false,
        Times::Delta => true,
        Times::Guess => {
            let nanos: Vec<_> = nanos.collect();
            let falls = nanos
                .windows(2)
                .any(|pair| matches!(pair, [Some(a), Some(b)] if b < a));
            nanos.first() == Some(&Some(0)) && falls
        }
    }
}

fn midnight(date: Date) -> Result<Timestamp, Problem> {
    let before = || Problem::BeforeEpoch(date.to_string());
    let zoned = date.to_datetime(Time::midnight()).to_zoned(TimeZone::UTC);
    let seconds = zoned.map_err(|_| before())?.timestamp().as_second();
    let seconds = u64::try_from(seconds).map_err(|_| before())?;
    Ok(Timestamp::from_parts(seconds, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(delta: bool, stamps: &[Option<Stamp>]) -> Vec<u64> {
        let date = Date::new(1970, 1, 1).unwrap();
        let mut clock = Clock::new(date, delta);
        let moment = |stamp: &Option<Stamp>| clock.moment(*stamp, &mut Vec::new()).unwrap();
        stamps.iter().map(moment).map(Timestamp::as_nanos).collect()
    }

    #[test]
    fn midnight_passes_when_time_jumps_back_by_more_than_half_a_day() {
        let late = Some(Stamp::Clock(DAY - 1));
        let early = Some(Stamp::Clock(5));
        let noon = Some(Stamp::Clock(DAY / 2));
        assert_eq!(moments(false, &[late, early]), [DAY - 1, DAY + 5]);
        assert_eq!(moments(false, &[late, noon]), [DAY - 1, DAY / 2]);
    }

    #[test]
    fn a_line_without_a_time_comes_a_millisecond_later() {
        assert_eq!(
            moments(false, &[None, None, Some(Stamp::Clock(7)), None]),
            [0, STEP, 7, 7 + STEP]
        );
    }

    #[test]
    fn deltas_add_up_and_are_known_by_their_start_and_a_fall() {
        let stamps = [0, 9, 4].map(Stamp::Clock);
        assert!(is_delta(Times::Guess, stamps.into_iter()));
        assert!(!is_delta(
            Times::Guess,
            [0, 4, 9].map(Stamp::Clock).into_iter()
        ));
        assert!(!is_delta(
            Times::Guess,
            [3, 9, 4].map(Stamp::Clock).into_iter()
        ));
        assert_eq!(moments(true, &stamps.map(Some)), [0, 9, 13]);
    }
}

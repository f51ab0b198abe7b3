//! Times as logs write them: with a zone or without, with a year or without.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// What completes a time that does not say all.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// The time of the capture: a missing year is that which brings a time nearest to it.
    pub near: Option<Timestamp>,
}

/// A time as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stamp {
    /// It says all.
    Exact(Timestamp),
    /// It names no zone; of several readings one is right.
    Local(Vec<DateTime>),
    /// It names no zone and no year.
    Yearless(i8, i8, Time),
}

impl Stamp {
    /// The moment that it means; `None` where nothing tells the year, and for a day that no year has.
    pub(super) fn moment(&self, calendar: &Calendar) -> Option<Timestamp> {
        let moment = |local: &DateTime| {
            let zoned = calendar.zone.to_ambiguous_zoned(*local).compatible();
            zoned.ok().map(|zoned| zoned.timestamp())
        };
        let readings: Vec<Timestamp> = match self {
            Stamp::Exact(time) => return Some(*time),
            Stamp::Local(readings) => readings.iter().filter_map(moment).collect(),
            Stamp::Yearless(month, day, time) => {
                let year = calendar.near?.to_zoned(calendar.zone.clone()).year();
                let years = year.saturating_sub(1)..=year.saturating_add(1);
                let dates = years.filter_map(|year| Date::new(year, *month, *day).ok());
                dates
                    .filter_map(|date| moment(&date.to_datetime(*time)))
                    .collect()
            }
        };
        match calendar.near {
            Some(near) => {
                let away = |time: &Timestamp| (time.as_nanosecond() - near.as_nanosecond()).abs();
                readings.into_iter().min_by_key(away)
            }
            None => readings.first().copied(),
        }
    }

    /// The same to the second, with the fraction that `fine` has.
    pub(super) fn with_fraction(seconds: Timestamp, fine: &Stamp) -> Stamp {
        let nanos = match fine {
            Stamp::Exact(time) => time.subsec_nanosecond(),
            Stamp::Local(readings) => {
                (readings.first()).map_or(0, |local| local.subsec_nanosecond())
            }
            Stamp::Yearless(_, _, time) => time.subsec_nanosecond(),
        };
        let whole = seconds.as_second();
        Stamp::Exact(Timestamp::new(whole, nanos).unwrap_or(seconds))
    }
}

/// `2024-06-01T12:00:05.25+02:00`, also with a space for the T, `+0200`, and without a zone.
pub(super) fn iso(text: &str) -> Option<Stamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(Stamp::Exact(time));
    }
    // A date alone is no time.
    let local = text
        .contains(':')
        .then(|| text.parse::<DateTime>().ok())??;
    Some(Stamp::Local(vec![local]))
}

/// Seconds since 1970 in decimal digits, so that no binary fraction creeps in.
pub(super) fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits: String = part.chars().chain("000000000".chars()).take(9).collect();
    let nanos: i32 = digits.parse().ok()?;
    let seconds: i64 = whole.parse().ok()?;
    let nanos = if whole.starts_with('-') {
        -nanos
    } else {
        nanos
    };
    Timestamp::new(seconds, nanos).ok()
}

/// Snort's `06/01-12:02:11.000000`: month and day, with a year before or behind or none.
pub(super) fn snort(text: &str) -> Option<Stamp> {
    let (date, clock) = text.split_once('-')?;
    let time: Time = clock.parse().ok()?;
    let parts: Vec<i16> = date
        .split('/')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let on = |year: i16, month: i16, day: i16| {
        let year = if year < 100 { 2000 + year } else { year };
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        Some(Date::new(year, month, day).ok()?.to_datetime(time))
    };
    match *parts.as_slice() {
        [month, day] => {
            let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
            // The day must be one of some year.
            Date::new(2000, month, day).ok()?;
            Some(Stamp::Yearless(month, day, time))
        }
        [a, b, c] => {
            let readings: Vec<DateTime> =
                [on(c, a, b), on(a, b, c)].into_iter().flatten().collect();
            (!readings.is_empty()).then_some(Stamp::Local(readings))
        }
        _ => None,
    }
}

/// The stamp at the head of a line of syslog, `Jun  1 12:01:35` or ISO 8601, and what follows it.
pub(super) fn syslog(line: &str) -> Option<(Stamp, &str)> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (first, rest) = line.split_once(' ')?;
    let Some(month) = MONTHS.iter().position(|month| *month == first) else {
        return Some((iso(first)?, rest.trim_start()));
    };
    let month = i8::try_from(month + 1).ok()?;
    let (day, rest) = rest.trim_start().split_once(' ')?;
    let day: i8 = day.parse().ok()?;
    Date::new(2000, month, day).ok()?;
    let (word, after) = rest.trim_start().split_once(' ')?;
    if word.contains(':') {
        return Some((
            Stamp::Yearless(month, day, word.parse().ok()?),
            after.trim_start(),
        ));
    }
    // Some daemons write the year: `Jun  1 2024 12:01:35`.
    let (clock, after) = after.trim_start().split_once(' ')?;
    let date = Date::new(word.parse().ok()?, month, day).ok()?;
    let local = date.to_datetime(clock.trim_end_matches(':').parse().ok()?);
    Some((Stamp::Local(vec![local]), after.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(capture: &str) -> Calendar {
        Calendar {
            zone: TimeZone::UTC,
            near: Some(capture.parse().unwrap()),
        }
    }

    fn moment(stamp: Option<Stamp>, calendar: &Calendar) -> String {
        stamp.unwrap().moment(calendar).unwrap().to_string()
    }

    #[test]
    fn a_zone_holds_and_its_absence_is_filled() {
        let mut calendar = near("2024-06-01T00:00:00Z");
        for text in [
            "2024-06-01T12:00:05.25Z",
            "2024-06-01T14:00:05.25+02:00",
            "2024-06-01T17:30:05.250000+0530",
            "2024-06-01T09:30:05.25-0230",
            "2024-06-01 12:00:05.25",
            "2024-06-01T12:00:05.25",
        ] {
            assert_eq!(
                moment(iso(text), &calendar),
                "2024-06-01T12:00:05.25Z",
                "{text}"
            );
        }
        calendar.zone = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(
            moment(iso("2024-06-01 12:00:05"), &calendar),
            "2024-06-01T10:00:05Z"
        );
        assert_eq!(
            moment(iso("2024-06-01 12:00:05Z"), &calendar),
            "2024-06-01T12:00:05Z"
        );
        for text in ["2024-06-01", "noon", "", "12:00", "2024-13-01T00:00:00Z"] {
            assert_eq!(iso(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_keep_their_digits() {
        let time = |text| epoch(text).map(|time| time.to_string());
        assert_eq!(
            time("1717243280.519265").as_deref(),
            Some("2024-06-01T12:01:20.519265Z")
        );
        assert_eq!(time("1717243280").as_deref(), Some("2024-06-01T12:01:20Z"));
        assert_eq!(time("-0.5").as_deref(), Some("1969-12-31T23:59:59.5Z"));
        for text in ["", "x", "1.5e9", "1.-5", "99999999999999999999"] {
            assert_eq!(epoch(text), None, "{text}");
        }
    }

    #[test]
    fn a_missing_year_is_that_of_the_capture() {
        let new_year = near("2023-12-31T23:50:00Z");
        assert_eq!(
            moment(snort("12/31-23:59:58.9"), &new_year),
            "2023-12-31T23:59:58.9Z"
        );
        assert_eq!(
            moment(snort("01/01-00:00:01.1"), &new_year),
            "2024-01-01T00:00:01.1Z"
        );
        let (stamp, rest) = syslog("Jan  1 00:00:01 sensor psad: x").unwrap();
        assert_eq!(
            stamp.moment(&new_year).unwrap().to_string(),
            "2024-01-01T00:00:01Z"
        );
        assert_eq!(rest, "sensor psad: x");
        // Only a leap year has this day.
        let leap = near("2023-06-01T00:00:00Z");
        assert_eq!(
            moment(snort("02/29-12:00:00"), &leap),
            "2024-02-29T12:00:00Z"
        );
        let unknown = Calendar { near: None, ..leap };
        assert_eq!(stamp.moment(&unknown), None);
    }

    #[test]
    fn which_part_is_the_year_is_decided_by_the_capture() {
        let calendar = near("2024-06-01T00:00:00Z");
        for text in [
            "06/01/24-12:00:45",
            "24/06/01-12:00:45",
            "06/01/2024-12:00:45",
        ] {
            assert_eq!(
                moment(snort(text), &calendar),
                "2024-06-01T12:00:45Z",
                "{text}"
            );
        }
        for text in ["13/01-12:00:00", "06/01", "06/01-25:00:00", "06-12:00:00"] {
            assert_eq!(snort(text), None, "{text}");
        }
    }

    #[test]
    fn a_log_may_bear_the_year() {
        let calendar = near("2024-06-01T00:00:00Z");
        for line in [
            "Jun  1 2024 12:01:35 x",
            "2024-06-01T12:01:35+00:00 x",
            "Jun 01 12:01:35 x",
        ] {
            let (stamp, rest) = syslog(line).unwrap();
            assert_eq!(
                moment(Some(stamp), &calendar),
                "2024-06-01T12:01:35Z",
                "{line}"
            );
            assert_eq!(rest, "x");
        }
        for line in ["Jum  1 12:01:35 x", "Jun 31 12:01:35 x", "Jun", ""] {
            assert!(syslog(line).is_none(), "{line}");
        }
    }
}

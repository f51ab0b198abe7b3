//! Time stamps as listings print them.

use jiff::civil::Date;

use super::cursor::Cursor;
use crate::said::Stamp;

/// Nanoseconds in a second, a minute, an hour.
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Reads a stamp where one comes next; else the cursor stays.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let readings = [dated, yearless, logged, clock, seconds];
    readings.iter().find_map(|reading| {
        let mut trial = *cursor;
        let stamp = reading(&mut trial)?;
        *cursor = trial;
        Some(stamp)
    })
}

fn clock(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let word = cursor.word("a time").ok()?;
    time_of_day(word.text, true).map(Stamp::Clock)
}

fn seconds(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let word = cursor.word("a time").ok()?;
    let (whole, fraction) = word.text.split_once('.')?;
    if !matches!(fraction.len(), 6 | 9) {
        return None;
    }
    let whole = plain(whole)?.checked_mul(SECOND)?;
    whole.checked_add(nanos(fraction)?).map(Stamp::Seconds)
}

fn dated(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let date = cursor.word("a date").ok()?.text;
    let time = cursor.word("a time").ok()?.text;
    let date = match *date.split(['-', '/']).collect::<Vec<_>>().as_slice() {
        [year, month, day] if year.len() == 4 => civil(year, month, day)?,
        [month, day, year] if year.len() == 4 => civil(year, month, day)?,
        _ => return None,
    };
    Some(Stamp::Dated(date, time_of_day(time, true)?))
}

/// `05/14-10:22:45.030552`, with the year of two digits behind the day or without.
fn yearless(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let (date, time) = cursor.word("a date").ok()?.text.split_once('-')?;
    let time = time_of_day(time, false)?;
    match *date.split('/').collect::<Vec<_>>().as_slice() {
        [month, day] => Some(Stamp::Yearless(small(month)?, small(day)?, time)),
        [month, day, year] => {
            let year: i16 = year.parse().ok().filter(|year| (0..100).contains(year))?;
            let year = if year < 70 { 2000 + year } else { 1900 + year };
            let date = Date::new(year, small(month)?, small(day)?).ok()?;
            Some(Stamp::Dated(date, time))
        }
        _ => None,
    }
}

/// `May 27 23:44:42`.
fn logged(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let month = cursor.word("a month").ok()?.text;
    let month = (1..).zip(MONTHS).find(|(_, name)| *name == month)?.0;
    let day = small(cursor.word("a day").ok()?.text)?;
    let time = time_of_day(cursor.word("a time").ok()?.text, false)?;
    Some(Stamp::Yearless(month, day, time))
}

fn civil(year: &str, month: &str, day: &str) -> Option<Date> {
    Date::new(year.parse().ok()?, small(month)?, small(day)?).ok()
}

/// `HH:MM:SS` with a fraction, which may be missing only where no fraction is needed to know it for a time.
fn time_of_day(text: &str, needs_fraction: bool) -> Option<u64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, nanos(fraction)?),
        None if needs_fraction => return None,
        None => (text, 0),
    };
    let mut parts = whole.split(':');
    let mut next = |most: u64| {
        let part = parts.next().filter(|part| matches!(part.len(), 1 | 2))?;
        plain(part).filter(|value| *value <= most)
    };
    // Deltas count hours beyond a day; 60 is a leap second.
    let (hours, minutes, seconds) = (next(99)?, next(59)?, next(60)?);
    if parts.next().is_some() {
        return None;
    }
    Some(hours * HOUR + minutes * MINUTE + seconds * SECOND + fraction)
}

/// A fraction of up to nine digits.
fn nanos(digits: &str) -> Option<u64> {
    let value = plain(digits).filter(|_| digits.len() <= 9)?;
    let missing = u32::try_from(9 - digits.len()).ok()?;
    Some(value * 10u64.pow(missing))
}

fn plain(digits: &str) -> Option<u64> {
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| digits.parse().ok()).flatten()
}

fn small(digits: &str) -> Option<i8> {
    plain(digits).and_then(|value| i8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(text: &str) -> Option<Stamp> {
        read(&mut Cursor::new(text))
    }

    #[test]
    fn each_way_to_print_a_time_is_known() {
        let noon = 12 * HOUR + 5;
        let date = Date::new(2000, 5, 14).unwrap();
        assert_eq!(stamp("12:00:00.000000005 IP"), Some(Stamp::Clock(noon)));
        let dated = Some(Stamp::Dated(date, noon));
        assert_eq!(stamp("2000-05-14 12:00:00.000000005 IP"), dated);
        assert_eq!(stamp("05/14/2000 12:00:00.000000005 IP"), dated);
        assert_eq!(stamp("05/14/00-12:00:00.000000005 a"), dated);
        let yearless = Some(Stamp::Yearless(5, 14, 12 * HOUR));
        assert_eq!(stamp("05/14-12:00:00.000000 a"), yearless);
        assert_eq!(stamp("May 14 12:00:00 a"), yearless);
        assert_eq!(stamp("7.000001 IP"), Some(Stamp::Seconds(7_000_001_000)));
    }

    #[test]
    fn what_is_no_time_is_left_alone() {
        for text in [
            "12:00:00 IP",
            "1.5 a",
            "10.0.0.1 > b",
            "12:61:00.1 IP",
            "",
            "2000-02-30 12:00:00.1 x",
        ] {
            let mut cursor = Cursor::new(text);
            assert_eq!((read(&mut cursor), cursor.at()), (None, 0), "{text}");
        }
    }
}

//! Quantities with their units, as scenario files and the command line write them.

use crate::seed::round_nanos;

/// Nanoseconds in each unit of time; the first name of a unit is the one that is written.
const TIME_UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// The longest time, ten years: sums of some of them stay within 64 bits.
const LONGEST: u64 = 3650 * 86_400_000_000_000;

/// A time in nanoseconds, of ten years at most: `750ms`, `1.5s`, `2h`, `1h 30min`.
pub fn duration(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut sum = 0u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        sum = sum.checked_add(one(number, unit)?)?;
        rest = after.trim_start();
    }
    (!text.trim().is_empty() && sum <= LONGEST).then_some(sum)
}

/// So many of one unit.
fn one(number: &str, unit: &str) -> Option<u64> {
    let (_, nanos) = TIME_UNITS.iter().find(|(name, _)| *name == unit)?;
    // Whole numbers stay exact beyond what a float holds.
    match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(*nanos),
        Err(_) => {
            let value: f64 = number.parse().ok()?;
            (value.is_finite() && value >= 0.0).then(|| round_nanos(value * *nanos as f64))
        }
    }
}

/// A rate as the mean gap in nanoseconds: `120/s`, `3/h`.
pub fn rate(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once('/')?;
    let (_, nanos) = TIME_UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    let value: f64 = number.trim().parse().ok()?;
    let gap = round_nanos(*nanos as f64 / value).max(1);
    (value.is_finite() && value > 0.0 && gap <= LONGEST).then_some(gap)
}

/// A share in parts per million: `0.5%`.
pub fn share(text: &str) -> Option<u32> {
    let value: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0)
        .contains(&value)
        .then(|| u32::try_from(round_nanos(value * 10_000.0)).ok())?
}

/// Writes a time so that [`duration`] reads the same one.
pub fn write_duration(nanos: u64) -> String {
    let (unit, size) = TIME_UNITS
        .iter()
        .rev()
        .find(|(_, size)| nanos.is_multiple_of(*size))
        .unwrap_or(&("ns", 1));
    format!("{}{unit}", nanos / size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_mean_what_they_say() {
        assert_eq!(duration("750ms"), Some(750_000_000));
        assert_eq!(duration("1.5 s"), Some(1_500_000_000));
        assert_eq!(duration("1h 30m"), Some(5_400_000_000_000));
        assert_eq!(duration("2min"), duration("2m"));
        assert_eq!(rate("120/s"), Some(8_333_333));
        assert_eq!(rate("3/h"), Some(1_200_000_000_000));
        assert_eq!(share("0.5%"), Some(5_000));
    }

    #[test]
    fn a_number_without_unit_is_no_quantity() {
        for text in [
            "5",
            "",
            "ms",
            "-1s",
            "5 parsecs",
            "1e400s",
            "NaNs",
            "3651d",
            "99999999999s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(
            [rate("5"), rate("0/s"), rate("-1/s"), rate("1e-9/d")],
            [None; 4]
        );
        assert_eq!((share("101%"), share("5")), (None, None));
    }

    proptest! {
        #[test]
        fn a_duration_reads_as_it_is_written(nanos in 0..=LONGEST) {
            prop_assert_eq!(duration(&write_duration(nanos)), Some(nanos));
        }
    }
}

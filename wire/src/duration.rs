//! Lengths of time as files and options write them: one grammar everywhere.
//!
//! A number and its unit, or several of them added up: `750ms`, `1.5s`, `2h`, `1h 30min`. Units are `ns`, `us`, `ms`, `s`,
//! `m` or `min`, `h` and `d`; a number without one is no length of time.

/// Nanoseconds in each unit; the first name of a unit is the one that is written.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// The longest, ten years: sums of some of them stay within 64 bits.
pub const LONGEST: u64 = 3650 * 86_400_000_000_000;

/// Nanoseconds in the unit of that name.
pub fn unit(name: &str) -> Option<u64> {
    let known = UNITS.iter().find(|(known, _)| *known == name);
    known.map(|(_, nanos)| *nanos)
}

/// Reads a length of time in nanoseconds, of ten years at most.
pub fn parse(text: &str) -> Option<u64> {
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
fn one(number: &str, name: &str) -> Option<u64> {
    let nanos = unit(name)?;
    // Whole numbers stay exact beyond what a float holds.
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(nanos);
    }
    let value = number.parse::<f64>().ok()? * nanos as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is neither negative nor beyond the range"
    )]
    (0.0..=LONGEST as f64)
        .contains(&value)
        .then(|| value.round() as u64)
}

/// Writes a length of time so that [`parse`] reads the same one.
pub fn write(nanos: u64) -> String {
    let (unit, size) = UNITS
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
        assert_eq!(parse("750ms"), Some(750_000_000));
        assert_eq!(parse("1.5 s"), Some(1_500_000_000));
        assert_eq!(parse("1h 30m"), Some(5_400_000_000_000));
        assert_eq!(parse("2min"), parse("2m"));
    }

    #[test]
    fn what_is_no_length_of_time_is_none() {
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
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn one_reads_as_it_is_written(nanos in 0..=LONGEST) {
            prop_assert_eq!(parse(&write(nanos)), Some(nanos));
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            parse(&text);
        }
    }
}

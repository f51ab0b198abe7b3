//! Quantities with their units, as scenario files and the command line write them. Lengths of time are those of `wire`.

use crate::seed::round_nanos;

pub use wire::duration::{parse as duration, write as write_duration};

/// A rate as the mean gap in nanoseconds: `120/s`, `3/h`.
pub fn rate(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once('/')?;
    let nanos = wire::duration::unit(unit.trim())?;
    let value: f64 = number.trim().parse().ok()?;
    let gap = round_nanos(nanos as f64 / value).max(1);
    (value.is_finite() && value > 0.0 && gap <= wire::duration::LONGEST).then_some(gap)
}

/// A share in parts per million: `0.5%`.
pub fn share(text: &str) -> Option<u32> {
    let value: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0)
        .contains(&value)
        .then(|| u32::try_from(round_nanos(value * 10_000.0)).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_mean_what_they_say() {
        assert_eq!(rate("120/s"), Some(8_333_333));
        assert_eq!(rate("3/h"), Some(1_200_000_000_000));
        assert_eq!(share("0.5%"), Some(5_000));
    }

    #[test]
    fn a_number_without_unit_is_no_quantity() {
        assert_eq!(
            [rate("5"), rate("0/s"), rate("-1/s"), rate("1e-9/d")],
            [None; 4]
        );
        assert_eq!((share("101%"), share("5")), (None, None));
    }
}

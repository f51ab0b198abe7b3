//! Seeds and ranges of seeds on the command line.

use std::ops::RangeInclusive;

/// Most seeds that one run takes.
const MAX_SEEDS: u64 = 1_000_000;

/// Reads `A..B`, both ends included, or one seed.
///
/// # Errors
/// Says how a range is written.
pub fn parse_range(text: &str) -> Result<RangeInclusive<u64>, String> {
    let wanted =
        || format!("'{text}' is no range of seeds: write the first and the last, such as 1..8");
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let first: u64 = first.trim().parse().map_err(|_| wanted())?;
    let last: u64 = last
        .trim()
        .trim_start_matches('=')
        .parse()
        .map_err(|_| wanted())?;
    if first > last {
        return Err(format!(
            "'{text}' runs backwards: write the smaller seed first"
        ));
    }
    if last - first >= MAX_SEEDS {
        return Err(format!(
            "'{text}' holds more than {MAX_SEEDS} seeds: divide it"
        ));
    }
    Ok(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_included() {
        assert_eq!(parse_range("1..8").unwrap(), 1..=8);
        assert_eq!(parse_range("7").unwrap(), 7..=7);
        assert_eq!(parse_range("0..=2").unwrap(), 0..=2);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "a..b", "3..1", "1..", "-1..2", "0..9999999999"] {
            assert!(parse_range(text).is_err(), "{text}");
        }
    }
}

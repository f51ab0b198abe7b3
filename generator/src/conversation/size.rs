//! Ranges of counts and sizes in an application's parameters, and how they are drawn.

use std::ops::RangeInclusive;

use crate::reading::document::Value;
use crate::reading::fields::{Fields, number, text_ref};
use crate::seed::Draws;

/// A closed range of counts or bytes.
#[derive(Clone, Debug)]
pub struct Size(RangeInclusive<u64>);

impl Size {
    /// Reads `"1..6"` or `4`.
    pub fn read(
        fields: &mut Fields<'_, '_>,
        key: &'static str,
        default: RangeInclusive<u64>,
    ) -> Size {
        Size(
            fields
                .parsed(
                    key,
                    "a whole number above 0, or a range such as \"1..6\"",
                    range,
                )
                .unwrap_or(default),
        )
    }

    /// The same, up to a limit of its own.
    pub fn read_up_to(
        fields: &mut Fields<'_, '_>,
        key: &'static str,
        default: RangeInclusive<u64>,
        most: u64,
    ) -> Size {
        let wanted = format!("a whole number from 1 to {most}, or a range such as \"1..6\"");
        let read = |value: &Value| range(value).filter(|range| *range.end() <= most);
        Size(fields.parsed(key, &wanted, read).unwrap_or(default))
    }

    /// The most it can be, in bytes.
    pub fn most(&self) -> u64 {
        *self.0.end()
    }

    /// Draws a count, each as likely as any other.
    pub fn count(&self, draws: &mut Draws) -> u64 {
        draws.range(self.0.clone())
    }

    /// Draws a size, each power of two as likely as any other: small transfers are many, large ones not rare.
    pub fn bytes(&self, draws: &mut Draws) -> usize {
        octave(self.0.clone(), draws)
    }
}

/// A size of a range, each power of two as likely as any other.
pub fn octave(range: RangeInclusive<u64>, draws: &mut Draws) -> usize {
    let (least, most) = (*range.start(), *range.end());
    if least == most {
        return usize::try_from(least).unwrap_or(usize::MAX);
    }
    let octave = draws.range(u64::from(least.max(1).ilog2())..=u64::from(most.max(1).ilog2()));
    let low = (1u64 << octave).max(least);
    let high = ((2u64 << octave) - 1).min(most).max(low);
    usize::try_from(draws.range(low..=high)).unwrap_or(usize::MAX)
}

fn range(value: &Value) -> Option<RangeInclusive<u64>> {
    /// A gigabyte: more in one write serves nobody.
    const MOST: u64 = 1 << 30;
    let (low, high) = match number(value) {
        Some(number) => (number, number),
        None => {
            let (low, high) = text_ref(value)?.split_once("..")?;
            (low.trim().parse().ok()?, high.trim().parse().ok()?)
        }
    };
    (0 < low && low <= high && high <= MOST).then_some(low..=high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Pins, SeedTree};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_size_stays_in_its_range(least in 1u64..5000, more in 0u64..100_000, seed: u64) {
            let size = Size(least..=least + more);
            let mut draws = SeedTree::new(seed, Pins::new()).draws("s");
            for _ in 0..20 {
                let bytes = size.bytes(&mut draws) as u64;
                prop_assert!((least..=least + more).contains(&bytes));
            }
        }
    }
}

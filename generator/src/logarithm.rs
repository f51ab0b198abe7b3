//! The natural logarithm of what chance draws, fast and the same on every platform: a table, and three terms of the series between
//! its entries. Only what IEEE 754 prescribes is computed.

use std::sync::LazyLock;

/// Bits of the significand that choose the entry.
const INDEX_BITS: u32 = 10;
/// Bits of a significand after its leading one.
const SIGNIFICAND_BITS: u32 = 52;
const BIAS: i32 = 1023;

/// The middle of each entry's stretch of 1 to 2: its inverse and its logarithm.
static TABLE: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let entries = 1u32 << INDEX_BITS;
    let middle = |n: u32| 1.0 + (f64::from(n) + 0.5) / f64::from(entries);
    (0..entries)
        .map(|n| (1.0 / middle(n), libm::log(middle(n))))
        .collect()
});

/// The logarithm of a number above 0 that is not subnormal; its error is some 10^-14.
#[inline]
pub fn natural(number: f64) -> f64 {
    let bits = number.to_bits();
    let one = 1u64 << SIGNIFICAND_BITS;
    let exponent = i32::try_from(bits >> SIGNIFICAND_BITS & 0x7ff).unwrap_or(BIAS) - BIAS;
    let index = bits >> (SIGNIFICAND_BITS - INDEX_BITS) & ((1 << INDEX_BITS) - 1);
    let significand = f64::from_bits(bits & (one - 1) | 1.0_f64.to_bits());
    let entry = usize::try_from(index)
        .ok()
        .and_then(|index| TABLE.get(index));
    let (inverse, log) = entry.copied().unwrap_or((1.0, 0.0));
    let rest = significand * inverse - 1.0;
    f64::from(exponent) * std::f64::consts::LN_2 + (log + rest * (1.0 - rest * (0.5 - rest / 3.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_logarithm(word: u64) {
            let number = ((word >> 11) + 1) as f64 / (1u64 << 53) as f64;
            prop_assert!((natural(number) - libm::log(number)).abs() < 1e-13);
        }
    }

    #[test]
    fn the_ends_are_right() {
        assert!(natural(1.0).abs() < 1e-13);
        let least = 1.0 / (1u64 << 53) as f64;
        assert!((natural(least) - libm::log(least)).abs() < 1e-13);
    }
}

//! How sure a share is: intervals, bounds and the comparison of two detectors.
//!
//! Sources: Wilson, "Probable inference, the law of succession, and statistical inference" (1927); Clopper and
//! Pearson, "The use of confidence or fiducial limits" (1934), for the exact bound; Efron and Tibshirani, "An
//! Introduction to the Bootstrap", the percentile interval over clusters; McNemar, "Note on the sampling error of
//! the difference between correlated proportions" (1947), in its exact, binomial form; Newcombe, "Confidence intervals for an
//! effect size measure based on the Mann-Whitney statistic" (2006), method 5.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The 97.5 % quantile of the normal distribution: what a two-sided 95 % interval takes.
const Z_95: f64 = 1.959_963_984_540_054;

/// What a one-sided 95 % bound leaves to chance.
const ALPHA: f64 = 0.05;

/// Resamples of a bootstrap. A thousand hold the 2.5 % and 97.5 % points to about half a percent of a share's
/// standard error; Efron and Tibshirani ask for no more for intervals.
const RESAMPLES: usize = 1000;

/// The places of the 2.5 % and 97.5 % points among the sorted resamples, from 0.
const POINTS: (usize, usize) = (24, 974);

/// The one seed of every bootstrap: the same grade has the same intervals.
const BOOTSTRAP_SEED: u64 = 1;

/// An interval of shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The Wilson 95 % interval of `hits` in `of`; `None` over nothing.
pub fn wilson(hits: u64, of: u64) -> Option<Interval> {
    if of == 0 {
        return None;
    }
    let (n, p) = (of as f64, hits as f64 / of as f64);
    let z2 = Z_95 * Z_95;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    // At the ends rounding alone would keep the interval from touching 0 or 1.
    Some(Interval {
        low: if hits == 0 {
            0.0
        } else {
            (middle - half).max(0.0)
        },
        high: if hits == of {
            1.0
        } else {
            (middle + half).min(1.0)
        },
    })
}

/// The exact one-sided 95 % bound of a share without exception: the lower one when all of `of` are hits, the upper
/// one when none is, else `None`.
///
/// 59 of 59 bear "at least 95 %", 299 of 299 "at least 99 %".
pub fn exact_bound(hits: u64, of: u64) -> Option<f64> {
    if of == 0 {
        return None;
    }
    let bound = libm::pow(ALPHA, 1.0 / of as f64);
    if hits == of {
        Some(bound)
    } else if hits == 0 {
        Some(1.0 - bound)
    } else {
        None
    }
}

/// The 95 % interval of a share over clusters `(hits, of)`: events of one seed hang together, so whole seeds are
/// drawn. `None` with fewer than two clusters.
pub fn bootstrap(clusters: &[(u64, u64)]) -> Option<Interval> {
    let count = u32::try_from(clusters.len()).ok()?;
    if count < 2 {
        return None;
    }
    let mut random = ChaCha8Rng::seed_from_u64(BOOTSTRAP_SEED);
    let mut shares = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let (mut hits, mut of) = (0u64, 0u64);
        for _ in 0..count {
            // The high half of a 32 by 32 bit product is even to within one part in 2^32 / count.
            let drawn = (u64::from(random.next_u32()) * u64::from(count)) >> 32;
            let cluster = usize::try_from(drawn)
                .ok()
                .and_then(|at| clusters.get(at))?;
            hits += cluster.0;
            of += cluster.1;
        }
        if of > 0 {
            shares.push(hits as f64 / of as f64);
        }
    }
    shares.sort_unstable_by(f64::total_cmp);
    Some(Interval {
        low: *shares.get(POINTS.0)?,
        high: *shares.get(POINTS.1)?,
    })
}

/// The 95 % interval of an area under a ROC curve over `m` and `n` events, which does not collapse at 0 and 1; `None` over
/// nothing.
pub fn area_interval(area: f64, m: u64, n: u64) -> Option<Interval> {
    if m == 0 || n == 0 {
        return None;
    }
    let (m, n) = (m as f64, n as f64);
    let others = (m + n) / 2.0 - 1.0;
    // Newcombe's method 5: the areas of which this one lies within 1.96 of their own standard errors.
    let deviates = |truth: f64| {
        let spread = 1.0 + others * (1.0 - truth) / (2.0 - truth) + others * truth / (1.0 + truth);
        let variance = truth * (1.0 - truth) * spread / (m * n);
        (area - truth).abs() > Z_95 * variance.max(0.0).sqrt()
    };
    let edge = |mut outside: f64| {
        let mut inside = area;
        for _ in 0..60 {
            let middle = (outside + inside) / 2.0;
            *(if deviates(middle) {
                &mut outside
            } else {
                &mut inside
            }) = middle;
        }
        inside
    };
    Some(Interval {
        low: if area <= 0.0 { 0.0 } else { edge(0.0) },
        high: if area >= 1.0 { 1.0 } else { edge(1.0) },
    })
}

/// The exact two-sided McNemar test: the chance that a fair coin divides the events on which two detectors differ
/// at least as unevenly as `only_first` to `only_second`. 1 when they differ on none.
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let n = only_first.saturating_add(only_second);
    let fewer = only_first.min(only_second);
    let log_of_all = n as f64 * std::f64::consts::LN_2;
    let log_factorial = |k: u64| libm::lgamma(k as f64 + 1.0);
    let term =
        |k: u64| libm::exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) - log_of_all);
    let tail: f64 = (0..=fewer).map(term).sum();
    (2.0 * tail).min(1.0)
}

/// What a detector's precision becomes where a share `prevalence` of the events deserves an alert: Bayes' rule over
/// events, from recall and cry-wolf rate.
pub fn precision_at(prevalence: f64, recall: f64, cry_wolf: f64) -> Option<f64> {
    let right = prevalence * recall;
    let wrong = (1.0 - prevalence) * cry_wolf;
    (right + wrong > 0.0).then(|| right / (right + wrong))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 5e-5, "{value} is not {expected}");
    }

    #[test]
    fn wilson_agrees_with_its_published_values() {
        // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
        for (hits, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let interval = wilson(hits, of).unwrap();
            near(interval.low, low);
            near(interval.high, high);
        }
        assert_eq!(wilson(0, 0), None);
        assert!(wilson(7, 7).unwrap().high >= 1.0);
    }

    #[test]
    fn fifty_nine_without_a_miss_bear_ninety_five_percent() {
        assert!(exact_bound(59, 59).unwrap() >= 0.95);
        assert!(exact_bound(58, 58).unwrap() < 0.95);
        assert!(exact_bound(299, 299).unwrap() >= 0.99);
        assert!(exact_bound(298, 298).unwrap() < 0.99);
        near(
            exact_bound(0, 59).unwrap(),
            1.0 - exact_bound(59, 59).unwrap(),
        );
        assert_eq!(exact_bound(58, 59), None);
        assert_eq!(exact_bound(0, 0), None);
    }

    #[test]
    fn mcnemar_agrees_with_binomial_tails() {
        near(mcnemar(0, 0), 1.0);
        near(mcnemar(0, 5), 0.0625);
        near(mcnemar(6, 0), 0.03125);
        // 2 * (1 + 10 + 45) / 1024
        near(mcnemar(2, 8), 0.109_375);
        near(mcnemar(4, 4), 1.0);
    }

    #[test]
    fn a_bootstrap_over_equal_seeds_has_no_width() {
        let interval = bootstrap(&[(1, 2); 5]).unwrap();
        near(interval.low, 0.5);
        near(interval.high, 0.5);
        assert_eq!(bootstrap(&[(1, 2)]), None);
    }

    #[test]
    fn a_bootstrap_over_two_seeds_reaches_both() {
        // One draw in four takes the first seed twice, one in four the second.
        let interval = bootstrap(&[(0, 4), (4, 4)]).unwrap();
        near(interval.low, 0.0);
        near(interval.high, 1.0);
    }

    #[test]
    fn precision_falls_with_prevalence() {
        // 0.01 * 0.9 / (0.01 * 0.9 + 0.99 * 0.1)
        near(precision_at(0.01, 0.9, 0.1).unwrap(), 0.083_333);
        assert_eq!(precision_at(0.5, 0.0, 0.0), None);
    }

    #[test]
    fn an_area_has_an_interval_that_holds_it() {
        // Hanley and McNeil's example of 1982: 0.893 over 51 and 58, standard error 0.032.
        let interval = area_interval(0.893, 51, 58).unwrap();
        assert!((interval.low - 0.817).abs() < 0.01, "{interval:?}");
        assert!((interval.high - 0.941).abs() < 0.01, "{interval:?}");
        let sure = area_interval(1.0, 20, 20).unwrap();
        assert!(
            sure.low < 0.95 && sure.low > 0.8 && sure.high == 1.0,
            "{sure:?}"
        );
        assert_eq!(area_interval(0.5, 0, 3), None);
    }

    proptest! {
        #[test]
        fn wilson_holds_its_share(hits in 0u64..10_000, misses in 1u64..10_000) {
            let of = hits + misses;
            let interval = wilson(hits, of).unwrap();
            let share = hits as f64 / of as f64;
            prop_assert!(0.0 <= interval.low && interval.low <= share);
            prop_assert!(share <= interval.high && interval.high <= 1.0);
        }


    #[test]
    fn mcnemar_does_not_care_who_is_first(a in 0u64..300, b in 0u64..300) {
            prop_assert_eq!(mcnemar(a, b), mcnemar(b, a));
            prop_assert!(mcnemar(a, b) > 0.0);
        }
    }
}

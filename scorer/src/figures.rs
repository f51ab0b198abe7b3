//! What figures say: shares with their intervals, mistakes, delays. How they are computed, [`metrics`](crate::metrics) says.

use labels::{Class, Family, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::interval::{Interval, exact_bound, wilson};

/// What a set of figures is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything.
    All,
    /// One verdict.
    Verdict(Verdict),
    /// One family.
    Family(Family),
    /// One class.
    Class(Class),
}

/// A share, how sure it is, and of how many it is one. Over nothing, everything but the counts is null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// How many are.
    pub hits: u64,
    /// How many could be.
    pub of: u64,
    /// The share.
    pub value: Option<f64>,
    /// The lower end of its Wilson 95 % interval.
    pub low: Option<f64>,
    /// The upper end of its Wilson 95 % interval.
    pub high: Option<f64>,
    /// The exact one-sided 95 % bound of a share without exception: the lower one for all, the upper one for none.
    pub exact: Option<f64>,
    /// The 95 % interval of a bootstrap by seed, from two seeds on.
    pub by_seed: Option<Interval>,
}

/// The figures of one scope.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Events that expect an alert and drew one.
    pub recall: Share,
    /// Those whose first alert has the right verdict.
    pub verdict_named: Share,
    /// Those whose first alert names the right family.
    pub family_named: Share,
    /// Those whose first alert names the right class.
    pub named: Share,
    /// Detected events whose actor shows on the wire, and whose first alert blames the actor alone.
    pub actor_named: Share,
    /// Of detected events, wolf-cry incidents and false-alarm incidents together, the detected events; by the class
    /// that the alert names.
    pub precision: Share,
    /// Events that expect silence and drew an alert.
    pub cry_wolf: Share,
    /// Backscatter and legitimate events whose first explanation names the right class.
    pub explained: Share,
    /// Alerts on events that expect silence, by the class that the alert names.
    pub wolf_cries: Mistakes,
    /// Alerts that fit nothing, by the class that the alert names.
    pub false_alarms: Mistakes,
    /// False-alarm incidents per hour of capture.
    pub false_alarms_per_hour: Option<f64>,
    /// False-alarm incidents per million frames.
    pub false_alarms_per_million: Option<f64>,
    /// Events on which either is right.
    pub may: u64,
    /// Those of them that drew an alert.
    pub may_alerted: u64,
    /// Alerts per detected event, repeats included.
    pub alerts_per_event: Option<f64>,
    /// From first frame to first alert.
    pub time_to_detect: Delays,
    /// The harmonic mean of precision and recall. Never a gate.
    pub f1: Option<f64>,
    /// What the precision becomes at the base rate that the user named.
    pub precision_at_prevalence: Option<f64>,
}

/// Mistaken alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mistakes {
    /// How many incidents.
    pub incidents: u64,
    /// How many alerts, repeats included.
    pub alerts: u64,
}

/// Delays over detected events, with the number missed beside them, whose delay nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delays {
    /// Events detected.
    pub detected: u64,
    /// Events missed.
    pub missed: u64,
    /// In seconds.
    pub seconds: Quantiles,
    /// In frames of the event.
    pub frames: Quantiles,
    /// As a share of the event's frames.
    pub share: Quantiles,
    /// Frames of the event from the one that made it evident to the alert.
    pub slack_frames: Quantiles,
}

/// Median and 95th percentile by nearest rank: a value that was measured, never one between two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    /// The median.
    pub median: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
}

impl Share {
    /// The share of `hits` in `of`, without seeds.
    pub fn of(hits: u64, of: u64) -> Share {
        let interval = wilson(hits, of);
        Share {
            hits,
            of,
            value: (of > 0).then(|| hits as f64 / of as f64),
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            exact: exact_bound(hits, of),
            by_seed: None,
        }
    }
}

impl Quantiles {
    pub(crate) fn of(mut values: Vec<f64>) -> Quantiles {
        values.sort_unstable_by(f64::total_cmp);
        // The k-th smallest, k = ceil(n * percent / 100), counted from 1.
        let at = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100);
            values.get(rank.checked_sub(1)?).copied()
        };
        Quantiles {
            median: at(50),
            p95: at(95),
        }
    }
}

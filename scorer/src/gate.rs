//! Gates: bounds on figures, below or above which a grade fails.
//!
//! A gate is written `recall=0.95`, `cry-wolf=0.02`, `recall.low=0.9` or `syn-scan.recall=1`: an optional class, family
//! or verdict, a figure, an optional part of it, and the bound. A figure over nothing passes no gate: a check that
//! measured nothing must not look like one that passed.

use std::fmt;

use labels::{Class, Family, Verdict};

use crate::figures::{Figures, Scope, Share};
use crate::grade::Grade;

/// On which side of its bound a figure fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Below it.
    Under,
    /// Above it.
    Over,
}

/// A figure that a gate can bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Recall.
    Recall,
    /// Recall with the right verdict.
    VerdictNamed,
    /// Recall with the right family.
    FamilyNamed,
    /// Recall with the right class.
    Named,
    /// Precision.
    Precision,
    /// Cry-wolf rate.
    CryWolf,
    /// Explained share.
    Explained,
    /// False-alarm incidents.
    FalseAlarms,
    /// False-alarm incidents per hour.
    FalseAlarmsPerHour,
    /// False-alarm incidents per million frames.
    FalseAlarmsPerMillion,
    /// Median time to detect, in seconds.
    TimeToDetect,
    /// 95th percentile of the time to detect, in seconds.
    TimeToDetectP95,
    /// Alerts per detected event.
    AlertsPerEvent,
}

/// Which number of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The figure itself.
    Value,
    /// The lower end of its Wilson interval.
    Low,
    /// The upper end of its Wilson interval.
    High,
    /// The exact one-sided bound of a share without exception.
    Exact,
}

/// The names of the figures, as gates write them.
const METRICS: [(&str, Metric); 13] = [
    ("recall", Metric::Recall),
    ("verdict-named", Metric::VerdictNamed),
    ("family-named", Metric::FamilyNamed),
    ("named", Metric::Named),
    ("precision", Metric::Precision),
    ("cry-wolf", Metric::CryWolf),
    ("explained", Metric::Explained),
    ("false-alarms", Metric::FalseAlarms),
    ("false-alarms-per-hour", Metric::FalseAlarmsPerHour),
    ("false-alarms-per-million", Metric::FalseAlarmsPerMillion),
    ("time-to-detect", Metric::TimeToDetect),
    ("time-to-detect-p95", Metric::TimeToDetectP95),
    ("alerts-per-event", Metric::AlertsPerEvent),
];

/// The parts of a share, as gates write them.
const PARTS: [(&str, Part); 3] = [
    ("low", Part::Low),
    ("high", Part::High),
    ("exact", Part::Exact),
];

/// One bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// What it is about.
    pub scope: Scope,
    /// The figure.
    pub metric: Metric,
    /// Which number of it.
    pub part: Part,
    /// On which side it fails.
    pub side: Side,
    /// The bound itself passes.
    pub bound: f64,
}

/// Why a text is no gate.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// It has no bound.
    #[error("'{0}' sets no bound: write it as recall=0.95")]
    NoBound(String),
    /// The bound is no number, or no share.
    #[error("'{text}': {reason}")]
    BadBound {
        /// The gate.
        text: String,
        /// What is wrong with the bound.
        reason: String,
    },
    /// The scope is neither class nor family nor verdict.
    #[error("'{0}' is no class, family or verdict: `crywolf list --classes` shows them")]
    UnknownScope(String),
    /// The figure is unknown.
    #[error("'{name}' is no figure: one of {known}")]
    UnknownMetric {
        /// What was written.
        name: String,
        /// What could be.
        known: String,
    },
    /// F1 hides which of its halves is bad.
    #[error("f1 is printed and is never a gate: set recall and precision")]
    F1,
    /// A part that this figure does not have.
    #[error("'{0}' has no interval: only shares have .low, .high and .exact")]
    NoParts(String),
}

impl Gate {
    /// Reads a gate.
    ///
    /// # Errors
    /// Fails on a text without a bound, on an unknown scope, figure or part, on a bound that is no number, and on one
    /// outside 0 to 1 for a share.
    pub fn parse(side: Side, text: &str) -> Result<Gate, GateError> {
        let (path, bound) = text
            .split_once('=')
            .ok_or_else(|| GateError::NoBound(text.to_owned()))?;
        let words: Vec<&str> = path.trim().split('.').collect();
        let (scope, metric, part) = match words[..] {
            [metric] => (None, metric, None),
            [metric, part] if find(&PARTS, part).is_some() => (None, metric, Some(part)),
            [scope, metric] => (Some(scope), metric, None),
            [scope, metric, part] => (Some(scope), metric, Some(part)),
            _ => return Err(unknown_metric(path)),
        };
        let scope = scope.map_or(Ok(Scope::All), parse_scope)?;
        let name = metric;
        if name == "f1" {
            return Err(GateError::F1);
        }
        let metric = find(&METRICS, name).ok_or_else(|| unknown_metric(name))?;
        let part = match part {
            None => Part::Value,
            Some(_) if !metric.is_share() => return Err(GateError::NoParts(name.to_owned())),
            Some(part) => find(&PARTS, part).ok_or_else(|| unknown_metric(path))?,
        };
        Ok(Gate {
            scope,
            metric,
            part,
            side,
            bound: parse_bound(text, bound, metric)?,
        })
    }

    /// Holds the gate against a grade.
    pub fn check(&self, grade: &Grade) -> GateOutcome {
        let figures = grade.figures(self.scope);
        let measured = figures.and_then(|figures| self.metric.of(figures, self.part));
        let passed = measured.is_some_and(|measured| match self.side {
            Side::Under => measured >= self.bound,
            Side::Over => measured <= self.bound,
        });
        GateOutcome {
            gate: *self,
            measured,
            passed,
        }
    }
}

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let entry = table.iter().find(|(known, _)| *known == name)?;
    Some(entry.1)
}

fn unknown_metric(name: &str) -> GateError {
    GateError::UnknownMetric {
        name: name.to_owned(),
        known: METRICS.map(|(known, _)| known).join(", "),
    }
}

fn parse_scope(name: &str) -> Result<Scope, GateError> {
    let verdict = || Verdict::ALL.into_iter().find(|known| known.name() == name);
    (Class::from_name(name).map(Scope::Class))
        .or_else(|| Family::from_name(name).map(Scope::Family))
        .or_else(|| verdict().map(Scope::Verdict))
        .ok_or_else(|| GateError::UnknownScope(name.to_owned()))
}

fn parse_bound(text: &str, bound: &str, metric: Metric) -> Result<f64, GateError> {
    let bad = |reason: String| GateError::BadBound {
        text: text.to_owned(),
        reason,
    };
    let value: f64 = (bound.trim().parse())
        .map_err(|_| bad(format!("'{}' is not a number such as 0.95", bound.trim())))?;
    if metric.is_share() && !(0.0..=1.0).contains(&value) {
        return Err(bad(format!("a share lies from 0 to 1, {value} does not")));
    }
    if !value.is_finite() || value < 0.0 {
        return Err(bad(format!(
            "{value} is no bound: it takes a number from 0"
        )));
    }
    Ok(value)
}

impl Metric {
    fn is_share(self) -> bool {
        self.share(&Figures::default()).is_some()
    }

    fn share(self, figures: &Figures) -> Option<&Share> {
        Some(match self {
            Metric::Recall => &figures.recall,
            Metric::VerdictNamed => &figures.verdict_named,
            Metric::FamilyNamed => &figures.family_named,
            Metric::Named => &figures.named,
            Metric::Precision => &figures.precision,
            Metric::CryWolf => &figures.cry_wolf,
            Metric::Explained => &figures.explained,
            _ => return None,
        })
    }

    fn of(self, figures: &Figures, part: Part) -> Option<f64> {
        if let Some(share) = self.share(figures) {
            return match part {
                Part::Value => share.value,
                Part::Low => share.low,
                Part::High => share.high,
                Part::Exact => share.exact,
            };
        }
        match self {
            Metric::FalseAlarms => Some(figures.false_alarms.incidents as f64),
            Metric::FalseAlarmsPerHour => figures.false_alarms_per_hour,
            Metric::FalseAlarmsPerMillion => figures.false_alarms_per_million,
            Metric::TimeToDetect => figures.time_to_detect.seconds.median,
            Metric::TimeToDetectP95 => figures.time_to_detect.seconds.p95,
            Metric::AlertsPerEvent => figures.alerts_per_event,
            _ => None,
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            Scope::All => {}
            Scope::Verdict(verdict) => write!(f, "{verdict}.")?,
            Scope::Family(family) => write!(f, "{family}.")?,
            Scope::Class(class) => write!(f, "{class}.")?,
        }
        let metric = METRICS.iter().find(|(_, metric)| *metric == self.metric);
        f.write_str(metric.map_or("", |(name, _)| name))?;
        match PARTS.iter().find(|(_, part)| *part == self.part) {
            Some((name, _)) => write!(f, ".{name}"),
            None => Ok(()),
        }
    }
}

/// How a gate went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateOutcome {
    /// The gate.
    pub gate: Gate,
    /// What was measured; `None` over nothing.
    pub measured: Option<f64>,
    /// Whether it passed.
    pub passed: bool,
}

impl fmt::Display for GateOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.passed { "passed" } else { "failed" };
        let bound = match self.gate.side {
            Side::Under => "at least",
            Side::Over => "at most",
        };
        write!(f, "{word}: {} ", self.gate)?;
        match self.measured {
            Some(measured) => write!(f, "is {measured:.4}")?,
            None => write!(
                f,
                "was not measured: nothing in these captures counts for it"
            )?,
        }
        write!(f, ", wanted {bound} {}", self.gate.bound)
    }
}

/// Several gates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gates(pub Vec<Gate>);

impl Gates {
    /// Reads the gates of a command line.
    ///
    /// # Errors
    /// Fails on the first text that is no gate.
    pub fn parse(fail_under: &[String], fail_over: &[String]) -> Result<Gates, GateError> {
        let under = fail_under.iter().map(|text| Gate::parse(Side::Under, text));
        let over = fail_over.iter().map(|text| Gate::parse(Side::Over, text));
        under.chain(over).collect::<Result<_, _>>().map(Gates)
    }

    /// Holds them all against a grade.
    pub fn check(&self, grade: &Grade) -> Vec<GateOutcome> {
        self.0.iter().map(|gate| gate.check(grade)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(text: &str) -> Result<Gate, GateError> {
        Gate::parse(Side::Under, text)
    }

    #[test]
    fn a_gate_prints_as_it_is_read() {
        for path in [
            "recall",
            "cry-wolf",
            "recall.low",
            "syn-scan.recall",
            "port-scan.named.exact",
            "attack.time-to-detect-p95",
        ] {
            let gate = under(&format!("{path}=0.5")).unwrap();
            assert_eq!(gate.to_string(), path);
        }
    }

    #[test]
    fn what_is_no_gate_is_explained() {
        assert_eq!(under("f1=0.9").unwrap_err(), GateError::F1);
        assert!(matches!(under("recall"), Err(GateError::NoBound(_))));
        assert!(matches!(
            under("recall=95"),
            Err(GateError::BadBound { .. })
        ));
        assert!(matches!(under("recall=x"), Err(GateError::BadBound { .. })));
        assert!(matches!(
            under("recall=nan"),
            Err(GateError::BadBound { .. })
        ));
        assert!(matches!(
            under("syn.recall=1"),
            Err(GateError::UnknownScope(_))
        ));
        assert!(matches!(
            under("recal=1"),
            Err(GateError::UnknownMetric { .. })
        ));
        assert!(matches!(
            under("false-alarms.low=1"),
            Err(GateError::NoParts(_))
        ));
        assert!(matches!(
            under("a.b.c.d=1"),
            Err(GateError::UnknownMetric { .. })
        ));
    }
}

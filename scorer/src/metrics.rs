//! The figures: over everything, and by verdict, family and class.
//!
//! Events count under their own class. Precision counts under the class that the alert names: of what the detector
//! called a SYN scan, how much deserved an alert. An event's alerts are one match however many they are; wolf cries
//! and false alarms count by incident.

use std::collections::BTreeMap;

use labels::{Class, Expect, Family, Verdict};

use crate::Options;
use crate::curve::Curves;
use crate::figures::{Delays, Figures, Mistakes, Quantiles, Scope, Share};
use crate::grade::{
    CaptureGrade, ConfusionRow, EventGrade, Grade, Outcome, PROTOCOL, SCHEMA, Settings,
};
use crate::incident::Incident;
use crate::interval::{bootstrap, precision_at};
use crate::matching::ClassGrade;
use crate::running::Running;

/// Hits and chances by seed.
#[derive(Debug, Default)]
struct Tally(BTreeMap<u64, (u64, u64)>);

impl Tally {
    fn add(&mut self, seed: u64, hit: bool) {
        let cell = self.0.entry(seed).or_default();
        cell.0 += u64::from(hit);
        cell.1 += 1;
    }

    fn share(&self) -> Share {
        let sum = |part: fn(&(u64, u64)) -> u64| self.0.values().map(part).sum();
        let clusters: Vec<(u64, u64)> = self.0.values().copied().collect();
        Share {
            by_seed: bootstrap(&clusters),
            ..Share::of(sum(|cell| cell.0), sum(|cell| cell.1))
        }
    }
}

/// What is counted in one scope.
#[derive(Debug, Default)]
struct Counts {
    recall: Tally,
    verdict_named: Tally,
    family_named: Tally,
    named: Tally,
    actor_named: Tally,
    precision: Tally,
    cry_wolf: Tally,
    explained: Tally,
    wolf_cries: Mistakes,
    false_alarms: Mistakes,
    may: u64,
    may_alerted: u64,
    alerts_on_detected: u64,
    missed: u64,
    seconds: Vec<f64>,
    frames: Vec<f64>,
    share: Vec<f64>,
    slack_frames: Vec<f64>,
}

impl Counts {
    /// Counts an event under its own class.
    fn event(&mut self, seed: u64, event: &EventGrade, explains: bool) {
        match event.expect {
            Expect::Alert => {
                let grade = event.class_grade();
                let reaches = |least: ClassGrade| grade.is_some_and(|grade| grade >= least);
                self.recall.add(seed, grade.is_some());
                self.verdict_named.add(seed, reaches(ClassGrade::Verdict));
                self.family_named.add(seed, reaches(ClassGrade::Family));
                self.named.add(seed, reaches(ClassGrade::Class));
                self.missed += u64::from(grade.is_none());
                self.detection(seed, event);
            }
            Expect::Silence => {
                let cried = event.outcome == Outcome::WolfCry;
                self.cry_wolf.add(seed, cried);
            }
            Expect::May => {
                self.may += 1;
                self.may_alerted += u64::from(event.outcome == Outcome::MayAlerted);
            }
        }
        if explains && event.wants_explanation() {
            self.explained.add(seed, event.is_explained());
        }
    }

    fn detection(&mut self, seed: u64, event: &EventGrade) {
        self.alerts_on_detected += event.alerts;
        if let Some(named) = event.actor_named {
            self.actor_named.add(seed, named);
        }
        if let Some(delay) = event.delay {
            self.seconds.push(delay.seconds);
            self.frames.extend(delay.frames.map(|frames| frames as f64));
            self.share.extend(delay.share);
            self.slack_frames
                .extend(delay.slack_frames.map(|frames| frames as f64));
        }
    }

    /// Counts an incident of alerts on events that expect silence, or on none.
    fn mistake(&mut self, seed: u64, incident: &Incident, wolf_cry: bool) {
        let mistakes = if wolf_cry {
            &mut self.wolf_cries
        } else {
            &mut self.false_alarms
        };
        mistakes.incidents += 1;
        mistakes.alerts += incident.alerts;
        self.precision.add(seed, false);
    }

    fn figures(self, volume: &Volume, prevalence: Option<f64>) -> Figures {
        let (recall, precision) = (self.recall.share(), self.precision.share());
        let cry_wolf = self.cry_wolf.share();
        let incidents = self.false_alarms.incidents as f64;
        let per = |unit: f64| (unit > 0.0).then(|| incidents / unit);
        let rates = recall.value.zip(cry_wolf.value);
        Figures {
            verdict_named: self.verdict_named.share(),
            family_named: self.family_named.share(),
            named: self.named.share(),
            actor_named: self.actor_named.share(),
            explained: self.explained.share(),
            wolf_cries: self.wolf_cries,
            false_alarms: self.false_alarms,
            false_alarms_per_hour: per(volume.hours),
            false_alarms_per_million: per(volume.frames as f64 / 1e6),
            may: self.may,
            may_alerted: self.may_alerted,
            alerts_per_event: (recall.hits > 0)
                .then(|| self.alerts_on_detected as f64 / recall.hits as f64),
            time_to_detect: Delays {
                detected: recall.hits,
                missed: self.missed,
                seconds: Quantiles::of(self.seconds),
                frames: Quantiles::of(self.frames),
                share: Quantiles::of(self.share),
                slack_frames: Quantiles::of(self.slack_frames),
            },
            f1: f1(precision.value, recall.value),
            precision_at_prevalence: prevalence
                .zip(rates)
                .and_then(|(prevalence, (recall, cry))| precision_at(prevalence, recall, cry)),
            recall,
            precision,
            cry_wolf,
        }
    }
}

/// How much was looked at.
#[derive(Debug, Default)]
struct Volume {
    hours: f64,
    frames: u64,
}

impl Volume {
    fn of(captures: &[CaptureGrade]) -> Volume {
        let nanos = |capture: &CaptureGrade| {
            let (first, last) = capture.first.zip(capture.last)?;
            Some(last.as_nanosecond() - first.as_nanosecond())
        };
        let total: i128 = captures.iter().filter_map(nanos).sum();
        Volume {
            hours: total as f64 / 3.6e12,
            frames: captures.iter().map(|capture| capture.packets).sum(),
        }
    }
}

/// The harmonic mean; null where either is, 0 where both are 0.
fn f1(precision: Option<f64>, recall: Option<f64>) -> Option<f64> {
    let (precision, recall) = precision.zip(recall)?;
    let sum = precision + recall;
    Some(if sum > 0.0 {
        2.0 * precision * recall / sum
    } else {
        0.0
    })
}

/// The scopes in which something of that verdict, family and class counts.
fn scopes(
    verdict: Option<Verdict>,
    family: Option<Family>,
    class: Option<Class>,
) -> impl Iterator<Item = Scope> {
    [
        Some(Scope::All),
        verdict.map(Scope::Verdict),
        class.map(Class::family).or(family).map(Scope::Family),
        class.map(Scope::Class),
    ]
    .into_iter()
    .flatten()
}

/// Counts everything in every scope.
fn count(captures: &[CaptureGrade], explains: bool) -> BTreeMap<Scope, Counts> {
    let mut counts: BTreeMap<Scope, Counts> = BTreeMap::new();
    // Everything has figures, if only null ones.
    counts.entry(Scope::All).or_default();
    for capture in captures {
        let seed = capture.seed;
        for event in &capture.events {
            for scope in scopes(Some(event.verdict), None, Some(event.class)) {
                let counts = counts.entry(scope).or_default();
                counts.event(seed, event, explains);
            }
            if let (Outcome::Detected, Some(alert)) = (event.outcome, &event.first_alert) {
                for scope in scopes(Some(alert.verdict), alert.family, alert.class) {
                    counts.entry(scope).or_default().precision.add(seed, true);
                }
            }
            let wolf_cries = event.incidents.iter();
            let wolf_cries = wolf_cries.filter(|_| event.outcome == Outcome::WolfCry);
            for incident in wolf_cries {
                for scope in scopes(incident.verdict, incident.family, incident.class) {
                    counts
                        .entry(scope)
                        .or_default()
                        .mistake(seed, incident, true);
                }
            }
        }
        for incident in &capture.false_alarms {
            for scope in scopes(incident.verdict, incident.family, incident.class) {
                counts
                    .entry(scope)
                    .or_default()
                    .mistake(seed, incident, false);
            }
        }
    }
    counts
}

/// What was called what; the last row is the background's.
fn confusion(captures: &[CaptureGrade]) -> Vec<ConfusionRow> {
    let mut rows: BTreeMap<Class, ConfusionRow> = BTreeMap::new();
    let row = |truth| ConfusionRow {
        truth,
        said: BTreeMap::new(),
        unclassed: 0,
        none: 0,
    };
    let mut background = row(None);
    for capture in captures {
        for event in &capture.events {
            let row = rows
                .entry(event.class)
                .or_insert_with(|| row(Some(event.class)));
            let said = event.first_alert.as_ref();
            match said.or(event.first_explanation.as_ref()) {
                None => row.none += 1,
                Some(said) => note(row, said.class),
            }
        }
        for incident in &capture.false_alarms {
            note(&mut background, incident.class);
        }
    }
    rows.into_values().chain([background]).collect()
}

fn note(row: &mut ConfusionRow, said: Option<Class>) {
    match said {
        Some(class) => *row.said.entry(class).or_default() += 1,
        None => row.unclassed += 1,
    }
}

/// Counts of all captures together.
fn sums(
    captures: &[CaptureGrade],
    counts: fn(&CaptureGrade) -> &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (what, count) in captures.iter().flat_map(counts) {
        *sums.entry(what.clone()).or_default() += count;
    }
    sums
}

impl Grade {
    /// The grade over graded captures, in an order of its own: by scenario, seed, sensor, parameters and file.
    pub fn new(mut captures: Vec<CaptureGrade>, options: &Options) -> Grade {
        captures.sort_by(|a, b| {
            (&a.scenario, a.seed, &a.sensor, &a.parameters, &a.file).cmp(&(
                &b.scenario,
                b.seed,
                &b.sensor,
                &b.parameters,
                &b.file,
            ))
        });
        let volume = Volume::of(&captures);
        let explains = (options.explains)
            .unwrap_or_else(|| captures.iter().any(CaptureGrade::has_explanations));
        let mut grade = Grade {
            schema: SCHEMA.into(),
            protocol: PROTOCOL.into(),
            detector: options.detector.clone(),
            settings: Settings {
                latency_s: options.latency.as_secs_f64(),
                tolerance_s: options.tolerance.as_secs_f64(),
                resolution_s: options.resolution.map(|time| time.as_secs_f64()),
                threshold: options.threshold,
                clock_offset_s: options.clock_offset.as_secs_f64(),
                live: options.live,
                strict: options.strict,
                explains,
                prevalence: options.prevalence,
            },
            all: Figures::default(),
            verdicts: BTreeMap::new(),
            families: BTreeMap::new(),
            classes: BTreeMap::new(),
            confusion: confusion(&captures),
            curves: Curves::over(
                captures.iter().map(|capture| &capture.sweep),
                options.threshold,
            ),
            unmapped: sums(&captures, |capture| &capture.unmapped),
            ignored: sums(&captures, |capture| &capture.ignored),
            running: Running::default(),
            captures: Vec::new(),
        };
        for (scope, counts) in count(&captures, explains) {
            let figures = counts.figures(&volume, options.prevalence);
            match scope {
                Scope::All => grade.all = figures,
                Scope::Verdict(verdict) => drop(grade.verdicts.insert(verdict, figures)),
                Scope::Family(family) => {
                    grade.families.insert(family.name().into(), figures);
                }
                Scope::Class(class) => drop(grade.classes.insert(class, figures)),
            }
        }
        grade.captures = captures;
        grade
    }

    /// The figures of a scope; `None` where nothing of it was graded.
    pub fn figures(&self, scope: Scope) -> Option<&Figures> {
        match scope {
            Scope::All => Some(&self.all),
            Scope::Verdict(verdict) => self.verdicts.get(&verdict),
            Scope::Family(family) => self.families.get(family.name()),
            Scope::Class(class) => self.classes.get(&class),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let twenty: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        let quantiles = Quantiles::of(twenty);
        assert_eq!(quantiles.median, Some(10.0));
        assert_eq!(quantiles.p95, Some(19.0));
        assert_eq!(Quantiles::of(vec![]), Quantiles::default());
        assert_eq!(Quantiles::of(vec![3.0]).p95, Some(3.0));
    }

    #[test]
    fn a_share_over_nothing_is_null() {
        let nothing = Share::of(0, 0);
        assert_eq!(nothing, Share::default());
    }

    #[test]
    fn f1_is_null_where_precision_is() {
        assert_eq!(f1(None, Some(0.0)), None);
        assert_eq!(f1(Some(0.0), Some(0.0)), Some(0.0));
        assert_eq!(f1(Some(1.0), Some(0.5)), Some(2.0 / 3.0));
    }
}

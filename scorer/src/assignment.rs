//! Who gets the credit: each alert falls to one event at most.
//!
//! Of the events an alert fits, the one with the strongest evidence gets it; on equal evidence an alerting one goes
//! rather to an event that deserves an alert than to one that may have one, and to that rather than to one that
//! wants silence; then to the nearest class, to one whose ports it names, to the shorter, to the later, to the
//! lowest id.
//!
//! Of an event's alerts the earliest counts; the others are duplicates. Of several at one time the one that fits
//! best comes first. The order in which alerts are given never matters.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use labels::{AddressBlock, Event, Expect, Truth, Verdict};

use crate::alert::Alert;
use crate::clock::{Drift, Grain};
use crate::curve::Scores;
use crate::grade::{CaptureGrade, Delay, Doubt, EventGrade, Outcome, Statement};
use crate::incident::{Book, Incident, Place, evidence_key};
use crate::index::Index;
use crate::matching::{Rank, Strength, Subject, When};
use crate::{Flows, Options};

/// Grades one capture, alert by alert. Memory grows with events and incidents, hardly with alerts.
#[derive(Debug)]
pub struct CaptureScorer<'a> {
    truth: &'a Truth,
    strict: bool,
    live: bool,
    raises_late: bool,
    clock_offset: SignedDuration,
    subjects: Vec<Subject<'a>>,
    index: Index<'a>,
    heard: Vec<Heard>,
    book: Book,
    alerts: u64,
    stray_explanations: u64,
    unmapped: BTreeMap<Arc<str>, u64>,
    ignored: BTreeMap<Arc<str>, u64>,
    threshold: Option<f64>,
    below_threshold: u64,
    frames_beyond: u64,
    grain: Grain,
    drift: Drift,
    scores: Option<Scores>,
}

/// What was said of one event so far.
#[derive(Debug, Default)]
struct Heard {
    first_alert: Option<Statement>,
    first_explanation: Option<Statement>,
    alerts: u64,
    explanations: u64,
    unmapped: BTreeMap<Arc<str>, u64>,
}

impl<'a> CaptureScorer<'a> {
    /// Starts on a capture. `flows` is empty where nobody knows the capture's Community IDs.
    pub fn new(truth: &'a Truth, flows: &'a Flows, options: &Options) -> CaptureScorer<'a> {
        let subjects: Vec<Subject<'a>> = (truth.events.iter())
            .map(|event| Subject::new(event, options))
            .collect();
        let index = Index::new(truth, &subjects, flows);
        let heard = subjects.iter().map(|_| Heard::default()).collect();
        CaptureScorer {
            truth,
            strict: options.strict,
            live: options.live,
            raises_late: options.raises_late,
            clock_offset: options.clock_offset,
            subjects,
            index,
            heard,
            book: Book::default(),
            alerts: 0,
            stray_explanations: 0,
            unmapped: BTreeMap::new(),
            ignored: BTreeMap::new(),
            threshold: options.threshold,
            below_threshold: 0,
            frames_beyond: 0,
            grain: Grain::new(options),
            drift: Drift::new(truth, options),
            scores: options.scores.then(|| Scores::new(truth.events.len())),
        }
    }

    /// Takes one alert, in any order.
    pub fn push(&mut self, alert: Alert) {
        if self.grain.is_known() {
            return self.take(alert);
        }
        for alert in self.grain.hold(alert) {
            self.take(alert);
        }
    }

    /// Takes an alert whose stamps are as coarse as is known by now.
    fn take(&mut self, mut alert: Alert) {
        alert.set_back(self.clock_offset);
        if self.live {
            alert.forget_frames();
        }
        let when = When::of(&alert, self.grain.give(), self.raises_late);
        let count = alert.count.max(1);
        if let Some(reason) = passed_over(&alert) {
            *self.ignored.entry(reason).or_default() += count;
            return;
        }
        if (self.threshold.zip(alert.score)).is_some_and(|(least, score)| score < least) {
            self.below_threshold = self.below_threshold.saturating_add(count);
            self.sweep(&alert, when);
            return;
        }
        self.alerts = self.alerts.saturating_add(count);
        let Some(verdict) = alert.conclusion() else {
            *self.unmapped.entry(Arc::clone(&alert.rule)).or_default() += count;
            self.note_unmapped(&alert, when);
            if self.strict {
                self.sweep(&alert, when);
                self.book.enter(Place::Background, alert, when, true);
            }
            return;
        };
        let beyond = |frame: &u64| !self.index.frames.holds(*frame);
        if alert.frames.iter().chain(&alert.frame).any(beyond) {
            self.frames_beyond = self.frames_beyond.saturating_add(count);
        }
        let placed = self.place(&alert, verdict, when);
        self.score(&alert, when, placed.map(|(_, place)| place));
        self.drift.count(when);
        if self.drift.is_watching() {
            let fitting = match placed {
                Some(_) => Vec::new(),
                None => fitting(&self.index, &self.subjects, &alert),
            };
            self.drift.note(when, placed.is_some(), &fitting);
        }
        match placed {
            Some((rank, place)) => self.credit(place, alert, when, verdict, rank),
            None if verdict.is_alerting() => {
                self.book.enter(Place::Background, alert, when, true);
            }
            None => self.stray_explanations = self.stray_explanations.saturating_add(count),
        }
    }

    /// Notes at which event the map may have a gap.
    fn note_unmapped(&mut self, alert: &Alert, when: When) {
        let placed = self.place(alert, Verdict::Reconnaissance, when);
        if let Some(heard) = placed.and_then(|(_, place)| self.heard.get_mut(place as usize)) {
            let rule = Arc::clone(&alert.rule);
            *heard.unmapped.entry(rule).or_default() += alert.count.max(1);
        }
    }

    /// Notes the score of an alert that counts at lower thresholds only, or is of an unknown rule.
    fn sweep(&mut self, alert: &Alert, when: When) {
        let placed = match alert.conclusion() {
            Some(verdict) => self.place(alert, verdict, when),
            None if self.strict => None,
            None => return,
        };
        self.score(alert, when, placed.map(|(_, place)| place));
    }

    /// Notes the score of an alerting alert that falls to the event at that place, or to none.
    fn score(&mut self, alert: &Alert, when: When, place: Option<u32>) {
        let Some(scores) = &mut self.scores else {
            return;
        };
        if !alert.conclusion().is_none_or(Verdict::is_alerting) {
            return;
        }
        let expect = place.and_then(|place| Some(self.subjects.get(place as usize)?.event.expect));
        let is_mistake = expect.is_none_or(|expect| expect == Expect::Silence);
        let place = place.map_or(Place::Background, Place::Event);
        scores.enter(place, alert, when, is_mistake);
    }

    /// The event that the alert falls to.
    fn place(&self, alert: &Alert, verdict: Verdict, when: When) -> Option<(Rank, u32)> {
        let (strength, candidates) = self.index.candidates(alert, when);
        candidates
            .into_iter()
            .filter_map(|place| Some((place, self.subjects.get(place as usize)?)))
            .filter(|(_, subject)| subject.is_in_time(when) && subject.agrees(alert, strength))
            .map(|(place, subject)| (subject.rank(alert, verdict, strength), place))
            // Of events with one id the first in the truth is as good as any.
            .max_by_key(|(rank, place)| (*rank, Reverse(*place)))
    }

    fn credit(&mut self, place: u32, alert: Alert, when: When, verdict: Verdict, rank: Rank) {
        let (Some(heard), Some(subject)) = (
            self.heard.get_mut(place as usize),
            self.subjects.get(place as usize),
        ) else {
            return;
        };
        let count = alert.count.max(1);
        let first = if verdict.is_alerting() {
            heard.alerts = heard.alerts.saturating_add(count);
            &mut heard.first_alert
        } else {
            heard.explanations = heard.explanations.saturating_add(count);
            &mut heard.first_explanation
        };
        if (first.as_ref()).is_none_or(|known| before(&alert, &rank, known).is_lt()) {
            *first = Some(statement(&alert, verdict, &rank));
        }
        if verdict.is_alerting() {
            let undeserved = subject.event.expect != Expect::Alert;
            (self.book).enter(Place::Event(place), alert, when, undeserved);
        }
    }

    /// What became of the capture's events.
    pub fn finish(mut self) -> CaptureGrade {
        for alert in self.grain.release() {
            self.take(alert);
        }
        let mut doubts = self.drift.doubts();
        if self.frames_beyond > 0 {
            let alerts = self.frames_beyond;
            doubts.push(Doubt::FramesBeyond { alerts });
        }
        let count = self.subjects.len();
        let delays = self.delays();
        let extents = self.index.frames.extents(count);
        let expects = self.truth.events.iter().map(|event| event.expect);
        let sweep = self.scores.map(|scores| scores.close(expects));
        // They take the most room, and the outcomes need it.
        drop((self.index, self.subjects));
        let mut incidents = self.book.close();
        let capture = &self.truth.capture;
        let false_alarms = incidents.remove(&Place::Background).unwrap_or_default();
        let events = (self.truth.events.iter().zip(0u32..))
            .zip(self.heard.into_iter().zip(extents.into_iter().zip(delays)))
            .map(|((event, place), (heard, (frames, delay)))| {
                let own = incidents.remove(&Place::Event(place)).unwrap_or_default();
                event_grade(event, heard, frames, delay, own)
            })
            .collect();
        CaptureGrade {
            scenario: self.truth.scenario.clone(),
            seed: self.truth.seed,
            sensor: self.truth.sensor.clone(),
            parameters: self.truth.parameters.clone(),
            file: capture.file.clone(),
            packets: capture.packets,
            first: capture.first,
            last: capture.last,
            alerts: self.alerts,
            stray_explanations: self.stray_explanations,
            unmapped: named(self.unmapped),
            ignored: named(self.ignored),
            below_threshold: self.below_threshold,
            resolution_s: self.grain.seconds(),
            reading: None,
            sweep: sweep.unwrap_or_default(),
            doubts,
            events,
            false_alarms,
        }
    }

    /// How long each event's first alert took.
    fn delays(&self) -> Vec<Option<Delay>> {
        let first = |heard: &Heard| heard.first_alert.as_ref().and_then(|alert| alert.frame);
        let mut questions = Vec::new();
        for ((heard, event), place) in self.heard.iter().zip(&self.truth.events).zip(0u32..) {
            let evident = event.evident.as_ref().map(|evident| evident.frame);
            questions.extend([first(heard), evident].map(|frame| (frame.unwrap_or(0), place)));
        }
        let ranks = self.index.frames.ranks(&questions, self.subjects.len());
        (self.heard.iter().zip(&self.truth.events))
            .zip(ranks.chunks(2))
            .map(|((heard, event), ranks)| {
                let alert = heard.first_alert.as_ref()?;
                let [reached, needed] = <[u64; 2]>::try_from(ranks).ok()?;
                let known = alert
                    .frame
                    .is_some_and(|frame| self.index.frames.holds(frame));
                let needed = event.evident.as_ref().map(|_| needed);
                Some(delay(alert, event, known.then_some(reached), needed))
            })
            .collect()
    }
}

/// The events that the alert would fit at another time.
fn fitting<'s, 'a>(
    index: &Index<'a>,
    subjects: &'s [Subject<'a>],
    alert: &Alert,
) -> Vec<&'s Subject<'a>> {
    let (strength, candidates) = index.candidates(alert, When::ALWAYS);
    if strength == Strength::Weak {
        return Vec::new();
    }
    let events = candidates.into_iter();
    events
        .filter_map(|place| subjects.get(place as usize))
        .filter(|subject| subject.agrees(alert, strength))
        .collect()
}

/// Why an alert is none: its map says so, or it says that all is normal.
fn passed_over(alert: &Alert) -> Option<Arc<str>> {
    let normal = || (alert.conclusion() == Some(Verdict::Normal)).then(|| "it says: normal".into());
    alert.ignored.clone().or_else(normal)
}

/// The delay of an alert by which `reached` of the event's frames had passed, where `needed` make it evident.
fn delay(alert: &Statement, event: &Event, reached: Option<u64>, needed: Option<u64>) -> Delay {
    let nanos = alert.time.as_nanosecond() - event.start.as_nanosecond();
    let share = |frames: u64| (event.packets > 0).then(|| frames as f64 / event.packets as f64);
    let signed = |frames: u64| i64::try_from(frames).unwrap_or(i64::MAX);
    Delay {
        seconds: nanos.max(0) as f64 / 1e9,
        frames: reached,
        share: reached.and_then(share),
        slack_frames: reached
            .zip(needed)
            .map(|(reached, needed)| signed(reached) - signed(needed)),
    }
}

fn statement(alert: &Alert, verdict: Verdict, rank: &Rank) -> Statement {
    Statement {
        time: alert.time,
        frame: alert.frame,
        rule: alert.rule.to_string(),
        class: alert.class,
        family: alert.family.filter(|_| alert.class.is_none()),
        verdict,
        strength: rank.strength,
        class_grade: rank.class_grade,
        sources: alert.sources.clone(),
        targets: alert.targets.clone(),
        evidence: alert.evidence.clone(),
    }
}

/// Whether an alert comes before the first one known: by time, then by fit, then by all that could tell them apart.
fn before(alert: &Alert, rank: &Rank, known: &Statement) -> Ordering {
    let fit = (Reverse(rank.strength), Reverse(rank.class_grade));
    let known_fit = (Reverse(known.strength), Reverse(known.class_grade));
    (alert.time.cmp(&known.time))
        .then(fit.cmp(&known_fit))
        .then_with(|| alert.rule.as_ref().cmp(known.rule.as_str()))
        .then_with(|| (alert.class, alert.family).cmp(&(known.class, known.family)))
        .then_with(|| alert.conclusion().cmp(&Some(known.verdict)))
        .then_with(|| alert.frame.cmp(&known.frame))
        .then_with(|| alert.sources.cmp(&known.sources))
        .then_with(|| alert.targets.cmp(&known.targets))
        .then_with(|| evidence_key(&alert.evidence).cmp(evidence_key(&known.evidence)))
}

fn event_grade(
    event: &Event,
    heard: Heard,
    frames: Option<[u64; 2]>,
    delay: Option<Delay>,
    incidents: Vec<Incident>,
) -> EventGrade {
    EventGrade {
        id: event.id,
        class: event.class,
        verdict: event.verdict,
        expect: event.expect,
        tool: event.tool.clone(),
        sources: event.sources.clone(),
        actor: event.actor,
        targets: event.targets.clone(),
        transport: event.transport,
        ports: event.ports.clone(),
        start: event.start,
        end: event.end,
        packets: event.packets,
        frames,
        evident: event.evident.clone(),
        because: event.because.clone(),
        outcome: Outcome::of(event.expect, heard.first_alert.is_some()),
        delay,
        actor_named: actor_named(event, heard.first_alert.as_ref()),
        first_alert: heard.first_alert,
        first_explanation: heard.first_explanation,
        alerts: heard.alerts,
        explanations: heard.explanations,
        incidents,
        unmapped: named(heard.unmapped),
    }
}

/// The same counts by names that nobody shares.
fn named(counts: BTreeMap<Arc<str>, u64>) -> BTreeMap<String, u64> {
    let counts = counts.into_iter();
    counts
        .map(|(what, count)| (what.to_string(), count))
        .collect()
}

/// Whether the alert blames the actor and nobody else; `None` without an alert, and where the actor does not show
/// among the sources and could not be named.
fn actor_named(event: &Event, alert: Option<&Statement>) -> Option<bool> {
    let actor = event.actor?;
    let alert = alert?;
    let shows = event.sources.iter().any(|source| source.contains(actor));
    shows.then(|| alert.sources == [AddressBlock::from(actor)])
}

//! What the reports say in the same words: figures, who did what to whom, and why something went wrong.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use labels::{AddressBlock, Class, Evidence, Family, Verdict};

use crate::curve::{Curves, Point};
use crate::figures::{Figures, Share};
use crate::grade::{CaptureGrade, EventGrade, Grade, Outcome};
use crate::incident::Incident;
use crate::running::{Failure, Running};

/// How many addresses or frames a phrase names before it only counts the rest.
const NAMED: usize = 3;

/// A figure with three decimals, or a dash over nothing.
pub(super) fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

/// `hits/of`, or a dash over nothing.
pub(super) fn ratio(share: &Share) -> String {
    if share.of == 0 {
        return "-".to_owned();
    }
    format!("{}/{}", share.hits, share.of)
}

/// `low to high`, or a dash over nothing.
pub(super) fn interval(ends: Option<(f64, f64)>) -> String {
    ends.map_or_else(
        || "-".to_owned(),
        |(low, high)| format!("{low:.3} to {high:.3}"),
    )
}

/// The Wilson interval of a share.
pub(super) fn wilson(share: &Share) -> String {
    interval(share.low.zip(share.high))
}

/// The headline shares with their names.
pub(super) fn headline(figures: &Figures) -> [(&'static str, &Share); 7] {
    [
        ("recall", &figures.recall),
        ("  of the right verdict", &figures.verdict_named),
        ("  of the right family", &figures.family_named),
        ("  of the right class", &figures.named),
        ("precision", &figures.precision),
        ("cry-wolf rate", &figures.cry_wolf),
        ("explained", &figures.explained),
    ]
}

/// Names with their counts, the most frequent first.
pub(super) fn most_frequent(
    counts: &BTreeMap<String, u64>,
) -> impl Iterator<Item = (&String, &u64)> {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| Reverse(**count));
    sorted.into_iter()
}

/// Some names with their counts, and the number of the rest.
fn rules(counts: &BTreeMap<String, u64>) -> String {
    let said = most_frequent(counts).map(|(rule, count)| format!("{rule} ({count})"));
    some(&said.collect::<Vec<_>>())
}

/// A rule that the map does not know.
pub(super) struct Unmapped<'a> {
    pub(super) rule: &'a str,
    alerts: u64,
    /// Events that were missed, and of which it spoke.
    missed: u64,
}

impl fmt::Display for Unmapped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, number(self.alerts, "alert"))?;
        match self.missed {
            0 => Ok(()),
            missed => write!(f, ", which fit {}", number(missed, "missed event")),
        }
    }
}

/// The rules that the map does not know: first those that might have found what was missed, then by the number of
/// their alerts.
pub(super) fn unmapped(grade: &Grade) -> Vec<Unmapped<'_>> {
    let mut missed: BTreeMap<&str, u64> = BTreeMap::new();
    let events = (grade.events()).filter(|(_, event)| event.outcome == Outcome::Missed);
    for rule in events.flat_map(|(_, event)| event.unmapped.keys()) {
        *missed.entry(rule).or_default() += 1;
    }
    let mut rules: Vec<Unmapped<'_>> = (grade.unmapped.iter())
        .map(|(rule, alerts)| Unmapped {
            rule,
            alerts: *alerts,
            missed: missed.get(rule.as_str()).copied().unwrap_or(0),
        })
        .collect();
    rules.sort_by_key(|rule| Reverse((rule.missed, rule.alerts)));
    rules
}

/// What to do about them.
pub(super) const MAP_THEM: &str = "What they mean is yours to say, in a file for --map: a rule each, with its class, or why it is to be ignored.";

/// How many points of the curves a page shows.
const SHOWN: usize = 8;

/// The curves, in one line.
pub(super) fn curves(curves: &Curves) -> String {
    let area = curves.roc_area_interval;
    format!(
        "{}; area under the ROC curve {} ({}), average precision {}",
        number(curves.thresholds, "threshold"),
        figure(curves.roc_area),
        interval(area.map(|area| (area.low, area.high))),
        figure(curves.average_precision),
    )
}

/// Points of the curves that show their course, the user's own among them.
pub(super) fn points(curves: &Curves, own: Option<f64>) -> impl Iterator<Item = &Point> {
    let last = curves.points.len().saturating_sub(1);
    let step = last.div_ceil(SHOWN - 1).max(1);
    let shown = move |at: usize, point: &Point| {
        at.is_multiple_of(step) || at == last || own == Some(point.threshold)
    };
    let points = curves.points.iter().enumerate();
    points
        .filter(move |(at, point)| shown(*at, point))
        .map(|(_, point)| point)
}

/// `1 event`, `2 events`.
pub(super) fn number(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What was graded, in one line.
pub(super) fn volume(grade: &Grade) -> String {
    let sum = |part: fn(&CaptureGrade) -> u64| grade.captures.iter().map(part).sum();
    let mut seeds: Vec<u64> = grade.captures.iter().map(|capture| capture.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let count = |of: usize| u64::try_from(of).unwrap_or(u64::MAX);
    [
        number(count(grade.captures.len()), "capture"),
        number(count(seeds.len()), "seed"),
        number(sum(|capture| capture.packets), "frame"),
        number(
            sum(|capture| capture.events.iter().map(|_| 1).sum()),
            "event",
        ),
        number(sum(|capture| capture.alerts), "alert"),
    ]
    .join(", ")
}

/// The false alarms, in one line.
pub(super) fn false_alarms(figures: &Figures) -> String {
    let mistakes = figures.false_alarms;
    let mut line = format!(
        "{} ({})",
        number(mistakes.incidents, "incident"),
        number(mistakes.alerts, "alert")
    );
    for (rate, unit) in [
        (figures.false_alarms_per_hour, "an hour"),
        (figures.false_alarms_per_million, "per million frames"),
    ] {
        if let Some(rate) = rate {
            line.push_str(&format!(", {rate:.2} {unit}"));
        }
    }
    line
}

/// The time to detect, in one line.
pub(super) fn time_to_detect(figures: &Figures) -> String {
    let delays = &figures.time_to_detect;
    let seconds =
        |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3} s"));
    let mut line = format!(
        "median {}, p95 {}; {} missed",
        seconds(delays.seconds.median),
        seconds(delays.seconds.p95),
        delays.missed
    );
    if let Some(frames) = delays.frames.median {
        line.push_str(&format!("; median {frames} frames of the event"));
    }
    if let Some(slack) = delays.slack_frames.median {
        line.push_str(&format!(", {slack:+} against evident"));
    }
    line
}

/// Where an event is, in one line.
pub(super) fn place(capture: &CaptureGrade) -> String {
    let (scenario, seed, sensor) = (&capture.scenario, capture.seed, &capture.sensor);
    format!(
        "{scenario}{}, seed {seed}, sensor {sensor}",
        step(&capture.parameters)
    )
}

/// The step of the ladder, with a comma before it.
fn step(parameters: &BTreeMap<String, String>) -> String {
    let step = parameters.get("difficulty");
    step.map_or_else(String::new, |step| format!(", {step}"))
}

/// Where a detector failed, in one line.
pub(super) fn failed_at(failure: &Failure) -> String {
    let (scenario, seed, sensor) = (&failure.scenario, failure.seed, &failure.sensor);
    format!(
        "{scenario}{}, seed {seed}, sensor {sensor}",
        step(&failure.parameters)
    )
}

/// What the detector took and whether it answers the same twice, in a sentence each.
pub(super) fn ran(running: &Running) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(cost) = &running.cost {
        let speed = cost.frames_per_s;
        let speed = speed.map_or_else(String::new, |speed| format!(", {speed:.0} frames a second"));
        lines.push(format!(
            "the detector took {:.2} s of processor time, {:.1} MiB at most{speed}",
            cost.cpu_s,
            // Mebibytes for people: what is lost is less than a tenth of one.
            cost.peak_bytes as f64 / 1_048_576.0,
        ));
    }
    if let Some(repeats) = &running.repeats {
        let runs = repeats.runs;
        lines.push(match repeats.differing.as_slice() {
            [] => format!("it said the same in each of {runs} runs"),
            files => {
                let of = u64::try_from(files.len()).unwrap_or(u64::MAX);
                let differ = match of {
                    1 => "1 capture differs".to_owned(),
                    of => format!("{of} captures differ"),
                };
                format!(
                    "it did not say the same in each of {runs} runs: {differ} ({})",
                    some(files)
                )
            }
        });
    }
    lines
}

/// Some of `items`, and the number of the rest.
fn some<T: ToString>(items: &[T]) -> String {
    let named: Vec<String> = items.iter().take(NAMED).map(T::to_string).collect();
    let rest = items.len().saturating_sub(NAMED);
    let rest = if rest == 0 {
        String::new()
    } else {
        format!(" and {rest} more")
    };
    named.join(", ") + &rest
}

/// `source to target`.
pub(super) fn who(sources: &[AddressBlock], targets: &[AddressBlock]) -> String {
    let side = |blocks: &[AddressBlock]| {
        if blocks.is_empty() {
            "anybody".to_owned()
        } else {
            some(blocks)
        }
    };
    format!("{} to {}", side(sources), side(targets))
}

/// An event, in one line.
pub(super) fn event(event: &EventGrade) -> String {
    let frames = match event.frames {
        Some([first, last]) if first != last => format!(" ({first} to {last})"),
        Some([first, _]) => format!(" ({first})"),
        None => String::new(),
    };
    format!(
        "{}, {}, {}{frames}",
        who(&event.sources, &event.targets),
        event.transport,
        number(event.packets, "frame"),
    )
}

/// Why an event counts as a mistake, in one sentence for each reason.
pub(super) fn why(event: &EventGrade) -> Vec<String> {
    match event.outcome {
        Outcome::Missed => vec![why_missed(event)],
        Outcome::WolfCry => {
            let mut reasons = vec![format!("what it is: {}", because(event))];
            reasons.extend(event.incidents.iter().take(NAMED).map(incident));
            let rest = event.incidents.len().saturating_sub(NAMED);
            if rest > 0 {
                reasons.push(format!("and {rest} more incidents"));
            }
            reasons
        }
        _ => Vec::new(),
    }
}

fn because(event: &EventGrade) -> String {
    if event.because.is_empty() {
        event.class.definition().trim_end_matches('.').to_owned()
    } else {
        event.because.join("; ")
    }
}

fn why_missed(event: &EventGrade) -> String {
    let evident = match &event.evident {
        Some(evident) => format!("evident at frame {} ({})", evident.frame, evident.rule),
        None => "no frame makes it evident".to_owned(),
    };
    let said = match &event.first_explanation {
        Some(said) => format!(
            "{} called it {}",
            said.rule,
            named(said.class, said.family, said.verdict)
        ),
        None if event.unmapped.is_empty() => "nothing was said of it".to_owned(),
        None => format!(
            "only rules that the map does not know spoke of it: {}",
            rules(&event.unmapped)
        ),
    };
    format!("{evident}; {said}")
}

fn named(class: Option<Class>, family: Option<Family>, verdict: Verdict) -> &'static str {
    class.map_or_else(|| family.map_or(verdict.name(), Family::name), Class::name)
}

/// An incident, in one line.
pub(super) fn incident(incident: &Incident) -> String {
    let called = match incident.verdict {
        Some(verdict) => format!("called {}", named(incident.class, incident.family, verdict)),
        None => "of a rule that the map does not know".to_owned(),
    };
    let rule = match incident.class {
        Some(class) if class.name() == incident.rule => String::new(),
        _ => format!(" by {}", incident.rule),
    };
    let at = match incident.frame {
        Some(frame) => format!(" at frame {frame}"),
        None => format!(" at {}", incident.raised),
    };
    let repeats = match incident.alerts {
        0 | 1 => String::new(),
        alerts => format!(", {alerts} alerts"),
    };
    let who = who(&incident.sources, &incident.targets);
    let why = evidence(&incident.evidence);
    format!("{called}{rule}{at}: {who}{repeats}{why}")
}

fn evidence(evidence: &[Evidence]) -> String {
    let facts = evidence.iter().map(|fact| {
        let frames = match fact.frames.len() {
            0 => String::new(),
            1 => format!(" (frame {})", some(&fact.frames)),
            _ => format!(" (frames {})", some(&fact.frames)),
        };
        format!(
            "; {}: {}, expected {}{frames}",
            fact.fact, fact.observed, fact.expected
        )
    });
    facts.collect()
}

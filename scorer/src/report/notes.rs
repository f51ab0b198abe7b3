//! What is to be said of the alerts as a whole: what was left out and why, and whether they are this capture's at all.

use std::collections::BTreeMap;

use super::phrase::number;
use crate::adapter::Reading;
use crate::grade::{CaptureGrade, Doubt, Grade};

/// How many captures, kinds and reasons are named before the rest is counted.
const NAMED: usize = 5;

/// Each a sentence or two, the gravest first.
pub fn notes(grade: &Grade) -> Vec<String> {
    let mut notes = doubts(grade);
    notes.extend(broken(grade));
    notes.extend(passed_over(grade));
    notes.extend(ignored(grade));
    notes.extend(below_threshold(grade));
    notes.extend(coarse(grade));
    notes
}

fn doubts(grade: &Grade) -> Vec<String> {
    let of = |capture: &CaptureGrade| -> Vec<String> {
        let told = capture.doubts.iter().map(|said| doubt(said, capture));
        told.map(|said| format!("{}: {said}", capture.file))
            .collect()
    };
    let mut notes: Vec<String> = grade.captures.iter().flat_map(of).collect();
    if notes.len() > NAMED {
        let more = notes.len() - NAMED;
        notes.truncate(NAMED);
        notes.push(format!(
            "and {more} more such remarks, all in the JSON grade"
        ));
    }
    notes
}

fn doubt(doubt: &Doubt, capture: &CaptureGrade) -> String {
    match doubt {
        Doubt::ClockShift {
            seconds,
            alerts,
            of,
        } => {
            let (way, flag) = if *seconds < 0.0 {
                ("early", "-")
            } else {
                ("late", "")
            };
            let time = spoken(seconds.abs());
            format!(
                "{alerts} of {of} alerts that name something of the capture come about {time} too {way}, and fit nothing. Is it \
                 the detector's clock or time zone, --clock-offset {flag}{}? Nothing was corrected",
                time.replace(' ', "")
            )
        }
        Doubt::OutOfTime {
            alerts,
            of,
            first,
            last,
        } => {
            let (from, until) = (stamp(capture.first), stamp(capture.last));
            format!(
                "{alerts} of {of} alerts bear times at which nothing was captured: the alerts lie between {first} and {last}, the \
                 capture between {from} and {until}"
            )
        }
        Doubt::Strangers { alerts } => format!(
            "no address or frame of its events occurs in {}: is this their capture?",
            number(*alerts, "alert")
        ),
        Doubt::FramesBeyond { alerts } => format!(
            "{} with numbers of frames that the capture of {} does not have: these numbers were not looked at",
            number(*alerts, "alert"),
            number(capture.packets, "frame")
        ),
    }
}

fn stamp(time: Option<jiff::Timestamp>) -> String {
    time.map_or_else(|| "nowhere".into(), |time| time.to_string())
}

/// A duration in the largest unit that leaves no more than two decimals: `2 h`, `90 s`.
fn spoken(seconds: f64) -> String {
    for (unit, name) in [(86_400.0, "d"), (3600.0, "h"), (60.0, "m")] {
        let many = seconds / unit;
        if many >= 1.0 && (many * 100.0).fract() == 0.0 {
            return format!("{many} {name}");
        }
    }
    format!("{seconds} s")
}

fn readings(grade: &Grade) -> impl Iterator<Item = (&CaptureGrade, &Reading)> {
    let captures = grade.captures.iter();
    captures.filter_map(|capture| Some((capture, capture.reading.as_ref()?)))
}

fn broken(grade: &Grade) -> Vec<String> {
    let sum = |part: fn(&Reading) -> u64| readings(grade).map(|(_, reading)| part(reading)).sum();
    let (unreadable, cut): (u64, u64) = (
        sum(|reading| reading.unreadable),
        sum(|reading| reading.cut),
    );
    let mut notes = Vec::new();
    let first = readings(grade)
        .find_map(|(capture, reading)| Some((capture, reading.first_unreadable.as_ref()?)));
    if let Some((capture, first)) = first {
        notes.push(format!(
            "{} could not be read and were left out; the first is line {} of the alerts on {}: {}",
            number(unreadable, "line"),
            first.line,
            capture.file,
            first.why
        ));
    }
    if cut > 0 {
        let were = if cut == 1 { "was" } else { "were" };
        notes.push(format!(
            "{} without its end {were} left out: was the detector stopped?",
            number(cut, "last line")
        ));
    }
    notes
}

fn passed_over(grade: &Grade) -> Option<String> {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in readings(grade).flat_map(|(_, reading)| &reading.other) {
        *kinds.entry(kind).or_default() += count;
    }
    (!kinds.is_empty()).then(|| {
        let total = kinds.values().sum();
        format!(
            "passed over: {} that are no alerts ({})",
            number(total, "record"),
            listed(kinds)
        )
    })
}

fn ignored(grade: &Grade) -> Option<String> {
    let kinds: BTreeMap<&str, u64> = (grade.ignored.iter())
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect();
    (!kinds.is_empty()).then(|| {
        let total = kinds.values().sum();
        format!(
            "ignored by the map: {} ({})",
            number(total, "alert"),
            listed(kinds)
        )
    })
}

/// Names with their counts, the most frequent first.
fn listed(kinds: BTreeMap<&str, u64>) -> String {
    let mut kinds: Vec<(&str, u64)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = kinds.len().saturating_sub(NAMED);
    let named = kinds
        .iter()
        .take(NAMED)
        .map(|(kind, count)| format!("{kind}: {count}"));
    let mut texts: Vec<String> = named.collect();
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    texts.join("; ")
}

fn below_threshold(grade: &Grade) -> Option<String> {
    let below: u64 = grade
        .captures
        .iter()
        .map(|capture| capture.below_threshold)
        .sum();
    let threshold = grade.settings.threshold.filter(|_| below > 0)?;
    Some(format!(
        "left out: {} whose score is below {threshold}",
        number(below, "alert")
    ))
}

fn coarse(grade: &Grade) -> Option<String> {
    let found: Vec<f64> = grade
        .captures
        .iter()
        .filter_map(|capture| capture.resolution_s)
        .collect();
    let widest = found.iter().copied().reduce(f64::max)?;
    let of = match grade.settings.resolution_s {
        Some(_) => "as declared".to_owned(),
        None => format!(
            "all are on whole seconds in {}",
            number(found.len() as u64, "capture")
        ),
    };
    Some(format!(
        "time stamps are coarse ({of}): matches give way by {widest} s at both ends"
    ))
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn durations_are_spoken_in_the_unit_that_fits() {
        let texts = [7200.0, 5400.0, 86_400.0, 90.0, 20.0, 0.25].map(spoken);
        assert_eq!(texts, ["2 h", "1.5 h", "1 d", "1.5 m", "20 s", "0.25 s"]);
    }
}

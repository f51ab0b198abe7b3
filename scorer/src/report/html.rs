//! The grade as one page for a browser, which loads nothing from anywhere. html/context.md describes its parts.

use std::collections::BTreeMap;
use std::io::{self, Write};

use base64::Engine;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use super::context::{Capture, Context, Level, Note, capture_ids};
use super::contract::Report;
use crate::grade::{Grade, Outcome};

pub(super) const REPORT: Report = Report {
    option: "html",
    what: "Write one page for a browser, which loads nothing: figures, timelines, and the frames of each mistake",
    write: html,
};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: [&str; 9] = [
    include_str!("html/script/1-dom.js"),
    include_str!("html/script/2-model.js"),
    include_str!("html/script/3-figures.js"),
    include_str!("html/script/4-timeline.js"),
    include_str!("html/script/5-ladder.js"),
    include_str!("html/script/6-detail.js"),
    include_str!("html/script/7-events.js"),
    include_str!("html/script/8-curves.js"),
    include_str!("html/script/9-page.js"),
];

/// Up to here, in bytes of JSON, the data stand in the page as they are; beyond, packed.
const PLAIN: usize = 1 << 20;

/// The most that the page weighs, in bytes, where the grade itself leaves room.
const MOST_BYTES: usize = 5 << 20;

/// The most that excerpts and captures take, in packed bytes.
const MOST_EXCERPTS: usize = 5 << 19;

/// What packing in one piece may take more than packing bit by bit, in bytes.
const MARGIN: usize = 64 << 10;

/// Writes the page.
///
/// # Errors
/// Those of the output.
pub fn html(grade: &Grade, context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let context = within_budget(grade, context)?;
    let data = json(&Data {
        grade,
        context: &context,
    })?;
    let embedded = if data.len() <= PLAIN {
        data
    } else {
        let packed = base64::engine::general_purpose::STANDARD.encode(packed(&data)?);
        format!("{{\"gzip\":\"{packed}\"}}").into_bytes()
    };
    let script = SCRIPT.concat();
    let mut rest = PAGE;
    for (place, part) in [
        ("/*STYLE*/", STYLE.as_bytes()),
        ("/*DATA*/", embedded.as_slice()),
        ("/*SCRIPT*/", script.as_bytes()),
    ] {
        let (before, after) = rest
            .split_once(place)
            .expect("the template has each of its places, in this order");
        out.write_all(before.as_bytes())?;
        write_harmless(part, place == "/*DATA*/", out)?;
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// Writes data so that they cannot end the element in which they stand.
fn write_harmless(bytes: &[u8], data: bool, out: &mut dyn Write) -> io::Result<()> {
    if !data {
        return out.write_all(bytes);
    }
    for (piece, number) in bytes.split(|byte| *byte == b'<').zip(0u32..) {
        if number > 0 {
            out.write_all(b"\\u003c")?;
        }
        out.write_all(piece)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Data<'a> {
    grade: &'a Grade,
    context: &'a Context,
}

fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}

fn packed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// The context with as many excerpts and captures as the page has room for: those of missed events and wolf cries first,
/// then those of false alarms, then captures, the smallest first.
fn within_budget(grade: &Grade, context: &Context) -> io::Result<Context> {
    let mut kept = Context {
        captures: BTreeMap::new(),
        ..context.clone()
    };
    let fixed = packed(&json(&Data {
        grade,
        context: &kept,
    })?)?;
    // Base64 makes four letters of three bytes.
    let frame = PAGE.len() + STYLE.len() + SCRIPT.concat().len() + MARGIN;
    let room = MOST_BYTES.saturating_sub(frame) / 4 * 3;
    let mut budget = Budget::new(room.saturating_sub(fixed.len()).min(MOST_EXCERPTS));
    let ids = capture_ids(&grade.captures);
    let mut left_out = false;
    let graded = || {
        (grade.captures.iter().zip(&ids))
            .filter_map(|(capture, id)| Some((capture, id, context.captures.get(id)?)))
    };
    for (capture, id, shown) in graded() {
        for event in &capture.events {
            let Some(excerpt) = shown.events.get(&event.id.0) else {
                continue;
            };
            if !matches!(event.outcome, Outcome::Missed | Outcome::WolfCry) {
                continue;
            }
            if budget.takes(excerpt)? {
                let place = kept.captures.entry(id.clone()).or_default();
                place.events.insert(event.id.0, excerpt.clone());
            } else {
                left_out = true;
            }
        }
    }
    for (_, id, shown) in graded() {
        let alarms = shown.false_alarms.iter();
        let mut fitting = Vec::new();
        for excerpt in alarms {
            let fits = budget.takes(excerpt)?;
            left_out |= !fits;
            fitting.push(if fits { excerpt.clone() } else { None });
        }
        if fitting.iter().any(Option::is_some) {
            kept.captures.entry(id.clone()).or_default().false_alarms = fitting;
        }
    }
    let mut small: Vec<(&String, &Capture)> = graded().map(|(_, id, shown)| (id, shown)).collect();
    small.sort_by_key(|(_, shown)| shown.pcap.as_ref().map_or(0, |pcap| pcap.base64.len()));
    for (id, shown) in small {
        if let Some(pcap) = &shown.pcap {
            if budget.takes(pcap)? {
                kept.captures.entry(id.clone()).or_default().pcap = Some(pcap.clone());
            } else {
                left_out = true;
            }
        }
    }
    if left_out {
        kept.notes.push(Note {
            level: Level::Note,
            text: "Frames of some events, or some captures, were left out to keep this page small."
                .into(),
            capture: None,
            output: None,
        });
    }
    Ok(kept)
}

/// Packs what is asked after, and tells when it has become too much.
struct Budget {
    encoder: GzEncoder<Vec<u8>>,
    room: usize,
}

impl Budget {
    fn new(room: usize) -> Budget {
        Budget {
            encoder: GzEncoder::new(Vec::new(), Compression::default()),
            room,
        }
    }

    /// Whether it still fits; what does not is not counted again.
    fn takes(&mut self, value: &impl Serialize) -> io::Result<bool> {
        if self.encoder.get_ref().len() > self.room {
            return Ok(false);
        }
        self.encoder.write_all(&json(value)?)?;
        self.encoder.flush()?;
        Ok(self.encoder.get_ref().len() <= self.room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use crate::report::context::{Excerpt, Frame};

    fn page(grade: &Grade, context: &Context) -> String {
        let mut out = Vec::new();
        html(grade, context, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn data_cannot_end_their_element() {
        let mut grade = Grade::new(Vec::new(), &Options::crywolf());
        grade.detector = "</script><script>alert(1)</script>/*SCRIPT*/".into();
        let page = page(&grade, &Context::of(&grade, "crywolf".into()));
        assert!(page.contains("\\u003c/script>\\u003cscript>alert(1)"));
        assert!(!page.contains("<script>alert(1)"));
        assert_eq!(page.matches("use strict").count(), 1);
    }

    #[test]
    fn a_budget_is_kept() {
        let mut budget = Budget::new(2000);
        let frames = |seed: u64| Excerpt {
            frames: (1..40)
                .map(|n| Frame {
                    n,
                    t: 0.37 * n as f64,
                    source: format!("192.0.2.{}", n * seed % 251),
                    destination: "198.51.100.7".into(),
                    info: format!("{} > {}: S {}", n * seed % 64_000, 80, n * n * seed),
                    event: None,
                })
                .collect(),
            filter: None,
        };
        let taken: Vec<bool> = (1..20)
            .map(|seed| budget.takes(&frames(seed * 7919)).unwrap())
            .collect();
        assert!(taken[0] && !taken[18], "{taken:?}");
        assert!(taken.is_sorted_by(|a, b| a >= b), "{taken:?}");
    }
}

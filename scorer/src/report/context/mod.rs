//! What the HTML page shows beside the grade. html/context.schema.json is exact, html/context.md says why.

mod fill;

use std::collections::BTreeMap;

use labels::Class;
use serde::Serialize;

use crate::figures::{Figures, Mistakes, Share};
use crate::grade::CaptureGrade;

/// The schema of the context.
pub const SCHEMA: &str = "crywolf.report/1";

/// Most frames of an excerpt.
pub const MOST_FRAMES: usize = 40;

/// Most letters of a frame's description.
pub const MOST_INFO: usize = 120;

/// The largest capture that the page holds, in bytes.
pub const MOST_PCAP: usize = 64 * 1024;

/// What stands beside the grade.
#[derive(Clone, Debug, Serialize)]
pub struct Context {
    /// Always `crywolf.report/1`.
    pub schema: &'static str,
    /// The program that wrote the page, with its version.
    pub version: String,
    /// What a reader must know before the figures, worst first.
    pub notes: Vec<Note>,
    /// The gates that were asked for.
    pub gates: Vec<Gate>,
    /// The taxonomy by class.
    pub classes: BTreeMap<Class, ClassInfo>,
    /// By the scenario's id.
    pub scenarios: BTreeMap<String, Scenario>,
    /// By capture id.
    pub captures: BTreeMap<String, Capture>,
    /// An earlier grade, compared event by event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Earlier grades, oldest first.
    pub trend: Vec<Point>,
    /// Shares against what was varied.
    pub curves: Vec<Curve>,
    /// What the detector took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// A note.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// How bad it is.
    pub level: Level,
    /// One or two sentences.
    pub text: String,
    /// The capture it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<String>,
    /// The end of what the detector printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// How bad a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A detector that failed.
    Error,
    /// Figures may mislead.
    Warning,
    /// Neither.
    Note,
}

/// A gate and how it ended.
#[derive(Clone, Debug, Serialize)]
pub struct Gate {
    /// As on the command line.
    pub figure: String,
    /// On which side of the bound it fails.
    pub side: &'static str,
    /// The bound.
    pub bound: f64,
    /// What was measured.
    pub value: Option<f64>,
    /// Whether it holds.
    pub passed: bool,
}

/// A class of the taxonomy.
#[derive(Clone, Debug, Serialize)]
pub struct ClassInfo {
    /// Its family.
    pub family: &'static str,
    /// Its verdict.
    pub verdict: &'static str,
    /// What it is.
    pub definition: &'static str,
    /// MITRE ATT&CK.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub technique: Option<&'static str>,
}

/// A scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Scenario {
    /// One line.
    pub title: String,
    /// The story.
    pub summary: String,
    /// What a simple detector concludes from it.
    pub naive: Vec<String>,
    /// What tells it apart.
    pub tells: Vec<String>,
    /// What holds for every seed.
    pub facts: Vec<String>,
    /// Document and section.
    pub source: String,
}

/// What is shown of a capture.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Capture {
    /// By event id, in decimals.
    pub events: BTreeMap<u32, Excerpt>,
    /// In the order of the grade's list.
    pub false_alarms: Vec<Option<Excerpt>>,
    /// The capture itself, where it is small.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pcap: Option<Pcap>,
}

/// Some frames.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Excerpt {
    /// By rising number.
    pub frames: Vec<Frame>,
    /// A Wireshark display filter that shows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Frame {
    /// Its number, from 1.
    pub n: u64,
    /// Seconds since the capture's first frame.
    pub t: f64,
    /// The sender.
    pub source: String,
    /// The receiver.
    pub destination: String,
    /// What it is.
    pub info: String,
    /// The event it belongs to.
    pub event: Option<u32>,
}

/// A capture's bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pcap {
    /// In base64.
    pub base64: String,
}

impl Pcap {
    /// The bytes of a capture file.
    pub fn of(bytes: &[u8]) -> Pcap {
        use base64::Engine;
        Pcap {
            base64: base64::engine::general_purpose::STANDARD.encode(bytes),
        }
    }
}

/// A comparison with an earlier grade.
#[derive(Clone, Debug, Serialize)]
pub struct Baseline {
    name: String,
    all: Figures,
    classes: BTreeMap<Class, Figures>,
    shared: u64,
    only_in_baseline: u64,
    only_in_grade: u64,
    newly_missed: Vec<Change>,
    newly_detected: Vec<Change>,
    newly_broken: Vec<Change>,
    newly_silent: Vec<Change>,
    recall: Difference,
    cry_wolf: Difference,
}

#[derive(Clone, Debug, Serialize)]
struct Change {
    capture: String,
    event: u32,
    class: Class,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Difference {
    only_old: u64,
    only_new: u64,
    p: f64,
}

/// An earlier grade.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    name: String,
    recall: Share,
    cry_wolf: Share,
    precision: Share,
    false_alarms: Mistakes,
}

/// A share against something that was varied.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    title: &'static str,
    about: String,
    x: Axis,
    y: Axis,
    series: Vec<Series>,
}

#[derive(Clone, Debug, Serialize)]
struct Axis {
    label: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Series {
    name: &'static str,
    points: Vec<CurvePoint>,
}

#[derive(Clone, Debug, Serialize)]
struct CurvePoint {
    x: f64,
    label: String,
    y: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    hits: u64,
    of: u64,
}

/// What the detector took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    cpu_s: f64,
    peak_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    frames_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeats: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agreed: Option<bool>,
}

/// A capture's file name without its ending.
pub fn stem(file: &str) -> &str {
    let endings = [".pcapng", ".pcap", ".cap"];
    let stem = endings.iter().find_map(|ending| file.strip_suffix(ending));
    stem.unwrap_or(file)
}

/// The ids of a grade's captures, in their order: file names without ending, told apart by `~2`, `~3` where they recur.
pub fn capture_ids(captures: &[CaptureGrade]) -> Vec<String> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let named = captures.iter().map(|capture| {
        let stem = stem(&capture.file);
        let count = seen.entry(stem).or_default();
        *count += 1;
        match *count {
            1 => stem.to_owned(),
            more => format!("{stem}~{more}"),
        }
    });
    named.collect()
}

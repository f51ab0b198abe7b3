//! How a detector ran, where it was crywolf that ran it: where it failed, what it took, whether it answers the same twice.
//!
//! A capture on which it failed is not graded. It counts in no figure, and in no report does it look like silence.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most letters that are kept of what a detector printed: its end, where the reason stands.
pub const KEPT: usize = 4000;

/// How a detector ran over all captures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Running {
    /// Captures on which it failed, which are not graded.
    pub failures: Vec<Failure>,
    /// What it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Whether it answers the same, where it ran several times over each capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
    /// The end of what it printed on standard error although all went well, by capture.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stderr: BTreeMap<String, String>,
}

/// A detector that failed on a capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The scenario's id.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The sensor.
    pub sensor: String,
    /// What the user or the seed set.
    pub parameters: BTreeMap<String, String>,
    /// The capture's file name, without folders.
    pub file: String,
    /// How many frames it holds.
    pub packets: u64,
    /// How many of its events expect an alert, and now have no grade.
    pub expected: u64,
    /// In which way.
    pub kind: FailureKind,
    /// What happened, in a sentence.
    pub message: String,
    /// The end of what the detector printed.
    pub output: String,
}

/// In which way a detector failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// It ended with another status than 0, or by a signal.
    Crashed,
    /// It did not end in time, and was ended.
    TimedOut,
    /// It wrote nothing to read.
    NothingWritten,
    /// It wrote what cannot be read as findings.
    Unreadable,
    /// It wrote more than anybody reads.
    TooMuch,
}

impl FailureKind {
    /// Its name, as in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Crashed => "crashed",
            FailureKind::TimedOut => "timed-out",
            FailureKind::NothingWritten => "nothing-written",
            FailureKind::Unreadable => "unreadable",
            FailureKind::TooMuch => "too-much",
        }
    }
}

/// What a detector took over all captures, those included on which it failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// Processor time of all its processes, in seconds.
    pub cpu_s: f64,
    /// The most memory that one of its processes held, in bytes.
    pub peak_bytes: u64,
    /// Frames by the seconds that passed while it ran, its start included.
    pub frames_per_s: Option<f64>,
}

/// Whether a detector answers the same every time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repeats {
    /// How often it ran over each capture; the first run is graded.
    pub runs: u32,
    /// Captures of which it did not always say the same, by file name.
    pub differing: Vec<String>,
}

/// The end of a text, in whole lines where there are several.
pub fn end_of(text: &str) -> String {
    let text = text.trim_end();
    let start = text.len().saturating_sub(KEPT);
    let start = (start..=text.len()).find(|at| text.is_char_boundary(*at));
    let end = text.get(start.unwrap_or(0)..).unwrap_or_default();
    match end.split_once('\n') {
        Some((_, lines)) if end.len() < text.len() => lines.to_owned(),
        _ => end.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_the_last_lines_are_kept() {
        assert_eq!(end_of("one\ntwo\n"), "one\ntwo");
        let long = format!("{}\nlast", "ä".repeat(KEPT));
        assert_eq!(end_of(&long), "last");
        assert!(end_of(&"ä".repeat(KEPT)).len() <= KEPT);
    }
}

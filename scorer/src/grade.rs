//! The grade: what became of every event and every mistaken alert, and the figures that follow.
//!
//! Schema `crywolf.grade/1`. Every report and the comparison with a baseline need nothing else.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;

use jiff::Timestamp;
use labels::{
    AddressBlock, Class, EventId, Evidence, Evident, Expect, Family, PortRange, Transport, Verdict,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapter::Reading;
use crate::curve::{Curves, Sweep};
use crate::figures::Figures;
use crate::incident::Incident;
use crate::matching::{ClassGrade, Strength};
use crate::running::Running;

/// The schema this version writes and reads.
pub const SCHEMA: &str = "crywolf.grade/1";

/// The rules by which this version matches and counts.
pub const PROTOCOL: &str = "crywolf-1";

/// How a detector did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grade {
    /// Always `crywolf.grade/1`.
    pub schema: String,
    /// The scoring rules, `crywolf-1`.
    pub protocol: String,
    /// Whom it grades.
    pub detector: String,
    /// What the rules were told.
    pub settings: Settings,
    /// The figures over everything.
    pub all: Figures,
    /// The figures by verdict.
    pub verdicts: BTreeMap<Verdict, Figures>,
    /// The figures by family.
    pub families: BTreeMap<String, Figures>,
    /// The figures by class.
    pub classes: BTreeMap<Class, Figures>,
    /// What was called what.
    pub confusion: Vec<ConfusionRow>,
    /// What the figures become at other thresholds, where alerts have scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curves: Option<Curves>,
    /// Rules that the map does not know, with the alerts they raised.
    pub unmapped: BTreeMap<String, u64>,
    /// Alerts that are none, by the reason that the map gives.
    #[serde(default)]
    pub ignored: BTreeMap<String, u64>,
    /// How the detector ran, where crywolf ran it.
    #[serde(default)]
    pub running: Running,
    /// Each capture with its events and false alarms.
    pub captures: Vec<CaptureGrade>,
}

/// The settings a grade depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The detector's declared latency, in seconds.
    pub latency_s: f64,
    /// The declared resolution of its stamps, in seconds; null where it is found out.
    #[serde(default)]
    pub resolution_s: Option<f64>,
    /// The least score that counts.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// The clock tolerance, in seconds.
    pub tolerance_s: f64,
    /// What the detector's clock showed less the truth's, in seconds.
    #[serde(default)]
    pub clock_offset_s: f64,
    /// Whether the detector looked at a line, and its frame numbers are not the capture's.
    #[serde(default)]
    pub live: bool,
    /// Whether alerts of unknown rules count as false alarms.
    pub strict: bool,
    /// Whether the detector explains what only looks hostile.
    pub explains: bool,
    /// The share of events that deserve an alert, where the user named one.
    pub prevalence: Option<f64>,
}

/// One row of the confusion: events of one class by the class of their first alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfusionRow {
    /// The class of the events; `None` for the background, whose cells count false-alarm incidents.
    pub truth: Option<Class>,
    /// Events by the class of their first alert, or of their first explanation where there is no alert.
    pub said: BTreeMap<Class, u64>,
    /// Those whose first alert has a verdict and no class.
    pub unclassed: u64,
    /// Events of which nothing was said.
    pub none: u64,
}

/// One capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaptureGrade {
    /// The scenario's id.
    pub scenario: String,
    /// The seed it was made from.
    pub seed: u64,
    /// The sensor that recorded it.
    pub sensor: String,
    /// What the user or the seed set.
    pub parameters: BTreeMap<String, String>,
    /// Its file name, without folders.
    pub file: String,
    /// How many frames it holds.
    pub packets: u64,
    /// The time of its first frame.
    pub first: Option<Timestamp>,
    /// The time of its last frame.
    pub last: Option<Timestamp>,
    /// How many alerts and explanations the detector gave, repeats included.
    pub alerts: u64,
    /// Explanations that fit no event: neutral.
    pub stray_explanations: u64,
    /// Alerts of rules that the map does not know.
    pub unmapped: BTreeMap<String, u64>,
    /// Alerts that are none, by the reason that the map gives.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ignored: BTreeMap<String, u64>,
    /// Alerts below the threshold.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub below_threshold: u64,
    /// How coarse the stamps of its alerts are, in seconds, where they are coarser than the tolerance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_s: Option<f64>,
    /// What was read of the detector, where it was read from files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
    /// What it adds to the curves.
    #[serde(skip)]
    pub sweep: Sweep,
    /// What is odd about its alerts as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// What became of each event, in the truth's order.
    pub events: Vec<EventGrade>,
    /// Alerts that fit nothing, by incident.
    pub false_alarms: Vec<Incident>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What makes one doubt that the alerts are this capture's, or by its clock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Doubt {
    /// They would fit if the detector's clock were ahead by this much.
    ClockShift {
        /// In seconds; negative where it is behind.
        seconds: f64,
        /// How many alerts it would set right.
        alerts: u64,
        /// Of how many that name something of the capture.
        of: u64,
    },
    /// They bear times at which nothing was captured.
    OutOfTime {
        /// How many.
        alerts: u64,
        /// Of how many.
        of: u64,
        /// The earliest time of all.
        first: Timestamp,
        /// The latest.
        last: Timestamp,
    },
    /// They name none of the addresses and frames of the capture's events.
    Strangers {
        /// How many.
        alerts: u64,
    },
    /// They name frames that the capture does not have.
    FramesBeyond {
        /// How many.
        alerts: u64,
    },
}

impl CaptureGrade {
    /// Whether the detector explained anything in it.
    pub(crate) fn has_explanations(&self) -> bool {
        self.stray_explanations > 0 || self.events.iter().any(|event| event.explanations > 0)
    }
}

/// What became of an event.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It expects an alert, and drew one.
    Detected,
    /// It expects an alert, and drew none.
    Missed,
    /// It expects silence, and drew no alert.
    Silent,
    /// It expects silence, and drew an alert.
    WolfCry,
    /// Either is right, and it drew an alert.
    MayAlerted,
    /// Either is right, and it drew none.
    MaySilent,
}

impl Outcome {
    /// The outcome of an event that expects `expect` and did or did not draw an alert.
    pub fn of(expect: Expect, alerted: bool) -> Outcome {
        match (expect, alerted) {
            (Expect::Alert, true) => Outcome::Detected,
            (Expect::Alert, false) => Outcome::Missed,
            (Expect::Silence, true) => Outcome::WolfCry,
            (Expect::Silence, false) => Outcome::Silent,
            (Expect::May, true) => Outcome::MayAlerted,
            (Expect::May, false) => Outcome::MaySilent,
        }
    }
}

/// One event of the truth and what the detector made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventGrade {
    /// Its id within the capture.
    pub id: EventId,
    /// What it is.
    pub class: Class,
    /// What an analyst should conclude.
    pub verdict: Verdict,
    /// What a detector should do.
    pub expect: Expect,
    /// The tool or application behind it.
    pub tool: Option<String>,
    /// Who started it, as the wire shows it.
    pub sources: Vec<AddressBlock>,
    /// Who really did it, where that is another.
    pub actor: Option<IpAddr>,
    /// Whom it is aimed at.
    pub targets: Vec<AddressBlock>,
    /// What carries it.
    pub transport: Transport,
    /// The ports it is aimed at.
    pub ports: Vec<PortRange>,
    /// The time of its first frame.
    pub start: Timestamp,
    /// The time of its last frame.
    pub end: Timestamp,
    /// How many frames belong to it.
    pub packets: u64,
    /// Numbers of its first and last frame.
    pub frames: Option<[u64; 2]>,
    /// Where its minimum evidence exists.
    pub evident: Option<Evident>,
    /// The facts that make it what it is.
    pub because: Vec<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// The alert that came first.
    pub first_alert: Option<Statement>,
    /// The explanation that came first.
    pub first_explanation: Option<Statement>,
    /// How long the first alert took.
    pub delay: Option<Delay>,
    /// Whether the first alert blames the actor alone, where the actor is on the wire.
    pub actor_named: Option<bool>,
    /// How many alerts fell to it, repeats included.
    pub alerts: u64,
    /// How many explanations fell to it, repeats included.
    pub explanations: u64,
    /// Its alerts by incident.
    pub incidents: Vec<Incident>,
    /// Rules that the map does not know, with how many of their alerts would fall to it if they accused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unmapped: BTreeMap<String, u64>,
}

impl EventGrade {
    /// How near the first alert came to its class; `None` without an alert.
    pub fn class_grade(&self) -> Option<ClassGrade> {
        self.first_alert.as_ref().map(|alert| alert.class_grade)
    }

    /// Whether a detector should say what it is, and may be asked whether it did.
    pub fn wants_explanation(&self) -> bool {
        self.verdict.is_explanation()
    }

    /// Whether the first explanation names its class.
    pub fn is_explained(&self) -> bool {
        self.wants_explanation()
            && self
                .first_explanation
                .as_ref()
                .is_some_and(|said| said.class_grade == ClassGrade::Class)
    }
}

/// What the detector said about an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// When it was raised.
    pub time: Timestamp,
    /// The frame at which it was raised.
    pub frame: Option<u64>,
    /// The rule that spoke.
    pub rule: String,
    /// The class it names.
    pub class: Option<Class>,
    /// The family it names without a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Its conclusion.
    pub verdict: Verdict,
    /// By what it was matched.
    pub strength: Strength,
    /// How near it comes to the event's class.
    pub class_grade: ClassGrade,
    /// Whom it blames.
    pub sources: Vec<AddressBlock>,
    /// Whom it says this was aimed at.
    pub targets: Vec<AddressBlock>,
    /// Why.
    pub evidence: Vec<Evidence>,
}

/// The way from an event's first frame to its first alert.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delay {
    /// In seconds; 0 for an alert within the clock tolerance before the first frame.
    pub seconds: f64,
    /// In frames of the event, the first one included.
    pub frames: Option<u64>,
    /// The frames as a share of all its frames.
    pub share: Option<f64>,
    /// The event's frames between the one that made it evident and the alert; negative when the alert came first.
    pub slack_frames: Option<i64>,
}

/// Why a file is no grade.
#[derive(Debug, thiserror::Error)]
pub enum GradeError {
    /// The text is not JSON of this shape.
    #[error("not a grade: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another schema, or another version of it.
    #[error(
        "schema is '{found}', this version reads '{SCHEMA}': make it again with this version of crywolf"
    )]
    ForeignSchema {
        /// What the file says.
        found: String,
    },
    /// Made by other rules.
    #[error(
        "graded by protocol '{found}', this version grades by '{PROTOCOL}': make it again with this version of crywolf"
    )]
    ForeignProtocol {
        /// What the file says.
        found: String,
    },
}

impl Grade {
    /// Reads a grade file.
    ///
    /// # Errors
    /// Fails on text that is no grade and on another schema or protocol version.
    pub fn from_json(text: &str) -> Result<Grade, GradeError> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
            #[serde(default)]
            protocol: String,
        }
        let head: Head = serde_json::from_str(text)?;
        if head.schema != SCHEMA {
            return Err(GradeError::ForeignSchema { found: head.schema });
        }
        if head.protocol != PROTOCOL {
            return Err(GradeError::ForeignProtocol {
                found: head.protocol,
            });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The file's text: JSON with two spaces and a final newline.
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("a grade holds nothing that JSON cannot");
        text.push('\n');
        text
    }

    /// Writes the file's text, which may be larger than the grade itself, without holding it.
    ///
    /// # Errors
    /// Fails when `out` does.
    pub fn write_json(&self, mut out: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut out, self)?;
        out.write_all(b"\n")
    }

    /// Every event, with its capture.
    pub fn events(&self) -> impl Iterator<Item = (&CaptureGrade, &EventGrade)> {
        self.captures
            .iter()
            .flat_map(|capture| capture.events.iter().map(move |event| (capture, event)))
    }
}

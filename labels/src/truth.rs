//! The truth file: what a capture really holds, as its simulation knows it.
//!
//! Schema `crywolf.truth/1`. One file a capture; the events of the capture and, for each of its frames, the
//! event it belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::{AddressBlock, Class, Expect, PortRange, Transport, Verdict};

/// The schema this version writes and reads.
pub const SCHEMA: &str = "crywolf.truth/1";

/// The truth about one capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Always `crywolf.truth/1`.
    pub schema: String,
    /// The scenario's id.
    pub scenario: String,
    /// The seed it was made from.
    pub seed: u64,
    /// The sensor that recorded it.
    pub sensor: String,
    /// What the user or the seed set, by path in the scenario file.
    pub parameters: BTreeMap<String, String>,
    /// The networks of the sensor's site.
    pub home: Vec<AddressBlock>,
    /// The capture this speaks of.
    pub capture: CaptureSummary,
    /// What happened, by id.
    pub events: Vec<Event>,
    /// Ordinary traffic that no event records, by what it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub background: Vec<Ordinary>,
    /// The event of each frame.
    pub frames: FrameRuns,
}

/// The capture a truth file speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureSummary {
    /// Its file name, without folders.
    pub file: String,
    /// SHA-256 of the whole file, in hexadecimal.
    pub sha256: String,
    /// How many frames it holds.
    pub packets: u64,
    /// The time of its first frame.
    pub first: Option<Timestamp>,
    /// The time of its last frame.
    pub last: Option<Timestamp>,
}

/// Ordinary traffic of one kind that no event records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ordinary {
    /// What it is.
    pub class: Class,
    /// How many frames of it there are.
    pub packets: u64,
}

impl Ordinary {
    /// Counts it among the ordinary traffic of a capture, with what there is of its kind.
    pub fn add_to(&self, background: &mut Vec<Ordinary>) {
        match background.iter_mut().find(|of| of.class == self.class) {
            Some(of) => of.packets = of.packets.saturating_add(self.packets),
            None => background.push(self.clone()),
        }
    }
}

/// How fast the sender of an event went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// The mean gap between its probes, connections or questions that the scenario asked for, in seconds; `None` where it
    /// asked for none: of one alone, of a tool whose stages or parts have no pace in common, or that waits for each answer, and of
    /// several hosts each of which may be done before another begins.
    pub asked_s: Option<f64>,
    /// That between the first frames of those that the sensor recorded, in seconds.
    pub delivered_s: Option<f64>,
}

/// The id of an event within its capture, from 1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct EventId(pub u32);

/// Something that happened, as this capture's sensor could see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Unique within the capture.
    pub id: EventId,
    /// What it is.
    pub class: Class,
    /// The verdict of its class.
    pub verdict: Verdict,
    /// The tool or application that does it, where known.
    pub tool: Option<String>,
    /// What a detector should do.
    pub expect: Expect,
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
    /// Where its stated minimum evidence exists, if it comes to that.
    pub evident: Option<Evident>,
    /// How many frames belong to it.
    pub packets: u64,
    /// How fast a tool went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// MITRE ATT&CK techniques.
    pub techniques: Vec<String>,
    /// The facts that make it what it is.
    pub because: Vec<String>,
}

/// The frame at which an event's minimum evidence exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evident {
    /// Number of the frame, from 1.
    pub frame: u64,
    /// The rule it satisfies.
    pub rule: String,
}

/// The event of each frame, run-length coded as `[event id, frames]`; id 0 is background.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FrameRuns(Vec<(u32, u64)>);

impl FrameRuns {
    /// Appends one frame of that event, or of the background.
    pub fn push(&mut self, event: Option<EventId>) {
        self.extend(event, 1);
    }

    /// Appends so many frames of that event, or of the background.
    pub fn extend(&mut self, event: Option<EventId>, frames: u64) {
        let id = event.map_or(0, |event| event.0);
        match self.0.last_mut() {
            _ if frames == 0 => {}
            Some((last, count)) if *last == id => *count = count.saturating_add(frames),
            _ => self.0.push((id, frames)),
        }
    }

    /// How many frames there are.
    pub fn total(&self) -> u64 {
        self.0
            .iter()
            .map(|(_, count)| count)
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The runs: event (or background) and number of frames.
    pub fn runs(&self) -> impl Iterator<Item = (Option<EventId>, u64)> + '_ {
        self.0
            .iter()
            .map(|(id, count)| ((*id != 0).then_some(EventId(*id)), *count))
    }

    /// The event of a frame, counted from 1; `None` for background and for frames beyond the end.
    pub fn event_of(&self, frame: u64) -> Option<EventId> {
        let mut end = 0u64;
        for (event, count) in self.runs() {
            end = end.saturating_add(count);
            if frame <= end {
                return if frame == 0 { None } else { event };
            }
        }
        None
    }
}

/// Why a truth file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// The text is not JSON of this shape.
    #[error("not a truth file: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another schema, or another version of it.
    #[error(
        "schema is '{found}', this version reads '{SCHEMA}': write it again with this version of crywolf"
    )]
    ForeignSchema {
        /// What the file says.
        found: String,
    },
    /// The parts contradict each other.
    #[error("the truth contradicts itself: {0}")]
    Inconsistent(String),
}

impl Truth {
    /// Reads a truth file.
    ///
    /// # Errors
    /// Fails on text that is no truth, on another schema version, and on a truth that contradicts itself: two
    /// events of one id, a verdict that is not the class's, an end before the start, frames that do not add up.
    pub fn from_json(text: &str) -> Result<Truth, TruthError> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let head: Head = serde_json::from_str(text)?;
        if head.schema != SCHEMA {
            return Err(TruthError::ForeignSchema { found: head.schema });
        }
        let truth: Truth = serde_json::from_str(text)?;
        truth.check()?;
        Ok(truth)
    }

    /// Writes the file: JSON with two spaces, a line for each run of frames, and a final newline.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write_json(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let formatter = RunsByLine {
            pretty: PrettyFormatter::new(),
            depth: 0,
        };
        let mut serializer = Serializer::with_formatter(&mut *out, formatter);
        self.serialize(&mut serializer)?;
        out.write_all(b"\n")
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        self.write_json(&mut text)
            .expect("writing into memory does not fail");
        String::from_utf8(text).expect("JSON is UTF-8")
    }

    /// The event of that id.
    pub fn event(&self, id: EventId) -> Option<&Event> {
        self.events.iter().find(|event| event.id == id)
    }

    fn check(&self) -> Result<(), TruthError> {
        let mut ids = BTreeSet::new();
        for event in &self.events {
            let id = event.id.0;
            if id == 0 {
                return Err(TruthError::Inconsistent(
                    "event id 0 is the background's".into(),
                ));
            }
            if !ids.insert(id) {
                return Err(TruthError::Inconsistent(format!("two events have id {id}")));
            }
            if event.verdict != event.class.verdict() {
                let (class, verdict) = (event.class, event.class.verdict());
                return Err(TruthError::Inconsistent(format!(
                    "event {id} is {class}, whose verdict is {verdict}, not {}",
                    event.verdict
                )));
            }
            if event.end < event.start {
                return Err(TruthError::Inconsistent(format!(
                    "event {id} ends before it starts"
                )));
            }
        }
        if self.frames.total() != self.capture.packets {
            return Err(TruthError::Inconsistent(format!(
                "frames add up to {}, the capture holds {}",
                self.frames.total(),
                self.capture.packets
            )));
        }
        if let Some((Some(unknown), _)) = self
            .frames
            .runs()
            .find(|(event, _)| event.is_some_and(|e| !ids.contains(&e.0)))
        {
            return Err(TruthError::Inconsistent(format!(
                "frames name event {}, which is not there",
                unknown.0
            )));
        }
        Ok(())
    }
}

/// Pretty JSON, but for arrays within arrays, which stay on one line: a capture has many runs of frames.
struct RunsByLine {
    pretty: PrettyFormatter<'static>,
    /// How many arrays are open.
    depth: usize,
}

impl Formatter for RunsByLine {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        if self.depth > 1 {
            out.write_all(b"[")
        } else {
            self.pretty.begin_array(out)
        }
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.depth > 0 {
            out.write_all(b"]")
        } else {
            self.pretty.end_array(out)
        }
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        match (self.depth > 1, first) {
            (true, true) => Ok(()),
            (true, false) => out.write_all(b", "),
            (false, first) => self.pretty.begin_array_value(out, first),
        }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.depth > 1 {
            Ok(())
        } else {
            self.pretty.end_array_value(out)
        }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth() -> Truth {
        let second = |s: i64| Timestamp::from_second(s).unwrap();
        Truth {
            schema: SCHEMA.into(),
            scenario: "syn-scan".into(),
            seed: 7,
            sensor: "victim".into(),
            parameters: BTreeMap::new(),
            home: vec!["192.0.2.0/24".parse().unwrap()],
            capture: CaptureSummary {
                file: "a.pcap".into(),
                sha256: String::new(),
                packets: 3,
                first: Some(second(1)),
                last: Some(second(3)),
            },
            background: Vec::new(),
            events: vec![Event {
                id: EventId(1),
                class: Class::SynScan,
                verdict: Verdict::Reconnaissance,
                tool: None,
                expect: Expect::Alert,
                sources: vec!["198.51.100.7".parse().unwrap()],
                actor: None,
                targets: vec![],
                transport: Transport::Tcp,
                ports: vec![PortRange::single(21)],
                start: second(1),
                end: second(2),
                evident: None,
                packets: 2,
                pace: None,
                techniques: vec![],
                because: vec![],
            }],
            frames: FrameRuns(vec![(1, 2), (0, 1)]),
        }
    }

    #[test]
    fn a_truth_reads_back_as_it_was_written() {
        assert_eq!(Truth::from_json(&truth().to_json()).unwrap(), truth());
    }

    #[test]
    fn a_run_of_frames_is_a_line() {
        let mut truth = truth();
        truth.events.clear();
        truth.frames = FrameRuns(vec![(0, 2), (0, 1)]);
        let text = truth.to_json();
        assert!(
            text.ends_with("  \"frames\": [\n    [0, 2],\n    [0, 1]\n  ]\n}\n"),
            "{text}"
        );
        assert!(
            text.contains("\"home\": [\n    \"192.0.2.0/24\"\n  ]"),
            "{text}"
        );
    }

    #[test]
    fn another_schema_version_is_named() {
        let text = truth()
            .to_json()
            .replace("crywolf.truth/1", "crywolf.truth/2");
        let error = Truth::from_json(&text).unwrap_err().to_string();
        assert!(
            error.contains("crywolf.truth/2") && error.contains("crywolf.truth/1"),
            "{error}"
        );
    }

    #[test]
    fn contradictions_are_refused() {
        let broken: [fn(&mut Truth); 5] = [
            |t| t.events.push(t.events[0].clone()),
            |t| t.events[0].verdict = Verdict::Normal,
            |t| t.events[0].end = Timestamp::UNIX_EPOCH,
            |t| t.capture.packets = 4,
            |t| t.events[0].id = EventId(2),
        ];
        for change in broken {
            let mut truth = truth();
            change(&mut truth);
            assert!(matches!(
                Truth::from_json(&truth.to_json()),
                Err(TruthError::Inconsistent(_))
            ));
        }
    }

    #[test]
    fn each_frame_knows_its_event() {
        let mut runs = FrameRuns::default();
        for event in [None, Some(EventId(2)), Some(EventId(2)), None] {
            runs.push(event);
        }
        let events: Vec<_> = (0..=5).map(|frame| runs.event_of(frame)).collect();
        assert_eq!(
            events,
            [None, None, Some(EventId(2)), Some(EventId(2)), None, None]
        );
        assert_eq!(runs.total(), 4);
    }
}

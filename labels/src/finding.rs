//! A finding: what a detector claims, and the evidence for it.
//!
//! Schema `crywolf.finding/1`, one JSON object a line.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AddressBlock, Class, PortRange, Transport, Verdict};

/// The schema this version writes and reads.
pub const SCHEMA: &str = "crywolf.finding/1";

/// One claim about a capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Always `crywolf.finding/1`.
    pub schema: String,
    /// What it is.
    pub class: Class,
    /// The verdict of its class.
    pub verdict: Verdict,
    /// The tool behind it, where a signature tells.
    pub tool: Option<String>,
    /// Who started it, as the wire shows it.
    pub sources: Vec<AddressBlock>,
    /// Whom it is aimed at.
    pub targets: Vec<AddressBlock>,
    /// What carries it.
    pub transport: Option<Transport>,
    /// The ports it is aimed at.
    pub ports: Vec<PortRange>,
    /// The time of its first frame.
    pub start: Timestamp,
    /// The time of its last frame.
    pub end: Timestamp,
    /// The capture time at which the evidence sufficed: the threshold was crossed, or the answer that should have
    /// come was overdue. Never before `start`; after `end` only where the passing of time itself was the evidence.
    pub detected: Timestamp,
    /// Number of the frame that moved the clock to `detected`, from 1: the one that completed the evidence, or the
    /// first one after the deadline.
    pub detected_frame: u64,
    /// How many frames it speaks of.
    pub packets: u64,
    /// How sure the detector is, from 0 to 1.
    pub confidence: f64,
    /// Why. Never empty.
    pub evidence: Vec<Evidence>,
    /// Number of its first frame in the capture, from 1.
    pub first_frame: Option<u64>,
}

/// One fact that speaks for a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The fact, in words.
    pub fact: String,
    /// What was seen.
    pub observed: String,
    /// What ordinary traffic shows, or the threshold that was passed.
    pub expected: String,
    /// Numbers of frames that show it, from 1; examples where there are many.
    pub frames: Vec<u64>,
}

/// Why a line is no finding.
#[derive(Debug, thiserror::Error)]
pub enum FindingError {
    /// The line is not JSON of this shape.
    #[error("not a finding: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another schema, or another version of it.
    #[error("schema is '{found}', this version reads '{SCHEMA}'")]
    ForeignSchema {
        /// What the line says.
        found: String,
    },
    /// The parts contradict each other.
    #[error("the finding contradicts itself: {0}")]
    Inconsistent(String),
}

impl Finding {
    /// Reads one line of a findings file.
    ///
    /// # Errors
    /// Fails on text that is no finding, on another schema version, on a verdict that is not the class's, on an
    /// end before the start, on a detection before the start or before the first frame, on a confidence outside 0
    /// to 1, and on a finding without evidence.
    pub fn from_json(line: &str) -> Result<Finding, FindingError> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let foreign = |found: String| FindingError::ForeignSchema { found };
        // Lines come by the million: only one that does not parse is read again, to learn whether it is foreign.
        let finding: Finding = match serde_json::from_str(line) {
            Ok(finding) => finding,
            Err(error) => {
                return Err(match serde_json::from_str::<Head>(line) {
                    Ok(head) if head.schema != SCHEMA => foreign(head.schema),
                    _ => error.into(),
                });
            }
        };
        if finding.schema != SCHEMA {
            return Err(foreign(finding.schema));
        }
        let inconsistent = |why: &str| Err(FindingError::Inconsistent(why.to_owned()));
        if finding.verdict != finding.class.verdict() {
            return inconsistent("the verdict is not the class's");
        }
        if finding.end < finding.start {
            return inconsistent("it ends before it starts");
        }
        if finding.detected < finding.start {
            return inconsistent("it was detected before it starts");
        }
        if finding.first_frame == Some(0) {
            return inconsistent("its first frame is 0 (frames count from 1)");
        }
        if finding.detected_frame < finding.first_frame.unwrap_or(1) {
            return inconsistent("it was detected before its first frame (frames count from 1)");
        }
        if !(0.0..=1.0).contains(&finding.confidence) {
            return inconsistent("the confidence lies outside 0 to 1");
        }
        if finding.evidence.is_empty() {
            return inconsistent("it gives no evidence");
        }
        Ok(finding)
    }

    /// The line of a findings file, without its newline.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a finding holds nothing that JSON cannot")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding() -> Finding {
        Finding {
            schema: SCHEMA.into(),
            class: Class::SynScan,
            verdict: Verdict::Reconnaissance,
            tool: None,
            sources: vec!["198.51.100.7".parse().unwrap()],
            targets: vec!["192.0.2.10".parse().unwrap()],
            transport: Some(Transport::Tcp),
            ports: vec![PortRange::single(21)],
            start: Timestamp::UNIX_EPOCH,
            end: Timestamp::UNIX_EPOCH,
            detected: Timestamp::UNIX_EPOCH,
            detected_frame: 1,
            packets: 4,
            confidence: 0.9,
            evidence: vec![Evidence {
                fact: "ports".into(),
                observed: "9".into(),
                expected: "2".into(),
                frames: vec![1],
            }],
            first_frame: Some(1),
        }
    }

    #[test]
    fn a_finding_reads_back_as_it_was_written() {
        assert_eq!(Finding::from_json(&finding().to_json()).unwrap(), finding());
    }

    #[test]
    fn a_finding_without_evidence_is_refused() {
        let mut bare = finding();
        bare.evidence.clear();
        assert!(Finding::from_json(&bare.to_json()).is_err());
    }

    #[test]
    fn a_finding_detected_before_it_began_is_refused() {
        let broken: [fn(&mut Finding); 4] = [
            |f| f.detected = Timestamp::from_second(-1).unwrap(),
            |f| f.detected_frame = 0,
            |f| f.first_frame = Some(2),
            |f| f.first_frame = Some(0),
        ];
        for change in broken {
            let mut finding = finding();
            change(&mut finding);
            assert!(matches!(
                Finding::from_json(&finding.to_json()),
                Err(FindingError::Inconsistent(_))
            ));
        }
    }

    #[test]
    fn another_schema_version_is_named() {
        let text = finding().to_json().replace("finding/1", "finding/2");
        let changed = text.replace("\"packets\"", "\"frames\"");
        for line in [text, changed] {
            assert!(matches!(
                Finding::from_json(&line),
                Err(FindingError::ForeignSchema { .. })
            ));
        }
    }

    #[test]
    fn a_silence_may_be_noticed_after_the_last_frame() {
        let mut overdue = finding();
        overdue.detected = Timestamp::from_second(3).unwrap();
        overdue.detected_frame = 9;
        assert_eq!(Finding::from_json(&overdue.to_json()).unwrap(), overdue);
    }
}

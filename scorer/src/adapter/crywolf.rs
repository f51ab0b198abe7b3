//! crywolf's own findings: JSON lines of schema `crywolf.finding/1`.
//!
//! - `time` is the finding's `detected`; `start` and `end` are its own. Its latency is 0.
//! - `frames` are its first frame and the frames of its evidence: the frames it says belong to it. The frame at
//!   which it was raised may be another's, where a deadline passed unanswered, and serves to measure delay only.
//! - Its rule is its class: a finding names no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use labels::{Class, Finding, FindingError};

use super::contract::{Adapter, Format, Line};
use super::fault::Fault;
use crate::Alert;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "crywolf",
    what: "findings of `crywolf detect --format jsonl`",
    endings: &[
        ".findings.jsonl",
        ".findings.ndjson",
        ".findings.json",
        ".jsonl",
        ".ndjson",
        ".json",
    ],
    map: None,
    has_scores: false,
    is_ours: true,
    format: |_| Box::new(Reader::new()),
};

/// Why a findings file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {source}")]
pub struct LineError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub source: FindingError,
}

/// Reads findings, line by line.
#[derive(Debug, Default)]
pub struct Reader {
    lines: u64,
    rules: BTreeMap<Class, Arc<str>>,
}

impl Reader {
    /// A reader at the start of a file.
    pub fn new() -> Reader {
        Reader::default()
    }

    /// The alert of the next line, or `None` for an empty one.
    ///
    /// # Errors
    /// Fails on a line that is no finding, with its number.
    pub fn line(&mut self, text: &str) -> Result<Option<Alert>, LineError> {
        self.lines += 1;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let finding = Finding::from_json(text).map_err(|source| LineError {
            line: self.lines,
            source,
        })?;
        Ok(Some(self.alert(finding)))
    }

    /// The alert of a finding.
    pub fn alert(&mut self, finding: Finding) -> Alert {
        let rule = self
            .rules
            .entry(finding.class)
            .or_insert_with(|| finding.class.name().into());
        let mut frames: Vec<u64> = finding
            .evidence
            .iter()
            .flat_map(|fact| fact.frames.iter().copied())
            .chain(finding.first_frame)
            .collect();
        frames.sort_unstable();
        frames.dedup();
        Alert {
            time: finding.detected,
            start: finding.start,
            end: finding.end,
            sources: finding.sources,
            targets: finding.targets,
            ports: finding.ports,
            transport: finding.transport,
            rule: Arc::clone(rule),
            class: Some(finding.class),
            family: None,
            verdict: Some(finding.verdict),
            ignored: None,
            score: None,
            frame: Some(finding.detected_frame),
            frames,
            community_id: None,
            count: 1,
            evidence: finding.evidence,
        }
    }
}

impl Format for Reader {
    fn line(&mut self, text: &str) -> Result<Line, Fault> {
        match Finding::from_json(text) {
            Ok(finding) => Ok(Line::Alert(Box::new(self.alert(finding)))),
            Err(error) => Err(Fault::Unreadable(error.to_string())),
        }
    }
}

/// The alerts of a whole findings file.
///
/// # Errors
/// Fails on the first line that is no finding.
pub fn alerts(text: &str) -> Result<Vec<Alert>, LineError> {
    let mut reader = Reader::new();
    text.lines()
        .filter_map(|line| reader.line(line).transpose())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"schema":"crywolf.finding/1","class":"syn-scan","verdict":"reconnaissance","tool":null,"sources":["::ffff:198.51.100.7"],"targets":["192.0.2.10"],"transport":"tcp","ports":[[21,25]],"start":"2000-05-14T12:22:45+02:00","end":"2000-05-14T10:22:49Z","detected":"2000-05-14T10:22:47.5Z","detected_frame":9,"packets":4,"confidence":0.9,"evidence":[{"fact":"ports","observed":"9","expected":"2","frames":[5,3]}],"first_frame":3}"#;

    #[test]
    fn a_finding_becomes_an_alert() {
        let alert = &alerts(LINE).unwrap()[0];
        assert_eq!(alert.time, "2000-05-14T10:22:47.5Z".parse().unwrap());
        assert_eq!(alert.frames, [3, 5]);
        assert_eq!(alert.frame, Some(9));
        assert_eq!(&*alert.rule, "syn-scan");
        assert!(alert.is_alerting());
    }

    #[test]
    fn an_offset_from_utc_is_taken_into_account() {
        let alert = &alerts(LINE).unwrap()[0];
        assert_eq!(alert.start, "2000-05-14T10:22:45Z".parse().unwrap());
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        let alert = &alerts(LINE).unwrap()[0];
        assert_eq!(alert.sources, ["198.51.100.7".parse().unwrap()]);
    }

    #[test]
    fn an_error_names_its_line() {
        let error = alerts(&format!("{LINE}\n\n{{}}\n")).unwrap_err();
        assert_eq!(error.line, 3);
    }

    #[test]
    fn equal_rules_share_their_text() {
        let alerts = alerts(&format!("{LINE}\n{LINE}\n")).unwrap();
        assert!(Arc::ptr_eq(&alerts[0].rule, &alerts[1].rule));
    }
}

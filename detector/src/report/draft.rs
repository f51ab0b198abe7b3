//! A claim in the words of a finding: its facts, its moments.

use jiff::Timestamp;
use labels::{AddressBlock, Class, Evidence, Finding, PortRange, Transport};

use super::examples;
use crate::extent::Activity;
use crate::news::Moment;

/// A claim on its way to becoming a finding.
pub(crate) struct Draft {
    pub(crate) class: Class,
    pub(crate) tool: Option<&'static str>,
    pub(crate) sources: Vec<AddressBlock>,
    pub(crate) targets: Vec<AddressBlock>,
    pub(crate) transport: Transport,
    pub(crate) ports: Vec<PortRange>,
    pub(crate) span: Activity,
    pub(crate) detected: Moment,
    pub(crate) confidence: f64,
    pub(crate) evidence: Vec<Evidence>,
}

impl Draft {
    pub(crate) fn finish(self) -> Finding {
        Finding {
            schema: labels::finding::SCHEMA.to_owned(),
            class: self.class,
            verdict: self.class.verdict(),
            tool: self.tool.map(str::to_owned),
            sources: self.sources,
            targets: self.targets,
            transport: Some(self.transport),
            ports: self.ports,
            start: timestamp(self.span.first),
            end: timestamp(self.span.last),
            detected: timestamp(self.detected),
            detected_frame: self.detected.frame,
            packets: self.span.packets,
            // Two decimals: more would claim a precision that no threshold has.
            confidence: (self.confidence * 100.0).round() / 100.0,
            evidence: self.evidence,
            first_frame: Some(self.span.first.frame),
        }
    }
}

/// The latest time that both kinds of timestamp can say, far beyond any capture.
fn timestamp(moment: Moment) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(moment.time.as_nanos())).unwrap_or(Timestamp::MAX)
}

/// One fact.
pub(crate) fn fact(
    fact: &str,
    observed: impl Into<String>,
    expected: impl Into<String>,
    frames: impl IntoIterator<Item = u64>,
) -> Evidence {
    let mut frames: Vec<u64> = frames.into_iter().collect();
    frames.sort_unstable();
    frames.dedup();
    frames.truncate(examples::MOST);
    Evidence {
        fact: fact.to_owned(),
        observed: observed.into(),
        expected: expected.into(),
        frames,
    }
}

/// `1 port`, `2 ports`, `2 addresses`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = match number {
        1 => "",
        _ if noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{number} {noun}{plural}")
}

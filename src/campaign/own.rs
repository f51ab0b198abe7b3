//! crywolf's own detector over one capture.

use std::io::Read;

use detector::{Config, Counters, Detector};
use labels::{AddressBlock, Finding};
use wire::capture::{CaptureError, CaptureReader};

/// What a run over a capture gives.
pub struct Outcome {
    /// All findings.
    pub findings: Vec<Finding>,
    /// What was counted.
    pub counters: Counters,
    /// What ended the reading before the capture's end.
    pub stopped: Option<CaptureError>,
}

/// Runs the detector over a capture.
///
/// # Errors
/// Fails on what is no capture, and on one none of whose frames can be decoded.
pub fn detect(
    capture: impl Read,
    config: Config,
    home: &[AddressBlock],
) -> Result<Outcome, CaptureError> {
    let mut reader = CaptureReader::new(capture)?;
    let home: Vec<_> = home.iter().map(AddressBlock::network).collect();
    let mut detector = Detector::new(config, &home);
    let mut findings = Vec::new();
    let mut frame = 0;
    let mut foreign = None;
    let stopped = loop {
        match reader.next() {
            Ok(Some(record)) => {
                frame += 1;
                if !record.link_type.is_supported() {
                    foreign = Some(record.link_type);
                }
                detector.observe(
                    frame,
                    record.time,
                    record.link_type,
                    record.bytes,
                    record.original_length,
                );
                // Findings come out rarely; a look now and then keeps memory bounded.
                if frame % 65_536 == 0 {
                    findings.extend(detector.take_findings());
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let report = detector.finish();
    findings.extend(report.findings);
    match foreign {
        Some(link_type) if report.counters.foreign() == report.counters.frames => {
            Err(CaptureError::UnsupportedLinkType(link_type))
        }
        _ => Ok(Outcome {
            findings,
            counters: report.counters,
            stopped,
        }),
    }
}

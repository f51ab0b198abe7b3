//! What the detector makes of traces in the notation of `wire`, for tests of what findings hold. Which classes a rule gives,
//! the [traces](crate::traces) in files say.
//!
//! `$syn` is what the SYN of a present-day stack carries: `S 0 $syn`.

use labels::Finding;
use wire::{LinkType, Timestamp, Trace};

use crate::{Config, Detector, Report};

/// When traces begin.
const START: Timestamp = Timestamp::from_nanos(1_000_000_000_000);
/// What a trace need not give a name itself.
const NAMES: &str = "let syn = win 64240 <mss 1460,sackOK,timestamp 1 0,nop,wscale 7> ttl 57\n";

/// The findings on a trace.
pub(crate) fn findings(trace: &str) -> Vec<Finding> {
    run(Detector::new(Config::default(), &[]), trace).findings
}

/// The same, with other thresholds.
pub(crate) fn findings_with(trace: &str, thresholds: &str) -> Vec<Finding> {
    let config = Config::with_overrides(thresholds).unwrap();
    run(Detector::new(config, &[]), trace).findings
}

/// The only finding on a trace.
pub(crate) fn only(trace: &str) -> Finding {
    let mut found = findings(trace);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

/// What a detector says of a trace as text.
pub(crate) fn run(detector: Detector, trace: &str) -> Report {
    let trace = Trace::parse(&(NAMES.to_owned() + trace)).unwrap_or_else(|error| panic!("{error}"));
    detected(detector, &trace)
}

/// What a detector says of a trace.
pub(crate) fn detected(mut detector: Detector, trace: &Trace) -> Report {
    let frames = trace.frames().unwrap_or_else(|error| panic!("{error}"));
    let mut bytes = Vec::new();
    for ((at, frame), number) in frames.into_iter().zip(1..) {
        bytes.clear();
        frame.emit(&mut bytes);
        let time = START.plus_nanos(at);
        detector.observe(number, time, LinkType::ETHERNET, &bytes, bytes.len());
    }
    let report = detector.finish();
    for finding in &report.findings {
        // Reading checks what a finding must hold.
        assert_eq!(&Finding::from_json(&finding.to_json()).unwrap(), finding);
    }
    report
}

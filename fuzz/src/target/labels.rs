//! Truth and findings.

use labels::{Finding, Truth};

/// Reads a truth, and what it wrote of one.
pub fn truth(bytes: &[u8]) {
    let Some(truth) = text(bytes).and_then(|text| Truth::from_json(text).ok()) else {
        return;
    };
    for frame in [1, truth.capture.packets, u64::MAX] {
        let _ = truth.frames.event_of(frame);
    }
    let again = Truth::from_json(&truth.to_json());
    assert!(
        again.is_ok(),
        "a truth that was written can be read: {again:?}"
    );
}

/// Reads a finding, and what it wrote of one.
pub fn finding(bytes: &[u8]) {
    let Some(finding) = text(bytes).and_then(|text| Finding::from_json(text).ok()) else {
        return;
    };
    let again = Finding::from_json(&finding.to_json());
    assert!(
        again.is_ok(),
        "a finding that was written can be read: {again:?}"
    );
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

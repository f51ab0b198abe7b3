//! Listings of tcpdump and snort, and packets as one line of text.

use listing::{Settings, transcribe};
use wire::Frame;

/// Makes frames of a listing.
pub fn listing(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let transcript = transcribe(&text, &Settings::default());
    for error in &transcript.errors {
        let _ = error.to_string();
    }
    for frame in &transcript.frames {
        assert!(
            frame.original_length >= frame.bytes.len(),
            "a frame is no longer than it was"
        );
    }
    let exact = Settings {
        exact: true,
        ..Settings::default()
    };
    let strict = transcribe(&text, &exact);
    assert!(
        strict.frames.len() <= transcript.frames.len(),
        "who leaves nothing out makes no more"
    );
}

/// Reads packets, and what they are printed as.
pub fn notation(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines() {
        let Ok(frame) = line.parse::<Frame>() else {
            continue;
        };
        let mut out = Vec::new();
        frame.emit(&mut out);
        let printed = frame.to_string();
        let again = printed.parse::<Frame>();
        assert!(
            again.is_ok(),
            "what is printed can be read: {printed}: {again:?}"
        );
    }
}

//! Captures, frames, and the detector that sees them.

use detector::{Config, Detector};
use generator::{Catalogue, Request, simulate};
use wire::capture::CaptureReader;
use wire::decode::MAX_ENVELOPES;
use wire::{Layers, LinkType, Packet, Timestamp};

/// Scenarios whose captures are changed: of all kinds of frames, and short.
const SCENARIOS: [&str; 6] = [
    "syn-scan",
    "ftp-session",
    "arp-sweep",
    "zone-transfer-attempt",
    "traceroute-udp",
    "dhcp-broadcasts",
];
/// Frames that are taken of each.
const FRAMES: usize = 40;

/// Captures as the simulator makes them, of a few frames each.
pub fn captures() -> Vec<Vec<u8>> {
    let Ok(catalogue) = Catalogue::built_in() else {
        return Vec::new();
    };
    let capture = |id: &&str| {
        let file = catalogue.get(id)?.ok()?;
        let request = Request {
            seed: 1,
            ..Request::default()
        };
        let scenario = file.resolve(&request, catalogue.stacks()).ok()?;
        let recordings = simulate(&scenario, 1, false, |_| Some(Vec::new())).ok()?;
        Some(
            recordings
                .into_iter()
                .map(|recording| cut(recording.into_truth().0)),
        )
    };
    SCENARIOS.iter().filter_map(capture).flatten().collect()
}

/// The first frames of a capture.
fn cut(mut capture: Vec<u8>) -> Vec<u8> {
    let mut end = 24;
    for _ in 0..FRAMES {
        let Some(&[a, b, c, d]) = capture.get(end + 8..end + 12) else {
            break;
        };
        end += 16 + usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or_default();
    }
    capture.truncate(end);
    capture
}

/// The frames of all captures, each behind a byte for its link type.
pub fn frames() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for capture in captures() {
        let Ok(mut reader) = CaptureReader::new(&capture[..]) else {
            continue;
        };
        while let Ok(Some(record)) = reader.next() {
            frames.push([&[0], record.bytes].concat());
        }
    }
    frames
}

/// Reads a capture to its end.
pub fn read(bytes: &[u8]) {
    let Ok(mut reader) = CaptureReader::new(bytes) else {
        return;
    };
    while let Ok(Some(record)) = reader.next() {
        look_into(record.link_type, record.bytes, record.original_length);
    }
}

/// Reads a frame of the link type that the first byte names.
pub fn decode(bytes: &[u8]) {
    const TYPES: [u32; 10] = [1, 0, 9, 50, 101, 105, 113, 127, 192, 276];
    let Some((first, frame)) = bytes.split_first() else {
        return;
    };
    let number = TYPES.get(usize::from(*first) % TYPES.len());
    let link_type = LinkType(number.copied().unwrap_or(1));
    look_into(link_type, frame, frame.len() + usize::from(*first));
}

fn look_into(link_type: LinkType, frame: &[u8], original_length: usize) {
    let mut layers = Layers::decode_cut(link_type, frame, original_length);
    let (mut kind, mut bytes) = (link_type, frame);
    let mut missing = original_length.saturating_sub(frame.len());
    for _ in 0..MAX_ENVELOPES {
        let _ = (layers.checksum_anomalies(), layers.quoted(), layers.ports());
        if let Some(packet) = Packet::from_layers(&layers) {
            let mut out = Vec::new();
            packet.emit(&mut out);
        }
        let Some(opened) = layers.open(kind, bytes, missing) else {
            return;
        };
        (layers, kind, bytes, missing) = (
            opened.layers,
            opened.link_type,
            opened.frame,
            opened.missing,
        );
    }
}

/// Shows a capture to the detector.
pub fn detect(bytes: &[u8]) {
    let Ok(mut reader) = CaptureReader::new(bytes) else {
        return;
    };
    let home: Vec<_> = "192.0.2.0/24".parse().into_iter().collect();
    let mut detector = Detector::new(Config::default(), &home);
    let mut number = 0;
    while let Ok(Some(record)) = reader.next() {
        number += 1;
        let time: Timestamp = record.time;
        detector.observe(
            number,
            time,
            record.link_type,
            record.bytes,
            record.original_length,
        );
    }
    for finding in detector.finish().findings {
        let _ = finding.to_json();
    }
}

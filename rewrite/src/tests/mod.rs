//! What rewriting makes of frames, most of them written in the notation of `wire`.

mod link;
mod maps;
mod messages;
mod plans;
mod properties;
mod sizes;

use wire::capture::Record;
use wire::{Frame, Layers, LinkType, Packet, Timestamp};

use super::{AddressMap, Rewrite, RewriteError, Rewriter, Skip};

/// The bytes of a frame in the notation.
fn frame(line: &str) -> Vec<u8> {
    let frame: Frame = line
        .parse()
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    let mut bytes = Vec::new();
    frame.emit(&mut bytes);
    bytes
}

/// The bytes of a packet in the notation, from its network header on.
fn packet(line: &str) -> Vec<u8> {
    let packet: Packet = line
        .parse()
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    let mut bytes = Vec::new();
    packet.emit(&mut bytes);
    bytes
}

/// A frame as its packet in the notation: a wrong length or sum shows as a forced one.
fn said(frame: &[u8]) -> String {
    let packet = Packet::from_layers(&Layers::decode(LinkType::ETHERNET, frame));
    packet.map_or_else(|| format!("{frame:02x?}"), |packet| packet.to_string())
}

fn whole(bytes: &[u8]) -> Record<'_> {
    Record {
        time: Timestamp::ZERO,
        link_type: LinkType::ETHERNET,
        original_length: bytes.len(),
        bytes,
    }
}

fn maps(texts: &[&str]) -> Vec<AddressMap> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn mapping(texts: &[&str]) -> Rewrite {
    Rewrite {
        addresses: maps(texts),
        ..Rewrite::default()
    }
}

/// The frames that a record becomes.
fn rewritten(plan: &Rewrite, record: &Record<'_>) -> Result<Vec<Vec<u8>>, RewriteError> {
    let mut rewriter = Rewriter::new(plan.clone())?;
    let frames = rewriter.rewrite(record, 0)?.frames();
    Ok(frames.map(<[u8]>::to_vec).collect())
}

/// The one frame that a frame becomes.
fn one(plan: &Rewrite, bytes: &[u8]) -> Vec<u8> {
    let frames = rewritten(plan, &whole(bytes)).unwrap();
    assert_eq!(frames.len(), 1, "{frames:02x?}");
    frames.concat()
}

/// Why a frame is left out.
fn skipped(plan: &Rewrite, record: &Record<'_>) -> Option<Skip> {
    match Rewriter::new(plan.clone()).unwrap().rewrite(record, 0) {
        Ok(super::Rewritten::Skipped(skip)) => Some(skip),
        _ => None,
    }
}

/// Checks what a frame in the notation becomes.
fn check(plan: &Rewrite, before: &str, after: &str) {
    assert_eq!(said(&one(plan, &frame(before))), after, "of {before}");
}

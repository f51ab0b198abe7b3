//! What a transcription filled in, left out and decided: for people, and as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;

use listing::{Gap, ListedFrame, Reading, Transcript};
use serde_json::{Value, json};

use crate::output::counted;

/// Names that are listed without being asked for.
const SHOWN_NAMES: usize = 40;

/// Frames in which a field was filled.
fn gaps(transcript: &Transcript) -> BTreeMap<Gap, usize> {
    let mut counts = BTreeMap::new();
    for gap in transcript.frames.iter().flat_map(|frame| &frame.gaps) {
        *counts.entry(*gap).or_insert(0) += 1;
    }
    counts
}

/// Connections that were read this way.
fn read_as(transcript: &Transcript, reading: Reading) -> usize {
    let all = transcript.connections.iter();
    all.filter(|connection| connection.reading == reading)
        .count()
}

/// Writes it for people; with `each`, frame by frame as well.
///
/// # Errors
/// Those of the stream.
pub fn write(transcript: &Transcript, each: bool, out: &mut dyn Write) -> io::Result<()> {
    let frames = transcript.frames.len();
    writeln!(out, "{}", counted(frames as u64, "frame"))?;
    for (gap, count) in gaps(transcript) {
        let (name, value) = (gap.name(), gap.filled_with());
        writeln!(out, "  {name}: {count} of {frames} frames, set to {value}")?;
    }
    let shown = if each { usize::MAX } else { SHOWN_NAMES };
    for name in transcript.names.iter().take(shown) {
        let how = if name.given { "as given" } else { "chosen" };
        writeln!(out, "  {} is {}, {how}", name.name, name.address)?;
    }
    if transcript.names.len() > shown {
        let more = transcript.names.len() - shown;
        writeln!(out, "  and {more} more names, with -v")?;
    }
    let absolute = read_as(transcript, Reading::Absolute);
    if !transcript.connections.is_empty() {
        let relative = read_as(transcript, Reading::Relative);
        writeln!(
            out,
            "  sequence numbers: {relative} connections relative, {absolute} absolute"
        )?;
    }
    if !transcript.other.is_empty() {
        let count = transcript.other.len();
        writeln!(out, "  {count} lines are no packet")?;
    }
    for error in &transcript.errors {
        writeln!(out, "  left out: {error}")?;
    }
    if each {
        for other in &transcript.other {
            writeln!(out, "  line {} is no packet: {}", other.line, other.text)?;
        }
        for (number, frame) in (1..).zip(&transcript.frames) {
            write_frame(number, frame, out)?;
        }
    }
    Ok(())
}

/// Says which of the given names no packet has.
///
/// # Errors
/// Those of the stream.
pub fn write_unused(
    transcript: &Transcript,
    given: &[(String, IpAddr)],
    out: &mut dyn Write,
) -> io::Result<()> {
    for (name, _) in given {
        if !transcript.names.iter().any(|used| used.name == *name) {
            writeln!(out, "  --name {name}: no packet has this name")?;
        }
    }
    Ok(())
}

fn write_frame(number: usize, frame: &ListedFrame, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<&str> = frame.gaps.iter().map(|gap| gap.name()).collect();
    let names = if names.is_empty() {
        "nothing filled".to_owned()
    } else {
        names.join(", ")
    };
    writeln!(out, "  frame {number}, line {}: {names}", frame.line)
}

/// The same as JSON.
pub fn json(transcript: &Transcript) -> String {
    let filled = gaps(transcript).into_iter();
    let filled: Vec<Value> = filled
        .map(|(gap, frames)| json!({"field": gap.name(), "frames": frames, "set_to": gap.filled_with()}))
        .collect();
    let names = transcript.names.iter();
    let names: Vec<Value> = names
        .map(|name| json!({"name": name.name, "address": name.address, "given": name.given}))
        .collect();
    let connections: Vec<Value> = transcript
        .connections
        .iter()
        .map(|connection| {
            let ends = connection
                .ends
                .map(|end| json!({"address": end.ip(), "port": end.port()}));
            let reading = match connection.reading {
                Reading::Relative => "relative",
                Reading::Absolute => "absolute",
            };
            json!({"ends": ends, "numbers": reading, "segments": connection.segments})
        })
        .collect();
    let other = transcript.other.iter();
    let other: Vec<Value> = other
        .map(|line| json!({"line": line.line, "text": line.text}))
        .collect();
    let errors = transcript.errors.iter();
    let errors: Vec<Value> = errors
        .map(|error| json!({"line": error.line, "column": error.column, "problem": error.problem.to_string()}))
        .collect();
    let frames: Vec<Value> = (1..).zip(&transcript.frames).map(frame).collect();
    let report = json!({
        "schema": "crywolf.transcript/1",
        "filled": filled,
        "names": names,
        "connections": connections,
        "other_lines": other,
        "left_out": errors,
        "frames": frames,
    });
    format!("{report:#}\n")
}

fn frame((number, frame): (usize, &ListedFrame)) -> Value {
    let filled: Vec<&str> = frame.gaps.iter().map(|gap| gap.name()).collect();
    json!({"frame": number, "line": frame.line, "time": frame.time.to_string(), "filled": filled})
}

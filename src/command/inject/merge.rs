//! Frames laid into a capture, whose own frames and stamps stay as they are byte for byte, and the truth of both.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use anyhow::{Result, ensure};
use jiff::Timestamp as Moment;
use labels::carried::{Carried, Origin};
use labels::{Event, EventId, FrameRuns, Ordinary, Truth};
use wire::capture::CaptureReader;

use super::dress::Dressed;
use crate::capture::format::Format;

/// A story that is laid into a capture.
#[derive(Debug)]
pub struct Story {
    /// Its frames, in the order of their times.
    pub frames: Vec<Dressed>,
    /// Its events, which speak of where it goes, and number its own frames.
    pub events: Vec<Event>,
    /// The event of each of its own frames.
    pub runs: FrameRuns,
    /// Ordinary traffic of it.
    pub background: Vec<Ordinary>,
}

/// The events of both, of every frame, and what the file holds.
#[derive(Debug, Default)]
pub struct Merged {
    /// By id.
    pub events: Vec<Event>,
    /// Of each frame.
    pub runs: FrameRuns,
    /// Ordinary traffic that no event records.
    pub background: Vec<Ordinary>,
    /// How many frames.
    pub packets: u64,
    /// The first stamp.
    pub first: Option<Moment>,
    /// The latest stamp.
    pub last: Option<Moment>,
    /// How many frames were laid in.
    pub injected: u64,
}

/// A frame of a story under its way into the capture.
struct Waiting<'a> {
    frame: &'a Dressed,
    /// Which story, counted from 1.
    part: u32,
}

/// Writes a capture with stories laid into it. `truth` is that of the capture, where it has one.
///
/// # Errors
/// A capture that cannot be read to its end, or is not what its truth says; outputs that fail.
pub fn merge(
    base: impl Read,
    truth: Option<&Truth>,
    stories: &[Story],
    format: &Format,
    out: &mut impl Write,
) -> Result<Merged> {
    let mut waiting: Vec<Waiting<'_>> = Vec::new();
    for (story, part) in stories.iter().zip(1..) {
        let frames = story.frames.iter();
        waiting.extend(frames.map(|frame| Waiting { frame, part }));
    }
    waiting.sort_by_key(|waiting| waiting.frame.time);
    out.write_all(format.header())?;
    let mut writer = Writer {
        format,
        out,
        origins: stories
            .iter()
            .map(|story| Origin::new(&story.events, &story.runs))
            .collect(),
        carried: Carried::default(),
    };
    let mut own = truth.map_or_else(Origin::default, |truth| {
        Origin::new(&truth.events, &truth.frames)
    });
    let mut reader = CaptureReader::new(base)?;
    let mut waiting = waiting.into_iter().peekable();
    let mut number = 0;
    while let Some(record) = reader.next()? {
        while let Some(earlier) = waiting.next_if(|waiting| waiting.frame.time < record.time) {
            writer.inject(&earlier)?;
        }
        number += 1;
        format.write(
            record.time,
            record.original_length,
            record.bytes,
            writer.out,
        )?;
        let at = record.time.as_nanos();
        writer.carried.take(BASE, &mut own, number, at);
    }
    for later in waiting {
        writer.inject(&later)?;
    }
    if let Some(truth) = truth {
        ensure!(
            number == truth.capture.packets,
            "the capture has {number} frames, and its truth speaks of {}: they do not belong together",
            truth.capture.packets
        );
    }
    let mut merged = told(&writer.carried, truth, stories);
    merged.injected = merged.packets - number;
    Ok(merged)
}

/// What the capture itself is, among its parts; stories follow it.
const BASE: u32 = 0;

struct Writer<'a, W> {
    format: &'a Format,
    out: &'a mut W,
    /// Of each story.
    origins: Vec<Origin>,
    carried: Carried,
}

impl<W: Write> Writer<'_, W> {
    fn inject(&mut self, waiting: &Waiting<'_>) -> Result<()> {
        let (frame, bytes) = (waiting.frame, &waiting.frame.bytes);
        let kept = bytes
            .get(..self.format.snapshot().min(bytes.len()))
            .unwrap_or_default();
        self.format.write(frame.time, bytes.len(), kept, self.out)?;
        let story = usize::try_from(waiting.part - 1).unwrap_or(usize::MAX);
        if let Some(origin) = self.origins.get_mut(story) {
            let at = frame.time.as_nanos();
            self.carried.take(waiting.part, origin, frame.number, at);
        }
        Ok(())
    }
}

/// The events of the capture keep their ids, and their times to the last digit; those of the stories follow.
fn told(carried: &Carried, truth: Option<&Truth>, stories: &[Story]) -> Merged {
    let (first, last) = carried.span().unzip();
    let mut merged = Merged {
        packets: carried.frames(),
        first,
        last,
        background: truth
            .map(|truth| truth.background.clone())
            .unwrap_or_default(),
        ..Merged::default()
    };
    let own = truth.map_or(&[][..], |truth| truth.events.as_slice());
    merged.events.extend(own.iter().map(|event| Event {
        evident: carried.evident(BASE, event),
        ..event.clone()
    }));
    let mut next_id = own.iter().map(|event| event.id.0).max().unwrap_or(0);
    let mut ids: BTreeMap<(u32, EventId), EventId> = own
        .iter()
        .map(|event| ((BASE, event.id), event.id))
        .collect();
    for (story, part) in stories.iter().zip(1..) {
        for event in &story.events {
            next_id += 1;
            let id = EventId(next_id);
            ids.insert((part, event.id), id);
            let event = carried.event(part, event);
            merged
                .events
                .extend(event.map(|event| Event { id, ..event }));
        }
        for kind in &story.background {
            kind.add_to(&mut merged.background);
        }
    }
    merged.runs = carried.runs(|part, event| ids.get(&(part, event)).copied());
    merged
}

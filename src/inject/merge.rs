//! Frames laid into a capture, whose own frames and stamps stay as they are byte for byte, and the truth of both.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp as Moment;
use labels::carried::{Carried, Origin};
use labels::{Event, EventId, FrameRuns, Ordinary, Truth};
use wire::Timestamp;
use wire::capture::CaptureReader;

use super::dress::Dressed;

/// Bytes of a classic capture's header.
const FILE_HEADER: usize = 24;
/// What a capture made of a pcapng one announces as its longest record: libpcap's own maximum.
const SNAPSHOT_LENGTH: u32 = 262_144;

/// How a capture file writes its numbers.
#[derive(Clone, Debug)]
pub struct Format {
    header: Vec<u8>,
    little: bool,
    nanos: bool,
}

impl Format {
    /// That of a classic capture; of another, one that loses nothing of its stamps.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(mut capture: impl Read, link_type: u32) -> io::Result<Format> {
        let mut header = Vec::new();
        capture.by_ref().take(24).read_to_end(&mut header)?;
        let known = match header.first_chunk::<4>() {
            Some([0xd4, 0xc3, 0xb2, 0xa1]) => Some((true, false)),
            Some([0xa1, 0xb2, 0xc3, 0xd4]) => Some((false, false)),
            Some([0x4d, 0x3c, 0xb2, 0xa1]) => Some((true, true)),
            Some([0xa1, 0xb2, 0x3c, 0x4d]) => Some((false, true)),
            _ => None,
        };
        if let Some((little, nanos)) = known.filter(|_| header.len() == FILE_HEADER) {
            return Ok(Format {
                header,
                little,
                nanos,
            });
        }
        let mut header = vec![0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        header.extend_from_slice(&SNAPSHOT_LENGTH.to_le_bytes());
        header.extend_from_slice(&link_type.to_le_bytes());
        Ok(Format {
            header,
            little: true,
            nanos: true,
        })
    }

    /// Whether stamps are in nanoseconds.
    pub fn nanos(&self) -> bool {
        self.nanos
    }

    /// The most bytes of a frame that the capture keeps.
    fn snapshot(&self) -> usize {
        let length = self
            .header
            .get(16..20)
            .and_then(|bytes| bytes.first_chunk::<4>())
            .copied()
            .unwrap_or_default();
        let length = if self.little {
            u32::from_le_bytes(length)
        } else {
            u32::from_be_bytes(length)
        };
        match usize::try_from(length) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(length) => length,
        }
    }

    fn write(
        &self,
        time: Timestamp,
        original: usize,
        bytes: &[u8],
        out: &mut impl Write,
    ) -> Result<()> {
        let seconds = u32::try_from(time.seconds())
            .context("a stamp is beyond the year 2106, which pcap cannot say")?;
        let unit = if self.nanos { 1 } else { 1000 };
        let narrow = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        for number in [
            seconds,
            time.subsec_nanos() / unit,
            narrow(bytes.len()),
            narrow(original),
        ] {
            out.write_all(&if self.little {
                number.to_le_bytes()
            } else {
                number.to_be_bytes()
            })?;
        }
        out.write_all(bytes)?;
        Ok(())
    }
}

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
    out.write_all(&format.header)?;
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

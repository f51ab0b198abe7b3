//! Frames laid into a capture, whose own frames and stamps stay as they are byte for byte, and the truth of both.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp as Moment;
use labels::truth::{Evident, FrameRuns};
use labels::{Event, EventId, Ordinary, Truth};
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
    story: usize,
    event: Option<EventId>,
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
    let mut next_id = truth
        .and_then(|truth| truth.events.iter().map(|event| event.id.0).max())
        .unwrap_or(0);
    let mut ids: Vec<BTreeMap<EventId, EventId>> = Vec::new();
    for story in stories {
        let renamed = story.events.iter().map(|event| {
            next_id += 1;
            (event.id, EventId(next_id))
        });
        ids.push(renamed.collect());
    }
    let mut waiting: Vec<Waiting<'_>> = Vec::new();
    for (number, (story, ids)) in stories.iter().zip(&ids).enumerate() {
        let mut runs = Walk::over(&story.runs);
        waiting.extend(story.frames.iter().map(|frame| {
            Waiting {
                frame,
                story: number,
                event: runs
                    .at(frame.number)
                    .and_then(|event| ids.get(&event).copied()),
            }
        }));
    }
    waiting.sort_by_key(|waiting| waiting.frame.time);
    out.write_all(&format.header)?;
    let mut writer = Writer {
        format,
        out,
        merged: Merged::default(),
        base_numbers: BTreeMap::new(),
        story_numbers: BTreeMap::new(),
        seen: BTreeMap::new(),
    };
    let evident: Vec<u64> = truth
        .iter()
        .flat_map(|truth| &truth.events)
        .filter_map(|event| Some(event.evident.as_ref()?.frame))
        .collect();
    let mut own = truth.map(|truth| Walk::over(&truth.frames));
    let mut reader = CaptureReader::new(base)?;
    let mut waiting = waiting.into_iter().peekable();
    while let Some(record) = reader.next()? {
        while let Some(earlier) = waiting.next_if(|waiting| waiting.frame.time < record.time) {
            writer.inject(&earlier)?;
        }
        let number = writer.base(
            record.time,
            record.original_length,
            record.bytes,
            own.as_mut(),
        )?;
        if evident.contains(&number) {
            writer.base_numbers.insert(number, writer.merged.packets);
        }
    }
    for later in waiting {
        writer.inject(&later)?;
    }
    if let Some(truth) = truth {
        let found = writer.merged.packets - writer.merged.injected;
        ensure!(
            found == truth.capture.packets,
            "the capture has {found} frames, and its truth speaks of {}: they do not belong together",
            truth.capture.packets
        );
    }
    Ok(writer.finish(truth, stories, &ids))
}

/// The event of each frame, asked for in rising order.
struct Walk<'a> {
    runs: Box<dyn Iterator<Item = (Option<EventId>, u64)> + 'a>,
    event: Option<EventId>,
    end: u64,
}

impl<'a> Walk<'a> {
    fn over(runs: &'a FrameRuns) -> Walk<'a> {
        Walk {
            runs: Box::new(runs.runs()),
            event: None,
            end: 0,
        }
    }

    fn at(&mut self, frame: u64) -> Option<EventId> {
        while self.end < frame {
            let (event, count) = self.runs.next()?;
            self.event = event;
            self.end += count;
        }
        self.event
    }
}

/// What was seen of an event.
struct Extent {
    first: Timestamp,
    last: Timestamp,
    packets: u64,
}

struct Writer<'a, W> {
    format: &'a Format,
    out: &'a mut W,
    merged: Merged,
    /// Numbers of the capture's own frames that truths name, as they are now.
    base_numbers: BTreeMap<u64, u64>,
    /// The same of stories.
    story_numbers: BTreeMap<(usize, u64), u64>,
    seen: BTreeMap<EventId, Extent>,
}

impl<W: Write> Writer<'_, W> {
    /// Writes a frame of the capture itself; returns its number there.
    fn base(
        &mut self,
        time: Timestamp,
        original: usize,
        bytes: &[u8],
        own: Option<&mut Walk<'_>>,
    ) -> Result<u64> {
        self.format.write(time, original, bytes, self.out)?;
        self.count(time);
        let number = self.merged.packets - self.merged.injected;
        self.merged.runs.push(own.and_then(|own| own.at(number)));
        Ok(number)
    }

    fn inject(&mut self, waiting: &Waiting<'_>) -> Result<()> {
        let (frame, bytes) = (waiting.frame, &waiting.frame.bytes);
        let kept = bytes
            .get(..self.format.snapshot().min(bytes.len()))
            .unwrap_or_default();
        self.format.write(frame.time, bytes.len(), kept, self.out)?;
        self.count(frame.time);
        self.merged.injected += 1;
        self.merged.runs.push(waiting.event);
        let number = self.merged.packets;
        self.story_numbers
            .entry((waiting.story, frame.number))
            .or_insert(number);
        if let Some(event) = waiting.event {
            let extent = self.seen.entry(event).or_insert(Extent {
                first: frame.time,
                last: frame.time,
                packets: 0,
            });
            extent.last = frame.time;
            extent.packets += 1;
        }
        Ok(())
    }

    fn count(&mut self, time: Timestamp) {
        self.merged.packets += 1;
        let time = moment(time);
        self.merged.first.get_or_insert(time);
        self.merged.last = self.merged.last.max(Some(time));
    }

    fn finish(
        mut self,
        truth: Option<&Truth>,
        stories: &[Story],
        ids: &[BTreeMap<EventId, EventId>],
    ) -> Merged {
        let moved = |evident: &Evident, to: Option<&u64>| {
            Some(Evident {
                frame: *to?,
                rule: evident.rule.clone(),
            })
        };
        for event in truth.iter().flat_map(|truth| &truth.events) {
            let evident = event.evident.as_ref();
            self.merged.events.push(Event {
                evident: evident
                    .and_then(|evident| moved(evident, self.base_numbers.get(&evident.frame))),
                ..event.clone()
            });
        }
        self.merged.background = truth
            .map(|truth| truth.background.clone())
            .unwrap_or_default();
        for (number, (story, ids)) in stories.iter().zip(ids).enumerate() {
            for event in &story.events {
                let Some((id, extent)) = ids
                    .get(&event.id)
                    .and_then(|id| Some((id, self.seen.get(id)?)))
                else {
                    continue;
                };
                let evident = event.evident.as_ref();
                self.merged.events.push(Event {
                    id: *id,
                    start: moment(extent.first),
                    end: moment(extent.last),
                    packets: extent.packets,
                    evident: evident.and_then(|evident| {
                        moved(evident, self.story_numbers.get(&(number, evident.frame)))
                    }),
                    ..event.clone()
                });
            }
            for kind in &story.background {
                match self
                    .merged
                    .background
                    .iter_mut()
                    .find(|known| known.class == kind.class)
                {
                    Some(known) => known.packets += kind.packets,
                    None => self.merged.background.push(kind.clone()),
                }
            }
        }
        self.merged
    }
}

fn moment(time: Timestamp) -> Moment {
    // Stamps of captures end in the year 2554, moments in 9999.
    Moment::from_nanosecond(i128::from(time.as_nanos())).unwrap_or(Moment::MAX)
}

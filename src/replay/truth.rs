//! The truth of a live run, from the capture's: events at the moments they were sent, with the addresses they were sent
//! with, and the frames as they were counted on the wire.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use labels::truth::{Evident, FrameRuns};
use labels::{AddressBlock, Event, EventId, PortRange, Truth};
use replay::rewrite::Rewriter;
use replay::{Origin, Source};
use wire::capture::CaptureReader;

use crate::input::display_name;

/// Nanoseconds of the times that most captures hold.
const MICROSECOND: i128 = 1_000;

/// Reads the truth that belongs to a capture: `a.truth.json` beside `a.pcap`, unless a path is given.
///
/// # Errors
/// Names the file that cannot be read, is no truth, or is that of another capture.
pub fn read(given: Option<&Path>, capture: &Path, source: &dyn Source) -> Result<Truth> {
    let beside: PathBuf = capture.with_extension("truth.json");
    let path = given.unwrap_or(&beside);
    ensure!(
        given.is_some() || capture != Path::new("-"),
        "which truth belongs to standard input? --truth FILE names it"
    );
    let text = fs::read_to_string(path).with_context(|| {
        format!(
            "cannot read the truth {}: --truth names another file",
            path.display()
        )
    })?;
    let truth = Truth::from_json(&text).with_context(|| path.display().to_string())?;
    let extent = Extent::of(source).with_context(|| display_name(capture))?;
    ensure!(
        extent.is_of(&truth),
        "the truth {} is that of {}, {} frames from {}; {} holds {} from {}: --truth names another file",
        path.display(),
        truth.capture.file,
        truth.capture.packets,
        spoken(truth.capture.first),
        display_name(capture),
        extent.frames,
        spoken(extent.span.map(|(first, _)| first))
    );
    Ok(truth)
}

fn spoken(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "nowhere".to_owned(), |time| time.to_string())
}

/// What a capture and its truth agree on, in whatever format the capture is kept.
struct Extent {
    frames: u64,
    span: Option<(Timestamp, Timestamp)>,
    /// Whether it could be read to its end.
    whole: bool,
}

impl Extent {
    fn of(source: &dyn Source) -> Result<Extent> {
        let mut reader = CaptureReader::new(source.open()?)?;
        let mut extent = Extent {
            frames: 0,
            span: None,
            whole: false,
        };
        // A capture that is cut short is another's worry.
        while let Ok(next) = reader.next() {
            let Some(record) = next else {
                extent.whole = true;
                break;
            };
            let time = timestamp(record.time);
            extent.frames += 1;
            extent.span = Some((extent.span.map_or(time, |(first, _)| first), time));
        }
        Ok(extent)
    }

    fn is_of(&self, truth: &Truth) -> bool {
        let micros = |time: Timestamp| time.as_nanosecond().div_euclid(MICROSECOND);
        let stated = &truth.capture;
        let first = self.span.map(|(first, _)| micros(first));
        let last = self.span.map(|(_, last)| micros(last));
        let to_its_end =
            (self.frames, last) == (stated.packets, stated.last.map(micros)) || !self.whole;
        first == stated.first.map(micros) && to_its_end
    }
}

/// Follows a run.
pub struct LiveTruth {
    /// The last frame of each run of frames, and its event.
    runs: Vec<(u64, Option<EventId>)>,
    /// The run that the last frame was in.
    place: usize,
    events: BTreeMap<(u32, EventId), Seen>,
    /// By event: the frame at which its evidence sufficed.
    evident: BTreeMap<u64, Vec<EventId>>,
    frames: Vec<(u32, Option<EventId>, u64)>,
    sent: u64,
    span: Option<(wire::Timestamp, wire::Timestamp)>,
    /// Whether passes have addresses, and so events, of their own.
    unique: bool,
}

struct Seen {
    first: wire::Timestamp,
    last: wire::Timestamp,
    frames: u64,
    evident: Option<u64>,
}

impl LiveTruth {
    /// For a capture with this truth.
    pub fn new(truth: &Truth, unique: bool) -> LiveTruth {
        let mut end = 0_u64;
        let runs = truth.frames.runs().map(|(event, count)| {
            end = end.saturating_add(count);
            (end, event)
        });
        let mut evident = BTreeMap::<u64, Vec<EventId>>::new();
        for event in &truth.events {
            if let Some(Evident { frame, .. }) = &event.evident {
                evident.entry(*frame).or_default().push(event.id);
            }
        }
        LiveTruth {
            runs: runs.collect(),
            place: 0,
            events: BTreeMap::new(),
            evident,
            frames: Vec::new(),
            sent: 0,
            span: None,
            unique,
        }
    }

    /// Hears of a frame that went.
    pub fn sent(&mut self, origin: Origin, at: wire::Timestamp) {
        self.sent += 1;
        self.span = Some((self.span.map_or(at, |(first, _)| first), at));
        let pass = if self.unique { origin.pass } else { 0 };
        let event = self.event_of(origin.number);
        match self.frames.last_mut() {
            Some((before, last, count)) if (*before, *last) == (pass, event) => *count += 1,
            _ => self.frames.push((pass, event, 1)),
        }
        if let Some(event) = event {
            let seen = self.events.entry((pass, event)).or_insert(Seen {
                first: at,
                last: at,
                frames: 0,
                evident: None,
            });
            (seen.last, seen.frames) = (at, seen.frames + 1);
        }
        for event in self.evident.get(&origin.number).into_iter().flatten() {
            if let Some(seen) = self.events.get_mut(&(pass, *event)) {
                seen.evident.get_or_insert(self.sent);
            }
        }
    }

    /// The event of a frame of the capture. Frames come in order, but for the beginning of a pass.
    fn event_of(&mut self, number: u64) -> Option<EventId> {
        let ends = |place: usize| self.runs.get(place).map_or(u64::MAX, |(end, _)| *end);
        let before = self.place.checked_sub(1).map_or(0, ends);
        if number <= before {
            self.place = 0;
        }
        while self.place < self.runs.len()
            && number > self.runs.get(self.place).map_or(0, |run| run.0)
        {
            self.place += 1;
        }
        self.runs.get(self.place).and_then(|(_, event)| *event)
    }

    /// The truth of what was sent.
    pub fn finish(self, truth: &Truth, rewriter: &Rewriter) -> Truth {
        let mut live = Truth {
            events: Vec::new(),
            frames: FrameRuns::default(),
            ..truth.clone()
        };
        live.capture.packets = self.sent;
        live.capture.first = self.span.map(|(first, _)| timestamp(first));
        live.capture.last = self.span.map(|(_, last)| timestamp(last));
        let mut ids = BTreeMap::new();
        for ((pass, id), seen) in &self.events {
            let Some(event) = truth.event(*id) else {
                continue;
            };
            let id = EventId(u32::try_from(ids.len() + 1).unwrap_or(u32::MAX));
            ids.insert((*pass, event.id), id);
            live.events
                .push(rewritten(event, id, *pass, seen, rewriter));
        }
        let passes = self.frames.iter().map(|(pass, _, _)| *pass).max();
        live.home = (0..=passes.unwrap_or(0))
            .flat_map(|pass| moved(&truth.home, pass, rewriter))
            .collect();
        live.home.sort_unstable();
        live.home.dedup();
        for (pass, event, count) in &self.frames {
            let id = event.and_then(|event| ids.get(&(*pass, event)).copied());
            for _ in 0..*count {
                live.frames.push(id);
            }
        }
        live
    }
}

fn rewritten(event: &Event, id: EventId, pass: u32, seen: &Seen, rewriter: &Rewriter) -> Event {
    let ports = event
        .ports
        .iter()
        .flat_map(|range| range.first()..=range.last());
    Event {
        id,
        sources: moved(&event.sources, pass, rewriter),
        targets: moved(&event.targets, pass, rewriter),
        actor: event.actor.map(|actor| rewriter.map_address(actor, pass)),
        ports: PortRange::cover(ports.map(|port| rewriter.map_port(port))),
        start: timestamp(seen.first),
        end: timestamp(seen.last),
        packets: seen.frames,
        evident: seen
            .evident
            .zip(event.evident.as_ref())
            .map(|(frame, evident)| Evident {
                frame,
                rule: evident.rule.clone(),
            }),
        ..event.clone()
    }
}

fn moved(blocks: &[AddressBlock], pass: u32, rewriter: &Rewriter) -> Vec<AddressBlock> {
    blocks
        .iter()
        .flat_map(|block| rewriter.map_network(block.network(), pass))
        .map(AddressBlock::from)
        .collect()
}

fn timestamp(time: wire::Timestamp) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(time.as_nanos())).unwrap_or(Timestamp::MAX)
}

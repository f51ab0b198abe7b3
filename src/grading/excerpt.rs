//! The frames that the HTML page shows of each mistake. Which frames these are, scorer/src/report/html/context.md says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use labels::{AddressBlock, EventId, Truth};
use scorer::grade::{CaptureGrade, EventGrade};
use scorer::report::context::{Capture, Excerpt, Frame, MOST_FRAMES, MOST_INFO, MOST_PCAP, Pcap};
use scorer::{Incident, Outcome};
use wire::capture::{CaptureReader, Record};
use wire::decode::{Network, Transport};
use wire::{Layers, Packet};

/// Frames of an event from its first on.
const FIRST: usize = 4;
/// Frames before and after the one at which an event's alert was raised.
const AROUND: u64 = 2;
/// Frames that the evidence of an event's alerts names.
const NAMED: usize = 12;
/// Frames before and after the one at which a false alarm was raised.
const AROUND_ALARM: u64 = 6;
/// Frames that its evidence names.
const NAMED_ALARM: usize = 24;
/// False alarms of one capture whose frames are looked for by address: each costs a look at every frame.
const SOUGHT: usize = 50;

/// What is shown of a capture; nothing where it cannot be read.
pub fn of(path: &Path, truth: &Truth, grade: &CaptureGrade) -> Capture {
    let mut shown = Capture::default();
    if let Ok(meta) = fs::metadata(path)
        && usize::try_from(meta.len()).is_ok_and(|size| size <= MOST_PCAP)
        && let Ok(bytes) = fs::read(path)
    {
        shown.pcap = Some(Pcap::of(&bytes));
    }
    let mistakes = || {
        let wrong =
            |event: &&EventGrade| matches!(event.outcome, Outcome::Missed | Outcome::WolfCry);
        grade.events.iter().filter(wrong)
    };
    let own = own_frames(truth, &mistakes().map(|event| event.id).collect());
    let mut wanted: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    for event in mistakes() {
        let frames = own.get(&event.id).cloned().unwrap_or_default();
        wanted.insert(event.id.0, of_event(event, &frames, truth.capture.packets));
    }
    let alarms: Vec<BTreeSet<u64>> = (grade.false_alarms.iter())
        .map(|alarm| of_alarm(alarm, truth.capture.packets))
        .collect();
    let sought: Vec<&Incident> = (grade.false_alarms.iter().zip(&alarms))
        .filter(|(_, frames)| frames.is_empty())
        .map(|(alarm, _)| alarm)
        .take(SOUGHT)
        .collect();
    let numbers: BTreeSet<u64> = wanted.values().chain(&alarms).flatten().copied().collect();
    if numbers.is_empty() && sought.is_empty() {
        return shown;
    }
    let Ok(mut seen) = read(path, truth, &numbers, &sought) else {
        return shown;
    };
    let frames = |numbers: &BTreeSet<u64>| {
        let frames = numbers.iter().filter_map(|n| seen.frames.get(n).cloned());
        excerpt(frames.collect())
    };
    shown.events = wanted
        .iter()
        .map(|(id, numbers)| (*id, frames(numbers)))
        .collect();
    let mut found = std::mem::take(&mut seen.sought).into_iter();
    let mut left = sought.len();
    shown.false_alarms = alarms
        .iter()
        .map(|numbers| {
            let frames = if numbers.is_empty() && left > 0 {
                left -= 1;
                excerpt(found.next().unwrap_or_default())
            } else {
                frames(numbers)
            };
            (!frames.frames.is_empty()).then_some(frames)
        })
        .collect();
    shown
}

fn excerpt(frames: Vec<Frame>) -> Excerpt {
    let numbers: Vec<String> = frames.iter().map(|frame| frame.n.to_string()).collect();
    let filter = format!("frame.number in {{{}}}", numbers.join(", "));
    Excerpt {
        filter: (!frames.is_empty()).then_some(filter),
        frames,
    }
}

/// The first frames of events, and the last of each.
fn own_frames(truth: &Truth, events: &BTreeSet<EventId>) -> BTreeMap<EventId, Vec<u64>> {
    let mut own: BTreeMap<EventId, Vec<u64>> = BTreeMap::new();
    let mut last: BTreeMap<EventId, u64> = BTreeMap::new();
    let mut frame = 0;
    for (event, count) in truth.frames.runs() {
        let first = frame + 1;
        frame += count;
        let Some(event) = event.filter(|event| events.contains(event)) else {
            continue;
        };
        let frames = own.entry(event).or_default();
        let room = MOST_FRAMES.saturating_sub(frames.len());
        frames.extend((first..=frame).take(room));
        last.insert(event, frame);
    }
    for (event, frame) in last {
        own.entry(event).or_default().push(frame);
    }
    own
}

/// Frames in the order in which they are wanted, until there are enough.
struct Choice {
    frames: BTreeSet<u64>,
    most: usize,
    packets: u64,
}

impl Choice {
    fn add(&mut self, frames: impl IntoIterator<Item = u64>) {
        for frame in frames {
            if self.frames.len() < self.most && (1..=self.packets).contains(&frame) {
                self.frames.insert(frame);
            }
        }
    }
}

fn of_event(event: &EventGrade, own: &[u64], packets: u64) -> BTreeSet<u64> {
    let mut choice = Choice {
        frames: BTreeSet::new(),
        // The last place is that of its last frame.
        most: MOST_FRAMES - 1,
        packets,
    };
    choice.add(own.iter().take(FIRST).copied());
    choice.add(event.evident.iter().map(|evident| evident.frame));
    for raised in event
        .incidents
        .iter()
        .filter_map(|incident| incident.frame)
        .take(2)
    {
        choice.add(raised.saturating_sub(AROUND)..=raised.saturating_add(AROUND));
    }
    let evidence = event
        .incidents
        .iter()
        .flat_map(|incident| &incident.evidence);
    let said = event.first_alert.iter().flat_map(|said| &said.evidence);
    let named: BTreeSet<u64> = evidence
        .chain(said)
        .flat_map(|fact| fact.frames.iter().copied())
        .collect();
    choice.add(named.into_iter().take(NAMED));
    choice.add(own.iter().copied());
    choice.most = MOST_FRAMES;
    choice.add(own.last().copied());
    choice.frames
}

fn of_alarm(alarm: &Incident, packets: u64) -> BTreeSet<u64> {
    let mut choice = Choice {
        frames: BTreeSet::new(),
        most: MOST_FRAMES,
        packets,
    };
    let named: BTreeSet<u64> = alarm
        .evidence
        .iter()
        .flat_map(|fact| fact.frames.iter().copied())
        .collect();
    choice.add(named.into_iter().take(NAMED_ALARM));
    if let Some(raised) = alarm.frame {
        choice.add(raised.saturating_sub(AROUND_ALARM)..=raised.saturating_add(AROUND_ALARM));
    }
    choice.frames
}

struct Seen {
    frames: BTreeMap<u64, Frame>,
    sought: Vec<Vec<Frame>>,
}

/// Reads a capture as far as frames of it are wanted.
fn read(
    path: &Path,
    truth: &Truth,
    numbers: &BTreeSet<u64>,
    sought: &[&Incident],
) -> anyhow::Result<Seen> {
    let mut reader = CaptureReader::new(BufReader::new(File::open(path)?))?;
    let mut seen = Seen {
        frames: BTreeMap::new(),
        sought: vec![Vec::new(); sought.len()],
    };
    let last = numbers.last().copied().unwrap_or(0);
    let mut runs = truth.frames.runs();
    let (mut event, mut run_end) = (None, 0);
    let mut number = 0;
    let mut first = None;
    while let Some(record) = reader.next()? {
        number += 1;
        let start = *first.get_or_insert(record.time);
        while run_end < number {
            let Some((next, count)) = runs.next() else {
                break;
            };
            event = next;
            run_end += count;
        }
        let place = Place {
            n: number,
            // Nanoseconds as seconds with the precision of a microsecond: for people.
            t: record.time.nanos_since(start) as f64 / 1e9,
            event: event.map(|event| event.0),
        };
        if numbers.contains(&number) {
            seen.frames.insert(number, frame(&record, &place));
        }
        if !sought.is_empty() {
            seek(&record, &place, sought, &mut seen.sought);
        } else if number >= last {
            break;
        }
    }
    Ok(seen)
}

struct Place {
    n: u64,
    t: f64,
    event: Option<u32>,
}

/// Takes a frame to the alarms that speak of its addresses, from their start on.
fn seek(record: &Record<'_>, place: &Place, sought: &[&Incident], found: &mut [Vec<Frame>]) {
    let layers = Layers::decode_cut(record.link_type, record.bytes, record.original_length);
    let Some((source, destination)) = layers.addresses() else {
        return;
    };
    let holds =
        |blocks: &[AddressBlock], address| blocks.iter().any(|block| block.contains(address));
    let time = jiff::Timestamp::from_nanosecond(i128::from(record.time.as_nanos()));
    for (alarm, frames) in sought.iter().zip(found) {
        let between = |a, b| {
            (alarm.sources.is_empty() || holds(&alarm.sources, a))
                && (alarm.targets.is_empty() || holds(&alarm.targets, b))
        };
        let begun = time.as_ref().is_ok_and(|time| *time >= alarm.start);
        let named = !(alarm.sources.is_empty() && alarm.targets.is_empty());
        if begun
            && named
            && frames.len() < MOST_FRAMES
            && (between(source, destination) || between(destination, source))
        {
            frames.push(frame(record, place));
        }
    }
}

fn frame(record: &Record<'_>, place: &Place) -> Frame {
    let layers = Layers::decode_cut(record.link_type, record.bytes, record.original_length);
    let (source, destination) = match (layers.addresses(), &layers.network) {
        (Some((source, destination)), _) => (source.to_string(), destination.to_string()),
        (None, Network::Arp(arp)) => (arp.sender.to_string(), arp.target.to_string()),
        (None, _) => {
            let hardware = |address: Option<wire::MacAddress>| {
                address.map_or("?".into(), |address| address.to_string())
            };
            (
                hardware(layers.link.source),
                hardware(layers.link.destination),
            )
        }
    };
    Frame {
        n: place.n,
        t: place.t,
        source,
        destination,
        info: info(&layers).chars().take(MOST_INFO).collect(),
        event: place.event,
    }
}

/// A frame as text, without its addresses.
fn info(layers: &Layers<'_>) -> String {
    if let Some(packet) = Packet::from_layers(layers) {
        let text = format!("{packet:#}");
        let behind = text
            .split_once(" > ")
            .map_or(text.as_str(), |(_, behind)| behind);
        let said = behind.split_once(": ").map_or(behind, |(_, said)| said);
        return match layers.ports() {
            Some((from, to)) => format!("{from} > {to}: {said}"),
            None => said.to_owned(),
        };
    }
    match (&layers.network, &layers.transport) {
        (Network::Arp(arp), _) if arp.operation == 1 => format!("arp: who has {}?", arp.target),
        (Network::Arp(arp), _) => format!("arp {}: {} is here", arp.operation, arp.sender),
        (_, Transport::Fragment) => format!("fragment, {} bytes", layers.payload_length),
        (_, Transport::Other(protocol)) => {
            format!("protocol {protocol}, {} bytes", layers.payload_length)
        }
        _ => format!("{} bytes", layers.payload_length),
    }
}

//! `crywolf merge`: captures as one, in the order of their times, and the truth of all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use labels::carried::{Carried, Origin};
use labels::{AddressBlock, CaptureSummary, Event, EventId, Truth};
use wire::capture::{CaptureReader, CaptureWriter};
use wire::{LinkType, Timestamp};

use crate::capture::budget::Budget;
use crate::capture::format::Format;
use crate::capture::input::display_name;
use crate::capture::kept::{CaptureFile, Place};
use crate::capture::sink::Sink;
use crate::capture::truth::{read_beside, write_truth};
use crate::output::{Verbosity, counted, print};
use crate::process::temporary::{Temporary, keep_both};

/// Merge captures and their truth.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf merge syn-scan.victim.seed5.pcap fin-scan.victim.seed5.pcap --out both.pcap
  crywolf merge monday.pcap tuesday.pcap wednesday.pcap --out week.pcap

Frames come in the order of their times, and of equal times in that of the captures: as mergecap puts them. The truth of a \
capture is looked for beside it, A.truth.json beside A.pcap; without one its frames count as background. That of all stands \
beside the output: events are numbered anew, those of the first capture first.

Exit status: 0 done, 2 wrong use or bad input, 130 ended by Ctrl-C, 143 by SIGTERM.")]
pub struct MergeArgs {
    /// The captures, pcap or pcapng, of one link type, compressed with gzip or not; - reads standard input
    #[arg(required = true, num_args = 2.., value_name = "CAPTURE")]
    pub captures: Vec<PathBuf>,

    /// Where the capture with all of it goes, as pcap
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Captures that cannot be read, have another link type or are not what their truth says; outputs that fail.
pub fn run(args: &MergeArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    let own = args.out.canonicalize().ok();
    for path in &args.captures {
        ensure!(
            own.is_none() || path.canonicalize().ok() != own,
            "the output is one of the captures, {}: give it another name",
            path.display()
        );
    }
    let file = Temporary::beside(&args.out)?;
    let paths = args.captures.iter();
    let truths = (paths.clone().map(|path| read_beside(path))).collect::<Result<Vec<_>>>()?;
    let captures =
        (paths.clone().map(|path| CaptureFile::open(path))).collect::<Result<Vec<_>>>()?;
    let mut sources = Vec::new();
    for ((path, capture), truth) in paths.zip(&captures).zip(&truths) {
        let source = Source::open(path, capture, truth.as_ref());
        sources.push(source.with_context(|| display_name(path))?);
    }
    let failed = || format!("cannot write {}", args.out.display());
    let folder = args.out.parent().unwrap_or(Path::new("."));
    let sink = Sink::new(file, Arc::new(Budget::new(None, folder)), false);
    let (link_type, nanos) = (link_type(&sources)?, nanos(&captures)?);
    let writer = if nanos {
        CaptureWriter::with_nanos_of(sink, link_type)
    } else {
        CaptureWriter::new_of(sink, link_type)
    };
    let (carried, sink) = merge(&mut sources, writer)?;
    let (file, sha256) = sink.finish().with_context(failed)?;
    for source in &sources {
        source.check()?;
    }
    let (first, last) = carried.span().unzip();
    let capture = CaptureSummary {
        file: file_name(&args.out),
        sha256,
        packets: carried.frames(),
        first,
        last,
    };
    let merged = Truth {
        scenario: stem(&args.out),
        capture,
        ..truth_of_all(&sources, &carried)
    };
    let beside = args.out.with_extension("truth.json");
    let written = write_truth(&merged, &beside)?;
    keep_both((file, &args.out), (written, &beside))?;
    for warning in shared(&sources) {
        eprintln!("crywolf: {warning}");
    }
    if !verbosity.quiet {
        let (packets, events) = (merged.capture.packets, merged.events.len());
        let out = args.out.display();
        print(&format!(
            "{out}: {}, {}\n",
            counted(packets, "packet"),
            counted(events as u64, "event")
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A capture on its way into the whole.
struct Source<'a> {
    path: &'a Path,
    reader: CaptureReader<BufReader<Place<'a>>>,
    truth: Option<&'a Truth>,
    origin: Origin,
    /// The frame that comes next.
    head: Option<Head>,
    bytes: Vec<u8>,
    taken: u64,
}

/// What is known of a frame besides its bytes.
#[derive(Clone, Copy)]
struct Head {
    time: Timestamp,
    original: usize,
    link_type: LinkType,
}

impl<'a> Source<'a> {
    fn open(
        path: &'a Path,
        capture: &'a CaptureFile,
        truth: Option<&'a Truth>,
    ) -> Result<Source<'a>> {
        let mut source = Source {
            path,
            reader: CaptureReader::new(capture.reader())?,
            truth,
            origin: truth.map_or_else(Origin::default, |truth| {
                Origin::new(&truth.events, &truth.frames)
            }),
            head: None,
            bytes: Vec::new(),
            taken: 0,
        };
        source.step()?;
        Ok(source)
    }

    /// Reads the next frame.
    fn step(&mut self) -> Result<()> {
        self.head = None;
        self.bytes.clear();
        if let Some(record) = self.reader.next()? {
            self.bytes.extend_from_slice(record.bytes);
            self.head = Some(Head {
                time: record.time,
                original: record.original_length,
                link_type: record.link_type,
            });
        }
        Ok(())
    }

    /// Whether the capture was what its truth says.
    fn check(&self) -> Result<()> {
        let said = self.truth.map_or(self.taken, |truth| truth.capture.packets);
        ensure!(
            said == self.taken,
            "{}: the capture has {} frames, and its truth speaks of {said}: they do not belong together",
            self.path.display(),
            self.taken
        );
        Ok(())
    }

    fn events(&self) -> &'a [Event] {
        self.truth.map_or(&[], |truth| truth.events.as_slice())
    }

    /// The addresses that play a role in its events.
    fn addresses(&self) -> BTreeSet<AddressBlock> {
        let roles =
            (self.events().iter()).flat_map(|event| event.sources.iter().chain(&event.targets));
        roles.copied().collect()
    }
}

/// Writes all frames in the order of their times. Each source is a part of what was carried, counted from 0.
fn merge(sources: &mut [Source<'_>], mut writer: CaptureWriter<Sink>) -> Result<(Carried, Sink)> {
    let mut carried = Carried::default();
    // Of equal times the first: `min_by_key` keeps it.
    while let Some((part, source, head)) = (sources.iter_mut().zip(0..))
        .filter_map(|(source, part)| source.head.map(|head| (part, source, head)))
        .min_by_key(|(.., head)| head.time)
    {
        writer.record_cut(head.time, head.original, |out| {
            out.extend_from_slice(&source.bytes);
        })?;
        source.taken += 1;
        let at = head.time.as_nanos();
        carried.take(part, &mut source.origin, source.taken, at);
        source.step().with_context(|| display_name(source.path))?;
        if let Some(next) = source.head
            && next.link_type != head.link_type
        {
            bail!("{}: its link type changes", source.path.display());
        }
    }
    Ok((carried, writer.finish()?))
}

/// What was merged, events numbered anew. Whose file it is remains to be said.
fn truth_of_all(sources: &[Source<'_>], carried: &Carried) -> Truth {
    let truths = || sources.iter().filter_map(|source| source.truth);
    let mut ids: BTreeMap<(u32, EventId), EventId> = BTreeMap::new();
    let mut events = Vec::new();
    for (source, part) in sources.iter().zip(0..) {
        for event in source.events() {
            let number = events.len() + 1;
            let id = EventId(u32::try_from(number).unwrap_or(u32::MAX));
            ids.insert((part, event.id), id);
            let evident = carried.evident(part, event);
            events.push(Event {
                id,
                evident,
                ..event.clone()
            });
        }
    }
    let sensors: BTreeSet<&str> = truths().map(|truth| truth.sensor.as_str()).collect();
    let sensor = match sensors.first() {
        Some(sensor) if sensors.len() == 1 => (*sensor).to_owned(),
        _ => "merged".into(),
    };
    let home: BTreeSet<AddressBlock> = truths().flat_map(|truth| truth.home.clone()).collect();
    let mut background = Vec::new();
    for kind in truths().flat_map(|truth| &truth.background) {
        kind.add_to(&mut background);
    }
    let named = (sources.iter().zip(1u64..))
        .map(|(source, number)| (format!("merge.{number}"), file_name(source.path)));
    Truth {
        schema: labels::truth::SCHEMA.into(),
        scenario: String::new(),
        seed: truths().next().map_or(0, |truth| truth.seed),
        sensor,
        parameters: named.collect(),
        home: home.into_iter().collect(),
        capture: CaptureSummary {
            file: String::new(),
            sha256: String::new(),
            packets: 0,
            first: None,
            last: None,
        },
        events,
        background,
        frames: carried.runs(|part, event| ids.get(&(part, event)).copied()),
    }
}

/// The link type of all.
fn link_type(sources: &[Source<'_>]) -> Result<LinkType> {
    let mut known: Option<(LinkType, &Path)> = None;
    for source in sources {
        let Some(head) = source.head else { continue };
        let (link_type, path) = *known.get_or_insert((head.link_type, source.path));
        ensure!(
            link_type == head.link_type,
            "frames of {} begin with link type {}, those of {} with {}: one capture holds one",
            path.display(),
            link_type.0,
            source.path.display(),
            head.link_type.0
        );
    }
    known
        .map(|(link_type, _)| link_type)
        .ok_or_else(|| anyhow!("none of the captures holds a frame"))
}

/// Whether one of them has stamps in nanoseconds.
fn nanos(captures: &[CaptureFile]) -> Result<bool> {
    for capture in captures {
        if Format::of(capture.reader(), 1)?.nanos() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What tells nobody apart: addresses that play a role in events of several captures.
fn shared(sources: &[Source<'_>]) -> Vec<String> {
    let mut said = Vec::new();
    for (number, one) in sources.iter().enumerate() {
        let addresses = one.addresses();
        for other in sources.iter().skip(number + 1) {
            let common: Vec<_> = addresses
                .intersection(&other.addresses())
                .copied()
                .collect();
            let Some(first) = common.first() else {
                continue;
            };
            said.push(format!(
                "{first}{} in events of {} and of {}: a detector sees one host that does both",
                match common.len() {
                    1 => " plays a role".to_owned(),
                    2 => " and another play a role".to_owned(),
                    more => format!(" and {} others play a role", more - 1),
                },
                one.path.display(),
                other.path.display()
            ));
        }
    }
    said
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn stem(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

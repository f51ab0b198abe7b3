//! The truth of a live run, from the capture's: events at the moments they were sent, with the addresses they were sent
//! with, and the frames as they were counted on the wire.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use labels::carried::{Carried, Moves};
use labels::{AddressBlock, Truth};
use replay::{Origin, Source};
use rewrite::Rewriter;
use wire::capture::CaptureReader;

use crate::capture::input::display_name;
use crate::capture::truth::beside;

/// Nanoseconds of the times that most captures hold.
const MICROSECOND: i128 = 1_000;

/// Reads the truth that belongs to a capture: `a.truth.json` beside `a.pcap`, unless a path is given.
///
/// # Errors
/// Names the file that cannot be read, is no truth, or is that of another capture.
pub fn read(given: Option<&Path>, capture: &Path, source: &dyn Source) -> Result<Truth> {
    let path = given
        .map(Path::to_owned)
        .or_else(|| beside(capture))
        .context("which truth belongs to standard input? --truth FILE names it")?;
    let text = fs::read_to_string(&path).with_context(|| {
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
    origin: labels::carried::Origin,
    carried: Carried,
    /// Whether passes have addresses, and so events, of their own.
    unique: bool,
}

impl LiveTruth {
    /// For a capture with this truth.
    pub fn new(truth: &Truth, unique: bool) -> LiveTruth {
        LiveTruth {
            origin: labels::carried::Origin::new(&truth.events, &truth.frames),
            carried: Carried::default(),
            unique,
        }
    }

    /// Hears of a frame that went.
    pub fn sent(&mut self, origin: Origin, at: wire::Timestamp) {
        let pass = if self.unique { origin.pass } else { 0 };
        self.carried
            .take(pass, &mut self.origin, origin.number, at.as_nanos());
    }

    /// The truth of what was sent.
    pub fn finish(self, truth: &Truth, rewriter: &Rewriter) -> Truth {
        self.carried.truth(truth, &Rewritten(rewriter))
    }
}

/// Where rewriting puts things, pass by pass.
struct Rewritten<'a>(&'a Rewriter);

impl Moves for Rewritten<'_> {
    fn block(&self, block: AddressBlock, pass: u32) -> Vec<AddressBlock> {
        let blocks = self.0.map_network(block.network(), pass).into_iter();
        blocks.map(AddressBlock::from).collect()
    }

    fn address(&self, address: IpAddr, pass: u32) -> IpAddr {
        self.0.map_address(address, pass)
    }

    fn port(&self, port: u16) -> u16 {
        self.0.map_port(port)
    }
}

fn timestamp(time: wire::Timestamp) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(time.as_nanos())).unwrap_or(Timestamp::MAX)
}

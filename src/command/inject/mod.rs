//! `crywolf inject`: a scenario laid over somebody's own capture. Its home becomes theirs; their frames stay as they are.

mod dress;
mod map;
pub mod merge;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use generator::reading::units;
use generator::seed::{Draws, Pins, SeedTree};
use generator::{Catalogue, simulate};
use jiff::Timestamp as Moment;
use labels::carried::moved;
use labels::{AddressBlock, CaptureSummary, Truth};
use wire::capture::CaptureReader;

use crate::capture::budget::Budget;
use crate::capture::format::Format;
use crate::capture::input::display_name;
use crate::capture::kept::CaptureFile;
use crate::capture::order::{self, Order, Terms};
use crate::capture::sink::Sink;
use crate::capture::truth::{read_beside, read_truth, write_truth};
use crate::output::{Verbosity, counted, print};
use crate::process::temporary::{Temporary, keep_both};

use map::{Cast, Ground, Mapping};
use merge::{Merged, Story};
use survey::{Sides, Survey};

/// Lay scenarios over a capture of your own.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf inject --into monday.pcap syn-scan --out monday-scanned.pcap
  crywolf inject --into monday.pcap syn-scan@10m mail-callbacks@12m --seed 7 --out mixed.pcap
  crywolf inject --into monday.pcap.gz fin-scan --home 10.20.0.0/16,10.30.0.0/16 --out mixed.pcap

Who is at home in a scenario gets free addresses of your networks; hardware addresses, VLAN, TTLs, the largest packet and \
the link type are those of your capture, whose own frames and stamps stay as they are. The truth stands beside the output, \
mixed.truth.json beside mixed.pcap: where the capture has a truth, its events keep their numbers and the new ones follow; \
without one, its frames count as background.

Exit status: 0 done, 2 wrong use or bad input, 130 ended by Ctrl-C, 143 by SIGTERM.")]
pub struct InjectArgs {
    /// The capture to lay them over, pcap or pcapng, compressed with gzip or not; - reads standard input
    #[arg(long, value_name = "CAPTURE")]
    pub into: PathBuf,

    /// Scenarios: ids of the catalogue, or files ending in .toml, each with how far into the capture it begins, such as
    /// syn-scan@10m [default: drawn]
    #[arg(required = true, value_name = "ID|FILE.toml[@OFFSET]")]
    pub scenarios: Vec<String>,

    /// Where the capture with all of it goes, as pcap
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// The truth of the capture [default: beside it, where there is one]
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,

    /// A network of your own, or several with commas between; may be repeated [default: as its truth says, or as the
    /// capture shows]
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub home: Vec<AddressBlock>,

    /// The seed; each further scenario takes the next one
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// The sensor whose place yours takes [default: the first of each scenario]
    #[arg(long, value_name = "NAME")]
    pub sensor: Option<String>,

    /// A step of the scenario's ladder, from blatant to stealthy
    #[arg(long, value_name = "STEP")]
    pub difficulty: Option<String>,

    /// Set a value of the scenario file, by its path; may be repeated
    #[arg(long, value_name = "PATH=VALUE", value_parser = crate::campaign::terms::parse_setting)]
    pub set: Vec<(String, String)>,
}

/// Runs the command.
///
/// # Errors
/// Captures and truths that cannot be read or do not belong together, scenarios that find no place, outputs that fail.
pub fn run(args: &InjectArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    let name = || display_name(&args.into);
    ensure!(
        args.into.canonicalize().ok() != args.out.canonicalize().ok() || !args.out.exists(),
        "the output is the capture itself: give it another name"
    );
    let file = Temporary::beside(&args.out)?;
    let base = match &args.truth {
        Some(named) => Some(read_truth(named)?),
        None => read_beside(&args.into)?,
    };
    let capture = CaptureFile::open(&args.into)?;
    let survey = look(&capture).with_context(name)?;
    let link_type = survey.link_type.map_or(1, |link_type| link_type.0);
    let format = Format::of(capture.reader(), link_type).with_context(name)?;
    let mut stage = Stage::set(args, survey, base.as_ref(), format.nanos())?;
    let parameters = base.as_ref().map(|truth| truth.parameters.clone());
    let mut parameters = parameters.unwrap_or_default();
    let mut stories = Vec::new();
    for (text, number) in args.scenarios.iter().zip(0u64..) {
        let (story, played) = stage
            .story(text, args.seed.saturating_add(number))
            .with_context(|| text.clone())?;
        // Behind those of earlier injections.
        let free = (1u64..)
            .map(|number| format!("inject.{number}"))
            .find(|key| !parameters.contains_key(key));
        parameters.extend(free.map(|key| (key, played)));
        stories.push(story);
    }
    let (file, sha256, merged) = write(args, file, &capture, base.as_ref(), &stories, &format)?;
    let (injected, events) = (merged.injected, merged.events.len());
    let truth = truth_of_merged(args, base, merged, sha256, parameters, stage.home);
    let beside = args.out.with_extension("truth.json");
    let written = write_truth(&truth, &beside)?;
    keep_both((file, &args.out), (written, &beside))?;
    for warning in &stage.said {
        eprintln!("crywolf: {warning}");
    }
    if !verbosity.quiet {
        let packets = truth.capture.packets;
        print(&format!(
            "{}: {}, {injected} of them laid in, {}\n",
            args.out.display(),
            counted(packets, "packet"),
            counted(events as u64, "event")
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes capture and stories as one into a file; also gives its SHA-256 and what was written.
fn write(
    args: &InjectArgs,
    file: Temporary,
    capture: &CaptureFile,
    base: Option<&Truth>,
    stories: &[Story],
    format: &Format,
) -> Result<(Temporary, String, Merged)> {
    let folder = args.out.parent().unwrap_or(Path::new("."));
    let budget = Arc::new(Budget::new(None, folder));
    let mut sink = std::io::BufWriter::new(Sink::new(file, budget, false));
    let merged = merge::merge(capture.reader(), base, stories, format, &mut sink);
    let merged = merged.with_context(|| display_name(&args.into))?;
    let failed = || format!("cannot write {}", args.out.display());
    let sink = sink
        .into_inner()
        .map_err(|error| anyhow!("{error}"))
        .with_context(failed)?;
    let (file, sha256) = sink.finish().with_context(failed)?;
    Ok((file, sha256, merged))
}

/// The truth of what was written: that of the capture, where it had one, and what was laid in.
fn truth_of_merged(
    args: &InjectArgs,
    base: Option<Truth>,
    merged: Merged,
    sha256: String,
    parameters: BTreeMap<String, String>,
    home: Vec<AddressBlock>,
) -> Truth {
    let (scenario, seed, sensor) = match base {
        Some(base) => (base.scenario, base.seed, base.sensor),
        None => (named(args.into.file_stem()), args.seed, "own".into()),
    };
    Truth {
        schema: labels::truth::SCHEMA.into(),
        scenario,
        seed,
        sensor,
        parameters,
        home,
        capture: CaptureSummary {
            file: named(args.out.file_name()),
            sha256,
            packets: merged.packets,
            first: merged.first,
            last: merged.last,
        },
        events: merged.events,
        background: merged.background,
        frames: merged.runs,
    }
}

/// A part of a path as text.
fn named(part: Option<&OsStr>) -> String {
    part.unwrap_or_default().to_string_lossy().into_owned()
}

fn look(capture: &CaptureFile) -> Result<Survey> {
    let mut survey = Survey::default();
    let mut reader = CaptureReader::new(capture.reader())?;
    while let Some(record) = reader.next()? {
        survey.take(&record)?;
    }
    Ok(survey)
}

/// A capture on which stories are played.
struct Stage<'a> {
    args: &'a InjectArgs,
    catalogue: Catalogue,
    survey: Survey,
    home: Vec<AddressBlock>,
    sides: Sides,
    /// The capture's, in nanoseconds.
    length: u64,
    begin: Moment,
    nanos: bool,
    taken: BTreeSet<std::net::IpAddr>,
    said: Vec<String>,
}

impl<'a> Stage<'a> {
    fn set(
        args: &'a InjectArgs,
        survey: Survey,
        truth: Option<&Truth>,
        nanos: bool,
    ) -> Result<Stage<'a>> {
        let name = display_name(&args.into);
        let (Some(first), Some(last)) = (survey.first, survey.last) else {
            bail!("{name} holds no frame: there is nothing to lay a scenario over");
        };
        let home = match (args.home.as_slice(), truth) {
            ([], Some(truth)) if !truth.home.is_empty() => truth.home.clone(),
            ([], _) => survey.home().with_context(|| name.clone())?,
            (named, _) => named.to_vec(),
        };
        Ok(Stage {
            args,
            catalogue: Catalogue::built_in()?,
            sides: survey.sides(&home),
            length: last.nanos_since(first),
            begin: Moment::from_nanosecond(i128::from(first.as_nanos()))
                .context("its first stamp is no time")?,
            nanos,
            survey,
            home,
            taken: BTreeSet::new(),
            said: Vec::new(),
        })
    }

    /// Plays a scenario, and finds a place for everybody in it. Also says what was played.
    fn story(&mut self, text: &str, seed: u64) -> Result<(Story, String)> {
        let (name, offset) = split_offset(text)?;
        let file = order::find(&self.catalogue, name)?;
        let id = file.identity().id.clone();
        let mut draws = SeedTree::of(&id, seed, Pins::new()).draws("inject");
        let order = Order {
            step: self.args.difficulty.clone(),
            ..Order::of(file, seed)
        };
        let offset = match offset {
            Some(offset) => offset,
            None => self.drawn_offset(&order, &mut draws)?,
        };
        let (sensor, capture, truth) = self.play(&order, offset)?;
        let cast = Cast::of(&capture, &truth.home)?;
        let mut ground = Ground {
            survey: &self.survey,
            home: &self.home,
            sides: &self.sides,
            taken: &mut self.taken,
        };
        let mapping = map::map(&cast, &truth, &mut ground, &mut draws)?;
        let (survey, hops) = (&self.survey, self.sides.hops);
        let frames = dress::dress(&capture, &cast, &truth.home, &mapping, survey, hops)?;
        self.warn(&id, &truth, &mapping, frames.len());
        let events = truth.events.iter();
        let story = Story {
            frames,
            events: events.map(|event| moved(event, 0, &mapping)).collect(),
            runs: truth.frames,
            background: truth.background,
        };
        let step = self.args.difficulty.as_ref();
        let step = step.map_or_else(String::new, |step| format!(" {step}"));
        let offset = units::write_duration(offset);
        Ok((
            story,
            format!("{id}{step} seed {seed} sensor {sensor} at {offset}"),
        ))
    }

    fn terms(&self) -> Terms {
        Terms {
            set: self.args.set.clone(),
            ..Terms::default()
        }
    }

    /// How far into the capture a scenario begins that ends within it, if it can, in nanoseconds; whole microseconds.
    fn drawn_offset(&self, order: &Order, draws: &mut Draws) -> Result<u64> {
        let duration = order::resolve(&self.catalogue, order, &self.terms())?.duration;
        let room = self.length.saturating_sub(duration);
        Ok(draws.range(0..=room) / 1000 * 1000)
    }

    /// Plays a scenario from that offset on; gives the sensor, what it recorded, and the truth.
    fn play(&self, order: &Order, offset: u64) -> Result<(String, Vec<u8>, Truth)> {
        let offset = std::time::Duration::from_nanos(offset);
        let start = self.begin.checked_add(offset);
        let start = start.context("it begins beyond the end of time")?;
        let mut terms = self.terms();
        terms.set.push(("start".into(), start.to_string()));
        let scenario = order::resolve(&self.catalogue, order, &terms)?;
        let sensors = scenario.sensors.iter();
        let known: Vec<&str> = sensors.map(|sensor| sensor.name.as_str()).collect();
        let sensor = match &self.args.sensor {
            Some(named) => known.iter().find(|known| *known == named),
            None => known.first(),
        };
        let sensor = sensor.with_context(|| format!("its sensors are {}", known.join(", ")))?;
        let wanted = |name: &str| (name == *sensor).then(Vec::new);
        let recordings = simulate(&scenario, order.seed, self.nanos, wanted)?;
        let recording = recordings.into_iter().next();
        let recording = recording.context("its sensor records nothing")?;
        let (capture, truth) = recording.into_truth();
        ensure!(
            truth.capture.packets > 0,
            "sensor '{sensor}' sees no frame of it: choose another with --sensor"
        );
        Ok(((*sensor).to_owned(), capture, truth))
    }

    fn warn(&mut self, id: &str, truth: &Truth, mapping: &Mapping, frames: usize) {
        self.said.extend(
            mapping
                .warnings
                .iter()
                .map(|warning| format!("{id}: {warning}")),
        );
        let end = self
            .begin
            .checked_add(std::time::Duration::from_nanos(self.length));
        if let (Some(last), Ok(end)) = (truth.capture.last, end)
            && last > end
        {
            let late = last.duration_since(end).as_secs_f64();
            self.said.push(format!("{id}: its last frame comes {late:.1} s after the capture's: @OFFSET lets it begin earlier"));
        }
        if u64::try_from(frames).is_ok_and(|frames| frames < truth.capture.packets) {
            self.said.push(format!(
                "{id}: frames that the capture's link type cannot carry, such as ARP, were left out"
            ));
        }
    }
}

/// A scenario's name, and how far into the capture it begins, in nanoseconds. An `@` may also be part of a file's name.
///
/// # Errors
/// What stands behind the last `@` is neither a time nor the end of a file's name.
fn split_offset(text: &str) -> Result<(&str, Option<u64>)> {
    let Some((name, offset)) = text.rsplit_once('@').filter(|_| !text.ends_with(".toml")) else {
        return Ok((text, None));
    };
    let nanos = units::duration(offset).with_context(|| {
        format!("'{offset}' is no time with its unit: write {name}@90s or {name}@10m")
    })?;
    Ok((name, Some(nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_stands_behind_the_last_at() {
        for (text, expected) in [
            ("syn-scan@10m", ("syn-scan", Some(600_000_000_000))),
            ("syn-scan", ("syn-scan", None)),
            ("me@home/own.toml", ("me@home/own.toml", None)),
            (
                "me@home/own.toml@1s",
                ("me@home/own.toml", Some(1_000_000_000)),
            ),
        ] {
            assert_eq!(split_offset(text).unwrap(), expected);
        }
        let error = split_offset("syn-scan@10").unwrap_err().to_string();
        assert!(error.contains("syn-scan@10m"), "{error}");
    }
}

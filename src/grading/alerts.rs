//! Alerts on the command line: who wrote them, how they are to be read, and in which files they lie.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use clap::builder::PossibleValue;
use clap::builder::PossibleValuesParser;
use jiff::tz::{Offset, TimeZone};
use labels::Truth;
use scorer::adapter::{ADAPTERS, Adapter, Calendar, Reader};
use scorer::map::{Map, MapFile};
use scorer::{Alert, CaptureGrade, CaptureScorer, Flows, Options};

use crate::capture::input;
use crate::duration;

/// The format of crywolf's own findings.
const OWN: &str = "crywolf";

/// How much of a file is read at once.
const BUFFER: usize = 1 << 16;

/// Who wrote the alerts, and what they mean.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Alerts")]
pub struct AlertArgs {
    /// Who wrote the alerts, and so how to read them
    #[arg(long, default_value = OWN, value_name = "FORMAT", value_parser = formats())]
    pub from: String,

    /// What rules of the detector mean, tried before the map that ships with its format
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,

    /// The zone of time stamps that name none, such as Europe/Berlin or +02:00 [default: UTC]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, value_parser = parse_zone)]
    pub timezone: Option<TimeZone>,

    /// How coarse the time stamps are, such as 10ms [default: 1s where all lie on whole seconds]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub resolution: Option<Duration>,

    /// Leave out alerts whose score is lower
    #[arg(long, value_name = "SCORE", allow_hyphen_values = true, value_parser = parse_score)]
    pub threshold: Option<f64>,
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(
        ADAPTERS
            .iter()
            .map(|adapter| PossibleValue::new(adapter.name).help(adapter.what)),
    )
}

fn parse_zone(text: &str) -> Result<TimeZone, String> {
    if let Ok(zone) = TimeZone::get(text) {
        return Ok(zone);
    }
    let offset = || {
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = match rest.split_once(':') {
            Some(parts) => parts,
            None => rest.split_at_checked(rest.len().checked_sub(2)?)?,
        };
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let seconds = sign * (hours * 3600 + minutes * 60);
        (minutes < 60).then(|| Offset::from_seconds(seconds).ok())?
    };
    offset().map(TimeZone::fixed).ok_or_else(|| {
        "a zone is a name of the tz database, such as Europe/Berlin, or an offset, such as +02:00".into()
    })
}

fn parse_score(text: &str) -> Result<f64, String> {
    (text.parse().ok().filter(|score: &f64| score.is_finite()))
        .ok_or_else(|| "a score is a number, such as 0.5".into())
}

/// How alerts are read.
#[derive(Debug)]
pub struct Alerts {
    adapter: &'static Adapter,
    map: Map,
    zone: TimeZone,
}

impl AlertArgs {
    /// Whether something is said of them that crywolf's own findings do not need.
    pub fn are_foreign(&self) -> bool {
        self.from != OWN
            || self.map.is_some()
            || self.timezone.is_some()
            || self.resolution.is_some()
    }

    /// Reads the map, before any work is done, and says how the scorer takes the alerts.
    ///
    /// # Errors
    /// A map that cannot be read, with all its mistakes.
    pub fn read(&self) -> Result<(Alerts, Options)> {
        let adapter = Adapter::named(&self.from)
            .ok_or_else(|| anyhow!("'{}' is no format of alerts", self.from))?;
        let own = match &self.map {
            None => None,
            Some(path) => {
                let name = path.display().to_string();
                let text = fs::read_to_string(path)
                    .with_context(|| format!("cannot read the map {name}"))?;
                let file = MapFile::parse(&name, &text)?;
                Some((name, file))
            }
        };
        let map = adapter.map(
            own.as_ref()
                .map(|(name, file)| (name.as_str(), file.clone())),
        )?;
        let mut options = adapter.options(&map);
        options.resolution = self.resolution.or(options.resolution);
        options.threshold = self.threshold;
        let zone = self.timezone.clone().unwrap_or(TimeZone::UTC);
        Ok((Alerts { adapter, map, zone }, options))
    }
}

impl Alerts {
    /// Grades what lies in files that belong to one capture: rotated ones, or all of a folder. `-` is standard input.
    ///
    /// # Errors
    /// Names the file that cannot be read or holds something else, the line, and what to do.
    pub fn grade_files(
        &self,
        truth: &Truth,
        options: &Options,
        paths: &[&Path],
    ) -> Result<CaptureGrade> {
        let mut grading = self.grade(truth, options);
        for path in paths {
            for file in files_of(path)? {
                let name = input::display_name(&file);
                if file == Path::new("-") {
                    grading.read(&name, BufReader::with_capacity(BUFFER, input::open(&file)?))?;
                    continue;
                }
                let opened = File::open(&file).with_context(|| {
                    format!("cannot read the alerts {name}: did the detector run? One that finds nothing leaves an empty file")
                })?;
                grading.read(&name, BufReader::with_capacity(BUFFER, opened))?;
            }
        }
        Ok(grading.finish())
    }

    /// Begins with the grade of one capture.
    pub fn grade<'a>(&'a self, truth: &'a Truth, options: &Options) -> Grading<'a> {
        let near = truth.capture.first;
        let near = near.map(|first| first.saturating_add(options.clock_offset).unwrap_or(first));
        let zone = self.zone.clone();
        Grading {
            reader: Reader::new(self.adapter, &self.map, Calendar { zone, near }),
            scorer: CaptureScorer::new(truth, &NO_FLOWS, options),
            adapter: self.adapter,
        }
    }
}

/// Nobody computes Community IDs of captures.
static NO_FLOWS: Flows = Flows::new();

/// A capture whose alerts are being read.
pub struct Grading<'a> {
    adapter: &'static Adapter,
    reader: Reader<'a>,
    scorer: CaptureScorer<'a>,
}

impl Grading<'_> {
    /// Reads one input to its end.
    ///
    /// # Errors
    /// Names it, the line, and what to do.
    pub fn read(&mut self, name: &str, input: impl BufRead) -> Result<()> {
        self.read_and_tell(name, input, |_| {})
    }

    /// The same, and each alert is shown to `seen`.
    ///
    /// # Errors
    /// As [`Grading::read`].
    pub fn read_and_tell(
        &mut self,
        name: &str,
        input: impl BufRead,
        mut seen: impl FnMut(&Alert),
    ) -> Result<()> {
        let read = self.reader.read(input, |alert| {
            seen(&alert);
            self.scorer.push(alert);
        });
        read.map_err(|error| {
            let hint = match self.adapter.name {
                "crywolf" => {
                    "\n`crywolf detect --format jsonl` writes findings, one JSON object a line"
                }
                _ => "",
            };
            anyhow!("{name}: {error}{hint}")
        })
    }

    /// The grade of all that was read.
    pub fn finish(self) -> CaptureGrade {
        let mut grade = self.scorer.finish();
        grade.reading = Some(self.reader.reading().clone());
        grade
    }
}

/// The files of a folder, by name; a file is itself.
///
/// # Errors
/// A folder that cannot be read or is empty.
pub fn files_of(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let name = path.display();
    let entries = fs::read_dir(path).with_context(|| format!("cannot read the folder {name}"))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry
            .with_context(|| format!("cannot read the folder {name}"))?
            .path();
        if file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        bail!("the folder {name} holds no file: a detector that finds nothing leaves an empty one");
    }
    files.sort_unstable();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_names_or_offsets() {
        for zone in ["UTC", "Europe/Berlin", "+02:00", "-0230", "+14:00"] {
            assert!(parse_zone(zone).is_ok(), "{zone}");
        }
        for wrong in ["", "Mars/Olympus", "+2", "+02:60", "02:00", "+99:00", "+é"] {
            assert!(parse_zone(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_is_the_files_in_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            files_of(folder.path())
                .unwrap_err()
                .to_string()
                .contains("holds no file")
        );
        for name in ["eve.json.1", "eve.json"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let files = files_of(folder.path()).unwrap();
        assert_eq!(
            files,
            ["eve.json", "eve.json.1"].map(|name| folder.path().join(name))
        );
    }
}

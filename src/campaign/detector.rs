//! A detector, ours or anybody's, over one capture.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use labels::Truth;
use scorer::adapter::crywolf;
use scorer::running::{FailureKind, end_of};
use scorer::{Alert, CaptureGrade, CaptureScorer, Flows, Options};

use super::own;
use crate::grading::alerts::{Alerts, Grading, files_of};
use crate::process::program::{self, Ended, Ending, Streams, quoted};

/// Who looks at the captures.
#[derive(Clone, Debug)]
pub enum Detector {
    /// crywolf's own.
    BuiltIn,
    /// A command.
    Command(Foreign),
}

/// A detector that is a command of the shell.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// The command, with `{capture}`, `{out}` and `{home}` in it.
    pub command: String,
    /// How long it may take over one capture.
    pub timeout: Duration,
    /// How often it looks at each capture.
    pub runs: u32,
    /// How its alerts are read.
    pub alerts: Arc<Alerts>,
}

/// What became of a capture.
#[derive(Debug)]
pub struct Looked {
    /// The grade, or why there is none.
    pub grade: Result<CaptureGrade, Trouble>,
    /// How much it wrote, in bytes; `None` where it is ours.
    pub wrote: Option<u64>,
    /// The end of what it printed on standard error.
    pub stderr: String,
    /// What the first run took.
    pub used: Used,
    /// Whether a later run said something else.
    pub differs: bool,
}

/// Why a capture has no grade.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// In which way the detector failed.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
    /// The end of what it printed.
    pub output: String,
}

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// Processor time.
    pub cpu: Duration,
    /// The most memory that one of its processes held, in bytes.
    pub peak_bytes: u64,
    /// How long it ran.
    pub elapsed: Duration,
}

impl Detector {
    /// Has a capture looked at, and scores what is said. `place` is a folder for what a command writes.
    ///
    /// # Errors
    /// Fails where nobody can look at anything: no shell, a capture of ours that cannot be read, a full disk. What a
    /// detector does wrong is no error but its [`Trouble`].
    pub fn look(
        &self,
        capture: &Path,
        truth: &Truth,
        options: &Options,
        place: &Path,
    ) -> Result<Looked> {
        match self {
            Detector::BuiltIn => built_in(capture, truth, options),
            Detector::Command(foreign) => foreign.look(capture, truth, options, place),
        }
    }
}

fn built_in(capture: &Path, truth: &Truth, options: &Options) -> Result<Looked> {
    let name = capture.display();
    let file = File::open(capture).with_context(|| format!("cannot read {name}"))?;
    let outcome = own::detect(file, detector::Config::default(), &truth.home);
    let outcome = outcome.with_context(|| format!("cannot read {name}"))?;
    if let Some(error) = outcome.stopped {
        return Err(anyhow::Error::new(error).context(format!("cannot read {name} to its end")));
    }
    let flows = Flows::new();
    let mut scorer = CaptureScorer::new(truth, &flows, options);
    let mut reader = crywolf::Reader::new();
    for finding in outcome.findings {
        scorer.push(reader.alert(finding));
    }
    Ok(Looked {
        grade: Ok(scorer.finish()),
        wrote: None,
        stderr: String::new(),
        used: Used::default(),
        differs: false,
    })
}

impl Foreign {
    fn look(
        &self,
        capture: &Path,
        truth: &Truth,
        options: &Options,
        place: &Path,
    ) -> Result<Looked> {
        let first = self.run(capture, truth, place, 1)?;
        let mut looked = Looked {
            grade: Err(Trouble::default()),
            wrote: Some(first.wrote()),
            stderr: first.stderr(),
            used: first.used(),
            differs: false,
        };
        let mut grading = self.alerts.grade(truth, options);
        let mut said = Vec::new();
        let read = first.read(&mut grading, |alert| {
            if self.runs > 1 {
                said.push(statement(alert));
            }
        });
        looked.grade = read.map(|()| grading.finish());
        said.sort();
        for number in 2..=self.runs {
            let again = self.run(capture, truth, place, number)?;
            let mut repeated = Vec::new();
            let mut ungraded = self.alerts.grade(truth, options);
            let read = again.read(&mut ungraded, |alert| repeated.push(statement(alert)));
            repeated.sort();
            looked.differs |= read.is_ok() != looked.grade.is_ok() || repeated != said;
        }
        Ok(looked)
    }

    fn run(&self, capture: &Path, truth: &Truth, place: &Path, number: u32) -> Result<Ran> {
        let stem = capture.file_stem().unwrap_or_default().to_string_lossy();
        let again = if number == 1 {
            String::new()
        } else {
            format!(".{number}")
        };
        let named = |ending: &str| place.join(format!("{stem}{again}.{ending}"));
        let streams = Streams {
            stdout: named("stdout"),
            stderr: named("stderr"),
            findings: self.command.contains("{out}").then(|| named("findings")),
        };
        let home: Vec<String> = truth.home.iter().map(ToString::to_string).collect();
        let out = streams.findings.as_deref().unwrap_or(Path::new(""));
        // One pass: what is filled in is not looked into again.
        let mut filled = String::new();
        let mut rest = self.command.as_str();
        while let Some(at) = rest.find('{') {
            let (before, after) = rest.split_at(at);
            filled.push_str(before);
            let places = [
                ("{capture}", quoted(capture)),
                ("{out}", quoted(out)),
                ("{home}", home.join(",")),
            ];
            let found = places
                .iter()
                .find_map(|(place, text)| Some((after.strip_prefix(place)?, text)));
            rest = match found {
                Some((after, text)) => {
                    filled.push_str(text);
                    after
                }
                None => {
                    filled.push('{');
                    after.strip_prefix('{').unwrap_or_default()
                }
            };
        }
        filled.push_str(rest);
        let ended = program::run(&filled, &streams, self.timeout)?;
        Ok(Ran {
            ended,
            streams,
            timeout: self.timeout,
        })
    }
}

/// A run that has ended, and where it wrote.
struct Ran {
    ended: Ended,
    streams: Streams,
    timeout: Duration,
}

impl Ran {
    fn findings(&self) -> &PathBuf {
        self.streams
            .findings
            .as_ref()
            .unwrap_or(&self.streams.stdout)
    }

    fn wrote(&self) -> u64 {
        let files = files_of(self.findings()).unwrap_or_default();
        let size = |file: &PathBuf| std::fs::metadata(file).map_or(0, |file| file.len());
        files.iter().map(size).sum()
    }

    fn stderr(&self) -> String {
        end_of_file(&self.streams.stderr)
    }

    fn used(&self) -> Used {
        Used {
            cpu: self.ended.cpu,
            peak_bytes: self.ended.peak_bytes,
            elapsed: self.ended.elapsed,
        }
    }

    /// Reads what it found, in a file or all files of a folder, and shows each alert to `seen`.
    fn read(&self, grading: &mut Grading<'_>, mut seen: impl FnMut(&Alert)) -> Result<(), Trouble> {
        let path = self.findings();
        let trouble = |kind, message| Trouble {
            kind,
            message,
            output: self.printed(),
        };
        if let Some(message) = program::trouble(self.ended.ending, self.timeout) {
            let kind = match self.ended.ending {
                Ending::Itself(_) => FailureKind::Crashed,
                Ending::OutOfTime => FailureKind::TimedOut,
                Ending::TooMuch => FailureKind::TooMuch,
            };
            return Err(trouble(kind, message));
        }
        let nothing = || {
            let message = "it ended well and wrote no file {out}: a detector that finds nothing leaves an empty one";
            trouble(FailureKind::NothingWritten, message.into())
        };
        for path in files_of(path).map_err(|_| nothing())? {
            let file = File::open(&path).map_err(|_| nothing())?;
            let name = match &self.streams.findings {
                None => "its standard output".to_owned(),
                Some(out) if *out == path => "{out}".to_owned(),
                Some(_) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    format!("{{out}}/{name}")
                }
            };
            let read = grading.read_and_tell(&name, BufReader::new(file), &mut seen);
            read.map_err(|error| {
                trouble(
                    FailureKind::Unreadable,
                    format!("what it wrote cannot be read: {error:#}"),
                )
            })?;
        }
        Ok(())
    }

    /// The end of what it printed: on standard error, else on standard output where that holds no findings.
    fn printed(&self) -> String {
        match self.stderr() {
            text if text.is_empty() && self.streams.findings.is_some() => {
                end_of_file(&self.streams.stdout)
            }
            text => text,
        }
    }
}

impl Default for Trouble {
    fn default() -> Trouble {
        Trouble {
            kind: FailureKind::NothingWritten,
            message: String::new(),
            output: String::new(),
        }
    }
}

/// The end of a file that may be of any size and hold anything.
fn end_of_file(path: &Path) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let most = u64::try_from(2 * scorer::running::KEPT).unwrap_or(u64::MAX);
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
        let mut end = Vec::new();
        file.take(most).read_to_end(&mut end)?;
        Ok(end)
    };
    end_of(&String::from_utf8_lossy(&read().unwrap_or_default()))
}

/// What of an alert must be the same when it is given again.
fn statement(alert: &Alert) -> String {
    let who = (
        &alert.sources,
        &alert.targets,
        &alert.ports,
        alert.transport,
    );
    let what = (&alert.rule, alert.class, alert.verdict, alert.count);
    format!(
        "{:?} {who:?} {what:?}",
        (alert.time, alert.start, alert.end)
    )
}

//! A campaign from captures to a grade: side by side, with whatever goes wrong kept to the capture where it does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use generator::Catalogue;
use indicatif::ProgressBar;
use labels::{Expect, Truth};
use scorer::running::{Cost, Failure, FailureKind, Repeats, Running};
use scorer::{CaptureGrade, Grade, Options};

use super::cache::{self, Cache};
use super::detector::{Detector, Looked, Trouble, Used};
use crate::capture::order::{self, Order, Terms};
use crate::capture::produce::{self, Produced};
use crate::capture::truth::read_truth;
use crate::process::jobs::side_by_side;
use crate::process::temporary::Folder;

/// One thing to do.
#[derive(Clone, Debug)]
pub enum Task {
    /// Make captures, and have them looked at.
    Order(Box<Order>),
    /// Have a capture looked at that is there already, beside this truth.
    Labelled(PathBuf),
}

/// What all tasks share.
pub struct Campaign<'a> {
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// How captures are made.
    pub terms: Terms,
    /// Who looks at them.
    pub detector: Detector,
    /// How it is scored.
    pub options: Options,
    /// Captures that were made before.
    pub cache: Option<Cache>,
    /// Where captures and what the detector wrote are kept.
    pub keep: Option<PathBuf>,
    /// Whether a detector that writes nothing at all may mean it.
    pub may_be_silent: bool,
}

/// A graded capture that is still there, for those who want to look at its frames.
pub struct Seen<'a> {
    /// The capture.
    pub capture: &'a Path,
    /// Its truth.
    pub truth: &'a Truth,
    /// Its grade.
    pub grade: &'a CaptureGrade,
}

/// A grade, and what was gathered from captures on the way, in the order of the grade's captures.
pub struct Outcome<T> {
    /// The grade.
    pub grade: Grade,
    /// By the capture's file name.
    pub gathered: BTreeMap<String, T>,
}

struct One<T> {
    looked: Looked,
    truth: Truth,
    gathered: Option<T>,
}

impl Campaign<'_> {
    /// Carries out all tasks. `gather` sees each graded capture.
    ///
    /// # Errors
    /// The mistakes of scenarios, captures that are not what their truth says, a full disk; never those of a detector.
    pub fn run<T: Send>(
        &self,
        tasks: &[Task],
        jobs: usize,
        progress: &ProgressBar,
        gather: impl Fn(Seen<'_>) -> Option<T> + Sync,
    ) -> Result<Outcome<T>> {
        let folder = match &self.cache {
            Some(cache) => Folder::within(cache.folder()),
            None => Folder::within(&std::env::temp_dir()),
        };
        let folder = folder.context("cannot make a temporary folder")?;
        let ones = side_by_side(tasks, jobs, progress, |task| {
            self.task(task, folder.path(), &gather)
        })?;
        Ok(self.conclude(ones.into_iter().flatten().collect()))
    }

    fn task<T>(
        &self,
        task: &Task,
        folder: &Path,
        gather: &impl Fn(Seen<'_>) -> Option<T>,
    ) -> Result<Vec<One<T>>> {
        let folder = || tempfile::tempdir_in(folder).context("cannot make a temporary folder");
        let (scratch, desk) = (folder()?, folder()?);
        let place = self.keep.as_deref().unwrap_or(desk.path());
        let captures = match task {
            Task::Labelled(truth) => vec![self.put_in_place(labelled(truth)?, place)?],
            Task::Order(order) => {
                let made = self
                    .produce(order, scratch.path())
                    .with_context(|| order::describe(order))?;
                made.into_iter()
                    .map(|one| self.put_in_place(one, place))
                    .collect::<Result<_>>()?
            }
        };
        let mut ones = Vec::new();
        for Produced { capture, truth } in captures {
            let looked = self.detector.look(&capture, &truth, &self.options, place)?;
            let gathered = looked.grade.as_ref().ok().and_then(|grade| {
                gather(Seen {
                    capture: &capture,
                    truth: &truth,
                    grade,
                })
            });
            let truth = Truth {
                frames: labels::FrameRuns::default(),
                ..truth
            };
            ones.push(One {
                looked,
                truth,
                gathered,
            });
        }
        Ok(ones)
    }

    fn produce(&self, order: &Order, scratch: &Path) -> Result<Vec<Produced>> {
        match &self.cache {
            Some(cache) => cache.produce(self.catalogue, order, &self.terms, scratch),
            None => produce::produce(self.catalogue, order, &self.terms, scratch),
        }
    }

    /// A capture where a foreign detector may do with it as it likes: never in the cache itself, nor in the user's folder.
    fn put_in_place(&self, made: Produced, place: &Path) -> Result<Produced> {
        let foreign = matches!(self.detector, Detector::Command(_));
        if made.capture.parent() == Some(place) || !(foreign || self.keep.is_some()) {
            return Ok(made);
        }
        let capture = place.join(made.capture.file_name().unwrap_or_default());
        let mut files = vec![(made.capture.clone(), capture.clone())];
        let truth = made.capture.with_extension("truth.json");
        if self.keep.is_some() && truth.exists() {
            files.push((truth, capture.with_extension("truth.json")));
        }
        for (from, to) in files {
            fs::copy(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
        }
        Ok(Produced { capture, ..made })
    }

    fn conclude<T>(&self, ones: Vec<One<T>>) -> Outcome<T> {
        let mut running = Running::default();
        let mut gathered = BTreeMap::new();
        let mut captures = Vec::new();
        let mut total = Total::default();
        let speechless = self.is_speechless(&ones);
        let mut differing = Vec::new();
        for One {
            looked,
            truth,
            gathered: more,
        } in ones
        {
            let file = truth.capture.file.clone();
            total.add(&looked.used, truth.capture.packets);
            if looked.differs {
                differing.push(file.clone());
            }
            match looked.grade {
                Ok(grade) if !speechless => {
                    captures.push(grade);
                    gathered.extend(more.map(|more| (file.clone(), more)));
                    if !looked.stderr.is_empty() {
                        running.stderr.insert(file, looked.stderr);
                    }
                }
                Ok(_) => running
                    .failures
                    .push(failure(&truth, nothing_at_all(looked.stderr))),
                Err(trouble) => running.failures.push(failure(&truth, trouble)),
            }
        }
        if let Detector::Command(foreign) = &self.detector {
            running.cost = Some(total.cost(captures.is_empty()));
            if foreign.runs > 1 {
                differing.sort();
                running.repeats = Some(Repeats {
                    runs: foreign.runs,
                    differing,
                });
            }
        }
        running.failures.sort_by(|a, b| {
            (&a.scenario, a.seed, &a.sensor, &a.file).cmp(&(
                &b.scenario,
                b.seed,
                &b.sensor,
                &b.file,
            ))
        });
        let mut grade = Grade::new(captures, &self.options);
        grade.running = running;
        Outcome { grade, gathered }
    }

    /// Whether a command wrote nothing about any capture, although there was something to find. Silence about one capture
    /// is an answer; about all of them it is what a detector says that does not run.
    fn is_speechless<T>(&self, ones: &[One<T>]) -> bool {
        let wrote = ones.iter().any(|one| one.looked.wrote != Some(0));
        let expected = ones.iter().any(|one| expected(&one.truth) > 0);
        !self.may_be_silent && !wrote && expected
    }
}

fn expected(truth: &Truth) -> u64 {
    let alerts = truth
        .events
        .iter()
        .filter(|event| event.expect == Expect::Alert);
    alerts.map(|_| 1).sum()
}

fn nothing_at_all(output: String) -> Trouble {
    Trouble {
        kind: FailureKind::NothingWritten,
        message: "it ended well and wrote nothing, neither of this capture nor of any other (--may-be-silent takes that for \
                  an answer)"
            .into(),
        output,
    }
}

fn failure(truth: &Truth, trouble: Trouble) -> Failure {
    Failure {
        scenario: truth.scenario.clone(),
        seed: truth.seed,
        sensor: truth.sensor.clone(),
        parameters: truth.parameters.clone(),
        file: truth.capture.file.clone(),
        packets: truth.capture.packets,
        expected: expected(truth),
        kind: trouble.kind,
        message: trouble.message,
        output: trouble.output,
    }
}

#[derive(Default)]
struct Total {
    cpu: Duration,
    elapsed: Duration,
    peak_bytes: u64,
    frames: u64,
}

impl Total {
    fn add(&mut self, used: &Used, frames: u64) {
        self.cpu += used.cpu;
        self.elapsed += used.elapsed;
        self.peak_bytes = self.peak_bytes.max(used.peak_bytes);
        self.frames += frames;
    }

    /// What it took in all; where it `failed` on every capture, it has no speed.
    fn cost(&self, failed: bool) -> Cost {
        let seconds = self.elapsed.as_secs_f64();
        Cost {
            cpu_s: self.cpu.as_secs_f64(),
            peak_bytes: self.peak_bytes,
            // Fewer than 2^53 frames.
            frames_per_s: (seconds > 0.0 && !failed).then(|| self.frames as f64 / seconds),
        }
    }
}

/// The tasks of a folder of captures with their truth beside them.
///
/// # Errors
/// A folder that cannot be read, or holds no truth.
pub fn labelled_tasks(folder: &Path) -> Result<Vec<Task>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut truths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".truth.json"))
        .collect();
    truths.sort();
    if truths.is_empty() {
        bail!(
            "{} holds no *.truth.json: `crywolf generate --out DIR` writes captures with their truth",
            folder.display()
        );
    }
    Ok(truths.into_iter().map(Task::Labelled).collect())
}

/// A labelled capture that is what its truth says.
fn labelled(path: &Path) -> Result<Produced> {
    let truth = read_truth(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let capture = folder.join(&truth.capture.file);
    let name = capture.display();
    let found = cache::digest_of(&capture).with_context(|| {
        format!(
            "cannot read the capture of {}: it names {name}",
            path.display()
        )
    })?;
    if found != truth.capture.sha256 {
        bail!(
            "{name} is not the capture that {} speaks of: its SHA-256 is {found}; generate both again, or inject and rewrite \
             with tools that carry the truth along",
            path.display()
        );
    }
    Ok(Produced { capture, truth })
}

//! Orders for captures, and how they are carried out: side by side, each whole or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use generator::{Catalogue, Progress, Request, ScenarioFile, SimulationError, simulate_watched};
use indicatif::ProgressBar;
use labels::Truth;
use rayon::prelude::*;

use crate::budget::{Budget, bytes};
use crate::output::unless_closed;
use crate::sink::Sink;
use crate::stop::{Stop, Stopped};
use crate::temporary::{Temporary, keep_both};

/// The ending of a background's name that is the same of an earlier time.
const PERIOD: &str = "2000";
/// Scenarios that play before this year have such a background laid under them, where there is one.
const UNTIL: i16 = 2005;

/// One scenario with one seed, or one of its published traces, under the conditions that are its own.
#[derive(Clone, Debug)]
pub struct Order {
    /// The scenario.
    pub file: Arc<ScenarioFile>,
    /// The seed.
    pub seed: u64,
    /// A published trace to reproduce.
    pub published: Option<String>,
    /// A step of the difficulty ladder.
    pub step: Option<String>,
    /// A background to lay under.
    pub background: Option<Arc<ScenarioFile>>,
    /// The sensors wanted; all when empty.
    pub sensors: Vec<String>,
    /// What tells its files from those of other orders of the same scenario and seed, with a dot before each part.
    pub variant: String,
}

impl Order {
    /// The scenario as its file says, at all sensors.
    pub fn of(file: Arc<ScenarioFile>, seed: u64) -> Order {
        Order {
            file,
            seed,
            published: None,
            step: None,
            background: None,
            sensors: Vec::new(),
            variant: String::new(),
        }
    }
}

/// What all orders of a run share.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Values to set, by path.
    pub set: Vec<(String, String)>,
    /// Whether conversations of the background are events.
    pub label_background: bool,
    /// Faults of the sensors, by kind.
    pub faults: Vec<(String, String)>,
    /// Nanoseconds instead of microseconds.
    pub nanos: bool,
    /// Whether a processor would idle, so that a capture may be written by a thread of its own.
    pub spare_processor: bool,
    /// What ends the work early.
    pub stop: Stop,
    /// How much may be written in all; [`Terms::budget`] says otherwise what the disk holds.
    pub budget: Option<Arc<Budget>>,
    /// Whether to say on standard error what a large capture will take.
    pub foresees: bool,
}

/// What a capture takes that is worth a word before it is written, in bytes.
const WORTH_A_WORD: u64 = 16_000_000;
/// Frames after which it is foreseen how many there will be.
const FORESEEN_AFTER: u64 = 20_000;

/// A capture on disk, and its truth.
#[derive(Debug)]
pub struct Produced {
    /// The capture.
    pub capture: PathBuf,
    /// Its truth, which stands beside it.
    pub truth: Truth,
}

/// Refuses files that have one id: their captures would overwrite each other.
///
/// # Errors
/// Names the id.
pub fn refuse_same_ids(orders: &[Order]) -> Result<()> {
    let mut seen: BTreeMap<&str, &Arc<ScenarioFile>> = BTreeMap::new();
    for order in orders {
        let id = order.file.identity().id.as_str();
        let other = seen.entry(id).or_insert(&order.file);
        if !Arc::ptr_eq(other, &order.file) {
            bail!(
                "two of the scenarios are called '{id}': their captures would overwrite each other; give one another id"
            );
        }
    }
    Ok(())
}

/// Finds a scenario by its id, or reads the file of that path.
///
/// # Errors
/// An unknown id, with those that come closest; a file that cannot be read; the mistakes of a scenario.
pub fn find(catalogue: &Catalogue, name: &str) -> Result<Arc<ScenarioFile>> {
    if let Some(file) = catalogue.get(name) {
        return Ok(Arc::new(file?));
    }
    let path = Path::new(name);
    if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read the scenario {name}"))?;
        return Ok(Arc::new(catalogue.read(name, &text)?));
    }
    let ids = catalogue.ids();
    let close: Vec<&str> = ids
        .iter()
        .map(String::as_str)
        .filter(|id| id.split('-').any(|part| name.split('-').any(|p| p == part)))
        .collect();
    let hint = if close.is_empty() {
        String::new()
    } else {
        format!(" Close to it: {}.", close.join(", "))
    };
    bail!(
        "no scenario is called '{name}'.{hint} 'crywolf list' shows all; a file's name ends in .toml"
    )
}

/// Carries out one order: captures and truth in `folder`, one pair a sensor.
///
/// # Errors
/// The mistakes of the scenario as ordered, an unknown sensor, a full disk.
pub fn produce(
    catalogue: &Catalogue,
    order: &Order,
    terms: &Terms,
    folder: &Path,
) -> Result<Vec<Produced>> {
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    let mut trouble = None;
    let scenario = resolve(catalogue, order, terms)?;
    let wanted = wanted_sensors(order, &scenario)?;
    let budget = terms
        .budget
        .clone()
        .unwrap_or_else(|| Arc::new(Budget::new(None, folder)));
    let open = |sensor: &str| {
        if !wanted.iter().any(|name| name == sensor) {
            return None;
        }
        let path = folder.join(format!("{}.pcap", stem(order, sensor)));
        let file = Temporary::beside(&path)
            .map_err(|error| trouble = Some(error))
            .ok()?;
        files.push((sensor.to_owned(), path));
        let sink = Sink::new(file, Arc::clone(&budget), terms.spare_processor);
        Some(terms.stop.watch(sink))
    };
    let mut foresight = Foresight::new(order, &budget, terms.foresees);
    let watch = &mut |progress| foresight.hear(progress);
    let recordings = simulate_watched(&scenario, order.seed, terms.nanos, open, watch);
    if let Some(error) = trouble {
        return Err(error);
    }
    let mut produced = Vec::new();
    for (recording, (_, path)) in recordings
        .map_err(|error| explain(error, folder))?
        .into_iter()
        .zip(files)
    {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let ended = recording.finish(name, |sink| sink.into_inner().finish());
        let (output, truth) = ended.map_err(|error| explain(error.into(), folder))?;
        if truth.capture.packets == 0 {
            bail!(
                "sensor '{}' sees no frame of it: nothing passes where it stands; choose another site or place for it \
                 (at = \"segment\" shows what hosts of one site say to each other), or record elsewhere with --sensor",
                truth.sensor
            );
        }
        let beside = path.with_extension("truth.json");
        let written = write_truth(&truth, &beside)?;
        keep_both((output, &path), (written, &beside))?;
        produced.push(Produced {
            capture: path,
            truth,
        });
    }
    Ok(produced)
}

/// Writes a truth that is to stand beside its capture.
///
/// # Errors
/// Names the file and what the system says.
pub fn write_truth(truth: &Truth, path: &Path) -> Result<Temporary> {
    let mut out = BufWriter::new(Temporary::beside(path)?);
    truth
        .write_json(&mut out)
        .and_then(|()| out.flush())
        .and_then(|()| out.into_inner().map_err(io::IntoInnerError::into_error))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Says of a large capture what it will take, before most of it is written.
struct Foresight<'a> {
    order: &'a Order,
    budget: &'a Budget,
    silent: bool,
}

impl<'a> Foresight<'a> {
    fn new(order: &'a Order, budget: &'a Budget, speaks: bool) -> Foresight<'a> {
        Foresight {
            order,
            budget,
            silent: !speaks,
        }
    }

    fn hear(&mut self, progress: Progress) {
        if self.silent || progress.frames < FORESEEN_AFTER {
            return;
        }
        self.silent = true;
        let in_all = |so_far: u64| {
            let whole = u128::from(so_far) * u128::from(progress.whole);
            u64::try_from(whole / u128::from(progress.simulated.max(1))).unwrap_or(u64::MAX)
        };
        let (frames, size) = (in_all(progress.frames), in_all(progress.bytes));
        if size >= WORTH_A_WORD {
            // Nothing is lost when nobody reads it.
            let _ = writeln!(
                io::stderr().lock(),
                "{}: about {frames} frames and {} to write, if it goes on as it begins; {}",
                describe(self.order),
                bytes(size),
                self.budget
            );
        }
    }
}

/// Writes the capture of an order, at its one sensor, to a stream.
///
/// # Errors
/// As [`produce`]; also when several sensors would record. A closed pipe is no error.
pub fn produce_to(
    catalogue: &Catalogue,
    order: &Order,
    terms: &Terms,
    out: impl Write,
) -> Result<()> {
    let scenario = resolve(catalogue, order, terms)?;
    let wanted = wanted_sensors(order, &scenario)?;
    let [sensor] = wanted.as_slice() else {
        bail!(
            "a stream holds one capture, but these sensors record: {}; choose one with --sensor",
            wanted.join(", ")
        );
    };
    let budget = Budget::new(Some(u64::MAX), Path::new("."));
    let budget = terms.budget.as_deref().unwrap_or(&budget);
    let mut out = Some(Bounded { out, budget });
    let open = |name: &str| if name == sensor { out.take() } else { None };
    match simulate_watched(&scenario, order.seed, terms.nanos, open, &mut |_| {}) {
        Err(SimulationError::Output(error)) => unless_closed(Err(error)),
        other => Ok(other.map(|_| ())?),
    }
}

/// A stream within a budget.
struct Bounded<'a, W> {
    out: W,
    budget: &'a Budget,
}

impl<W: Write> Write for Bounded<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.budget.take(bytes.len())?;
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The scenario of an order, with every choice but the draws made.
///
/// # Errors
/// The mistakes of the scenario as ordered.
pub fn resolve(catalogue: &Catalogue, order: &Order, terms: &Terms) -> Result<generator::Scenario> {
    let background = background_of(catalogue, order)?;
    let request = Request {
        seed: order.seed,
        set: terms.set.clone(),
        difficulty: order.step.clone(),
        published: order.published.clone(),
        background: background.as_deref(),
        label_background: terms.label_background,
        faults: terms.faults.clone(),
        left: None,
    };
    Ok(order.file.resolve(&request, catalogue.stacks())?)
}

/// The background that is laid under an order: of its period, and none under a background itself.
fn background_of(catalogue: &Catalogue, order: &Order) -> Result<Option<Arc<ScenarioFile>>> {
    let Some(background) = &order.background else {
        return Ok(None);
    };
    let id = &background.identity().id;
    let older = format!("{id}-{PERIOD}");
    let own = &order.file.identity().id;
    if own == id || *own == older {
        return Ok(None);
    }
    let plays_then = order.file.year().is_some_and(|year| year < UNTIL);
    match catalogue.get(&older).filter(|_| plays_then) {
        Some(file) => Ok(Some(Arc::new(file?))),
        None => Ok(Some(Arc::clone(background))),
    }
}

/// The sensors that record: the published one, those asked for, or all.
fn wanted_sensors(order: &Order, scenario: &generator::Scenario) -> Result<Vec<String>> {
    let all: Vec<String> = scenario
        .sensors
        .iter()
        .map(|sensor| sensor.name.clone())
        .collect();
    if let Some(trace) = &order.published {
        return Ok(order.file.published_sensor(trace).into_iter().collect());
    }
    if let Some(unknown) = order.sensors.iter().find(|name| !all.contains(name)) {
        let id = &order.file.identity().id;
        bail!("{id} has no sensor '{unknown}'; it has: {}", all.join(", "));
    }
    Ok(if order.sensors.is_empty() {
        all
    } else {
        order.sensors.clone()
    })
}

/// The name of a capture's files, without ending.
fn stem(order: &Order, sensor: &str) -> String {
    match &order.published {
        Some(trace) => format!("{trace}.published"),
        None => {
            let (id, variant) = (&order.file.identity().id, &order.variant);
            format!("{id}.{sensor}{variant}.seed{}", order.seed)
        }
    }
}

fn explain(error: SimulationError, folder: &Path) -> anyhow::Error {
    match error {
        SimulationError::Output(error) => {
            if Stop::is_behind(&error) {
                return Stopped.into();
            }
            let hint = match error.kind() {
                io::ErrorKind::StorageFull => {
                    ": the disk is full; nothing was kept of this capture"
                }
                io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    ": it grows beyond what is allowed; nothing was kept of this capture"
                }
                _ => "",
            };
            anyhow::Error::new(error).context(format!("cannot write to {}{hint}", folder.display()))
        }
        SimulationError::Scenario(errors) => errors.into(),
        other => other.into(),
    }
}

/// Carries out orders on `jobs` threads; the results are in the order in which the orders were given.
///
/// # Errors
/// The first failure, by order; what was done before it stays.
pub fn produce_all<T: Send>(
    orders: &[Order],
    jobs: usize,
    progress: &ProgressBar,
    work: impl Fn(&Order) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    side_by_side(orders, jobs, progress, |order| {
        work(order).with_context(|| describe(order))
    })
}

/// Does `work` on all items with `jobs` threads; the results are in the order of the items.
///
/// # Errors
/// The first failure, by item.
pub fn side_by_side<I: Sync, T: Send>(
    items: &[I],
    jobs: usize,
    progress: &ProgressBar,
    work: impl Fn(&I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .context("cannot start the jobs")?;
    let results: Vec<Result<T>> = pool.install(|| {
        items
            .par_iter()
            // One at a time: they differ in length by a hundred times.
            .with_max_len(1)
            .map(|item| {
                let result = work(item);
                progress.inc(1);
                result
            })
            .collect()
    });
    progress.finish_and_clear();
    results.into_iter().collect()
}

/// An order, for messages.
pub fn describe(order: &Order) -> String {
    let id = &order.file.identity().id;
    match (&order.published, &order.step) {
        (Some(trace), _) => format!("{id}, published trace {trace}"),
        (None, Some(step)) => format!("{id}, {step}, seed {}", order.seed),
        (None, None) => format!("{id}, seed {}", order.seed),
    }
}

/// The number of jobs, one a processor unless said otherwise.
pub fn jobs(asked: Option<usize>) -> usize {
    asked
        .filter(|jobs| *jobs > 0)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

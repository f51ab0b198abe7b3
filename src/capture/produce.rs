//! Orders carried out: captures and their truth, each whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use generator::net::sensor::fault::Faults;
use generator::{Catalogue, Progress, Scenario, SimulationError, simulate_watched};
use indicatif::ProgressBar;
use labels::Truth;

use crate::capture::budget::{Budget, bytes};
use crate::capture::order::{Order, Terms, describe, resolve, stem, wanted_sensors};
use crate::capture::sink::Sink;
use crate::capture::truth::write_truth;
use crate::output::unless_closed;
use crate::process::jobs::side_by_side;
use crate::process::temporary::{Temporary, keep_both};

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
        Some(Sink::new(file, Arc::clone(&budget), terms.spare_processor))
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
        let ended = recording.finish(name, Sink::finish);
        let (output, truth) = ended.map_err(|error| explain(error.into(), folder))?;
        if truth.capture.packets == 0 {
            bail!(nothing_recorded(&scenario, &truth.sensor));
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

/// Why a capture would be empty, and what helps.
fn nothing_recorded(scenario: &Scenario, name: &str) -> String {
    let sensor = scenario.sensors.iter().find(|sensor| sensor.name == name);
    let faulty = sensor.is_some_and(|sensor| sensor.faults != Faults::default());
    let faults = if faulty {
        ", or its faults leave nothing of it: weaken them,"
    } else {
        ";"
    };
    format!(
        "sensor '{name}' records no frame: nothing passes where it stands{faults} choose another site or place for it \
         (at = \"segment\" shows what hosts of one site say to each other), or record elsewhere with --sensor"
    )
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

fn explain(error: SimulationError, folder: &Path) -> anyhow::Error {
    match error {
        SimulationError::Output(error) => {
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

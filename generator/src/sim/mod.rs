//! The discrete-event simulation: one clock, one queue, and what runs on them.

mod advertise;
mod build;
mod error;
mod neighbour;
mod router;
mod show;
mod world;

use std::io::{self, Write};

use labels::Truth;

pub use error::SimulationError;
pub use world::{Progress, World};

use crate::activity::Activity;
use crate::scenario::Scenario;
use crate::seed::SeedTree;
use crate::truth::{CaptureIdentity, SensorTruth};

/// The finished capture of one sensor.
#[derive(Debug)]
pub struct Recording<W> {
    /// The sensor.
    pub sensor: String,
    /// Where the capture was written, all of it.
    pub output: W,
    home: Vec<ipnet::IpNet>,
    truth: SensorTruth,
    activities: std::sync::Arc<[Activity]>,
    scenario: String,
    seed: u64,
    parameters: std::collections::BTreeMap<String, String>,
}

impl<W> Recording<W> {
    /// Ends the output with `end`, which returns what is to be kept of it and the capture's digest in hexadecimal, and
    /// gives the truth of the capture, which is called `file`.
    ///
    /// # Errors
    /// Those of `end`.
    pub fn finish<T, E>(
        self,
        file: String,
        end: impl FnOnce(W) -> Result<(T, String), E>,
    ) -> Result<(T, Truth), E> {
        let (kept, sha256) = end(self.output)?;
        let identity = CaptureIdentity {
            scenario: self.scenario,
            seed: self.seed,
            sensor: self.sensor,
            parameters: self.parameters,
            home: self.home,
            file,
            sha256,
        };
        Ok((kept, self.truth.into_truth(identity, &self.activities)))
    }

    /// The output and the truth of a capture that needs neither name nor digest.
    pub fn into_truth(self) -> (W, Truth) {
        let named: Result<_, std::convert::Infallible> =
            self.finish(String::new(), |output| Ok((output, String::new())));
        match named {
            Ok(parts) => parts,
            Err(never) => match never {},
        }
    }
}

/// Runs a scenario and records it at the sensors for which `open` gives an output.
///
/// # Errors
/// Those of the outputs, pins that name a path nobody draws from, and more than memory holds.
pub fn simulate<W: Write>(
    scenario: &Scenario,
    seed: u64,
    nanos: bool,
    open: impl FnMut(&str) -> Option<W>,
) -> Result<Vec<Recording<W>>, SimulationError> {
    simulate_watched(scenario, seed, nanos, open, &mut |_| {})
}

/// The same, telling `watch` now and then how far it is.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_watched<W: Write>(
    scenario: &Scenario,
    seed: u64,
    nanos: bool,
    open: impl FnMut(&str) -> Option<W>,
    watch: &mut dyn FnMut(Progress),
) -> Result<Vec<Recording<W>>, SimulationError> {
    let tree = SeedTree::of(&scenario.identity.id, seed, scenario.pins.clone());
    let mut world = World::build(scenario, &tree, nanos, open);
    let unused = tree.unused_pins();
    if !unused.is_empty() {
        let known = tree.opened().join(", ");
        let message = format!(
            "nobody draws from {}; there are: {known}",
            unused.join(", ")
        );
        return Err(crate::reading::error::stated("pins", message).into());
    }
    world.run(watch)?;
    let activities: std::sync::Arc<[Activity]> = scenario.activities.clone().into();
    let mut recordings = Vec::new();
    for recorded in world.finish()? {
        recordings.push(Recording {
            sensor: recorded.sensor,
            output: recorded.output,
            home: recorded.home,
            truth: recorded.truth,
            activities: std::sync::Arc::clone(&activities),
            scenario: scenario.identity.id.clone(),
            seed,
            parameters: scenario.parameters.clone(),
        });
    }
    Ok(recordings)
}

/// How many events a rehearsal has at most, whether a sensor sees them or not: a flood takes the time that its file gives it, and
/// so may what is longer. Playing so many takes a few hundredths of a second.
const REHEARSED: u64 = 1 << 16;

/// How long a scenario takes by itself, in nanoseconds from its start to the last frame of an event that a sensor records; `None`
/// where none records any, where it ends early, and where it is too long to be played twice.
pub fn rehearse(scenario: &Scenario, seed: u64) -> Option<u64> {
    let tree = SeedTree::of(&scenario.identity.id, seed, scenario.pins.clone());
    let mut world = World::build(scenario, &tree, false, |_| Some(io::sink()));
    if !world.run_for(REHEARSED, &mut |_| {}).ok()? {
        return None;
    }
    let recorded = world.finish().ok()?;
    let ends = recorded
        .iter()
        .filter_map(|recorded| recorded.truth.last_of_events());
    Some(ends.max()?.nanos_since(scenario.start))
}

/// The draw paths of a scenario, in alphabetical order.
pub fn draw_paths(scenario: &Scenario, seed: u64) -> Vec<String> {
    let tree = SeedTree::of(&scenario.identity.id, seed, scenario.pins.clone());
    World::build(scenario, &tree, false, |_| Some(io::sink()));
    tree.opened()
}

//! What sensors of a scenario recorded.

use anyhow::Result;
use generator::{Scenario, simulate};
use labels::Truth;

/// What a sensor recorded.
pub(super) struct Recorded {
    pub(super) sensor: String,
    pub(super) capture: Vec<u8>,
    pub(super) truth: Truth,
}

/// Plays a scenario and keeps what the wanted sensors recorded, in memory.
pub(super) fn record(
    scenario: &Scenario,
    seed: u64,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Recorded>> {
    let recordings = simulate(scenario, seed, false, |name| wanted(name).then(Vec::new))?;
    let recorded = recordings.into_iter().map(|recording| {
        let sensor = recording.sensor.clone();
        let (capture, truth) = recording.into_truth();
        Recorded {
            sensor,
            capture,
            truth,
        }
    });
    Ok(recorded.collect())
}

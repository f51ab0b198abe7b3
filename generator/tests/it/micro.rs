//! Scenarios that a test writes down: read, and recorded at their only sensor.

use generator::{Catalogue, Request, ScenarioFile, simulate};
use labels::Truth;

/// The scenario, or what is wrong with it.
pub fn read(text: &str) -> Result<ScenarioFile, String> {
    let catalogue = Catalogue::built_in().unwrap();
    catalogue
        .read("micro.toml", text)
        .map_err(|errors| errors.to_string())
}

/// The capture of one seed, and its truth.
pub fn record(file: &ScenarioFile, seed: u64) -> (Vec<u8>, Truth) {
    let catalogue = Catalogue::built_in().unwrap();
    let request = Request {
        seed,
        ..Request::default()
    };
    let scenario = file.resolve(&request, catalogue.stacks()).unwrap();
    let recordings = simulate(&scenario, seed, true, |_| Some(Vec::new())).unwrap();
    recordings.into_iter().next().unwrap().into_truth()
}

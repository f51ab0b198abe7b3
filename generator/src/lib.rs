//! The simulator: from a scenario file and a seed to captures whose truth is known.
//!
//! A [`scenario`] is read and checked; a [`sim::World`] is built from it and run on virtual time; each
//! [sensor](net::sensor) writes what passes it, and the truth about it. Nothing here reads a clock, a file or an environment
//! variable, and nothing iterates in an unordered way: the same seed makes the same bytes.

pub mod activity;
pub mod app;
pub mod blueprint;
pub mod catalogue;
pub mod content;
pub mod conversation;
pub mod fact;
pub mod host;
mod logarithm;
pub mod net;
pub mod reading;
pub mod scenario;
pub mod seed;
pub mod sim;
pub mod table;
pub mod tool;
pub mod truth;

pub use catalogue::Catalogue;
pub use scenario::{Identity, Request, Scenario, ScenarioFile};
pub use sim::{Progress, Recording, SimulationError, simulate, simulate_watched};

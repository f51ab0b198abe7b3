//! Why a simulation ended early.

use std::io;

use crate::scenario::ScenarioErrors;

/// Why a simulation ended early.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// A capture could not be written.
    #[error("cannot write the capture: {0}")]
    Output(#[from] io::Error),
    /// The scenario pins draws that nobody makes.
    #[error("{0}")]
    Scenario(#[from] ScenarioErrors),
    /// The scenario asks for more than memory holds.
    #[error(
        "after {} of the scenario {waiting} packets and events wait at once, more than memory is made for: \
         lower its rates, its numbers of hosts and connections, or the delays and queues of its lines",
        crate::reading::units::write_duration(*after)
    )]
    Unbounded {
        /// How many wait.
        waiting: usize,
        /// Nanoseconds after the start.
        after: u64,
    },
    /// The scenario does ever more at one moment.
    #[error(
        "time stands still at {} of the scenario: too much is to happen at this one moment; look for gaps, delays and \
         times to think that are zero or next to it",
        crate::reading::units::write_duration(*after)
    )]
    Stuck {
        /// Nanoseconds after the start.
        after: u64,
    },
}

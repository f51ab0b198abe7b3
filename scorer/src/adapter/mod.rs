//! Adapters: what a detector wrote, as alerts. One file a format, and its line in [`ADAPTERS`].
//!
//! A format reads one line at a time and never judges: it fills in what the line says and leaves the rest empty. Times become
//! UTC, addresses canonical, frame numbers count from 1. What is the same for all formats (compressed files, lines that are cut,
//! years that are missing, the map) is done once, by [`Reader`].

mod cells;
mod contract;
pub mod crywolf;
mod csv;
mod fault;
mod lines;
mod psad;
mod read;
mod record;
mod snort;
mod stamp;
mod suricata;
#[cfg(test)]
mod tests;
mod zeek;

pub use contract::Adapter;
pub use read::{ReadError, Reader, Reading, Unreadable};
pub use stamp::Calendar;

/// All formats, in the order in which help lists them.
pub const ADAPTERS: &[&Adapter] = &[
    &crywolf::ADAPTER,
    &suricata::ADAPTER,
    &zeek::ADAPTER,
    &snort::ADAPTER,
    &psad::ADAPTER,
    &csv::ADAPTER,
];

impl Adapter {
    /// The format of that name.
    pub fn named(name: &str) -> Option<&'static Adapter> {
        let mut adapters = ADAPTERS.iter().copied();
        adapters.find(|adapter| adapter.name == name)
    }
}

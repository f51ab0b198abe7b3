//! Thresholds of SYN floods.

use crate::config::Span;

section! {
    /// When a service is flooded.
    Limits "flood" {
        level: u64,
        half_open: u64,
        drain_per_second: u64,
        least: Span,
        sudden: u64,
        completed_one_in: u64,
        equal_isns: u32,
        counted_ports: u32,
        refused_relief: u64,
    }
}

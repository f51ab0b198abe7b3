//! Thresholds of sweeps.

use crate::config::Span;

section! {
    /// When questions to many are a sweep.
    Limits "sweep" {
        absent: usize,
        absent_arp: usize,
        absent_udp: usize,
        refused: usize,
        walked: usize,
        communities: usize,
        inventory: usize,
        inventory_pause: Span,
    }
}

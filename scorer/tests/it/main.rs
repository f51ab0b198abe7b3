//! The scorer from outside, with expectations counted by hand.
//!
//! - [`world`]: truths and alerts in few words
//! - [`time`]: when an alert fits
//! - [`clock`]: what stamps tell of a clock
//! - [`who`]: whom it must name
//! - [`assignment`]: which event gets the credit
//! - [`figures`]: what is counted
//! - [`laws`]: what holds for every truth and every detector
//! - [`gates`]: bounds and baselines
//! - [`reports`]: what people and machines read

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's own helpers fail by panicking, too"
)]

mod assignment;
mod clock;
mod figures;
mod gates;
mod laws;
mod reports;
mod time;
mod who;
mod world;

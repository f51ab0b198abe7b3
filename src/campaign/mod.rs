//! Campaigns: captures are made or found, a detector looks at each, what it says is scored. Every command that does any of
//! this does it through here, so that scenarios, steps, seeds and backgrounds mean the same everywhere.
//!
//! - [`suite`] and [`plan`]: which captures are wanted.
//! - [`cache`]: those that were made before.
//! - [`command`] and [`memory`]: a detector's command, and what it took.
//! - [`detector`]: what a detector says of one capture.
//! - [`run`]: all of it, side by side.

pub mod cache;
pub mod command;
pub mod detector;
mod memory;
pub mod plan;
pub mod run;
pub mod suite;

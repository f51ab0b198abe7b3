//! Campaigns: captures are made or found, a detector looks at each, what it says is scored. Every command that does any of
//! this does it through here, so that scenarios, steps, seeds and backgrounds mean the same everywhere.
//!
//! - [`suite`] and [`plan`]: which captures are wanted.
//! - [`cache`]: those that were made before.
//! - [`terms`]: how they are made.
//! - [`own`] and [`detector`]: what crywolf's detector, or anybody's, says of one capture.
//! - [`run`]: all of it, side by side.

pub mod cache;
pub mod detector;
pub mod own;
pub mod plan;
pub mod run;
pub mod suite;
pub mod terms;

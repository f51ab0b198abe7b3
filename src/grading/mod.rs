//! What commands that grade have in common: what they read, and what they say in the end.
//!
//! - [`alerts`]: what detectors have said.
//! - [`gate_args`] and [`report_args`]: what must hold, and what is reported where.
//! - [`excerpt`]: the frames that a page shows.
//! - [`conclude`]: reports, gates, exit code.

pub mod alerts;
pub mod conclude;
pub mod excerpt;
pub mod gate_args;
pub mod report_args;

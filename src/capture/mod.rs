//! Captures as files: made to order, with their truth beside them, and read.
//!
//! - [`order`] and [`seeds`]: what is to be made.
//! - [`produce`]: orders carried out; [`sink`] hashes what is written, within a [`budget`].
//! - [`truth`]: what stands beside a capture.
//! - [`input`]: where captures come from that are read, [`kept`]: more than once; [`mod@format`]: how they are written.

pub mod budget;
pub mod format;
pub mod input;
pub mod kept;
pub mod order;
pub mod produce;
pub mod seeds;
pub mod sink;
pub mod truth;

//! Conversations over TCP apart from any protocol: who speaks when, the rhythm in which they begin, lines, sizes, filler, and
//! scripts of what is said.
//!
//! Applications and connecting tools are made of it; it knows neither.

pub mod arrivals;
pub mod client;
pub mod dialogue;
pub mod filler;
pub mod lines;
pub mod race;
pub mod retry;
pub mod script;
pub mod size;

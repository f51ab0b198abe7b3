//! What packets and conversations carry: payloads as data, messages of known protocols, texts with parts that are drawn.
//!
//! Tools and applications share it; it knows neither.

pub mod message;
pub mod payload;
pub mod wording;

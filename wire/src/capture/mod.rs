//! Captures: classic pcap and pcapng in, classic pcap out.
//!
//! The reader is as lax as tcpdump: a record longer than the snapshot length, an odd fraction of a second or an
//! unknown block is no reason to stop. What does stop it is named with its place ([`CaptureError`]), and the
//! records before have been delivered by then.

mod buffer;
mod error;
mod pcapng;
mod reader;
mod writer;

pub use error::{CaptureError, Foreign};
pub use reader::{CaptureReader, Record};
pub use writer::CaptureWriter;

#[cfg(test)]
mod tests;

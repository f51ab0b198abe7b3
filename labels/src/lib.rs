//! The vocabulary that everything else shares: what a capture can hold ([`taxonomy`]), how its truth is
//! written down ([`truth`]) and carried over to captures made of others' frames ([`carried`]), and what a detector may
//! claim about it ([`finding`]).
//!
//! No other crate defines a class, a verdict or a file format of these.

pub mod address;
pub mod carried;
pub mod finding;
pub mod taxonomy;
pub mod transport;
pub mod truth;

pub use address::AddressBlock;
pub use finding::{Evidence, Finding, FindingError};
pub use taxonomy::{Class, Expect, Family, Verdict};
pub use transport::{PortRange, Transport};
pub use truth::{
    CaptureSummary, Event, EventId, Evident, FrameRuns, Ordinary, Pace, Truth, TruthError,
};

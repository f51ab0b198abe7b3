//! The integration tests, one module a subject. They use the binary as its users do.
//!
//! - [`published`]: the documents' own packets come out of the simulator, as tshark reads them.

mod published;
mod tools;

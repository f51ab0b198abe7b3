//! Captures onto a lab network: what may be sent where, what is changed on the way, when each frame is due, and the
//! interfaces that take the frames.
//!
//! Unlike the other libraries this one reads clocks, opens sockets and starts threads; it opens no file and prints
//! nothing. It knows `wire` and nobody else.
#![allow(
    clippy::disallowed_methods,
    reason = "sending at the right moment needs the system's clocks"
)]

#[cfg(target_os = "linux")]
pub mod listener;
#[cfg(target_os = "linux")]
pub mod namespace;

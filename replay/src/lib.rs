//! Captures onto a lab network: what may be sent where, what is changed on the way, when each frame is due, and the
//! interfaces that take the frames.
//!
//! ```text
//! capture ─► feed ─► batch ─► sink ─► tap, veth, dummy, loopback
//!             │ rewrite        ▲
//!             │ guard        clock    monitor ◄── the interface's counters
//!             └ schedule                  sentry ◄── what else the kernel says of the network
//! ```
//!
//! The [`guard`] admits an interface; with its [`Admission`](guard::Admission) a [`sink`] is opened; then privileges are
//! dropped, and a [`Run`] sends, while a [`sentry`] watches. Unlike the other libraries this one reads clocks, opens sockets
//! and starts threads; it prints nothing, and the only files it opens are the system's own. It knows `wire` and `rewrite`, and
//! nobody else. Linux only.
#![allow(
    clippy::disallowed_methods,
    reason = "sending at the right moment needs the system's clocks"
)]

mod audience;
mod batch;
mod clock;
mod error;
mod feed;
pub mod guard;
pub mod link;
pub mod listener;
mod monitor;
pub mod namespace;
mod pace;
pub mod privileges;
pub mod promptness;
mod run;
pub mod sentry;
pub mod sink;
mod statistics;
mod survey;

pub use audience::Audience;
pub use batch::{BATCH_FRAMES, Batch, Frames, Origin};
pub use error::ReplayError;
pub use feed::{Plan, Source};
pub use monitor::Monitor;
pub use pace::{Pace, Schedule, Steps};
pub use run::{End, Observer, Report, Run};
pub use statistics::{Departures, InterfaceTally, Lateness, Span, Tally};
pub use survey::Survey;

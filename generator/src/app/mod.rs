//! Applications: short conversations above TCP, and exchanges of datagrams.
//!
//! An application is one file with its client and its server. Those over TCP are two [`dialogue::Dialogue`]s; the
//! programs that carry them are in [`dialogue`]. A new application is a new file and a line below.

pub mod accept;
pub mod arrivals;
pub mod dialogue;
pub mod ftp;
pub mod lines;

use crate::blueprint::Kind;

/// What an activity's `app` may be.
pub const CLIENTS: &[Kind] = &[ftp::CLIENT];

/// What a service's `app` may be.
pub const SERVICES: &[Kind] = &[accept::SERVICE, accept::REFUSING_SERVICE, ftp::SERVICE];

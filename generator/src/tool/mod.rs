//! Tools: what a person runs against somebody. A tool only sends stimuli and reacts to replies; the replies come from
//! stacks.
//!
//! A new tool is a new file and a line below.

pub mod connect_scan;
pub mod equal_port_ack;
pub mod half_open_scan;
pub mod kit;
pub mod order;
pub mod stealth_scan;
pub mod syn_flood;

use crate::blueprint::Kind;

/// What an activity's `tool` may be.
pub const KINDS: &[Kind] = &[
    connect_scan::KIND,
    equal_port_ack::KIND,
    half_open_scan::KIND,
    stealth_scan::KIND,
    syn_flood::KIND,
];

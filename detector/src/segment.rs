//! A segment of TCP, or what another protocol has in its place.

use wire::Flags;

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) sport: u16,
    pub(crate) dport: u16,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) flags: Flags,
    pub(crate) payload: u32,
    pub(crate) window: u16,
    /// Whether the SYN looks hand-made rather than made by an operating system; `false` where its options were cut off.
    pub(crate) raw: bool,
    /// Whether there are options, as far as is known.
    pub(crate) options: bool,
    /// It is SCTP's, in the terms of TCP.
    pub(crate) sctp: bool,
}

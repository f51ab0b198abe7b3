//! What a listing tells.

use std::net::SocketAddr;

use wire::time::Timestamp;

use crate::error::ListingError;
use crate::gap::Gap;
use crate::make::{Assignment, Reading};
use crate::read::OtherLine;

/// A frame that a listing tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFrame {
    /// Line where it begins, counted from 1.
    pub line: usize,
    /// When it was seen.
    pub time: Timestamp,
    /// The frame, from its Ethernet header on.
    pub bytes: Vec<u8>,
    /// Its bytes on the wire: more than there are where the listing's capture was cut.
    pub original_length: usize,
    /// What the listing does not tell of it, each once.
    pub gaps: Vec<Gap>,
}

/// How the sequence numbers of a connection were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedConnection {
    /// Addresses and ports of its ends.
    pub ends: [SocketAddr; 2],
    /// How its numbers were read.
    pub reading: Reading,
    /// Segments of it.
    pub segments: u64,
}

/// What a listing tells.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// The frames, in the order of the listing.
    pub frames: Vec<ListedFrame>,
    /// Addresses of names, in order of appearance.
    pub names: Vec<Assignment>,
    /// The TCP connections, in the order of their addresses.
    pub connections: Vec<ListedConnection>,
    /// Lines that are no packet.
    pub other: Vec<OtherLine>,
    /// Packets that could not be read, in the order of the listing.
    pub errors: Vec<ListingError>,
}

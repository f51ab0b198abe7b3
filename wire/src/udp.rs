//! UDP datagrams, RFC 768.

use crate::field::Field;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 8;

/// A UDP header to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Udp {
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub destination: u16,
    /// Header and payload, in bytes.
    pub length: Field<u16>,
    /// Checksum; a computed 0 is sent as 0xffff.
    pub checksum: Field<u16>,
}

impl Udp {
    /// A plain header between two ports.
    pub fn new(source: u16, destination: u16) -> Self {
        Udp {
            source,
            destination,
            length: Field::Computed,
            checksum: Field::Computed,
        }
    }
}

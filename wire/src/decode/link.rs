//! Link headers as they were read.

use crate::ethernet::{Framing, MacAddress};

/// What was read of the link header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkLayer {
    /// Sender, where the header names it.
    pub source: Option<MacAddress>,
    /// Receiver, where the header names it.
    pub destination: Option<MacAddress>,
    /// Number of VLAN tags.
    pub tags: u8,
    /// VLAN identifier of the outermost tag.
    pub vlan: Option<u16>,
    /// How the frame says what it carries.
    pub framing: Framing,
}

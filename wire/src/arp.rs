//! ARP messages about IPv4 over Ethernet, RFC 826.

use std::net::Ipv4Addr;

use crate::ethernet::MacAddress;

/// Bytes of a message.
pub const BYTES: usize = 28;
/// Operation of a request.
pub const REQUEST: u16 = 1;
/// Operation of a reply.
pub const REPLY: u16 = 2;

/// A message to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpMessage {
    /// What it is: a request or a reply, or whatever else the number says.
    pub operation: u16,
    /// Hardware address of the sender.
    pub sender_mac: MacAddress,
    /// Address of the sender.
    pub sender: Ipv4Addr,
    /// Hardware address of the target; zero in a request.
    pub target_mac: MacAddress,
    /// Address of the target.
    pub target: Ipv4Addr,
}

impl ArpMessage {
    /// The request by which a host asks for an address.
    pub fn request(sender: (Ipv4Addr, MacAddress), target: Ipv4Addr) -> Self {
        ArpMessage {
            operation: REQUEST,
            sender_mac: sender.1,
            sender: sender.0,
            target_mac: MacAddress::default(),
            target,
        }
    }

    /// The answer of whoever has the address that was asked for.
    #[must_use]
    pub fn answered_by(self, mac: MacAddress) -> Self {
        ArpMessage {
            operation: REPLY,
            sender_mac: mac,
            sender: self.target,
            target_mac: self.sender_mac,
            target: self.sender,
        }
    }

    /// Appends the message.
    pub fn emit(&self, out: &mut Vec<u8>) {
        // Ethernet, IPv4, and the lengths of their addresses.
        out.extend_from_slice(&[0, 1, 8, 0, 6, 4]);
        out.extend_from_slice(&self.operation.to_be_bytes());
        out.extend_from_slice(&self.sender_mac.0);
        out.extend_from_slice(&self.sender.octets());
        out.extend_from_slice(&self.target_mac.0);
        out.extend_from_slice(&self.target.octets());
    }
}

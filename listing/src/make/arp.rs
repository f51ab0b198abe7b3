//! ARP messages, RFC 826.

use std::net::Ipv4Addr;

use wire::arp::{ArpMessage, REPLY, REQUEST};
use wire::ethernet::MacAddress;

pub(super) use wire::arp::BYTES;

use crate::said::ArpSaid;

/// The message between two hosts.
pub(super) fn emit(
    arp: &ArpSaid,
    (sender, sender_mac): (Ipv4Addr, MacAddress),
    (target, target_mac): (Ipv4Addr, MacAddress),
) -> Vec<u8> {
    let message = ArpMessage {
        operation: if arp.reply { REPLY } else { REQUEST },
        sender_mac,
        sender,
        target_mac,
        target,
    };
    let mut bytes = Vec::with_capacity(BYTES);
    message.emit(&mut bytes);
    bytes
}

//! ARP messages, RFC 826.

use std::net::Ipv4Addr;

use crate::ethernet::MacAddress;
use crate::listing::said::ArpSaid;

/// Bytes of a message about IPv4 over Ethernet.
pub(super) const BYTES: usize = 28;

/// The message between two hosts.
pub(super) fn emit(
    arp: &ArpSaid,
    (sender, sender_mac): (Ipv4Addr, MacAddress),
    (target, target_mac): (Ipv4Addr, MacAddress),
) -> Vec<u8> {
    let operation = if arp.reply { 2 } else { 1 };
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.extend_from_slice(&[0, 1, 8, 0, 6, 4, 0, operation]);
    bytes.extend_from_slice(&sender_mac.0);
    bytes.extend_from_slice(&sender.octets());
    bytes.extend_from_slice(&target_mac.0);
    bytes.extend_from_slice(&target.octets());
    bytes
}

//! ARP for IPv4 over Ethernet, RFC 826: hardware and IP address of the sender and of the target.

use super::change::Change;
use super::difference::Difference;

/// Hardware type Ethernet, protocol type IPv4, and the lengths of their addresses.
const ETHERNET_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// Changes the addresses of a message. It has no checksum.
pub(super) fn change(change: &Change<'_>, message: &mut [u8]) {
    if !message.starts_with(&ETHERNET_IPV4) {
        return;
    }
    let mut unused = Difference::NONE;
    unused.replace(message, 8, |sender| change.macs.follow(sender));
    unused.replace(message, 14, |sender| change.v4(sender));
    unused.replace(message, 18, |target| change.macs.follow(target));
    unused.replace(message, 24, |target| change.v4(target));
}

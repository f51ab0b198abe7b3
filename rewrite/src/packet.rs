//! One frame's changes, applied to an IP packet in place.
//!
//! The same code serves the packet and the one that an ICMP error quotes: it returns what the changes do to a sum over the
//! packet, and whoever quotes the packet moves its own sum by that.
//!
//! Not reached: addresses in IPv4 options and in routing headers, in tunnels (IP in IP, GRE), in IGMP, MLD and router
//! advertisements, and in payloads such as DNS. Sums of UDP-Lite, DCCP, OSPFv3 and PIM, which cover the addresses too,
//! are not moved, and authentication headers break.

use super::change::Change;
use super::difference::Difference;
use super::icmp::Quoted;
use super::shape::{Shape, Version};
use super::transport;

/// Changes a packet; returns what that does to a sum over it.
#[inline]
pub(super) fn change(change: &Change<'_>, bytes: &mut [u8], shape: &Shape) -> Difference {
    change_at(change, bytes, shape, Some(change_quoted))
}

/// Changes a packet that a message quotes, as far as it is there; returns what that does to a sum over it. No message quotes
/// one that quotes.
fn change_quoted(change: &Change<'_>, bytes: &mut [u8]) -> Difference {
    match Shape::read(bytes) {
        Some(shape) => change_at(change, bytes, &shape, None),
        None => Difference::NONE,
    }
}

fn change_at(
    change: &Change<'_>,
    bytes: &mut [u8],
    shape: &Shape,
    quoted: Option<Quoted>,
) -> Difference {
    let mut changed = Difference::NONE;
    let pseudo_header = match shape.version {
        Version::V4 => {
            changed.replace(bytes, 12, |source| change.v4(source));
            changed.replace(bytes, 16, |destination| change.v4(destination));
            let addresses = changed;
            changed = changed + addresses.settle(bytes, 10);
            addresses
        }
        Version::V6 => {
            changed.replace(bytes, 8, |source| change.v6(source));
            let source = changed;
            changed.replace(bytes, 24, |destination| change.v6(destination));
            if shape.routed { source } else { changed }
        }
    };
    let segment = shape.transport().and_then(|at| bytes.get_mut(at));
    changed
        + segment.map_or(Difference::NONE, |segment| {
            transport::change(change, segment, shape, pseudo_header, quoted)
        })
}

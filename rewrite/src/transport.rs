//! Ports, and the sums of transport headers, which cover the addresses too.

use wire::packet::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};

use super::change::Change;
use super::difference::Difference;
use super::icmp::{self, Quoted};

use super::shape::{Shape, Version};

/// Where the checksum of a protocol stands in its header: TCP, UDP, ICMP of both versions.
pub(super) fn checksum_at(protocol: u8) -> Option<usize> {
    match protocol {
        PROTOCOL_TCP => Some(16),
        PROTOCOL_UDP => Some(6),
        PROTOCOL_ICMP | PROTOCOL_ICMPV6 => Some(2),
        _ => None,
    }
}

/// Whether the checksum of a protocol covers the addresses: all but that of ICMP over IPv4.
pub(super) fn covers_addresses(protocol: u8, version: Version) -> bool {
    (protocol, version) != (PROTOCOL_ICMP, Version::V4)
}

/// Changes a segment, where addresses have changed by `pseudo_header`, and what it quotes, where it may quote; returns what
/// that does to a sum over the segment.
#[inline]
pub(super) fn change(
    change: &Change<'_>,
    segment: &mut [u8],
    shape: &Shape,
    pseudo_header: Difference,
    quoted: Option<Quoted>,
) -> Difference {
    let Some(sum_at) = checksum_at(shape.protocol) else {
        return Difference::NONE;
    };
    let body = match (shape.protocol, quoted) {
        (PROTOCOL_TCP | PROTOCOL_UDP, _) => ports(change, segment),
        (_, None) => Difference::NONE,
        (PROTOCOL_ICMP, Some(quoted)) => icmp::change_v4(change, segment, quoted),
        (_, Some(quoted)) => icmp::change_v6(change, segment, quoted),
    };
    let covered = match covers_addresses(shape.protocol, shape.version) {
        true => body + pseudo_header,
        false => body,
    };
    body + match shape.protocol {
        PROTOCOL_UDP => covered.settle_udp(segment, sum_at),
        _ => covered.settle(segment, sum_at),
    }
}

#[inline]
fn ports(change: &Change<'_>, segment: &mut [u8]) -> Difference {
    let mut changed = Difference::NONE;
    if !change.ports.is_empty() {
        changed.replace(segment, 0, |source| change.port(source));
        changed.replace(segment, 2, |destination| change.port(destination));
    }
    changed
}

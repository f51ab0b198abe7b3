//! Checksums worked out anew.
//!
//! A sum is left alone where what it covers is not all there: in fragments, in packets whose end is missing, and where a
//! routing header holds the receiver that it covers. A UDP checksum of 0 over IPv4 says that there is none and stays.

use std::net::{Ipv4Addr, Ipv6Addr};

use wire::checksum::Checksum;
use wire::packet::PROTOCOL_UDP;
use wire::udp;

use super::shape::{Shape, Version};
use super::transport::{checksum_at, covers_addresses};

/// Puts the checksum of an IPv4 header right; says whether it was wrong.
pub(super) fn fix_header(packet: &mut [u8], shape: &Shape) -> bool {
    if shape.version != Version::V4 || !shape.sound {
        return false;
    }
    let header = packet.get_mut(..shape.header).unwrap_or_default();
    let old = take(header, 10);
    let right = Checksum::new().bytes(header).finish();
    old.is_some_and(|old| put(header, 10, old, right))
}

/// Puts the checksum of a whole packet's transport header right; says whether it was wrong.
pub(super) fn fix_transport(packet: &mut [u8], shape: &Shape) -> bool {
    if shape.is_fragment() || !shape.whole || shape.routed {
        return false;
    }
    let Some((at, range)) = checksum_at(shape.protocol).zip(shape.transport()) else {
        return false;
    };
    let end = range.start + covered_bytes(packet.get(range.clone()).unwrap_or_default(), shape);
    let Some(pseudo_header) = pseudo_header(packet, shape, end - range.start) else {
        return false;
    };
    let segment = packet.get_mut(range.start..end).unwrap_or_default();
    let is_udp = shape.protocol == PROTOCOL_UDP;
    let Some(old) = take(segment, at) else {
        return false;
    };
    if is_udp && old == 0 && shape.version == Version::V4 {
        return false;
    }
    let right = match pseudo_header.bytes(segment).finish() {
        0 if is_udp => 0xffff,
        right => right,
    };
    put(segment, at, old, right)
}

/// The bytes of a segment that its sum covers: those that a UDP length counts, where it is possible; else all.
fn covered_bytes(segment: &[u8], shape: &Shape) -> usize {
    match segment {
        &[_, _, _, _, a, b, ..] if shape.protocol == PROTOCOL_UDP => {
            let length = usize::from(u16::from_be_bytes([a, b]));
            let possible = (udp::HEADER_BYTES..=segment.len()).contains(&length);
            if possible { length } else { segment.len() }
        }
        _ => segment.len(),
    }
}

/// The sum that the transport checksum begins with; `None` where the segment is longer than a header can say.
fn pseudo_header(packet: &[u8], shape: &Shape, length: usize) -> Option<Checksum> {
    if !covers_addresses(shape.protocol, shape.version) {
        return Some(Checksum::new());
    }
    let (sum, protocol) = (Checksum::new(), shape.protocol);
    let length = u16::try_from(length).ok()?;
    Some(match shape.version {
        Version::V4 => {
            let (source, destination) = ends::<4>(packet, 12)?;
            let (source, destination) = (Ipv4Addr::from(source), Ipv4Addr::from(destination));
            sum.pseudo_v4(source, destination, protocol, length)
        }
        Version::V6 => {
            let (source, destination) = ends::<16>(packet, 8)?;
            let (source, destination) = (Ipv6Addr::from(source), Ipv6Addr::from(destination));
            sum.pseudo_v6(source, destination, protocol, length)
        }
    })
}

/// Source and destination, which stand side by side.
fn ends<const N: usize>(packet: &[u8], at: usize) -> Option<([u8; N], [u8; N])> {
    let (source, rest) = packet.get(at..)?.split_first_chunk::<N>()?;
    Some((*source, *rest.first_chunk::<N>()?))
}

/// Takes a checksum out of its field and leaves zero.
fn take(bytes: &mut [u8], at: usize) -> Option<u16> {
    let field: &mut [u8; 2] = bytes.get_mut(at..)?.first_chunk_mut()?;
    Some(u16::from_be_bytes(std::mem::take(field)))
}

fn put(bytes: &mut [u8], at: usize, old: u16, right: u16) -> bool {
    if let Some(field) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *field = right.to_be_bytes();
    }
    old != right
}

//! Frames beyond the MTU.

use wire::ipv6;
use wire::packet::PROTOCOL_UDP;

use super::counts::Counts;
use super::difference::Difference;
use super::error::RewriteError;
use super::fragment::{self, Pieces};
use super::layout::Layout;
use super::plan::{Oversize, Rewrite};
use super::rewritten::{Refusal, Skip};
use super::shape::{Shape, Version};
use super::sums;

/// What a frame became.
pub(super) enum Fit {
    /// One frame within the MTU.
    Whole,
    /// Fragments, which stand in the pieces.
    Fragments,
}

/// Makes a frame fit, as the plan says.
#[inline]
pub(super) fn fit(
    plan: &Rewrite,
    frame: &mut Vec<u8>,
    layout: &Layout,
    pieces: &mut Pieces,
    counts: &mut Counts,
) -> Result<Fit, Refusal> {
    if frame.len() <= layout.behind_type + plan.mtu {
        return Ok(Fit::Whole);
    }
    let shape = layout.ip(frame);
    let end = shape.map_or(layout.end, |shape| layout.network + shape.end);
    let bytes = end - layout.behind_type;
    if bytes <= plan.mtu {
        frame.truncate(end);
        layout.state_length(frame);
        counts.trailers_dropped += 1;
        return Ok(Fit::Whole);
    }
    // Headers of LLC and SNAP take up to eight bytes of at least 68.
    let room = plan.mtu.saturating_sub(layout.network - layout.behind_type);
    match (plan.oversize, shape) {
        (Oversize::Refuse, _) => Err(RewriteError::Oversize {
            bytes,
            mtu: plan.mtu,
        }
        .into()),
        (Oversize::Skip, _) | (_, None) => Err(Skip::Oversize.into()),
        (Oversize::Truncate, Some(shape)) => {
            truncate(frame, layout, &shape, room);
            counts.truncated += 1;
            Ok(Fit::Whole)
        }
        (Oversize::Fragment, Some(shape)) => {
            counts.df_cleared += u64::from(fragment::split(frame, layout, &shape, room, pieces)?);
            counts.fragmented += 1;
            Ok(Fit::Fragments)
        }
    }
}

/// Cuts a packet to the room there is and states the lengths and sums of what is left. The sum of a fragment's datagram
/// is lost.
fn truncate(frame: &mut Vec<u8>, layout: &Layout, shape: &Shape, room: usize) {
    let keep = match room.checked_sub(shape.header) {
        // All fragments but the last hold a multiple of eight bytes, RFC 791 section 3.2.
        Some(payload) if shape.more => shape.header + (payload & !7),
        _ => room,
    };
    frame.truncate(layout.network + keep);
    layout.state_length(frame);
    let packet = frame.get_mut(layout.network..).unwrap_or_default();
    state_length(packet, shape.version);
    if let Some(left) = Shape::read(packet) {
        if left.protocol == PROTOCOL_UDP && !left.is_fragment() {
            let segment = left.transport().and_then(|at| packet.get_mut(at));
            state_udp_length(segment.unwrap_or_default());
        }
        sums::fix_transport(packet, &left);
    }
}

/// States the length of a packet that ends with its bytes.
fn state_length(packet: &mut [u8], version: Version) {
    let mut changed = Difference::NONE;
    let length = packet.len();
    match version {
        Version::V4 => {
            changed.replace(packet, 2, |old| stated(length, old));
            changed.settle(packet, 10);
        }
        Version::V6 => {
            let length = length.saturating_sub(ipv6::HEADER_BYTES);
            changed.replace(packet, 4, |old| stated(length, old));
        }
    }
}

/// States the length of a datagram that was longer.
fn state_udp_length(datagram: &mut [u8]) {
    let length = datagram.len();
    let mut unused = Difference::NONE;
    unused.replace(datagram, 4, |old| {
        let shorter = usize::from(u16::from_be_bytes(old)) > length;
        if shorter { stated(length, old) } else { old }
    });
}

/// A length as a field; as it was, where it does not fit.
fn stated(length: usize, old: [u8; 2]) -> [u8; 2] {
    u16::try_from(length).map_or(old, u16::to_be_bytes)
}

//! Checksums that a listing prints, and bytes that it does not.
//!
//! A verbose listing prints the checksum of a segment whose payload it does not print. Two bytes of that payload, the last
//! ones, are chosen so that the printed checksum is right; all others are zero.

use std::ops::Range;

use wire::field::Field;
use wire::packet::{Ip, Packet, Segment};
use wire::payload::Payload;

/// Where the checksum stands in the header of a segment or datagram.
fn place(packet: &Packet) -> Option<usize> {
    let header = packet.total_bytes() - packet.segment.header_bytes() - packet.payload.len();
    match packet.segment {
        Segment::Tcp(_) => Some(header + 16),
        Segment::Udp(_) => Some(header + 6),
        Segment::Icmp(_) => Some(header + 2),
        Segment::Raw(_) => None,
    }
}

/// The checksum of the packet's transport header, as it would be sent.
pub(super) fn sum(packet: &Packet) -> Option<u16> {
    let at = place(packet)?;
    let mut bytes = Vec::with_capacity(packet.total_bytes());
    packet.emit(&mut bytes);
    match bytes.get(at..at + 2) {
        Some(&[high, low]) => Some(u16::from_be_bytes([high, low])),
        _ => None,
    }
}

/// Sends this checksum, whatever is right.
pub(super) fn force(packet: &mut Packet, sum: u16) {
    match &mut packet.segment {
        Segment::Tcp(tcp) => tcp.checksum = Field::Forced(sum),
        Segment::Udp(udp) => udp.checksum = Field::Forced(sum),
        Segment::Icmp(icmp) => icmp.checksum = Field::Forced(sum),
        Segment::Raw(_) => {}
    }
}

/// Makes `right` the checksum of the packet by bytes of its payload that are not known, where there are any. Whether it is
/// the checksum now.
pub(super) fn settle(packet: &mut Packet, right: u16, unknown: Range<usize>) -> bool {
    let Some(now) = sum(packet) else {
        return false;
    };
    if now == right {
        return true;
    }
    let mut bytes = packet.payload.to_vec();
    let word = add(!right, now);
    if !put(&mut bytes, unknown, word) {
        return false;
    }
    let settled = Packet {
        payload: Payload::new(bytes),
        ..packet.clone()
    };
    let is_right = sum(&settled) == Some(right);
    if is_right {
        *packet = settled;
    }
    is_right
}

/// The number with the same upper half that makes `right` the checksum of a packet in which `now` stands.
pub(super) fn half(packet: &Packet, right: u16, now: u32) -> Option<u32> {
    let difference = add(!right, sum(packet)?);
    let [high, low_high, low, last] = now.to_be_bytes();
    let [low, last] = add(u16::from_be_bytes([low, last]), difference).to_be_bytes();
    Some(u32::from_be_bytes([high, low_high, low, last]))
}

/// Adds as the Internet checksum does, with the carry around.
fn add(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u16::from(carry)
}

/// Puts a word at the end of the unknown bytes, which are zero: even places are the high bytes of words.
fn put(bytes: &mut [u8], unknown: Range<usize>, word: u16) -> bool {
    let [high, low] = word.to_be_bytes();
    let mut set = |at: usize, byte: u8| {
        if let Some(room) = bytes.get_mut(at) {
            *room = byte;
        }
    };
    let even = |at: &usize| at.is_multiple_of(2);
    let pair = unknown
        .clone()
        .rev()
        .filter(even)
        .find(|at| at + 1 < unknown.end);
    if let Some(at) = pair {
        set(at, high);
        set(at + 1, low);
        return true;
    }
    // Fewer than three bytes are left, in two words.
    let single = |wanted: bool| unknown.clone().find(|at| even(at) == wanted);
    match (single(true), single(false)) {
        (Some(of_high), Some(of_low)) => {
            set(of_high, high);
            set(of_low, low);
            true
        }
        (Some(of_high), None) if low == 0 => {
            set(of_high, high);
            true
        }
        (None, Some(of_low)) if high == 0 => {
            set(of_low, low);
            true
        }
        _ => false,
    }
}

/// Makes a packet say that it is so long, where that is not what it is.
pub(super) fn force_length(packet: &mut Packet, length: u16) {
    let total = packet.total_bytes();
    match &mut packet.ip {
        Ip::V4(ip) if usize::from(length) != total => ip.total_length = Field::Forced(length),
        Ip::V6(ip) if usize::from(length) + wire::ipv6::HEADER_BYTES != total => {
            ip.payload_length = Field::Forced(length);
        }
        Ip::V4(_) | Ip::V6(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn two_unknown_bytes_make_any_checksum_right(
            bytes in proptest::collection::vec(any::<u8>(), 2..40),
            start in 0usize..40,
            right in 1u16..0xffff,
        ) {
            let mut bytes = bytes;
            let start = start % (bytes.len() - 1);
            bytes[start..].fill(0);
            let mut packet: Packet = "10.0.0.1.1 > 10.0.0.2.2: P. 1 ack 2".parse().unwrap();
            let end = bytes.len();
            packet.payload = Payload::new(bytes.clone());
            prop_assert!(settle(&mut packet, right, start..end));
            prop_assert_eq!(sum(&packet), Some(right));
            prop_assert_eq!(&packet.payload.to_vec()[..start], &bytes[..start]);
        }
    }

    #[test]
    fn known_bytes_never_change() {
        let mut packet: Packet = "10.0.0.1.1 > 10.0.0.2.2: P. 1 ack 2 \"ab\""
            .parse()
            .unwrap();
        let before = packet.clone();
        assert!(!settle(&mut packet, 7, 2..2));
        assert_eq!(packet, before);
    }
}

//! Where the parts of an IP packet stand: what is needed to change it in place.
//!
//! `wire` decodes values; here offsets are wanted, also in packets that are quoted and cut short. No length is believed
//! beyond the bytes there are. IPv6 extension headers are followed as `wire` follows them.

use std::ops::Range;

use wire::{ipv4, ipv6};

/// Extension headers, RFC 8200 section 4; authentication: RFC 4302; mobility: RFC 6275.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
/// Next header of a fragment header.
pub(super) const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;

/// Bytes of a fragment header, RFC 8200 section 4.5.
pub(super) const FRAGMENT_BYTES: usize = 8;

/// Version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V4,
    V6,
}

/// Where the parts of an IP packet stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) version: Version,
    /// Bytes of all headers read: what is above begins there.
    pub(super) header: usize,
    /// Where the packet ends, behind which link padding may follow.
    pub(super) end: usize,
    /// Whether the packet is there to the end that its header names.
    pub(super) whole: bool,
    /// Whether all headers could be read.
    pub(super) sound: bool,
    /// What is above.
    pub(super) protocol: u8,
    /// Fragment offset, in units of 8 bytes.
    pub(super) offset: u16,
    /// Whether more fragments follow.
    pub(super) more: bool,
    /// Whether a routing header names the last receiver, to whom the transport checksum is addressed (RFC 8200 section 8.1).
    pub(super) routed: bool,
    /// IPv6: bytes of the headers that stand in each fragment.
    pub(super) per_fragment: usize,
    /// IPv6: where the last of these headers names what follows.
    pub(super) next_header_at: usize,
    /// IPv6: whether a fragment header stands behind these.
    pub(super) has_fragment_header: bool,
}

impl Shape {
    /// Reads a packet from its network header on; `None` where not even its addresses are there.
    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Option<Shape> {
        match bytes.first()? >> 4 {
            4 => Shape::read_v4(bytes),
            6 => Shape::read_v6(bytes),
            _ => None,
        }
    }

    #[inline]
    fn read_v4(bytes: &[u8]) -> Option<Shape> {
        let header: &[u8; ipv4::HEADER_BYTES] = bytes.first_chunk()?;
        let &[first, _, a, b, _, _, c, d, _, protocol, ..] = header;
        let header = usize::from(first & 0xf) * 4;
        let sound = (ipv4::HEADER_BYTES..=bytes.len()).contains(&header);
        let (end, whole) = end(usize::from(u16::from_be_bytes([a, b])), header, bytes.len());
        let fragment = u16::from_be_bytes([c, d]);
        Some(Shape {
            version: Version::V4,
            header,
            end,
            whole: whole && sound,
            sound,
            protocol,
            offset: fragment & 0x1fff,
            more: fragment & 0x2000 != 0,
            routed: false,
            per_fragment: header,
            next_header_at: 0,
            has_fragment_header: false,
        })
    }

    fn read_v6(bytes: &[u8]) -> Option<Shape> {
        let header: &[u8; ipv6::HEADER_BYTES] = bytes.first_chunk()?;
        let &[_, _, _, _, a, b, protocol, ..] = header;
        let said = match u16::from_be_bytes([a, b]) {
            0 => 0,
            length => ipv6::HEADER_BYTES + usize::from(length),
        };
        let (end, whole) = end(said, ipv6::HEADER_BYTES, bytes.len());
        let mut shape = Shape {
            version: Version::V6,
            header: ipv6::HEADER_BYTES,
            end,
            whole,
            sound: true,
            protocol,
            offset: 0,
            more: false,
            routed: false,
            per_fragment: ipv6::HEADER_BYTES,
            next_header_at: 6,
            has_fragment_header: false,
        };
        while shape.offset == 0 && shape.sound && is_extension(shape.protocol) {
            shape.step_over(bytes);
        }
        shape.whole &= shape.sound;
        Some(shape)
    }

    /// Steps over one extension header.
    fn step_over(&mut self, bytes: &[u8]) {
        let rest = bytes.get(self.header..self.end).unwrap_or_default();
        let Some(&[next, length, high, low]) = rest.first_chunk() else {
            self.sound = false;
            return;
        };
        let size = match self.protocol {
            FRAGMENT => FRAGMENT_BYTES,
            AUTHENTICATION => (usize::from(length) + 2) * 4,
            _ => (usize::from(length) + 1) * 8,
        };
        if size > rest.len() {
            self.sound = false;
            return;
        }
        match self.protocol {
            FRAGMENT => {
                let word = u16::from_be_bytes([high, low]);
                (self.offset, self.more) = (word >> 3, word & 1 != 0);
                if !self.has_fragment_header {
                    self.has_fragment_header = true;
                    self.per_fragment = self.header;
                }
            }
            HOP_BY_HOP | ROUTING if !self.has_fragment_header => {
                self.per_fragment = self.header + size;
                self.next_header_at = self.header;
            }
            _ => {}
        }
        // The last byte of these four counts the segments left, of which some name receivers to come.
        self.routed |= self.protocol == ROUTING && low != 0;
        self.protocol = next;
        self.header += size;
    }

    /// Where the transport header and what it carries stand, unless an earlier fragment holds the header.
    #[inline]
    pub(super) fn transport(&self) -> Option<Range<usize>> {
        (self.sound && self.offset == 0).then_some(self.header..self.end)
    }

    /// Whether the packet is a part of a larger one.
    pub(super) fn is_fragment(&self) -> bool {
        self.offset != 0 || self.more
    }
}

fn is_extension(protocol: u8) -> bool {
    matches!(
        protocol,
        HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY
    )
}

/// Where a packet ends that says it has so many bytes, and whether it is there to its end. A length of 0 is what a sender's
/// own capture shows before the network card cuts the segments: then all bytes belong.
#[inline]
fn end(said: usize, header: usize, available: usize) -> (usize, bool) {
    match said {
        0 => (available, true),
        said => (said.max(header).min(available), said <= available),
    }
}

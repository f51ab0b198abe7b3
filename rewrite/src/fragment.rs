//! Fragments: IPv4 (RFC 791 section 3.2), IPv6 (RFC 8200 section 4.5).
//!
//! A packet that is a fragment already is split further. DF does not hinder: the sender's path carried the packet whole, and
//! it is the lab that does not. Link padding is dropped. An IPv4 header sum that is wrong stays wrong by as much; transport
//! sums stand in the first fragment and hold for the whole.

use wire::checksum::Checksum;
use wire::ipv4;

use super::layout::Layout;
use super::rewritten::Skip;
use super::shape::{FRAGMENT, FRAGMENT_BYTES, Shape, Version};

/// The last fragment offset that 13 bits can say, in units of 8 bytes.
const LAST_OFFSET: usize = 0x1fff;
/// The DF bit among flags and offset.
const DONT_FRAGMENT: u16 = 0x4000;
/// The MF bit.
const MORE_FRAGMENTS: u16 = 0x2000;
/// The reserved bit, which each fragment keeps.
const RESERVED: u16 = 0x8000;
/// Bytes of the longest IPv4 header.
const MAX_HEADER: usize = ipv4::HEADER_BYTES + ipv4::MAX_OPTION_BYTES;
/// The bit of an option's type that has it copied into all fragments.
const COPIED: u8 = 0x80;
/// Options of one byte: the end of the list, and padding.
const END_OF_LIST: u8 = 0;
const NO_OPERATION: u8 = 1;

/// Frames that one record became, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) bytes: Vec<u8>,
    pub(super) lengths: Vec<usize>,
    /// Packets split so far, so that no two have the same identification.
    split: u32,
}

impl Pieces {
    /// Adds a frame of these parts; returns it from its network header on.
    fn push(&mut self, layout: &Layout, parts: &[&[u8]]) -> &mut [u8] {
        let start = self.bytes.len();
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.lengths.push(self.bytes.len() - start);
        let frame = self.bytes.get_mut(start..).unwrap_or_default();
        layout.state_length(frame);
        frame.get_mut(layout.network..).unwrap_or_default()
    }
}

/// Splits a frame's packet so that each fragment fits the room; says whether DF was set.
pub(super) fn split(
    frame: &[u8],
    layout: &Layout,
    shape: &Shape,
    room: usize,
    pieces: &mut Pieces,
) -> Result<bool, Skip> {
    pieces.bytes.clear();
    pieces.lengths.clear();
    pieces.split = pieces.split.wrapping_add(1);
    let (link, packet) = frame
        .get(..layout.network + shape.end)
        .and_then(|frame| frame.split_at_checked(layout.network))
        .filter(|_| shape.sound)
        .ok_or(Skip::Unfragmentable)?;
    match shape.version {
        Version::V4 => split_v4(link, packet, layout, shape, room, pieces),
        Version::V6 => split_v6(link, packet, layout, shape, room, pieces).map(|()| false),
    }
}

fn split_v4(
    link: &[u8],
    packet: &[u8],
    layout: &Layout,
    shape: &Shape,
    room: usize,
    pieces: &mut Pieces,
) -> Result<bool, Skip> {
    let whole = packet.split_at_checked(shape.header);
    let (first, payload) = whole.ok_or(Skip::Unfragmentable)?;
    let later = LaterHeader::of(first);
    // What the sum over a header comes to; all ones when it is right.
    let sum = !Checksum::new().bytes(first).finish();
    let flags = word(first, 6);
    let mut payload = Payload::new(payload, shape.offset, shape.more);
    let mut header = first;
    while !payload.rest.is_empty() {
        let part = payload.take(room.saturating_sub(header.len()))?;
        let packet = pieces.push(layout, &[link, header, part.bytes]);
        let length = u16::try_from(packet.len()).map_err(|_| Skip::Unfragmentable)?;
        let more = if part.more { MORE_FRAGMENTS } else { 0 };
        put(packet, 2, length);
        put(packet, 6, (flags & RESERVED) | more | part.offset);
        restate_sum(packet.get_mut(..header.len()).unwrap_or_default(), sum);
        header = later.bytes();
    }
    Ok(flags & DONT_FRAGMENT != 0)
}

/// The header of all fragments but the first: of its options it has those that are to be copied.
struct LaterHeader {
    bytes: [u8; MAX_HEADER],
    length: usize,
}

impl LaterHeader {
    fn of(first: &[u8]) -> Self {
        let mut header = LaterHeader {
            bytes: [END_OF_LIST; MAX_HEADER],
            length: 0,
        };
        let (fixed, mut options) = first
            .split_at_checked(ipv4::HEADER_BYTES)
            .unwrap_or_default();
        header.push(fixed);
        while let Some((option, rest)) = split_option(options) {
            if option.first().is_some_and(|kind| kind & COPIED != 0) {
                header.push(option);
            }
            options = rest;
        }
        header.length = header.length.next_multiple_of(4);
        let [version_and_length, ..] = &mut header.bytes;
        *version_and_length = 0x40 | u8::try_from(header.length / 4).unwrap_or(0xf);
        header
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(bytes);
            self.length = end;
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The first option and those behind it; `None` at the end, and where a length is impossible.
fn split_option(options: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = match options {
        [] | [END_OF_LIST, ..] => return None,
        [NO_OPERATION, ..] => 1,
        [_, length, ..] if *length >= 2 => usize::from(*length),
        _ => return None,
    };
    options.split_at_checked(length)
}

fn split_v6(
    link: &[u8],
    packet: &[u8],
    layout: &Layout,
    shape: &Shape,
    room: usize,
    pieces: &mut Pieces,
) -> Result<(), Skip> {
    let parts = packet.split_at_checked(shape.per_fragment);
    let (headers, rest) = parts.ok_or(Skip::Unfragmentable)?;
    let (fragment, mut payload) = fragment_header(headers, rest, shape, pieces.split);
    let room = room.saturating_sub(headers.len() + FRAGMENT_BYTES);
    while !payload.rest.is_empty() {
        let part = payload.take(room)?;
        let packet = pieces.push(layout, &[link, headers, &fragment, part.bytes]);
        let length = u16::try_from(packet.len() - wire::ipv6::HEADER_BYTES);
        put(packet, 4, length.map_err(|_| Skip::Unfragmentable)?);
        if !shape.has_fragment_header
            && let Some(next) = packet.get_mut(shape.next_header_at)
        {
            *next = FRAGMENT;
        }
        let word = (part.offset << 3) | u16::from(part.more);
        put(packet, headers.len() + 2, word);
    }
    Ok(())
}

/// The header of all fragments, and what they carry: those of a fragment, or else new ones.
fn fragment_header<'a>(
    headers: &[u8],
    rest: &'a [u8],
    shape: &Shape,
    split: u32,
) -> ([u8; FRAGMENT_BYTES], Payload<'a>) {
    match rest.split_first_chunk::<FRAGMENT_BYTES>() {
        Some((fragment, rest)) if shape.has_fragment_header => {
            let word = word(fragment, 2);
            (*fragment, Payload::new(rest, word >> 3, word & 1 != 0))
        }
        _ => {
            let next = headers.get(shape.next_header_at).copied();
            let [a, b, c, d] = identification(headers, split).to_be_bytes();
            let fragment = [next.unwrap_or_default(), 0, 0, 0, a, b, c, d];
            (fragment, Payload::new(rest, 0, false))
        }
    }
}

/// An identification that differs between flows and between the packets of one.
fn identification(headers: &[u8], split: u32) -> u32 {
    let addresses = headers.get(8..40).unwrap_or_default();
    let flow = u32::from(Checksum::new().bytes(addresses).finish());
    (flow << 16).wrapping_add(split)
}

/// What of a payload is still to be sent.
struct Payload<'a> {
    rest: &'a [u8],
    /// Where the rest begins in the datagram, in units of 8 bytes.
    offset: usize,
    /// Whether more of the datagram follows in other packets.
    more: bool,
}

/// One fragment's payload.
struct Part<'a> {
    bytes: &'a [u8],
    offset: u16,
    more: bool,
}

impl<'a> Payload<'a> {
    fn new(rest: &'a [u8], offset: u16, more: bool) -> Self {
        Payload {
            rest,
            offset: usize::from(offset),
            more,
        }
    }

    /// Takes as much as fits: all, or else a multiple of eight bytes.
    fn take(&mut self, room: usize) -> Result<Part<'a>, Skip> {
        let parts = self.rest.split_at_checked(room & !7);
        let (bytes, rest) = match parts {
            Some(parts) if self.rest.len() > room => parts,
            _ => (self.rest, &[] as &[u8]),
        };
        if bytes.is_empty() || self.offset > LAST_OFFSET {
            return Err(Skip::Unfragmentable);
        }
        let offset = u16::try_from(self.offset).map_err(|_| Skip::Unfragmentable)?;
        self.rest = rest;
        self.offset += bytes.len() / 8;
        Ok(Part {
            bytes,
            offset,
            more: self.more || !rest.is_empty(),
        })
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
    word.map_or(0, |word| u16::from_be_bytes(*word))
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(field) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *field = value.to_be_bytes();
    }
}

/// States an IPv4 header's checksum so that the sum over the header comes to `sum`.
fn restate_sum(header: &mut [u8], sum: u16) {
    put(header, 10, 0);
    let right = Checksum::new().bytes(header).finish();
    let stated = match sum {
        0xffff => right,
        // One's complement addition is complement, sum, complement.
        sum => !Checksum::new().word(right).word(sum).finish(),
    };
    put(header, 10, stated);
}

//! How frames lie in a block: a header that counts them, then each with a header of its own.
//!
//! Read as bytes, and with every offset checked, so that nothing here depends on the kernel's being right.

use std::mem::offset_of;

use libc::{tpacket_block_desc, tpacket_hdr_v1, tpacket_hdr_variant1, tpacket3_hdr};
use wire::Timestamp;

/// Bytes of the addresses, which a VLAN tag follows.
const ADDRESSES: usize = 12;
/// The customer tag, which the kernel means where it names no other (IEEE 802.1Q).
const CUSTOMER_TAG: u16 = 0x8100;

const BLOCK_HEADER: usize = offset_of!(tpacket_block_desc, hdr);
const FRAMES: usize = BLOCK_HEADER + offset_of!(tpacket_hdr_v1, num_pkts);
const FIRST: usize = BLOCK_HEADER + offset_of!(tpacket_hdr_v1, offset_to_first_pkt);
const VARIANT: usize = offset_of!(tpacket3_hdr, hv1);

/// A place in a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    frames: u32,
    left: u32,
    at: usize,
}

/// A frame in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot<'a> {
    pub(super) time: Timestamp,
    pub(super) original_length: usize,
    pub(super) bytes: &'a [u8],
    /// A VLAN tag that is not among the bytes.
    pub(super) tag: Option<Tag>,
}

/// A VLAN tag: protocol and control information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    protocol: u16,
    control: u16,
}

impl Tag {
    /// Bytes of a tag.
    pub(super) const LENGTH: usize = 4;

    /// The frame with this tag where it was: behind the addresses.
    pub(super) fn put_back<'a>(self, frame: &[u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let (addresses, rest) = frame.split_at(frame.len().min(ADDRESSES));
        scratch.clear();
        scratch.extend_from_slice(addresses);
        scratch.extend_from_slice(&self.protocol.to_be_bytes());
        scratch.extend_from_slice(&self.control.to_be_bytes());
        scratch.extend_from_slice(rest);
        scratch
    }
}

impl Cursor {
    /// Before the first frame of a block; `None` for bytes that hold no block header.
    pub(super) fn new(block: &[u8]) -> Option<Cursor> {
        let frames = word(block, FRAMES)?;
        Some(Cursor {
            frames,
            left: frames,
            at: size(block, FIRST)?,
        })
    }

    /// How many frames the block has.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    /// The next frame of the block.
    #[inline]
    pub(super) fn next<'a>(&mut self, block: &'a [u8]) -> Option<Slot<'a>> {
        self.left = self.left.checked_sub(1)?;
        let slot = block.get(self.at..)?;
        self.at += size(slot, offset_of!(tpacket3_hdr, tp_next_offset))?;
        let start = usize::from(half(slot, offset_of!(tpacket3_hdr, tp_mac))?);
        let captured = size(slot, offset_of!(tpacket3_hdr, tp_snaplen))?;
        let seconds = word(slot, offset_of!(tpacket3_hdr, tp_sec))?;
        let nanos = word(slot, offset_of!(tpacket3_hdr, tp_nsec))?;
        Some(Slot {
            time: Timestamp::from_parts(u64::from(seconds), nanos),
            original_length: size(slot, offset_of!(tpacket3_hdr, tp_len))?,
            bytes: slot.get(start..)?.get(..captured)?,
            tag: tag(slot)?,
        })
    }
}

/// The tag that the kernel has taken off, if it has.
#[inline]
fn tag(slot: &[u8]) -> Option<Option<Tag>> {
    let status = word(slot, offset_of!(tpacket3_hdr, tp_status))?;
    if status & libc::TP_STATUS_VLAN_VALID == 0 {
        return Some(None);
    }
    let control = word(
        slot,
        VARIANT + offset_of!(tpacket_hdr_variant1, tp_vlan_tci),
    )?;
    let protocol = half(
        slot,
        VARIANT + offset_of!(tpacket_hdr_variant1, tp_vlan_tpid),
    )?;
    let named = status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
    Some(Some(Tag {
        protocol: if named { protocol } else { CUSTOMER_TAG },
        control: u16::try_from(control & 0xffff).ok()?,
    }))
}

#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|b| u32::from_ne_bytes(*b))
}

#[inline]
fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|b| u16::from_ne_bytes(*b))
}

#[inline]
fn size(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(word(bytes, at)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn put(bytes: &mut [u8], at: usize, number: u32) {
        bytes[at..at + 4].copy_from_slice(&number.to_ne_bytes());
    }

    /// A block of frames, each at its number of seconds, as the kernel lays them out.
    fn block(frames: &[&[u8]]) -> Vec<u8> {
        let first = 48;
        let mut block = vec![0; first];
        put(&mut block, FRAMES, u32::try_from(frames.len()).unwrap());
        put(&mut block, FIRST, u32::try_from(first).unwrap());
        for (seconds, frame) in (0u32..).zip(frames) {
            let mut slot = vec![0; 82];
            slot.extend_from_slice(frame);
            slot.resize(slot.len().next_multiple_of(16), 0);
            let (length, captured) = (slot.len(), u32::try_from(frame.len()).unwrap());
            put(&mut slot, 0, u32::try_from(length).unwrap());
            put(&mut slot, offset_of!(tpacket3_hdr, tp_sec), seconds);
            put(&mut slot, offset_of!(tpacket3_hdr, tp_nsec), 7);
            put(&mut slot, offset_of!(tpacket3_hdr, tp_snaplen), captured);
            put(&mut slot, offset_of!(tpacket3_hdr, tp_len), captured + 1);
            let mac = offset_of!(tpacket3_hdr, tp_mac);
            slot[mac..mac + 2].copy_from_slice(&82u16.to_ne_bytes());
            block.extend(slot);
        }
        block
    }

    #[test]
    fn frames_come_in_order_with_time_and_length() {
        let block = block(&[b"one", b"", b"three"]);
        let mut cursor = Cursor::new(&block).unwrap();
        assert_eq!(cursor.frames(), 3);
        for (seconds, frame) in [(0, &b"one"[..]), (1, b""), (2, b"three")] {
            let slot = cursor.next(&block).unwrap();
            assert_eq!(slot.time, Timestamp::from_parts(seconds, 7));
            assert_eq!((slot.bytes, slot.tag), (frame, None));
            assert_eq!(slot.original_length, frame.len() + 1);
        }
        assert_eq!(cursor.next(&block), None);
    }

    #[test]
    fn a_tag_taken_off_is_put_back() {
        let frame = *b"TARGETsource\x08\x00IP";
        let mut block = block(&[&frame]);
        let status = 48 + offset_of!(tpacket3_hdr, tp_status);
        put(&mut block, status, libc::TP_STATUS_VLAN_VALID);
        let variant = 48 + VARIANT;
        put(&mut block, variant + 4, 0x6064);
        let read = |block: &[u8]| {
            let slot = Cursor::new(block).unwrap().next(block).unwrap();
            let mut scratch = vec![1, 2, 3];
            slot.tag
                .unwrap()
                .put_back(slot.bytes, &mut scratch)
                .to_vec()
        };
        assert_eq!(read(&block), b"TARGETsource\x81\x00\x60\x64\x08\x00IP");
        let both = libc::TP_STATUS_VLAN_VALID | libc::TP_STATUS_VLAN_TPID_VALID;
        put(&mut block, status, both);
        block[variant + 8..variant + 10].copy_from_slice(&0x88a8u16.to_ne_bytes());
        assert_eq!(read(&block), b"TARGETsource\x88\xa8\x60\x64\x08\x00IP");
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(mut cursor) = Cursor::new(&bytes) {
                let mut frames = 0u32;
                while cursor.next(&bytes).is_some() && frames < 1000 {
                    frames += 1;
                }
                prop_assert!(frames <= cursor.frames());
            }
        }

        #[test]
        fn a_block_cut_anywhere_gives_its_first_frames(cut in 0usize..400) {
            let whole = block(&[b"first", b"second", b"third"]);
            let cut = &whole[..cut.min(whole.len())];
            let Some(mut cursor) = Cursor::new(cut) else { return Ok(()) };
            for frame in [&b"first"[..], b"second", b"third"] {
                match cursor.next(cut) {
                    Some(slot) => prop_assert_eq!(slot.bytes, frame),
                    None => break,
                }
            }
        }
    }
}

//! VLAN tags, IEEE 802.1Q and 802.1ad.

use wire::ethernet::{self, VLAN};

use super::plan::Vlan;

/// Bytes of a tag.
pub(super) const TAG_BYTES: usize = 4;
/// Where the first tag stands: behind the addresses.
const TAGS_AT: usize = 12;
/// The bits of a tag that are priority and drop eligibility; the others are the identifier.
const PRIORITY: u16 = 0xf000;

/// Changes the tags of an Ethernet frame.
pub(super) fn apply(vlan: Vlan, frame: &mut Vec<u8>) {
    match vlan {
        Vlan::Keep => {}
        Vlan::Remove => {
            frame.drain(TAGS_AT..TAGS_AT + tag_bytes(frame));
        }
        Vlan::Set(id) if tag_bytes(frame) == 0 => {
            let ([a, b], [c, d]) = (VLAN.to_be_bytes(), id.to_be_bytes());
            frame.splice(TAGS_AT..TAGS_AT, [a, b, c, d]);
        }
        Vlan::Set(id) => {
            let control = frame
                .get_mut(TAGS_AT + 2..)
                .and_then(<[u8]>::first_chunk_mut);
            if let Some(control) = control {
                let priority = u16::from_be_bytes(*control) & PRIORITY;
                *control = (priority | id).to_be_bytes();
            }
        }
    }
}

/// Bytes of all tags that a frame of at least 14 bytes has. One that is cut short is none.
pub(super) fn tag_bytes(frame: &[u8]) -> usize {
    let mut rest = frame.get(TAGS_AT..).unwrap_or_default();
    let before = rest.len();
    // The type that follows a tag must be there, or the frame would end in the middle of its header.
    while let &[a, b, _, _, _, _, ..] = rest
        && ethernet::is_vlan_tag(u16::from_be_bytes([a, b]))
    {
        rest = rest.get(TAG_BYTES..).unwrap_or_default();
    }
    before - rest.len()
}

//! Where the parts of an Ethernet frame stand.

use wire::ethernet::{self, LLC_SNAP, MAX_LENGTH};

use super::shape::{Shape, Version};
use super::vlan;

/// LLC header (DSAP, SSAP, control) of IP without SNAP.
const LLC_IP: [u8; 3] = [0x06, 0x06, 0x03];

/// Where the parts of an Ethernet frame stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Where the link header ends, LLC and SNAP not included: what is behind counts to the MTU.
    pub(super) behind_type: usize,
    /// Where the network header begins.
    pub(super) network: usize,
    /// Where the frame ends, by its 802.3 length where it has one.
    pub(super) end: usize,
    /// What the network header is; `None` where LLC says neither IP nor SNAP.
    pub(super) ether_type: Option<u16>,
    /// Where the 802.3 length stands, in frames that have one.
    length_at: Option<usize>,
}

impl Layout {
    /// Reads a frame; `None` where it has no whole header.
    #[inline]
    pub(super) fn read(frame: &[u8]) -> Option<Layout> {
        let type_at = 12 + vlan::tag_bytes(frame);
        let &ether_type = frame.get(type_at..)?.first_chunk::<2>()?;
        let ether_type = u16::from_be_bytes(ether_type);
        let layout = Layout {
            behind_type: type_at + 2,
            network: type_at + 2,
            end: frame.len(),
            ether_type: Some(ether_type),
            length_at: None,
        };
        if ether_type > MAX_LENGTH {
            return Some(layout);
        }
        Some(layout.read_llc(frame, type_at, usize::from(ether_type)))
    }

    fn read_llc(self, frame: &[u8], length_at: usize, length: usize) -> Layout {
        let end = (self.behind_type + length).min(frame.len());
        let body = frame.get(self.behind_type..end).unwrap_or_default();
        let (header_bytes, ether_type) = match body.strip_prefix(&LLC_SNAP) {
            Some(&[a, b, ..]) => (LLC_SNAP.len() + 2, Some(u16::from_be_bytes([a, b]))),
            _ if body.starts_with(&LLC_IP) => (LLC_IP.len(), Some(ethernet::IPV4)),
            _ => (0, None),
        };
        Layout {
            network: self.network + header_bytes,
            end,
            ether_type,
            length_at: Some(length_at),
            ..self
        }
    }

    /// The IP packet that the frame carries, if it is one.
    #[inline]
    pub(super) fn ip(&self, frame: &[u8]) -> Option<Shape> {
        let version = match self.ether_type? {
            ethernet::IPV4 => Version::V4,
            ethernet::IPV6 => Version::V6,
            _ => return None,
        };
        Shape::read(frame.get(self.network..self.end)?).filter(|shape| shape.version == version)
    }

    /// States the 802.3 length, where there is one, of a frame that ends with its payload.
    pub(super) fn state_length(&self, frame: &mut [u8]) {
        let length = u16::try_from(frame.len() - self.behind_type.min(frame.len()));
        let field = self
            .length_at
            .and_then(|at| frame.get_mut(at..)?.first_chunk_mut());
        if let (Some(field), Ok(length)) = (field, length) {
            *field = length.to_be_bytes();
        }
    }
}

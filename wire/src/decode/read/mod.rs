//! Reading frames, header by header.

mod link;
mod network;
mod segment;

use super::layers::Layers;
use super::link_type::LinkType;
use super::report::Reading;
use link::AboveLink;
use segment::Segment;

pub use link::loopback_ether_type;

impl<'a> Layers<'a> {
    /// Reads a frame that was captured whole.
    #[inline]
    pub fn decode(link_type: LinkType, bytes: &'a [u8]) -> Layers<'a> {
        Layers::decode_cut(link_type, bytes, bytes.len())
    }

    /// Reads a frame of which only the first part may have been captured: `original_length` is its length on the
    /// wire. A length beyond the captured bytes then is no lie.
    #[inline]
    pub fn decode_cut(link_type: LinkType, bytes: &'a [u8], original_length: usize) -> Layers<'a> {
        let mut layers = Layers::default();
        layers.read(link_type, bytes, original_length);
        layers
    }

    /// As [`decode_cut`](Layers::decode_cut), into layers that have held nothing before: moving what was read costs as
    /// much as reading it, which counts where millions are read a second.
    #[inline(always)]
    pub fn read(&mut self, link_type: LinkType, bytes: &'a [u8], original_length: usize) {
        let mut reading = self.begin(original_length.saturating_sub(bytes.len()));
        let above = link::read(link_type, bytes, self, &mut reading);
        self.read_above(above, bytes.len(), &mut reading);
    }

    /// Reads a packet that starts with its network header.
    pub fn decode_ip(bytes: &'a [u8]) -> Layers<'a> {
        Layers::decode(LinkType::RAW, bytes)
    }

    /// Reads a transport segment that was put together from fragments, as if the first of them had been whole.
    pub fn with_segment(&self, protocol: u8, segment: &'a [u8]) -> Layers<'a> {
        let whole = Segment {
            protocol,
            bytes: segment,
            length: segment.len(),
            partial: false,
        };
        let mut layers = Layers {
            stop: None,
            ..*self
        };
        segment::read(whole, &mut layers, Reading::new(0));
        layers
    }

    /// Reads a packet that starts with its network header, behind an EtherType; so many bytes of it were not captured.
    pub(super) fn decode_typed(ether_type: u16, bytes: &'a [u8], missing: usize) -> Layers<'a> {
        let mut layers = Layers::default();
        let mut reading = layers.begin(missing);
        let above = link::read_typed(ether_type, bytes, &mut layers, &mut reading);
        layers.read_above(above, bytes.len(), &mut reading);
        layers
    }

    /// Reads what stands above the link header, at the end of a frame of so many bytes.
    #[inline(always)]
    fn read_above(&mut self, above: AboveLink<'a>, frame: usize, reading: &mut Reading) {
        reading.offset = frame - above.bytes.len();
        network::read(above.ether_type, above.bytes, self, reading);
    }
}

//! From any bytes to layers, laxly.
//!
//! Decoding never fails as a whole: [`Layers`] holds what could be read, [`Layers::stop`] names what ended the
//! reading, and [`Layers::anomalies`] what was odd on the way. No length field is trusted, nothing is allocated.
//!
//! What is wrapped (tunnels, MPLS, PPP) ends in a [`Stop`] or as [`Transport::Other`]; [`Layers::open`] then takes the
//! wrapping off. Not decoded: IPv6 jumbograms, encrypted frames.

mod envelope;
mod layers;
mod link;
mod link_type;
mod network;
mod quote;
mod report;
mod segment;
mod sums;
mod transport;

pub use envelope::{Envelope, MAX_ENVELOPES, Opened};
pub use layers::Layers;
pub use link::{LinkLayer, loopback_ether_type};
pub use link_type::LinkType;
pub use network::{Arp, Network, V4, V6};
pub use quote::Quote;
pub use report::{Anomalies, Layer, Stop, StopReason};
pub use transport::{IcmpView, TcpView, Transport, UdpView};

use link::AboveLink;
use report::Reading;

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
        let whole = segment::Segment {
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

    /// Reads what stands above the link header, at the end of a frame of so many bytes.
    #[inline(always)]
    fn read_above(&mut self, above: AboveLink<'a>, frame: usize, reading: &mut Reading) {
        reading.offset = frame - above.bytes.len();
        network::read(above.ether_type, above.bytes, self, reading);
    }
}

#[cfg(test)]
mod tests;

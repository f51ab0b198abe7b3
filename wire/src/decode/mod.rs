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
    #[inline]
    pub fn read(&mut self, link_type: LinkType, bytes: &'a [u8], original_length: usize) {
        let mut reading = Reading::new(original_length.saturating_sub(bytes.len()));
        let above = link::read(link_type, bytes, &mut self.link, &mut reading);
        reading.at(bytes.len() - above.bytes.len());
        self.read_above(&above, reading);
    }

    /// Reads a packet that starts with its network header.
    pub fn decode_ip(bytes: &'a [u8]) -> Layers<'a> {
        Layers::decode(LinkType::RAW, bytes)
    }

    /// Reads a transport segment that was put together from fragments, as if the first of them had been whole.
    pub fn with_segment(&self, protocol: u8, segment: &'a [u8]) -> Layers<'a> {
        let mut reading = Reading::new(0);
        let whole = network::Segment {
            protocol,
            bytes: segment,
            length: segment.len(),
            partial: false,
        };
        let mut layers = *self;
        segment::read(&whole, &mut layers, &mut reading);
        layers.stop = reading.stop;
        layers.anomalies = self.anomalies | reading.anomalies;
        layers
    }

    /// Reads what stands above the link header.
    #[inline(always)]
    fn read_above(&mut self, above: &AboveLink<'a>, mut reading: Reading) {
        let (ether_type, bytes) = (above.ether_type, above.bytes);
        match network::read(ether_type, bytes, &mut self.network, &mut reading) {
            network::Above::Transport(carried) => segment::read(&carried, self, &mut reading),
            network::Above::Fragment(bytes, length) => {
                self.carry(Transport::Fragment, bytes, length);
            }
            network::Above::Nothing(rest) => {
                self.carry(Transport::None, rest, rest.len());
            }
        }
        self.stop = reading.stop;
        self.anomalies = reading.anomalies;
    }
}

#[cfg(test)]
mod tests;

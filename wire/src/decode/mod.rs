//! From any bytes to layers, laxly.
//!
//! Decoding never fails as a whole: [`Layers`] holds what could be read, [`Layers::stop`] names what ended the
//! reading, and [`Layers::anomalies`] what was odd on the way. No length field is trusted, nothing is allocated.
//!
//! What is wrapped (tunnels, MPLS, PPP) ends in a [`Stop`] or as [`Transport::Other`]; [`Layers::open`] then takes the
//! wrapping off. Not decoded: IPv6 jumbograms, encrypted frames.

mod envelope;
mod link;
mod link_type;
mod network;
mod report;
mod transport;

use std::net::IpAddr;

pub use envelope::{Envelope, MAX_ENVELOPES, Opened};
pub use link::{LinkLayer, loopback_ether_type};
pub use link_type::LinkType;
pub use network::{Arp, Network, V4, V6};
pub use report::{Anomalies, Layer, Stop, StopReason};
pub use transport::{IcmpView, Quote, TcpView, Transport, UdpView};

use link::AboveLink;
use report::Reading;

/// What was read of one frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layers<'a> {
    /// Link header.
    pub link: LinkLayer,
    /// Network header.
    pub network: Network<'a>,
    /// Transport header.
    pub transport: Transport<'a>,
    /// What the last header read carries, as far as it was captured, without link padding.
    pub payload: &'a [u8],
    /// Bytes of payload on the wire as the headers say, captured or not.
    pub payload_length: usize,
    /// What ended the reading before its natural end.
    pub stop: Option<Stop>,
    /// What was odd on the way.
    pub anomalies: Anomalies,
}

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
        transport::read(&whole, &mut layers, &mut reading);
        layers.stop = reading.stop;
        layers.anomalies = self.anomalies | reading.anomalies;
        layers
    }

    /// Reads what stands above the link header.
    #[inline(always)]
    fn read_above(&mut self, above: &AboveLink<'a>, mut reading: Reading) {
        let (ether_type, bytes) = (above.ether_type, above.bytes);
        match network::read(ether_type, bytes, &mut self.network, &mut reading) {
            network::Above::Transport(segment) => transport::read(&segment, self, &mut reading),
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

    /// What the last header that was read is, and what it carries.
    #[inline(always)]
    fn carry(&mut self, transport: Transport<'a>, payload: &'a [u8], length: usize) {
        self.transport = transport;
        self.payload = payload;
        self.payload_length = length;
    }

    /// Sender and receiver of the IP packet.
    pub fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        match &self.network {
            Network::V4(ip) => Some((ip.source.into(), ip.destination.into())),
            Network::V6(ip) => Some((ip.source.into(), ip.destination.into())),
            Network::Arp(_) | Network::None => None,
        }
    }

    /// Ports of sender and receiver, where there are ports.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match &self.transport {
            Transport::Tcp(tcp) => Some((tcp.source, tcp.destination)),
            Transport::Udp(udp) => Some((udp.source, udp.destination)),
            _ => None,
        }
    }

    /// Time to live, or hop limit.
    pub fn ttl(&self) -> Option<u8> {
        match &self.network {
            Network::V4(ip) => Some(ip.ttl),
            Network::V6(ip) => Some(ip.hop_limit),
            Network::Arp(_) | Network::None => None,
        }
    }

    /// The packet that an ICMP or ICMPv6 error quotes, as far as it is there: RFC 792 promises its header and
    /// eight bytes more, which is enough for addresses and ports.
    pub fn quoted(&self) -> Option<Quote<'a>> {
        match &self.transport {
            Transport::Icmp(icmp) if icmp.is_error() => Quote::read(self.payload),
            Transport::Icmpv6(icmp) if icmp.is_error_v6() => Quote::read(self.payload),
            _ => None,
        }
    }

    /// Works out the checksums and returns those anomalies that they add. Kept apart from decoding because it
    /// touches each byte, and because sums are often wrong for innocent reasons (offloading to the network card).
    /// Sums over bytes that were not captured, and those of fragments, are not judged.
    pub fn checksum_anomalies(&self) -> Anomalies {
        transport::checksum_anomalies(self)
    }
}

#[cfg(test)]
mod tests;

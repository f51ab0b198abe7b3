//! Checksums of what was read.

use super::layers::Layers;
use super::network::Network;
use super::report::Anomalies;
use super::transport::{Transport, UdpView};
use crate::checksum::Checksum;
use crate::packet::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};

impl Layers<'_> {
    /// Works out the checksums and returns those anomalies that they add. Kept apart from decoding because it
    /// touches each byte, and because sums are often wrong for innocent reasons (offloading to the network card).
    /// Sums over bytes that were not captured, and those of fragments, are not judged.
    pub fn checksum_anomalies(&self) -> Anomalies {
        let mut found = Anomalies::NONE;
        if let Network::V4(ip) = &self.network
            && Checksum::new().bytes(ip.header).finish() != 0
        {
            found |= Anomalies::IP_CHECKSUM;
        }
        let (segment, protocol) = match &self.transport {
            Transport::Tcp(tcp) => (tcp.segment, PROTOCOL_TCP),
            Transport::Udp(udp) if no_udp_sum(udp) => return found,
            Transport::Udp(udp) => (udp.segment, PROTOCOL_UDP),
            Transport::Icmp(icmp) => (icmp.segment, PROTOCOL_ICMP),
            Transport::Icmpv6(icmp) => (icmp.segment, PROTOCOL_ICMPV6),
            Transport::None | Transport::Fragment | Transport::Other(_) => return found,
        };
        let partial = match &self.network {
            Network::V4(ip) => ip.is_fragment(),
            Network::V6(ip) => ip.fragment.is_some_and(|(_, more)| more),
            _ => true,
        };
        if partial
            || self.payload.len() < self.payload_length
            || self.anomalies.contains(Anomalies::IP_LENGTH_BEYOND)
        {
            return found;
        }
        let Ok(length) = u16::try_from(segment.len()) else {
            return found;
        };
        let sum = match &self.network {
            Network::V4(_) if protocol == PROTOCOL_ICMP => Checksum::new(),
            Network::V4(ip) => {
                Checksum::new().pseudo_v4(ip.source, ip.destination, protocol, length)
            }
            Network::V6(ip) => {
                Checksum::new().pseudo_v6(ip.source, ip.destination, protocol, length)
            }
            _ => return found,
        };
        if sum.bytes(segment).finish() != 0 {
            found |= Anomalies::TRANSPORT_CHECKSUM;
        }
        found
    }
}

/// A UDP checksum of 0 says that there is none, RFC 768.
fn no_udp_sum(udp: &UdpView<'_>) -> bool {
    matches!(udp.segment, &[_, _, _, _, _, _, 0, 0, ..])
}

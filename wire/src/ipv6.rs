//! IPv6 headers, RFC 8200. Extension headers are decoded, not made.

use std::net::Ipv6Addr;

use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::ipv6::MutableIpv6Packet;

use crate::field::Field;

/// Bytes of the fixed header.
pub const HEADER_BYTES: usize = 40;

/// An IPv6 header to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// Sender, true or forged.
    pub source: Ipv6Addr,
    /// Receiver.
    pub destination: Ipv6Addr,
    /// Differentiated services and ECN.
    pub traffic_class: u8,
    /// Flow label; 20 bits.
    pub flow_label: u32,
    /// Bytes after this header.
    pub payload_length: Field<u16>,
    /// What the packet carries.
    pub next_header: Field<u8>,
    /// Hop limit.
    pub hop_limit: u8,
}

impl Ipv6 {
    /// A plain header between two addresses: hop limit 64.
    pub fn new(source: Ipv6Addr, destination: Ipv6Addr) -> Self {
        Ipv6 {
            source,
            destination,
            traffic_class: 0,
            flow_label: 0,
            payload_length: Field::Computed,
            next_header: Field::Computed,
            hop_limit: 64,
        }
    }

    /// Appends the header of a packet that carries `length` bytes of `protocol`.
    ///
    /// A payload beyond 65535 bytes says 65535.
    pub fn emit(&self, protocol: u8, length: usize, out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + HEADER_BYTES, 0);
        let Some(mut header) = out.get_mut(start..).and_then(MutableIpv6Packet::new) else {
            return;
        };
        header.set_version(6);
        header.set_traffic_class(self.traffic_class);
        header.set_flow_label(self.flow_label & 0xf_ffff);
        header.set_payload_length(
            self.payload_length
                .or(|| u16::try_from(length).unwrap_or(u16::MAX)),
        );
        header.set_next_header(IpNextHeaderProtocol(self.next_header.or(|| protocol)));
        header.set_hop_limit(self.hop_limit);
        header.set_source(self.source);
        header.set_destination(self.destination);
    }
}

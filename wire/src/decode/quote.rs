//! The packet that an ICMP error quotes.

use std::net::IpAddr;

use pnet_packet::ipv4::Ipv4Packet;
use pnet_packet::ipv6::Ipv6Packet;

use crate::packet::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};
use crate::tcp::Flags;
use crate::{ipv4, ipv6};

/// The packet that an ICMP error quotes, as far as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote<'a> {
    /// Who sent it, or in whose name it was sent.
    pub source: IpAddr,
    /// Whom it was for.
    pub destination: IpAddr,
    /// What it carried.
    pub protocol: u8,
    /// Time to live where the error arose.
    pub ttl: u8,
    /// Identification; 0 for IPv6.
    pub identification: u16,
    /// Its ports, where it has some and they were quoted.
    pub ports: Option<(u16, u16)>,
    /// Its TCP sequence number, where it has one and it was quoted.
    pub sequence: Option<u32>,
    /// Its TCP flags, where they were quoted.
    pub flags: Option<Flags>,
    /// Type and code, where it is an ICMP message itself.
    pub icmp: Option<(u8, u8)>,
    /// What was quoted above its network header.
    pub bytes: &'a [u8],
}

impl<'a> Quote<'a> {
    /// Reads a quoted packet from its network header on. IPv6 extension headers are not followed.
    pub fn read(bytes: &'a [u8]) -> Option<Quote<'a>> {
        match bytes.first()? >> 4 {
            4 => {
                let view = Ipv4Packet::new(bytes)?;
                let header = usize::from(view.get_header_length()) * 4;
                let rest = bytes
                    .get(header.max(ipv4::HEADER_BYTES)..)
                    .unwrap_or_default();
                let quote = Quote {
                    source: view.get_source().into(),
                    destination: view.get_destination().into(),
                    protocol: view.get_next_level_protocol().0,
                    ttl: view.get_ttl(),
                    identification: view.get_identification(),
                    ..Quote::of(rest)
                };
                Some(quote.with_segment(view.get_fragment_offset() == 0))
            }
            6 => {
                let view = Ipv6Packet::new(bytes)?;
                let rest = bytes.get(ipv6::HEADER_BYTES..).unwrap_or_default();
                let quote = Quote {
                    source: view.get_source().into(),
                    destination: view.get_destination().into(),
                    protocol: view.get_next_header().0,
                    ttl: view.get_hop_limit(),
                    ..Quote::of(rest)
                };
                Some(quote.with_segment(true))
            }
            _ => None,
        }
    }

    fn of(bytes: &'a [u8]) -> Quote<'a> {
        Quote {
            source: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            destination: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            protocol: 0,
            ttl: 0,
            identification: 0,
            ports: None,
            sequence: None,
            flags: None,
            icmp: None,
            bytes,
        }
    }

    fn with_segment(mut self, first: bool) -> Self {
        if !first {
            return self;
        }
        match (self.protocol, self.bytes) {
            (PROTOCOL_TCP | PROTOCOL_UDP, &[a, b, c, d, ref rest @ ..]) => {
                self.ports = Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
                if let (PROTOCOL_TCP, &[a, b, c, d, ref rest @ ..]) = (self.protocol, rest) {
                    self.sequence = Some(u32::from_be_bytes([a, b, c, d]));
                    self.flags = rest.get(5).map(|flags| Flags(u16::from(*flags)));
                }
            }
            (PROTOCOL_ICMP | PROTOCOL_ICMPV6, &[icmp_type, code, ..]) => {
                self.icmp = Some((icmp_type, code));
            }
            _ => {}
        }
        self
    }
}

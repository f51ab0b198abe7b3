//! Network headers as they were read: ARP, IPv4, IPv6 with its extension headers.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::ipv4;

/// What was read of the network header.
#[derive(Clone, Copy, Debug, Default)]
pub enum Network<'a> {
    /// None.
    #[default]
    None,
    /// Address resolution.
    Arp(Arp),
    /// IPv4.
    V4(V4<'a>),
    /// IPv6.
    V6(V6),
}

/// An ARP message for IPv4 over Ethernet, RFC 826.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 asks, 2 answers.
    pub operation: u16,
    /// Who speaks.
    pub sender: Ipv4Addr,
    /// Who is spoken of.
    pub target: Ipv4Addr,
    /// The interfaces of both.
    pub hardware: [[u8; 6]; 2],
}

/// An IPv4 header, RFC 791.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V4<'a> {
    /// Sender.
    pub source: Ipv4Addr,
    /// Receiver.
    pub destination: Ipv4Addr,
    /// Type of service.
    pub tos: u8,
    /// Header and payload, in bytes, as the header says.
    pub total_length: u16,
    /// Identification.
    pub identification: u16,
    /// The three flag bits.
    pub flags: u8,
    /// Fragment offset, in units of 8 bytes.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// What it carries.
    pub protocol: u8,
    /// The header's bytes, options included.
    pub header: &'a [u8],
}

impl<'a> V4<'a> {
    /// Whether DF is set.
    pub fn dont_fragment(&self) -> bool {
        self.flags & ipv4::DONT_FRAGMENT != 0
    }

    /// Whether the packet is a part of a larger one.
    pub fn is_fragment(&self) -> bool {
        self.fragment_offset != 0 || self.flags & ipv4::MORE_FRAGMENTS != 0
    }

    /// The option bytes.
    pub fn options(&self) -> &'a [u8] {
        self.header.get(ipv4::HEADER_BYTES..).unwrap_or_default()
    }
}

/// An IPv6 header with what its extension headers say, RFC 8200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V6 {
    /// Sender.
    pub source: Ipv6Addr,
    /// Receiver.
    pub destination: Ipv6Addr,
    /// Traffic class.
    pub traffic_class: u8,
    /// Flow label.
    pub flow_label: u32,
    /// Bytes after the fixed header, as it says.
    pub payload_length: u16,
    /// Hop limit.
    pub hop_limit: u8,
    /// What follows the last extension header read.
    pub protocol: u8,
    /// Number of extension headers.
    pub extensions: u8,
    /// Fragment offset in units of 8 bytes, and whether more follow, where there is a fragment header.
    pub fragment: Option<(u16, bool)>,
    /// Identification of the packet that the fragment is a part of; 0 where there is no fragment header.
    pub identification: u32,
    /// Whether a routing header names hops that remain, RFC 8200 section 4.4.
    pub routed: bool,
}

//! One frame's changes, applied to an IP packet in place.
//!
//! The same code serves the packet and the one that an ICMP error quotes: it returns what the changes do to a sum over the
//! packet, and whoever quotes the packet moves its own sum by that.
//!
//! Not reached: addresses in IPv4 options and in routing headers, in tunnels (IP in IP, GRE), in IGMP, MLD and router
//! advertisements, and in payloads such as DNS. Sums of UDP-Lite, DCCP, OSPFv3 and PIM, which cover the addresses too,
//! are not moved, and authentication headers break.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::difference::Difference;
use super::mac::MacChange;
use super::port::PortMap;
use super::shape::{Shape, Version};
use super::table::Table;
use super::transport;

/// Where the addresses of both families go.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) v4: Table,
    pub(super) v6: Table,
}

impl Tables {
    #[inline]
    pub(super) fn v4(&self, address: Ipv4Addr, pass: u32) -> Ipv4Addr {
        let number = self.v4.map(u128::from(address.to_bits()), pass);
        // The table of IPv4 holds numbers of 32 bits only.
        u32::try_from(number).map_or(address, Ipv4Addr::from)
    }

    #[inline]
    pub(super) fn v6(&self, address: Ipv6Addr, pass: u32) -> Ipv6Addr {
        Ipv6Addr::from(self.v6.map(address.to_bits(), pass))
    }
}

/// What changes in one frame.
pub(super) struct Change<'a> {
    pub(super) tables: &'a Tables,
    pub(super) ports: &'a [PortMap],
    pub(super) macs: MacChange<'a>,
    pub(super) pass: u32,
}

impl Change<'_> {
    #[inline]
    pub(super) fn v4(&self, address: [u8; 4]) -> [u8; 4] {
        self.tables.v4(address.into(), self.pass).octets()
    }

    #[inline]
    pub(super) fn v6(&self, address: [u8; 16]) -> [u8; 16] {
        self.tables.v6(address.into(), self.pass).octets()
    }

    #[inline]
    pub(super) fn port(&self, port: [u8; 2]) -> [u8; 2] {
        map_port(self.ports, u16::from_be_bytes(port)).to_be_bytes()
    }

    /// Changes a packet; returns what that does to a sum over it.
    #[inline]
    pub(super) fn packet(&self, bytes: &mut [u8], shape: &Shape) -> Difference {
        self.packet_at(bytes, shape, Depth::Sent)
    }

    /// Changes a packet that a message quotes, as far as it is there; returns what that does to a sum over it.
    pub(super) fn quoted(&self, bytes: &mut [u8]) -> Difference {
        match Shape::read(bytes) {
            Some(shape) => self.packet_at(bytes, &shape, Depth::Quoted),
            None => Difference::NONE,
        }
    }

    fn packet_at(&self, bytes: &mut [u8], shape: &Shape, depth: Depth) -> Difference {
        let mut changed = Difference::NONE;
        let pseudo_header = match shape.version {
            Version::V4 => {
                changed.replace(bytes, 12, |source| self.v4(source));
                changed.replace(bytes, 16, |destination| self.v4(destination));
                let addresses = changed;
                changed = changed + addresses.settle(bytes, 10);
                addresses
            }
            Version::V6 => {
                changed.replace(bytes, 8, |source| self.v6(source));
                let source = changed;
                changed.replace(bytes, 24, |destination| self.v6(destination));
                if shape.routed { source } else { changed }
            }
        };
        let segment = shape.transport().and_then(|at| bytes.get_mut(at));
        changed
            + segment.map_or(Difference::NONE, |segment| {
                transport::change(self, segment, shape, pseudo_header, depth)
            })
    }
}

/// Whether a packet is sent, or quoted in one that is. No message quotes one that quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    Sent,
    Quoted,
}

#[inline]
pub(super) fn map_port(maps: &[PortMap], port: u16) -> u16 {
    maps.iter().find_map(|map| map.map(port)).unwrap_or(port)
}

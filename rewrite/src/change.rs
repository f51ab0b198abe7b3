//! What changes in one frame: where its addresses, ports and hardware addresses go.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::mac::MacChange;
use super::port::PortMap;
use super::table::Table;

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
}

#[inline]
pub(super) fn map_port(maps: &[PortMap], port: u16) -> u16 {
    maps.iter().find_map(|map| map.map(port)).unwrap_or(port)
}

//! Hosts of both families: which of them have an IPv6 address beside their own, and how they make it.
//!
//! Near a sensor the prefix is the one that routers advertise there, and the rest is made from the hardware address, RFC 4291
//! appendix A, or is opaque, RFC 7217; servers elsewhere often have short ones that somebody typed.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};
use wire::MacAddress;

use super::reader::Reader;
use crate::net::segment::interface_id;
use crate::net::topology::{SiteId, on_link};
use crate::reading::document::{Node, Value};
use crate::reading::fields::{Fields, text_ref};
use crate::reading::units;
use crate::seed::Draws;

/// Interface identifiers in a million that come from the hardware address. Assumption: one in three.
const FROM_HARDWARE: u32 = 333_000;
/// Addresses of hosts elsewhere in a million that somebody typed. Assumption: half of them.
const TYPED: u32 = 500_000;

/// Who of a host or group has an IPv6 address beside its own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Families {
    /// How many in a million.
    share: u32,
    /// Whether nobody answers at it any more.
    stale: bool,
}

impl Families {
    /// Whether any is wanted.
    pub(super) fn wanted(self) -> bool {
        self.share > 0
    }
}

/// The key `ipv6`.
pub(super) fn families(fields: &mut Fields<'_, '_>) -> Families {
    let wanted = "true, a share of the group such as \"40%\", or \"stale\" where nobody answers at the IPv6 address any more";
    let all = |stale| Families {
        share: 1_000_000,
        stale,
    };
    let read = |value: &Value| match value {
        Value::Boolean(true) => Some(all(false)),
        Value::Boolean(false) => Some(Families::default()),
        other => match text_ref(other)? {
            "stale" => Some(all(true)),
            share => units::share(share).map(|share| Families {
                share,
                stale: false,
            }),
        },
    };
    fields.parsed("ipv6", wanted, read).unwrap_or_default()
}

impl Reader<'_> {
    /// The IPv6 address of a host's name, and whether the host answers there.
    pub(super) fn second_family(
        &self,
        name: &str,
        site: SiteId,
        families: Families,
        depth: u8,
        mac: MacAddress,
    ) -> Option<(IpAddr, bool)> {
        let mut draws = self.tree.draws(&format!("ipv6/{name}"));
        if !draws.chance(families.share) {
            return None;
        }
        let spec = self.sites.get(site.0)?;
        let near = self.watched.contains_key(&spec.name);
        let block = blocks(&spec.prefixes).next()?;
        (0..8)
            .map(|_| IpAddr::from(address(block, near, depth, mac, &mut draws)))
            .find(|address| !self.is_taken(*address))
            .map(|address| (address, !families.stale))
    }

    /// A mistake where second addresses are wanted and no site of the host has a block for them.
    pub(super) fn check_families(&mut self, name: &str, node: &Node, sites: &[String]) {
        let has_block = |site: &String| {
            let spec = self.sites.iter().find(|spec| spec.name == *site);
            spec.is_none_or(|spec| blocks(&spec.prefixes).next().is_some())
        };
        if !sites.iter().any(has_block) {
            let message = format!(
                "{name}: 'ipv6' needs a block of IPv6 addresses at its site '{}': add one to its prefixes, such as \"2001:db8:1::/64\"",
                sites.first().map_or("", String::as_str)
            );
            self.mistakes.note(&node.origin, message);
        }
    }
}

fn blocks(prefixes: &[IpNet]) -> impl Iterator<Item = Ipv6Net> {
    prefixes.iter().filter_map(|prefix| match prefix {
        IpNet::V6(block) => Some(*block),
        IpNet::V4(_) => None,
    })
}

/// An address of a block; never its first two, which are the routers'.
fn address(block: Ipv6Net, near: bool, depth: u8, mac: MacAddress, draws: &mut Draws) -> Ipv6Addr {
    let mut wide = || u128::from(draws.word()) << 64 | u128::from(draws.word());
    let (network, any) = if near {
        (on_link(block, depth), wide())
    } else {
        (block, wide())
    };
    let host_bits = u128::MAX
        .checked_shr(u32::from(network.prefix_len()))
        .unwrap_or(0);
    let made = if near && network.prefix_len() <= 64 && draws.chance(FROM_HARDWARE) {
        any & !u128::from(u64::MAX) | u128::from(u64::from_be_bytes(interface_id(mac)))
    } else if !near && draws.chance(TYPED) {
        any & !u128::from(u64::MAX) | u128::from(draws.range(2..=0xffff))
    } else {
        any
    };
    Ipv6Addr::from(u128::from(network.network()) | (made & host_bits).max(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Pins, SeedTree};

    const MAC: MacAddress = MacAddress([0x00, 0x1b, 0x21, 0x01, 0x02, 0x03]);

    fn made(block: &str, near: bool) -> Vec<Ipv6Addr> {
        let block = block.parse().unwrap();
        let mut draws = SeedTree::new(1, Pins::new()).draws("x");
        let addresses = (0..60).map(|_| address(block, near, 2, MAC, &mut draws));
        addresses.collect()
    }

    #[test]
    fn hosts_of_a_segment_share_its_prefix_and_some_show_their_hardware_address() {
        let segment: Ipv6Net = "2001:db8:7:2::/64".parse().unwrap();
        let made = made("2001:db8:7::/48", true);
        assert!(made.iter().all(|address| segment.contains(address)));
        let shows = |address: &&Ipv6Addr| address.to_string().ends_with("21b:21ff:fe01:203");
        assert!((1..60).contains(&made.iter().filter(shows).count()));
    }

    #[test]
    fn hosts_elsewhere_are_spread_over_the_block() {
        let block: Ipv6Net = "2001:db8:8000::/34".parse().unwrap();
        let mut nets: Vec<_> = made("2001:db8:8000::/34", false)
            .iter()
            .map(|a| {
                assert!(block.contains(a));
                u128::from(*a) >> 64
            })
            .collect();
        nets.sort_unstable();
        nets.dedup();
        assert!(nets.len() > 50);
    }

    #[test]
    fn a_small_block_is_not_left() {
        let block: Ipv6Net = "2001:db8::10/124".parse().unwrap();
        assert!(
            made("2001:db8::10/124", true)
                .iter()
                .all(|a| block.contains(a))
        );
    }
}

//! Where each address goes, by map, or by its own block from pass to pass.
//!
//! A map keeps host bits. Where passes have addresses of their own, pass k of the map A=B uses the k-th block of A's size
//! in B. An address that no map covers moves within its own well-known block, by k steps and around its end, so that two
//! addresses never become one. The step is the largest power of two that fits the block as often as there are passes:
//! networks up to that size move as a whole and stay networks. Between passes this is an effort, no promise: two hosts of
//! a block that are a multiple of the step apart use the same address in different passes. Addresses outside these
//! blocks stay; so do link-local ones, which belong to a hardware address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::address::AddressMap;

/// Addresses that name no single host: maps reach them only from a prefix that lies inside one of these. Unspecified
/// and multicast: RFC 6890, RFC 5771, RFC 4291 section 2.4; limited broadcast: RFC 919 section 7.
const NOT_HOSTS: [(IpAddr, u8); 5] = [
    (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 32),
    (IpAddr::V4(Ipv4Addr::BROADCAST), 32),
    (IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)), 4),
    (IpAddr::V6(Ipv6Addr::UNSPECIFIED), 128),
    (IpAddr::V6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0)), 8),
];

/// Blocks whose addresses may be exchanged for one another in a lab: documentation (RFC 5737, 3849, 9637), benchmarks
/// (RFC 2544, 5180), private use (RFC 1918, 4193), shared (RFC 6598).
const BLOCKS: [(IpAddr, u8); 12] = [
    (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 0)), 24),
    (IpAddr::V4(Ipv4Addr::new(198, 51, 100, 0)), 24),
    (IpAddr::V4(Ipv4Addr::new(203, 0, 113, 0)), 24),
    (IpAddr::V4(Ipv4Addr::new(198, 18, 0, 0)), 15),
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10),
    (
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0)),
        32,
    ),
    (IpAddr::V6(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0)), 20),
    (IpAddr::V6(Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0)), 48),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
];

/// An aligned block of addresses, as numbers. Those of IPv4 have 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The first.
    pub(super) first: u128,
    /// The bits in which the others differ from it.
    pub(super) host: u128,
}

impl Block {
    pub(super) fn new(address: IpAddr, prefix_length: u8) -> Self {
        let length = u32::from(prefix_length);
        let (address, host) = match address {
            IpAddr::V4(address) => (
                u128::from(address.to_bits()),
                u128::from(u32::MAX.checked_shr(length).unwrap_or(0)),
            ),
            IpAddr::V6(address) => (
                address.to_bits(),
                u128::MAX.checked_shr(length).unwrap_or(0),
            ),
        };
        Block {
            first: address & !host,
            host,
        }
    }

    pub(super) fn of(network: IpNet) -> Self {
        Block::new(network.addr(), network.prefix_len())
    }

    #[inline]
    pub(super) fn contains(self, address: u128) -> bool {
        address & !self.host == self.first
    }

    pub(super) fn last(self) -> u128 {
        self.first | self.host
    }

    /// The address so many behind the first, around the end of the block.
    #[inline]
    fn at(self, offset: u128) -> u128 {
        self.first | (offset & self.host)
    }
}

/// A map, and how far its addresses move from pass to pass.
#[derive(Clone, Copy, Debug)]
struct Move {
    from: Block,
    to: Block,
    step: u128,
    /// Whether it names addresses that are no hosts.
    not_hosts: bool,
}

/// A block within which addresses move from pass to pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    pub(super) block: Block,
    step: u128,
}

/// Where the addresses of one family go.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    not_hosts: Vec<Block>,
    moves: Vec<Move>,
    rotations: Vec<Rotation>,
}

impl Table {
    /// The table of IPv4 or of IPv6; `passes` where they have addresses of their own.
    pub(super) fn new(maps: &[AddressMap], is_ipv4: bool, passes: Option<u32>) -> Self {
        let of_family = |blocks: &[(IpAddr, u8)]| -> Vec<Block> {
            let blocks = blocks.iter().filter(|(at, _)| at.is_ipv4() == is_ipv4);
            blocks.map(|&(at, length)| Block::new(at, length)).collect()
        };
        let not_hosts = of_family(&NOT_HOSTS);
        let maps = maps
            .iter()
            .filter(|map| map.from.addr().is_ipv4() == is_ipv4);
        let moves = maps.map(|map| {
            let from = Block::of(map.from);
            Move {
                from,
                to: Block::of(map.to),
                step: passes.map_or(0, |_| from.host.wrapping_add(1)),
                not_hosts: not_hosts.iter().any(|block| holds(*block, from)),
            }
        });
        let rotations = passes.map_or_else(Vec::new, |passes| {
            let blocks = of_family(&BLOCKS).into_iter();
            blocks.map(|block| Rotation::new(block, passes)).collect()
        });
        Table {
            moves: moves.collect(),
            not_hosts,
            rotations,
        }
    }

    /// Where an address goes.
    #[inline]
    pub(super) fn map(&self, address: u128, pass: u32) -> u128 {
        let no_host = self.not_hosts.iter().any(|block| block.contains(address));
        let mut moves = self.moves.iter();
        if let Some(found) =
            moves.find(|one| one.from.contains(address) && (one.not_hosts || !no_host))
        {
            let offset = found.step.wrapping_mul(u128::from(pass));
            return found.to.at(offset | (address & found.from.host));
        }
        match self.rotation(address) {
            Some(rotation) if pass > 0 => {
                let offset = rotation.step.wrapping_mul(u128::from(pass));
                rotation.block.at(address.wrapping_add(offset))
            }
            _ => address,
        }
    }

    /// The block within which an address moves, where no map covers it.
    #[inline]
    pub(super) fn rotation(&self, address: u128) -> Option<Rotation> {
        let mut rotations = self.rotations.iter();
        rotations
            .find(|rotation| rotation.block.contains(address))
            .copied()
    }

    /// Whether all addresses of a block go the same way: none of the borders that this table knows runs through it.
    pub(super) fn goes_together(&self, block: Block) -> bool {
        let moves = self.moves.iter().map(|one| one.from);
        let rotations = self.rotations.iter().map(|rotation| rotation.block);
        let mut borders = self.not_hosts.iter().copied().chain(moves).chain(rotations);
        !borders.any(|inner| inner != block && holds(block, inner))
    }
}

impl Rotation {
    fn new(block: Block, passes: u32) -> Self {
        let share = (block.host + 1) / u128::from(passes.max(1));
        Rotation {
            block,
            step: 1 << share.max(1).ilog2(),
        }
    }
}

/// Whether one block holds all of another.
fn holds(outer: Block, inner: Block) -> bool {
    outer.contains(inner.first) && inner.host <= outer.host
}

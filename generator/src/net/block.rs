//! A block of addresses as two numbers, for what is asked of every packet.

use std::net::IpAddr;

use ipnet::IpNet;

/// A block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// The network and the mask of a block of IPv4.
    V4(u32, u32),
    /// Those of a block of IPv6.
    V6(u128, u128),
}

impl Block {
    /// The block of a prefix.
    pub fn of(prefix: &IpNet) -> Block {
        match prefix {
            IpNet::V4(block) => Block::V4(block.network().into(), block.netmask().into()),
            IpNet::V6(block) => Block::V6(block.network().into(), block.netmask().into()),
        }
    }

    /// Whether an address lies in it.
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Block::V4(network, mask), IpAddr::V4(address)) => {
                u32::from(address) & mask == *network
            }
            (Block::V6(network, mask), IpAddr::V6(address)) => {
                u128::from(address) & mask == *network
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_prefix(bits: u32, other: u32, length in 0u8..=32, wide: u128, far: u128, long in 0u8..=128) {
            let four = IpNet::new(IpAddr::V4(bits.into()), length).unwrap();
            let six = IpNet::new(IpAddr::V6(wide.into()), long).unwrap();
            for address in [IpAddr::V4(bits.into()), IpAddr::V4(other.into()), IpAddr::V6(wide.into()), IpAddr::V6(far.into())] {
                prop_assert_eq!(Block::of(&four).contains(address), four.contains(&address));
                prop_assert_eq!(Block::of(&six).contains(address), six.contains(&address));
            }
        }
    }
}

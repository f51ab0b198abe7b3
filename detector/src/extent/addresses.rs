//! Addresses, one by one as long as they are few, and then by neighbourhood.

use labels::AddressBlock;

use crate::address::Address;

/// Addresses that a case names one by one; beyond, their neighbourhoods are named, as many again.
const MAX_ADDRESSES: usize = 256;

/// A bounded set of addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    /// Sorted.
    single: Vec<Address>,
    /// Neighbourhoods of those that did not fit, sorted.
    wider: Vec<Address>,
}

impl Addresses {
    pub(crate) fn insert(&mut self, address: Address) {
        if let Err(at) = self.single.binary_search(&address) {
            if self.single.len() < MAX_ADDRESSES {
                self.single.insert(at, address);
                return;
            }
            let around = address.neighbourhood();
            if let Err(at) = self.wider.binary_search(&around)
                && self.wider.len() < MAX_ADDRESSES
            {
                self.wider.insert(at, around);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Addresses) {
        for address in other.single.iter().chain(&other.wider) {
            self.insert(*address);
        }
    }

    pub(crate) fn contains(&self, address: Address) -> bool {
        self.single.binary_search(&address).is_ok()
            || self.wider.binary_search(&address.neighbourhood()).is_ok()
    }

    /// How many there are at least.
    pub(crate) fn len(&self) -> usize {
        self.single.len() + self.wider.len()
    }

    /// How many there are that are not in the other, as far as they are known one by one.
    pub(crate) fn len_without(&self, other: &Addresses) -> usize {
        let singles = self.single.iter();
        singles.filter(|address| !other.contains(**address)).count() + self.wider.len()
    }

    /// Those that are known one by one, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Address> + '_ {
        self.single.iter().copied()
    }

    /// Whether any is in both.
    pub(crate) fn meets(&self, other: &Addresses) -> bool {
        self.single.iter().any(|address| other.contains(*address))
    }

    /// As findings name them: neighbourhoods in place of their members where not all members are known.
    pub(crate) fn blocks(&self) -> Vec<AddressBlock> {
        let mut blocks: Vec<AddressBlock> = self.wider.iter().map(|a| around(*a)).collect();
        for address in &self.single {
            if self.wider.binary_search(&address.neighbourhood()).is_err() {
                blocks.push(address.to_ip().into());
            }
        }
        blocks.sort_unstable();
        blocks
    }
}

/// A neighbourhood as a block.
fn around(address: Address) -> AddressBlock {
    address.block(if address.is_v4() { 24 } else { 64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn many_addresses_become_neighbourhoods() {
        let mut addresses = Addresses::default();
        for number in 0..1000u32 {
            addresses.insert(Ipv4Addr::from(0xc612_0000 + number).into());
        }
        let text: Vec<String> = addresses.blocks().iter().map(ToString::to_string).collect();
        assert_eq!(text.len(), 256 + 3);
        assert!(text.contains(&"198.18.1.0/24".to_owned()));
        assert!(addresses.contains(Ipv4Addr::new(198, 18, 1, 77).into()));
    }
}

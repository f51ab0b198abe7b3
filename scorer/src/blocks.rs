//! Sets of addresses and blocks, asked whether one of them covers another block.
//!
//! A block is looked up once for each prefix length in use, so that a set of thousands of addresses costs no more
//! than a set of few.

use std::net::IpAddr;

use ipnet::IpNet;
use labels::AddressBlock;

/// How many blocks are quicker walked than searched: most roles are one address, on one cache line.
const FEW: usize = 4;

/// The prefix lengths in use, by address family.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lengths {
    v4: Vec<u8>,
    v6: Vec<u8>,
}

impl Lengths {
    /// Takes note of a block's length.
    pub(crate) fn add(&mut self, block: &AddressBlock) {
        let network = block.network();
        let lengths = match network {
            IpNet::V4(_) => &mut self.v4,
            IpNet::V6(_) => &mut self.v6,
        };
        if let Err(place) = lengths.binary_search(&network.prefix_len()) {
            lengths.insert(place, network.prefix_len());
        }
    }

    /// The blocks of a length in use that cover `block`, itself included, the widest first.
    pub(crate) fn covering(&self, block: &AddressBlock) -> impl Iterator<Item = AddressBlock> {
        let network = block.network();
        let lengths = match network.addr() {
            IpAddr::V4(_) => &self.v4,
            IpAddr::V6(_) => &self.v6,
        };
        lengths
            .iter()
            .take_while(move |length| **length <= network.prefix_len())
            .filter_map(move |length| IpNet::new(network.addr(), *length).ok())
            .map(AddressBlock::from)
    }
}

/// The addresses and blocks that play one role in an event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks {
    lengths: Lengths,
    blocks: Vec<AddressBlock>,
}

impl Blocks {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Whether one of them covers `block`.
    pub(crate) fn cover(&self, block: &AddressBlock) -> bool {
        if self.blocks.len() <= FEW {
            return self.blocks.iter().any(|own| own.covers(block));
        }
        self.lengths
            .covering(block)
            .any(|wider| self.blocks.binary_search(&wider).is_ok())
    }

    /// Whether they cover at least half of `blocks`.
    pub(crate) fn cover_half(&self, blocks: &[AddressBlock]) -> bool {
        let covered = blocks.iter().filter(|block| self.cover(block)).count();
        covered > 0 && covered * 2 >= blocks.len()
    }

    /// Whether one of them covers one of `blocks`.
    pub(crate) fn cover_any(&self, blocks: &[AddressBlock]) -> bool {
        blocks.iter().any(|block| self.cover(block))
    }
}

impl FromIterator<AddressBlock> for Blocks {
    fn from_iter<I: IntoIterator<Item = AddressBlock>>(blocks: I) -> Self {
        let mut blocks: Vec<AddressBlock> = blocks.into_iter().collect();
        blocks.sort_unstable();
        blocks.dedup();
        let mut lengths = Lengths::default();
        for block in &blocks {
            lengths.add(block);
        }
        Blocks { lengths, blocks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> AddressBlock {
        text.parse().unwrap()
    }

    #[test]
    fn a_block_covers_its_parts_and_nothing_wider() {
        let few = ["198.18.0.0/15", "192.0.2.7"].map(block);
        let more = (0..9).map(|host| block(&format!("203.0.113.{host}")));
        covers(few.into_iter().collect());
        covers(few.into_iter().chain(more).collect());
    }

    fn covers(blocks: Blocks) {
        assert!(blocks.cover(&block("198.19.3.4")));
        assert!(blocks.cover(&block("198.18.0.0/15")));
        assert!(blocks.cover(&block("198.18.4.0/24")));
        assert!(!blocks.cover(&block("198.18.0.0/14")));
        assert!(blocks.cover(&block("192.0.2.7")));
        assert!(!blocks.cover(&block("192.0.2.0/24")));
    }

    #[test]
    fn families_do_not_mix() {
        let blocks: Blocks = ["0.0.0.0/0"].map(block).into_iter().collect();
        assert!(!blocks.cover(&block("2001:db8::1")));
    }
}

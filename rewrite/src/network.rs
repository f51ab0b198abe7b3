//! Where CIDR blocks go, for what speaks about a capture beside it.
//!
//! A block that one map covers stays one block. Another may fall into parts that go different ways: it is halved until
//! each part goes one way, and neighbours that meet again are joined.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

use super::table::{Block, Table};

/// Where a network goes: the fewest blocks that hold the same addresses, in order.
pub(super) fn map(table: &Table, network: IpNet, pass: u32) -> Vec<IpNet> {
    let mut ranges = Vec::new();
    image(table, Block::of(network), pass, &mut ranges);
    let blocks: Vec<IpNet> = ranges
        .into_iter()
        .flat_map(|(first, last)| blocks(network.addr().is_ipv4(), first, last))
        .collect();
    IpNet::aggregate(&blocks)
}

/// Adds the ranges that a block becomes. It goes at most as deep as addresses have bits.
fn image(table: &Table, block: Block, pass: u32, ranges: &mut Vec<(u128, u128)>) {
    if !table.goes_together(block) {
        let host = block.host >> 1;
        let second = block.first | (block.host & !host);
        for first in [block.first, second] {
            image(table, Block { first, host }, pass, ranges);
        }
        return;
    }
    let (first, last) = (table.map(block.first, pass), table.map(block.last(), pass));
    match table.rotation(block.first) {
        // It went around the end.
        Some(rotation) if last < first => {
            ranges.push((first, rotation.block.last()));
            ranges.push((rotation.block.first, last));
        }
        _ => ranges.push((first, last)),
    }
}

fn blocks(is_ipv4: bool, first: u128, last: u128) -> Vec<IpNet> {
    if is_ipv4 {
        let of = |number| Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX));
        let blocks = Ipv4Subnets::new(of(first), of(last), 0);
        return blocks.map(IpNet::V4).collect();
    }
    let blocks = Ipv6Subnets::new(Ipv6Addr::from(first), Ipv6Addr::from(last), 0);
    blocks.map(IpNet::V6).collect()
}

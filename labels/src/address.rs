//! An address or a block of addresses, as truth and findings name them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One address (`192.0.2.7`) or a CIDR block (`198.18.0.0/15`), in canonical form.
///
/// An IPv4-mapped IPv6 address is the IPv4 address it maps, and so with blocks; host bits below the prefix are zero.
/// Equal blocks compare equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressBlock(IpNet);

impl AddressBlock {
    /// The block as a network.
    pub fn network(&self) -> IpNet {
        self.0
    }

    /// The address, when the block holds exactly one.
    pub fn as_single(&self) -> Option<IpAddr> {
        (self.0.prefix_len() == self.0.max_prefix_len()).then(|| self.0.addr())
    }

    /// Whether `address` lies in the block; an IPv4-mapped address counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether every address of `other` lies in this block.
    pub fn covers(&self, other: &AddressBlock) -> bool {
        self.0.contains(&other.0)
    }
}

impl From<IpAddr> for AddressBlock {
    fn from(address: IpAddr) -> Self {
        AddressBlock(IpNet::from(address.to_canonical()))
    }
}

impl From<IpNet> for AddressBlock {
    fn from(network: IpNet) -> Self {
        AddressBlock(unmapped(network).trunc())
    }
}

/// The IPv4 block that an IPv4-mapped one maps; any other is itself.
fn unmapped(network: IpNet) -> IpNet {
    const MAPPED: u8 = 96;
    let IpNet::V6(block) = network else {
        return network;
    };
    (block.addr().to_ipv4_mapped())
        .zip(block.prefix_len().checked_sub(MAPPED))
        .and_then(|(address, length)| IpNet::new(address.into(), length).ok())
        .unwrap_or(network)
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_single() {
            Some(address) => address.fmt(f),
            None => self.0.fmt(f),
        }
    }
}

/// Text that is neither an address nor a CIDR block.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is neither an address (192.0.2.7) nor a block of addresses (192.0.2.0/24)")]
pub struct AddressBlockError(String);

impl FromStr for AddressBlock {
    type Err = AddressBlockError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(address.into());
        }
        text.parse::<IpNet>()
            .map(Into::into)
            .map_err(|_| AddressBlockError(text.to_owned()))
    }
}

impl Serialize for AddressBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for AddressBlock {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AddressBlock".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An IPv4 or IPv6 address, or a CIDR block of them.",
            "examples": ["192.0.2.7", "198.18.0.0/15"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_prints_as_it_is_read() {
        for text in ["192.0.2.7", "198.18.0.0/15", "2001:db8::1", "2001:db8::/32"] {
            let block: AddressBlock = text.parse().unwrap();
            assert_eq!(block.to_string(), text);
        }
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        let mapped: AddressBlock = "::ffff:192.0.2.7".parse().unwrap();
        assert_eq!(mapped, "192.0.2.7".parse().unwrap());
        assert!(
            "192.0.2.0/24"
                .parse::<AddressBlock>()
                .unwrap()
                .contains("::ffff:192.0.2.9".parse().unwrap())
        );
    }

    #[test]
    fn a_mapped_block_is_the_ipv4_block() {
        let block = |text: &str| text.parse::<AddressBlock>().unwrap();
        assert_eq!(block("::ffff:192.0.2.0/120"), block("192.0.2.0/24"));
        assert_eq!(block("::ffff:192.0.2.7/128"), block("192.0.2.7"));
        assert_eq!(block("::ffff:0:0/96"), block("0.0.0.0/0"));
        // Wider than all of IPv4, and none of its business.
        assert_eq!(block("::ffff:0:0/95").to_string(), "::fffe:0:0/95");
        assert_eq!(block("2001:db8::/96").to_string(), "2001:db8::/96");
    }

    #[test]
    fn host_bits_do_not_make_two_blocks_of_one() {
        let blocks: [AddressBlock; 2] =
            ["192.0.2.7/24", "192.0.2.0/24"].map(|t| t.parse().unwrap());
        assert_eq!(blocks[0], blocks[1]);
    }
}

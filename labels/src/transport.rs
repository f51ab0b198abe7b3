//! Transport protocols and port ranges, as truth and findings name them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What carries an event above IP.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP, RFC 9293.
    Tcp,
    /// UDP, RFC 768.
    Udp,
    /// ICMP and ICMPv6, RFC 792 and RFC 4443.
    Icmp,
    /// Anything else, and events that use several.
    Other,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
            Transport::Icmp => "icmp",
            Transport::Other => "other",
        })
    }
}

/// An inclusive range of ports, written `[first, last]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "[u16; 2]")]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// The range that holds `port` alone.
    pub fn single(port: u16) -> Self {
        PortRange {
            first: port,
            last: port,
        }
    }

    /// The inclusive range, or `None` when `last` lies below `first`.
    pub fn new(first: u16, last: u16) -> Option<Self> {
        (first <= last).then_some(PortRange { first, last })
    }

    /// The lowest port.
    pub fn first(&self) -> u16 {
        self.first
    }

    /// The highest port.
    pub fn last(&self) -> u16 {
        self.last
    }

    /// Whether `port` lies in the range.
    pub fn contains(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// The fewest ranges that hold exactly `ports`, ascending. Adjacent ports share a range.
    pub fn cover(ports: impl IntoIterator<Item = u16>) -> Vec<PortRange> {
        let mut sorted: Vec<u16> = ports.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut ranges: Vec<PortRange> = Vec::new();
        for port in sorted {
            match ranges.last_mut() {
                Some(range) if range.last.checked_add(1) == Some(port) => range.last = port,
                _ => ranges.push(PortRange::single(port)),
            }
        }
        ranges
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.first, self.last].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [first, last] = <[u16; 2]>::deserialize(deserializer)?;
        PortRange::new(first, last).ok_or_else(|| {
            serde::de::Error::custom(format!("port range [{first}, {last}] runs backwards"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_ports_share_a_range() {
        let ranges = PortRange::cover([80, 21, 22, 23, 80, 65535]);
        let text: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["21-23", "80", "65535"]);
    }

    #[test]
    fn a_backward_range_is_refused() {
        assert!(serde_json::from_str::<PortRange>("[9, 8]").is_err());
        assert_eq!(
            serde_json::from_str::<PortRange>("[8, 9]").unwrap(),
            PortRange { first: 8, last: 9 }
        );
    }
}

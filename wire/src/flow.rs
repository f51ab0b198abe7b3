//! Who talks to whom: the five-tuple of one direction, the key of both, and the Community ID.
//!
//! Of ICMP, the type of a message and that of its answer take the place of ports; of a message that nobody answers, its
//! type and code. So say the rules of Community ID, and a question and its answer have one key.
//!
//! Source: Community ID Flow Hashing, version 1, github.com/corelight/community-id-spec.

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::decode::{Layers, Network, Transport};
use crate::packet::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};

/// Types of ICMP that ask, and those that answer them.
const ICMP_PAIRS: [(u16, u16); 5] = [(8, 0), (10, 9), (13, 14), (15, 16), (17, 18)];
/// The same of ICMPv6.
const ICMPV6_PAIRS: [(u16, u16); 6] = [
    (128, 129),
    (130, 131),
    (133, 134),
    (135, 136),
    (139, 140),
    (144, 145),
];

/// One direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// Number of the protocol above IP.
    pub protocol: u8,
    /// Who sends.
    pub source: SocketAddr,
    /// Who receives.
    pub destination: SocketAddr,
}

impl FiveTuple {
    /// That of a packet, with ports 0 where its protocol has none; `None` of what is no IP. What an error quotes is not
    /// looked at, and a fragment is no part of anything: its ports are in the first.
    pub fn of(layers: &Layers<'_>) -> Option<FiveTuple> {
        let (source, destination) = layers.addresses()?;
        let icmp = |message: u8, code: u8, pairs| {
            let answer = counterpart(u16::from(message), pairs);
            (u16::from(message), answer.unwrap_or(u16::from(code)))
        };
        let (protocol, (from, to)) = match &layers.transport {
            Transport::Tcp(tcp) => (PROTOCOL_TCP, (tcp.source, tcp.destination)),
            Transport::Udp(udp) => (PROTOCOL_UDP, (udp.source, udp.destination)),
            Transport::Icmp(said) => (
                PROTOCOL_ICMP,
                icmp(said.icmp_type, said.code, ICMP_PAIRS.as_slice()),
            ),
            Transport::Icmpv6(said) => (
                PROTOCOL_ICMPV6,
                icmp(said.icmp_type, said.code, ICMPV6_PAIRS.as_slice()),
            ),
            _ => (protocol(&layers.network)?, (0, 0)),
        };
        Some(FiveTuple {
            protocol,
            source: SocketAddr::new(source, from),
            destination: SocketAddr::new(destination, to),
        })
    }

    /// Whether what is sent so can have no answer.
    fn is_one_way(&self) -> bool {
        let pairs = match self.protocol {
            PROTOCOL_ICMP => ICMP_PAIRS.as_slice(),
            PROTOCOL_ICMPV6 => ICMPV6_PAIRS.as_slice(),
            _ => return false,
        };
        counterpart(self.source.port(), pairs).is_none()
    }
}

fn counterpart(message: u16, pairs: &[(u16, u16)]) -> Option<u16> {
    pairs.iter().find_map(|(asks, answers)| match message {
        message if message == *asks => Some(*answers),
        message if message == *answers => Some(*asks),
        _ => None,
    })
}

fn protocol(network: &Network) -> Option<u8> {
    match network {
        Network::V4(ip) => Some(ip.protocol),
        Network::V6(ip) => Some(ip.protocol),
        Network::Arp(_) | Network::None => None,
    }
}

/// Both directions: the ends, the lesser first. A message that can have no answer keeps its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// Number of the protocol above IP.
    pub protocol: u8,
    /// The lesser end, by address, then by port.
    pub low: SocketAddr,
    /// The other.
    pub high: SocketAddr,
}

impl FlowKey {
    /// The key, and whether the direction is from its low end to its high one.
    pub fn of(flow: FiveTuple) -> (FlowKey, bool) {
        let forward = flow.source <= flow.destination || flow.is_one_way();
        let (low, high) = if forward {
            (flow.source, flow.destination)
        } else {
            (flow.destination, flow.source)
        };
        let key = FlowKey {
            protocol: flow.protocol,
            low,
            high,
        };
        (key, forward)
    }

    /// The Community ID under a seed, which is 0 unless the user of a detector chose another.
    pub fn community_id(&self, seed: u16) -> String {
        let mut digest = Sha1::new();
        digest.update(seed.to_be_bytes());
        for end in [self.low, self.high] {
            match end.ip() {
                IpAddr::V4(address) => digest.update(address.octets()),
                IpAddr::V6(address) => digest.update(address.octets()),
            }
        }
        digest.update([self.protocol, 0]);
        if matches!(
            self.protocol,
            PROTOCOL_TCP | PROTOCOL_UDP | PROTOCOL_ICMP | PROTOCOL_ICMPV6
        ) {
            digest.update(self.low.port().to_be_bytes());
            digest.update(self.high.port().to_be_bytes());
        }
        format!("1:{}", STANDARD.encode(digest.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::LinkType;
    use crate::packet::Packet;

    fn flow(line: &str) -> FiveTuple {
        let packet: Packet = line
            .parse()
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        let mut bytes = Vec::new();
        packet.emit(&mut bytes);
        FiveTuple::of(&Layers::decode(LinkType::RAW, &bytes)).unwrap()
    }

    fn id(line: &str) -> String {
        FlowKey::of(flow(line)).0.community_id(0)
    }

    #[test]
    fn ids_are_those_of_the_specification() {
        let known = [
            (
                "128.232.110.120.34855 > 66.35.250.204.80: S 1",
                "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
            ),
            (
                "192.168.1.52.54585 > 8.8.8.8.53: udp",
                "1:d/FP5EW3wiY1vCndhwleRRKHowQ=",
            ),
            (
                "192.168.0.89 > 192.168.0.1: icmp 8/0",
                "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=",
            ),
            (
                "fe80::200:86ff:fe05:80da > fe80::260:97ff:fe07:69ea: icmp 135/0",
                "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=",
            ),
        ];
        for (line, wanted) in known {
            assert_eq!(id(line), wanted, "{line}");
        }
    }

    #[test]
    fn both_directions_have_one_key() {
        let pairs = [
            (
                "192.0.2.1.1024 > 198.51.100.2.80: S 1",
                "198.51.100.2.80 > 192.0.2.1.1024: S. 1 ack 2",
            ),
            (
                "192.0.2.1 > 198.51.100.2: icmp 8/0",
                "198.51.100.2 > 192.0.2.1: icmp 0/0",
            ),
            (
                "192.0.2.1.9 > 192.0.2.1.7: udp",
                "192.0.2.1.7 > 192.0.2.1.9: udp",
            ),
            (
                "192.0.2.1 > 198.51.100.2: proto 47",
                "198.51.100.2 > 192.0.2.1: proto 47",
            ),
        ];
        for (there, back) in pairs {
            let (key, forward) = FlowKey::of(flow(there));
            assert_eq!(FlowKey::of(flow(back)), (key, !forward), "{there}");
        }
    }

    #[test]
    fn an_error_is_no_answer_to_another() {
        let (there, back) = (
            "192.0.2.1 > 198.51.100.2: icmp 3/1",
            "198.51.100.2 > 192.0.2.1: icmp 3/1",
        );
        assert_ne!(FlowKey::of(flow(there)).0, FlowKey::of(flow(back)).0);
    }
}

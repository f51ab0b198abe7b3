//! Addresses as table keys: one shape for both versions of IP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use labels::AddressBlock;

/// An IP address; IPv4 in its IPv4-mapped form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Address {
    high: u64,
    low: u64,
}

/// What precedes an IPv4 address in its mapped form, RFC 4291 section 2.5.5.2.
const MAPPED: u64 = 0xffff_0000_0000;

impl Address {
    /// The address as other crates know it.
    pub fn to_ip(self) -> IpAddr {
        Ipv6Addr::from_bits(self.number()).to_canonical()
    }

    #[inline]
    fn number(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    /// Whether it names one host: not multicast, not broadcast, not unspecified.
    pub fn is_host(self) -> bool {
        match self.to_v4() {
            Some(v4) => !(v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified()),
            None => self.high >> 56 != 0xff && (self.high, self.low) > (0, 1),
        }
    }

    /// The neighbourhood that a sweep walks: the /24 of an IPv4 address, the /64 of an IPv6 address.
    pub fn neighbourhood(self) -> Address {
        match self.to_v4() {
            Some(_) => Address {
                low: self.low & !0xff,
                ..self
            },
            None => Address { low: 0, ..self },
        }
    }

    /// The block of that prefix length around it.
    pub fn block(self, length: u8) -> AddressBlock {
        match IpNet::new(self.to_ip(), length) {
            Ok(network) => network.into(),
            Err(_) => self.to_ip().into(),
        }
    }

    /// Whether it is a broadcast or multicast address, or may be the broadcast address of a network.
    pub fn is_broadcast_like(self) -> bool {
        !self.is_host() || self.to_v4().is_some_and(|v4| v4.octets()[3] == 255)
    }

    /// Whether what is sent to it stays on its segment: no router forwards the limited broadcast, nor groups of the link
    /// (RFC 1812 section 4.2.2.11, RFC 5771 section 4, RFC 4291 section 2.7).
    pub fn is_of_segment(self) -> bool {
        match self.to_v4() {
            Some(v4) => v4.is_broadcast() || v4.octets()[..3] == [224, 0, 0],
            None => self.high >> 48 == 0xff02,
        }
    }

    /// Whether it is of a private, link-local or unique local range: hosts of one site.
    pub fn is_private(self) -> bool {
        match self.to_v4() {
            Some(v4) => v4.is_private() || v4.is_link_local(),
            None => self.high >> 57 == 0xfc >> 1 || self.high >> 54 == 0xfe80 >> 6,
        }
    }

    /// Whether two addresses belong to one site, as far as addresses alone can tell: both private, or of one /16.
    pub fn is_near(self, other: Address) -> bool {
        match (self.to_v4(), other.to_v4()) {
            (Some(a), Some(b)) => {
                a.octets()[..2] == b.octets()[..2] || (self.is_private() && other.is_private())
            }
            (None, None) => {
                self.high >> 16 == other.high >> 16 || (self.is_private() && other.is_private())
            }
            _ => false,
        }
    }

    /// Whether it is an IPv4 address.
    pub fn is_v4(self) -> bool {
        self.to_v4().is_some()
    }

    fn to_v4(self) -> Option<Ipv4Addr> {
        let low = u32::try_from(self.low ^ MAPPED).ok()?;
        (self.high == 0).then(|| Ipv4Addr::from_bits(low))
    }

    /// Bits that tell addresses apart, for sketches.
    pub fn bits(self) -> u64 {
        self.high ^ self.low
    }
}

/// As one number: a comparison of two is cheaper than one of halves, and sets of addresses are kept in order.
impl Ord for Address {
    #[inline]
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for Address {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl From<Ipv4Addr> for Address {
    #[inline]
    fn from(address: Ipv4Addr) -> Self {
        Address {
            high: 0,
            low: MAPPED | u64::from(address.to_bits()),
        }
    }
}

impl From<Ipv6Addr> for Address {
    #[inline]
    fn from(address: Ipv6Addr) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = address.octets();
        Address {
            high: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            low: u64::from_be_bytes([i, j, k, l, m, n, o, p]),
        }
    }
}

impl From<IpAddr> for Address {
    #[inline]
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => v4.into(),
            IpAddr::V6(v6) => v6.into(),
        }
    }
}

/// A port of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Service {
    pub(crate) address: Address,
    pub(crate) port: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn both_versions_come_back() {
        for text in ["192.0.2.7", "2001:db8::1", "0.0.0.0", "255.255.255.255"] {
            assert_eq!(address(text).to_ip().to_string(), text);
        }
        assert!(address("192.0.2.7").is_v4() && !address("2001:db8::1").is_v4());
    }

    #[test]
    fn only_hosts_are_hosts() {
        for text in [
            "224.0.0.251",
            "255.255.255.255",
            "ff02::fb",
            "::",
            "0.0.0.0",
        ] {
            assert!(!address(text).is_host(), "{text}");
        }
        assert!(address("192.0.2.7").is_host() && address("2001:db8::1").is_host());
    }

    #[test]
    fn some_never_leave_a_segment() {
        for (text, stays) in [
            ("255.255.255.255", true),
            ("224.0.0.251", true),
            ("ff02::fb", true),
            ("192.0.2.255", false),
            ("239.255.255.250", false),
            ("ff05::2", false),
        ] {
            assert_eq!(address(text).is_of_segment(), stays, "{text}");
        }
    }

    #[test]
    fn neighbours_share_their_front() {
        let (a, b) = (address("192.0.2.7"), address("192.0.2.6"));
        assert_eq!(a.neighbourhood(), b.neighbourhood());
        assert_ne!(a.neighbourhood(), address("192.0.3.7").neighbourhood());
    }
}

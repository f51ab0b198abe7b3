//! Addresses for the names of a listing.
//!
//! Names, and addresses that were made unusable (`256.0.0.1`, `172.20.x.y`), get addresses of the documentation ranges in
//! order of appearance: 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24 (RFC 5737), then 198.18.0.0/15 (RFC 2544); in
//! IPv6 packets 2001:db8::/32 (RFC 3849). Addresses that the listing prints are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::services;
use crate::error::{Fault, Problem, Read};
use crate::said::{End, Said};

/// First address and number of addresses of the pools, in their order.
const POOLS: [(Ipv4Addr, u32); 4] = [
    (Ipv4Addr::new(192, 0, 2, 1), 254),
    (Ipv4Addr::new(198, 51, 100, 1), 254),
    (Ipv4Addr::new(203, 0, 113, 1), 254),
    (Ipv4Addr::new(198, 18, 0, 1), (1 << 17) - 2),
];
/// Before the first address for names in IPv6 packets.
const POOL_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0);

/// What address a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Whether the user gave it.
    pub given: bool,
}

/// Gives addresses to names.
pub(super) struct Names {
    known: BTreeMap<(String, bool), IpAddr>,
    /// Names that the user gives, and whether they have appeared.
    given: BTreeMap<String, (IpAddr, bool)>,
    taken: BTreeSet<IpAddr>,
    order: Vec<Assignment>,
    free_v4: Box<dyn Iterator<Item = Ipv4Addr>>,
    last_v6: u128,
}

impl Names {
    /// With the names that the user gives, and the addresses that the listing prints.
    pub(super) fn new(given: &BTreeMap<String, IpAddr>, printed: BTreeSet<IpAddr>) -> Self {
        let mut taken = printed;
        taken.extend(given.values());
        let pool = |(first, count): (Ipv4Addr, u32)| {
            (0..count).map(move |n| Ipv4Addr::from_bits(first.to_bits() + n))
        };
        Names {
            known: BTreeMap::new(),
            given: given
                .iter()
                .map(|(name, address)| (name.clone(), (*address, false)))
                .collect(),
            taken,
            order: Vec::new(),
            free_v4: Box::new(POOLS.into_iter().flat_map(pool)),
            last_v6: POOL_V6.to_bits(),
        }
    }

    /// All names in order of appearance.
    pub(super) fn into_order(self) -> Vec<Assignment> {
        self.order
    }

    /// The address of a host in a packet of that version of IP.
    pub(super) fn address(&mut self, host: &str, v6: bool) -> Result<IpAddr, Problem> {
        if let Some((address, appeared)) = self.given.get_mut(host) {
            let (address, appeared) = (*address, std::mem::replace(appeared, true));
            if !appeared {
                self.assign(host, address, true);
            }
            return of_version(host, address, v6);
        }
        if let Ok(address) = host.parse() {
            return of_version(host, address, v6);
        }
        let key = (host.to_owned(), v6);
        if let Some(address) = self.known.get(&key) {
            return Ok(*address);
        }
        let address = self.free(v6).ok_or(Problem::TooManyNames)?;
        self.known.insert(key, address);
        self.assign(host, address, false);
        Ok(address)
    }

    fn assign(&mut self, name: &str, address: IpAddr, given: bool) {
        self.order.push(Assignment {
            name: name.to_owned(),
            address,
            given,
        });
    }

    fn free(&mut self, v6: bool) -> Option<IpAddr> {
        loop {
            let address = if v6 {
                self.last_v6 += 1;
                Ipv6Addr::from_bits(self.last_v6).into()
            } else {
                self.free_v4.next()?.into()
            };
            if !self.taken.contains(&address) {
                return Some(address);
            }
        }
    }
}

fn of_version(name: &str, address: IpAddr, v6: bool) -> Result<IpAddr, Problem> {
    if address.is_ipv6() == v6 {
        Ok(address)
    } else {
        Err(Problem::MixedVersions {
            name: name.to_owned(),
            address,
        })
    }
}

impl End {
    /// Host and port of an end that has a port.
    pub(super) fn split(&self) -> Read<(&str, u16)> {
        let fault = |problem| Fault {
            at: self.at,
            problem,
        };
        let no_port = || fault(Problem::NoPort(self.text.clone()));
        let separator = self.separator.unwrap_or('.');
        let (host, service) = self.text.rsplit_once(separator).ok_or_else(no_port)?;
        if host.is_empty() || service.is_empty() || self.is_address() {
            return Err(no_port());
        }
        let port = service.parse().ok().or_else(|| services::port(service));
        match port {
            Some(port) => Ok((host, port)),
            None if service.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(fault(Problem::TooLarge(service.to_owned())))
            }
            None => Err(fault(Problem::UnknownService(service.to_owned()))),
        }
    }

    /// Whether all of it is an address.
    pub(super) fn is_address(&self) -> bool {
        self.text.parse::<IpAddr>().is_ok()
    }
}

/// The addresses that packets print as their ends.
pub(super) fn printed<'a>(packets: impl Iterator<Item = &'a Said>) -> BTreeSet<IpAddr> {
    let ends = packets.flat_map(|said| [(said, &said.source), (said, &said.destination)]);
    let host = |(said, end): (&'a Said, &'a End)| match said.what.has_ports() {
        true => end.split().ok().map(|(host, _)| host),
        false => Some(end.text.as_str()),
    };
    ends.filter_map(host)
        .filter_map(|host| host.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_addresses_in_order_of_appearance_around_those_in_use() {
        let given = BTreeMap::from([("c".to_owned(), "10.0.0.9".parse().unwrap())]);
        let printed = BTreeSet::from(["192.0.2.2".parse().unwrap()]);
        let mut names = Names::new(&given, printed);
        let mut of = |name: &str| names.address(name, false).unwrap().to_string();
        assert_eq!(of("256.0.0.1"), "192.0.2.1");
        assert_eq!(of("a.b.c.158"), "192.0.2.3");
        assert_eq!(of("256.0.0.1"), "192.0.2.1");
        assert_eq!(
            (of("c"), of("10.1.1.1")),
            ("10.0.0.9".into(), "10.1.1.1".into())
        );
        assert_eq!(names.address("a", true).unwrap().to_string(), "2001:db8::1");
        assert!(names.address("c", true).is_err());
        assert_eq!(names.into_order().len(), 4);
    }

    #[test]
    fn pools_run_on_into_the_benchmark_range_and_end() {
        let mut names = Names::new(&BTreeMap::new(), BTreeSet::new());
        let last = (0..254 * 3 + 1).map(|n| names.address(&format!("h{n}"), false).unwrap());
        assert_eq!(last.last().unwrap().to_string(), "198.18.0.1");
        assert_eq!(names.free_v4.by_ref().count(), (1 << 17) - 3);
        assert_eq!(names.address("x", false), Err(Problem::TooManyNames));
    }

    #[test]
    fn the_port_stands_behind_the_last_separator() {
        let end = |text: &str| End {
            text: text.into(),
            ..End::default()
        };
        assert_eq!(end("a.b.c.158.www").split().unwrap(), ("a.b.c.158", 80));
        assert_eq!(end("2001:db8::1.53").split().unwrap(), ("2001:db8::1", 53));
        for wrong in ["10.0.0.1", "a", ".80", "a.", "a.70000", "a.nobody"] {
            assert!(end(wrong).split().is_err(), "{wrong}");
        }
    }
}

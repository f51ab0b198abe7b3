//! The inside of a site: a chain of segments, and the stations on each.
//!
//! Segment 0 lies at the border, segment 1 behind the first router inside, and so on; hosts with equal `hops` share one.
//! Who sends to a neighbour asks for its hardware address first, by ARP or neighbour discovery (RFC 826, RFC 4861), and
//! asks again when what it knows has grown old.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::Ipv6Net;
use wire::{MacAddress, Timestamp};

use super::topology::{SegmentId, Station};
use crate::seed::Draws;

/// How long a neighbour is remembered. Assumption: a minute, between Linux's thirty seconds and the twenty minutes of BSD.
const REMEMBERED: u64 = 60_000_000_000;
/// Time between two questions for a neighbour that does not answer: RFC 1122 section 2.3.2.1 allows one a second.
pub const ASK_AGAIN: u64 = 1_000_000_000;
/// Questions before a neighbour counts as gone.
pub const QUESTIONS: u64 = 3;
/// Neighbours remembered on all segments together; more make the table begin anew, as a full cache does.
const MAX_NEIGHBOURS: usize = 65_536;

/// Steps of a host that joins a segment.
#[derive(Clone, Copy, Debug)]
pub enum Joining {
    /// It claims its link-local address.
    Near,
    /// It asks for routers.
    Asks,
    /// It claims the address that it has made of what a router said.
    Far,
}

/// The router of a segment, as far as it advertises.
#[derive(Debug)]
pub struct Advertiser {
    /// What it advertises.
    pub prefix: Ipv6Net,
    /// When it speaks.
    pub draws: Draws,
    /// The answer that is under way, if any.
    pub next: Option<Timestamp>,
    /// When it last spoke.
    pub last: Option<Timestamp>,
}

/// What stations know of their neighbours.
#[derive(Debug, Default)]
pub struct Neighbours {
    /// From when and until when a neighbour is known.
    known: BTreeMap<(SegmentId, Station, IpAddr), (Timestamp, Timestamp)>,
}

impl Neighbours {
    /// From when on a station knows a neighbour, if it does or is being told.
    pub fn known_from(
        &self,
        segment: SegmentId,
        station: Station,
        neighbour: IpAddr,
        at: Timestamp,
    ) -> Option<Timestamp> {
        let (from, until) = self.known.get(&(segment, station, neighbour))?;
        (at < *until).then_some(*from)
    }

    /// A station knows of a neighbour from then on.
    pub fn learn(
        &mut self,
        segment: SegmentId,
        station: Station,
        neighbour: IpAddr,
        from: Timestamp,
    ) {
        self.insert((segment, station, neighbour), from, REMEMBERED);
    }

    /// A station asks for a neighbour that does not answer, and not again before it has given up.
    pub fn ask_in_vain(
        &mut self,
        segment: SegmentId,
        station: Station,
        neighbour: IpAddr,
        at: Timestamp,
    ) {
        self.insert((segment, station, neighbour), at, ASK_AGAIN * QUESTIONS);
    }

    fn insert(&mut self, key: (SegmentId, Station, IpAddr), from: Timestamp, lasts: u64) {
        if self.known.len() >= MAX_NEIGHBOURS {
            self.known.clear();
        }
        self.known.insert(key, (from, from.plus_nanos(lasts)));
    }
}

/// The group that listens for questions about an address, RFC 4291 section 2.7.1.
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    let [high, low] = [0xff00 | u16::from(a), u16::from_be_bytes([b, c])];
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, high, low)
}

/// The interface identifier of a hardware address, RFC 4291 appendix A.
pub fn interface_id(mac: MacAddress) -> [u8; 8] {
    let [a, b, c, d, e, f] = mac.0;
    [a ^ 2, b, c, 0xff, 0xfe, d, e, f]
}

/// The link-local address with that interface identifier, RFC 4291 section 2.5.6.
pub fn link_local(id: [u8; 8]) -> Ipv6Addr {
    Ipv6Addr::from(0xfe80_u128 << 112 | u128::from(u64::from_be_bytes(id)))
}

/// The hardware address of a router: the organisations of common router makers, so that none stands out.
pub fn router_mac(draws: &mut Draws) -> MacAddress {
    mac(
        draws,
        &[
            [0x00, 0x1b, 0x54],
            [0x00, 0x05, 0x85],
            [0x00, 0x1c, 0x73],
            [0x4c, 0x5e, 0x0c],
        ],
    )
}

/// The hardware address of a host: the organisations of common makers of network cards, whatever the host is up to.
pub fn host_mac(draws: &mut Draws) -> MacAddress {
    mac(
        draws,
        &[
            [0x00, 0x1b, 0x21],
            [0x00, 0x10, 0x5a],
            [0x00, 0xa0, 0xc9],
            [0x00, 0x50, 0x04],
            [0x08, 0x00, 0x20],
            [0xf0, 0x1f, 0xaf],
            [0x3c, 0x07, 0x54],
            [0x00, 0x0c, 0x29],
        ],
    )
}

fn mac(draws: &mut Draws, makers: &[[u8; 3]]) -> MacAddress {
    let [a, b, c] = draws.pick(makers).copied().unwrap_or_default();
    let [d, e, f, _] = draws.word32().to_le_bytes();
    MacAddress([a, b, c, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::topology::SiteId;

    const SEGMENT: SegmentId = SegmentId {
        site: SiteId(0),
        depth: 0,
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_neighbour_is_remembered_for_a_minute() {
        let mut neighbours = Neighbours::default();
        let address: IpAddr = [192, 0, 2, 1].into();
        let known = |n: &Neighbours, t| n.known_from(SEGMENT, Station::Outer, address, at(t));
        assert_eq!(known(&neighbours, 0), None);
        neighbours.learn(SEGMENT, Station::Outer, address, at(1));
        assert_eq!(known(&neighbours, 0), Some(at(1)));
        assert_eq!(
            (known(&neighbours, 60), known(&neighbours, 61)),
            (Some(at(1)), None)
        );
    }

    #[test]
    fn who_does_not_answer_is_asked_for_anew_after_three_seconds() {
        let mut neighbours = Neighbours::default();
        let address: IpAddr = [192, 0, 2, 1].into();
        neighbours.ask_in_vain(SEGMENT, Station::Outer, address, at(5));
        let known = |t| {
            neighbours
                .known_from(SEGMENT, Station::Outer, address, at(t))
                .is_some()
        };
        assert_eq!((known(7), known(8)), (true, false));
    }

    #[test]
    fn the_group_of_an_address_ends_like_it() {
        let address: Ipv6Addr = "2001:db8::1:2a3b:4c5d".parse().unwrap();
        assert_eq!(solicited_node(address).to_string(), "ff02::1:ff3b:4c5d");
    }
}

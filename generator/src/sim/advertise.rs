//! How hosts of a segment come to their IPv6 addresses: routers advertise the prefix, now and then and when they are asked, RFC
//! 4861 section 6, and a host that joins makes sure that nobody has the address that it makes of it, RFC 4862 section 5.4.
//!
//! Shown where a sensor stands on the segment. Some hosts join while it watches: they have been switched on, or their radio
//! has found its network again, and reports the group in which it listens (RFC 3810, RFC 3590). Not modelled: queries for listeners,
//! DHCPv6, addresses that grow old.

use std::io::Write;
use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv6Net};
use wire::checksum::Checksum;
use wire::envelope::group_mac;
use wire::{Icmp, Ip, Ipv6, MacAddress, Packet, Payload, Segment, Timestamp};

use super::world::{Event, World};
use crate::activity::{ActivityId, Cause, Sent};
use crate::net::segment::{Advertiser, Joining, interface_id, link_local, solicited_node};
use crate::net::topology::{HostId, SegmentId, Station, on_link};
use crate::seed::SeedTree;

/// Time between two advertisements that nobody asked for: RFC 4861 section 6.2.1 has 200 to 600 seconds.
const EVERY: std::ops::RangeInclusive<u64> = 200_000_000_000..=600_000_000_000;
/// How long an answer waits, so that it serves all who ask: section 6.2.6.
const ANSWER_WAITS: std::ops::RangeInclusive<u64> = 0..=500_000_000;
/// Least time between two advertisements to all: section 10.
const LEAST_GAP: u64 = 3_000_000_000;
/// How long a host waits for an objection to its address: RFC 4862 section 5.1, RetransTimer of RFC 4861 section 10.
const CLAIM_WAITS: u64 = 1_000_000_000;
/// How long hosts hesitate at first, so that they do not all speak at once: RFC 4861 section 10.
const HESITATES: std::ops::RangeInclusive<u64> = 0..=1_000_000_000;
/// Hosts in a million that join while a sensor watches. Assumption: one in four.
const JOINS: u32 = 250_000;

const SOLICITATION: u8 = 133;
const ADVERTISEMENT: u8 = 134;
const CLAIM: u8 = 135;
const LISTENS: u8 = 143;
/// It listens to all who send to the group: RFC 3810 section 5.2.12.
const TO_ANYBODY: u8 = 4;
/// Between a report and what follows it. Assumption: the kernel's way from one to the other.
const AFTER_REPORT: u64 = 60_000;
const PROTOCOL_ICMPV6: u8 = 58;
const HOP_BY_HOP: u8 = 0;
const SOURCE_LINK: u8 = 1;
const PREFIX: u8 = 3;
const MTU: u8 = 5;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// Routers that mind listeners, RFC 3810 section 5.2.14.
const MIND_LISTENERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

impl<W: Write> World<W> {
    /// Sets going what happens by itself on watched segments with an IPv6 prefix.
    pub(super) fn advertise_from_start(&mut self, tree: &SeedTree) {
        for segment in self.topology.watched.clone() {
            let Some(site) = self.topology.sites.get(segment.site.0) else {
                continue;
            };
            let Some(block) = first_block(&site.prefixes) else {
                continue;
            };
            let path = format!("site/{}/router/{}/advertise", site.name, segment.depth);
            let mut draws = tree.draws(&path);
            // The sensor begins anywhere between two of them.
            let first = self.clock.plus_nanos(draws.range(0..=*EVERY.end()));
            self.queue.push(first, Event::Advertise(segment));
            let advertiser = Advertiser {
                prefix: on_link(block, segment.depth),
                draws,
                next: None,
                last: None,
            };
            self.advertisers.insert(segment, advertiser);
            self.plan_joins(segment, tree);
        }
    }

    fn plan_joins(&mut self, segment: SegmentId, tree: &SeedTree) {
        let hosts = self.topology.segments.get(&segment);
        for id in hosts.cloned().unwrap_or_default() {
            let Some(host) = self.hosts.get(id.0) else {
                continue;
            };
            if host.address_of_version(true).is_none() {
                continue;
            }
            let mut draws = tree.draws(&format!("host/{}/joins", host.name()));
            let whole = self.end.nanos_since(self.clock);
            let at = if host.has_just_started() {
                Some(0)
            } else {
                draws.chance(JOINS).then(|| draws.range(0..=whole))
            };
            if let Some(at) = at {
                let hesitates = draws.range(HESITATES);
                let at = self.clock.plus_nanos(at + hesitates);
                self.queue.push(at, Event::Join(id, Joining::Near));
                let asks = at.plus_nanos(CLAIM_WAITS + draws.range(0..=20_000_000));
                self.queue.push(asks, Event::Join(id, Joining::Asks));
            }
        }
    }

    /// The router's next advertisement that nobody asked for.
    pub(super) fn advertise_by_itself(&mut self, segment: SegmentId) {
        let Some(advertiser) = self.advertisers.get_mut(&segment) else {
            return;
        };
        let next = self.clock.plus_nanos(advertiser.draws.range(EVERY));
        self.queue.push(next, Event::Advertise(segment));
        self.advertise(segment);
    }

    /// The answer that was under way leaves, and those who asked have their prefix.
    pub(super) fn advertise_asked(&mut self, segment: SegmentId, asker: HostId) {
        let now = self.clock;
        let due = self
            .advertisers
            .get_mut(&segment)
            .filter(|advertiser| advertiser.next.is_some_and(|at| at <= now));
        if let Some(advertiser) = due {
            advertiser.next = None;
            self.advertise(segment);
        }
        let far = now.plus_nanos(2_000_000);
        self.queue.push(far, Event::Join(asker, Joining::Far));
    }

    fn advertise(&mut self, segment: SegmentId) {
        let mac = self.topology.mac(segment, Station::Outer);
        let Some(advertiser) = self.advertisers.get_mut(&segment) else {
            return;
        };
        advertiser.last = Some(self.clock);
        let payload = advertisement(mac, advertiser.prefix);
        // Hop limit 64 for all, no DHCPv6, a default router for half an hour.
        let rest = [64, 0, 0x07, 0x08];
        let from = link_local(interface_id(mac));
        let packet = message((ADVERTISEMENT, rest), (from, ALL_NODES), payload);
        self.show_to_group(segment, mac, packet, self.clock);
    }

    /// A host that joins takes its next step.
    pub(super) fn join(&mut self, id: HostId, step: Joining) {
        let Some(attachment) = self.topology.attachments.get(id.0) else {
            return;
        };
        let (segment, mac) = (attachment.segment(), attachment.mac);
        let address = self
            .hosts
            .get(id.0)
            .and_then(|host| host.address_of_version(true));
        let Some(std::net::IpAddr::V6(address)) = address else {
            return;
        };
        // Assumption: a host has one interface identifier for all its prefixes.
        let [.., a, b, c, d, e, f, g, h] = address.octets();
        let near = link_local([a, b, c, d, e, f, g, h]);
        let claim = |address: Ipv6Addr| {
            let ends = (Ipv6Addr::UNSPECIFIED, solicited_node(address));
            message((CLAIM, [0; 4]), ends, address.octets().to_vec())
        };
        let (now, then) = (self.clock, self.clock.plus_nanos(AFTER_REPORT));
        // One group for both addresses, as they end alike.
        let group = solicited_node(near);
        match step {
            Joining::Near => {
                let listens = report(Ipv6Addr::UNSPECIFIED, group);
                self.show_to_group(segment, mac, listens, now);
                self.show_to_group(segment, mac, claim(near), then);
            }
            Joining::Asks => {
                // Said again, now that the address is its own: RFC 3590 section 4.
                self.show_to_group(segment, mac, report(near, group), now);
                let link = link_option(SOURCE_LINK, mac);
                let ends = (near, ALL_ROUTERS);
                let question = message((SOLICITATION, [0; 4]), ends, link);
                self.show_to_group(segment, mac, question, then);
                self.plan_answer(segment, id);
            }
            Joining::Far => self.show_to_group(segment, mac, claim(address), now),
        }
    }

    /// The router is asked: it answers all at once, after a while, and not too often.
    fn plan_answer(&mut self, segment: SegmentId, asker: HostId) {
        let now = self.clock;
        let Some(advertiser) = self.advertisers.get_mut(&segment) else {
            return;
        };
        let at = advertiser.next.unwrap_or_else(|| {
            let at = now.plus_nanos(advertiser.draws.range(ANSWER_WAITS));
            let soonest = advertiser.last.map(|last| last.plus_nanos(LEAST_GAP));
            soonest.map_or(at, |soonest| at.max(soonest))
        });
        advertiser.next = Some(at);
        self.queue.push(at, Event::Advertised(segment, asker));
    }

    fn show_to_group(
        &mut self,
        segment: SegmentId,
        mac: MacAddress,
        packet: Packet,
        at: Timestamp,
    ) {
        let to = group_mac(packet.destination()).unwrap_or(MacAddress::BROADCAST);
        let cause = Cause::stimulus(ActivityId::BACKGROUND);
        self.show_discovery(segment, (mac, to), Sent { packet, cause }, at);
    }
}

fn first_block(prefixes: &[IpNet]) -> Option<Ipv6Net> {
    prefixes.iter().find_map(|prefix| match prefix {
        IpNet::V6(block) => Some(*block),
        IpNet::V4(_) => None,
    })
}

/// What follows the first eight bytes of an advertisement, RFC 4861 sections 4.2 and 4.6: nothing about times, then the router's
/// hardware address, the MTU and the prefix.
fn advertisement(mac: MacAddress, prefix: Ipv6Net) -> Vec<u8> {
    let mut payload = vec![0; 8];
    payload.extend(link_option(SOURCE_LINK, mac));
    payload.extend([MTU, 1, 0, 0]);
    payload.extend(1500_u32.to_be_bytes());
    // On the link; hosts make addresses of it if it leaves them their 64 bits.
    let flags = if prefix.prefix_len() == 64 {
        0xc0
    } else {
        0x80
    };
    payload.extend([PREFIX, 4, prefix.prefix_len(), flags]);
    // Thirty days, and seven of them preferred: section 6.2.1.
    payload.extend(2_592_000_u32.to_be_bytes());
    payload.extend(604_800_u32.to_be_bytes());
    payload.extend([0; 4]);
    payload.extend(prefix.network().octets());
    payload
}

/// A report that a host listens in a group, RFC 3810 section 5.2, with the option that makes routers look, RFC 2711.
fn report(from: Ipv6Addr, group: Ipv6Addr) -> Packet {
    let body = [
        &[0, 0, 0, 1, TO_ANYBODY, 0, 0, 0],
        group.octets().as_slice(),
    ]
    .concat();
    let length = u16::try_from(body.len() + 4).unwrap_or(u16::MAX);
    let sum = Checksum::new().pseudo_v6(from, MIND_LISTENERS, PROTOCOL_ICMPV6, length);
    let [high, low] = sum.bytes(&[LISTENS, 0]).bytes(&body).finish().to_be_bytes();
    let alert = [PROTOCOL_ICMPV6, 0, 5, 2, 0, 0, 1, 0];
    let head = [LISTENS, 0, high, low];
    Packet {
        ip: Ip::V6(Ipv6 {
            hop_limit: 1,
            ..Ipv6::new(from, MIND_LISTENERS)
        }),
        segment: Segment::Raw(HOP_BY_HOP),
        payload: Payload::new([alert.as_slice(), &head, &body].concat()),
    }
}

fn link_option(kind: u8, mac: MacAddress) -> Vec<u8> {
    let mut option = vec![kind, 1];
    option.extend(mac.0);
    option
}

/// A message of neighbour discovery: only those from the link itself have all their hops left.
fn message(
    (kind, rest): (u8, [u8; 4]),
    (from, to): (Ipv6Addr, Ipv6Addr),
    payload: Vec<u8>,
) -> Packet {
    Packet {
        ip: Ip::V6(Ipv6 {
            hop_limit: 255,
            ..Ipv6::new(from, to)
        }),
        segment: Segment::Icmp(Icmp {
            rest,
            ..Icmp::new(kind, 0)
        }),
        payload: Payload::new(payload),
    }
}

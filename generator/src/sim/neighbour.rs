//! How stations of a segment learn each other's hardware addresses: ARP, RFC 826, and neighbour discovery, RFC 4861.
//!
//! Shown where a sensor stands on the segment; elsewhere nobody could tell. Not modelled: proxies, probes of neighbours
//! that are known.

use std::io::Write;
use std::net::{IpAddr, Ipv6Addr};

use wire::envelope::group_mac;
use wire::{ArpMessage, Icmp, Ip, Ipv6, MacAddress, Packet, Payload, Segment, Timestamp};

use super::world::{Event, World, stands_on};
use crate::activity::{Cause, Sent};
use crate::host::program::Lookup;
use crate::net::pool::Passing;
use crate::net::segment::{ASK_AGAIN, QUESTIONS, interface_id, link_local, solicited_node};
use crate::net::sensor::{Sighting, What};
use crate::net::topology::{Direction, SegmentId, Station};

/// How long a station takes to answer. Assumption: the kernel's own time and two crossings of a switch.
const ANSWER: u64 = 120_000;
/// Type of a neighbour solicitation.
const SOLICITATION: u8 = 135;
/// Type of a neighbour advertisement.
const ADVERTISEMENT: u8 = 136;
/// Flags of an advertisement that was asked for and overrides what was known.
const SOLICITED_OVERRIDE: u8 = 0x60;
/// Option: the sender's hardware address.
const SOURCE_LINK: u8 = 1;
/// Option: the target's hardware address.
const TARGET_LINK: u8 = 2;

impl<W: Write> World<W> {
    /// A station has a packet for a neighbour and asks for it first, if it must; returns when it can send.
    ///
    /// `address` is the neighbour's; without one, it is the router's.
    pub(super) fn ask(
        &mut self,
        segment: SegmentId,
        asker: Station,
        neighbour: Station,
        address: Option<IpAddr>,
        at: Timestamp,
        passing: Passing,
    ) -> Timestamp {
        if !self.topology.watched.contains(&segment) {
            return at;
        }
        let sent = self.pool.at(passing);
        let (cause, sender) = (sent.cause.answered(), sent.packet.source());
        let over_ipv6 = sender.is_ipv6();
        let address = address.or_else(|| self.router_address(segment, over_ipv6));
        let Some((own, address)) = self
            .address_of(segment, asker, over_ipv6)
            .or(Some(sender))
            .zip(address)
        else {
            return at;
        };
        if let Some(from) = self.neighbours.known_from(segment, asker, address, at) {
            return at.max(from);
        }
        // The packet follows the answer at once.
        let ready = at.plus_nanos(ANSWER + ANSWER / 8);
        self.neighbours.learn(segment, asker, address, ready);
        self.neighbours.learn(segment, neighbour, own, at);
        let asked_by = (own, self.topology.mac(segment, asker));
        let answerer = self.topology.mac(segment, neighbour);
        self.show_question(segment, asked_by, address, at, cause);
        self.show_answer(
            segment,
            asked_by,
            (address, answerer),
            at.plus_nanos(ANSWER),
            cause,
        );
        ready
    }

    /// A station asks for an address where nobody lives, three times.
    pub(super) fn ask_in_vain(
        &mut self,
        segment: SegmentId,
        asker: Station,
        address: IpAddr,
        at: Timestamp,
        passing: Passing,
    ) {
        let known = self.neighbours.known_from(segment, asker, address, at);
        if !self.topology.watched.contains(&segment) || known.is_some() {
            return;
        }
        self.neighbours.ask_in_vain(segment, asker, address, at);
        let cause = self.pool.at(passing).cause.answered();
        let Some(own) = self.address_of(segment, asker, address.is_ipv6()) else {
            return;
        };
        let mac = self.topology.mac(segment, asker);
        for n in 0..QUESTIONS {
            let at = at.plus_nanos(n * ASK_AGAIN);
            self.show_question(segment, (own, mac), address, at, cause);
        }
    }

    /// A program asks for a neighbour by itself, once.
    pub(super) fn look_up(
        &mut self,
        id: crate::net::topology::HostId,
        at: Timestamp,
        lookup: Lookup,
    ) {
        let Some(attachment) = self.topology.attachments.get(id.0) else {
            return;
        };
        let (segment, mac) = (attachment.segment(), attachment.mac);
        let Lookup {
            program,
            neighbour,
            cause,
        } = lookup;
        let Some(own) = self.address_of(segment, Station::Host(id), neighbour.is_ipv6()) else {
            return;
        };
        if self.topology.hosts.get(&neighbour) == Some(&id) {
            return;
        }
        self.show_question(segment, (own, mac), neighbour, at, cause);
        let answers = self.topology.hosts.get(&neighbour).copied().filter(|host| {
            let other = self.topology.attachments.get(host.0);
            other.is_some_and(|other| (other.site, other.hops) == (segment.site, segment.depth))
        });
        let answer = match answers {
            Some(host) => self.topology.mac(segment, Station::Host(host)),
            None if self.router_address(segment, neighbour.is_ipv6()) == Some(neighbour) => {
                self.topology.mac(segment, Station::Outer)
            }
            None => return,
        };
        let then = at.plus_nanos(ANSWER);
        self.show_answer(
            segment,
            (own, mac),
            (neighbour, answer),
            then,
            cause.answered(),
        );
        self.queue
            .push(then, Event::Neighbour(id, program, neighbour));
    }

    /// The address of a segment's router, where its site's router has one of that version of IP.
    fn router_address(&self, segment: SegmentId, over_ipv6: bool) -> Option<IpAddr> {
        let site = self.topology.sites.get(segment.site.0)?;
        if over_ipv6 {
            // Link-local, as routers announce themselves.
            let mac = self.topology.mac(segment, Station::Outer);
            return Some(link_local(interface_id(mac)).into());
        }
        Some(site.gateway).filter(IpAddr::is_ipv4)
    }

    fn address_of(&self, segment: SegmentId, station: Station, over_ipv6: bool) -> Option<IpAddr> {
        match station {
            Station::Host(id) => self.hosts.get(id.0)?.address_of_version(over_ipv6),
            Station::Outer | Station::Inner => self.router_address(segment, over_ipv6),
        }
    }

    fn show_question(
        &mut self,
        segment: SegmentId,
        (own, mac): (IpAddr, MacAddress),
        address: IpAddr,
        at: Timestamp,
        cause: Cause,
    ) {
        match (own, address) {
            (IpAddr::V4(own), IpAddr::V4(address)) => {
                let message = ArpMessage::request((own, mac), address);
                self.show_arp(segment, (mac, MacAddress::BROADCAST), message, at, cause);
            }
            (IpAddr::V6(own), IpAddr::V6(address)) => {
                let group = solicited_node(address);
                let packet = discovery(SOLICITATION, 0, (own, group), address, (SOURCE_LINK, mac));
                let to = group_mac(group.into()).unwrap_or(MacAddress::BROADCAST);
                self.show_discovery(segment, (mac, to), Sent { packet, cause }, at);
            }
            _ => {}
        }
    }

    fn show_answer(
        &mut self,
        segment: SegmentId,
        (own, mac): (IpAddr, MacAddress),
        (address, answerer): (IpAddr, MacAddress),
        at: Timestamp,
        cause: Cause,
    ) {
        match (own, address) {
            (IpAddr::V4(own), IpAddr::V4(address)) => {
                let message = ArpMessage::request((own, mac), address).answered_by(answerer);
                self.show_arp(segment, (answerer, mac), message, at, cause);
            }
            (IpAddr::V6(own), IpAddr::V6(address)) => {
                let link = (TARGET_LINK, answerer);
                let packet = discovery(
                    ADVERTISEMENT,
                    SOLICITED_OVERRIDE,
                    (address, own),
                    address,
                    link,
                );
                self.show_discovery(segment, (answerer, mac), Sent { packet, cause }, at);
            }
            _ => {}
        }
    }

    fn show_arp(
        &mut self,
        segment: SegmentId,
        macs: (MacAddress, MacAddress),
        message: ArpMessage,
        at: Timestamp,
        cause: Cause,
    ) {
        for sensor in self
            .sensors
            .iter_mut()
            .filter(|sensor| stands_on(*sensor, segment))
        {
            let sighting = Sighting {
                direction: Direction::Outward,
                stations: Some(macs),
                what: What::Arp(Box::new((message, cause))),
            };
            sensor.see(at, sighting);
        }
    }

    /// Shows a message of neighbour discovery to the sensors of a segment.
    pub(super) fn show_discovery(
        &mut self,
        segment: SegmentId,
        macs: (MacAddress, MacAddress),
        sent: Sent,
        at: Timestamp,
    ) {
        let passing = self.pool.insert(sent);
        for sensor in self
            .sensors
            .iter_mut()
            .filter(|sensor| stands_on(*sensor, segment))
        {
            self.pool.hold(passing);
            let sighting = Sighting {
                direction: Direction::Outward,
                stations: Some(macs),
                what: What::Packet(passing),
            };
            sensor.see(at, sighting);
        }
        self.pool.release(passing);
    }
}

/// A message of neighbour discovery, RFC 4861 sections 4.3 and 4.4.
fn discovery(
    kind: u8,
    flags: u8,
    (from, to): (Ipv6Addr, Ipv6Addr),
    target: Ipv6Addr,
    (option, mac): (u8, MacAddress),
) -> Packet {
    let mut payload = target.octets().to_vec();
    payload.extend_from_slice(&[option, 1]);
    payload.extend_from_slice(&mac.0);
    Packet {
        ip: Ip::V6(Ipv6 {
            hop_limit: 255,
            ..Ipv6::new(from, to)
        }),
        segment: Segment::Icmp(Icmp {
            rest: [flags, 0, 0, 0],
            ..Icmp::new(kind, 0)
        }),
        payload: Payload::new(payload),
    }
}

//! What routers say: errors about packets that they cannot pass on, and answers to packets for themselves.

use std::io::Write;
use std::net::IpAddr;

use wire::{Flags, Ip, Ipv4, Ipv6, Packet, Payload, Segment, Tcp, Timestamp};

use super::world::{Event, LOCAL_LANE, World};
use crate::activity::Sent;
use crate::host::icmp::{echo_reply, error_about};
use crate::host::trouble::Trouble;
use crate::net::pool::Passing;
use crate::net::topology::{Crossing, SiteId};

/// Initial TTL of routers' own messages: common routers use 255.
const ROUTER_TTL: u8 = 255;
/// How long a router takes to make a message, in nanoseconds. Assumption: its processor does it beside other work.
const ROUTER_TAKES: std::ops::RangeInclusive<u64> = 100_000..=3_000_000;

impl<W: Write> World<W> {
    /// A router is asked itself: it answers as hosts without services do.
    pub(super) fn router_answers(
        &mut self,
        site: SiteId,
        router: IpAddr,
        at: Timestamp,
        passing: Passing,
    ) {
        let asked = self.pool.at(passing);
        let Some(answer) = answer_of_router(router, asked) else {
            if matches!(asked.packet.segment, Segment::Udp(_)) {
                self.border_error(site, Trouble::Port, at, passing);
            }
            return;
        };
        let inside = self.topology.site_of(answer.packet.destination()) == Some(site);
        let answer = self.pool.insert(answer);
        if inside {
            self.arrive(site, LOCAL_LANE, at, answer);
            self.pool.release(answer);
        } else {
            // Assumption: a router's own processor takes a fifth of a millisecond.
            self.queue
                .push(at.plus_nanos(200_000), Event::Forward(site, answer));
        }
    }

    /// The border router of a site tells the sender what is wrong.
    pub(super) fn border_error(
        &mut self,
        site: SiteId,
        trouble: Trouble,
        at: Timestamp,
        about: Passing,
    ) {
        let sender = self.pool.at(about).packet.source();
        let place = self.topology.sites.get(site.0);
        if let Some(router) = place.map(|place| place.router_towards(sender)) {
            self.site_error(site, router, 0, trouble, at, about);
        }
    }

    /// A router inside a site, so many hops from its border, tells the sender what is wrong.
    pub(super) fn inner_error(
        &mut self,
        site: SiteId,
        hop: u8,
        trouble: Trouble,
        at: Timestamp,
        about: Passing,
    ) {
        let sender = self.pool.at(about).packet.source();
        let place = self.topology.sites.get(site.0);
        if let Some(router) = place.map(|place| place.inner_router(hop, sender)) {
            self.site_error(site, router, hop, trouble, at, about);
        }
    }

    pub(super) fn site_error(
        &mut self,
        site: SiteId,
        router: IpAddr,
        hop: u8,
        trouble: Trouble,
        at: Timestamp,
        about: Passing,
    ) {
        let at = self.router_takes(at);
        let about = as_met(trouble, about, hop);
        let Some(error) = router_packet(router, trouble, self.pool.at(about)) else {
            return;
        };
        let inside = self.topology.site_of(error.packet.destination()) == Some(site);
        let error = self.pool.insert(error).after_hops(hop);
        if inside {
            self.arrive(site, LOCAL_LANE, at, error);
            self.pool.release(error);
        } else {
            self.queue.push(at, Event::Forward(site, error));
        }
    }

    /// When a router has made a message of its own.
    fn router_takes(&mut self, at: Timestamp) -> Timestamp {
        match &mut self.router_time {
            Some(draws) => at.plus_nanos(draws.range(ROUTER_TAKES)),
            None => at,
        }
    }

    /// A router on the way tells the sender, at `home`, what is wrong.
    ///
    /// Assumption: the message takes as long back to the sender's border as the packet took to the router.
    pub(super) fn router_error(
        &mut self,
        router: IpAddr,
        trouble: Trouble,
        home: SiteId,
        hops: u8,
        at: Timestamp,
        about: Passing,
    ) {
        let met = as_met(trouble, about, hops);
        let Some(error) = router_packet(router, trouble, self.pool.at(met)) else {
            return;
        };
        let Some(target) = self.topology.site_of(error.packet.destination()) else {
            return;
        };
        if target == home {
            let back = self.router_takes(at).plus_nanos(at.nanos_since(self.clock));
            self.show_error_on_path(home, hops, (at, back), &error, about);
            let error = self.pool.insert(error).after_hops(hops);
            self.enter_site(home, target, back, error);
            return self.pool.release(error);
        }
        // Its alleged sender lives elsewhere: the message goes there from the site that the packet was for, or from where
        // it came.
        let wanted = self
            .topology
            .site_of(self.pool.at(about).packet.destination());
        let from = wanted
            .filter(|site| self.topology.way(*site, target).is_some())
            .unwrap_or(home);
        let lane = self.router_lane();
        let at = self.router_takes(at);
        if let Crossing::Through(at, hops) =
            self.topology.cross(from, target, &error.packet, lane, at)
        {
            let error = self.pool.insert(error).after_hops(hops);
            self.enter_site(from, target, at, error);
            self.pool.release(error);
        }
    }
}

/// What a router answers to an echo request or a segment for itself.
fn answer_of_router(router: IpAddr, asked: &Sent) -> Option<Sent> {
    let packet = &asked.packet;
    let segment = match &packet.segment {
        Segment::Icmp(message) => {
            let over_ipv6 = matches!(packet.ip, Ip::V6(_));
            Segment::Icmp(echo_reply(message, over_ipv6)?)
        }
        Segment::Tcp(tcp) if !tcp.flags.contains(Flags::RST) => {
            let acknowledges = tcp.flags.contains(Flags::ACK);
            let length = u32::try_from(packet.payload.len()).unwrap_or(0);
            let controls = u32::from(tcp.flags.intersects(Flags::SYN | Flags::FIN));
            let flags = if acknowledges {
                Flags::RST
            } else {
                Flags::RST | Flags::ACK
            };
            let mut reset = Tcp::new(tcp.destination, tcp.source, flags);
            if acknowledges {
                reset.sequence = tcp.acknowledgment;
            } else {
                reset.acknowledgment = tcp.sequence.wrapping_add(length).wrapping_add(controls);
            }
            Segment::Tcp(reset)
        }
        _ => return None,
    };
    let keeps = matches!(segment, Segment::Icmp(_));
    let packet = Packet {
        ip: router_header(router, packet.source())?,
        segment,
        payload: if keeps {
            packet.payload.clone()
        } else {
            Payload::EMPTY
        },
    };
    Some(Sent {
        packet,
        cause: asked.cause.answered(),
    })
}

fn router_header(router: IpAddr, to: IpAddr) -> Option<Ip> {
    Some(match (router, to) {
        (IpAddr::V4(source), IpAddr::V4(to)) => Ip::V4(Ipv4 {
            ttl: ROUTER_TTL,
            ..Ipv4::new(source, to)
        }),
        (IpAddr::V6(source), IpAddr::V6(to)) => Ip::V6(Ipv6 {
            hop_limit: ROUTER_TTL,
            ..Ipv6::new(source, to)
        }),
        _ => return None,
    })
}

fn router_packet(router: IpAddr, trouble: Trouble, about: &Sent) -> Option<Sent> {
    let ip = router_header(router, about.packet.source())?;
    error_about(ip, trouble, about, 8)
}

/// The packet as the router met it: one whose time ran out has one hop left, another has lost as many as it passed.
fn as_met(trouble: Trouble, about: Passing, hops: u8) -> Passing {
    match trouble {
        Trouble::Expired => about.with_ttl(1),
        _ => about.after_hops(hops),
    }
}

//! The world: it owns time, moves packets, and asks nobody anything else.
//!
//! When a packet leaves, its whole way is known: sensors on it get their record at once and release it as the clock
//! passes; the queue holds only the arrival. A packet that nobody can receive is never queued.

use std::io::{self, Write};

use ipnet::IpNet;
use wire::{Icmp, Ip, Ipv4, Timestamp, icmp};

use crate::activity::{Activity, Sent};
use crate::host::socket::{Outbox, ProgramId};
use crate::host::{Host, icmp_error};
use crate::net::pending::Pending;
use crate::net::pool::{Passing, Pool};
use crate::net::sensor::Sensor;
use crate::net::topology::{AbsentPolicy, Crossing, Direction, HostId, SiteId, Topology};
use crate::truth::SensorTruth;

/// How long a router asks for a host before it gives up. Assumption: three ARP requests, a second apart.
const ARP_TIMEOUT: u64 = 3_000_000_000;
/// Initial TTL of routers' own messages: common routers use 255.
const ROUTER_TTL: u8 = 255;

/// Something that will happen.
#[derive(Debug)]
pub(super) enum Event {
    /// A program starts.
    Start(HostId, ProgramId),
    /// A host's timer runs out.
    Wake(HostId),
    /// A packet arrives at a host.
    Arrive(HostId, Passing),
    /// A router of a site sends a packet of its own.
    Forward(SiteId, Passing),
}

/// A scenario at work.
pub struct World<W: Write> {
    pub(super) clock: Timestamp,
    pub(super) end: Timestamp,
    pub(super) queue: Pending<Event>,
    pub(super) hosts: Vec<Host>,
    pub(super) topology: Topology,
    pub(super) sensors: Vec<Sensor<W>>,
    pub(super) activities: Vec<Activity>,
    pub(super) pool: Pool,
    pub(super) outbox: Outbox,
}

/// What a sensor has recorded by the end.
#[derive(Debug)]
pub struct Recorded<W> {
    /// The sensor's name.
    pub sensor: String,
    /// The networks of its site.
    pub home: Vec<IpNet>,
    /// The whole capture.
    pub output: W,
    /// The truth about it.
    pub truth: SensorTruth,
}

impl<W: Write> World<W> {
    /// Runs to the end of the scenario.
    ///
    /// # Errors
    /// Those of the captures' outputs.
    pub fn run(&mut self) -> io::Result<()> {
        while let Some((at, event)) = self.queue.pop() {
            if at > self.end {
                break;
            }
            self.clock = at;
            for sensor in &mut self.sensors {
                sensor.release(at, &mut self.pool, &self.activities)?;
            }
            self.happen(event);
        }
        for sensor in &mut self.sensors {
            sensor.release(self.end, &mut self.pool, &self.activities)?;
        }
        Ok(())
    }

    /// Ends the captures, in the order of the sensors.
    ///
    /// # Errors
    /// Those of the outputs.
    pub fn finish(self) -> io::Result<Vec<Recorded<W>>> {
        let mut finished = Vec::with_capacity(self.sensors.len());
        for sensor in self.sensors {
            let site = self.topology.sites.get(sensor.site().0);
            let home = site.map(|site| site.prefixes.clone()).unwrap_or_default();
            let sensor_name = sensor.name().to_owned();
            let (output, truth) = sensor.finish()?;
            finished.push(Recorded {
                sensor: sensor_name,
                home,
                output,
                truth,
            });
        }
        Ok(finished)
    }

    fn happen(&mut self, event: Event) {
        let (now, activities) = (self.clock, &self.activities);
        let mut outbox = std::mem::take(&mut self.outbox);
        let host = match event {
            Event::Start(id, program) => {
                if let Some(host) = self.hosts.get_mut(id.0) {
                    host.start(program, now, activities, &mut outbox);
                }
                Some(id)
            }
            Event::Wake(id) => {
                if let Some(host) = self
                    .hosts
                    .get_mut(id.0)
                    .filter(|host| host.wake_at == Some(now))
                {
                    host.wake_at = None;
                    host.wake(now, activities, &mut outbox);
                }
                Some(id)
            }
            Event::Arrive(id, passing) => {
                if let Some(host) = self.hosts.get_mut(id.0) {
                    host.receive(self.pool.at(passing), now, activities, &mut outbox);
                }
                self.pool.release(passing);
                Some(id)
            }
            Event::Forward(site, passing) => {
                self.leave_site(site, now, passing);
                self.pool.release(passing);
                None
            }
        };
        if let Some(id) = host {
            for (at, sent) in outbox.drain(..) {
                self.leave_host(id, at, sent);
            }
            self.schedule_wake(id);
        }
        self.outbox = outbox;
    }

    fn schedule_wake(&mut self, id: HostId) {
        let Some(host) = self.hosts.get_mut(id.0) else {
            return;
        };
        let Some(deadline) = host.deadline().map(|at| at.max(self.clock)) else {
            return;
        };
        if host.wake_at.is_none_or(|at| deadline < at) {
            host.wake_at = Some(deadline);
            self.queue.push(deadline, Event::Wake(id));
        }
    }

    /// A packet leaves a host: over its access line, then on from the border of its site.
    fn leave_host(&mut self, id: HostId, at: Timestamp, sent: Sent) {
        let target = self.topology.site_of(sent.packet.destination());
        let Some(attachment) = self.topology.attachments.get_mut(id.0) else {
            return;
        };
        let Some(border) = attachment.out.pass(at, sent.packet.total_bytes()) else {
            return;
        };
        let (site, hops) = (attachment.site, attachment.hops);
        let passing = self.pool.insert(sent);
        if target == Some(site) {
            self.arrive(site, border, passing);
        } else if passing.ttl > hops || hops == 0 {
            self.leave_site(site, border, passing.after_hops(hops));
        }
        self.pool.release(passing);
    }

    /// A packet passes the border of a site on its way out.
    fn leave_site(&mut self, site: SiteId, at: Timestamp, passing: Passing) {
        self.show(site, at, Direction::Outward, passing);
        let sent = self.pool.at(passing);
        let Some(target) = self.topology.site_of(sent.packet.destination()) else {
            return;
        };
        match self.topology.cross(site, target, &sent.packet, at) {
            Crossing::Lost => {}
            Crossing::Through(at, hops) => {
                self.enter_site(target, at, passing.after_hops(hops));
            }
            Crossing::Expired(at, router) => {
                self.router_error(router, Icmp::new(icmp::TIME_EXCEEDED, 0), site, at, passing);
            }
            Crossing::TooBig(at, router, mtu) => {
                let [a, b] = mtu.to_be_bytes();
                let message = Icmp {
                    rest: [0, 0, a, b],
                    ..Icmp::new(icmp::UNREACHABLE, icmp::FRAGMENTATION_NEEDED)
                };
                self.router_error(router, message, site, at, passing);
            }
        }
    }

    /// A packet passes the border of a site on its way in.
    fn enter_site(&mut self, site: SiteId, at: Timestamp, passing: Passing) {
        self.show(site, at, Direction::Inward, passing);
        let Some(place) = self.topology.sites.get(site.0) else {
            return;
        };
        if place.filter.admits(&self.pool.at(passing).packet) {
            self.arrive(site, at, passing);
        } else if place.filter.answers {
            self.border_error(
                site,
                Icmp::new(icmp::UNREACHABLE, icmp::PROHIBITED),
                at,
                passing,
            );
        }
    }

    /// A packet is inside a site: to its host, if there is one.
    fn arrive(&mut self, site: SiteId, at: Timestamp, passing: Passing) {
        let packet = &self.pool.at(passing).packet;
        let Some(id) = self.topology.hosts.get(&packet.destination()).copied() else {
            return self.absent(site, at, passing);
        };
        let bytes = packet.total_bytes();
        let Some(attachment) = self.topology.attachments.get_mut(id.0) else {
            return;
        };
        let Some(arrival) = attachment.into.pass(at, bytes) else {
            return;
        };
        let hops = attachment.hops;
        self.pool.hold(passing);
        self.queue
            .push(arrival, Event::Arrive(id, passing.after_hops(hops)));
    }

    /// Nobody lives at the address.
    fn absent(&mut self, site: SiteId, at: Timestamp, passing: Passing) {
        let Some(place) = self.topology.sites.get(site.0) else {
            return;
        };
        let (code, after) = match place.absent {
            AbsentPolicy::Silent => return,
            AbsentPolicy::HostUnreachable => (icmp::HOST, ARP_TIMEOUT),
            AbsentPolicy::NetworkUnreachable => (icmp::NETWORK, 0),
        };
        self.border_error(
            site,
            Icmp::new(icmp::UNREACHABLE, code),
            at.plus_nanos(after),
            passing,
        );
    }

    /// The border router of a site tells the sender what is wrong.
    fn border_error(&mut self, site: SiteId, message: Icmp, at: Timestamp, about: Passing) {
        let Some(router) = self.topology.sites.get(site.0).map(|place| place.router) else {
            return;
        };
        if let Some(error) = router_packet(router, message, self.pool.at(about)) {
            let error = self.pool.insert(error);
            self.queue.push(at, Event::Forward(site, error));
        }
    }

    /// A router on the way tells the sender, at `home`, what is wrong.
    ///
    /// Assumption: the message takes as long back to the sender's border as the packet took to the router.
    fn router_error(
        &mut self,
        router: std::net::IpAddr,
        message: Icmp,
        home: SiteId,
        at: Timestamp,
        about: Passing,
    ) {
        let Some(error) = router_packet(router, message, self.pool.at(about)) else {
            return;
        };
        let Some(target) = self.topology.site_of(error.packet.destination()) else {
            return;
        };
        let back = if target == home {
            at.plus_nanos(at.nanos_since(self.clock))
        } else {
            at
        };
        let error = self.pool.insert(error);
        self.enter_site(target, back, error);
        self.pool.release(error);
    }

    /// Shows a packet to the sensors of a site; each holds it until it has recorded it.
    fn show(&mut self, site: SiteId, at: Timestamp, direction: Direction, passing: Passing) {
        for sensor in self
            .sensors
            .iter_mut()
            .filter(|sensor| sensor.site() == site)
        {
            self.pool.hold(passing);
            sensor.see(at, direction, passing);
        }
    }
}

fn router_packet(router: std::net::IpAddr, message: Icmp, about: &Sent) -> Option<Sent> {
    let (std::net::IpAddr::V4(source), Ip::V4(header)) = (router, &about.packet.ip) else {
        return None;
    };
    let ip = Ip::V4(Ipv4 {
        ttl: ROUTER_TTL,
        ..Ipv4::new(source, header.source)
    });
    icmp_error(ip, message, about, 8)
}

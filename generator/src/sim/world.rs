//! The world: it owns time, moves packets, and asks nobody anything else.
//!
//! When a packet leaves, its whole way is known: sensors on it get their record at once and release it as the clock
//! passes; the queue holds only the arrival. A packet that nobody can receive is never queued.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;

use ipnet::IpNet;
use wire::Timestamp;

use crate::activity::{Activity, Sent};
use crate::host::Host;
use crate::host::socket::{Outbox, ProgramId};
use crate::host::trouble::Trouble;
use crate::net::pending::Pending;
use crate::net::pool::{Passing, Pool};
use crate::net::segment::{Advertiser, Joining, Neighbours};
use crate::net::sensor::{Place, Sensor};
use crate::net::topology::{
    AbsentPolicy, Crossing, Direction, HostId, Scope, SegmentId, SiteId, Station, Topology,
    Whereabouts,
};
use crate::truth::SensorTruth;

use super::error::SimulationError;

/// How far a simulation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Nanoseconds of the scenario that have passed.
    pub simulated: u64,
    /// Nanoseconds that it takes at most.
    pub whole: u64,
    /// Frames that all its sensors have recorded.
    pub frames: u64,
    /// Bytes of their captures so far.
    pub bytes: u64,
}

/// More packets and events than this wait for nothing that a capture could show: some gigabyte of memory.
const MOST_WAITING: usize = 4_000_000;
/// So many things happen at one moment in no network: time stands still.
const MOST_AT_ONCE: u64 = 5_000_000;
/// Between two looks at all that, in events.
const LOOK: u64 = 4_096;
/// How long a router asks for a host before it gives up: three ARP requests, a second apart.
const ARP_TIMEOUT: u64 = 3_000_000_000;
/// The lane of lines in which what comes from the segment itself goes; paths take the ones above.
pub(super) const LOCAL_LANE: usize = 0;

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
    /// A neighbour answers a program that asked for it.
    Neighbour(HostId, ProgramId, IpAddr),
    /// The router of a segment advertises by itself.
    Advertise(SegmentId),
    /// The router of a segment advertises because a host asked.
    Advertised(SegmentId, HostId),
    /// A host joins its segment.
    Join(HostId, Joining),
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
    pub(super) neighbours: Neighbours,
    pub(super) advertisers: BTreeMap<SegmentId, Advertiser>,
    /// How long routers take; without, none.
    pub(super) router_time: Option<crate::seed::Draws>,
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
    /// `watch` is told now and then how far it is.
    ///
    /// # Errors
    /// Those of the captures' outputs; a scenario that keeps ever more packets under way, or never gets on.
    pub fn run(&mut self, watch: &mut dyn FnMut(Progress)) -> Result<(), SimulationError> {
        self.run_for(u64::MAX, watch).map(|_| ())
    }

    /// Runs until the scenario is over, or until about so many events have happened, and says whether it is over.
    pub(super) fn run_for(
        &mut self,
        most: u64,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<bool, SimulationError> {
        let start = self.clock;
        let (mut events, mut at_once) = (0_u64, 0_u64);
        while let Some((at, event)) = self.queue.pop() {
            if at > self.end {
                break;
            }
            at_once = if at == self.clock { at_once + 1 } else { 0 };
            events += 1;
            if events.is_multiple_of(LOOK) {
                if events >= most {
                    return Ok(false);
                }
                self.check(start, at_once)?;
                watch(self.progress(start));
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
        Ok(true)
    }

    /// Whether memory and time are enough for it.
    fn check(&self, start: Timestamp, at_once: u64) -> Result<(), SimulationError> {
        let seen: usize = self.sensors.iter().map(Sensor::waiting).sum();
        let waiting = self.pool.held().max(self.queue.waiting()).max(seen);
        let after = self.clock.nanos_since(start);
        if waiting > MOST_WAITING {
            return Err(SimulationError::Unbounded { waiting, after });
        }
        if at_once > MOST_AT_ONCE {
            return Err(SimulationError::Stuck { after });
        }
        Ok(())
    }

    fn progress(&self, start: Timestamp) -> Progress {
        Progress {
            simulated: self.clock.nanos_since(start),
            whole: self.end.nanos_since(start),
            frames: self.sensors.iter().map(Sensor::frames).sum(),
            bytes: self.sensors.iter().map(Sensor::bytes).sum(),
        }
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
            let (output, truth) = sensor.finish(&self.activities)?;
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
                self.leave_site(site, now, self.router_lane(), passing);
                self.pool.release(passing);
                None
            }
            Event::Advertise(segment) => {
                self.advertise_by_itself(segment);
                None
            }
            Event::Advertised(segment, asker) => {
                self.advertise_asked(segment, asker);
                None
            }
            Event::Join(id, step) => {
                self.join(id, step);
                None
            }
            Event::Neighbour(id, program, address) => {
                if let Some(host) = self.hosts.get_mut(id.0) {
                    host.neighbour(program, address, now, activities, &mut outbox);
                }
                Some(id)
            }
        };
        if let Some(id) = host {
            self.let_out(id, &mut outbox);
            self.schedule_wake(id);
        }
        self.outbox = outbox;
    }

    /// What a host decided to send leaves it; what it sends at once takes the time that its system takes.
    fn let_out(&mut self, id: HostId, outbox: &mut Outbox) {
        let Some(host) = self.hosts.get_mut(id.0) else {
            return;
        };
        let lookups = std::mem::take(&mut host.lookups);
        let mut soon = (!outbox.is_empty()).then(|| host.departure(self.clock));
        let each = host.packet_time();
        for (at, lookup) in lookups {
            self.look_up(id, at, lookup);
        }
        for (at, cause, packet) in outbox.iter_mut() {
            let mut leaves = at;
            if let Some(next) = soon.as_mut().filter(|_| at == self.clock) {
                leaves = *next;
                *next = next.plus_nanos(each);
            }
            let passing = self.pool.exchange(packet, cause);
            self.leave_host(id, leaves, passing);
            self.pool.release(passing);
        }
        outbox.clear();
    }

    /// The lane, on paths, of packets that no host sent.
    pub(super) fn router_lane(&self) -> usize {
        self.hosts.len()
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

    /// A packet leaves a host, in as many fragments as its interface makes of it.
    fn leave_host(&mut self, id: HostId, at: Timestamp, passing: Passing) {
        let destination = self.pool.at(passing).packet.destination();
        let there = self.topology.whereabouts(destination);
        // What a host says to itself never leaves it.
        if there.host == Some(id) {
            self.pool.hold(passing);
            return self.queue.push(at, Event::Arrive(id, passing));
        }
        let Some(attachment) = self.topology.attachments.get(id.0) else {
            return;
        };
        let mtu = attachment.mtu;
        if passing.bytes() <= mtu {
            return self.leave_interface(id, at, there, passing);
        }
        let identification = self.hosts.get_mut(id.0).map_or(0, Host::fragment_id);
        let sent = self.pool.at(passing);
        let cause = sent.cause;
        let pieces = sent.packet.fragments(mtu, identification);
        for packet in pieces.unwrap_or_default() {
            let piece = self.pool.insert(Sent { packet, cause });
            self.leave_interface(id, at, there, piece);
            self.pool.release(piece);
        }
    }

    /// A packet leaves a host's interface: over its access line, to its segment, into its site, or beyond the border.
    fn leave_interface(&mut self, id: HostId, at: Timestamp, there: Whereabouts, passing: Passing) {
        let Some(attachment) = self.topology.attachments.get_mut(id.0) else {
            return;
        };
        let Some(at) = attachment.out.pass(LOCAL_LANE, at, passing.bytes()) else {
            return;
        };
        let segment = attachment.segment();
        match self.topology.scope(segment.site, there) {
            Scope::Segment => self.spread(segment, Station::Host(id), at, passing),
            Scope::Inside(target) => self.pass_inside(id, segment, target, at, passing),
            Scope::Beyond if passing.ttl() > segment.depth || segment.depth == 0 => {
                let at = self.climb(id, segment, at, passing);
                self.leave_site(segment.site, at, id.0, passing.after_hops(segment.depth));
            }
            // A router inside drops it and tells the sender.
            Scope::Beyond => {
                let hop = segment.depth - passing.ttl() + 1;
                self.inner_error(segment.site, hop, Trouble::Expired, at, passing);
            }
        }
    }

    /// A packet goes up from its host's segment to the border; returns when it gets there.
    fn climb(&mut self, id: HostId, from: SegmentId, at: Timestamp, passing: Passing) -> Timestamp {
        if !self.topology.watches(from.site) {
            return at;
        }
        let at = self.ask(from, Station::Host(id), Station::Outer, None, at, passing);
        for depth in (0..=from.depth).rev() {
            let segment = SegmentId { depth, ..from };
            let sender = if segment == from {
                Station::Host(id)
            } else {
                Station::Inner
            };
            let here = passing.after_hops(from.depth - depth);
            self.show_on(
                segment,
                (sender, Station::Outer),
                Direction::Outward,
                at,
                here,
            );
        }
        at
    }

    /// A packet goes from one host of a site to another, or to an address of it where nobody lives.
    fn pass_inside(
        &mut self,
        id: HostId,
        from: SegmentId,
        target: Option<HostId>,
        at: Timestamp,
        passing: Passing,
    ) {
        let Some((host, depth)) = target.and_then(|target| {
            let attachment = self.topology.attachments.get(target.0)?;
            Some((target, attachment.hops))
        }) else {
            return self.seek_inside(id, from, at, passing);
        };
        let routers = from.depth.abs_diff(depth);
        if routers > 0 && passing.ttl() <= routers {
            return;
        }
        let to = SegmentId { depth, ..from };
        let at = if self.topology.watches(from.site) {
            self.show_inside((id, from), (host, to), at, passing)
        } else {
            at
        };
        self.deliver(host, LOCAL_LANE, at, passing.after_hops(routers));
    }

    /// Shows a packet on the segments that it passes on its way from one host of a site to another; when it gets there, since
    /// addresses are asked for.
    fn show_inside(
        &mut self,
        (id, from): (HostId, SegmentId),
        (host, to): (HostId, SegmentId),
        at: Timestamp,
        passing: Passing,
    ) -> Timestamp {
        let (sender, receiver) = (Station::Host(id), Station::Host(host));
        let address = Some(self.pool.at(passing).packet.destination());
        if from == to {
            let at = self.ask(from, sender, receiver, address, at, passing);
            self.show_on(from, (sender, receiver), Direction::Inward, at, passing);
            return at;
        }
        let (came, onward) = if to.depth < from.depth {
            (Station::Inner, Station::Outer)
        } else {
            (Station::Outer, Station::Inner)
        };
        let at = self.ask(from, sender, onward, None, at, passing);
        self.show_on(from, (sender, onward), Direction::Inward, at, passing);
        let (low, high) = (from.depth.min(to.depth) + 1, from.depth.max(to.depth));
        for depth in low..high {
            let here = passing.after_hops(from.depth.abs_diff(depth));
            let between = SegmentId { depth, ..from };
            self.show_on(between, (came, onward), Direction::Inward, at, here);
        }
        let last = passing.after_hops(from.depth.abs_diff(to.depth));
        let at = self.ask(to, came, receiver, address, at, last);
        self.show_on(to, (came, receiver), Direction::Inward, at, last);
        at
    }

    /// A packet for an address of its own site where nobody lives: its host, or the router of segment 0, asks in vain.
    fn seek_inside(&mut self, id: HostId, from: SegmentId, at: Timestamp, passing: Passing) {
        let address = self.pool.at(passing).packet.destination();
        let first = SegmentId { depth: 0, ..from };
        if from.depth == 0 {
            self.ask_in_vain(first, Station::Host(id), address, at, passing);
        } else if passing.ttl() > from.depth {
            let at = self.climb(
                id,
                SegmentId {
                    depth: from.depth,
                    ..from
                },
                at,
                passing,
            );
            self.ask_in_vain(first, Station::Inner, address, at, passing);
            self.absent(from.site, at, passing);
        }
    }

    /// A packet goes to all hosts of a segment but its sender.
    fn spread(&mut self, segment: SegmentId, sender: Station, at: Timestamp, passing: Passing) {
        let direction = if sender == Station::Outer {
            Direction::Inward
        } else {
            Direction::Outward
        };
        if self.topology.watched.contains(&segment) {
            let group = self.pool.at(passing).packet.destination();
            let mac = wire::envelope::group_mac(group).unwrap_or(wire::MacAddress::BROADCAST);
            let from = self.topology.mac(segment, sender);
            self.show_frame(segment, (from, mac), direction, at, passing);
        }
        let hosts = self
            .topology
            .segments
            .get(&segment)
            .cloned()
            .unwrap_or_default();
        for host in hosts
            .into_iter()
            .filter(|host| sender != Station::Host(*host))
        {
            self.deliver(host, LOCAL_LANE, at, passing);
        }
    }

    /// A packet passes the border of a site on its way out; `lane` is its sender's.
    fn leave_site(&mut self, site: SiteId, at: Timestamp, lane: usize, passing: Passing) {
        match self.translated(site, Direction::Outward, passing) {
            Some(own) => {
                self.pass_border(site, at, lane, own);
                self.pool.release(own);
            }
            None => self.pass_border(site, at, lane, passing),
        }
    }

    /// A packet as it is on the other side of a site's translator, where that changes it.
    fn translated(
        &mut self,
        site: SiteId,
        direction: Direction,
        passing: Passing,
    ) -> Option<Passing> {
        let nat = self.topology.sites.get_mut(site.0)?.nat.as_mut()?;
        let sent = self.pool.at(passing);
        let packet = match direction {
            Direction::Outward => nat.outward(&sent.packet),
            Direction::Inward => nat.inward(&sent.packet),
        }?;
        let cause = sent.cause;
        Some(self.pool.insert(Sent { packet, cause }))
    }

    fn pass_border(&mut self, site: SiteId, at: Timestamp, lane: usize, passing: Passing) {
        self.show_at_border(site, at, Direction::Outward, passing);
        let sent = self.pool.at(passing);
        let there = self.topology.whereabouts(sent.packet.destination());
        let Some(target) = there.site else {
            return;
        };
        let crossing = self.topology.cross(site, target, &sent.packet, lane, at);
        self.show_on_path((site, target), at, &crossing, passing);
        match crossing {
            Crossing::Lost => {}
            Crossing::Through(at, hops) => {
                self.enter_site(site, target, at, passing.after_hops(hops));
            }
            Crossing::Divided(at, hops, mtu, gap) => {
                let mut at = at;
                let sent = self.pool.at(passing);
                let cause = sent.cause;
                for packet in sent.packet.fragments(mtu, 0).unwrap_or_default() {
                    let piece = self.pool.insert(Sent { packet, cause });
                    self.enter_site(site, target, at, piece.after_hops(hops));
                    self.pool.release(piece);
                    at = at.plus_nanos(gap);
                }
            }
            Crossing::Expired(at, router, hops) => {
                self.router_error(router, Trouble::Expired, site, hops, at, passing);
            }
            Crossing::TooBig(at, router, mtu, hops) => {
                self.router_error(router, Trouble::TooBig(mtu), site, hops, at, passing);
            }
        }
    }

    /// A packet that comes from another site passes the border of a site on its way in.
    pub(super) fn enter_site(
        &mut self,
        from: SiteId,
        site: SiteId,
        at: Timestamp,
        passing: Passing,
    ) {
        self.show_at_border(site, at, Direction::Inward, passing);
        let lane = self
            .topology
            .way(from, site)
            .map_or(LOCAL_LANE, |way| way + 1);
        let Some(place) = self.topology.sites.get(site.0) else {
            return;
        };
        if place.filter.admits(&self.pool.at(passing).packet) {
            match self.translated(site, Direction::Inward, passing) {
                Some(own) => {
                    self.arrive(site, lane, at, own);
                    self.pool.release(own);
                }
                None => self.arrive(site, lane, at, passing),
            }
        } else if place.filter.answers {
            self.border_error(site, Trouble::Prohibited, at, passing);
        }
    }

    /// A packet is inside a site: to its host, if there is one.
    pub(super) fn arrive(&mut self, site: SiteId, lane: usize, at: Timestamp, passing: Passing) {
        let address = self.pool.at(passing).packet.destination();
        let border = SegmentId { site, depth: 0 };
        let Some(id) = self.topology.whereabouts(address).host else {
            if self.topology.is_broadcast_of(site, address) {
                let lets_in = |place: &crate::net::topology::Site| place.directed_broadcast;
                if self.topology.sites.get(site.0).is_some_and(lets_in) {
                    self.spread(border, Station::Outer, at, passing);
                }
                return;
            }
            if self.topology.is_router_of(site, address) {
                return self.router_answers(site, address, at, passing);
            }
            self.ask_in_vain(border, Station::Outer, address, at, passing);
            return self.absent(site, at, passing);
        };
        let depth = self
            .topology
            .attachments
            .get(id.0)
            .map_or(0, |host| host.hops);
        // One that came here with none left was passed on by routers that do not mind.
        if (1..=depth).contains(&passing.ttl()) {
            return self.inner_error(site, passing.ttl(), Trouble::Expired, at, passing);
        }
        let mut at = at;
        if self.topology.watches(site) {
            for n in 0..=depth {
                let segment = SegmentId { site, depth: n };
                let here = passing.after_hops(n);
                let receiver = if n == depth {
                    Station::Host(id)
                } else {
                    Station::Inner
                };
                if n == depth {
                    at = self.ask(segment, Station::Outer, receiver, Some(address), at, here);
                }
                self.show_on(
                    segment,
                    (Station::Outer, receiver),
                    Direction::Inward,
                    at,
                    here,
                );
            }
        }
        self.deliver(id, lane, at, passing.after_hops(depth));
    }

    /// A packet goes over a host's access line to it.
    fn deliver(&mut self, id: HostId, lane: usize, at: Timestamp, passing: Passing) {
        let Some(attachment) = self.topology.attachments.get_mut(id.0) else {
            return;
        };
        let Some(arrival) = attachment.into.pass(lane, at, passing.bytes()) else {
            return;
        };
        let host = self.hosts.get(id.0);
        if host.is_some_and(|host| host.ignores(&self.pool.at(passing).packet)) {
            return;
        }
        self.pool.hold(passing);
        self.queue.push(arrival, Event::Arrive(id, passing));
    }

    /// Nobody lives at the address.
    fn absent(&mut self, site: SiteId, at: Timestamp, passing: Passing) {
        let Some(place) = self.topology.sites.get(site.0) else {
            return;
        };
        let (trouble, after) = match place.absent {
            AbsentPolicy::Silent => return,
            AbsentPolicy::HostUnreachable => (Trouble::Host, ARP_TIMEOUT),
            AbsentPolicy::NetworkUnreachable => (Trouble::Network, 0),
        };
        self.border_error(site, trouble, at.plus_nanos(after), passing);
    }
}

/// Whether a sensor stands on a segment.
pub(super) fn stands_on<W: Write>(sensor: &Sensor<W>, segment: SegmentId) -> bool {
    sensor.site() == segment.site && sensor.place() == Place::Segment(segment.depth)
}

//! A sensor: it watches the border of a site or one of its segments and records the frames that pass, no others.
//!
//! Bytes are made here and nowhere else, once a frame, in the capture writer's buffer.

pub mod fault;

use std::io::{self, Write};

use wire::capture::CaptureWriter;
use wire::envelope::pad;
use wire::{ArpMessage, Content, Envelope, Link, MacAddress, Packet, Timestamp};

use super::pending::Pending;
use super::pool::{Passing, Pool};
use super::topology::{Direction, SiteId};
use crate::activity::{Activity, Cause, Sent};
use crate::seed::SeedTree;
use crate::truth::{Seen, SensorTruth};
use fault::{FaultState, Faults, merged};

/// How many packets before it is recorded a packet is fetched from memory: in a flood it has long left the caches.
const FETCHED: usize = 16;

/// Bytes of an ARP message, RFC 826, as those of a packet count.
const ARP_BYTES: usize = 28;

/// Where in its site a sensor stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// At the border, where all passes that comes in or goes out.
    #[default]
    Border,
    /// On the segment so many routers behind the border, where its hosts also speak to each other.
    Segment(u8),
    /// On the path of that index, behind so many of its routers, counted from its first end.
    Path(usize, u8),
}

/// How a sensor is set up.
#[derive(Clone, Debug)]
pub struct SensorConfig {
    /// Its name in the scenario, part of its draw paths.
    pub name: String,
    /// The site that it watches.
    pub site: SiteId,
    /// Where in it.
    pub place: Place,
    /// What stands around the packets of its network.
    pub envelope: Envelope,
    /// Step of its clock, in nanoseconds.
    pub resolution: u64,
    /// Where in the step its clock ticks, in nanoseconds.
    pub phase: u64,
    /// What is wrong with it.
    pub faults: Faults,
    /// Picoseconds that a byte takes on the port over which frames reach it, one after the other; 0 where they take none.
    pub per_byte: u64,
}

/// A frame that passes a sensor.
#[derive(Debug)]
pub struct Sighting {
    /// Which way it goes, seen from the site.
    pub direction: Direction,
    /// Between which stations of the segment; `None` at a border, where two routers speak.
    pub stations: Option<(MacAddress, MacAddress)>,
    /// What it is.
    pub what: What,
}

/// What a frame is.
#[derive(Debug)]
pub enum What {
    /// A packet.
    Packet(Passing),
    /// An ARP message, and why it was sent.
    Arp(Box<(ArpMessage, Cause)>),
}

/// A sensor at work, writing to `W`.
pub struct Sensor<W: Write> {
    config: SensorConfig,
    /// The routers at a border: outer, inner.
    routers: (MacAddress, MacAddress),
    /// What stands around a packet, but for the stations, where that is a plain header of Ethernet.
    link: Option<Link>,
    faults: FaultState,
    pending: Pending<Sighting>,
    copies: Pending<(Sighting, Sent)>,
    held: Option<Held>,
    port_free: Timestamp,
    writer: CaptureWriter<W>,
    truth: SensorTruth,
}

/// A segment that may be merged with the next one.
struct Held {
    packet: (Timestamp, Packet),
    first: Timestamp,
    cause: Cause,
    direction: Direction,
    macs: (MacAddress, MacAddress),
}

impl<W: Write> Sensor<W> {
    /// A sensor that writes its capture to `output`, in microseconds unless nanoseconds are asked for.
    pub fn new(
        config: SensorConfig,
        output: W,
        nanos: bool,
        start: Timestamp,
        tree: &SeedTree,
    ) -> Self {
        let mut macs = tree.draws(&format!("sensor/{}/mac", config.name));
        let routers = (
            super::segment::router_mac(&mut macs),
            super::segment::router_mac(&mut macs),
        );
        let link_type = config.envelope.link_type();
        // The capture's own resolution bounds the clock's.
        let resolution = config.resolution.max(if nanos { 1 } else { 1_000 });
        Sensor {
            routers,
            link: (config.envelope).plain(MacAddress::default(), MacAddress::default()),
            faults: FaultState::new(config.faults.clone(), &config.name, start, tree),
            pending: Pending::default(),
            copies: Pending::default(),
            held: None,
            port_free: Timestamp::ZERO,
            writer: if nanos {
                CaptureWriter::with_nanos_of(output, link_type)
            } else {
                CaptureWriter::new_of(output, link_type)
            },
            truth: SensorTruth::default(),
            config: SensorConfig {
                resolution,
                phase: config.phase % resolution,
                ..config
            },
        }
    }

    /// Its name in the scenario.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// How many frames it has recorded.
    pub fn frames(&self) -> u64 {
        self.truth.frames()
    }

    /// How large its capture is so far, in bytes.
    pub fn bytes(&self) -> u64 {
        self.writer.bytes()
    }

    /// How many frames have passed that it has not recorded yet.
    pub fn waiting(&self) -> usize {
        self.pending.waiting() + self.copies.waiting()
    }

    /// The site it watches.
    pub fn site(&self) -> SiteId {
        self.config.site
    }

    /// Where in the site it stands.
    pub fn place(&self) -> Place {
        self.config.place
    }

    /// A frame passes at that time. The sensor holds its packet until it has recorded it.
    #[inline]
    pub fn see(&mut self, at: Timestamp, sighting: Sighting) {
        self.pending.push(at, sighting);
    }

    /// Records what has passed by `now`.
    ///
    /// # Errors
    /// Those of the output.
    pub fn release(
        &mut self,
        now: Timestamp,
        pool: &mut Pool,
        activities: &[Activity],
    ) -> io::Result<()> {
        while self.pending.next().is_some_and(|at| at <= now) {
            if let Some(What::Packet(soon)) = self.pending.ahead(FETCHED).map(|seen| &seen.what) {
                std::hint::black_box(pool.touch(*soon));
            }
            let Some((at, sighting)) = self.pending.pop() else {
                break;
            };
            if self.copies.next().is_some_and(|copy| copy <= at) {
                self.release_copies(at, activities)?;
            }
            let records = self.faults.records(at, sighting.direction);
            match &sighting.what {
                What::Packet(passing) => {
                    if records {
                        let sent = pool.at(*passing);
                        self.faults.note(sent, activities);
                        if let Some(after) = self.faults.copied() {
                            let copy = (copy_of(&sighting), sent.clone());
                            self.copies.push(at.plus_nanos(after), copy);
                        }
                        self.packet(at, &sighting, sent, activities)?;
                    }
                    pool.release(*passing);
                }
                What::Arp(arp) if records => self.arp(at, &sighting, arp.as_ref(), activities)?,
                What::Arp(_) => {}
            }
        }
        if self.copies.next().is_some_and(|copy| copy <= now) {
            self.release_copies(now, activities)?;
        }
        Ok(())
    }

    fn release_copies(&mut self, now: Timestamp, activities: &[Activity]) -> io::Result<()> {
        while self.copies.next().is_some_and(|at| at <= now) {
            if let Some((at, (sighting, sent))) = self.copies.pop() {
                self.packet(at, &sighting, &sent, activities)?;
            }
        }
        Ok(())
    }

    fn macs(&self, sighting: &Sighting) -> (MacAddress, MacAddress) {
        let (outer, inner) = self.routers;
        sighting.stations.unwrap_or(match sighting.direction {
            Direction::Inward => (outer, inner),
            Direction::Outward => (inner, outer),
        })
    }

    #[inline]
    fn packet(
        &mut self,
        at: Timestamp,
        sighting: &Sighting,
        sent: &Sent,
        activities: &[Activity],
    ) -> io::Result<()> {
        let macs = self.macs(sighting);
        if self.faults.merges() {
            return self.merge(at, macs, sighting.direction, sent, activities);
        }
        self.write(
            at,
            macs,
            sighting.direction,
            &sent.packet,
            sent.cause,
            activities,
        )
    }

    /// Holds a segment back until it is known what follows it.
    fn merge(
        &mut self,
        at: Timestamp,
        macs: (MacAddress, MacAddress),
        direction: Direction,
        sent: &Sent,
        activities: &[Activity],
    ) -> io::Result<()> {
        let next = (at, sent.packet.clone());
        if let Some(held) = &mut self.held
            && held.cause == sent.cause
            && let Some(packet) = merged(&held.packet, &next)
        {
            held.packet = (at, packet);
            return Ok(());
        }
        self.let_go(activities)?;
        self.held = Some(Held {
            packet: next,
            first: at,
            cause: sent.cause,
            direction,
            macs,
        });
        Ok(())
    }

    /// Records the segment that was held back.
    fn let_go(&mut self, activities: &[Activity]) -> io::Result<()> {
        match self.held.take() {
            Some(Held {
                packet: (_, packet),
                first,
                cause,
                direction,
                macs,
            }) => self.write(first, macs, direction, &packet, cause, activities),
            None => Ok(()),
        }
    }

    #[inline]
    fn write(
        &mut self,
        at: Timestamp,
        (source, destination): (MacAddress, MacAddress),
        direction: Direction,
        packet: &Packet,
        cause: Cause,
        activities: &[Activity],
    ) -> io::Result<()> {
        let at = self.through_port(at, packet.total_bytes());
        let at = self.stamp(at);
        match (self.link, self.faults.snap()) {
            (Some(link), None) => {
                let padded = self.config.envelope.padded;
                let link = Link {
                    source,
                    destination,
                    ..link
                };
                self.writer.record(at, |out| {
                    let start = out.len();
                    packet.emit_frame(&link, out);
                    if padded {
                        pad(start, out);
                    }
                })?;
            }
            _ => self.write_wrapped(at, (source, destination), Content::Packet(packet))?,
        }
        self.truth
            .record(at, direction, cause, &Seen::packet(packet), activities);
        Ok(())
    }

    fn arp(
        &mut self,
        at: Timestamp,
        sighting: &Sighting,
        (message, cause): &(ArpMessage, Cause),
        activities: &[Activity],
    ) -> io::Result<()> {
        if !self.config.envelope.shows_arp() {
            return Ok(());
        }
        self.let_go(activities)?;
        let at = self.through_port(at, ARP_BYTES);
        let at = self.stamp(at);
        let macs = self.macs(sighting);
        self.write_wrapped(at, macs, Content::Arp(message))?;
        self.truth.record(
            at,
            sighting.direction,
            *cause,
            &Seen::arp(message),
            activities,
        );
        Ok(())
    }

    /// Records a frame in its envelope, cut where the sensor cuts.
    fn write_wrapped(
        &mut self,
        at: Timestamp,
        macs: (MacAddress, MacAddress),
        content: Content<'_>,
    ) -> io::Result<()> {
        let number = u32::try_from(self.writer.records() & u64::from(u32::MAX)).unwrap_or(0);
        let mut frame = Vec::with_capacity(2048);
        self.config.envelope.emit(macs, content, number, &mut frame);
        let length = frame.len();
        frame.truncate(self.faults.snap().unwrap_or(length));
        self.writer
            .record_cut(at, length, |out| out.extend_from_slice(&frame))
    }

    /// When a frame has come through the port that mirrors to the sensor: one at a time.
    #[inline]
    fn through_port(&mut self, at: Timestamp, bytes: usize) -> Timestamp {
        if self.config.per_byte == 0 {
            return at;
        }
        let at = at.max(self.port_free);
        self.port_free = at.plus_nanos((bytes as u64 + 38).max(84) * self.config.per_byte / 1000);
        at
    }

    /// The last tick of the sensor's clock.
    fn stamp(&self, at: Timestamp) -> Timestamp {
        let at = self.faults.clock(at);
        let step = self.config.resolution;
        let since_tick = at.nanos_since(Timestamp::from_nanos(self.config.phase)) % step;
        Timestamp::from_nanos(at.as_nanos() - since_tick)
    }

    /// Ends the capture: gives back the output and what is known about the frames.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self, activities: &[Activity]) -> io::Result<(W, SensorTruth)> {
        self.let_go(activities)?;
        Ok((self.writer.finish()?, self.truth))
    }
}

/// The same sighting, of a packet that the sensor has for itself.
fn copy_of(sighting: &Sighting) -> Sighting {
    Sighting {
        direction: sighting.direction,
        stations: sighting.stations,
        what: match &sighting.what {
            What::Packet(passing) => What::Packet(*passing),
            What::Arp(arp) => What::Arp(arp.clone()),
        },
    }
}

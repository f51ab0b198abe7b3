//! A sensor: it watches the border of a site and records the frames that pass, no others.
//!
//! Bytes are made here and nowhere else, once a frame, in the capture writer's buffer.

use std::io::{self, Write};

use wire::capture::CaptureWriter;
use wire::{Framing, Link, MacAddress, Timestamp};

use super::pending::Pending;
use super::pool::{Passing, Pool};
use super::topology::{Direction, SiteId};
use crate::activity::Activity;
use crate::seed::{Draws, SeedTree};
use crate::truth::SensorTruth;

/// How a sensor is set up.
#[derive(Clone, Debug)]
pub struct SensorConfig {
    /// Its name in the scenario, part of its draw paths.
    pub name: String,
    /// The site whose border it watches.
    pub site: SiteId,
    /// How its network frames packets.
    pub framing: Framing,
    /// VLAN tag control information of its frames.
    pub vlan: Option<u16>,
    /// Step of its clock, in nanoseconds.
    pub resolution: u64,
    /// Where in the step its clock ticks, in nanoseconds.
    pub phase: u64,
}

/// A sensor at work, writing to `W`.
pub struct Sensor<W: Write> {
    config: SensorConfig,
    inward: Link,
    outward: Link,
    pending: Pending<(Direction, Passing)>,
    writer: CaptureWriter<W>,
    truth: SensorTruth,
}

impl<W: Write> Sensor<W> {
    /// A sensor that writes its capture to `output`, in microseconds unless nanoseconds are asked for.
    pub fn new(config: SensorConfig, output: W, nanos: bool, tree: &SeedTree) -> Self {
        let mut macs = tree.draws(&format!("sensor/{}/mac", config.name));
        let link = Link {
            source: router_mac(&mut macs),
            destination: router_mac(&mut macs),
            vlan: config.vlan,
            framing: config.framing,
        };
        Sensor {
            inward: link,
            outward: Link {
                source: link.destination,
                destination: link.source,
                ..link
            },
            pending: Pending::default(),
            writer: if nanos {
                CaptureWriter::with_nanos(output)
            } else {
                CaptureWriter::new(output)
            },
            truth: SensorTruth::default(),
            // The capture's own resolution bounds the clock's.
            config: SensorConfig {
                resolution: config.resolution.max(if nanos { 1 } else { 1_000 }),
                ..config
            },
        }
    }

    /// Its name in the scenario.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The site it watches.
    pub fn site(&self) -> SiteId {
        self.config.site
    }

    /// A packet crosses the border at that time. The sensor holds it until it has recorded it.
    #[inline]
    pub fn see(&mut self, at: Timestamp, direction: Direction, passing: Passing) {
        self.pending.push(at, (direction, passing));
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
            let Some((at, (direction, passing))) = self.pending.pop() else {
                break;
            };
            let at = self.stamp(at);
            let link = if direction == Direction::Inward {
                &self.inward
            } else {
                &self.outward
            };
            let sent = pool.at(passing);
            self.writer
                .record(at, |out| sent.packet.emit_frame(link, out))?;
            self.truth.record(at, direction, sent, activities);
            pool.release(passing);
        }
        Ok(())
    }

    /// The last tick of the sensor's clock.
    fn stamp(&self, at: Timestamp) -> Timestamp {
        let step = self.config.resolution;
        let since_tick = at.nanos_since(Timestamp::from_nanos(self.config.phase % step)) % step;
        Timestamp::from_nanos(at.as_nanos() - since_tick)
    }

    /// Ends the capture: gives back the output and what is known about the frames.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(self) -> io::Result<(W, SensorTruth)> {
        Ok((self.writer.finish()?, self.truth))
    }
}

/// The hardware address of a router: the organisations of common router makers, so that none stands out.
fn router_mac(draws: &mut Draws) -> MacAddress {
    const MAKERS: [[u8; 3]; 4] = [
        [0x00, 0x1b, 0x54],
        [0x00, 0x05, 0x85],
        [0x00, 0x1c, 0x73],
        [0x4c, 0x5e, 0x0c],
    ];
    let [a, b, c] = draws.pick(&MAKERS).copied().unwrap_or_default();
    let [d, e, f, _] = draws.word32().to_le_bytes();
    MacAddress([a, b, c, d, e, f])
}

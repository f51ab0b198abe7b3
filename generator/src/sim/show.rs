//! Showing packets to the sensors that they pass. Each sensor holds a packet until it has recorded it.

use std::io::Write;

use wire::{MacAddress, Timestamp};

use super::world::{World, stands_on};
use crate::activity::Sent;
use crate::net::pool::Passing;
use crate::net::sensor::{Place, Sensor, Sighting, What};
use crate::net::topology::{Crossing, Direction, SegmentId, SiteId, Station};

impl<W: Write> World<W> {
    /// Shows a packet to the sensors at the border of a site; each holds it until it has recorded it.
    #[inline]
    pub(super) fn show_at_border(
        &mut self,
        site: SiteId,
        at: Timestamp,
        direction: Direction,
        passing: Passing,
    ) {
        let stands =
            |sensor: &&mut Sensor<W>| sensor.site() == site && sensor.place() == Place::Border;
        for sensor in self.sensors.iter_mut().filter(stands) {
            self.pool.hold(passing);
            let what = What::Packet(passing);
            sensor.see(
                at,
                Sighting {
                    direction,
                    stations: None,
                    what,
                },
            );
        }
    }

    /// Shows a packet that crosses a path to the sensors on it that it reaches.
    pub(super) fn show_on_path(
        &mut self,
        (from, to): (SiteId, SiteId),
        entry: Timestamp,
        crossing: &Crossing,
        passing: Passing,
    ) {
        let stands = |sensor: &Sensor<W>| matches!(sensor.place(), Place::Path(..));
        if !self.sensors.iter().any(stands) {
            return;
        }
        let Some(way) = self.topology.way(from, to) else {
            return;
        };
        let Some(path) = self.topology.paths.get(way) else {
            return;
        };
        let (hops, forward) = (path.hops, path.ends == (from, to));
        // When it has passed how many routers.
        let (until, passed) = match crossing {
            Crossing::Through(exit, hops) | Crossing::Divided(exit, hops, ..) => (*exit, *hops),
            Crossing::Expired(at, _, before) | Crossing::TooBig(at, _, _, before) => (*at, *before),
            Crossing::Lost => return,
        };
        for sensor in &mut self.sensors {
            let Place::Path(index, hop) = sensor.place() else {
                continue;
            };
            let own = if forward {
                hop
            } else {
                hops.saturating_sub(hop)
            };
            if index != way || own > passed {
                continue;
            }
            let share = u64::from(own) * until.nanos_since(entry) / u64::from(passed.max(1));
            let direction = if forward {
                Direction::Inward
            } else {
                Direction::Outward
            };
            let here = passing.after_hops(own);
            self.pool.hold(here);
            let what = What::Packet(here);
            sensor.see(
                entry.plus_nanos(share),
                Sighting {
                    direction,
                    stations: None,
                    what,
                },
            );
        }
    }

    /// Shows a packet that passes between two stations to the sensors on their segment.
    pub(super) fn show_on(
        &mut self,
        segment: SegmentId,
        (from, to): (Station, Station),
        direction: Direction,
        at: Timestamp,
        passing: Passing,
    ) {
        if self.topology.watched.contains(&segment) {
            let macs = (
                self.topology.mac(segment, from),
                self.topology.mac(segment, to),
            );
            self.show_frame(segment, macs, direction, at, passing);
        }
    }

    pub(super) fn show_frame(
        &mut self,
        segment: SegmentId,
        macs: (MacAddress, MacAddress),
        direction: Direction,
        at: Timestamp,
        passing: Passing,
    ) {
        for sensor in self
            .sensors
            .iter_mut()
            .filter(|sensor| stands_on(*sensor, segment))
        {
            self.pool.hold(passing);
            let (stations, what) = (Some(macs), What::Packet(passing));
            sensor.see(
                at,
                Sighting {
                    direction,
                    stations,
                    what,
                },
            );
        }
    }

    /// Shows an error that a router on a path sends back to the site of its cause, to the sensors on its way.
    pub(super) fn show_error_on_path(
        &mut self,
        home: SiteId,
        hops: u8,
        (sent, back): (Timestamp, Timestamp),
        error: &Sent,
        about: Passing,
    ) {
        if !self
            .sensors
            .iter()
            .any(|sensor| matches!(sensor.place(), Place::Path(..)))
        {
            return;
        }
        let wanted = self.pool.at(about).packet.destination();
        let Some(target) = self.topology.site_of(wanted) else {
            return;
        };
        let Some((way, path)) = self
            .topology
            .way(home, target)
            .and_then(|way| Some((way, self.topology.paths.get(way)?)))
        else {
            return;
        };
        let (length, forward) = (path.hops, path.ends == (home, target));
        let passing = self.pool.insert(error.clone());
        for sensor in &mut self.sensors {
            let Place::Path(index, hop) = sensor.place() else {
                continue;
            };
            // Routers between the sensor and the home of the sender.
            let before = if forward {
                hop
            } else {
                length.saturating_sub(hop)
            };
            if index != way || before > hops {
                continue;
            }
            let here = passing.after_hops(hops - before);
            let share = u64::from(hops - before) * back.nanos_since(sent) / u64::from(hops.max(1));
            self.pool.hold(here);
            let direction = if forward {
                Direction::Outward
            } else {
                Direction::Inward
            };
            let what = What::Packet(here);
            sensor.see(
                sent.plus_nanos(share),
                Sighting {
                    direction,
                    stations: None,
                    what,
                },
            );
        }
        self.pool.release(passing);
    }
}

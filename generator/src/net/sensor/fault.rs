//! What is wrong with a sensor: loss, copies, one direction, cuts, samples, merged segments, and a clock that is off.
//!
//! The truth tells what the sensor recorded, not what passed.

use wire::{Flags, Packet, Payload, Segment, Timestamp};

use crate::activity::{Activity, Sent};
use crate::net::topology::Direction;
use crate::seed::{Draws, SeedTree};

/// Bytes of payload that offloading merges at most: as much as an IP packet holds beside its headers.
const MERGED_BYTES: usize = 65_000;
/// How far segments may lie apart that offloading merges. Linux's GRO flushes at the end of a poll, well within this.
const MERGED_WITHIN: u64 = 100_000;

/// The faults of a sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Frames in a million that it misses.
    pub loss: u32,
    /// How many it misses in a row, on average; 1 where each is missed by itself.
    pub burst: u32,
    /// Frames in a million that it records twice, as a port that mirrors both ways does.
    pub copies: u32,
    /// The only direction that it sees.
    pub only: Option<Direction>,
    /// Bytes of a frame that it keeps.
    pub snap: Option<usize>,
    /// It records one frame in so many.
    pub sample: u32,
    /// Whether it sees segments as its network card merges them.
    pub merge: bool,
    /// Nanoseconds after the scenario's start at which it begins.
    pub late: u64,
    /// By how much its clock runs fast, in parts per million; negative where it is slow.
    pub skew: i64,
    /// Whether it stops once both sides of a connection of an event have sent their FIN.
    pub ends_with_close: bool,
    /// A step of its clock: when, after the scenario's start, and by how much, both in nanoseconds.
    pub step: Option<(u64, i64)>,
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            loss: 0,
            burst: 1,
            copies: 0,
            only: None,
            snap: None,
            sample: 1,
            merge: false,
            late: 0,
            skew: 0,
            ends_with_close: false,
            step: None,
        }
    }
}

/// The faults at work.
#[derive(Debug)]
pub struct FaultState {
    faults: Faults,
    start: Timestamp,
    loss: Draws,
    losing: bool,
    copies: Draws,
    sample: Draws,
    /// Ends of connections one side of which has sent its FIN.
    closing: std::collections::BTreeSet<(Ends, Ends)>,
    ended: bool,
}

/// An address and a port.
type Ends = (std::net::IpAddr, u16);

impl FaultState {
    /// The faults of the sensor called `name`, in a scenario that starts then.
    pub fn new(faults: Faults, name: &str, start: Timestamp, tree: &SeedTree) -> Self {
        let draws = |purpose: &str| tree.draws(&format!("sensor/{name}/{purpose}"));
        FaultState {
            start,
            loss: draws("loss"),
            losing: false,
            copies: draws("copies"),
            sample: draws("sample"),
            closing: std::collections::BTreeSet::new(),
            ended: false,
            faults,
        }
    }

    /// Whether the sensor records a frame that passes it.
    pub fn records(&mut self, at: Timestamp, direction: Direction) -> bool {
        let faults = &self.faults;
        if self.ended {
            return false;
        }
        if faults.only.is_some_and(|only| only != direction)
            || at.nanos_since(self.start) < faults.late
        {
            return false;
        }
        if faults.loss > 0 && self.loses() {
            return false;
        }
        // Sampled at random rather than by count: a count would be in step with what it watches.
        let sample = u64::from(self.faults.sample);
        sample <= 1 || self.sample.range(0..=sample - 1) == 0
    }

    /// Takes note of a packet that the sensor records: it may be the last one.
    pub fn note(&mut self, sent: &Sent, activities: &[Activity]) {
        if !self.faults.ends_with_close {
            return;
        }
        let packet = &sent.packet;
        let activity = sent.cause.activity().of(activities);
        if let Segment::Tcp(tcp) = &packet.segment
            && tcp.flags.contains(Flags::FIN)
            && activity.is_some_and(|activity| activity.class.is_some())
        {
            let from = (packet.source(), tcp.source);
            let to = (packet.destination(), tcp.destination);
            self.ended = self.closing.contains(&(to, from));
            self.closing.insert((from, to));
        }
    }

    /// Two states, losing and not, as Gilbert described them: the mean stay in the former is the burst.
    fn loses(&mut self) -> bool {
        let faults = &self.faults;
        if faults.burst <= 1 {
            return self.loss.chance(faults.loss);
        }
        let leave = 1_000_000 / faults.burst;
        let share = u64::from(faults.loss).min(999_999);
        let enter = u64::from(leave) * share / (1_000_000 - share);
        let turn = if self.losing {
            leave
        } else {
            u32::try_from(enter).unwrap_or(u32::MAX)
        };
        if self.loss.chance(turn.min(1_000_000)) {
            self.losing = !self.losing;
        }
        self.losing
    }

    /// After how many nanoseconds the sensor records the same frame again, if it does.
    pub fn copied(&mut self) -> Option<u64> {
        if self.faults.copies == 0 || !self.copies.chance(self.faults.copies) {
            return None;
        }
        // Assumption: the copy comes by the other port of the same switch, a few microseconds later.
        Some(self.copies.range(1_000..=40_000))
    }

    /// What the sensor's clock says then.
    pub fn clock(&self, at: Timestamp) -> Timestamp {
        let faults = &self.faults;
        if faults.skew == 0 && faults.step.is_none() {
            return at;
        }
        let since = at.nanos_since(self.start);
        let skew = i128::from(since) * i128::from(faults.skew) / 1_000_000;
        let step = faults
            .step
            .filter(|(when, _)| since >= *when)
            .map_or(0, |(_, by)| i128::from(by));
        let shown = i128::from(at.as_nanos()) + skew + step;
        Timestamp::from_nanos(u64::try_from(shown.max(0)).unwrap_or(u64::MAX))
    }

    /// Bytes of a frame that the sensor keeps.
    pub fn snap(&self) -> Option<usize> {
        self.faults.snap
    }

    /// Whether segments are merged.
    pub fn merges(&self) -> bool {
        self.faults.merge
    }
}

/// A segment and the one that follows it, as one: `None` where a network card would not merge them.
pub fn merged(first: &(Timestamp, Packet), then: &(Timestamp, Packet)) -> Option<Packet> {
    let ((at, one), (later, two)) = (first, then);
    let (Segment::Tcp(a), Segment::Tcp(b)) = (&one.segment, &two.segment) else {
        return None;
    };
    let plain =
        |flags: Flags| flags.is_exactly(Flags::ACK) || flags.is_exactly(Flags::ACK | Flags::PSH);
    let (length, more) = (one.payload.len(), two.payload.len());
    let follows = u32::try_from(length).is_ok_and(|n| a.sequence.wrapping_add(n) == b.sequence);
    let same = one.source() == two.source()
        && one.destination() == two.destination()
        && (a.source, a.destination, a.acknowledgment)
            == (b.source, b.destination, b.acknowledgment);
    if !(same && follows && plain(a.flags) && plain(b.flags))
        || length == 0
        || more == 0
        || a.flags.contains(Flags::PSH)
        || length + more > MERGED_BYTES
        || later.nanos_since(*at) > MERGED_WITHIN
    {
        return None;
    }
    let mut bytes = one.payload.to_vec();
    two.payload.emit(&mut bytes);
    let mut packet = one.clone();
    packet.payload = Payload::new(bytes);
    if let Segment::Tcp(tcp) = &mut packet.segment {
        tcp.flags = b.flags;
        tcp.window = b.window;
    }
    Some(packet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Pins;

    fn state(faults: Faults) -> FaultState {
        FaultState::new(faults, "s", Timestamp::ZERO, &SeedTree::new(5, Pins::new()))
    }

    fn recorded(faults: Faults) -> Vec<bool> {
        let mut state = state(faults);
        (0..100_000)
            .map(|n| state.records(Timestamp::from_nanos(n * 1_000_000), Direction::Inward))
            .collect()
    }

    #[test]
    fn bursts_lose_as_much_in_longer_runs() {
        for burst in [1, 20] {
            let seen = recorded(Faults {
                loss: 50_000,
                burst,
                ..Faults::default()
            });
            let lost = seen.iter().filter(|seen| !**seen).count();
            let runs = seen
                .windows(2)
                .filter(|pair| matches!(pair, [true, false]))
                .count();
            assert!((3500..6500).contains(&lost), "{burst}: {lost}");
            let mean = lost as f64 / runs as f64;
            assert!(
                (0.7..1.4).contains(&(mean / f64::from(burst))),
                "{burst}: {mean}"
            );
        }
    }

    #[test]
    fn a_sample_of_one_in_ten_is_a_tenth() {
        let seen = recorded(Faults {
            sample: 10,
            ..Faults::default()
        });
        let kept = seen.iter().filter(|seen| **seen).count();
        assert!((9_500..10_500).contains(&kept), "{kept}");
    }

    #[test]
    fn a_clock_runs_fast_and_steps_back() {
        let state = state(Faults {
            skew: 100,
            step: Some((2_000_000_000, -500_000_000)),
            ..Faults::default()
        });
        assert_eq!(
            state.clock(Timestamp::from_nanos(1_000_000_000)).as_nanos(),
            1_000_100_000
        );
        assert_eq!(
            state.clock(Timestamp::from_nanos(2_000_000_000)).as_nanos(),
            1_500_200_000
        );
    }

    #[test]
    fn one_direction_alone_is_seen() {
        let mut state = state(Faults {
            only: Some(Direction::Outward),
            ..Faults::default()
        });
        assert!(!state.records(Timestamp::ZERO, Direction::Inward));
        assert!(state.records(Timestamp::ZERO, Direction::Outward));
    }
}

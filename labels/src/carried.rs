//! The truth of a capture whose frames come from others: replayed, rewritten, cut, or laid into one another.
//!
//! Whoever carries the frames says of each where it comes from and when it stands in the new capture. What belongs to what
//! follows from the truth of its origin; nobody looks at a frame. Frames that are left out take nothing with them but
//! themselves: an event of which none is left is gone, one that has lost the frame at which it was evident never becomes
//! so, and one frame that became several counts as several.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::{AddressBlock, Event, EventId, Evident, FrameRuns, PortRange, Truth};

/// A capture that frames come from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The last frame of each run of frames, and its event.
    runs: Vec<(u64, Option<EventId>)>,
    /// The run that the last frame was in.
    place: usize,
    /// By frame: what becomes evident there.
    evident: BTreeMap<u64, Vec<EventId>>,
}

impl Origin {
    /// A capture with these events in these frames.
    pub fn new(events: &[Event], frames: &FrameRuns) -> Origin {
        let mut end = 0_u64;
        let runs = frames.runs().map(|(event, count)| {
            end = end.saturating_add(count);
            (end, event)
        });
        let mut evident = BTreeMap::<u64, Vec<EventId>>::new();
        for event in events {
            if let Some(Evident { frame, .. }) = &event.evident {
                evident.entry(*frame).or_default().push(event.id);
            }
        }
        Origin {
            runs: runs.collect(),
            place: 0,
            evident,
        }
    }

    /// The event of a frame, counted from 1. Frames come mostly in order.
    fn event_of(&mut self, number: u64) -> Option<EventId> {
        let end = |place: usize| self.runs.get(place).map_or(u64::MAX, |(end, _)| *end);
        if self.place > 0 && number <= end(self.place - 1) {
            self.place = 0;
        }
        while self.place < self.runs.len()
            && self.runs.get(self.place).is_some_and(|run| number > run.0)
        {
            self.place += 1;
        }
        self.runs.get(self.place).and_then(|(_, event)| *event)
    }
}

/// What of an event was carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    first: u64,
    last: u64,
    frames: u64,
}

/// What was carried so far. Events are told apart by part as well: of a capture that is carried twice, those of the second
/// time may be others than those of the first.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    shares: BTreeMap<(u32, EventId), Share>,
    evident: BTreeMap<(u32, EventId), u64>,
    /// Runs of frames.
    runs: Vec<(u32, Option<EventId>, u64)>,
    frames: u64,
    span: Option<(u64, u64)>,
}

impl Carried {
    /// Hears of a frame: which of its origin it is, counted from 1, and when it stands in the new capture, in nanoseconds
    /// since 1970.
    pub fn take(&mut self, part: u32, origin: &mut Origin, number: u64, at: u64) {
        self.frames += 1;
        self.span = Some(
            self.span
                .map_or((at, at), |(first, last)| (first, last.max(at))),
        );
        let event = origin.event_of(number);
        match self.runs.last_mut() {
            Some((before, last, count)) if (*before, *last) == (part, event) => *count += 1,
            _ => self.runs.push((part, event, 1)),
        }
        if let Some(event) = event {
            let share = self.shares.entry((part, event)).or_insert(Share {
                first: at,
                last: at,
                frames: 0,
            });
            (share.last, share.frames) = (share.last.max(at), share.frames + 1);
        }
        for event in origin.evident.get(&number).into_iter().flatten() {
            self.evident.entry((part, *event)).or_insert(self.frames);
        }
    }

    /// How many frames there are.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The times of the first frame and of the latest.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span.map(|(first, last)| (moment(first), moment(last)))
    }

    /// An event of a part as it is in the new capture; `None` where no frame of it is there.
    pub fn event(&self, part: u32, event: &Event) -> Option<Event> {
        let share = self.shares.get(&(part, event.id))?;
        Some(Event {
            start: moment(share.first),
            end: moment(share.last),
            packets: share.frames,
            evident: self.evident(part, event),
            ..event.clone()
        })
    }

    /// Where an event of a part becomes evident in the new capture.
    pub fn evident(&self, part: u32, event: &Event) -> Option<Evident> {
        let evident = event.evident.as_ref()?;
        Some(Evident {
            frame: *self.evident.get(&(part, event.id))?,
            rule: evident.rule.clone(),
        })
    }

    /// The events of the frames, by what they are called now; of the rest nothing is known.
    pub fn runs(&self, called: impl Fn(u32, EventId) -> Option<EventId>) -> FrameRuns {
        let mut runs = FrameRuns::default();
        for (part, event, count) in &self.runs {
            runs.extend(event.and_then(|event| called(*part, event)), *count);
        }
        runs
    }

    /// The truth of what was carried, where all of it comes from one capture. Where it went, `moves` says of each part.
    pub fn truth(&self, of: &Truth, moves: &impl Moves) -> Truth {
        let mut events = Vec::new();
        let mut ids = BTreeMap::new();
        for (part, id) in self.shares.keys() {
            let carried = of
                .event(*id)
                .and_then(|event| self.event(*part, &moved(event, *part, moves)));
            if let Some(event) = carried {
                let id = EventId(u32::try_from(ids.len() + 1).unwrap_or(u32::MAX));
                ids.insert((*part, event.id), id);
                events.push(Event { id, ..event });
            }
        }
        let parts = self.runs.iter().map(|(part, ..)| *part).max().unwrap_or(0);
        let mut home: Vec<AddressBlock> = (0..=parts)
            .flat_map(|part| blocks(&of.home, part, moves))
            .collect();
        home.sort_unstable();
        home.dedup();
        let mut truth = Truth {
            home,
            events,
            frames: self.runs(|part, event| ids.get(&(part, event)).copied()),
            ..of.clone()
        };
        truth.capture.packets = self.frames;
        let (first, last) = self.span().unzip();
        (truth.capture.first, truth.capture.last) = (first, last);
        truth
    }
}

/// Where what stood in a capture stands in the new one.
pub trait Moves {
    /// Where a block of addresses is now.
    fn block(&self, block: AddressBlock, part: u32) -> Vec<AddressBlock>;
    /// Where an address is now.
    fn address(&self, address: IpAddr, part: u32) -> IpAddr;
    /// What a port is now.
    fn port(&self, port: u16) -> u16;
}

/// An event at the addresses and ports where it is now.
pub fn moved(event: &Event, part: u32, moves: &impl Moves) -> Event {
    let ports = event
        .ports
        .iter()
        .flat_map(|range| range.first()..=range.last());
    Event {
        sources: blocks(&event.sources, part, moves),
        targets: blocks(&event.targets, part, moves),
        actor: event.actor.map(|actor| moves.address(actor, part)),
        ports: PortRange::cover(ports.map(|port| moves.port(port))),
        ..event.clone()
    }
}

fn blocks(blocks: &[AddressBlock], part: u32, moves: &impl Moves) -> Vec<AddressBlock> {
    blocks
        .iter()
        .flat_map(|block| moves.block(*block, part))
        .collect()
}

fn moment(nanos: u64) -> Timestamp {
    // Stamps of captures end in the year 2554, moments in 9999.
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight frames: one of nobody, three of event 1, which is evident at the third, two of event 2, and one each.
    const TRUTH: &str = r#"{"schema": "crywolf.truth/1", "scenario": "test", "seed": 1, "sensor": "home", "parameters": {},
        "home": ["192.0.2.0/24"], "capture": {"file": "a.pcap", "sha256": "", "packets": 8, "first": null, "last": null},
        "events": [
            {"id": 1, "class": "syn-scan", "verdict": "reconnaissance", "tool": null, "expect": "alert",
             "sources": ["198.51.100.7"], "actor": "198.51.100.9", "targets": ["192.0.2.10"], "transport": "tcp",
             "ports": [[21, 22]], "start": "2000-01-01T00:00:00Z", "end": "2000-01-01T00:00:01Z",
             "evident": {"frame": 3, "rule": "second port"}, "packets": 4, "techniques": [], "because": []},
            {"id": 2, "class": "ping-sweep", "verdict": "reconnaissance", "tool": null, "expect": "alert",
             "sources": ["198.51.100.8"], "actor": null, "targets": ["192.0.2.0/24"], "transport": "icmp",
             "ports": [], "start": "2000-01-01T00:00:00Z", "end": "2000-01-01T00:00:01Z",
             "evident": null, "packets": 3, "techniques": [], "because": []}],
        "frames": [[0, 1], [1, 3], [2, 2], [1, 1], [2, 1]]}"#;

    fn truth() -> Truth {
        Truth::from_json(TRUTH).unwrap()
    }

    /// Everything stays where it is; but what is carried a second time goes next door.
    struct NextDoor;

    impl Moves for NextDoor {
        fn block(&self, block: AddressBlock, part: u32) -> Vec<AddressBlock> {
            let address = |text: &str| vec![text.parse().unwrap()];
            match (part, block.to_string().as_str()) {
                (1, "192.0.2.0/24") => address("192.0.3.0/24"),
                (1, "192.0.2.10") => address("192.0.3.10"),
                _ => vec![block],
            }
        }

        fn address(&self, address: IpAddr, _: u32) -> IpAddr {
            address
        }

        fn port(&self, port: u16) -> u16 {
            port + 1000
        }
    }

    /// What a capture becomes of which these frames are taken, a second apart.
    fn carry(frames: &[(u32, u64)]) -> Truth {
        let truth = truth();
        let mut origin = Origin::new(&truth.events, &truth.frames);
        let mut carried = Carried::default();
        for ((part, number), at) in frames.iter().zip(1..) {
            carried.take(*part, &mut origin, *number, at * 1_000_000_000);
        }
        let made = carried.truth(&truth, &NextDoor);
        // Reading checks that a truth does not contradict itself.
        assert_eq!(Truth::from_json(&made.to_json()).unwrap(), made);
        made
    }

    fn runs(truth: &Truth) -> Vec<(u32, u64)> {
        let id = |event: Option<EventId>| event.map_or(0, |event| event.0);
        truth
            .frames
            .runs()
            .map(|(event, count)| (id(event), count))
            .collect()
    }

    #[test]
    fn times_ports_and_numbers_are_those_of_the_new_capture() {
        let made = carry(&[
            (0, 1),
            (0, 2),
            (0, 3),
            (0, 4),
            (0, 5),
            (0, 6),
            (0, 7),
            (0, 8),
        ]);
        assert_eq!(runs(&made), [(0, 1), (1, 3), (2, 2), (1, 1), (2, 1)]);
        let [scan, sweep] = made.events.as_slice() else {
            panic!("{made:#?}");
        };
        assert_eq!(
            (scan.start, scan.end, scan.packets),
            (moment(2_000_000_000), moment(7_000_000_000), 4)
        );
        assert_eq!(scan.ports, [PortRange::new(1021, 1022).unwrap()]);
        assert_eq!(scan.evident.as_ref().map(|evident| evident.frame), Some(3));
        assert_eq!((sweep.packets, &sweep.evident), (3, &None));
        assert_eq!(made.capture.last, Some(moment(8_000_000_000)));
    }

    #[test]
    fn what_is_left_out_takes_only_itself_along() {
        // Without the third frame the scan is never evident, without 5, 6 and 8 the sweep is gone.
        let made = carry(&[(0, 2), (0, 4), (0, 7), (0, 1)]);
        assert_eq!(runs(&made), [(1, 3), (0, 1)]);
        assert_eq!((made.events.len(), made.capture.packets), (1, 4));
        assert_eq!(made.events.first().unwrap().evident, None);
        assert!(carry(&[]).events.is_empty());
    }

    #[test]
    fn a_frame_that_became_two_counts_twice_and_is_evident_at_the_first() {
        let made = carry(&[(0, 2), (0, 3), (0, 3)]);
        let scan = made.events.first().unwrap();
        assert_eq!(scan.packets, 3);
        assert_eq!(scan.evident.as_ref().map(|evident| evident.frame), Some(2));
    }

    #[test]
    fn a_second_pass_has_events_of_its_own_only_where_it_is_a_part_of_its_own() {
        let apart = carry(&[(0, 2), (0, 3), (1, 2), (1, 3)]);
        assert_eq!(runs(&apart), [(1, 2), (2, 2)]);
        let targets: Vec<_> = (apart.events.iter())
            .map(|event| event.targets.first().unwrap().to_string())
            .collect();
        assert_eq!(targets, ["192.0.2.10", "192.0.3.10"]);
        assert_eq!(apart.home.len(), 2);
        let together = carry(&[(0, 2), (0, 3), (0, 2), (0, 3)]);
        assert_eq!((together.events.len(), runs(&together)), (1, vec![(1, 4)]));
    }
}

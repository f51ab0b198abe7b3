//! The truth of one sensor's capture, kept while it records.
//!
//! Nothing is guessed from packets: each frame brings its activity and its role. What the sensor could see decides the
//! rest: an activity of which only answers passed is its echo.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use labels::{
    AddressBlock, CaptureSummary, Class, Event, EventId, Evident, FrameRuns, Ordinary, Pace,
    PortRange, Transport, Truth,
};
use wire::{ArpMessage, Packet, Segment, Timestamp};

use crate::activity::{Activity, ActivityId, Cause, Countable, Role};
use crate::net::block::Block;
use crate::net::ports::PortSet;
use crate::net::topology::Direction;

/// Single addresses that an event names before they are summed up as blocks.
const MAX_SINGLE: usize = 256;

/// What a sensor has recorded so far.
#[derive(Debug, Default)]
pub struct SensorTruth {
    frames: FrameRuns,
    count: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    events: Events,
    ordinary: BTreeMap<Class, u64>,
    order: Vec<ActivityId>,
}

impl SensorTruth {
    /// How many frames that is.
    pub fn frames(&self) -> u64 {
        self.count
    }
}

/// What it has recorded of activities, and of the occasions of those each of which is an event.
#[derive(Debug, Default)]
struct Events {
    /// By number of the activity: a flood looks it up for every frame.
    whole: Vec<Option<Recorded>>,
    occasions: BTreeMap<ActivityId, Recorded>,
}

impl Events {
    fn of(&self, id: ActivityId) -> Option<&Recorded> {
        match id.occasion {
            0 => self.whole.get(usize::from(id.number))?.as_ref(),
            _ => self.occasions.get(&id),
        }
    }

    /// The same, which begins `at` with that number if it is new.
    fn at_work(&mut self, id: ActivityId, number: EventId, at: Timestamp) -> Option<&mut Recorded> {
        let begin = || Recorded {
            id: number,
            start: at,
            end: at,
            packets: 0,
            begun: Begun::default(),
            asked: Roles::default(),
            answered: Roles::default(),
        };
        if id.occasion > 0 {
            return Some(self.occasions.entry(id).or_insert_with(begin));
        }
        let index = usize::from(id.number);
        if self.whole.len() <= index {
            self.whole.resize_with(index + 1, || None);
        }
        Some(self.whole.get_mut(index)?.get_or_insert_with(begin))
    }
}

/// What a sensor has recorded of one event.
#[derive(Debug)]
struct Recorded {
    id: EventId,
    start: Timestamp,
    end: Timestamp,
    packets: u64,
    begun: Begun,
    asked: Roles,
    answered: Roles,
}

/// What was begun on the event's own account, which has its pace.
#[derive(Debug, Default)]
struct Begun {
    count: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// Who did what, in one role.
#[derive(Debug, Default)]
struct Roles {
    packets: u64,
    sources: Addresses,
    targets: Addresses,
    ports: PortSet,
    last_port: Option<u16>,
    transports: BTreeSet<Transport>,
    last_transport: Option<Transport>,
    evident: Option<u64>,
}

/// What the truth keeps of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    source: IpAddr,
    target: IpAddr,
    ports: Option<(u16, u16)>,
    transport: Transport,
}

impl Seen {
    /// What it keeps of a packet.
    #[inline]
    pub fn packet(packet: &Packet) -> Seen {
        Seen {
            source: packet.source(),
            target: packet.destination(),
            ports: packet.ports(),
            transport: match &packet.segment {
                Segment::Tcp(_) => Transport::Tcp,
                Segment::Udp(_) => Transport::Udp,
                Segment::Icmp(_) => Transport::Icmp,
                Segment::Raw(wire::packet::PROTOCOL_TCP) => Transport::Tcp,
                Segment::Raw(wire::packet::PROTOCOL_UDP) => Transport::Udp,
                Segment::Raw(_) => Transport::Other,
            },
        }
    }

    /// What it keeps of an ARP message.
    pub fn arp(message: &ArpMessage) -> Seen {
        Seen {
            source: message.sender.into(),
            target: message.target.into(),
            ports: None,
            transport: Transport::Other,
        }
    }
}

/// Addresses, summed up where they are many.
#[derive(Debug, Default)]
struct Addresses {
    /// Where the next one changes nothing: the address that came last, or the pool that it was drawn from.
    known: Option<Block>,
    single: BTreeSet<IpAddr>,
    blocks: BTreeSet<IpNet>,
}

impl Addresses {
    /// Adds an address; `pools` are blocks known to be drawn from as a whole.
    fn add(&mut self, address: IpAddr, pools: &[IpNet]) {
        if self.known.is_some_and(|known| known.contains(address)) {
            return;
        }
        self.known = Some(Block::of(&address.into()));
        if let Some((at, pool)) =
            (pools.iter().enumerate()).find(|(_, pool)| pool.contains(&address))
        {
            // What lies in a later pool may lie in one before it, too.
            if at == 0 {
                self.known = Some(Block::of(pool));
            }
            self.blocks.insert(*pool);
            return;
        }
        if self.blocks.iter().any(|block| block.contains(&address)) {
            return;
        }
        self.single.insert(address);
        if self.single.len() > MAX_SINGLE {
            let singles = std::mem::take(&mut self.single);
            self.blocks.extend(singles.into_iter().map(surroundings));
        }
    }

    fn len(&self) -> u64 {
        (self.single.len() + self.blocks.len()) as u64
    }

    fn list(&self) -> Vec<AddressBlock> {
        let singles = self
            .single
            .iter()
            .map(|address| AddressBlock::from(*address));
        let mut list: Vec<AddressBlock> = singles
            .chain(self.blocks.iter().map(|b| AddressBlock::from(*b)))
            .collect();
        list.sort();
        list
    }
}

/// The /24 or /64 around an address.
fn surroundings(address: IpAddr) -> IpNet {
    let length = if address.is_ipv4() { 24 } else { 64 };
    IpNet::new(address, length)
        .unwrap_or_else(|_| IpNet::from(address))
        .trunc()
}

impl Begun {
    fn add(&mut self, at: Timestamp) {
        self.count += 1;
        self.first.get_or_insert(at);
        self.last = Some(at);
    }
}

impl Roles {
    fn add(&mut self, seen: &Seen, port: Option<u16>, pools: &[IpNet]) {
        self.packets += 1;
        self.sources.add(seen.source, pools);
        self.targets.add(seen.target, pools);
        if let Some(port) = port.filter(|port| self.last_port != Some(*port)) {
            self.last_port = Some(port);
            self.ports.insert(port);
        }
        if self.last_transport != Some(seen.transport) {
            self.last_transport = Some(seen.transport);
            self.transports.insert(seen.transport);
        }
    }

    fn counted(&self, of: Countable) -> u64 {
        match of {
            Countable::Ports => self.ports.len() as u64,
            Countable::Targets => self.targets.len(),
            Countable::Packets => self.packets,
        }
    }

    fn transport(&self) -> Transport {
        match self.transports.iter().collect::<Vec<_>>().as_slice() {
            [only] => **only,
            _ => Transport::Other,
        }
    }
}

/// What identifies a capture, for its truth file.
#[derive(Clone, Debug)]
pub struct CaptureIdentity {
    /// The scenario's id.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The sensor's name.
    pub sensor: String,
    /// What the seed or the user set, by path.
    pub parameters: BTreeMap<String, String>,
    /// The networks of the sensor's site.
    pub home: Vec<IpNet>,
    /// The capture's file name.
    pub file: String,
    /// Its digest.
    pub sha256: String,
}

impl SensorTruth {
    /// When the last frame of an event was recorded.
    pub fn last_of_events(&self) -> Option<Timestamp> {
        let events = self.order.iter().filter_map(|id| self.events.of(*id));
        events.map(|event| event.end).max()
    }

    /// Takes in one recorded frame.
    pub fn record(
        &mut self,
        at: Timestamp,
        direction: Direction,
        cause: Cause,
        seen: &Seen,
        activities: &[Activity],
    ) {
        self.count += 1;
        self.first.get_or_insert(at);
        self.last = Some(at);
        let id = cause.activity();
        let activity = id.of(activities);
        let Some(activity) = activity.filter(|activity| activity.class.is_some()) else {
            self.frames.push(None);
            if let Some(label) = activity.and_then(|activity| activity.label) {
                *self.ordinary.entry(label).or_default() += 1;
            }
            return;
        };
        let count = self.count;
        let next = EventId(u32::try_from(self.order.len() + 1).unwrap_or(u32::MAX));
        let Some(event) = self.events.at_work(id, next, at) else {
            return;
        };
        if event.packets == 0 {
            self.order.push(id);
        }
        self.frames.push(Some(event.id));
        event.end = at;
        event.packets += 1;
        let ports = seen.ports;
        let roles = match cause.role {
            Role::Stimulus | Role::Sequel => {
                if cause.role == Role::Stimulus {
                    event.begun.add(at);
                }
                event
                    .asked
                    .add(seen, ports.map(|(_, to)| to), &activity.forged);
                &mut event.asked
            }
            // Our own hosts' reactions to answers say nothing about who sent those.
            Role::Answer if direction == Direction::Inward => {
                event.answered.add(seen, ports.map(|(from, _)| from), &[]);
                &mut event.answered
            }
            Role::Answer => return,
        };
        if let Some(minimum) = &activity.evident
            && roles.evident.is_none()
            && roles.counted(minimum.of) >= minimum.count
        {
            roles.evident = Some(count);
        }
    }

    /// The truth file of the finished capture.
    pub fn into_truth(self, identity: CaptureIdentity, activities: &[Activity]) -> Truth {
        let mut events: Vec<Event> = Vec::with_capacity(self.order.len());
        for id in &self.order {
            let both = id.of(activities).zip(self.events.of(*id));
            events.extend(both.and_then(|(activity, recorded)| event(activity, recorded)));
        }
        Truth {
            schema: labels::truth::SCHEMA.into(),
            scenario: identity.scenario,
            seed: identity.seed,
            sensor: identity.sensor,
            parameters: identity.parameters,
            home: identity.home.into_iter().map(AddressBlock::from).collect(),
            capture: CaptureSummary {
                file: identity.file,
                sha256: identity.sha256,
                packets: self.count,
                first: self.first.map(moment),
                last: self.last.map(moment),
            },
            events,
            background: ordinary(self.ordinary),
            frames: self.frames,
        }
    }
}

fn ordinary(counted: BTreeMap<Class, u64>) -> Vec<Ordinary> {
    let row = |(class, packets)| Ordinary { class, packets };
    counted.into_iter().map(row).collect()
}

/// The pace that was asked for, and the one that the sensor saw, where there is either.
fn pace(activity: &Activity, begun: &Begun) -> Option<Pace> {
    let seconds = |nanos: u64| nanos as f64 / 1e9;
    let gaps = begun.count.saturating_sub(1);
    let delivered = begun.first.zip(begun.last).filter(|_| gaps > 0);
    let pace = Pace {
        asked_s: activity.gap.map(seconds),
        delivered_s: delivered.map(|(first, last)| seconds(last.nanos_since(first)) / gaps as f64),
    };
    (activity.by_tool && (pace.asked_s.is_some() || pace.delivered_s.is_some())).then_some(pace)
}

fn event(activity: &Activity, recorded: &Recorded) -> Option<Event> {
    let echo = recorded.asked.packets == 0;
    let class = if echo {
        activity.echo.or(activity.class)
    } else {
        activity.class
    }?;
    let roles = if echo {
        &recorded.answered
    } else {
        &recorded.asked
    };
    let sources = roles.sources.list();
    let actor = activity.actor.filter(|actor| {
        echo || !activity.forged.is_empty() || !sources.iter().any(|source| source.contains(*actor))
    });
    let expect = if echo && activity.echo.is_some() {
        class.verdict().expects()
    } else {
        activity.expect.unwrap_or(class.verdict().expects())
    };
    Some(Event {
        id: recorded.id,
        class,
        verdict: class.verdict(),
        tool: activity.tool.clone(),
        expect,
        sources,
        actor,
        targets: roles.targets.list(),
        transport: roles.transport(),
        ports: PortRange::cover(roles.ports.iter()),
        start: moment(recorded.start),
        end: moment(recorded.end),
        evident: activity.evident.and_then(|minimum| {
            roles.evident.map(|frame| Evident {
                frame,
                rule: minimum.to_string(),
            })
        }),
        packets: recorded.packets,
        pace: pace(activity, &recorded.begun).filter(|_| !echo),
        techniques: class.technique().map(str::to_owned).into_iter().collect(),
        because: activity.because.clone(),
    })
}

/// A capture's moment as a truth file writes it.
fn moment(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos())).unwrap_or(jiff::Timestamp::MAX)
}

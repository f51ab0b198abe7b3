//! What is known of one who asks many addresses one question, and when that is a sweep.

use labels::{Class, Finding, Transport};

use super::limits::Limits;
use super::question::{NETBIOS, Question};
use super::round::Round;
use crate::address::Address;
use crate::docket::{Brief, Life};
use crate::extent::{Addresses, Ports};
use crate::news::{Attempt, Technique};
use crate::report::{Draft, Examples, count, fact};
use crate::state::State;
use crate::tools;
use crate::words::Word;

/// Ports from here on are programs' own rather than those of services that everybody knows.
const PROGRAMS: u16 = 5_000;
/// A source that gets on with a third as many hosts as are absent has peers, some of which are gone.
const PEERS: usize = 3;
/// Rounds in which a monitor shows itself.
const ROUNDS: usize = 2;
/// The same where no answers are seen: who looks for hosts asks silent ones four times at most, as fping does.
const BLIND_ROUNDS: u64 = 5;

/// What is known of one who asks.
#[derive(Default)]
pub(super) struct Walk {
    absent: Addresses,
    present: Addresses,
    asked: usize,
    /// Questions to those who are there.
    answers: usize,
    ports: Ports,
    communities: Vec<u16>,
    /// Addresses that followed their neighbour.
    steps: usize,
    /// Addresses that lie behind the one asked before.
    rises: usize,
    last: Option<Address>,
    frames: Examples,
    /// Asked by the source's stack, for packets that then never left.
    shadows: usize,
    /// From elsewhere than the segment.
    far: bool,
    /// Source ports of datagrams.
    sports: Ports,
    /// What clients of a service say, and nobody else.
    client: bool,
    /// It has exchanged many datagrams with one of those asked.
    converses: bool,
    /// Hosts with which it has exchanged data, whatever it asked them.
    friends: usize,
    /// The sensor has at times seemed to see one side only, and does so now: who is absent is not known.
    blind: bool,
    deaf: bool,
    /// Those that were pinged, and with which the source exchanges data as well.
    used: Addresses,
    /// The sensor misses so much that silence says nothing of what the source asks.
    lossy: bool,
    /// Neighbours that refused a connection.
    refused: Addresses,
    /// The order and pace of questions for names.
    pub(super) round: Round,
    /// Requests for addresses that others wanted, as a router makes them.
    for_others: usize,
}

impl Walk {
    /// Whether nobody was asked yet.
    pub(super) fn is_empty(&self) -> bool {
        self.absent.len() + self.present.len() == 0
    }

    /// Whether some of it was asked by the source's stack, for packets that then never left.
    pub(super) fn is_by_stack(&self) -> bool {
        self.shadows > 0
    }

    /// How many are absent: who has answered once is there, whatever was lost.
    pub(super) fn absent(&self) -> usize {
        self.absent.len_without(&self.present)
    }

    /// Whether those who are there are asked round after round.
    fn is_monitor(&self, life: &Life) -> bool {
        let (absent, present) = (self.absent(), self.present.len());
        let packets = life.activity.map_or(0, |activity| activity.packets);
        let hosts = u64::try_from(absent + present).unwrap_or(u64::MAX);
        if self.blind && packets >= BLIND_ROUNDS * hosts {
            return true;
        }
        let used = self.used.len() * 2 >= present.max(1);
        // A stack asks for absent ones but once in a while: who is there is asked more often than a sweep asks twice.
        let again = self.answers * 8 > (ROUNDS * 8 + 1) * present;
        let rounds = self.asked >= ROUNDS * (absent + present) || again;
        (used || rounds) && present >= absent
    }

    /// Whether what is known is a sweep by the thresholds.
    pub(super) fn suffices(&self, question: Question, limits: &Limits) -> bool {
        let absent = self.absent();
        let present = self.present.len();
        let mostly = absent * 2 >= present;
        match question {
            Question::Ping => {
                // Where nobody's answers are seen, silence says nothing of friends who are anywhere, nor of a few of a network.
                let silent = if self.blind {
                    nearest(&self.absent) >= limits.walked
                } else {
                    absent >= limits.absent
                };
                silent && mostly
                    || absent + present >= limits.walked && self.steps * 4 >= (absent + present) * 3
            }
            // Who asks has an address on that segment; what lies elsewhere was damaged on its way.
            Question::Arp => {
                let near = nearest(&self.absent);
                let walks = self.steps * 4 >= absent * 3;
                let dense = near * 2 >= absent || walks;
                let asks = !self.is_errand() && !self.deaf && !self.routes();
                near >= limits.absent_arp && dense && mostly && asks
            }
            // Servers resolve the names of their clients, who are anywhere, in the order in which they come.
            Question::Netbios => {
                let near = nearest(&self.absent) + nearest(&self.present);
                let rises = self.rises + 1 >= absent + present;
                near >= limits.absent && mostly && (rises || near >= limits.absent_arp)
                    || near >= limits.walked
            }
            Question::Snmp => {
                // Who manages some of them knows the others, too, and some are down.
                let manages = present >= limits.communities;
                let mostly = absent >= present * if manages { 2 } else { 1 };
                // Whom a manager asks answers where this sensor does not see it.
                absent >= limits.absent && mostly && !self.blind
                    || self.communities.len() >= limits.communities
            }
            // Who manages a segment finds most of what is switched on willing.
            Question::Tcp(_) => {
                nearest(&self.absent) >= limits.absent_arp
                    && self.refused.len() >= limits.refused
                    && self.refused.len() * 2 >= present
            }
            // Peers of peer-to-peer programs listen at high ports, and many are gone.
            Question::Udp(port) => {
                let needed = limits.absent_udp * if port < PROGRAMS { 1 } else { 3 };
                // Clients of a service ask servers all over the world, and a sensor may miss their answers; so do those
                // who hold long conversations by it.
                let near = !(self.client || self.converses || self.blind)
                    || nearest(&self.absent) >= needed;
                let peers = !tools::is_system(port) && self.friends * PEERS >= absent;
                // Answers of a service whose clients ask from its own port, as those of tunnels do.
                let serves = self.blind && self.sports.list() == [port];
                absent >= needed && absent >= present * 2 && near && !peers && !serves
            }
        }
    }

    /// One more was asked for; whether by the source's stack.
    pub(super) fn take(&mut self, attempt: &Attempt, absent: bool, stack: bool, state: &State) {
        let target = attempt.target;
        let new = self.is_new(target);
        if absent {
            self.absent.insert(target);
        } else {
            self.present.insert(target);
        }
        self.asked += 1;
        self.answers += usize::from(!absent);
        self.shadows += usize::from(stack);
        self.far |= !attempt.is_local() && !stack && attempt.ttl != 0;
        self.deaf = state.sees_one_side();
        self.blind |= self.deaf;
        self.friends = state.friends(attempt.source);
        if !absent && state.have_talked(attempt.source, target) {
            self.used.insert(target);
        }
        self.is_met(attempt.source, state);
        self.client |= matches!(
            attempt.word,
            Word::DnsQuestion(..) | Word::NtpQuestion | Word::QuicOpening
        );
        self.came_to(target, new);
        if attempt.technique == Technique::Udp {
            self.ports.insert(attempt.dport);
            self.sports.insert(attempt.sport);
        }
        self.frames.note(attempt.opened.frame);
    }

    /// Its source may be seen to be answered as often as not, by a sensor that misses much; or not at all, by one that sees
    /// one side.
    pub(super) fn is_met(&mut self, source: Address, state: &State) {
        self.lossy = state.missed_answers_to(source) > 0;
        self.deaf = state.sees_one_side();
        self.blind |= self.deaf;
    }

    /// A neighbour whose address nobody has was wanted for a connection to one of its ports.
    pub(super) fn take_unreached(&mut self, attempt: &Attempt, port: u16) {
        self.absent.insert(attempt.target);
        self.ports.insert(port);
        self.frames.note(attempt.opened.frame);
    }

    /// A neighbour refused a connection in the frame of that number.
    pub(super) fn take_refusal(&mut self, neighbour: Address, frame: u64) {
        self.refused.insert(neighbour);
        self.is_there(neighbour);
        self.frames.note(frame);
    }

    /// A host answered a question that the sensor has missed.
    pub(super) fn take_answer(&mut self, host: Address) {
        let new = self.is_new(host);
        self.is_there(host);
        self.asked += 1;
        self.answers += 1;
        self.came_to(host, new);
    }

    /// An agent was asked with a community, told as its digest, in the frame of that number.
    pub(super) fn take_community(&mut self, port: u16, digest: u16, frame: u64) {
        const MOST: usize = 16;
        self.ports.insert(port);
        if !self.communities.contains(&digest) && self.communities.len() < MOST {
            self.communities.push(digest);
            self.frames.keep(frame);
        }
    }

    /// Somebody has shown himself, whatever he was asked.
    pub(super) fn is_there(&mut self, host: Address) {
        self.present.insert(host);
    }

    /// The source exchanges data with a host: one that was asked, too, is no mere find.
    pub(super) fn uses(&mut self, host: Address) {
        if self.present.contains(host) {
            self.used.insert(host);
        }
    }

    /// The source exchanges many datagrams with one of those asked.
    pub(super) fn converses(&mut self) {
        self.converses = true;
    }

    /// A host is asked again: whether that is one more round. Who is silent is asked again in the same round, unless the
    /// sensor sees no answers.
    pub(super) fn repeats(&mut self, host: Address) -> bool {
        let is_there = usize::from(!self.blind && self.present.contains(host));
        self.asked += is_there;
        self.answers += is_there;
        self.blind || self.present.contains(host)
    }

    fn is_new(&self, host: Address) -> bool {
        !self.has_asked(host)
    }

    /// Whether that host was asked.
    pub(super) fn has_asked(&self, host: Address) -> bool {
        self.absent.contains(host) || self.present.contains(host)
    }

    /// An address is asked for on behalf of somebody else.
    pub(super) fn asks_for_others(&mut self) {
        self.for_others += 1;
    }

    /// Whether a router asks, whose other requests may have come thrice as well.
    fn routes(&self) -> bool {
        self.for_others * 2 > self.absent()
    }

    /// Whether names are asked for as an inventory agent does.
    fn takes_inventory(&self, limits: &Limits) -> bool {
        self.sports.list() == [NETBIOS] && self.shadows == 0 && self.round.is_inventory(limits)
    }

    /// The next address.
    fn came_to(&mut self, target: Address, new: bool) {
        let distance = self
            .last
            .map(|last| target.bits().wrapping_sub(last.bits()));
        self.steps += usize::from(new && matches!(distance, Some(1..=4)));
        self.rises += usize::from(new && self.last.is_some_and(|last| last < target));
        self.last = Some(target);
    }

    /// Whether the addresses were asked for by a stack that had packets for them, in no order: a server whose clients
    /// have gone.
    fn is_errand(&self) -> bool {
        self.shadows * 2 > self.absent.len() && self.steps * 4 < self.absent.len() * 3
    }

    /// Whether a client asks the same hosts again and again, as a resolver does whose name servers are dead; who looks
    /// for hosts asks each a few times.
    pub(super) fn insists(&self, life: &Life) -> bool {
        const OFTEN: u64 = 4;
        // A manager asks for one thing after the other, and again; who only looks repeats himself five times at most.
        const MANAGES: u64 = 8;
        let hosts = u64::try_from(self.absent.len() + self.present.len()).unwrap_or(u64::MAX);
        let packets = life.activity.map_or(0, |activity| activity.packets);
        let manages = self.communities.len() == 1 && packets >= MANAGES * hosts;
        self.client && packets >= OFTEN * hosts || manages
    }

    /// A program that looks for its like on its own segment: at a port of its own, from one port.
    fn is_peer(&self, port: u16) -> bool {
        port >= PROGRAMS && !self.far && self.sports.len() == 1
    }
}

/// Addresses in the neighbourhood that holds most of them.
fn nearest(addresses: &Addresses) -> usize {
    let hoods: Vec<Address> = addresses.iter().map(Address::neighbourhood).collect();
    hoods
        .chunk_by(PartialEq::eq)
        .map(<[_]>::len)
        .max()
        .unwrap_or(0)
}

impl Brief for Walk {
    type Key = (Address, Question);
    type Limits = Limits;

    fn worth(&self) -> u8 {
        if self.absent.len() > 1 { 3 } else { 1 }
    }

    fn finding(&self, key: &Self::Key, life: &Life, limits: &Limits) -> Option<Finding> {
        // Who asked before it took the addresses looked for nobody; nor is known who did not answer where answers are not seen.
        let taken = key.1 == Question::Arp
            && (self.deaf || self.routes() || self.absent() * 2 < self.present.len());
        if self.insists(life) || self.lossy || taken {
            return None;
        }
        let (class, transport) = match key.1 {
            // Round after round, and most are there.
            Question::Ping if self.is_monitor(life) => (Class::MonitoringPoll, Transport::Icmp),
            Question::Ping => (Class::PingSweep, Transport::Icmp),
            Question::Arp => (Class::ArpSweep, Transport::Other),
            Question::Netbios if self.takes_inventory(limits) => {
                (Class::InventoryAgent, Transport::Udp)
            }
            Question::Netbios => (Class::NetbiosSweep, Transport::Udp),
            Question::Snmp => (Class::SnmpProbe, Transport::Udp),
            Question::Tcp(_) => (Class::PortSweep, Transport::Tcp),
            Question::Udp(0) => (Class::PortZeroProbe, Transport::Udp),
            Question::Udp(port) if tools::is_rpc(port) => (Class::RpcProbe, Transport::Udp),
            Question::Udp(port) if self.is_peer(port) => (Class::PeerDiscovery, Transport::Udp),
            Question::Udp(_) => (Class::PortSweep, Transport::Udp),
        };
        let mut targets = self.absent.clone();
        targets.merge(&self.present);
        let mut evidence = vec![fact(
            "one question to many addresses",
            format!(
                "{} absent, {} present",
                count(self.absent(), "address"),
                count(self.present.len(), "address")
            ),
            "who has business with a host asks one that exists",
            &self.frames,
        )];
        if self.communities.len() > 1 {
            evidence.push(fact(
                "different communities",
                format!("{} tried", self.communities.len()),
                "one that was agreed on",
                [],
            ));
        }
        if class == Class::InventoryAgent {
            evidence.push(fact(
                "each host asked next after its neighbour, at leisure and once, from the port of the name service",
                count(self.round.strides(), "address"),
                "who looks for shares hurries, asks again, or goes on to files",
                [],
            ));
        }
        let draft = Draft {
            class,
            tool: None,
            sources: vec![key.0.to_ip().into()],
            targets: targets.blocks(),
            transport,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.8,
            evidence,
        };
        Some(draft.finish())
    }
}

//! Sweeps that need no TCP to be seen: by ping, by ARP, by NetBIOS names, by SNMP, by one UDP port; and those by TCP of a
//! segment on which hardly anybody is there to be connected to.
//!
//! # What
//! One host asks one question of many addresses: echo or timestamp requests, address resolution, NetBIOS status, SNMP
//! with this and that community, or datagrams to one port.
//!
//! # Why these facts
//! Who has business with hosts knows them: what he asks is answered. Who looks for hosts meets absent ones, and only
//! these count here, each once; what is excused (a name just resolved, a host that had just called, a server that tries
//! an address before it gives it away, a peer whose name is asked for) does not. On a segment a stack asks three times
//! for the hardware address of each absent host before it gives a packet up: these requests stand for what its host
//! asks the others, or, where some of them refuse it, for the connections that it wants; those of a router, which asks
//! nobody anything itself, stand for nothing. Who asks for addresses before it has one is called by what its interface
//! gives it. A resolver, which wants no recursion, asks wherever names lead it. Where the sensor sees one side, who asks
//! the same hosts again and again watches them. Communities of SNMP are secrets: who tries several is guessing.
//!
//! # Evidence
//! How many addresses were asked, how many were absent, how many communities were tried.
//!
//! # Blind spots
//! A sweep of a network in which everybody answers, unless it walks the addresses one after the other. An insider who
//! looks for a program's servers from one port looks like the program itself, and is taken for it.
//!
//! # References
//! RFC 792; RFC 826; RFC 1002 section 4.2.18; RFC 4861 section 7.2.2 (three requests a second apart).

use labels::{Class, Finding, Transport};

use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Ports};
use crate::news::{
    Answer, AnswerKind, Attempt, Moment, News, NewsKind, NewsKinds, Outcome, Technique,
};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Keep, Memory, State, Table};
use crate::tools;
use crate::words::Word;

/// Port of the NetBIOS name service, RFC 1002.
const NETBIOS: u16 = 137;
/// Port of name servers.
const DNS: u16 = 53;
/// Port of SNMP agents.
const SNMP: u16 = 161;
/// Requests for one absent address that a stack sends for a packet that waits.
const STACK_REQUESTS: u8 = 3;

/// Ports from here on are programs' own rather than those of services that everybody knows.
const PROGRAMS: u16 = 5_000;

/// Absent hosts that were pinged: too few for a sweep, enough to see that hosts are looked for.
const SEEKS: usize = 3;

/// Rounds in which a monitor shows itself.
const ROUNDS: usize = 2;
/// The same where no answers are seen: who looks for hosts asks silent ones four times at most, as fping does.
const BLIND_ROUNDS: u64 = 5;

section! {
    /// When questions to many are a sweep.
    Limits "sweep" {
        absent: usize,
        absent_arp: usize,
        absent_udp: usize,
        refused: usize,
        walked: usize,
        communities: usize,
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Question {
    Ping,
    Arp,
    Netbios,
    Snmp,
    Udp(u16),
    /// A connection to a neighbour, which is known here by what its address resolution met.
    Tcp(u16),
}

impl Question {
    fn of(attempt: &Attempt) -> Option<Question> {
        match attempt.technique {
            Technique::Echo | Technique::Stamp => Some(Question::Ping),
            Technique::Arp => Some(Question::Arp),
            Technique::Udp => Some(match attempt.dport {
                NETBIOS => Question::Netbios,
                SNMP => Question::Snmp,
                port => Question::Udp(port),
            }),
            _ => None,
        }
    }
}

/// What a source has last asked a neighbour: what its stack resolves addresses for.
#[derive(Clone, Copy, Default)]
struct Last {
    asked: Option<Question>,
    /// The port of the neighbour to which it last connected.
    port: Option<u16>,
    /// It asks for the addresses of others, as a router does: its requests come in threes, and it asks nobody anything.
    routes: bool,
}

impl Keep for Last {}

/// A host that has answered something: it is there, whatever a sensor missed of its address resolution.
#[derive(Clone, Copy, Default)]
struct There;

impl Keep for There {}

/// What is known of one who asks.
#[derive(Default)]
struct Walk {
    absent: Addresses,
    present: Addresses,
    asked: usize,
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
    /// The sensor sees one side only: who is absent is not known.
    blind: bool,
    /// Those that were pinged, and with which the source exchanges data as well.
    used: Addresses,
    /// The sensor misses so much that silence says nothing.
    lossy: bool,
    /// Neighbours that refused a connection.
    refused: Addresses,
}

impl Walk {
    /// How many are absent: who has answered once is there, whatever was lost.
    fn absent(&self) -> usize {
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
        (used || self.asked >= ROUNDS * (absent + present)) && present >= absent
    }

    fn suffices(&self, question: Question, limits: &Limits) -> bool {
        let absent = self.absent();
        let present = self.present.len();
        let mostly = absent * 2 >= present;
        match question {
            Question::Ping => {
                // Where nobody's answers are seen, silence says nothing of friends who are anywhere.
                let silent = if self.blind {
                    nearest(&self.absent)
                } else {
                    absent
                };
                silent >= limits.absent && mostly
                    || absent + present >= limits.walked && self.steps * 4 >= (absent + present) * 3
            }
            // Who asks has an address on that segment; what lies elsewhere was damaged on its way.
            Question::Arp => {
                let near = nearest(&self.absent);
                let walks = self.steps * 4 >= absent * 3;
                let dense = near * 2 >= absent || walks;
                near >= limits.absent_arp && dense && mostly && !self.is_errand()
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
                absent >= limits.absent && absent >= present * if manages { 2 } else { 1 }
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
                let needed = limits.absent_udp * if port < 5_000 { 1 } else { 3 };
                // Clients of a service ask servers all over the world, and a sensor may miss their answers; so do those
                // who hold long conversations by it.
                let near = !(self.client || self.converses || self.blind)
                    || nearest(&self.absent) >= needed;
                absent >= needed && absent >= present * 2 && near
            }
        }
    }

    /// One more was asked for; whether by the source's stack.
    fn take(&mut self, attempt: &Attempt, absent: bool, stack: bool, state: &State) {
        let target = attempt.target;
        let new = !self.absent.contains(target) && !self.present.contains(target);
        if absent {
            self.absent.insert(target);
        } else {
            self.present.insert(target);
        }
        self.asked += 1;
        self.shadows += usize::from(stack);
        self.far |= !attempt.is_local() && !stack && attempt.ttl != 0;
        self.blind |= state.sees_one_side();
        if !absent && state.have_talked(attempt.source, target) {
            self.used.insert(target);
        }
        self.lossy |= state.misses_much();
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
    fn insists(&self, life: &Life) -> bool {
        const OFTEN: u64 = 4;
        let hosts = self.absent.len() + self.present.len();
        let packets = life.activity.map_or(0, |activity| activity.packets);
        self.client && packets >= OFTEN * u64::try_from(hosts).unwrap_or(u64::MAX)
    }

    /// A program that looks for its like on its own segment: at a port of its own, from one port.
    fn is_peer(&self, port: u16) -> bool {
        port >= PROGRAMS && !self.far && self.sports.len() == 1
    }
}

/// Whether it is asked by who has no address yet, and routes for nobody.
fn is_nameless(attempt: &Attempt) -> bool {
    attempt.source.is_v4() != attempt.target.is_v4()
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

    fn finding(&self, key: &Self::Key, life: &Life, _: &Limits) -> Option<Finding> {
        // Who asked before it took the addresses looked for nobody.
        let taken = key.1 == Question::Arp && self.absent() * 2 < self.present.len();
        if self.insists(life) || self.lossy || taken {
            return None;
        }
        let (class, transport) = match key.1 {
            // Round after round, and most are there.
            Question::Ping if self.is_monitor(life) => (Class::MonitoringPoll, Transport::Icmp),
            Question::Ping => (Class::PingSweep, Transport::Icmp),
            Question::Arp => (Class::ArpSweep, Transport::Other),
            Question::Netbios => (Class::NetbiosSweep, Transport::Udp),
            Question::Snmp => (Class::SnmpProbe, Transport::Udp),
            Question::Tcp(_) => (Class::PortSweep, Transport::Tcp),
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

/// The rule.
pub(super) struct Sweep {
    walks: Docket<Walk>,
    /// By source.
    lasts: Table<Address, Last>,
    there: Table<Address, There>,
}

impl Sweep {
    pub(super) fn new(config: &Config) -> Self {
        Sweep {
            walks: Docket::new(config.get::<Memory>().cases, config.get()),
            lasts: Table::new(config.get::<Memory>().cases),
            there: Table::new(config.get::<Memory>().cases),
        }
    }

    fn note(
        &mut self,
        attempt: &Attempt,
        absent: bool,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        let Some(asked) = Question::of(attempt) else {
            return;
        };
        // Who resolves names of hosts that it has dealt with looks for nobody.
        if asked == Question::Netbios && attempt.met {
            return;
        }
        let (question, stack) = if absent && asked == Question::Arp {
            match self.behind(attempt, state) {
                Some(behind) => behind,
                None => return,
            }
        } else {
            (asked, false)
        };
        if is_accounted_for(attempt, question, state) {
            return;
        }
        let there = question == Question::Arp && self.there.peek(&attempt.target).is_some();
        let absent = absent && !there;
        // Who is known to be there counts only where somebody walks.
        if !absent && matches!(question, Question::Udp(_) | Question::Arp) {
            if let Some(folder) = self.walks.get(&(attempt.source, question)) {
                folder.brief.present.insert(attempt.target);
                folder.life.extend(now, u64::from(attempt.packets));
            }
            return;
        }
        let key = (attempt.source, question);
        let folder = self
            .walks
            .note(key, attempt.opened, u64::from(attempt.packets), findings);
        folder.brief.take(attempt, absent, stack, state);
        if question == Question::Ping && folder.brief.absent() >= SEEKS {
            state.mark_seeking(attempt.source);
        }
        if self.judge(key, now, findings) && matches!(question, Question::Ping | Question::Arp) {
            state.mark_walking(attempt.source);
        }
    }

    /// What an address that nobody has was asked for: what its asker's stack wanted it for, and whether it was a stack that
    /// asked; `None` where it was a router's, which asks for others.
    fn behind(&mut self, attempt: &Attempt, state: &State) -> Option<(Question, bool)> {
        let last = self.lasts.peek(&attempt.source).copied();
        let Last { asked, routes, .. } = last.unwrap_or_default();
        let walk = asked.and_then(|asked| self.walks.peek(&(attempt.source, asked)));
        let stack = attempt.sent >= STACK_REQUESTS
            // Some of the three are lost on the way to the sensor.
            || attempt.sent > 1 && (asked.is_some() || state.friends(attempt.source) > 0)
            || walk.is_some_and(|walk| walk.brief.shadows > 0);
        match asked {
            Some(asked) if stack => Some((asked, stack)),
            None if (stack || routes)
                && !is_nameless(attempt)
                && state.friends(attempt.source) == 0 =>
            {
                let (last, _) = self.lasts.get_or_insert_with(attempt.source, Last::default);
                last.routes = true;
                None
            }
            _ => Some((Question::Arp, stack)),
        }
    }

    /// An address that nobody has, and that a stack asked for, stands for the connection that it was wanted for.
    fn unreached(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        let last = self.lasts.peek(&attempt.source).copied();
        let Some(port) = last.and_then(|last| last.port) else {
            return;
        };
        let question = Question::Tcp(port);
        if attempt.sent < STACK_REQUESTS || is_accounted_for(attempt, question, state) {
            return;
        }
        let key = (attempt.source, question);
        let packets = u64::from(attempt.packets);
        let walk = &mut self
            .walks
            .note(key, attempt.opened, packets, findings)
            .brief;
        walk.absent.insert(attempt.target);
        walk.ports.insert(port);
        walk.frames.note(attempt.opened.frame);
        self.judge(key, now, findings);
    }

    /// A neighbour refused a connection.
    fn refused(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        if attempt.technique != Technique::Syn || !is_neighbour(attempt) || attempt.excuse.is_some()
        {
            return;
        }
        let key = (attempt.source, Question::Tcp(attempt.dport));
        let walk = &mut self.walks.note(key, now, 1, findings).brief;
        walk.refused.insert(attempt.target);
        walk.present.insert(attempt.target);
        walk.frames.note(now.frame);
        self.judge(key, now, findings);
    }

    /// Somebody asks a neighbour.
    fn note_last(&mut self, attempt: &Attempt) {
        let question = Question::of(attempt);
        let connects = attempt.technique == Technique::Syn;
        if attempt.technique == Technique::Arp || !(connects || question.is_some()) {
            return;
        }
        let (last, _) = self.lasts.get_or_insert_with(attempt.source, Last::default);
        if connects {
            last.port = Some(attempt.dport);
        } else {
            last.asked = question;
        }
    }

    /// Somebody answered, and is there.
    fn fruitful(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        self.is_there(attempt.target);
        if attempt.technique == Technique::Syn {
            let key = (attempt.source, Question::Tcp(attempt.dport));
            if let Some(folder) = self.walks.get(&key) {
                folder.brief.present.insert(attempt.target);
            }
        }
        if let Some(folder) = self.walks.get(&(attempt.source, Question::Ping))
            && Question::of(attempt) != Some(Question::Ping)
            && folder.brief.present.contains(attempt.target)
        {
            folder.brief.used.insert(attempt.target);
        }
        self.note(attempt, false, now, state, findings);
    }

    /// A question came again.
    fn repeated(&mut self, attempt: &Attempt, now: Moment) {
        if let Some(question) = Question::of(attempt)
            && let Some(folder) = self.walks.get(&(attempt.source, question))
            && (folder.brief.blind || folder.brief.present.contains(attempt.target))
        {
            folder.brief.asked += usize::from(!folder.brief.blind);
            folder.life.extend(now, 1);
        }
    }

    fn is_there(&mut self, host: Address) {
        self.there.get_or_insert_with(host, || There);
    }

    /// An answer whose question the sensor has missed.
    fn answered(&mut self, answer: &Answer, now: Moment, findings: &mut Findings) {
        let key = (answer.target, Question::Ping);
        if let Some(folder) = self.walks.get(&key) {
            let walk = &mut folder.brief;
            let new = !walk.absent.contains(answer.source) && !walk.present.contains(answer.source);
            walk.present.insert(answer.source);
            walk.asked += 1;
            walk.came_to(answer.source, new);
            folder.life.extend(now, 1);
            self.judge(key, now, findings);
        }
    }

    fn community(&mut self, attempt: &Attempt, digest: u16, now: Moment, findings: &mut Findings) {
        let key = (attempt.source, Question::Snmp);
        let walk = &mut self.walks.note(key, now, 0, findings).brief;
        walk.ports.insert(attempt.dport);
        const MOST: usize = 16;
        if !walk.communities.contains(&digest) && walk.communities.len() < MOST {
            walk.communities.push(digest);
            walk.frames.keep(now.frame);
        }
        self.judge(key, now, findings);
    }

    fn judge(&mut self, key: (Address, Question), now: Moment, findings: &mut Findings) -> bool {
        let limits = self.walks.limits();
        if self.walks.peek(&key).is_some_and(|folder| {
            folder.life.detected.is_none()
                && folder.brief.absent.len() + folder.brief.present.len() > 0
                && folder.brief.suffices(key.1, limits)
                && !folder.brief.insists(&folder.life)
        }) {
            self.walks.claim(key, now, findings);
            return true;
        }
        false
    }
}

/// Whether both are of one segment, as far as addresses tell.
fn is_neighbour(attempt: &Attempt) -> bool {
    attempt.source.neighbourhood() == attempt.target.neighbourhood()
}

/// Whether a question has a reason that has nothing to do with who is there.
fn is_accounted_for(attempt: &Attempt, question: Question, state: &State) -> bool {
    let called = state
        .pair(attempt.target, attempt.source)
        .opened
        .is_some_and(|call| call < attempt.opened);
    // A resolver asks for others, wherever the names lead it.
    let resolves = question == Question::Udp(DNS)
        && (state.worked(attempt.source, DNS).is_some() || state.resolves(attempt.source));
    attempt.excuse.is_some()
        || called
        || resolves
        || !attempt.target.is_host()
        || state.pair(attempt.source, attempt.target).traced
}

impl Rule for Sweep {
    fn name(&self) -> &'static str {
        "sweep"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Said,
            NewsKind::Repeated,
            NewsKind::Settled,
            NewsKind::Fruitful,
            NewsKind::Unsolicited,
            NewsKind::Accepted,
            NewsKind::Middle,
            NewsKind::Grown,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        if let News::Opening(attempt) = news
            && is_neighbour(attempt)
        {
            self.note_last(attempt);
        }
        match news {
            News::Opening(attempt) | News::Said(attempt, true, _)
                if attempt.technique == Technique::Udp && attempt.dport == SNMP =>
            {
                let word = match news {
                    News::Said(_, _, word) => *word,
                    _ => attempt.word,
                };
                if let Word::Snmp(digest) = word {
                    self.community(attempt, digest, now, findings);
                }
            }
            // What clients of a service ask is answered where this sensor does not see it.
            News::Settled(attempt, Outcome::Silent)
                if matches!(attempt.word, Word::DnsQuestion(..) | Word::NtpQuestion)
                    && state.sees_one_side() => {}
            News::Settled(attempt, Outcome::Silent | Outcome::Unreachable) => {
                if attempt.technique == Technique::Arp {
                    self.unreached(attempt, now, state, findings);
                }
                self.note(attempt, true, now, state, findings);
            }
            News::Fruitful(attempt) => self.fruitful(attempt, now, state, findings),
            News::Settled(attempt, Outcome::Refused) => {
                self.is_there(attempt.target);
                self.refused(attempt, now, findings);
            }
            News::Accepted(attempt)
            | News::Settled(attempt, Outcome::Torn | Outcome::Abandoned | Outcome::Empty) => {
                self.is_there(attempt.target)
            }
            News::Middle(attempt) => {
                self.is_there(attempt.source);
                self.is_there(attempt.target);
            }
            News::Unsolicited(answer) => {
                if matches!(answer.kind, AnswerKind::Accept | AnswerKind::Refusal) {
                    self.is_there(answer.source);
                }
                if answer.kind == AnswerKind::EchoReply {
                    self.answered(answer, now, findings);
                }
            }
            News::Grown(attempt) if attempt.technique == Technique::Udp && attempt.fetched > 0 => {
                let question = Question::Udp(attempt.dport);
                if let Some(folder) = self.walks.get(&(attempt.source, question)) {
                    folder.brief.converses = true;
                }
            }
            News::Repeated(attempt) => self.repeated(attempt, now),
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.walks.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.walks.evicted()
    }
}

//! Floods of datagrams, ICMP messages and TCP segments that open nothing.
//!
//! # What
//! More packets a second to one host, or to a network as a whole, than it or its line can take, from one source or many,
//! in their own names or in forged ones.
//!
//! # Why these facts
//! Each packet fills a bucket of its victim, time drains it at the rate that is nobody's harm; the bucket has no window
//! to straddle. What is answered, or goes between hosts that talk besides, is traffic, however much: only flows that go
//! one way count; and who is flooded does not turn to the flooder. Echo requests count even if they are answered: that is
//! what the host's time is spent on; but who waits for each answer before he asks again, as people do who measure, asks no
//! faster than he is answered, which counts where it is fast. So do questions to a name server, where hardly two come from one source: clients ask
//! for addresses of both kinds, and resolvers come back for the next name, however busy the server is. ICMP errors count
//! where they speak of packets that nobody sent, of the same ones over and over; a router whose line is down speaks of packets
//! that were, and who is scanned in somebody's name, of ever other ports or hosts. Echo replies count
//! where several hosts send them again and again to who did not ask: a network is asked in his name. Fewer datagrams suffice
//! where they are long answers of far hosts' one service that amplifies, to who has asked none of them, whichever port they
//! go to, if each host says nearly always the same, by its length: a resolver that is heard by half is told ever other things.
//!
//! # Evidence
//! Packets, sources, the rate over the whole.
//!
//! # Blind spots
//! A flood below the rates. Short answers of a few reflectors to one port, each a few times. One-way media streams to hosts
//! that never speak look alike and are told apart by rate alone. A flood that keeps to one program's port at each end and was
//! under way when the capture began: so does any stream of which the sensor has not seen how it was agreed upon. Questions in
//! forged names to servers of other things than names: servers of the time have as many strangers for clients, each of whom
//! asks once.
//!
//! # References
//! RFC 4732 section 2.

mod limits;
mod load;

pub(super) use limits::Limits;

use self::load::{Key, Kind, Load, REFLECTORS};
use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Closing, Docket, Folder};
use crate::fragments::Forgotten;
use crate::news::{
    Answer, AnswerKind, Attempt, DOUBLINGS, GROWTH, Moment, News, NewsKind, NewsKinds, Technique,
};
use crate::observe::Fault;
use crate::report::Findings;
use crate::state::{Memory, State};
use crate::tools;
use crate::words::Word;

/// From so long after the capture's begin on, sessions that began before it have shown themselves.
const SETTLED_NANOS: u64 = 2_000_000_000;
/// What passes so soon was under way when the capture began.
const UNDER_WAY_NANOS: u64 = 1_000_000_000;
/// Port of name servers.
const DNS: u16 = 53;

/// The rule.
pub(super) struct Volume {
    loads: Docket<Load>,
}

impl Volume {
    pub(super) fn new(config: &Config) -> Self {
        Volume {
            loads: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn pour(
        &mut self,
        key: Key,
        source: Address,
        packets: u64,
        now: Moment,
        findings: &mut Findings,
    ) {
        let limits = self.loads.limits().clone();
        let folder = self.loads.open(key, findings);
        let empty = folder.brief.drain(&key, now.time, &limits);
        if empty && folder.life.detected.is_none() {
            *folder = Folder::of(folder.brief.emptied(now.time));
        }
        let full = folder.brief.fill(&key, source, packets, &limits);
        folder.brief.note_frame(now.frame);
        folder.life.extend(now, packets);
        if !full || folder.life.detected.is_some() {
            return;
        }
        if folder.brief.is_attack(&key, &limits) {
            self.loads.claim(key, now, findings);
        } else if key.2 == Kind::Lookups {
            // What a server's clients ask is no part of a flood that comes later.
            *folder = Folder::of(folder.brief.emptied(now.time));
        }
    }

    fn relieve(&mut self, key: Key, packets: u64) {
        if let Some(folder) = self.loads.get(&key) {
            folder.brief.level = folder.brief.level.saturating_sub(packets * 1_000);
        }
    }

    fn flow(
        &mut self,
        attempt: &Attempt,
        packets: u64,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        if !attempt.target.is_host() || state.pair(attempt.source, attempt.target).traced {
            return;
        }
        let kind = match attempt.technique {
            Technique::Echo | Technique::Stamp => Kind::Echoes,
            Technique::Udp => Kind::Datagrams,
            Technique::Syn | Technique::Arp => return,
            _ => Kind::Segments,
        };
        // Lookups are answered where this sensor does not see it.
        if matches!(attempt.word, Word::DnsQuestion(..)) && state.sees_one_side() {
            return;
        }
        match kind {
            Kind::Datagrams => {
                if packets == 1 && is_lookup(attempt) && !state.misses_much() {
                    let key = (attempt.target, attempt.dport, Kind::Lookups);
                    self.pour(key, attempt.source, packets, now, findings);
                }
                if !(is_traffic(attempt, state) || self.is_answer(attempt, state, findings)) {
                    self.datagrams(attempt, packets, now, state, findings);
                }
            }
            Kind::Segments => self.segments(attempt, packets, now, state, findings),
            _ => self.echoes(attempt, packets, now, state, findings),
        }
    }

    /// Echo requests count for their host, and as long as that is no flood, for its network.
    fn echoes(
        &mut self,
        attempt: &Attempt,
        packets: u64,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        let kind = if is_answered(attempt) || state.sees_one_side() {
            Kind::AnsweredEchoes
        } else {
            Kind::Echoes
        };
        let host = (attempt.target, 0, kind);
        self.pour(host, attempt.source, packets, now, findings);
        if !self.is_flooded(host) && !state.sees_one_side() {
            let network = (attempt.target.neighbourhood(), 0, Kind::NetworkEchoes);
            let load = &mut self.loads.open(network, findings).brief;
            load.hosts.insert(attempt.target);
            self.pour(network, attempt.source, packets, now, findings);
        }
    }

    /// One service's answers to one client, whose questions the sensor does not see.
    fn is_answer(&mut self, attempt: &Attempt, state: &State, findings: &mut Findings) -> bool {
        let from_service = (1..1024).contains(&attempt.sport) && attempt.dport >= 1024;
        if !state.sees_one_side() || !from_service {
            return false;
        }
        let key = (attempt.target, 0, Kind::Datagrams);
        let load = &mut self.loads.open(key, findings).brief;
        load.note_socket(attempt.source, attempt.sport);
        load.sockets.len() < REFLECTORS
    }

    /// Datagrams count for their port, and as long as that is no flood, for their host and its network.
    fn datagrams(
        &mut self,
        attempt: &Attempt,
        packets: u64,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        let (source, target) = (attempt.source, attempt.target);
        let port = (target, attempt.dport, Kind::Datagrams);
        let host = (target, 0, Kind::Datagrams);
        if !self.is_flooded(host) {
            let load = &mut self.loads.open(port, findings).brief;
            load.note(attempt, packets, state);
            load.note_socket(source, attempt.sport);
            load.under_way |= attempt.packets == 1
                && state.age_nanos() < UNDER_WAY_NANOS
                && !tools::is_system(attempt.sport)
                && !tools::is_system(attempt.dport);
            self.pour(port, source, packets, now, findings);
        }
        if !state.sees_one_side() {
            let network = (target.neighbourhood(), 0, Kind::NetworkDatagrams);
            let load = &mut self.loads.open(network, findings).brief;
            load.note(attempt, packets, state);
            load.hosts.insert(target);
            self.pour(network, source, packets, now, findings);
        }
        if !self.is_flooded(port) {
            let load = &mut self.loads.open(host, findings).brief;
            load.note(attempt, packets, state);
            load.note_port(attempt.dport);
            if load.one_sided || attempt.word == Word::Record {
                load.note_socket(source, attempt.sport);
            }
            self.pour(host, source, packets, now, findings);
        }
    }

    /// Segments count for their port, and as long as that is no flood, for their host and its network.
    fn segments(
        &mut self,
        attempt: &Attempt,
        packets: u64,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        let (source, target) = (attempt.source, attempt.target);
        let port = (target, attempt.dport, Kind::Segments);
        self.pour(port, source, packets, now, findings);
        if self.is_flooded(port) {
            return;
        }
        let host = (target, 0, Kind::Segments);
        let load = &mut self.loads.open(host, findings).brief;
        load.bytes += u64::from(attempt.given);
        load.note_port(attempt.dport);
        self.pour(host, source, packets, now, findings);
        if !self.is_flooded(host) && !state.sees_one_side() && !state.misses_much() {
            let network = (target.neighbourhood(), 0, Kind::NetworkSegments);
            let load = &mut self.loads.open(network, findings).brief;
            load.hosts.insert(target);
            self.pour(network, source, packets, now, findings);
        }
    }

    /// A question was answered. An answer to what was none says so, and no more.
    fn fruitful(&mut self, attempt: &Attempt) {
        let lookup = attempt.dport == DNS && attempt.word == Word::Other;
        if attempt.technique != Technique::Udp || lookup {
            return;
        }
        for port in [0, attempt.dport] {
            self.relieve((attempt.target, port, Kind::Datagrams), 1);
        }
        let network = attempt.target.neighbourhood();
        self.relieve((network, 0, Kind::NetworkDatagrams), 1);
    }

    /// Resets that end nothing, consent and echo replies that nobody asked for.
    fn unasked(&mut self, answer: &Answer, now: Moment, state: &State, findings: &mut Findings) {
        let (source, target) = (answer.source, answer.target);
        match answer.kind {
            AnswerKind::EchoReply if !state.sees_one_side() && !state.misses_much() => {
                self.pour((target, 0, Kind::Replies), source, 1, now, findings);
            }
            AnswerKind::Reset | AnswerKind::Accept if !state.have_met(source, target) => {
                // What one service consents to is backscatter; what many do is aimed.
                let service = answer.kind == AnswerKind::Accept && answer.sport < 1024;
                let port = if service { 0 } else { answer.dport };
                self.pour((target, port, Kind::Segments), source, 1, now, findings);
            }
            _ => {}
        }
    }

    /// Of a packet in pieces, the header came, or did not: a sensor that loses some has most of them.
    fn forgotten(&mut self, packet: &Forgotten, now: Moment, findings: &mut Findings) {
        let key = (packet.target, u16::from(packet.protocol), Kind::Pieces);
        if packet.had_header {
            self.relieve(key, 1);
        } else {
            self.pour(key, packet.source, 1, now, findings);
        }
    }

    fn is_flooded(&self, key: Key) -> bool {
        let load = self.loads.peek(&key);
        load.is_some_and(|folder| folder.life.detected.is_some())
    }

    /// A segment belongs to a session after all.
    fn belongs(&mut self, attempt: &Attempt) {
        for port in [0, attempt.dport] {
            self.relieve((attempt.target, port, Kind::Segments), 1);
        }
        let network = attempt.target.neighbourhood();
        self.relieve((network, 0, Kind::NetworkSegments), 1);
    }
}

/// Whether it comes from the port of a service that amplifies, to another, at a length that its answers have.
fn is_poured_back(attempt: &Attempt) -> bool {
    attempt.technique == Technique::Udp
        && tools::amplifies(attempt.sport)
        && attempt.dport != attempt.sport
        && u64::from(attempt.size) >= load::ANSWER
        && attempt.is_from_elsewhere()
        && attempt.target.is_host()
}

/// By how many datagrams a flow has come to one of the doublings.
fn doubled_by(attempt: &Attempt) -> u64 {
    let before = DOUBLINGS.iter().rfind(|before| **before < attempt.sent);
    u64::from(attempt.sent - before.copied().unwrap_or(1))
}

/// By how many packets a flow has grown since it was last told of.
fn grown_by(attempt: &Attempt) -> u64 {
    let [.., last] = DOUBLINGS;
    let told = match attempt.packets {
        GROWTH if is_poured_back(attempt) => u32::from(last),
        GROWTH => 1,
        _ => 0,
    };
    u64::from(GROWTH - told)
}

/// Whether nearly all of its requests so far were answered.
fn is_answered(attempt: &Attempt) -> bool {
    let asked = u32::from(attempt.sent);
    // The latest one cannot have been yet.
    asked > 1 && attempt.packets.saturating_sub(asked) * 4 >= (asked - 1) * 3
}

/// A name server is asked for a name.
fn is_lookup(attempt: &Attempt) -> bool {
    attempt.dport == DNS && matches!(attempt.word, Word::DnsQuestion(..))
}

/// Datagrams that are answered, or go between those who talk besides, are traffic; so is what goes to who turns to the
/// sender himself: a stream that was agreed upon before the capture began.
fn is_traffic(attempt: &Attempt, state: &State) -> bool {
    let (source, target) = (attempt.source, attempt.target);
    let lookup = attempt.word == Word::Other && attempt.dport == DNS;
    attempt.fetched > 0
        || !lookup && state.are_friends(source, target)
        || state.pair(target, source).opened.is_some()
}

impl Rule for Volume {
    fn name(&self) -> &'static str {
        "volume"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Repeated,
            NewsKind::Grown,
            NewsKind::Doubled,
            NewsKind::Forgotten,
            NewsKind::Fruitful,
            NewsKind::Stray,
            NewsKind::StrayRefuted,
            NewsKind::Middle,
            NewsKind::MiddleRefuted,
            NewsKind::Unsolicited,
            NewsKind::Complained,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt) | News::Stray(attempt) => {
                self.flow(attempt, 1, now, state, findings);
            }
            News::Repeated(attempt)
                if matches!(attempt.technique, Technique::Echo | Technique::Stamp) =>
            {
                self.flow(attempt, 1, now, state, findings);
            }
            News::Forgotten(packet) if packet.target.is_host() => {
                self.forgotten(packet, now, findings);
            }
            // A few go to each of many ports and from each of many reflectors, and no flow of them grows.
            News::Doubled(attempt) if is_poured_back(attempt) => {
                self.flow(attempt, doubled_by(attempt), now, state, findings);
            }
            // Answers take their part of a growing flow.
            News::Grown(attempt)
                if !matches!(attempt.technique, Technique::Echo | Technique::Stamp) =>
            {
                self.flow(attempt, grown_by(attempt), now, state, findings);
            }
            News::Fruitful(attempt) => self.fruitful(attempt),
            News::StrayRefuted(attempt) | News::MiddleRefuted(attempt) => self.belongs(attempt),
            // Sessions that began before the capture show themselves at its beginning, and go on.
            News::Middle(attempt)
                if state.age_nanos() >= SETTLED_NANOS
                    && !state.have_met(attempt.source, attempt.target) =>
            {
                self.flow(attempt, 1, now, state, findings);
            }
            News::Complained {
                fault: Fault::Port | Fault::Host | Fault::Exceeded,
                speaker,
                to,
                sport: Some(sport),
                receiver,
                known: false,
                ..
            } if to.is_host()
                && !state.sees_one_side()
                && !state.misses_much()
                // Of these not everything is kept.
                && !state.is_scanning(*to)
                && !state.is_flooded(*to, *sport) =>
            {
                let key = (*to, 0, Kind::Errors);
                let load = &mut self.loads.open(key, findings).brief;
                load.note_socket(receiver.0, receiver.1);
                self.pour(key, *speaker, 1, now, findings);
            }
            News::Unsolicited(answer) if answer.target.is_host() => {
                self.unasked(answer, now, state, findings);
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.loads.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.loads.evicted()
    }
}

#[cfg(test)]
mod tests;

//! Single questions that nobody asks who has business: zone transfers, portmappers, finger, mail relays, proxies, port 0,
//! source routes, source quench, and services that are set on each other.
//!
//! # What
//! One source asks one kind of thing, once or a few times, of one host or several.
//!
//! # Why these facts
//! Each kind has a form of its own that its protocol gives it (a question for a whole zone, a call of the portmapper, a
//! refusal to relay, a route in the header), and comes from where nobody who uses it does: from another site. A zone is
//! given to secondaries, a refused transfer goes to a stranger; one refusal to relay is a typing error, several are a test,
//! and so is envelope after envelope over one connection with no mail in any: who verifies a sender's address asks for one or
//! two, and a list sends its mail. An address that names the way the mail shall take is no longer anybody's.
//! A question whose answer was missed, and after which nothing followed, counts beside others that were refused. Beside a
//! zone that was asked for, servers that are closed count, too. No resolver connects from the port of name servers.
//!
//! # Evidence
//! How often, of how many hosts, with the frames.
//!
//! # Blind spots
//! Insiders, where the place decides. A transfer that is granted, or that a name server asks for.
//!
//! # References
//! RFC 5936; RFC 1833; RFC 1288; RFC 5321 section 7; RFC 791; RFC 6633 (source quench is deprecated); CERT CA-96.01.

use labels::{Class, Finding, Transport};

use crate::address::Address;
use crate::asking::Asking;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Crowd, NAMED_SOURCES, Ports};
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds, Oddity, Outcome, Technique};
use crate::observe::Fault;
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};
use crate::tools;
use crate::words::Word;

/// A whole zone, RFC 5936 section 2.1.
const AXFR: u16 = 252;
/// What has changed in it, RFC 1995.
const IXFR: u16 = 251;
/// TFTP: what it does not understand, errors included, some servers answer with an error (CVE-2024-2169).
const TFTP: u16 = 69;
/// A mail server wants the mail itself, RFC 5321 section 4.2.3.
const START_MAIL: u16 = 354;
/// RFC 1288.
const FINGER: u16 = 79;
/// RFC 1833 section 3.2.
const PORTMAPPER: u16 = 111;
/// RFC 1035 section 4.2.
const DNS: u16 = 53;

section! {
    /// When single questions are a probe.
    Limits "probe" {
        transfers: u32,
        calls: u32,
        fingers: u32,
        relays: u32,
        envelopes: u32,
        odd: u32,
        quenches: u32,
        loop_packets: u32,
        proxies: usize,
        refused_bytes: u32,
    }
}

/// The frame that shows something, and the one by which it was known: that an answer is overdue shows a frame of
/// somebody else.
#[derive(Clone, Copy)]
struct When {
    shown: Moment,
    now: Moment,
}

/// Bytes that an envelope without mail takes, commands and all: sender and recipient have at most 64 each before their `@`,
/// RFC 5321 section 4.5.3.1.1, and hardly any has so many.
const ENVELOPE: u32 = 160;

/// Envelopes over one connection in which no mail was sent.
#[derive(Default)]
struct Envelopes {
    socket: u16,
    empty: u32,
}

impl Envelopes {
    /// One more was begun; how many were empty so far.
    fn begin(&mut self, attempt: &Attempt) -> u32 {
        if self.socket != attempt.sport {
            *self = Envelopes {
                socket: attempt.sport,
                empty: 0,
            };
        }
        self.empty = self.empty.saturating_add(1);
        if attempt.given > self.empty.saturating_mul(ENVELOPE) {
            self.empty = 0;
        }
        self.empty
    }

    /// The server is ready for a mail.
    fn fill(&mut self, socket: u16) {
        if self.socket == socket {
            self.empty = 0;
        }
    }
}

/// What is known of one who asks.
#[derive(Default)]
struct Asker {
    times: u32,
    targets: Addresses,
    ports: Ports,
    frames: Examples,
    udp: Option<bool>,
    /// In whose names, where the case is about who is told.
    speakers: Crowd,
    names: Addresses,
    /// Recipients whose refusal would be told.
    asking: Asking,
    envelopes: Envelopes,
    /// Something that only a proxy is asked was asked.
    proxied: bool,
    /// Of which only so much was seen that it may have been the same again.
    vague: u32,
    /// A whole zone was asked for.
    zone: bool,
    /// Servers of names that let nobody ask them by TCP.
    shut: u32,
    /// It comes from the port of name servers itself, to look like one.
    masked: bool,
    /// It has asked for single names by TCP, and was told.
    looks_up: bool,
}

impl Asker {
    /// Whether it may be a client that looks names up by TCP, of whose sessions the sensor misses much.
    fn is_client(&self, class: Class) -> bool {
        class == Class::ZoneTransferProbe && self.looks_up && !self.zone && !self.masked
    }
}

impl Brief for Asker {
    type Key = (Address, Class);
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, _: &Limits) -> Option<Finding> {
        if self.is_client(key.1) {
            return None;
        }
        let what = match key.1 {
            Class::ZoneTransferProbe => "whole zones asked for, and not given",
            Class::RpcProbe => "calls of the portmapper from another site",
            Class::FingerProbe => "finger asked from another site",
            Class::RelayTest => {
                "mail that the server refused to pass on, or that was only announced"
            }
            Class::SourceRouteProbe => "packets that name their way",
            Class::PortZeroProbe => "packets for port 0",
            Class::ProxyProbe => "ports of proxies tried, and a stranger asked to pass on",
            Class::TrojanProbe => "the cipher of a back door",
            Class::OsFingerprint => {
                "packets with which something is wrong, of several hosts or again and again"
            }
            Class::SourceQuenchAbuse => "messages that ask to slow down, about what nobody sent",
            _ => "two services that answer each other",
        };
        let transport = match key.1 {
            Class::SourceQuenchAbuse | Class::OsFingerprint => Transport::Icmp,
            _ if self.udp == Some(true) => Transport::Udp,
            _ => Transport::Tcp,
        };
        let draft = Draft {
            class: key.1,
            tool: None,
            sources: match key.1 {
                Class::SourceQuenchAbuse if self.names.len() <= NAMED_SOURCES => {
                    self.names.blocks()
                }
                Class::SourceQuenchAbuse => self.speakers.block().into_iter().collect(),
                _ => vec![key.0.to_ip().into()],
            },
            targets: self.targets.blocks(),
            transport,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.75,
            evidence: vec![fact(
                what,
                format!(
                    "{}, {}",
                    count(usize::try_from(self.times).unwrap_or(usize::MAX), "time"),
                    count(self.targets.len(), "host")
                ),
                "none from those who have business",
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Probe {
    askers: Docket<Asker>,
}

impl Probe {
    pub(super) fn new(config: &Config) -> Self {
        Probe {
            askers: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn note(
        &mut self,
        (source, class): (Address, Class),
        (target, port, udp): (Address, u16, bool),
        when: When,
        findings: &mut Findings,
    ) {
        let limits = self.askers.limits();
        let least_proxies = limits.proxies;
        let needed = match class {
            Class::ZoneTransferProbe if self.is_masked(source) => 1,
            Class::ZoneTransferProbe => limits.transfers,
            Class::RpcProbe => limits.calls,
            Class::FingerProbe => limits.fingers,
            Class::RelayTest => limits.relays,
            Class::SourceQuenchAbuse => limits.quenches,
            // A cipher's constant is no accident.
            Class::EchoChargenLoop | Class::TrojanProbe => 1,
            _ => limits.odd,
        };
        let key = (source, class);
        let asker = &mut self.askers.note(key, when.shown, 1, findings).brief;
        // What may have been the same was.
        let vague = std::mem::take(&mut asker.vague);
        let shut = if asker.zone {
            std::mem::take(&mut asker.shut)
        } else {
            0
        };
        asker.times = asker.times.saturating_add(1 + vague + shut);
        asker.targets.insert(target);
        asker.udp.get_or_insert(udp);
        if port != 0 || class == Class::PortZeroProbe {
            asker.ports.insert(port);
        }
        asker.frames.note(when.shown.frame);
        let proxies = asker.ports.len() >= least_proxies && asker.proxied;
        if asker.times >= needed
            && !asker.is_client(class)
            && (class != Class::ProxyProbe || proxies)
        {
            self.askers.claim(key, when.now, findings);
        }
    }

    fn is_masked(&self, source: Address) -> bool {
        let asker = self.askers.peek(&(source, Class::ZoneTransferProbe));
        asker.is_some_and(|folder| folder.brief.masked)
    }

    /// Servers of names that are closed say what was wanted of them only beside one that was asked for its zone.
    fn shut(&mut self, attempt: &Attempt, when: When, findings: &mut Findings) {
        let key = (attempt.source, Class::ZoneTransferProbe);
        let asker = &mut self.askers.open(key, findings).brief;
        if asker.zone {
            self.of(attempt, Class::ZoneTransferProbe, when, findings);
        } else {
            asker.shut = asker.shut.saturating_add(1);
        }
    }

    /// It may have been the same as what this source did before, or does later.
    fn perhaps(&mut self, attempt: &Attempt, class: Class, when: When, findings: &mut Findings) {
        let asker = &mut self.askers.open((attempt.source, class), findings).brief;
        if asker.times > 0 {
            self.of(attempt, class, when, findings);
        } else {
            asker.vague = asker.vague.saturating_add(1);
        }
    }

    /// Mail for a recipient, as far as the sensor follows it.
    fn mail(&mut self, attempt: &Attempt, asks: bool, findings: &mut Findings) {
        let key = (attempt.source, Class::RelayTest);
        if asks {
            let asker = &mut self.askers.open(key, findings).brief;
            asker.asking.ask(attempt.sport, attempt.said);
        } else if let Some(folder) = self.askers.get(&key) {
            folder.brief.asking.answer(attempt.sport);
        }
    }

    /// An envelope of mail, of which it is not known yet whether it stays empty.
    fn envelope(&mut self, attempt: &Attempt, when: When, findings: &mut Findings) {
        let needed = self.askers.limits().envelopes;
        let key = (attempt.source, Class::RelayTest);
        let asker = &mut self.askers.open(key, findings).brief;
        if asker.envelopes.begin(attempt) >= needed {
            self.of(attempt, Class::RelayTest, when, findings);
        }
    }

    /// A port of proxies of another site was tried, or something asked that only a proxy is asked.
    fn proxy(&mut self, attempt: &Attempt, asked: bool, when: When, findings: &mut Findings) {
        let key = (attempt.source, Class::ProxyProbe);
        let asker = &mut self.askers.open(key, findings).brief;
        let known =
            asker.targets.contains(attempt.target) && asker.ports.list().contains(&attempt.dport);
        if !known || asked && !asker.proxied {
            asker.proxied |= asked;
            self.of(attempt, Class::ProxyProbe, when, findings);
        }
    }

    fn of(&mut self, attempt: &Attempt, class: Class, when: When, findings: &mut Findings) {
        let udp = attempt.technique == Technique::Udp;
        let key = (attempt.source, class);
        self.note(key, (attempt.target, attempt.dport, udp), when, findings);
    }

    /// A client has said something.
    fn asked(&mut self, attempt: &Attempt, word: Word, when: When, findings: &mut Findings) {
        match word {
            Word::Portmap(_) | Word::Rpc if attempt.is_from_elsewhere() => {
                self.of(attempt, Class::RpcProbe, when, findings);
            }
            Word::Envelope if attempt.is_from_elsewhere() => {
                self.envelope(attempt, when, findings);
            }
            Word::Recipient(routed) => {
                self.mail(attempt, true, findings);
                if routed && attempt.is_from_elsewhere() {
                    self.of(attempt, Class::RelayTest, when, findings);
                }
            }
            Word::ProxyRequest if attempt.is_from_elsewhere() => {
                self.proxy(attempt, true, when, findings);
            }
            _ => {}
        }
    }

    /// A server has said something.
    fn answered(&mut self, attempt: &Attempt, word: Word, when: When, findings: &mut Findings) {
        match word {
            Word::Reply(START_MAIL) => {
                let key = (attempt.source, Class::RelayTest);
                if let Some(folder) = self.askers.get(&key) {
                    folder.brief.envelopes.fill(attempt.sport);
                }
                self.mail(attempt, false, findings);
            }
            Word::Reply(_) => self.mail(attempt, false, findings),
            Word::RelayDenied => {
                self.mail(attempt, false, findings);
                self.of(attempt, Class::RelayTest, when, findings);
            }
            _ => {}
        }
    }

    /// A connection in which data flowed has ended: too little for what may have been asked.
    fn closed(&mut self, attempt: &Attempt, when: When, state: &State, findings: &mut Findings) {
        let refused = attempt.fetched <= self.askers.limits().refused_bytes;
        let transfer = matches!(attempt.word, Word::DnsQuestion(AXFR | IXFR, _));
        // Who gives names away himself passes on what he is asked.
        let forwards = state.worked(attempt.source, DNS).is_some();
        if refused && transfer && !forwards && !state.sees_one_side() {
            let key = (attempt.source, Class::ZoneTransferProbe);
            self.askers.open(key, findings).brief.zone = true;
            self.of(attempt, Class::ZoneTransferProbe, when, findings);
        } else if refused && is_tcp_to(attempt, DNS) && attempt.word == Word::None && !forwards {
            self.perhaps(attempt, Class::ZoneTransferProbe, when, findings);
        } else if is_tcp_to(attempt, DNS) && matches!(attempt.word, Word::DnsQuestion(..)) {
            let key = (attempt.source, Class::ZoneTransferProbe);
            if let Some(folder) = self.askers.get(&key) {
                folder.brief.looks_up = true;
            }
        } else if let Some(folder) = self.askers.get(&(attempt.source, Class::RelayTest))
            && folder.brief.asking.end(attempt.sport, attempt.said)
        {
            self.perhaps(attempt, Class::RelayTest, when, findings);
        }
    }

    /// An attempt led to nothing.
    fn settled(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
        when: When,
        state: &State,
        findings: &mut Findings,
    ) {
        if !attempt.is_from_elsewhere() {
            return;
        }
        let unexcused = attempt.technique == Technique::Syn && attempt.excuse.is_none();
        let stranger = unexcused && !attempt.friend;
        match outcome {
            // By TCP one asks for what a datagram cannot hold, and so after a datagram.
            Outcome::Empty if stranger && is_tcp_to(attempt, DNS) && !state.sees_one_side() => {
                let key = (attempt.source, Class::ZoneTransferProbe);
                let asker = &mut self.askers.open(key, findings).brief;
                asker.masked |= attempt.sport == DNS;
                self.of(attempt, Class::ZoneTransferProbe, when, findings);
            }
            Outcome::Refused | Outcome::Silent if stranger && is_tcp_to(attempt, DNS) => {
                self.shut(attempt, when, findings);
            }
            // Calls without an answer: the same call is sent again, and again.
            Outcome::Silent
                if attempt.technique == Technique::Udp
                    && attempt.sent > 1
                    && matches!(attempt.word, Word::Portmap(_))
                    && !state.sees_one_side() =>
            {
                let key = (attempt.source, Class::RpcProbe);
                let again = u32::from(attempt.sent) - 1;
                let asker = &mut self.askers.open(key, findings).brief;
                asker.times = asker.times.saturating_add(again);
                self.of(attempt, Class::RpcProbe, when, findings);
            }
            Outcome::Refused | Outcome::Silent
                if unexcused && tools::PROXIES.contains(&attempt.dport) =>
            {
                self.proxy(attempt, false, when, findings);
            }
            // To one of the first ports that a portmapper gives away, without having asked which.
            _ if stranger && attempt.dport > 1024 && tools::is_rpc(attempt.dport) => {
                self.of(attempt, Class::RpcProbe, when, findings);
            }
            _ => {}
        }
    }

    /// A router or host asks somebody to slow down.
    fn slowed(&mut self, speaker: Address, to: Address, when: When, findings: &mut Findings) {
        let key = (to, Class::SourceQuenchAbuse);
        let asker = &mut self.askers.open(key, findings).brief;
        asker.speakers.add(speaker);
        if asker.names.len() <= NAMED_SOURCES {
            asker.names.insert(speaker);
        }
        self.note(key, (to, 0, false), when, findings);
    }
}

/// What a first packet from another site alone is a probe for.
fn begun(attempt: &Attempt) -> Option<Class> {
    if !attempt.is_from_elsewhere() {
        return None;
    }
    match (attempt.technique, attempt.dport, attempt.word) {
        (Technique::Udp, _, Word::BackOrifice) => Some(Class::TrojanProbe),
        (Technique::Udp, _, Word::Portmap(_) | Word::Rpc) | (Technique::Syn, PORTMAPPER, _) => {
            Some(Class::RpcProbe)
        }
        (Technique::Syn, FINGER, _) => Some(Class::FingerProbe),
        _ => None,
    }
}

fn is_tcp_to(attempt: &Attempt, port: u16) -> bool {
    attempt.technique == Technique::Syn && attempt.dport == port
}

/// Whether two services answer each other.
fn is_loop(attempt: &Attempt, limits: &Limits) -> bool {
    attempt.technique == Technique::Udp
        && answers_all(attempt.sport)
        && answers_all(attempt.dport)
        && attempt.fetched > 0
        && attempt.packets >= limits.loop_packets
}

/// Whether a service answers even what answers it.
fn answers_all(port: u16) -> bool {
    tools::ANSWERING.contains(&port) || port == TFTP
}

impl Rule for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Said,
            NewsKind::Closed,
            NewsKind::Settled,
            NewsKind::Odd,
            NewsKind::Complained,
            NewsKind::Grown,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        let when = When {
            shown: match news {
                News::Settled(attempt, Outcome::Silent) => attempt.opened,
                _ => now,
            },
            now,
        };
        match news {
            News::Opening(attempt) => {
                if let Some(class) = begun(attempt) {
                    self.of(attempt, class, when, findings);
                }
            }
            News::Said(attempt, true, word) => self.asked(attempt, *word, when, findings),
            News::Said(attempt, false, word) => self.answered(attempt, *word, when, findings),
            News::Closed(attempt) => self.closed(attempt, when, state, findings),
            News::Settled(attempt, outcome) => {
                self.settled(attempt, *outcome, when, state, findings);
            }
            News::Odd(Oddity::SourceRoute, attempt) => {
                self.of(attempt, Class::SourceRouteProbe, when, findings);
            }
            News::Odd(Oddity::PortZero, attempt) if attempt.dport == 0 => {
                self.of(attempt, Class::PortZeroProbe, when, findings);
            }
            News::Complained {
                fault: Fault::Quench,
                speaker,
                to,
                ..
            } => self.slowed(*speaker, *to, when, findings),
            // Whose packets hosts find fault with makes them to see how.
            News::Complained {
                fault: Fault::Parameter,
                speaker,
                to,
                known: true,
                ..
            } => {
                let key = (*to, Class::OsFingerprint);
                self.note(key, (*speaker, 0, false), when, findings);
            }
            News::Grown(attempt) if is_loop(attempt, self.askers.limits()) => {
                self.of(attempt, Class::EchoChargenLoop, when, findings);
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.askers.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.askers.evicted()
    }
}

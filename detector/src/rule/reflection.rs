//! Amplification: questions in a victim's name to those who answer with more.
//!
//! # What
//! Datagrams whose answers are many times as long, and whose asker says of the answers that nobody there waits for them,
//! or whose service nobody far away has business with; or echo requests to a whole network at once; or several hosts that
//! accept, again and again, connections which one host has not opened or never takes up.
//!
//! # Why these facts
//! Who asks waits, and takes the answer. Who is sent answers that he did not ask for has no socket for them and says so.
//! Nobody has business with a broadcast address of another site. Where the questions take another way, the answers alone
//! tell: one service of several far hosts answers at length, and is told that nobody listens, even if only that is heard. A server whose client has
//! left may repeat one answer for long, but it is one server, and one answer. A server repeats its consent because nobody
//! takes it up; the victim of a flood in forged names consents to many, while here many consent to one. A client that does
//! not hear a consent sends its SYN again: one SYN a connection, and silence, was sent by somebody else. Characters, caches
//! and the services of a segment answer whoever asks: a stranger who asks one of them over and over wants it to answer.
//! So does who asks an agent for everything, from socket after socket, without the pause that a manager makes, and who asks
//! a name server, in one row, for all that it knows, even if it refuses: programs that want something ask for a type. And so
//! does who asks a name server one thing over and over, though it answers at length each time: who has been told remembers.
//!
//! # Evidence
//! How much was asked and answered, how often the asker was surprised.
//!
//! # Blind spots
//! A silent victim of services that strangers do ask, such as DNS.
//!
//! # References
//! CERT CA-98.01 (smurf), TA14-017A (amplification); RFC 2644.

use labels::{Class, Finding, Transport};
use wire::Timestamp;

use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Ports};
use crate::news::{
    Answer, AnswerKind, Attempt, GROWTH, Moment, News, NewsKind, NewsKinds, Outcome, Technique,
};
use crate::observe::Fault;
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Answers, Memory, State};
use crate::tools;
use crate::words::Word;

/// Port of the generator of characters, RFC 864.
const CHARGEN: u16 = 19;

/// Port of agents of SNMP.
const SNMP: u16 = 161;

/// Stands for all services that accept by TCP, in place of a port.
const HANDSHAKES: u16 = u16::MAX;

/// Datagrams of one flow that stand for the question of another: who has business asks a few things from one port.
const FLOW: u32 = 4;

/// Whether a port is that of a service that may be asked in another's name.
fn is_reflector(port: u16) -> bool {
    (1..1024).contains(&port) || tools::AMPLIFIERS.contains(&port)
}

section! {
    /// When answers are an attack.
    Limits "reflection" {
        surprises: u32,
        factor: u64,
        broadcasts: u32,
        chatterers: usize,
        reflectors: usize,
        abuses: u32,
        unclaimed: u32,
        everything: u32,
    }
}

/// Questions that follow one another with hardly a pause.
#[derive(Default)]
struct Row {
    count: u32,
    last: Timestamp,
}

impl Row {
    /// A manager asks all that he wants of an agent, and comes back after a minute or later.
    const PAUSE_NANOS: u64 = 5_000_000_000;

    fn add(&mut self, questions: u32, now: Timestamp) {
        if now.nanos_since(self.last) > Self::PAUSE_NANOS {
            self.count = 0;
        }
        self.count = self.count.saturating_add(questions);
        self.last = now;
    }

    /// Whether they are so many for each who was asked.
    fn are_many(&self, each: u32, asked: &Addresses) -> bool {
        let asked = u32::try_from(asked.len()).unwrap_or(u32::MAX);
        self.count >= each.saturating_mul(asked)
    }
}

/// What is known of one who is answered.
#[derive(Default)]
struct Victim {
    given: u64,
    fetched: u64,
    /// Questions in its name, and answers to none.
    questions: u32,
    unasked: u32,
    /// Questions to services that nobody far away has business with.
    abuses: u32,
    /// Questions to agents, who are asked by managers from anywhere.
    bulks: Row,
    /// Questions for everything that is known of a name.
    everything: Row,
    /// The type and length of the latest question to a name server, and how often such a one was asked in a row.
    latest: (u16, u16),
    again: Row,
    surprises: u32,
    broadcasts: u32,
    /// Hosts whose generator of characters answers a service that answers in turn.
    chatter: Addresses,
    /// Hosts that accept connections which the victim has not opened.
    accepting: Addresses,
    /// Handshakes begun once, consented to again and again, and never taken up; and the hosts that consented.
    unclaimed: u32,
    consenting: Addresses,
    amplifiers: Addresses,
    ports: Ports,
    frames: Examples,
}

impl Victim {
    /// A name server has answered so many times one question, as far as its type and length tell.
    fn is_told(&mut self, question: (u16, u16), times: u32, now: Timestamp) {
        if self.latest != question {
            self.latest = question;
            self.again = Row::default();
        }
        self.again.add(times, now);
    }

    fn suffices(&self, limits: &Limits) -> bool {
        let amplified = self.fetched >= self.given.max(1).saturating_mul(limits.factor);
        // A server that sends one answer again and again, to a client that has left, amplifies nothing.
        let questions = self.questions >= limits.surprises;
        // Where the questions are not seen: one service of several hosts, none of which it asks.
        let reflected = self.unasked >= limits.surprises
            && self.questions == 0
            && self.amplifiers.len() >= limits.reflectors;
        let unclaimed = self.unclaimed >= limits.unclaimed
            && self.consenting.len() >= limits.reflectors
            && is_often(self.unclaimed, &self.consenting);
        self.surprises >= limits.surprises && (amplified && questions || reflected)
            || self.abuses >= limits.abuses && amplified && is_often(self.abuses, &self.amplifiers)
            || amplified && self.bulks.are_many(limits.abuses, &self.amplifiers)
            || self
                .everything
                .are_many(limits.everything, &self.amplifiers)
            || amplified && self.again.are_many(limits.everything, &self.amplifiers)
            || unclaimed
            || self.broadcasts >= limits.broadcasts
            || self.chatter.len() >= limits.chatterers
            || self.accepting.len() >= limits.chatterers
    }
}

/// Whether so many questions are several for each who was asked: who looks for something asks everybody once.
fn is_often(questions: u32, asked: &Addresses) -> bool {
    usize::try_from(questions).unwrap_or(usize::MAX) >= 4 * asked.len()
}

impl Brief for Victim {
    /// The victim, and the service's port, 0 for echo.
    type Key = (Address, u16);
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, _: &Limits) -> Option<Finding> {
        let transport = match key.1 {
            0 => Transport::Icmp,
            HANDSHAKES => Transport::Tcp,
            _ => Transport::Udp,
        };
        let evidence = if key.1 == HANDSHAKES {
            fact(
                "hosts that accept, again and again, connections that the victim has not opened, or opens once and never takes up",
                count(self.accepting.len().max(self.consenting.len()), "host"),
                "one host, whose own flood is answered, or none",
                &self.frames,
            )
        } else {
            fact(
                "answers that the asker does not want",
                format!(
                    "{} bytes for {}, {} refused by the asker, {} asked of whole networks",
                    self.fetched, self.given, self.surprises, self.broadcasts
                ),
                "an asker that waits for the answer",
                &self.frames,
            )
        };
        let draft = Draft {
            class: Class::Amplification,
            tool: None,
            sources: self.amplifiers.blocks(),
            targets: vec![key.0.to_ip().into()],
            transport,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.8,
            evidence: vec![evidence],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Reflection {
    victims: Docket<Victim>,
    longest_question: u32,
}

impl Reflection {
    pub(super) fn new(config: &Config) -> Self {
        Reflection {
            victims: Docket::new(config.get::<Memory>().cases, config.get()),
            longest_question: config.get::<Answers>().longest_question,
        }
    }

    fn note(
        &mut self,
        key: (Address, u16),
        amplifier: Address,
        now: Moment,
        findings: &mut Findings,
        add: impl FnOnce(&mut Victim),
    ) {
        let victim = &mut self.victims.note(key, now, 1, findings).brief;
        add(victim);
        victim.amplifiers.insert(amplifier);
        if key.1 != 0 && key.1 != HANDSHAKES {
            victim.ports.insert(key.1);
        }
        victim.frames.note(now.frame);
        self.victims.judge(key, now, findings, Victim::suffices);
    }

    /// Two services that answer each other, whether both were heard.
    fn chatter(&mut self, attempt: &Attempt, both: bool, now: Moment, findings: &mut Findings) {
        // Who generates characters amplifies; of equals, who speaks first answers a question that was not seen.
        let asked = attempt.dport == CHARGEN && attempt.sport != CHARGEN
            || attempt.dport == attempt.sport && both;
        let (amplifier, victim, port) = if asked {
            (attempt.target, attempt.source, attempt.dport)
        } else {
            (attempt.source, attempt.target, attempt.sport)
        };
        self.note((victim, port), amplifier, now, findings, |victim| {
            victim.chatter.insert(amplifier);
        });
    }

    /// A service has answered.
    fn answered(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        let key = (attempt.source, attempt.dport);
        self.note(key, attempt.target, now, findings, |victim| {
            victim.given += u64::from(attempt.given);
            victim.fetched += u64::from(attempt.fetched);
            victim.questions += 1;
            victim.abuses += u32::from(is_abuse(attempt));
            if attempt.dport == SNMP && attempt.is_from_elsewhere() {
                victim.bulks.add(1, now.time);
            }
            if let Some(question) = lookup(attempt) {
                victim.is_told(question, 1, now.time);
            }
        });
    }

    /// A flow of questions and answers has grown.
    fn grown(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        let key = (attempt.source, attempt.dport);
        if let Some(folder) = self.victims.get(&key) {
            let asked = u32::from(attempt.sent) / FLOW;
            folder.brief.questions = folder.brief.questions.max(asked);
        }
        if is_abuse(attempt) {
            self.note(key, attempt.target, now, findings, |victim| {
                victim.abuses = victim.abuses.saturating_add(GROWTH / 2);
            });
        }
        if asks_for_everything(attempt) {
            self.everything(attempt, GROWTH / 2, now, findings);
        }
        if let Some(question) = lookup(attempt) {
            self.note(key, attempt.target, now, findings, |victim| {
                victim.is_told(question, GROWTH / 2, now.time);
            });
        }
    }

    /// Everything that is known of a name is asked for, by so many questions.
    fn everything(
        &mut self,
        attempt: &Attempt,
        questions: u32,
        now: Moment,
        findings: &mut Findings,
    ) {
        let key = (attempt.source, attempt.dport);
        self.note(key, attempt.target, now, findings, |victim| {
            victim.everything.add(questions, now.time);
        });
    }

    /// A handshake that somebody began once, and that nobody takes up.
    fn unclaimed(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        let key = (attempt.source, HANDSHAKES);
        self.note(key, attempt.target, now, findings, |victim| {
            victim.unclaimed += 1;
            victim.consenting.insert(attempt.target);
            victim.ports.insert(attempt.dport);
        });
    }

    fn asked_all(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        let far = !attempt.source.is_near(attempt.target)
            // Who speaks is a host, whatever its last byte.
            && !state.are_friends(attempt.source, attempt.target)
            && state.friends(attempt.target) == 0;
        if attempt.technique == Technique::Echo && attempt.target.is_broadcast_like() && far {
            let key = (attempt.source, 0);
            self.note(key, attempt.target, now, findings, |victim| {
                victim.broadcasts += 1
            });
        }
    }
}

/// Whether both services answer whatever comes.
fn answer_each_other(attempt: &Attempt) -> bool {
    attempt.technique == Technique::Udp
        && tools::ANSWERING.contains(&attempt.sport)
        && tools::ANSWERING.contains(&attempt.dport)
}

/// Whether somebody far away asks a service that only neighbours ask.
fn is_abuse(attempt: &Attempt) -> bool {
    attempt.technique == Technique::Udp
        && (tools::NEIGHBOURLY.contains(&attempt.dport) || attempt.word == Word::NtpControl)
        && attempt.is_from_elsewhere()
}

/// Whether somebody far away asks a name server for all that it knows of a name, RFC 8482: its longest answer.
fn asks_for_everything(attempt: &Attempt) -> bool {
    const ANY: u16 = 255;
    attempt.technique == Technique::Udp
        && matches!(attempt.word, Word::DnsQuestion(ANY, _))
        && attempt.is_from_elsewhere()
}

/// Type and length of what somebody far away asks a name server.
fn lookup(attempt: &Attempt) -> Option<(u16, u16)> {
    match attempt.word {
        Word::DnsQuestion(kind, _) if attempt.is_from_elsewhere() => Some((kind, attempt.size)),
        _ => None,
    }
}

/// Whether a server insists on a handshake that was begun once, and that nobody takes up.
fn is_unclaimed(attempt: &Attempt) -> bool {
    attempt.technique == Technique::Syn
        && attempt.sent == 1
        && attempt.packets >= 3
        && attempt.is_from_elsewhere()
}

/// An answer from another site.
fn is_from_a_stranger(answer: &Answer) -> bool {
    answer.target.is_host() && !answer.source.is_near(answer.target)
}

/// A datagram from the port of a service that amplifies, to a stranger who has not asked.
fn is_reflected(attempt: &Attempt, state: &State) -> bool {
    attempt.technique == Technique::Udp
        && attempt.dport >= 1024
        && is_reflector(attempt.sport)
        && attempt.target.is_host()
        && attempt.is_from_elsewhere()
        && !state.are_friends(attempt.source, attempt.target)
}

impl Rule for Reflection {
    fn name(&self) -> &'static str {
        "reflection"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Repeated,
            NewsKind::Fruitful,
            NewsKind::Complained,
            NewsKind::Grown,
            NewsKind::Settled,
            NewsKind::UnsolicitedRepeated,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt) | News::Repeated(attempt)
                if attempt.technique == Technique::Echo =>
            {
                self.asked_all(attempt, now, state, findings);
            }
            News::Opening(attempt) if asks_for_everything(attempt) => {
                self.everything(attempt, 1, now, findings);
            }
            News::Opening(attempt) if answer_each_other(attempt) => {
                self.chatter(attempt, false, now, findings);
            }
            News::Fruitful(attempt) if answer_each_other(attempt) => {
                self.chatter(attempt, true, now, findings);
            }
            // A neighbour asks for himself: nobody from elsewhere sends what no router has touched.
            News::Fruitful(attempt)
                if attempt.technique == Technique::Udp && !attempt.is_local() =>
            {
                self.answered(attempt, now, findings);
            }
            News::Grown(attempt) if attempt.technique == Technique::Udp => {
                self.grown(attempt, now, findings);
            }
            News::Settled(attempt, Outcome::Abandoned) if is_unclaimed(attempt) => {
                self.unclaimed(attempt, now, findings);
            }
            // The first datagram of a flow, from a service's port, and longer than questions are.
            News::Opening(attempt)
                if is_reflected(attempt, state)
                    && u32::from(attempt.size) > self.longest_question =>
            {
                let key = (attempt.target, attempt.sport);
                self.note(key, attempt.source, now, findings, |victim| {
                    victim.unasked += 1;
                    victim.fetched += u64::from(attempt.size);
                });
            }
            // A service that accepts what nobody asked of it, and insists: somebody asked in the victim's name.
            News::UnsolicitedRepeated(answer)
                if answer.kind == AnswerKind::Accept
                    && is_from_a_stranger(answer)
                    && state.pair(answer.target, answer.source).opened.is_none() =>
            {
                let key = (answer.target, HANDSHAKES);
                self.note(key, answer.source, now, findings, |victim| {
                    victim.accepting.insert(answer.source);
                    victim.ports.insert(answer.sport);
                });
            }
            News::Complained {
                fault: Fault::Port,
                speaker,
                to,
                sport: Some(sport),
                known: true,
                ..
            } if *sport != 0 => {
                self.note((*speaker, *sport), *to, now, findings, |victim| {
                    victim.surprises += 1;
                });
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.victims.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.victims.evicted()
    }
}

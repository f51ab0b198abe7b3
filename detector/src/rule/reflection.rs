//! Amplification: questions in a victim's name to those who answer with more.
//!
//! # What
//! Datagrams whose answers are many times as long, and whose asker says of the answers that nobody there waits for them;
//! or echo requests to a whole network at once.
//!
//! # Why these facts
//! Who asks waits, and takes the answer. Who is sent answers that he did not ask for has no socket for them and says so.
//! Nobody has business with a broadcast address of another site. Where the questions take another way, the answers alone
//! tell: one service of several far hosts answers at length, and is told that nobody listens. A server whose client has
//! left may repeat one answer for long, but it is one server, and one answer.
//!
//! # Evidence
//! How much was asked and answered, how often the asker was surprised.
//!
//! # Blind spots
//! A victim that is silent.
//!
//! # References
//! CERT CA-98.01 (smurf), TA14-017A (amplification); RFC 2644.

use labels::{Class, Finding, Transport};

use super::Rule;
use crate::address::Address;
use crate::config::Config;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds, Technique};
use crate::observe::Fault;
use crate::report::{Addresses, Draft, Findings, Ports, fact};
use crate::state::{Memory, State};
use crate::tools;

/// Port of the generator of characters, RFC 864.
const CHARGEN: u16 = 19;
/// Services that answer whatever comes: echo, daytime, quote of the day, chargen, time.
const ANSWERING: [u16; 5] = [7, 13, 17, 19, 37];

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
        longest_question: u32,
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
    surprises: u32,
    broadcasts: u32,
    /// Hosts whose generator of characters answers a service that answers in turn.
    chatter: Addresses,
    amplifiers: Addresses,
    ports: Ports,
    frames: Vec<u64>,
}

impl Victim {
    fn suffices(&self, limits: &Limits) -> bool {
        let amplified = self.fetched >= self.given.max(1).saturating_mul(limits.factor);
        // A server that sends one answer again and again, to a client that has left, amplifies nothing.
        let questions = self.questions >= limits.surprises;
        // Where the questions are not seen: one service of several hosts, none of which it asks.
        let reflected = self.unasked >= limits.surprises
            && self.questions == 0
            && self.amplifiers.len() >= limits.reflectors;
        self.surprises >= limits.surprises && (amplified && questions || reflected)
            || self.broadcasts >= limits.broadcasts
            || self.chatter.len() >= limits.chatterers
    }
}

impl Brief for Victim {
    /// The victim, and the service's port, 0 for echo.
    type Key = (Address, u16);
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, _: &Limits) -> Option<Finding> {
        let transport = if key.1 == 0 {
            Transport::Icmp
        } else {
            Transport::Udp
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
            evidence: vec![fact(
                "answers that the asker does not want",
                format!(
                    "{} bytes for {}, {} refused by the asker, {} asked of whole networks",
                    self.fetched, self.given, self.surprises, self.broadcasts
                ),
                "an asker that waits for the answer",
                self.frames.iter().copied(),
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Reflection {
    victims: Docket<Victim>,
}

impl Reflection {
    pub(super) fn new(config: &Config) -> Self {
        Reflection {
            victims: Docket::new(config.get::<Memory>().cases, config.get()),
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
        if key.1 != 0 {
            victim.ports.insert(key.1);
        }
        if victim.frames.len() < 8 {
            victim.frames.push(now.frame);
        }
        let limits = self.victims.limits();
        if self
            .victims
            .peek(&key)
            .is_some_and(|folder| folder.brief.suffices(limits))
        {
            self.victims.claim(key, now, findings);
        }
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
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt) | News::Repeated(attempt)
                if attempt.technique == Technique::Echo =>
            {
                self.asked_all(attempt, now, state, findings);
            }
            News::Opening(attempt) | News::Fruitful(attempt)
                if attempt.technique == Technique::Udp
                    && (attempt.sport == CHARGEN && ANSWERING.contains(&attempt.dport)
                        || attempt.dport == CHARGEN && ANSWERING.contains(&attempt.sport)) =>
            {
                let (amplifier, victim) = if attempt.sport == CHARGEN {
                    (attempt.source, attempt.target)
                } else {
                    (attempt.target, attempt.source)
                };
                self.note((victim, CHARGEN), amplifier, now, findings, |victim| {
                    victim.chatter.insert(amplifier);
                });
            }
            News::Fruitful(attempt) if attempt.technique == Technique::Udp => {
                let key = (attempt.source, attempt.dport);
                self.note(key, attempt.target, now, findings, |victim| {
                    victim.given += u64::from(attempt.given);
                    victim.fetched += u64::from(attempt.fetched);
                    victim.questions += 1;
                });
            }
            News::Grown(attempt) if attempt.technique == Technique::Udp => {
                let key = (attempt.source, attempt.dport);
                if let Some(folder) = self.victims.get(&key) {
                    let asked = u32::from(attempt.sent) / FLOW;
                    folder.brief.questions = folder.brief.questions.max(asked);
                }
            }
            // The first datagram of a flow, from a service's port, and longer than questions are.
            News::Opening(attempt)
                if attempt.technique == Technique::Udp
                    && attempt.dport >= 1024
                    && is_reflector(attempt.sport)
                    && u32::from(attempt.size) > self.victims.limits().longest_question
                    && attempt.target.is_host()
                    && !attempt.source.is_near(attempt.target)
                    && !state.are_friends(attempt.source, attempt.target) =>
            {
                let key = (attempt.target, attempt.sport);
                self.note(key, attempt.source, now, findings, |victim| {
                    victim.unasked += 1;
                    victim.fetched += u64::from(attempt.size);
                });
            }
            News::Complained {
                fault: Fault::Port,
                speaker,
                to,
                sport: Some(sport),
                known: true,
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

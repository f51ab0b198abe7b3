//! Retries to a dead host: clients that go on asking a service which does not answer.
//!
//! # What
//! Connections to one service, again and again, by hosts whose SYNs are those of an operating system and are
//! retransmitted, while nobody answers.
//!
//! # Why these facts
//! A client that wants this service and no other tries it again, from a new port; its stack retransmits each SYN from
//! the same one. A scanner asks once or twice and goes on to the next port or host; a flood does not retransmit.
//!
//! # Evidence
//! Attempts and retransmissions without one answer.
//!
//! # Blind spots
//! A single attempt is given up too soon to tell. A service that a filter hides looks dead too.
//!
//! # References
//! RFC 9293 section 3.8.1; RFC 6298 section 5.

use labels::{Class, Finding, PortRange, Transport};

use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::Addresses;
use crate::news::{Attempt, Excuse, Moment, News, NewsKind, NewsKinds, Outcome, Technique};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, Service, State};

section! {
    /// When a service that does not answer is taken for dead.
    Limits "dead_host" {
        attempts: usize,
        retransmissions: usize,
    }
}

/// What is known of a service that does not answer.
#[derive(Default)]
struct Silence {
    sources: Addresses,
    attempts: usize,
    retransmissions: usize,
    frames: Examples,
}

impl Silence {
    fn suffices(&self, limits: &Limits) -> bool {
        self.attempts >= limits.attempts
            && self.retransmissions >= limits.retransmissions
            // Every other attempt at least shows a stack that retransmits.
            && self.retransmissions * 2 >= self.attempts
    }
}

impl Brief for Silence {
    type Key = Service;
    type Limits = Limits;

    fn finding(&self, service: &Service, life: &Life, _: &Limits) -> Option<Finding> {
        let draft = Draft {
            class: Class::RetryToDeadHost,
            tool: None,
            sources: self.sources.blocks(),
            targets: vec![service.address.to_ip().into()],
            transport: Transport::Tcp,
            ports: vec![PortRange::single(service.port)],
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.8,
            evidence: vec![fact(
                "the same service asked again and again, without one answer",
                format!(
                    "{} by {}, {}",
                    count(self.attempts, "attempt"),
                    count(self.sources.len(), "host"),
                    count(self.retransmissions, "retransmission")
                ),
                "an answer",
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct DeadHost {
    services: Docket<Silence>,
}

impl DeadHost {
    pub(super) fn new(config: &Config) -> Self {
        DeadHost {
            services: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn unanswered(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        // What another rule explains better is left to it.
        let ident = attempt.excuse == Some(Excuse::Ident);
        if attempt.raw || ident || state.is_scanning(attempt.source) {
            return;
        }
        let key = service_of(attempt);
        let packets = u64::from(attempt.packets);
        let folder = self.services.note(key, attempt.opened, packets, findings);
        let silence = &mut folder.brief;
        silence.attempts += 1;
        // What was sent between the SYN and now is its retransmissions: nobody answered.
        silence.retransmissions += usize::from(attempt.tries).saturating_sub(1);
        silence.sources.insert(attempt.source);
        silence.frames.note(attempt.opened.frame);
        self.judge(key, now, findings);
    }

    fn late(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        let key = service_of(attempt);
        if let Some(folder) = self.services.get(&key) {
            folder.brief.retransmissions += 1;
            folder.life.extend(now, 1);
            self.judge(key, now, findings);
        }
    }

    fn judge(&mut self, key: Service, now: Moment, findings: &mut Findings) {
        self.services.judge(key, now, findings, Silence::suffices);
    }
}

fn service_of(attempt: &Attempt) -> Service {
    Service {
        address: attempt.target,
        port: attempt.dport,
    }
}

impl Rule for DeadHost {
    fn name(&self) -> &'static str {
        "dead host"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[NewsKind::Settled, NewsKind::Late, NewsKind::Accepted])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Settled(attempt, Outcome::Silent) if attempt.technique == Technique::Syn => {
                self.unanswered(attempt, now, state, findings);
            }
            News::Late(attempt) if attempt.technique == Technique::Syn && !attempt.hasty => {
                self.late(attempt, now, findings);
            }
            // It answers: whatever was held against it is void.
            News::Accepted(attempt) | News::Settled(attempt, Outcome::Refused) => {
                self.services.drop(&service_of(attempt));
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.services.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.services.evicted()
    }
}

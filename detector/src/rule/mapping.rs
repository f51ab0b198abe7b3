//! Inverse mapping: answers to nothing, sent to learn which addresses are absent.
//!
//! # What
//! One source sends resets or SYN-ACKs of no connection to one port of address after address of a network.
//!
//! # Why these facts
//! A host drops such a segment or answers it with a reset, a router complains of an absent address: who hears no
//! complaint knows that somebody is there. The flood's backscatter that it looks like comes from the port of a service
//! to ports of clients, again and again to the same addresses, in the order in which a tool draws them; this goes to the
//! port of a service, from none, once to each of many neighbours.
//!
//! # Evidence
//! How many addresses of one neighbourhood, how many of them followed their neighbour, at which port.
//!
//! # Blind spots
//! Answers of other protocols that nobody asked for (echo replies, DNS answers) are left to the rules of their kind. A
//! walk of very few addresses, or one drawn at random over many networks.
//!
//! # References
//! "Interpreting Network Traffic", the reset scans; RFC 1812 section 5.2.7.1 (host unreachable).

use labels::{Class, Finding, PortRange, Transport};

use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Ports};
use crate::news::{Answer, AnswerKind, Moment, News, NewsKind, NewsKinds};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};

section! {
    /// When answers to nothing map a network.
    Limits "mapping" {
        walked: usize,
        scattered: usize,
    }
}

/// What is known of one who answers nobody, at one port.
#[derive(Default)]
struct Walk {
    targets: Addresses,
    sports: Ports,
    times: usize,
    /// Resets that no stack answers with: it has a number of its own where it acknowledges nothing, or acknowledges and
    /// has none (RFC 9293 section 3.5.2).
    odd: usize,
    steps: usize,
    last: Option<Address>,
    frames: Examples,
}

impl Walk {
    fn suffices(&self, port: u16, limits: &Limits) -> bool {
        let asked = self.targets.len();
        // To a client's port a flood's victim may answer, but always from its service.
        if port >= 1024 && self.sports.len() * 2 < asked && self.odd < self.times {
            return false;
        }
        let walks = self.steps * 4 >= asked * 3;
        let once = self.times < asked * 2;
        let near = self.nearest() * 2 > asked;
        once && near && (asked >= limits.walked && walks || asked >= limits.scattered)
    }

    /// Addresses in the neighbourhood that holds most of them.
    fn nearest(&self) -> usize {
        let hoods: Vec<Address> = self.targets.iter().map(Address::neighbourhood).collect();
        let runs = hoods.chunk_by(PartialEq::eq);
        runs.map(<[_]>::len).max().unwrap_or(0)
    }
}

impl Brief for Walk {
    /// Who, and at which port.
    type Key = (Address, u16);
    type Limits = Limits;

    fn worth(&self) -> u8 {
        if self.targets.len() > 1 { 3 } else { 1 }
    }

    fn finding(&self, key: &Self::Key, life: &Life, _: &Limits) -> Option<Finding> {
        let draft = Draft {
            class: Class::InverseMapping,
            tool: None,
            sources: vec![key.0.to_ip().into()],
            targets: self.targets.blocks(),
            transport: Transport::Tcp,
            ports: vec![PortRange::single(key.1)],
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.75,
            evidence: vec![fact(
                "answers that nobody asked for, to one port of many neighbours",
                format!(
                    "{}, {} of them one after the other",
                    count(self.targets.len(), "address"),
                    self.steps
                ),
                "a question before each answer; a flood's answers go to clients' ports",
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Mapping {
    walks: Docket<Walk>,
}

impl Mapping {
    pub(super) fn new(config: &Config) -> Self {
        Mapping {
            walks: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn answered(&mut self, answer: &Answer, now: Moment, findings: &mut Findings) {
        let key = (answer.source, answer.dport);
        let walk = &mut self.walks.note(key, now, 1, findings).brief;
        walk.times += 1;
        walk.odd += usize::from(is_odd(answer));
        let distance = walk
            .last
            .map(|last| answer.target.bits().wrapping_sub(last.bits()));
        if matches!(distance, Some(1..=4)) {
            walk.steps += 1;
        }
        walk.last = Some(answer.target);
        walk.targets.insert(answer.target);
        walk.sports.insert(answer.sport);
        walk.frames.note(now.frame);
        self.walks.judge(key, now, findings, |walk, limits| {
            walk.suffices(key.1, limits)
        });
    }
}

/// Whether it is a reset as no stack answers with.
fn is_odd(answer: &Answer) -> bool {
    answer.kind == AnswerKind::Reset && answer.acknowledgment.is_some()
}

impl Rule for Mapping {
    fn name(&self) -> &'static str {
        "inverse mapping"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[NewsKind::Unsolicited])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        if let News::Unsolicited(answer) = news
            && matches!(
                answer.kind,
                AnswerKind::Reset | AnswerKind::Refusal | AnswerKind::Accept
            )
            // From the port of no service: a victim's answers go the other way, and have a stack's numbers.
            && (answer.sport >= 1024 || answer.sport == answer.dport || is_odd(answer))
            && answer.target.is_host()
            && !state.have_met(answer.source, answer.target)
        {
            self.answered(answer, now, findings);
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.walks.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.walks.evicted()
    }
}

//! Inverse mapping: answers to nothing, sent to learn which addresses are absent.
//!
//! # What
//! One source sends resets, SYN-ACKs, echo replies or answers of name servers, which nobody asked for, to address after
//! address of a network.
//!
//! # Why these facts
//! A host drops such a segment or answers it with a reset, a router complains of an absent address: who hears no
//! complaint knows that somebody is there. The flood's backscatter that it looks like comes from the port of a service
//! to ports of clients, again and again to the same addresses, in the order in which a tool draws them; this goes to the
//! port of a service, from none, once to each of many neighbours. Where its ports are like those of a victim's answers, the
//! order tells: nobody is answered one address after the other, all through a network, but he whose names were forged in
//! that order; and a victim's stack repeats its consent, and refuses with the number 0.
//!
//! # Evidence
//! How many addresses of one neighbourhood, how many of them followed their neighbour, at which port.
//!
//! # Blind spots
//! A walk of very few addresses, or one drawn at random, with ports as a victim's answers have them.
//!
//! # References
//! "Interpreting Network Traffic", the reset scans; RFC 1812 section 5.2.7.1 (host unreachable).

use labels::{Class, Finding, PortRange, Transport};

use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Ports};
use crate::news::{Answer, AnswerKind, Attempt, Moment, News, NewsKind, NewsKinds};
use crate::observe::Fault;
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Keep, Memory, State, Table};
use crate::words::Word;

section! {
    /// When answers to nothing map a network.
    Limits "mapping" {
        walked: usize,
        scattered: usize,
    }
}

/// In place of a port: all of them, and what has none.
const ANY: u16 = 0;

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
    /// How often a router said that one of them does not exist.
    absent: usize,
    transport: Option<Transport>,
    frames: Examples,
}

impl Walk {
    fn suffices(&self, port: u16, limits: &Limits) -> bool {
        let asked = self.targets.len();
        let walks = self.steps * 4 >= asked * 3;
        let once = self.times < asked * 2;
        let near = self.nearest() * 2 > asked;
        if port == ANY {
            // Resets that answer neither a SYN nor an ACK end sessions; those with hosts that do not exist are none.
            let made_up = self.odd == self.times && self.absent >= limits.walked;
            return once && near && (walks || made_up) && asked >= limits.scattered;
        }
        // To a client's port a flood's victim may answer, but always from its service.
        if port >= 1024 && self.sports.len() * 2 < asked && self.odd < self.times {
            return false;
        }
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
            transport: self.transport?,
            ports: if key.1 == ANY {
                Vec::new()
            } else {
                vec![PortRange::single(key.1)]
            },
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.75,
            evidence: vec![fact(
                "answers that nobody asked for, to many neighbours",
                format!(
                    "{}, {} of them one after the other",
                    count(self.targets.len(), "address"),
                    self.steps
                ),
                "a question before each answer; a flood's answers go to clients' ports, in no order",
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// How much somebody says to nobody in all.
#[derive(Default)]
struct Spoken(usize);

impl Keep for Spoken {}

/// The rule.
pub(super) struct Mapping {
    walks: Docket<Walk>,
    spoken: Table<Address, Spoken>,
}

impl Mapping {
    pub(super) fn new(config: &Config) -> Self {
        Mapping {
            walks: Docket::new(config.get::<Memory>().cases, config.get()),
            spoken: Table::new(config.get::<Memory>().cases),
        }
    }

    fn is_claimed(&self, key: (Address, u16)) -> bool {
        let walk = self.walks.peek(&key);
        walk.is_some_and(|folder| folder.life.detected.is_some())
    }

    /// Takes in what goes to one port after another of nobody.
    fn aimed(&mut self, said: &Said, now: Moment, findings: &mut Findings) {
        if !self.is_claimed((said.source, ANY)) && !self.is_by_the_way(said) {
            self.note((said.source, said.dport), said, now, findings);
        }
    }

    /// Whether who says it says much more to nobody, a flood's victim as a rule: of so many forged ports some are its own.
    fn is_by_the_way(&mut self, said: &Said) -> bool {
        const FEW: usize = 16;
        let (Spoken(all), _) = self.spoken.get_or_insert_with(said.source, Spoken::default);
        let aimed = self.walks.peek(&(said.source, said.dport));
        aimed.map_or(0, |folder| folder.brief.times) * 4 + FEW < *all
    }

    /// Takes in what goes to any port.
    fn walked(&mut self, said: &Said, now: Moment, findings: &mut Findings) {
        if !self.is_claimed((said.source, said.dport)) {
            self.note((said.source, ANY), said, now, findings);
        }
    }

    /// It was said again: who maps says it once.
    fn insisted(&mut self, said: &Said, now: Moment, findings: &mut Findings) {
        let walk = &mut self.walks.note((said.source, ANY), now, 1, findings).brief;
        walk.times += 2;
    }

    /// A router says that somebody is not there to whom something was said.
    fn is_absent(&mut self, source: Address, now: Moment, findings: &mut Findings) {
        let key = (source, ANY);
        if let Some(folder) = self.walks.get(&key) {
            folder.brief.absent += 1;
            self.walks.judge(key, now, findings, |walk, limits| {
                walk.suffices(ANY, limits)
            });
        }
    }

    fn note(&mut self, key: (Address, u16), said: &Said, now: Moment, findings: &mut Findings) {
        let walk = &mut self.walks.note(key, now, 1, findings).brief;
        walk.times += 1;
        walk.odd += usize::from(said.is_odd);
        walk.transport.get_or_insert(said.transport);
        let distance = walk
            .last
            .map(|last| said.target.bits().wrapping_sub(last.bits()));
        if matches!(distance, Some(1..=4)) {
            walk.steps += 1;
        }
        walk.last = Some(said.target);
        walk.targets.insert(said.target);
        walk.sports.insert(said.sport);
        walk.frames.note(now.frame);
        self.walks.judge(key, now, findings, |walk, limits| {
            walk.suffices(key.1, limits)
        });
    }
}

/// What somebody says who was not asked.
struct Said {
    source: Address,
    target: Address,
    sport: u16,
    dport: u16,
    transport: Transport,
    is_odd: bool,
}

impl Said {
    /// `None` for complaints, which say of what.
    fn answer(answer: &Answer) -> Option<Said> {
        Some(Said {
            source: answer.source,
            target: answer.target,
            sport: answer.sport,
            dport: answer.dport,
            transport: match answer.kind {
                AnswerKind::Reset | AnswerKind::Refusal | AnswerKind::Accept => Transport::Tcp,
                AnswerKind::EchoReply => Transport::Icmp,
                AnswerKind::Unreachable | AnswerKind::Exceeded => return None,
            },
            is_odd: answer.kind == AnswerKind::Reset && answer.acknowledgment.is_some(),
        })
    }

    fn datagram(attempt: &Attempt) -> Said {
        Said {
            source: attempt.source,
            target: attempt.target,
            sport: attempt.sport,
            dport: attempt.dport,
            transport: Transport::Udp,
            is_odd: false,
        }
    }

    /// Whether it comes from the port of no service: a victim's answers go the other way, and have a stack's numbers.
    fn is_aimed(&self) -> bool {
        self.sport >= 1024 || self.sport == self.dport || self.is_odd
    }

    fn is_to_a_stranger(&self, state: &State) -> bool {
        self.target.is_host() && !state.have_met(self.source, self.target)
    }
}

impl Rule for Mapping {
    fn name(&self) -> &'static str {
        "inverse mapping"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Unsolicited,
            NewsKind::UnsolicitedRepeated,
            NewsKind::UnsolicitedOverdue,
            NewsKind::Opening,
            NewsKind::Complained,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        let said = match news {
            News::Complained {
                fault: Fault::Host,
                to,
                ..
            } => return self.is_absent(*to, now, findings),
            News::Unsolicited(answer)
            | News::UnsolicitedRepeated(answer)
            | News::UnsolicitedOverdue(answer) => match Said::answer(answer) {
                Some(said) => said,
                None => return,
            },
            News::Opening(attempt) if matches!(attempt.word, Word::DnsAnswer(_)) => {
                Said::datagram(attempt)
            }
            _ => return,
        };
        if !said.is_to_a_stranger(state) {
            return;
        }
        match news {
            News::Unsolicited(answer) => {
                let (spoken, _) = self.spoken.get_or_insert_with(said.source, Spoken::default);
                spoken.0 = spoken.0.saturating_add(1);
                if said.transport == Transport::Tcp && said.is_aimed() {
                    self.aimed(&said, now, findings);
                }
                // Where questions are not seen, all answers are of this kind.
                let replied = answer.kind == AnswerKind::EchoReply && !state.sees_one_side();
                if replied || answer.kind == AnswerKind::Reset {
                    self.walked(&said, now, findings);
                }
            }
            News::UnsolicitedRepeated(_) => self.insisted(&said, now, findings),
            News::UnsolicitedOverdue(_) if !said.is_aimed() => self.walked(&said, now, findings),
            News::Opening(_) if !state.sees_one_side() => self.walked(&said, now, findings),
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

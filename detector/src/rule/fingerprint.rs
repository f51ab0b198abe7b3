//! Fingerprinting: packets whose answers tell one stack, or one program, from another.
//!
//! # What
//! One source sends one host several kinds of packets that no stack sends (flags that contradict each other, none at all,
//! echo requests with a code, datagrams of one letter), tries one protocol of IP after the other on it, or speaks several
//! protocols to one port until something answers.
//!
//! # Why these facts
//! Each such packet alone may be damage, or a scan of its kind. Several kinds to one host ask how its stack differs
//! from others. Two hosts, or two routers, share a tunnel or a protocol of routing or two beside the usual ones; more,
//! by which nothing else speaks, are tried. A client knows which protocol its server speaks.
//!
//! # Evidence
//! Which kinds were seen; how many protocols of IP were tried; which ports heard several protocols.
//!
//! # Blind spots
//! Fingerprints from ordinary packets (options, windows, times to live).
//!
//! # References
//! nmap's `osscan2.cc` and `nmap-service-probes`; RFC 9293 section 3.10.7.

use labels::{Class, Finding, Transport};

use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::Ports;
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds, Oddity, Technique};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};
use crate::words::Word;

/// Ports and protocols that are remembered of one pair.
const MOST: usize = 64;

section! {
    /// When odd packets are a fingerprint.
    Limits "fingerprint" {
        kinds: u32,
        protocols: usize,
        misfits: usize,
    }
}

/// What is known of one source's questions to one host.
#[derive(Default)]
struct Questions {
    /// One bit a kind of packet that no stack sends.
    kinds: u8,
    /// The last one's source port.
    sport: u16,
    /// Two kinds came from neighbouring source ports: one program's tests in a row.
    row: bool,
    /// Protocols of IP that were tried.
    protocols: Ports,
    /// These were what gave it away.
    tried: bool,
    spoken: Vec<(u16, u8)>,
    misfits: Ports,
    ports: Ports,
    frames: Examples,
    system: bool,
    /// Something was said that no program says first.
    blind: bool,
}

impl Brief for Questions {
    type Key = (Address, Address);
    type Limits = Limits;

    fn worth(&self) -> u8 {
        let seen =
            self.kinds.count_ones() > 1 || self.protocols.len() > 1 || self.misfits.len() > 1;
        if seen { 3 } else { 1 }
    }

    fn finding(&self, key: &Self::Key, life: &Life, _: &Limits) -> Option<Finding> {
        let transport = if self.tried {
            Transport::Other
        } else {
            Transport::Tcp
        };
        let (class, what, observed) = if self.tried {
            (
                Class::OsFingerprint,
                "protocols of IP that one host was tried with",
                count(self.protocols.len(), "protocol"),
            )
        } else if self.system {
            (
                Class::OsFingerprint,
                "several kinds of packets that no stack sends",
                count(
                    usize::try_from(self.kinds.count_ones()).unwrap_or(0),
                    "kind",
                ),
            )
        } else {
            (
                Class::VersionScan,
                "protocols that a port was spoken to in turn, or does not speak",
                count(self.misfits.len(), "port"),
            )
        };
        let draft = Draft {
            class,
            tool: None,
            sources: vec![key.0.to_ip().into()],
            targets: vec![key.1.to_ip().into()],
            transport,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.8,
            evidence: vec![fact(what, observed, "none", &self.frames)],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Fingerprint {
    pairs: Docket<Questions>,
}

impl Fingerprint {
    pub(super) fn new(config: &Config) -> Self {
        Fingerprint {
            pairs: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn kind(&mut self, attempt: &Attempt, kind: u8, now: Moment, findings: &mut Findings) {
        let key = (attempt.source, attempt.target);
        let needed = self.pairs.limits().kinds;
        let questions = &mut self.pairs.note(key, now, 1, findings).brief;
        let new = questions.kinds & 1 << kind == 0;
        if new && questions.kinds != 0 && attempt.sport.abs_diff(questions.sport) == 1 {
            questions.row = true;
        }
        questions.kinds |= 1 << kind;
        questions.sport = attempt.sport;
        if attempt.dport != 0 {
            questions.ports.insert(attempt.dport);
        }
        questions.frames.note(now.frame);
        let needed = needed - u32::from(questions.row && needed > 2);
        if questions.kinds.count_ones() >= needed {
            questions.system = true;
            self.pairs.claim(key, now, findings);
        }
    }

    /// One host sends another a packet of a protocol that is not often seen.
    fn tries(
        &mut self,
        (source, target): (Address, Address),
        protocol: u8,
        now: Moment,
        findings: &mut Findings,
    ) {
        let key = (source, target);
        let known = self.pairs.peek(&key);
        // A tunnel's packets are all alike.
        if known.is_some_and(|folder| folder.brief.protocols.contains(protocol.into())) {
            return;
        }
        let needed = self.pairs.limits().protocols;
        let folder = self.pairs.note(key, now, 1, findings);
        let questions = &mut folder.brief;
        questions.protocols.insert(protocol.into());
        questions.frames.note(now.frame);
        if folder.life.detected.is_none() && questions.protocols.len() >= needed {
            questions.tried = true;
            self.pairs.claim(key, now, findings);
        }
    }

    fn said(&mut self, attempt: &Attempt, word: Word, now: Moment, findings: &mut Findings) {
        let Some(protocol) = word.protocol() else {
            return;
        };
        let key = (attempt.source, attempt.target);
        let needed = self.pairs.limits().misfits;
        let questions = &mut self.pairs.note(key, now, 1, findings).brief;
        let spoken = (attempt.dport, protocol);
        let other = questions
            .spoken
            .iter()
            .any(|(port, known)| *port == attempt.dport && *known != protocol);
        if !questions.spoken.contains(&spoken) && questions.spoken.len() < MOST {
            questions.spoken.push(spoken);
        }
        // An empty line, a call for help: what no program says first.
        if other && !attempt.friend || matches!(word, Word::Greeting(1 | 6)) {
            questions.misfits.insert(attempt.dport);
            questions.ports.insert(attempt.dport);
            questions.frames.note(now.frame);
            questions.blind |= matches!(word, Word::Greeting(1 | 6));
            let needed = needed - usize::from(questions.blind && needed > 1);
            if questions.misfits.len() >= needed {
                self.pairs.claim(key, now, findings);
            }
        }
    }
}

impl Rule for Fingerprint {
    fn name(&self) -> &'static str {
        "fingerprint"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Stray,
            NewsKind::Odd,
            NewsKind::Protocol,
            NewsKind::Said,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, _: &mut State, findings: &mut Findings) {
        match news {
            News::Stray(attempt) => {
                let kind = match attempt.technique {
                    Technique::Null => 0,
                    Technique::Odd => 1,
                    Technique::SynFin => 2,
                    Technique::Xmas => 3,
                    _ => return,
                };
                self.kind(attempt, kind, now, findings);
            }
            News::Protocol {
                source,
                target,
                number,
            } if target.is_host() => self.tries((*source, *target), *number, now, findings),
            News::Odd(Oddity::EchoCode, attempt) => self.kind(attempt, 4, now, findings),
            News::Opening(attempt)
                if attempt.technique == Technique::Udp
                    && matches!(attempt.word, Word::Same(letter) if letter.is_ascii_alphabetic()) =>
            {
                self.kind(attempt, 5, now, findings);
            }
            News::Said(attempt, true, word) if attempt.technique == Technique::Syn => {
                self.said(attempt, *word, now, findings);
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.pairs.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.pairs.evicted()
    }
}

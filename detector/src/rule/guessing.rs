//! Password guessing: logins tried one after another, over any protocol.
//!
//! # What
//! A service that says no to a source again and again: in words (FTP 530, SMTP 535, IMAP `NO`, POP3 `-ERR`, HTTP 401,
//! telnet, SMB), or, where words are hidden, by the shape of its sessions (SSH).
//!
//! # Why these facts
//! A person mistypes once or twice and is let in; a program that guesses is refused ten times for each time that it is
//! not. What counts is refusals against successes, by source and service; it does not matter whether sixty are tried
//! over one connection or one over each, nor how slowly. A refused SSH login never gets a long answer after the keys
//! are exchanged; a session does.
//!
//! # Evidence
//! Refusals and successes of each source.
//!
//! # Blind spots
//! One try each from very many sources. A mail program with an old password, left alone for a day.
//!
//! # References
//! RFC 959, 4954, 3501, 1939, 9110, 4253.

use labels::{Class, Finding, PortRange, Transport};

use super::Rule;
use crate::address::Address;
use crate::config::Config;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds};
use crate::report::{Draft, Findings, count, fact};
use crate::state::{Memory, Service, State};
use crate::words::Word;

/// Port of SSH.
const SSH: u16 = 22;
/// What an SSH client says before it first names a password: greeting, offer, key, new keys, the service it wants, and
/// a login without any.
const BEFORE_LOGIN: u8 = 6;
/// Tries that one SSH session counts for: keys that are offered look like passwords.
const MOST_TRIES: u32 = 2;
/// Sources that are told apart.
const MOST: usize = 64;

section! {
    /// When refused logins are guessing.
    Limits "guessing" {
        refusals: u32,
        per_success: u32,
        longest_refusal: u16,
    }
}

#[derive(Clone, Copy)]
struct Guesser {
    source: Address,
    refused: u32,
    welcome: u32,
}

impl Guesser {
    fn guesses(&self, limits: &Limits) -> bool {
        self.refused >= limits.refusals && self.refused >= self.welcome * limits.per_success
    }
}

/// What is known of a service that asks for passwords.
#[derive(Default)]
struct Door {
    guessers: Vec<Guesser>,
    frames: Vec<u64>,
}

impl Door {
    fn of(&mut self, source: Address) -> Option<&mut Guesser> {
        if let Some(at) = self
            .guessers
            .iter()
            .position(|known| known.source == source)
        {
            return self.guessers.get_mut(at);
        }
        if self.guessers.len() >= MOST {
            return None;
        }
        self.guessers.push(Guesser {
            source,
            refused: 0,
            welcome: 0,
        });
        self.guessers.last_mut()
    }
}

impl Brief for Door {
    type Key = Service;
    type Limits = Limits;

    fn finding(&self, service: &Service, life: &Life, limits: &Limits) -> Option<Finding> {
        let guilty: Vec<&Guesser> = self
            .guessers
            .iter()
            .filter(|guesser| guesser.guesses(limits))
            .collect();
        if guilty.is_empty() {
            return None;
        }
        let refused: u32 = guilty.iter().map(|guesser| guesser.refused).sum();
        let welcome: u32 = guilty.iter().map(|guesser| guesser.welcome).sum();
        let draft = Draft {
            class: Class::PasswordGuessing,
            tool: None,
            sources: guilty.iter().map(|g| g.source.to_ip().into()).collect(),
            targets: vec![service.address.to_ip().into()],
            transport: Transport::Tcp,
            ports: vec![PortRange::single(service.port)],
            span: life.activity?,
            detected: life.detected?,
            confidence: if refused >= 2 * limits.refusals {
                0.9
            } else {
                0.7
            },
            evidence: vec![fact(
                "logins that the service refused",
                format!(
                    "{refused} refused, {welcome} let in, by {}",
                    count(guilty.len(), "host")
                ),
                "a mistake or two, and then a session",
                self.frames.iter().copied(),
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Guessing {
    doors: Docket<Door>,
}

impl Guessing {
    pub(super) fn new(config: &Config) -> Self {
        Guessing {
            doors: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn note(
        &mut self,
        attempt: &Attempt,
        (refused, tries): (bool, u32),
        now: Moment,
        findings: &mut Findings,
    ) {
        let key = Service {
            address: attempt.target,
            port: attempt.dport,
        };
        let folder = self.doors.open(key, findings);
        let Some(guesser) = folder.brief.of(attempt.source) else {
            return;
        };
        if !refused {
            guesser.welcome += 1;
            return;
        }
        guesser.refused += tries;
        folder.life.extend(attempt.opened, 0);
        folder.life.extend(now, 1);
        if folder.brief.frames.len() < 8 {
            folder.brief.frames.push(now.frame);
        }
        let limits = self.doors.limits().clone();
        if let Some(folder) = self.doors.get(&key)
            && folder.brief.guessers.iter().any(|g| g.guesses(&limits))
        {
            self.doors.claim(key, now, findings);
        }
    }
}

/// Whether a service's words refuse a login, or let somebody in.
fn verdict(port: u16, word: Word) -> Option<bool> {
    match word {
        Word::Reply(530 | 430 | 535 | 534) | Word::Denied | Word::SmbDenied => Some(true),
        Word::HttpStatus(401 | 403 | 407) => Some(true),
        Word::Reply(230 | 235) | Word::HttpStatus(200..=399) => Some(false),
        // A mailbox's third word of consent: after greeting and user comes the password.
        Word::Reply(200) if port != 110 => Some(false),
        _ => None,
    }
}

impl Rule for Guessing {
    fn name(&self) -> &'static str {
        "password guessing"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[NewsKind::Said, NewsKind::Closed])
    }

    fn hear(&mut self, news: &News, now: Moment, _: &mut State, findings: &mut Findings) {
        match news {
            News::Said(attempt, false, word) => {
                if let Some(refused) = verdict(attempt.dport, *word) {
                    self.note(attempt, (refused, 1), now, findings);
                }
            }
            News::Closed(attempt)
                if (attempt.dport == SSH || attempt.word == Word::SshGreeting)
                    && attempt.said >= BEFORE_LOGIN =>
            {
                let refused = attempt.tail <= self.doors.limits().longest_refusal;
                let tries = u32::from(attempt.said - BEFORE_LOGIN).clamp(1, MOST_TRIES);
                self.note(attempt, (refused, tries), now, findings);
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.doors.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.doors.evicted()
    }
}

#[cfg(test)]
mod tests {
    use labels::Class;

    use crate::trace::classes;

    /// Logins over connections of their own, and what the server says to each.
    fn logins(answers: &[&str]) -> String {
        let mut lines = String::new();
        for (n, answer) in answers.iter().enumerate() {
            let (client, server) = (format!("198.51.100.7:{}", 40_000 + n), "192.0.2.10:21");
            lines += &format!(
                "{n}.00 {client} > {server} S seq {}
                 {n}.01 {server} > {client} S. seq 900
                 {n}.02 {client} > {server} . seq 101 ack 901
                 {n}.03 {server} > {client} P. seq 901 ack 101 say 220 ready
                 {n}.04 {client} > {server} P. seq 101 ack 912 say PASS {n}
                 {n}.05 {server} > {client} P. seq 912 ack 109 say {answer}\n",
                100 + n * 977
            );
        }
        lines
    }

    #[test]
    fn refusal_after_refusal_is_guessing() {
        assert_eq!(classes(&logins(&["530 no"; 8])), [Class::PasswordGuessing]);
        assert_eq!(classes(&logins(&["530 no"; 5])), [Class::PasswordGuessing]);
        assert!(classes(&logins(&["530 no"; 4])).is_empty());
    }

    #[test]
    fn who_mistypes_and_is_let_in_guesses_nothing() {
        let day = [
            "230 in", "530 no", "230 in", "530 no", "230 in", "530 no", "530 no", "530 no",
        ];
        assert!(classes(&logins(&day)).is_empty());
    }
}

//! Password guessing at a form of the web.
//!
//! # What
//! One source sends one server form after form with a password in it, each another one, and asks for little else; or several
//! do in turn, and ask for nothing else.
//!
//! # Why these facts
//! A form answers a wrong password with 200 or a redirection as it does a right one, so the answer tells nothing. What
//! follows does: who is let in reads pages, many to each login. A program that guesses fetches the page with the form at
//! most, and its forms differ in the password; a program that logs in by itself sends the same form each time.
//!
//! # Evidence
//! How many different forms with a password, among how many requests.
//!
//! # Blind spots
//! Forms that travel by TLS. A password that is called neither "pass", "pwd", "pw" nor "p". One try each from many sources. An
//! office behind one address whose people all log in and read nothing.
//!
//! # References
//! HTML's `application/x-www-form-urlencoded`; RFC 9110 section 15 (what statuses mean); hydra's `http-post-form`.

use labels::{Class, Finding, PortRange, Transport};

use crate::address::{Address, Service};
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::Addresses;
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};
use crate::words::Word;

section! {
    /// When forms are guessing.
    Limits "form_login" {
        different: usize,
        requests: u32,
        guessers: usize,
    }
}

/// Forms that are told apart.
const MOST_DIFFERENT: usize = 64;

/// What one source, or all of them, have asked of one server since the first form.
#[derive(Default)]
struct Forms {
    sources: Addresses,
    different: Vec<u16>,
    sent: u32,
    others: u32,
    frames: Examples,
}

impl Forms {
    fn suffices(&self, key: &Key, limits: &Limits) -> bool {
        let different = self.different.len();
        match key.1 {
            Some(_) => {
                different >= limits.different
                    && self.others <= self.sent.saturating_mul(limits.requests)
            }
            // Each of them comes again, and nobody reads anything.
            None => {
                let sources = self.sources.len();
                different >= 2 * limits.different
                    && sources >= limits.guessers
                    && different >= 2 * sources
                    && self.others * 4 <= self.sent
            }
        }
    }
}

/// Where, and who; `None` stands for all.
type Key = (Service, Option<Address>);

impl Brief for Forms {
    type Key = Key;
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, limits: &Limits) -> Option<Finding> {
        if !self.suffices(key, limits) {
            return None;
        }
        let service = key.0;
        let draft = Draft {
            class: Class::PasswordGuessing,
            tool: None,
            sources: self.sources.blocks(),
            targets: vec![service.address.to_ip().into()],
            transport: Transport::Tcp,
            ports: vec![PortRange::single(service.port)],
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.75,
            evidence: vec![fact(
                "forms with a password, each another one",
                format!(
                    "{} sent, {} or more different, among {} for something else",
                    count(usize::try_from(self.sent).unwrap_or(usize::MAX), "form"),
                    self.different.len(),
                    count(
                        usize::try_from(self.others).unwrap_or(usize::MAX),
                        "request"
                    ),
                ),
                format!("more than {} requests to each login", limits.requests),
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct FormLogin {
    forms: Docket<Forms>,
}

impl FormLogin {
    pub(super) fn new(config: &Config) -> Self {
        FormLogin {
            forms: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn sent(&mut self, attempt: &Attempt, digest: u16, now: Moment, findings: &mut Findings) {
        for key in keys(attempt) {
            // Who shows by himself what he does is no reason to suspect others.
            if key.1.is_none() && self.is_shown(keys(attempt)[0]) && !self.is_shown(key) {
                continue;
            }
            let forms = &mut self.forms.note(key, now, 1, findings).brief;
            forms.sent = forms.sent.saturating_add(1);
            forms.sources.insert(attempt.source);
            if forms.different.len() < MOST_DIFFERENT && !forms.different.contains(&digest) {
                forms.different.push(digest);
                forms.frames.note(now.frame);
            }
            self.forms.judge(key, now, findings, |forms, limits| {
                forms.suffices(&key, limits)
            });
        }
    }

    fn is_shown(&self, key: Key) -> bool {
        let folder = self.forms.peek(&key);
        folder.is_some_and(|folder| folder.life.detected.is_some())
    }

    /// Something else was asked for.
    fn other(&mut self, attempt: &Attempt, now: Moment) {
        for key in keys(attempt) {
            if let Some(folder) = self.forms.get(&key) {
                folder.brief.others = folder.brief.others.saturating_add(1);
                folder.life.extend(now, 1);
            }
        }
    }
}

/// By who asked, and by all.
fn keys(attempt: &Attempt) -> [Key; 2] {
    let service = Service {
        address: attempt.target,
        port: attempt.dport,
    };
    [(service, Some(attempt.source)), (service, None)]
}

impl Rule for FormLogin {
    fn name(&self) -> &'static str {
        "form login"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[NewsKind::Said])
    }

    fn hear(&mut self, news: &News, now: Moment, _: &mut State, findings: &mut Findings) {
        match news {
            News::Said(attempt, true, Word::FormLogin(digest)) => {
                self.sent(attempt, *digest, now, findings);
            }
            News::Said(attempt, true, Word::HttpRequest | Word::HttpBare | Word::HttpLogin(_)) => {
                self.other(attempt, now);
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.forms.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.forms.evicted()
    }
}

//! Password guessing at a form of the web.
//!
//! # What
//! One source sends one server form after form with a password in it, each another one, and asks for little else.
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
//! Forms that travel by TLS. A password that is called neither "pass", "pwd", "pw" nor "p". Few tries each from many sources. An
//! office behind one address whose people all log in and read nothing.
//!
//! # References
//! HTML's `application/x-www-form-urlencoded`; RFC 9110 section 15 (what statuses mean); hydra's `http-post-form`.

use labels::{Class, Finding, PortRange, Transport};

use crate::address::{Address, Service};
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};
use crate::words::Word;

section! {
    /// When forms are guessing.
    Limits "form_login" {
        different: usize,
        requests: u32,
    }
}

/// Forms that are told apart.
const MOST_DIFFERENT: usize = 64;

/// What one source has asked of one server since its first form.
#[derive(Default)]
struct Forms {
    different: Vec<u16>,
    sent: u32,
    others: u32,
    frames: Examples,
}

impl Forms {
    fn suffices(&self, limits: &Limits) -> bool {
        self.different.len() >= limits.different
            && self.others <= self.sent.saturating_mul(limits.requests)
    }
}

impl Brief for Forms {
    /// Where, and who.
    type Key = (Service, Address);
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, limits: &Limits) -> Option<Finding> {
        if !self.suffices(limits) {
            return None;
        }
        let (service, source) = key;
        let draft = Draft {
            class: Class::PasswordGuessing,
            tool: None,
            sources: vec![source.to_ip().into()],
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
        let key = key(attempt);
        let forms = &mut self.forms.note(key, now, 1, findings).brief;
        forms.sent = forms.sent.saturating_add(1);
        if forms.different.len() < MOST_DIFFERENT && !forms.different.contains(&digest) {
            forms.different.push(digest);
            forms.frames.note(now.frame);
        }
        self.forms.judge(key, now, findings, Forms::suffices);
    }
}

fn key(attempt: &Attempt) -> (Service, Address) {
    let service = Service {
        address: attempt.target,
        port: attempt.dport,
    };
    (service, attempt.source)
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
                if let Some(folder) = self.forms.get(&key(attempt)) {
                    folder.brief.others = folder.brief.others.saturating_add(1);
                    folder.life.extend(now, 1);
                }
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

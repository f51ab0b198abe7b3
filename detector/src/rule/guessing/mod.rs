//! Password guessing: logins tried one after another, over any protocol.
//!
//! # What
//! A service that says no to a source again and again: in words (FTP 530, SMTP 535, NNTP 481, IMAP `NO`, POP3 `-ERR`, IRC 464,
//! HTTP and RTSP 401, telnet, SMB), or, where words are hidden, by the shape of its sessions (SSH).
//!
//! # Why these facts
//! A person mistypes once or twice and is let in; a program that guesses is refused ten times for each time that it is
//! not. What counts is refusals against successes, by source and service; it does not matter whether sixty are tried
//! over one connection or one over each, nor how slowly. A telephone exchange refuses each registration once, to ask for the
//! password. Who tries a password or two at server after server is refused a few times by each, and by all of them often; so
//! is who shares the guessing with others.
//!
//! A refused SSH login never gets a long answer after the keys are exchanged, nor one as short as consent is: that holds
//! a single byte, and nothing else that a server says is so short. A session gets both.
//!
//! Inside TLS a refused login shows only lengths: who is refused says a name and a password and takes leave, and is answered
//! as the last time, to the byte, though what he says is now and then longer or shorter, as passwords are. So are a
//! dozen, one soon after another. A client that is let in goes on to say more or is answered at length, one with an old
//! password says the same each time, and answers to several users differ.
//!
//! A password that is refused again was not guessed: a program was left with an old one. So it counts once, where it
//! can be read; and where it cannot, if that source was never seen to give another one there. A request of HTTP or RTSP
//! without a password is refused to ask for one; one with a token or a signature is not a login. One that cannot be
//! read, because the sensor misses it or keeps too little of each frame, counts where another was refused soon before.
//! With a password, in a field of its head or in a form, it may also be refused as wrong (400, 422) or as one too many
//! (429).
//!
//! A try shows itself twice, by its question and by its answer, and a sensor that misses one may catch the other. Who asks
//! to be let in again over the same connection was not; who asks once and then says no more is taken for what the others
//! were whose answers were seen, if these are as many. What an SSH session said is counted by its sequence numbers.
//!
//! # Evidence
//! Refusals and successes of each source.
//!
//! # Blind spots
//! Few tries each from few sources. A program with an old password that cannot be read, left alone for a day. Forms of the
//! web that say no in a page like any other are another rule's; whatever the web says inside TLS, where a guesser looks like
//! any client, is nobody's.
//!
//! # References
//! RFC 959, 4954, 3501, 1939, 9110, 4253; [`crate::words`] for databases, directories and telephone exchanges.

mod alike;
mod limits;

use std::collections::VecDeque;

use labels::{Class, Finding, PortRange, Transport};
use wire::Timestamp;

use self::alike::{Alike, may_be_refused};
pub(super) use self::limits::Limits;
use crate::address::Address;
use crate::asking::Asking;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::Addresses;
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds, Technique};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, Sealed, Service, State};
use crate::words::{Password, Word};

/// Port of SSH.
const SSH: u16 = 22;
/// What an SSH client says before it first names a password: greeting, offer, key, new keys, the service it wants, and
/// a login without any.
const BEFORE_LOGIN: u8 = 6;
/// Of which so many may not have reached the sensor: who only asks for keys says two less.
const LOST: u8 = 1;
/// Tries that one SSH session counts for: keys that are offered look like passwords.
const MOST_TRIES: u32 = 2;
/// Those that are too short for a key: as often a client asks its user.
const MOST_SHORT: u32 = 3;

/// What is known of logins at a service: of one source, or of all.
#[derive(Default)]
struct Door {
    refused: u32,
    welcome: u32,
    /// Tries whose answer was not seen, and after which no more was said.
    untold: u32,
    /// Who asks to be let in.
    asking: Asking,
    sources: Addresses,
    /// Of which these were refused.
    turned_away: Addresses,
    /// Servers, and how often each refused.
    servers: Vec<(Address, u32)>,
    /// Passwords that were refused; the oldest makes room.
    passwords: VecDeque<Password>,
    /// How often one that was known was refused again.
    again: u32,
    /// When the web last refused what could not be read.
    unread: Option<Timestamp>,
    alike: Alike,
    udp: bool,
    frames: Examples,
}

/// Servers of one source that are remembered.
const MOST_SERVERS: usize = 64;

/// Passwords of one source that are remembered: programs of a person have a few.
const MOST_PASSWORDS: usize = 8;

/// Refusals of a telephone exchange for each of another service: telephones with an old password ask for days.
const EXCHANGE_FACTOR: u32 = 4;

/// Where it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Scope {
    /// At one service, by one source.
    One(Service, Address),
    /// At one service, by all.
    All(Service),
    /// At one port of all servers, by one source.
    Spray(Address, u16),
}

impl Scope {
    fn port(self) -> u16 {
        match self {
            Scope::One(service, _) | Scope::All(service) => service.port,
            Scope::Spray(_, port) => port,
        }
    }
}

impl Door {
    fn refused(&self, limits: &Limits) -> u32 {
        let alike = self.refused > self.welcome * limits.per_success;
        // A few say nothing of many: where no answers are seen, a person's second try is all that is known.
        let untold = self.untold.min(self.refused);
        self.refused
            .saturating_add(if alike { untold } else { 0 })
            .saturating_add(self.alike.shown(limits))
    }

    fn suffices(&self, scope: Scope, limits: &Limits) -> bool {
        let pardoned = self.welcome.saturating_mul(limits.per_success);
        let factor = if self.udp { EXCHANGE_FACTOR } else { 1 };
        let (needed, enough) = match scope {
            Scope::One(..) => (limits.refusals, true),
            // Each source tries a few times, and many do.
            Scope::All(_) => {
                let many = usize::try_from(limits.guessers).unwrap_or(usize::MAX);
                let needed = limits.refusals * limits.guessers;
                (needed, self.sources.len() >= many)
            }
            // None of the servers would say so for itself.
            Scope::Spray(..) => {
                let few = |(_, times): &(Address, u32)| *times < limits.refusals;
                let servers = self.servers.len();
                (
                    limits.refusals,
                    servers >= limits.sprayed && self.servers.iter().all(few),
                )
            }
        };
        enough && self.refused(limits) >= (needed * factor).saturating_add(pardoned)
    }

    /// Whether this password was refused before; it is remembered.
    fn knows(&mut self, password: Password) -> bool {
        let known = self.passwords.contains(&password);
        if known {
            self.again = self.again.saturating_add(1);
        } else {
            if self.passwords.len() >= MOST_PASSWORDS {
                self.passwords.pop_front();
            }
            self.passwords.push_back(password);
        }
        known
    }

    /// Whether nothing but one password is ever given: then it was the same where the sensor has missed it.
    fn has_one_password(&self) -> bool {
        const OFTEN: u32 = 2;
        self.passwords.len() == 1 && self.again >= OFTEN
    }

    /// Where the web refuses what could not be read, it may ask for a password, or a program may ask by the clock with an old
    /// one: whether no other such refusal was soon before.
    fn is_lone(&mut self, now: Timestamp, limits: &Limits) -> bool {
        let before = self.unread.replace(now);
        before.is_none_or(|before| now.nanos_since(before) > limits.hidden_within.nanos())
    }

    /// What happens next to one who stands here; how often he is known to have been refused by it, where it is a try.
    fn step(&mut self, attempt: &Attempt, what: Step, now: Moment, limits: &Limits) -> Option<u32> {
        let socket = attempt.sport;
        match what {
            Step::Asked | Step::Prompted => {
                // Behind a prompt comes the password itself, letter by letter.
                let said = match what {
                    Step::Prompted => u8::MAX,
                    _ => attempt.said,
                };
                (self.asking.ask(socket, said) && !is_web(attempt)).then_some(1)
            }
            Step::Answered => {
                self.asking.answer(socket);
                None
            }
            Step::Consented => {
                let asked = self.asking.answer(socket).is_some();
                self.welcome = self.welcome.saturating_add(u32::from(asked));
                None
            }
            Step::Welcome => {
                self.asking.answer(socket);
                self.welcome = self.welcome.saturating_add(1);
                None
            }
            Step::Refused(tries) => {
                self.asking.answer(socket);
                Some(tries)
            }
            Step::Unread => {
                self.asking.answer(socket);
                (!self.is_lone(now.time, limits)).then_some(1)
            }
            Step::Hidden(sealed) => {
                self.alike.add(&sealed, now.time, limits);
                Some(0)
            }
            Step::Ended => self.asking.end(socket, attempt.said).then(|| {
                self.untold = self.untold.saturating_add(1);
                0
            }),
        }
    }

    /// Who tried, and where; `refused` is how often it is known that he was not let in.
    fn tried(&mut self, attempt: &Attempt, refused: u32, now: Moment) {
        self.refused = self.refused.saturating_add(refused);
        self.sources.insert(attempt.source);
        if refused > 0 {
            self.turned_away.insert(attempt.source);
        }
        self.udp = attempt.technique == Technique::Udp;
        let room = self.servers.len() < MOST_SERVERS;
        let known = (self.servers.iter_mut()).find(|(server, _)| *server == attempt.target);
        match known {
            Some((_, times)) => *times = times.saturating_add(refused),
            None if room => self.servers.push((attempt.target, refused)),
            None => {}
        }
        self.frames.note(now.frame);
    }
}

impl Brief for Door {
    type Key = Scope;
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, limits: &Limits) -> Option<Finding> {
        if !self.suffices(*key, limits) {
            return None;
        }
        let mut servers = Addresses::default();
        for (server, _) in &self.servers {
            servers.insert(*server);
        }
        let draft = Draft {
            class: Class::PasswordGuessing,
            tool: None,
            sources: self.sources.blocks(),
            targets: match key {
                Scope::One(service, _) | Scope::All(service) => {
                    vec![service.address.to_ip().into()]
                }
                Scope::Spray(..) => servers.blocks(),
            },
            transport: if self.udp {
                Transport::Udp
            } else {
                Transport::Tcp
            },
            ports: vec![PortRange::single(key.port())],
            span: life.activity?,
            detected: life.detected?,
            confidence: if self.refused(limits) >= 2 * limits.refusals {
                0.9
            } else {
                0.7
            },
            evidence: vec![fact(
                "logins that the service refused",
                format!(
                    "{} refused{}, {} let in, by {} at {}",
                    self.refused(limits),
                    if self.alike.shown(limits) > 0 {
                        " (inside TLS, by their lengths)"
                    } else {
                        ""
                    },
                    self.welcome,
                    count(self.sources.len(), "host"),
                    count(self.servers.len(), "server")
                ),
                "a mistake or two, and then a session",
                &self.frames,
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

    /// A question was asked, an answer given, a session ended.
    fn note(&mut self, attempt: &Attempt, what: Step, now: Moment, findings: &mut Findings) {
        let service = Service {
            address: attempt.target,
            port: attempt.dport,
        };
        let limits = self.doors.limits().clone();
        let one = Scope::One(service, attempt.source);
        let what = match (what, attempt.word.password()) {
            (Step::Refused(_), Some(password))
                if self.doors.open(one, findings).brief.knows(password) =>
            {
                Step::Answered
            }
            (Step::Refused(_), None)
                if self
                    .doors
                    .peek(&one)
                    .is_some_and(|folder| folder.brief.has_one_password()) =>
            {
                Step::Answered
            }
            _ => what,
        };
        let spray = Scope::Spray(attempt.source, attempt.dport);
        for key in [one, Scope::All(service), spray] {
            if !self.concerns(key, one, attempt, what, &limits) {
                continue;
            }
            let folder = self.doors.open(key, findings);
            let door = &mut folder.brief;
            let Some(tries) = door.step(attempt, what, now, &limits) else {
                continue;
            };
            door.tried(attempt, tries, now);
            folder.life.extend(attempt.opened, 0);
            folder.life.extend(now, 1);
            self.doors.judge(key, now, findings, |door, limits| {
                door.suffices(key, limits)
            });
        }
    }

    /// Whether what happened is to be taken in there.
    fn concerns(
        &self,
        key: Scope,
        one: Scope,
        attempt: &Attempt,
        what: Step,
        limits: &Limits,
    ) -> bool {
        let door = |key| self.doors.peek(&key).map(|folder| &folder.brief);
        let suffices = |key| door(key).is_some_and(|door: &Door| door.suffices(key, limits));
        let heeded = match (key, what) {
            // Clients of one kind are all answered alike.
            (Scope::All(_) | Scope::Spray(..), Step::Hidden(_)) => false,
            // Ports of clients tell the sessions with one server apart, but not those with several.
            (Scope::Spray(..), _) => {
                matches!(what, Step::Refused(_) | Step::Unread | Step::Welcome)
            }
            // Who was never refused says nothing of those who share the guessing.
            (Scope::All(_), Step::Welcome) => {
                door(key).is_some_and(|door| door.turned_away.contains(attempt.source))
            }
            // Who shows by himself what he does is no reason to suspect others.
            (Scope::All(_), _) => !suffices(one) || suffices(key),
            (Scope::One(..), _) => true,
        };
        let hearsay = what.is_hearsay()
            || is_web(attempt) && matches!(what, Step::Asked)
            || attempt.sealed.is_some() && matches!(what, Step::Welcome);
        heeded && (!hearsay || door(key).is_some())
    }
}

/// What happens at a door.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A name and a password are given.
    Asked,
    /// A password is asked for.
    Prompted,
    /// An answer that neither lets in nor refuses.
    Answered,
    /// A word of consent, which is to the login if one was open.
    Consented,
    Welcome,
    /// So many tries at once.
    Refused(u32),
    /// The web refuses what could not be read.
    Unread,
    /// What passed inside TLS, where it may have been refused.
    Hidden(Sealed),
    /// The session is over.
    Ended,
}

impl Step {
    /// Whether it means nothing where nothing is known.
    fn is_hearsay(self) -> bool {
        matches!(self, Step::Answered | Step::Consented | Step::Ended)
    }
}

/// Each request of the web stands for itself: the next one does not say that this one was refused.
fn is_web(attempt: &Attempt) -> bool {
    matches!(
        attempt.word,
        Word::HttpRequest
            | Word::HttpBare
            | Word::HttpLogin(_)
            | Word::FormLogin(_)
            | Word::ProxyRequest
    )
}

/// What words at a door mean.
fn step(attempt: &Attempt, by_originator: bool, word: Word) -> Option<Step> {
    if by_originator {
        return matches!(
            word,
            Word::Credentials(_) | Word::HttpRequest | Word::HttpLogin(_) | Word::ProxyRequest
        )
        .then_some(Step::Asked);
    }
    Some(match word {
        Word::PasswordPrompt => Step::Prompted,
        Word::Reply(530 | 430 | 535 | 534 | 481)
        | Word::Denied
        | Word::SmbDenied
        | Word::SipDenied => Step::Refused(1),
        // Before its client has chosen how to log in, it wants no password.
        Word::ScreenDenied if attempt.said < 2 => Step::Welcome,
        Word::ScreenDenied => Step::Refused(1),
        Word::HttpStatus(_) if attempt.word == Word::HttpBare => return None,
        Word::HttpStatus(401 | 403 | 407) if attempt.word.password().is_none() => Step::Unread,
        Word::HttpStatus(401 | 403 | 407) => Step::Refused(1),
        Word::HttpStatus(400 | 422 | 429) if attempt.word.password().is_some() => Step::Refused(1),
        Word::Reply(230 | 235 | 281) | Word::Welcome | Word::HttpStatus(200..=399) => Step::Welcome,
        // A mailbox consents to its greeting and to a name, too.
        Word::Reply(200) if matches!(attempt.dport, 110 | 143) => Step::Consented,
        // A news server consents to a question, and says 281 to a login.
        Word::Reply(200) if attempt.dport == 119 => Step::Answered,
        Word::Reply(200) => Step::Welcome,
        // More is asked for.
        Word::Reply(300..=399) => return None,
        Word::Reply(_) | Word::HttpStatus(_) => Step::Answered,
        _ => return None,
    })
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
            News::Said(attempt, by_originator, word) => {
                if let Some(step) = step(attempt, *by_originator, *word) {
                    self.note(attempt, step, now, findings);
                }
            }
            News::Closed(attempt)
                if (attempt.dport == SSH || attempt.word == Word::SshGreeting)
                    && attempt.said.saturating_add(LOST) >= BEFORE_LOGIN =>
            {
                let longest = self.doors.limits().longest_refusal;
                let refused = attempt.tail <= longest && !attempt.consented;
                let tries = u32::from(attempt.said.saturating_sub(BEFORE_LOGIN)).min(MOST_TRIES);
                let again = (u32::from(attempt.short) + 1).min(MOST_SHORT);
                let tries = tries.max(again);
                let step = if refused {
                    Step::Refused(tries)
                } else {
                    Step::Welcome
                };
                self.note(attempt, step, now, findings);
            }
            News::Closed(attempt) => {
                let step = match attempt.sealed.filter(|_| alike::hides(attempt)) {
                    Some(sealed) if may_be_refused(&sealed) => Step::Hidden(sealed),
                    Some(_) => Step::Welcome,
                    None => Step::Ended,
                };
                self.note(attempt, step, now, findings);
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

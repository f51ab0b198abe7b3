//! What is held against one source, by technique.

use labels::Evidence;

use crate::address::Address;
use crate::extent::{Activity, Addresses, Ports};
use crate::news::{Attempt, Moment, Outcome, Technique};
use crate::tools;
use crate::words::Word;

/// Contacts that are remembered one by one until a judgement; then sets go on.
const MAX_CONTACTS: usize = 128;

/// Attempts of a muted source among which a monitor has shown itself: four rounds of all that is remembered.
const MOST_ATTEMPTS: u64 = 4 * MAX_CONTACTS as u64;

/// Tries of one attempt from which on a stack insists.
const INSISTS: u8 = 3;

/// One port of one host that a source has asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contact {
    pub(super) target: Address,
    pub(super) port: u16,
    pub(super) sport: u16,
    pub(super) outcome: Option<Outcome>,
    pub(super) raw: bool,
    pub(super) friend: bool,
    pub(super) acknowledgment: u32,
    pub(super) frame: u64,
    /// How often it was asked and answered anew.
    pub(super) rounds: u16,
    /// Packets to that host were to die on the way.
    pub(super) short: bool,
    /// Its header came in pieces.
    pub(super) fragmented: bool,
    /// It asked for an association of SCTP.
    pub(super) sctp: bool,
    /// Whose look it has.
    pub(super) look: Option<&'static str>,
}

impl Contact {
    pub(super) fn of(attempt: &Attempt, outcome: Option<Outcome>) -> Self {
        Contact {
            target: attempt.target,
            port: attempt.dport,
            sport: attempt.sport,
            outcome,
            raw: attempt.raw,
            friend: attempt.friend,
            acknowledgment: attempt.acknowledgment,
            frame: attempt.opened.frame,
            rounds: 1,
            short: false,
            fragmented: attempt.fragmented,
            sctp: attempt.word == Word::Association,
            look: look(attempt),
        }
    }

    /// Whether source and target port are equal.
    pub(super) fn equal_ports(&self) -> bool {
        self.sport == self.port
    }
}

/// The program whose packets look like this one.
fn look(attempt: &Attempt) -> Option<&'static str> {
    // An IPv4 address is the low half of its bits.
    let target = u32::try_from(attempt.target.bits() & 0xffff_ffff).unwrap_or(0);
    let target = if attempt.target.is_v4() { target } else { 0 };
    (attempt.technique == Technique::Syn)
        .then(|| {
            tools::scanner(
                attempt.raw,
                attempt.size,
                attempt.options,
                attempt.isn,
                target,
            )
        })
        .flatten()
}

/// What may show later that a scan is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Its packets look hand-made: so may its stack's.
    Look,
    /// It is the smallest that can be told: so may be somebody who waits for services to come up, asks again and again, and
    /// uses them then.
    Size,
    /// It is that of hosts that refuse: so may be a guest whom a portal lets nowhere until he has logged in, and who then goes
    /// where he was refused.
    Place,
}

/// Why a tally was found to be a scan.
pub(super) struct Detection {
    pub(super) at: Moment,
    pub(super) confidence: f64,
    pub(super) evidence: Vec<Evidence>,
    /// The packets were not an operating system's.
    pub(super) crafted: bool,
    pub(super) doubt: Option<Doubt>,
}

/// All of one technique.
pub(super) struct Tally {
    pub(super) contacts: Vec<Contact>,
    pub(super) targets: Addresses,
    pub(super) ports: Ports,
    pub(super) activity: Activity,
    /// Attempts, each source port of a contact counted.
    pub(super) attempts: u64,
    /// How they ended, by [`Outcome`].
    pub(super) outcomes: [u64; 6],
    pub(super) detection: Option<Detection>,
    /// Contacts that turned out to be sessions.
    pub(super) absolved: usize,
}

impl Tally {
    pub(super) fn new(first: Moment) -> Self {
        Tally {
            contacts: Vec::new(),
            targets: Addresses::default(),
            ports: Ports::default(),
            activity: Activity::new(first, 0),
            attempts: 0,
            outcomes: [0; 6],
            detection: None,
            absolved: 0,
        }
    }

    pub(super) fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(outcome as usize).copied().unwrap_or(0)
    }

    /// Adds a contact, or what became of one that is there already. Where the sensor sees one side, who comes again may have
    /// been answered each time.
    pub(super) fn add(
        &mut self,
        contact: Contact,
        attempt: &Attempt,
        now: Moment,
        half_seen: bool,
    ) {
        self.activity.extend(attempt.opened, 0);
        // A deadline that passes is no activity of the source.
        if contact.outcome != Some(Outcome::Silent) {
            self.activity.extend(now, 0);
        }
        if let Some(outcome) = contact.outcome
            && let Some(count) = self.outcomes.get_mut(outcome as usize)
        {
            *count += 1;
        }
        let pending = self.contacts.iter_mut().rev().find(|known| {
            known.target == contact.target
                && known.port == contact.port
                && (known.sport == contact.sport || known.outcome.is_some())
        });
        match pending {
            // What a stray segment drew, once it is known; what an earlier try drew, where it says more.
            Some(known) if known.sport == contact.sport && known.outcome.is_none() => {
                known.outcome = contact.outcome;
                self.activity.packets += u64::from(attempt.packets.saturating_sub(1));
                return;
            }
            Some(known) => {
                // Who goes through its whole schedule insists as a client does.
                let told = half_seen || contact.outcome != Some(Outcome::Silent);
                if told || attempt.tries >= INSISTS {
                    known.rounds = known.rounds.saturating_add(1);
                }
                if contact.outcome == Some(Outcome::Refused) {
                    known.outcome = contact.outcome;
                }
            }
            None => {
                self.targets.insert(contact.target);
                self.ports.insert(contact.port);
                if self.contacts.len() < MAX_CONTACTS {
                    self.contacts.push(contact);
                } else if self.detection.is_none() {
                    self.contacts.remove(0);
                    self.contacts.push(contact);
                }
            }
        }
        self.attempts += 1;
        self.activity.packets += u64::from(attempt.packets);
    }

    /// Another probe of a scan that is known already.
    pub(super) fn more(&mut self, attempt: &Attempt, now: Moment) {
        self.targets.insert(attempt.target);
        self.ports.insert(attempt.dport);
        self.attempts += 1;
        self.activity.extend(now, 1);
        // Who has asked for so much checks nothing that he uses; a monitor has come round several times by then.
        if self.contacts.len() >= MAX_CONTACTS || self.attempts > MOST_ATTEMPTS {
            return;
        }
        // Who was told asks again only to see whether it has changed.
        let known = self.contacts.iter_mut().rev().find(|known| {
            (known.target, known.port) == (attempt.target, attempt.dport)
                && known.sport != attempt.sport
                && matches!(
                    known.outcome,
                    Some(Outcome::Refused | Outcome::Empty | Outcome::Torn)
                )
        });
        if let Some(known) = known {
            known.rounds = known.rounds.saturating_add(1);
            known.sport = attempt.sport;
        }
    }

    /// Whether what answered was asked again nevertheless, round after round, whether it had accepted or refused: a
    /// monitor's checks. A scanner asks again only where nobody answered, and looks closer only at what is open. Two
    /// rounds suffice where many accept: a monitor watches what is there.
    pub(super) fn is_monitor(&self) -> bool {
        let rounds = if self.is_mostly_open() { 2 } else { 3 };
        // A round may have gone by unseen; but nobody asks again what was refused.
        let again = |share: usize, which: fn(Outcome) -> bool| {
            let answered = self
                .contacts
                .iter()
                .filter(|c| c.outcome.is_some_and(which));
            let all = answered.clone().count();
            let again = answered.filter(|c| c.rounds >= rounds).count();
            (all, again * share >= all)
        };
        let (open, opened) = again(2, |outcome| {
            matches!(outcome, Outcome::Empty | Outcome::Torn | Outcome::Abandoned)
        });
        let (closed, refused) = again(4, |outcome| {
            matches!(outcome, Outcome::Refused | Outcome::Unreachable)
        });
        let (silent, insisted) = again(2, |outcome| outcome == Outcome::Silent);
        // Who checks ends what he began.
        let ended = self.outcome(Outcome::Empty) + self.outcome(Outcome::Torn);
        self.contacts.len() < MAX_CONTACTS
            && ended >= self.outcome(Outcome::Abandoned)
            // What is used for data besides is no longer held here, but for a round of which the data was missed.
            && (opened || open * 4 < closed)
            && refused
            && (open + closed >= silent || insisted)
            && open + closed + silent > 0
    }

    /// Whether it asks again and again what was refused: who scans has been told.
    pub(super) fn waits(&self) -> bool {
        const ROUNDS: u16 = 3;
        let mut refused = (self.contacts.iter()).filter(|c| c.outcome == Some(Outcome::Refused));
        refused.any(|contact| contact.rounds >= ROUNDS)
    }

    /// Whether much of what was asked accepts.
    pub(super) fn is_mostly_open(&self) -> bool {
        let not = [
            Outcome::Refused,
            Outcome::Unreachable,
            Outcome::Torn,
            Outcome::Abandoned,
        ];
        let not: u64 = not.into_iter().map(|outcome| self.outcome(outcome)).sum();
        self.outcome(Outcome::Empty) * 2 > not
    }

    /// Whether so many answers to its source, of which the sensor has missed the questions, say more of it: then that nobody
    /// answered or nothing followed was missed as well, and few refusals are a part of much that was accepted.
    pub(super) fn is_outweighed(&self, answers: usize) -> bool {
        let told = [Outcome::Refused, Outcome::Unreachable];
        let told: u64 = told.into_iter().map(|outcome| self.outcome(outcome)).sum();
        let all: u64 = self.outcomes.iter().sum();
        let slight = told * 2 < all || self.contacts.len() <= answers;
        answers > 0 && slight && !self.contacts.iter().any(|contact| contact.raw)
    }

    /// Whether the source has as many sessions with what it tried: it checks services that it uses.
    pub(super) fn is_user(&self) -> bool {
        const FEW: usize = 4;
        self.absolved >= FEW && self.absolved >= self.contacts.len()
    }

    /// Forgets a contact that was a session after all. Once judged, it only loses the contact.
    pub(super) fn absolve(&mut self, attempt: &Attempt) {
        let before = self.contacts.len();
        self.contacts
            .retain(|known| (known.target, known.port) != (attempt.target, attempt.dport));
        let gone = before - self.contacts.len();
        self.absolved += gone;
        if gone > 0 && self.detection.is_none() {
            self.targets = Addresses::default();
            self.ports = Ports::default();
            for contact in &self.contacts {
                self.targets.insert(contact.target);
                self.ports.insert(contact.port);
            }
        }
    }

    /// The contacts that share a target with others, target by target.
    pub(super) fn by_target(&self) -> impl Iterator<Item = Vec<&Contact>> {
        let mut targets: Vec<Address> = self.contacts.iter().map(|c| c.target).collect();
        targets.sort_unstable();
        targets.dedup();
        targets.into_iter().map(|target| {
            self.contacts
                .iter()
                .filter(|contact| contact.target == target)
                .collect()
        })
    }

    /// The largest groups of contacts that share `key`.
    pub(super) fn group<K: Ord>(&self, key: impl Fn(&Contact) -> K) -> Vec<Vec<&Contact>> {
        let mut sorted: Vec<&Contact> = self.contacts.iter().collect();
        sorted.sort_by_key(|contact| key(contact));
        sorted
            .chunk_by(|a, b| key(a) == key(b))
            .map(<[&Contact]>::to_vec)
            .collect()
    }
}

/// How many different values `key` takes.
pub(super) fn distinct<K: Ord>(contacts: &[&Contact], key: impl Fn(&Contact) -> K) -> usize {
    let mut values: Vec<K> = contacts.iter().map(|contact| key(contact)).collect();
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// The frames of contacts.
pub(super) fn frames<'a>(contacts: &'a [&'a Contact]) -> impl Iterator<Item = u64> + 'a {
    contacts.iter().map(|contact| contact.frame)
}

//! Port scans and port sweeps.
//!
//! # What
//! Somebody asks ports of one host, or one port of many hosts, and gets nothing out of it: connect, SYN, FIN, NULL,
//! XMAS, Maimon, ACK and UDP scans, and sweeps.
//!
//! # Why these facts
//! A client wants a service and exchanges data with it. A scanner wants the answer itself. So only attempts that led to
//! nothing count (refused, unanswered, torn down half-open, completed and left empty), each pair of host and port once;
//! and an attempt counts no more as soon as data flows. Fewer suffice where the packets are not an operating system's:
//! source ports that stay while target ports change, SYNs without options, flag combinations that no session has.
//! Cases have no window: they age by eviction only, so a slow scan does not straddle anything.
//!
//! # Evidence
//! The technique's tell ([`syn`], [`odd_flags`], [`udp`]), how many ports and hosts, and how the attempts ended.
//!
//! # Blind spots
//! A scanner that exchanges data with every open port and asks few closed ones; one that uses a source address a port.
//! Hosts behind one translator share a case.
//!
//! # References
//! RFC 9293 section 3.5.2 (what closed ports answer), section 3.10.7 (what open ports answer to odd flags);
//! "Interpreting Network Traffic", "Let the Tracing Begin!".

mod claim;
mod odd_flags;
mod syn;
mod tally;
#[cfg(test)]
mod tests;
mod udp;

use std::collections::BTreeMap;
use std::rc::Rc;

use wire::Timestamp;

use self::tally::{Contact, Tally};
use super::Rule;
use crate::config::Config;
use crate::report::Findings;
use crate::state::{Address, Attempt, Keep, Moment, News, Outcome, State, Table, Technique};

/// What is held against one source.
#[derive(Default)]
pub(super) struct Case {
    tallies: BTreeMap<Technique, Tally>,
}

impl Case {
    fn detected(&self) -> bool {
        self.tallies.values().any(|tally| tally.detection.is_some())
    }

    fn last(&self) -> Option<Timestamp> {
        self.tallies
            .values()
            .map(|tally| tally.activity.last.time)
            .max()
    }
}

impl Keep for Case {
    fn worth(&self) -> u8 {
        let contacts = self.tallies.values().map(|tally| tally.contacts.len());
        match contacts.max() {
            _ if self.detected() => 8,
            Some(2..) => 3,
            _ => 1,
        }
    }
}

/// The one thing that is held against a source so far.
#[derive(Clone, Copy, Default)]
struct Suspicion(Option<(Attempt, Option<Outcome>, Moment)>);

impl Keep for Suspicion {
    fn worth(&self) -> u8 {
        1
    }
}

/// The rule.
pub(super) struct PortScan {
    config: Rc<Config>,
    /// Sources with one contact: strangers of a flood pass through here, and leave the cases alone.
    suspicions: Table<Address, Suspicion>,
    cases: Table<Address, Case>,
}

impl PortScan {
    pub(super) fn new(config: &Config) -> Self {
        PortScan {
            config: Rc::new(config.clone()),
            suspicions: Table::new(config.memory.sources),
            cases: Table::new(config.memory.cases),
        }
    }

    /// The tally an attempt belongs to, made where there is none.
    fn tally(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) -> &mut Tally {
        let (case, evicted) = self.cases.get_or_insert_with(attempt.source, Case::default);
        if let Some((source, old)) = evicted {
            release(source, &old, state);
            findings.close(claim::findings(source, old, &self.config));
        }
        case.tallies
            .entry(attempt.technique)
            .or_insert_with(|| Tally::new(attempt.opened.min(now)))
    }

    /// `None` for a source's first contact, which is only remembered; for its second, the first; for later ones,
    /// nothing more.
    #[expect(clippy::option_option, reason = "two different absences, said above")]
    fn second_contact(
        &mut self,
        attempt: &Attempt,
        outcome: Option<Outcome>,
        now: Moment,
    ) -> Option<Option<(Attempt, Option<Outcome>, Moment)>> {
        if self.cases.peek(&attempt.source).is_some() {
            return Some(None);
        }
        let suspicion = self
            .suspicions
            .get_or_insert_with(attempt.source, Suspicion::default)
            .0;
        match suspicion.0 {
            Some((known, _, _)) if !is_same(&known, attempt) => {
                let first = suspicion.0;
                self.suspicions.remove(&attempt.source);
                Some(first)
            }
            _ => {
                suspicion.0 = Some((*attempt, outcome, now));
                None
            }
        }
    }

    /// An attempt led to nothing, or a probe was met: holds it against its source and judges.
    fn hold(
        &mut self,
        attempt: &Attempt,
        outcome: Option<Outcome>,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        if is_ident_callback(attempt, state, &self.config) {
            return;
        }
        let Some(earlier) = self.second_contact(attempt, outcome, now) else {
            return;
        };
        let config = Rc::clone(&self.config);
        let source = state.sources.peek(&attempt.source).copied();
        let friends = source.map_or(0, |source| source.friends as usize);
        if let Some((first, outcome, then)) = earlier {
            self.tally(&first, then, state, findings).add(
                Contact::of(&first, outcome),
                &first,
                then,
            );
        }
        let tally = self.tally(attempt, now, state, findings);
        tally.add(Contact::of(attempt, outcome), attempt, now);
        if tally.detection.is_none() {
            tally.detection = match attempt.technique {
                Technique::Syn => syn::judge(tally, friends, &config, now),
                Technique::Udp => udp::judge(tally, &config, now),
                Technique::Fin | Technique::Null | Technique::Xmas => {
                    odd_flags::judge_odd(tally, &config, now)
                }
                Technique::Maimon | Technique::Ack => odd_flags::judge_stray(tally, &config, now),
            };
            findings.open(|| claim::finding(attempt.source, attempt.technique, tally, &config));
        }
        let mute = attempt.technique == Technique::Syn
            && tally.detection.is_some()
            && tally.attempts >= config.scan.mute_after
            && friends * 4 < tally.contacts.len();
        if mute && source.is_none_or(|source| !source.scanning) {
            let (source, _) = state
                .sources
                .get_or_insert_with(attempt.source, Default::default);
            source.scanning = true;
        }
    }

    /// Another frame of an attempt that led to nothing.
    fn late(&mut self, attempt: &Attempt, now: Moment) {
        if let Some(case) = self.cases.get_mut(&attempt.source) {
            if let Some(tally) = case.tallies.get_mut(&attempt.technique) {
                tally.activity.extend(now, 1);
            }
        } else if let Some(Suspicion(Some((known, _, last)))) =
            self.suspicions.get_mut(&attempt.source)
            && is_same(known, attempt)
        {
            *last = now;
            known.packets = known.packets.max(attempt.packets);
        }
    }

    /// It was a session after all.
    fn absolve(&mut self, attempt: &Attempt) {
        if let Some(Suspicion(Some((known, _, _)))) = self.suspicions.peek(&attempt.source)
            && (known.target, known.dport) == (attempt.target, attempt.dport)
        {
            self.suspicions.remove(&attempt.source);
        }
        if let Some(case) = self.cases.get_mut(&attempt.source)
            && let Some(tally) = case.tallies.get_mut(&attempt.technique)
        {
            tally.absolve(attempt);
        }
    }
}

/// Whether two pieces of news are about one contact: one port of one host, asked in one way.
fn is_same(a: &Attempt, b: &Attempt) -> bool {
    (a.technique, a.target, a.dport) == (b.technique, b.target, b.dport)
}

/// A muted source is heard again.
fn release(source: Address, case: &Case, state: &mut State) {
    if case.detected()
        && let Some(source) = state.sources.get_mut(&source)
    {
        source.scanning = false;
    }
}

/// Whether it is a server asking the ident service of a host that has just connected to it. The callback rule
/// explains it; here it is held against nobody.
fn is_ident_callback(attempt: &Attempt, state: &State, config: &Config) -> bool {
    attempt.technique == Technique::Syn
        && attempt.dport == super::callback::IDENT
        && state
            .pair(attempt.target, attempt.source)
            .opened
            .is_some_and(|opened| {
                attempt.opened.time.nanos_since(opened.time) <= config.callback.ident_within.nanos()
            })
}

impl Rule for PortScan {
    fn name(&self) -> &'static str {
        "port scan"
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Settled(attempt, outcome) => {
                self.hold(attempt, Some(*outcome), now, state, findings);
            }
            News::Stray(attempt) if attempt.technique != Technique::Ack => {
                self.hold(attempt, None, now, state, findings);
            }
            News::StrayReset(attempt) => {
                self.hold(attempt, Some(Outcome::Refused), now, state, findings);
            }
            News::StraySilent(attempt) => {
                self.hold(attempt, Some(Outcome::Silent), now, state, findings);
            }
            News::Fruitful(attempt) | News::StrayRefuted(attempt) => self.absolve(attempt),
            News::Late(attempt) => self.late(attempt, now),
            News::MoreProbes(attempt) => {
                if let Some(case) = self.cases.get_mut(&attempt.source)
                    && let Some(tally) = case.tallies.get_mut(&attempt.technique)
                {
                    tally.more(attempt, now);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, before: Option<Timestamp>, state: &mut State, findings: &mut Findings) {
        let ripe = self.cases.take_ripe(|case| {
            case.detected()
                && before.is_none_or(|before| case.last().is_some_and(|last| last < before))
        });
        for (source, case) in ripe {
            release(source, &case, state);
            findings.close(claim::findings(source, case, &self.config));
        }
    }

    fn evicted(&self) -> u64 {
        self.cases.evicted()
    }
}

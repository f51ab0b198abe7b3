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
//! Who insists tries again as a stack does; copies that a mirror or a bond makes are no tries.
//! Cases have no window: they age by eviction only, so a slow scan does not straddle anything. SCTP is judged in the terms
//! of TCP, which its handshake resembles. That data has flowed is known from its numbers, too, where the sensor missed it.
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

mod case;
mod claim;
mod limits;
mod odd_flags;
mod syn;
mod tally;
#[cfg(test)]
mod tests;
mod udp;

use std::rc::Rc;

pub(super) use limits::{OddFlags, Scan, Stray, UdpScan};

use self::case::Case;
use self::limits::Limits;
use self::syn::Past;
use self::tally::{Contact, Doubt, Tally};
use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::Closing;
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds, Outcome, Technique};
use crate::report::Findings;
use crate::state::{Keep, Memory, Returning, State, Table};

/// The one thing that is held against a source so far.
#[derive(Clone, Copy, Default)]
struct Suspicion(Option<(Attempt, Option<Outcome>, Moment)>);

impl Keep for Suspicion {}

/// The rule.
pub(super) struct PortScan {
    limits: Rc<Limits>,
    /// Sources with one contact: strangers of a flood pass through here, and leave the cases alone.
    suspicions: Table<Address, Suspicion>,
    /// Sources that were pushed out of these by others.
    returning: Returning,
    cases: Table<Address, Case>,
}

impl PortScan {
    pub(super) fn new(config: &Config) -> Self {
        let memory = config.get::<Memory>();
        PortScan {
            limits: Rc::new(Limits::new(config)),
            suspicions: Table::new(memory.sources),
            returning: Returning::new(memory.sources),
            cases: Table::new(memory.cases),
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
            findings.close(claim::findings(source, old, &self.limits));
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
        /// Once is chance among many; who is pushed out twice and comes again is no stranger.
        const RETURNS: u8 = 2;
        if self.suspicions.peek(&attempt.source).is_none()
            && self.returning.times(&attempt.source) >= RETURNS
        {
            return Some(None);
        }
        let (suspicion, evicted) = self
            .suspicions
            .get_or_insert_with(attempt.source, Suspicion::default);
        if let Some((stranger, _)) = evicted {
            self.returning.push_out(&stranger);
        }
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
        // What is excused is held against nobody; what only asks whether a host exists is another rule's.
        if attempt.excuse.is_some()
            || matches!(
                attempt.technique,
                Technique::Echo | Technique::Stamp | Technique::Arp
            )
            || state.pair(attempt.source, attempt.target).traced
            || is_of_a_conversation(attempt, state)
        {
            return;
        }
        let Some(earlier) = self.second_contact(attempt, outcome, now) else {
            return;
        };
        let limits = Rc::clone(&self.limits);
        let past = Past::of(attempt.source, state);
        if let Some((first, outcome, then)) = earlier {
            self.tally(&first, then, state, findings).add(
                Contact::of(&first, outcome),
                &first,
                then,
                past.half_seen,
            );
        }
        let contact = Contact {
            short: state.pair(attempt.source, attempt.target).short,
            ..Contact::of(attempt, outcome)
        };
        let tally = self.tally(attempt, now, state, findings);
        tally.add(contact, attempt, now, past.half_seen);
        if tally.detection.is_none() {
            tally.detection = match attempt.technique {
                Technique::Syn => syn::judge(tally, past, &limits, now),
                Technique::Udp => udp::judge(tally, &limits, now),
                Technique::Maimon | Technique::Ack => odd_flags::judge_stray(tally, &limits, now),
                Technique::Odd => odd_flags::judge_other(tally, &limits, now),
                _ => odd_flags::judge_odd(tally, &limits, now),
            };
            findings.open(|| claim::finding(attempt.source, attempt.technique, tally, &limits));
        }
        let mute = attempt.technique == Technique::Syn
            && tally.detection.is_some()
            && tally.attempts >= limits.scan.mute_after
            && past.friends * 4 < tally.contacts.len()
            // Whoever comes round again must be seen coming.
            && !(tally.is_mostly_open() || tally.is_monitor());
        let judged = tally.detection.is_some();
        if mute {
            state.set_scanning(attempt.source, true);
        }
        if judged && let Some(case) = self.cases.get_mut(&attempt.source) {
            case.judged = true;
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

/// Whether it belongs to a conversation of which the sensor has missed the rest: a stream that goes on unanswered, or what
/// is sent to a host that had turned to the sender. A probe is sent a few times, to whom one has no business with.
fn is_of_a_conversation(attempt: &Attempt, state: &State) -> bool {
    /// Datagrams from one socket to another beyond what a question is repeated.
    const STREAM: u8 = 5;
    match attempt.technique {
        Technique::Udp => attempt.sent > STREAM,
        Technique::Ack | Technique::Maimon => {
            state.pair(attempt.target, attempt.source).opened.is_some()
        }
        _ => false,
    }
}

/// Whether sessions have such segments, too, of which a sensor may have missed all others.
fn is_of_sessions(technique: Technique) -> bool {
    matches!(technique, Technique::Ack | Technique::Maimon)
}

/// Judges a tally again whose source has shown since what it is.
fn reconsider(tally: &mut Tally, source: Address, limits: &Limits, state: &State) {
    let past = Past::of(source, state);
    let at = tally.activity.last;
    let Some(detection) = &tally.detection else {
        if past.walking {
            // It was found to look for hosts only after it had asked for services.
            let past = Past {
                seeking: true,
                ..past
            };
            tally.detection = syn::judge(tally, past, limits, at);
        }
        return;
    };
    let doubtful = match detection.doubt {
        None => false,
        Some(Doubt::Look) => past.bare,
        Some(Doubt::Size) => tally.waits() || tally.absolved > 0,
        Some(Doubt::Place) => {
            let used = 2 * tally.absolved >= tally.contacts.len();
            tally.absolved > 0 && (tally.waits() || used)
        }
    };
    if doubtful && syn::judge(tally, past, limits, at).is_none() {
        tally.detection = None;
    }
}

/// A muted source is heard again.
fn release(source: Address, case: &Case, state: &mut State) {
    if case.detected() && state.is_scanning(source) {
        state.set_scanning(source, false);
    }
}

impl Rule for PortScan {
    fn name(&self) -> &'static str {
        "port scan"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Settled,
            NewsKind::Stray,
            NewsKind::StrayReset,
            NewsKind::StraySilent,
            NewsKind::Fruitful,
            NewsKind::StrayRefuted,
            NewsKind::Late,
            NewsKind::MoreProbes,
        ])
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

    fn close(&mut self, closing: Closing, state: &mut State, findings: &mut Findings) {
        let ripe = self.cases.take_ripe(|case| match closing {
            Closing::End => true,
            Closing::Quiet(now, quiet) => case.detected() && case.is_over(now, quiet),
        });
        for (source, mut case) in ripe {
            if let Some(tally) = case.tallies.get_mut(&Technique::Syn) {
                reconsider(tally, source, &self.limits, state);
                case.judged |= tally.detection.is_some();
            }
            release(source, &case, state);
            if state.misses_much() {
                let answers = state.missed_answers_to(source);
                case.tallies.retain(|technique, tally| {
                    !(is_of_sessions(*technique) || tally.is_outweighed(answers))
                });
            }
            findings.close(claim::findings(source, case, &self.limits));
        }
    }

    fn evicted(&self) -> u64 {
        self.cases.evicted()
    }
}

//! Sweeps that need no TCP to be seen: by ping, by ARP, by NetBIOS names, by SNMP, by one UDP port; and those by TCP of a
//! segment on which hardly anybody is there to be connected to.
//!
//! # What
//! One host asks one question of many addresses: echo or timestamp requests, address resolution, NetBIOS status, SNMP
//! with this and that community, or datagrams to one port.
//!
//! # Why these facts
//! Who has business with hosts knows them: what he asks is answered. Who looks for hosts meets absent ones, and only
//! these count here, each once; what is excused (a name just resolved, a host that had just called, a server that tries
//! an address before it gives it away, a peer whose name is asked for) does not. On a segment a stack asks three times
//! for the hardware address of each absent host before it gives a packet up: these requests stand for what its host
//! asks the others, or, where some of them refuse it, for the connections that it wants; those of a router, which asks
//! nobody anything itself, stand for nothing. Who asks for addresses before it has one is called by what its interface
//! gives it. A resolver, which wants no recursion, asks wherever names lead it. Where the sensor sees one side, who asks
//! the same hosts again and again watches them. Communities of SNMP are secrets: who tries several is guessing.
//!
//! An inventory agent is sent round a network by its server, and asks each address for its names: from port 137 as the
//! operating system does, one address after the other, each once, with a pause between, and leaves it there. Programs that
//! look for shares hurry, ask again, or go on to port 139 or 445 of those who are there.
//!
//! # Evidence
//! How many addresses were asked, how many were absent, how many communities were tried.
//!
//! # Blind spots
//! A sweep of a network in which everybody answers, unless it walks the addresses one after the other. An insider who
//! looks for a program's servers from one port looks like the program itself, and is taken for it. Who walks a network for
//! names as slowly as an inventory agent, from its port, is taken for one until he does more.
//!
//! # References
//! RFC 792; RFC 826; RFC 1002 section 4.2.18; RFC 4861 section 7.2.2 (three requests a second apart).

mod limits;
mod question;
mod round;
mod walk;

pub(super) use limits::Limits;

use self::question::{Question, SNMP, is_accounted_for};
use self::walk::Walk;
use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Closing, Docket};
use crate::news::{
    Answer, AnswerKind, Attempt, Moment, News, NewsKind, NewsKinds, Outcome, Technique,
};
use crate::report::Findings;
use crate::state::{Keep, Memory, State, Table};
use crate::words::Word;

/// Requests for one absent address that a stack sends for a packet that waits.
const STACK_REQUESTS: u8 = 3;

/// Absent hosts that were pinged: too few for a sweep, enough to see that hosts are looked for.
const SEEKS: usize = 3;

/// What a source has last asked a neighbour: what its stack resolves addresses for.
#[derive(Clone, Copy, Default)]
struct Last {
    asked: Option<Question>,
    /// The port of the neighbour to which it last connected.
    port: Option<u16>,
    /// It asks for the addresses of others, as a router does: its requests come in threes, and it asks nobody anything.
    routes: bool,
}

impl Keep for Last {}

/// A host that has answered something: it is there, whatever a sensor missed of its address resolution.
#[derive(Clone, Copy, Default)]
struct There;

impl Keep for There {}

/// The rule.
pub(super) struct Sweep {
    walks: Docket<Walk>,
    /// What hosts have last asked their neighbours, by source.
    lasts: Table<Address, Last>,
    /// Hosts that have shown themselves.
    there: Table<Address, There>,
}

impl Sweep {
    pub(super) fn new(config: &Config) -> Self {
        Sweep {
            walks: Docket::new(config.get::<Memory>().cases, config.get()),
            lasts: Table::new(config.get::<Memory>().cases),
            there: Table::new(config.get::<Memory>().cases),
        }
    }

    /// A question was answered, or not: who is absent is held against its asker.
    fn note(
        &mut self,
        attempt: &Attempt,
        absent: bool,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        let Some(asked) = Question::of(attempt) else {
            return;
        };
        // Who resolves names of hosts that it has dealt with looks for nobody.
        if asked == Question::Netbios && attempt.met {
            return;
        }
        let (question, stack) = if absent && asked == Question::Arp {
            match self.behind(attempt, state) {
                Some(behind) => behind,
                None => {
                    if let Some(folder) = self.walks.get(&(attempt.source, Question::Arp)) {
                        folder.brief.asks_for_others();
                    }
                    return;
                }
            }
        } else {
            (asked, false)
        };
        if is_accounted_for(attempt, question, state) {
            return;
        }
        let there = question == Question::Arp && self.there.peek(&attempt.target).is_some();
        let absent = absent && !there;
        // Who is known to be there counts only where somebody walks.
        if !absent && matches!(question, Question::Udp(_) | Question::Arp) {
            if let Some(folder) = self.walks.get(&(attempt.source, question)) {
                folder.brief.is_there(attempt.target);
                folder.life.extend(now, u64::from(attempt.packets));
            }
            return;
        }
        let key = (attempt.source, question);
        let folder = self
            .walks
            .note(key, attempt.opened, u64::from(attempt.packets), findings);
        folder.brief.take(attempt, absent, stack, state);
        if question == Question::Ping && folder.brief.absent() >= SEEKS {
            state.mark_seeking(attempt.source);
        }
        if self.judge(key, now, findings) && matches!(question, Question::Ping | Question::Arp) {
            state.mark_walking(attempt.source);
        }
    }

    /// What an address that nobody has was asked for: what its asker's stack wanted it for, and whether it was a stack that
    /// asked; `None` where it was a router's, which asks for others.
    fn behind(&mut self, attempt: &Attempt, state: &State) -> Option<(Question, bool)> {
        let last = self.lasts.peek(&attempt.source).copied();
        let Last { asked, routes, .. } = last.unwrap_or_default();
        let walk = asked.and_then(|asked| self.walks.peek(&(attempt.source, asked)));
        let stack = attempt.sent >= STACK_REQUESTS
            // Some of the three are lost on the way to the sensor.
            || attempt.sent > 1 && (asked.is_some() || state.friends(attempt.source) > 0)
            || walk.is_some_and(|walk| walk.brief.is_by_stack());
        match asked {
            Some(asked) if stack => Some((asked, stack)),
            None if (stack || routes)
                && !is_nameless(attempt)
                && state.friends(attempt.source) == 0 =>
            {
                let (last, _) = self.lasts.get_or_insert_with(attempt.source, Last::default);
                last.routes = true;
                None
            }
            _ => Some((Question::Arp, stack)),
        }
    }

    /// An address that nobody has, and that a stack asked for, stands for the connection that it was wanted for.
    fn unreached(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        let last = self.lasts.peek(&attempt.source).copied();
        let Some(port) = last.and_then(|last| last.port) else {
            return;
        };
        let question = Question::Tcp(port);
        if attempt.sent < STACK_REQUESTS || is_accounted_for(attempt, question, state) {
            return;
        }
        let key = (attempt.source, question);
        let packets = u64::from(attempt.packets);
        self.walks
            .note(key, attempt.opened, packets, findings)
            .brief
            .take_unreached(attempt, port);
        self.judge(key, now, findings);
    }

    /// A neighbour refused a connection.
    fn refused(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        if attempt.technique != Technique::Syn || !is_neighbour(attempt) || attempt.excuse.is_some()
        {
            return;
        }
        let key = (attempt.source, Question::Tcp(attempt.dport));
        self.walks
            .note(key, now, 1, findings)
            .brief
            .take_refusal(attempt.target, now.frame);
        self.judge(key, now, findings);
    }

    /// Somebody asks a neighbour.
    fn note_last(&mut self, attempt: &Attempt) {
        let question = Question::of(attempt);
        let connects = attempt.technique == Technique::Syn;
        if attempt.technique == Technique::Arp || !(connects || question.is_some()) {
            return;
        }
        let (last, _) = self.lasts.get_or_insert_with(attempt.source, Last::default);
        if connects {
            last.port = Some(attempt.dport);
        } else {
            last.asked = question;
        }
    }

    /// Somebody answered, and is there.
    fn fruitful(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        self.is_there(attempt.target);
        if attempt.technique == Technique::Syn {
            let key = (attempt.source, Question::Tcp(attempt.dport));
            if let Some(folder) = self.walks.get(&key) {
                folder.brief.is_there(attempt.target);
            }
        }
        if let Some(folder) = self.walks.get(&(attempt.source, Question::Ping))
            && Question::of(attempt) != Some(Question::Ping)
        {
            folder.brief.uses(attempt.target);
        }
        self.note(attempt, false, now, state, findings);
    }

    /// Somebody asks a host for its names; or for its files, where he has asked for names before.
    fn go_round(&mut self, attempt: &Attempt, now: Moment) {
        let pause = self.walks.limits().inventory_pause.nanos();
        let Some(folder) = self.walks.get(&(attempt.source, Question::Netbios)) else {
            return;
        };
        if Question::of(attempt) == Some(Question::Netbios) {
            folder.brief.round.comes_to(attempt.target, now.time, pause);
        } else if wants_files(attempt) && folder.brief.has_asked(attempt.target) {
            folder.brief.round.enters(attempt.target);
        }
    }

    /// A question came again.
    fn repeated(&mut self, attempt: &Attempt, now: Moment) {
        if let Some(question) = Question::of(attempt)
            && let Some(folder) = self.walks.get(&(attempt.source, question))
        {
            folder.brief.round.comes_again();
            if folder.brief.repeats(attempt.target) {
                folder.life.extend(now, 1);
            }
        }
    }

    /// A host has shown itself.
    fn is_there(&mut self, host: Address) {
        self.there.get_or_insert_with(host, || There);
    }

    /// An answer whose question the sensor has missed.
    fn answered(&mut self, answer: &Answer, now: Moment, findings: &mut Findings) {
        let key = (answer.target, Question::Ping);
        if let Some(folder) = self.walks.get(&key) {
            folder.brief.take_answer(answer.source);
            folder.life.extend(now, 1);
            self.judge(key, now, findings);
        }
    }

    /// A question of SNMP names a community, told as a digest.
    fn community(&mut self, attempt: &Attempt, digest: u16, now: Moment, findings: &mut Findings) {
        let key = (attempt.source, Question::Snmp);
        self.walks.note(key, now, 0, findings).brief.take_community(
            attempt.dport,
            digest,
            now.frame,
        );
        self.judge(key, now, findings);
    }

    /// Claims a sweep where the evidence has just come to suffice, and tells whether it has.
    fn judge(&mut self, key: (Address, Question), now: Moment, findings: &mut Findings) -> bool {
        let limits = self.walks.limits();
        if self.walks.peek(&key).is_some_and(|folder| {
            folder.life.detected.is_none()
                && !folder.brief.is_empty()
                && folder.brief.suffices(key.1, limits)
                && !folder.brief.insists(&folder.life)
        }) {
            self.walks.claim(key, now, findings);
            return true;
        }
        false
    }
}

/// Whether both are of one segment, as far as addresses tell.
fn is_neighbour(attempt: &Attempt) -> bool {
    attempt.source.neighbourhood() == attempt.target.neighbourhood()
}

/// Whether it is asked by who has no address yet, and routes for nobody.
fn is_nameless(attempt: &Attempt) -> bool {
    attempt.source.is_v4() != attempt.target.is_v4()
}

/// Whether it asks for the files or printers of a host.
fn wants_files(attempt: &Attempt) -> bool {
    attempt.technique == Technique::Syn && matches!(attempt.dport, 139 | 445)
}

impl Rule for Sweep {
    fn name(&self) -> &'static str {
        "sweep"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Said,
            NewsKind::Repeated,
            NewsKind::Settled,
            NewsKind::Fruitful,
            NewsKind::Unsolicited,
            NewsKind::Accepted,
            NewsKind::Middle,
            NewsKind::Grown,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        if let News::Opening(attempt) = news
            && is_neighbour(attempt)
        {
            self.note_last(attempt);
            self.is_there(attempt.source);
        }
        if let News::Opening(attempt) = news
            && matches!(attempt.technique, Technique::Udp | Technique::Syn)
        {
            self.go_round(attempt, now);
        }
        match news {
            News::Opening(attempt) | News::Said(attempt, true, _)
                if attempt.technique == Technique::Udp && attempt.dport == SNMP =>
            {
                let word = match news {
                    News::Said(_, _, word) => *word,
                    _ => attempt.word,
                };
                if let Word::Snmp(digest) = word {
                    self.community(attempt, digest, now, findings);
                }
            }
            // What clients of a service ask is answered where this sensor does not see it.
            News::Settled(attempt, Outcome::Silent)
                if matches!(attempt.word, Word::DnsQuestion(..) | Word::NtpQuestion)
                    && (state.sees_one_side() || state.misses_much()) => {}
            News::Settled(attempt, Outcome::Silent | Outcome::Unreachable) => {
                if attempt.technique == Technique::Arp {
                    self.unreached(attempt, now, state, findings);
                }
                self.note(attempt, true, now, state, findings);
            }
            News::Fruitful(attempt) => self.fruitful(attempt, now, state, findings),
            News::Settled(attempt, Outcome::Refused) => {
                self.is_there(attempt.target);
                self.refused(attempt, now, findings);
            }
            News::Accepted(attempt)
            | News::Settled(attempt, Outcome::Torn | Outcome::Abandoned | Outcome::Empty) => {
                self.is_there(attempt.target)
            }
            News::Middle(attempt) => {
                self.is_there(attempt.source);
                self.is_there(attempt.target);
            }
            News::Unsolicited(answer) => {
                if matches!(answer.kind, AnswerKind::Accept | AnswerKind::Refusal) {
                    self.is_there(answer.source);
                }
                if answer.kind == AnswerKind::EchoReply {
                    self.answered(answer, now, findings);
                }
            }
            News::Grown(attempt) if attempt.technique == Technique::Udp && attempt.fetched > 0 => {
                let question = Question::Udp(attempt.dport);
                if let Some(folder) = self.walks.get(&(attempt.source, question)) {
                    folder.brief.converses();
                }
            }
            News::Repeated(attempt) => self.repeated(attempt, now),
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, state: &mut State, findings: &mut Findings) {
        self.walks
            .close_with(closing, findings, |(source, _), walk| {
                walk.is_met(*source, state);
            });
    }

    fn evicted(&self) -> u64 {
        self.walks.evicted()
    }
}

//! Backscatter of SYN floods: a victim's answers to SYNs that were forged with our addresses.
//!
//! # What
//! SYN-ACKs, RST-ACKs and ICMP unreachables from one host to addresses and ports of ours that never asked it anything.
//!
//! # Why these facts
//! The answer repeats the question: its acknowledgment number is the flood's sequence number plus one, constant where
//! the tool's is. The victim answers from the few services that are flooded, to as many addresses and ports as the tool
//! draws. An answer to a connection of our own is no news here; a session whose beginning was not captured goes on with
//! data; a RST that ends a session has the sequence number of its stream, not 0. Names and ports of forgers are drawn, or
//! count on through those of clients: SYN-ACKs to one port of a service after the other are a scan, which looks for who
//! answers RST.
//!
//! # Evidence
//! How many of our addresses and ports, from how few services, with which acknowledgment numbers.
//!
//! # Blind spots
//! Samples below the thresholds. The answers of a host that was scanned, not flooded, in our name.
//!
//! # References
//! RFC 9293 section 3.5.2; Moore et al., "Inferring Internet Denial-of-Service Activity"; "Interpreting Network
//! Traffic", the ACK section.

use labels::{Class, Finding, Transport};

use crate::address::Address;
use crate::config::{Config, Span};
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Ports};
use crate::news::{Answer, AnswerKind, Moment, News, NewsKind, NewsKinds};
use crate::observe::Quoted;
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};
use crate::tools;

section! {
    /// When answers to nothing are backscatter.
    Limits "backscatter" {
        equal_acks: usize,
        signature: usize,
        endpoints: usize,
        service_ports: usize,
        scanned_ports: usize,
        complaints_after: Span,
    }
}

/// Answers that are remembered one by one until a judgement.
const MAX_ANSWERS: usize = 64;

#[derive(Clone, Copy)]
struct Remembered {
    answer: Answer,
    frame: u64,
    /// Whether time has shown that nothing follows.
    confirmed: bool,
}

/// What is known of one answering host.
#[derive(Default)]
struct Echoes {
    answers: Vec<Remembered>,
    targets: Addresses,
    services: Ports,
    endpoints: usize,
    kinds: [u64; 6],
    /// That of the first.
    transport: Option<Transport>,
    judged: Option<(f64, Option<u32>)>,
}

impl Echoes {
    fn find(&mut self, answer: &Answer) -> Option<&mut Remembered> {
        self.answers
            .iter_mut()
            .find(|known| is_same(&known.answer, answer))
    }

    fn add(&mut self, answer: &Answer, now: Moment, confirmed: bool) {
        if let Some(count) = self.kinds.get_mut(answer.kind as usize) {
            *count += 1;
        }
        self.transport.get_or_insert(match answer {
            answer if answer.kind == AnswerKind::EchoReply => Transport::Icmp,
            answer if answer.quoted == Some(Quoted::Udp) => Transport::Udp,
            _ => Transport::Tcp,
        });
        if let Some(known) = self.find(answer) {
            known.confirmed |= confirmed;
            return;
        }
        self.targets.insert(answer.target);
        self.services.insert(answer.sport);
        self.endpoints += 1;
        if self.answers.len() == MAX_ANSWERS {
            if self.judged.is_some() {
                return;
            }
            self.answers.remove(0);
        }
        self.answers.push(Remembered {
            answer: *answer,
            frame: now.frame,
            confirmed,
        });
    }

    /// The answering host's side is few services, ours is many ports or addresses; the reverse is a probe.
    fn has_shape(&self, limits: &Limits) -> bool {
        let services = self.services.len();
        services <= limits.service_ports
            && services <= endpoints(self.answers.iter())
            && self
                .answers
                .iter()
                .all(|known| known.answer.sport != 0 || known.answer.kind == AnswerKind::EchoReply)
    }

    /// The ports of one address of ours to which consent went, where so many of them are services' that nobody has drawn
    /// them: a scan by SYN-ACKs.
    fn scanned(&self, limits: &Limits) -> Option<Ports> {
        let answers = self.answers.iter().map(|known| known.answer);
        let mut consents = answers.filter(|answer| answer.kind == AnswerKind::Accept);
        let target = consents.next()?.target;
        let (mut ports, mut low, mut all) = (Ports::default(), Ports::default(), 0);
        for answer in self.answers.iter().map(|known| known.answer) {
            all += 1;
            if answer.kind == AnswerKind::Accept && answer.target == target {
                ports.insert(answer.dport);
                if (1..FIRST_RESERVED).contains(&answer.dport) {
                    low.insert(answer.dport);
                }
            }
        }
        (low.len() >= limits.scanned_ports && low.len() * 4 >= all).then_some(ports)
    }

    /// Confidence and the constant acknowledgment number, if the answers are backscatter, or a scan in their likeness.
    fn judge(&self, limits: &Limits) -> Option<(f64, Option<u32>)> {
        if self.scanned(limits).is_some() {
            return Some((0.75, None));
        }
        if !self.has_shape(limits) {
            return None;
        }
        let mut numbers: Vec<u32> = self
            .answers
            .iter()
            .filter_map(|known| known.answer.acknowledgment)
            .collect();
        numbers.sort_unstable();
        let constant = numbers
            .chunk_by(|a, b| a == b)
            .max_by_key(|run| run.len())
            .and_then(|run| run.first().copied());
        if let Some(number) = constant {
            let same: Vec<&Remembered> = self
                .answers
                .iter()
                .filter(|known| known.answer.acknowledgment == Some(number))
                .collect();
            let tool = tools::flooder(number.wrapping_sub(1)).is_some();
            if tool && same.len() >= limits.signature {
                return Some((0.9, constant));
            }
            if endpoints(same.into_iter()) >= limits.equal_acks {
                return Some((0.85, constant));
            }
        }
        let settled = endpoints(
            self.answers
                .iter()
                .filter(|known| known.confirmed || known.answer.kind != AnswerKind::Accept),
        );
        (settled >= limits.endpoints).then_some((0.75, None))
    }
}

/// The first of the ports that clients of old take because only the superuser may (512 to 1023, BSD's `rresvport`): below,
/// there are services, and no client.
const FIRST_RESERVED: u16 = 512;

fn is_same(a: &Answer, b: &Answer) -> bool {
    (a.target, a.dport, a.sport) == (b.target, b.dport, b.sport)
}

/// Distinct addresses and ports of ours among answers.
fn endpoints<'a>(answers: impl Iterator<Item = &'a Remembered>) -> usize {
    let mut ends: Vec<(Address, u16)> = answers
        .map(|known| (known.answer.target, known.answer.dport))
        .collect();
    ends.sort_unstable();
    ends.dedup();
    ends.len()
}

impl Brief for Echoes {
    type Key = Address;
    type Limits = Limits;

    fn worth(&self) -> u8 {
        if self.answers.len() > 1 { 4 } else { 1 }
    }

    fn finding(&self, source: &Address, life: &Life, limits: &Limits) -> Option<Finding> {
        let (confidence, number) = self.judged?;
        if let Some(ports) = self.scanned(limits) {
            return self.scan(source, &ports, life);
        }
        let frames = || self.answers.iter().map(|known| known.frame);
        let [accepts, refusals, unreachables, ..] = self.kinds;
        let mut evidence = vec![fact(
            "answers to questions that nobody here asked",
            format!(
                "{accepts} SYN-ACK, {refusals} RST-ACK, {unreachables} ICMP unreachable, to {} of ours",
                count(self.targets.len(), "address")
            ),
            "a SYN of ours before each",
            frames(),
        )];
        evidence.push(fact(
            "few services speak to many ports",
            format!(
                "{} of theirs to {} of ours",
                count(self.services.len(), "port"),
                count(self.endpoints, "port")
            ),
            "a scan has its own port stay and ours change",
            frames(),
        ));
        if let Some(number) = number {
            evidence.push(fact(
                "one acknowledgment number",
                format!("{number}: every forged SYN had {}", number.wrapping_sub(1)),
                "a new one for each connection",
                frames(),
            ));
        }
        let draft = Draft {
            // A flood is for a few services; answers about very many are those of a scan in our names.
            class: if self.services.len() > 2 * limits.service_ports {
                Class::DecoyScanBackscatter
            } else {
                Class::SynFloodBackscatter
            },
            tool: number.and_then(|number| tools::flooder(number.wrapping_sub(1))),
            sources: vec![source.to_ip().into()],
            targets: self.targets.blocks(),
            transport: self.transport?,
            ports: self.services.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence,
            evidence,
        };
        Some(draft.finish())
    }
}

impl Echoes {
    /// What looks like answers, and goes through the ports of services.
    fn scan(&self, source: &Address, ports: &Ports, life: &Life) -> Option<Finding> {
        let [accepts, ..] = self.kinds;
        let draft = Draft {
            class: Class::AckScan,
            tool: None,
            sources: vec![source.to_ip().into()],
            targets: self.targets.blocks(),
            transport: self.transport?,
            ports: ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.75,
            evidence: vec![fact(
                "SYN-ACKs without a SYN, to ports of services",
                format!("{accepts} to {}", count(ports.len(), "port")),
                "ports that clients have, of which a forger's answers go to any",
                self.answers.iter().map(|known| known.frame),
            )],
        };
        Some(draft.finish())
    }
}

/// What is known of one address of ours that many answer: it was forged among the decoys of a scan.
#[derive(Default)]
struct Forged {
    sources: Addresses,
    /// Different questions that were answered: whom, at which port.
    questions: Vec<(Address, u16)>,
    sports: Ports,
    /// Answers that were resets.
    resets: usize,
    transport: Option<Transport>,
    frames: Examples,
}

impl Forged {
    /// Hosts that refused from one and the same port: no service's, but the number of a tool.
    fn refused_alike(&self) -> usize {
        let alike = self.sports.len() == 1 && self.resets == self.questions.len();
        if alike { self.sources.len() } else { 0 }
    }

    fn suffices(&self, limits: &Limits) -> bool {
        self.questions.len() - self.resets >= limits.endpoints
            || self.refused_alike() >= limits.equal_acks
    }
}

impl Brief for Forged {
    type Key = Address;
    type Limits = Limits;

    fn finding(&self, target: &Address, life: &Life, _: &Limits) -> Option<Finding> {
        let draft = Draft {
            class: if self.refused_alike() > 0 {
                Class::SynFloodBackscatter
            } else {
                Class::DecoyScanBackscatter
            },
            tool: None,
            sources: self.sources.blocks(),
            targets: vec![target.to_ip().into()],
            transport: self.transport?,
            ports: if self.transport == Some(Transport::Icmp) {
                Vec::new()
            } else {
                self.sports.ranges()
            },
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.7,
            evidence: vec![fact(
                "answers to questions that this address never asked",
                format!(
                    "about {}, from {}",
                    count(self.questions.len(), "port"),
                    count(self.sources.len(), "host")
                ),
                "a question of ours before each",
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Backscatter {
    hosts: Docket<Echoes>,
    forged: Docket<Forged>,
}

impl Backscatter {
    pub(super) fn new(config: &Config) -> Self {
        Backscatter {
            hosts: Docket::new(config.get::<Memory>().cases, config.get()),
            forged: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    /// Whether the answer can be one to a forgery: nobody here asked, and it comes from outside where that is known.
    fn is_strange(&self, answer: &Answer, state: &State) -> bool {
        let asked = state.pair(answer.target, answer.source);
        // Routers give up on a host after seconds: at first they complain of what was sent before the capture began.
        let early = answer.kind == AnswerKind::Unreachable
            && state.age_nanos() < self.hosts.limits().complaints_after.nanos();
        !early
            && matches!(
                answer.kind,
                AnswerKind::Accept
                    | AnswerKind::Refusal
                    | AnswerKind::Unreachable
                    | AnswerKind::EchoReply
                    | AnswerKind::Exceeded
            )
            && asked.opened.is_none()
            && !state.are_friends(answer.source, answer.target)
            && !state.is_home(answer.source)
            && answer.target.is_host()
    }

    fn hold(
        &mut self,
        answer: &Answer,
        confirmed: bool,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        if !self.is_strange(answer, state) {
            return;
        }
        self.answered(answer, now, state, findings);
        if answer.kind == AnswerKind::Exceeded {
            return;
        }
        let folder = self.hosts.note(answer.source, now, 1, findings);
        folder.brief.add(answer, now, confirmed);
        self.judge(answer.source, now, findings);
    }

    /// Holds an answer for the one to whom it came.
    fn answered(&mut self, answer: &Answer, now: Moment, state: &State, findings: &mut Findings) {
        let refusal = answer.kind == AnswerKind::Refusal;
        if answer.kind == AnswerKind::Accept || state.sees_one_side() {
            return;
        }
        let folder = self.forged.note(answer.target, now, 1, findings);
        let forged = &mut folder.brief;
        let question = (answer.source, answer.sport);
        if forged.questions.contains(&question) || forged.questions.len() >= MAX_ANSWERS {
            return;
        }
        forged.questions.push(question);
        forged.sources.insert(answer.source);
        forged.sports.insert(answer.sport);
        forged.resets += usize::from(refusal);
        forged.transport.get_or_insert(if refusal {
            Transport::Tcp
        } else {
            Transport::Icmp
        });
        forged.frames.note(now.frame);
        self.forged
            .judge(answer.target, now, findings, Forged::suffices);
    }

    fn judge(&mut self, source: Address, now: Moment, findings: &mut Findings) {
        let limits = self.hosts.limits().clone();
        if let Some(folder) = self.hosts.get(&source)
            && folder.brief.judged.is_none()
        {
            folder.brief.judged = folder.brief.judge(&limits);
            if folder.brief.judged.is_some() {
                self.hosts.claim(source, now, findings);
            }
        }
    }
}

impl Rule for Backscatter {
    fn name(&self) -> &'static str {
        "backscatter"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Unsolicited,
            NewsKind::UnsolicitedRepeated,
            NewsKind::UnsolicitedOverdue,
            NewsKind::UnsolicitedRefuted,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Unsolicited(answer) => self.hold(answer, false, now, state, findings),
            News::UnsolicitedRepeated(answer) => self.hold(answer, true, now, state, findings),
            News::UnsolicitedOverdue(answer) => {
                if let Some(folder) = self.hosts.get(&answer.source)
                    && let Some(known) = folder.brief.find(answer)
                {
                    known.confirmed = true;
                    self.judge(answer.source, now, findings);
                }
            }
            News::UnsolicitedRefuted(answer) => {
                if let Some(folder) = self.hosts.get(&answer.source) {
                    let answers = &mut folder.brief.answers;
                    answers.retain(|known| !is_same(&known.answer, answer));
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.hosts.close(closing, findings);
        self.forged.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.hosts.evicted() + self.forged.evicted()
    }
}

#[cfg(test)]
mod tests {
    use crate::trace::only;

    #[test]
    fn it_is_told_with_the_third_answer() {
        let found = only(
            "0.00 198.51.100.9.23 > 192.0.2.1.1053: S. =4137483508 ack =322287 $syn
             0.13 198.51.100.9.23 > 192.0.2.1.1054: S. =4164828806 ack =322287 $syn
             0.26 198.51.100.9.23 > 192.0.2.1.1055: S. =4192020032 ack =322287 $syn",
        );
        assert_eq!((found.packets, found.detected_frame), (3, 3));
    }

    #[test]
    fn a_tool_is_known_by_its_number() {
        let found = only(
            "0        198.51.100.9.510 > 192.0.2.1.7002: R. =0 ack =674711610
             61802.0  198.51.100.9.510 > 192.0.2.2.32771: R. =0 ack =674711610
             113676.2 198.51.100.9.510 > 192.0.2.3.6666: R. =0 ack =674711610",
        );
        assert_eq!(found.tool.as_deref(), Some("shaft"));
    }
}

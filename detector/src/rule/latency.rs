//! Load balancers that measure the way to a name server.
//!
//! # What
//! Hosts that a name server has never spoken to probe it in the moments after it asked for a name: SYNs that carry data,
//! SYN-ACKs, connections to port 7, questions for the root or for the loopback address, or echo requests from several
//! places at once.
//!
//! # Why these facts
//! Who answers for a name that stands in several places sends the asker to the nearest, and measures which that is: so
//! his machines call the name server that has just asked, all together, and a reset tells them as much as a handshake.
//! The question before it is the reason, and who asked nothing is not probed. Anybody may send an echo request: a host
//! that strangers ask for an echo whether it has asked for a name or not is no name server that is measured.
//!
//! # Evidence
//! The probes, and how long after the question the first one came.
//!
//! # Blind spots
//! A scanner that waits for the question of a name server. Probes of a balancer whose question passed elsewhere.
//!
//! # References
//! "Interpreting Network Traffic" (load balancers); "Firewalls: What am I seeing?", port 7.

use labels::{Class, Finding, Transport};
use wire::Timestamp;

use crate::address::Address;
use crate::config::{Config, Span};
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::Ports;
use crate::news::{AnswerKind, Moment, News, NewsKind, NewsKinds, Technique};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Keep, Memory, State, Table};
use crate::words::{Asked, Word};

/// Port of name servers.
const DNS: u16 = 53;
/// Port of the echo service, RFC 862.
const ECHO: u16 = 7;
/// Bytes that F5's probes carry. The document has them all zero; their number alone is looked at.
const F5_BYTES: u32 = 24;

section! {
    /// When calls to a name server measure the way.
    Limits "latency" {
        asked_within: Span,
        together: Span,
        callers: usize,
        probes: u32,
    }
}

/// When a host last asked for a name, and who has called it since.
#[derive(Clone, Default)]
struct Asker {
    asked: Option<Timestamp>,
    /// Somebody asked it for an echo although it had asked for no name.
    pinged_idly: bool,
    /// Who called, and when first.
    callers: Vec<(Address, Timestamp)>,
}

impl Keep for Asker {}

impl Asker {
    /// Nanoseconds since it asked, if it did.
    fn since(&self, now: Timestamp) -> Option<u64> {
        self.asked.map(|asked| now.nanos_since(asked))
    }

    /// Those who called within `span` nanoseconds before now.
    fn together(&self, now: Timestamp, span: u64) -> Vec<Address> {
        let recent = |first: Timestamp| now.nanos_since(first) <= span;
        let recent = self.callers.iter().filter(|(_, first)| recent(*first));
        recent.map(|(caller, _)| *caller).collect()
    }
}

/// What is known of one caller of one name server.
#[derive(Default)]
struct Calls {
    times: u32,
    class: Option<Class>,
    ports: Ports,
    transport: Option<Transport>,
    after_nanos: u64,
    frames: Examples,
}

impl Brief for Calls {
    /// The caller and the name server.
    type Key = (Address, Address);
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, _: &Limits) -> Option<Finding> {
        let times = usize::try_from(self.times).unwrap_or(usize::MAX);
        let draft = Draft {
            class: self.class?,
            tool: None,
            sources: vec![key.0.to_ip().into()],
            targets: vec![key.1.to_ip().into()],
            transport: self.transport?,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.7,
            evidence: vec![fact(
                "calls to a name server that had just asked for a name",
                format!(
                    "{}, the first {} ms after the question",
                    count(times, "call"),
                    self.after_nanos / 1_000_000
                ),
                "a scanner calls whom it likes, when it likes",
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Latency {
    askers: Table<Address, Asker>,
    calls: Docket<Calls>,
}

/// One call, as it was seen.
struct Call {
    from: Address,
    to: Address,
    port: Option<u16>,
    transport: Transport,
    /// What its form says by itself.
    class: Option<Class>,
}

impl Latency {
    pub(super) fn new(config: &Config) -> Self {
        let memory = config.get::<Memory>();
        Latency {
            askers: Table::new(memory.cases),
            calls: Docket::new(memory.cases, config.get()),
        }
    }

    fn asked(&mut self, host: Address, now: Moment, within: u64) {
        let asker = self.askers.get_or_insert_with(host, Asker::default).0;
        if asker.since(now.time).is_none_or(|since| since > within) {
            asker.callers.clear();
        }
        asker.asked = Some(now.time);
    }

    fn called(&mut self, call: &Call, now: Moment, findings: &mut Findings) {
        const MOST: usize = 32;
        let limits = self.calls.limits().clone();
        let key = (call.from, call.to);
        let known = self.calls.peek(&key).is_some();
        let echo = call.transport == Transport::Icmp;
        if echo {
            self.askers.get_or_insert_with(call.to, Asker::default);
        }
        let Some(asker) = self.askers.get_mut(&call.to) else {
            return;
        };
        let after = asker.since(now.time);
        // Echo requests come first; other probes may come after those that failed.
        let within = if echo {
            limits.together
        } else {
            limits.asked_within
        };
        let in_time = after.is_some_and(|after| after <= within.nanos());
        if !known && !in_time {
            asker.pinged_idly |= echo;
            return;
        }
        if asker.callers.iter().all(|(caller, _)| *caller != call.from)
            && asker.callers.len() < MOST
        {
            asker.callers.push((call.from, now.time));
        }
        let together = asker.together(now.time, limits.together.nanos());
        let pinged_idly = asker.pinged_idly;
        self.note(key, call, after.unwrap_or_default(), now, findings);
        for caller in together.iter().chain([&call.from]) {
            let key = (*caller, call.to);
            let Some(folder) = self.calls.get(&key) else {
                continue;
            };
            let of_form = folder.brief.class.is_some();
            // Echo requests say something only where several come at once.
            let enough = together.len() >= limits.callers && (of_form || !pinged_idly)
                || of_form && folder.brief.times >= limits.probes;
            if enough {
                folder.brief.class.get_or_insert(Class::LbSynProbe);
                self.calls.claim(key, now, findings);
            }
        }
    }

    /// Adds a call to what is known of its caller.
    fn note(
        &mut self,
        key: (Address, Address),
        call: &Call,
        after: u64,
        now: Moment,
        findings: &mut Findings,
    ) {
        let calls = &mut self.calls.note(key, now, 1, findings).brief;
        if calls.times == 0 {
            calls.after_nanos = after;
        }
        calls.times = calls.times.saturating_add(1);
        // What has a form of its own says more than what anybody may send.
        if calls.class.is_none() {
            calls.class = call.class;
        }
        calls.transport.get_or_insert(call.transport);
        if let Some(port) = call.port {
            calls.ports.insert(port);
        }
        calls.frames.note(now.frame);
    }
}

/// What the form of a first packet says.
fn call(news: &News) -> Option<Call> {
    let attempt = match news {
        News::Opening(attempt) => attempt,
        News::Unsolicited(answer) if answer.kind == AnswerKind::Accept && answer.dport == DNS => {
            return Some(Call {
                from: answer.source,
                to: answer.target,
                port: Some(DNS),
                transport: Transport::Tcp,
                class: Some(Class::LbSynackProbe),
            });
        }
        _ => return None,
    };
    let (port, transport, class) = match (attempt.technique, attempt.dport) {
        (Technique::Syn, DNS) if attempt.given == F5_BYTES => {
            (Some(DNS), Transport::Tcp, Some(Class::F5GtmProbe))
        }
        (Technique::Syn, DNS) if attempt.given > 0 => {
            (Some(DNS), Transport::Tcp, Some(Class::LbSynProbe))
        }
        (Technique::Syn, ECHO) => (Some(ECHO), Transport::Tcp, Some(Class::ResonateProbe)),
        (Technique::Udp, DNS) if matches!(attempt.word, Word::DnsQuestion(_, Asked::Idly)) => {
            (Some(DNS), Transport::Udp, Some(Class::F5GtmProbe))
        }
        (Technique::Echo, _) => (None, Transport::Icmp, None),
        _ => return None,
    };
    Some(Call {
        from: attempt.source,
        to: attempt.target,
        port,
        transport,
        class,
    })
}

impl Rule for Latency {
    fn name(&self) -> &'static str {
        "latency"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[NewsKind::Opening, NewsKind::Fruitful, NewsKind::Unsolicited])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        if let News::Opening(attempt) | News::Fruitful(attempt) = news
            && attempt.technique == Technique::Udp
            && attempt.dport == DNS
            && !attempt.source.is_near(attempt.target)
        {
            let within = self.calls.limits().asked_within.nanos();
            self.asked(attempt.source, now, within);
        }
        if let Some(call) = call(news)
            && !call.from.is_near(call.to)
            && !state.is_scanning(call.from)
        {
            self.called(&call, now, findings);
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.calls.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.calls.evicted()
    }
}

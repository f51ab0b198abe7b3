//! Ident callbacks: a server asks the host that has just connected to it who is calling.
//!
//! # What
//! A connection to port 113 of a host that has itself opened a connection to the asker a moment before.
//!
//! # Why these facts
//! FTP, mail and IRC servers ask the ident service before they greet. Seen alone, it is an outsider trying a low port
//! of ours, and often refused.
//!
//! # Evidence
//! The frame of the connection that it follows, and by how long.
//!
//! # Blind spots
//! An ident query whose cause was not captured is taken for any other attempt. Somebody who lures a host of ours may
//! query it with impunity: port 113 alone.
//!
//! # References
//! RFC 1413; "Interpreting Network Traffic", TCPDump Format.

use labels::{Class, Finding, PortRange, Transport};

use crate::address::Address;
use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds};
use crate::report::{Draft, Findings, fact};
use crate::state::{Excuses, Memory, State};

/// Port of the ident service, RFC 1413.
const IDENT: u16 = 113;

/// What is known of one host that asks another.
#[derive(Default)]
struct Call {
    cause: Option<Moment>,
}

impl Brief for Call {
    /// Who asks and who is asked.
    type Key = (Address, Address);
    type Limits = Excuses;

    fn finding(&self, key: &Self::Key, life: &Life, _: &Excuses) -> Option<Finding> {
        let (span, detected, cause) = (life.activity?, life.detected?, self.cause?);
        let after = span.first.time.nanos_since(cause.time) / 1_000_000;
        let draft = Draft {
            class: Class::IdentCallback,
            tool: None,
            sources: vec![key.0.to_ip().into()],
            targets: vec![key.1.to_ip().into()],
            transport: Transport::Tcp,
            ports: vec![PortRange::single(IDENT)],
            span,
            detected,
            confidence: 0.95,
            evidence: vec![fact(
                "it follows a connection of the host it asks to the host that asks",
                format!("{after} ms after it"),
                "a scan has no such cause",
                [cause.frame, span.first.frame],
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Callback {
    calls: Docket<Call>,
}

impl Callback {
    pub(super) fn new(config: &Config) -> Self {
        Callback {
            calls: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn opening(&mut self, attempt: &Attempt, now: Moment, state: &State, findings: &mut Findings) {
        let Some(cause) = state.pair(attempt.target, attempt.source).opened else {
            return;
        };
        if now.time.nanos_since(cause.time) > self.calls.limits().ident_within.nanos() {
            return;
        }
        let key = (attempt.source, attempt.target);
        let folder = self.calls.note(key, now, 1, findings);
        folder.brief.cause.get_or_insert(cause);
        self.calls.claim(key, now, findings);
    }
}

impl Rule for Callback {
    fn name(&self) -> &'static str {
        "callback"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[
            NewsKind::Opening,
            NewsKind::Repeated,
            NewsKind::Settled,
            NewsKind::Fruitful,
        ])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt) if attempt.dport == IDENT => {
                self.opening(attempt, now, state, findings);
            }
            News::Repeated(attempt) | News::Settled(attempt, _) | News::Fruitful(attempt)
                if attempt.dport == IDENT =>
            {
                if let Some(folder) = self.calls.get(&(attempt.source, attempt.target)) {
                    folder.life.extend(now, 1);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.calls.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.calls.evicted()
    }
}

#[cfg(test)]
mod tests {
    use labels::Class;

    use crate::trace::only;

    #[test]
    fn its_evidence_is_the_connection_that_it_asks_about() {
        let found = only(
            "0.00 192.0.2.5.1046 > 198.51.100.9.21: S 0 $syn
             0.17 198.51.100.9.21 > 192.0.2.5.1046: S. 0 ack 1 $syn
             0.18 192.0.2.5.1046 > 198.51.100.9.21: . 1 ack 1 win 64240
             0.32 198.51.100.9.47309 > 192.0.2.5.113: S 0 $syn
             0.33 192.0.2.5.113 > 198.51.100.9.47309: R. =0 ack 1
             0.48 198.51.100.9.21 > 192.0.2.5.1046: P. 1 ack 1 win 64240 zeros 40
             0.90 192.0.2.5.1046 > 198.51.100.9.21: P. 1 ack 41 win 64240 zeros 10",
        );
        assert_eq!((found.class, found.packets), (Class::IdentCallback, 2));
        assert_eq!(found.evidence[0].frames, [1, 4]);
    }
}

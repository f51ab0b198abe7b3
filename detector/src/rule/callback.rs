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
use wire::Timestamp;

use super::Rule;
use crate::config::Config;
use crate::report::{Activity, Draft, Findings, fact};
use crate::state::{Address, Attempt, Keep, Moment, News, State, Table};

/// Port of the ident service, RFC 1413.
pub(super) const IDENT: u16 = 113;

#[derive(Default)]
struct Case {
    activity: Option<Activity>,
    detected: Option<Moment>,
    cause: Option<Moment>,
}

impl Keep for Case {}

/// The rule.
pub(super) struct Callback {
    config: Config,
    /// By who asks and who is asked.
    cases: Table<(Address, Address), Case>,
}

impl Callback {
    pub(super) fn new(config: &Config) -> Self {
        Callback {
            config: config.clone(),
            cases: Table::new(config.memory.cases),
        }
    }

    fn opening(&mut self, attempt: &Attempt, now: Moment, state: &State, findings: &mut Findings) {
        let Some(cause) = state.pair(attempt.target, attempt.source).opened else {
            return;
        };
        if now.time.nanos_since(cause.time) > self.config.callback.ident_within.nanos() {
            return;
        }
        let key = (attempt.source, attempt.target);
        let (case, evicted) = self.cases.get_or_insert_with(key, Case::default);
        let is_new = case.detected.is_none();
        case.detected.get_or_insert(now);
        case.cause.get_or_insert(cause);
        match &mut case.activity {
            Some(activity) => activity.extend(now, 1),
            None => case.activity = Some(Activity::new(now, 1)),
        }
        if is_new {
            findings.open(|| finding(key, case));
        }
        if let Some((key, old)) = evicted {
            findings.close(finding(key, &old));
        }
    }
}

/// What is known of a case, once it is a claim.
fn finding((source, target): (Address, Address), case: &Case) -> Option<Finding> {
    let (span, detected, cause) = (case.activity?, case.detected?, case.cause?);
    let after = span.first.time.nanos_since(cause.time) / 1_000_000;
    Some(
        Draft {
            class: Class::IdentCallback,
            tool: None,
            sources: vec![source.to_ip().into()],
            targets: vec![target.to_ip().into()],
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
        }
        .finish(),
    )
}

impl Rule for Callback {
    fn name(&self) -> &'static str {
        "callback"
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Opening(attempt) if attempt.dport == IDENT => {
                self.opening(attempt, now, state, findings);
            }
            News::Repeated(attempt) | News::Settled(attempt, _) | News::Fruitful(attempt)
                if attempt.dport == IDENT =>
            {
                if let Some(case) = self.cases.get_mut(&(attempt.source, attempt.target))
                    && let Some(activity) = &mut case.activity
                {
                    activity.extend(now, 1);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, before: Option<Timestamp>, _: &mut State, findings: &mut Findings) {
        let ripe = self.cases.take_ripe(|case| {
            before.is_none_or(|before| case.activity.is_some_and(|a| a.last.time < before))
        });
        for (key, case) in ripe {
            findings.close(finding(key, &case));
        }
    }

    fn evicted(&self) -> u64 {
        self.cases.evicted()
    }
}

#[cfg(test)]
mod tests {
    use labels::Class;

    use crate::trace::{classes, findings};

    const FTP: &str = "
        0.00 192.0.2.5:1046 > 198.51.100.9:21 S seq 100
        0.17 198.51.100.9:21 > 192.0.2.5:1046 S. seq 900 ack 101
        0.18 192.0.2.5:1046 > 198.51.100.9:21 . seq 101 ack 901
        0.32 198.51.100.9:47309 > 192.0.2.5:113 S
        0.33 192.0.2.5:113 > 198.51.100.9:47309 R. seq 0
        0.48 198.51.100.9:21 > 192.0.2.5:1046 P. seq 901 ack 101 len 40
        0.90 192.0.2.5:1046 > 198.51.100.9:21 P. seq 101 ack 941 len 10";

    #[test]
    fn an_ident_query_after_our_connection_is_explained() {
        let found = findings(FTP);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(
            (found[0].class, found[0].packets),
            (Class::IdentCallback, 2)
        );
        assert_eq!(found[0].evidence[0].frames, [1, 4]);
    }

    #[test]
    fn without_a_cause_or_too_late_it_is_not() {
        let alone: String = FTP
            .lines()
            .filter(|l| l.contains(":113"))
            .map(|l| format!("{l}\n"))
            .collect();
        assert!(classes(&alone).is_empty());
        let late = FTP.replace("0.32", "61.0").replace("0.33", "61.1");
        assert!(classes(&late).is_empty());
    }

    #[test]
    fn unanswered_and_repeated_it_is_still_one() {
        let lines = FTP.replace(
            "0.33 192.0.2.5:113 > 198.51.100.9:47309 R. seq 0",
            "0.35 198.51.100.9:47309 > 192.0.2.5:113 S",
        );
        assert_eq!(classes(&lines), [Class::IdentCallback]);
    }
}

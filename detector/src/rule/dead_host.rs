//! Retries to a dead host: clients that go on asking a service which does not answer.
//!
//! # What
//! Connections to one service, again and again, by hosts whose SYNs are those of an operating system and are
//! retransmitted, while nobody answers.
//!
//! # Why these facts
//! A client that wants this service and no other tries it again, from a new port; its stack retransmits each SYN from
//! the same one. A scanner asks once or twice and goes on to the next port or host; a flood does not retransmit.
//!
//! # Evidence
//! Attempts and retransmissions without one answer.
//!
//! # Blind spots
//! A single attempt is given up too soon to tell. A service that a filter hides looks dead too.
//!
//! # References
//! RFC 9293 section 3.8.1; RFC 6298 section 5.

use labels::{Class, Finding, PortRange, Transport};
use wire::Timestamp;

use super::Rule;
use crate::config::Config;
use crate::report::{Activity, Addresses, Draft, Findings, count, fact};
use crate::state::{Attempt, Keep, Moment, News, Outcome, Service, State, Table, Technique};

#[derive(Default)]
struct Case {
    activity: Option<Activity>,
    sources: Addresses,
    attempts: usize,
    retransmissions: usize,
    detected: Option<Moment>,
    frames: Vec<u64>,
}

impl Keep for Case {
    fn worth(&self) -> u8 {
        if self.detected.is_some() { 4 } else { 1 }
    }
}

/// The rule.
pub(super) struct DeadHost {
    config: Config,
    /// By the service that does not answer.
    cases: Table<Service, Case>,
}

impl DeadHost {
    pub(super) fn new(config: &Config) -> Self {
        DeadHost {
            config: config.clone(),
            cases: Table::new(config.memory.cases),
        }
    }

    fn unanswered(
        &mut self,
        attempt: &Attempt,
        now: Moment,
        state: &State,
        findings: &mut Findings,
    ) {
        if attempt.raw || state.is_scanning(attempt.source) {
            return;
        }
        let key = service_of(attempt);
        let (case, evicted) = self.cases.get_or_insert_with(key, Case::default);
        case.attempts += 1;
        // What was sent between the SYN and now is its retransmissions: nobody answered.
        case.retransmissions += usize::try_from(attempt.packets)
            .unwrap_or(1)
            .saturating_sub(1);
        case.sources.insert(attempt.source);
        let packets = u64::from(attempt.packets);
        match &mut case.activity {
            Some(activity) => activity.extend(attempt.opened, packets),
            None => case.activity = Some(Activity::new(attempt.opened, packets)),
        }
        if case.frames.len() < 8 {
            case.frames.push(attempt.opened.frame);
        }
        judge(key, case, &self.config, now, findings);
        if let Some((service, old)) = evicted {
            findings.close(finding(service, &old));
        }
    }

    fn late(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        let key = service_of(attempt);
        if let Some(case) = self.cases.get_mut(&key) {
            case.retransmissions += 1;
            if let Some(activity) = &mut case.activity {
                activity.extend(now, 1);
            }
            judge(key, case, &self.config, now, findings);
        }
    }
}

fn service_of(attempt: &Attempt) -> Service {
    Service {
        address: attempt.target,
        port: attempt.dport,
    }
}

fn judge(key: Service, case: &mut Case, config: &Config, now: Moment, findings: &mut Findings) {
    let limits = &config.dead_host;
    if case.detected.is_none()
        && case.attempts >= limits.attempts
        && case.retransmissions >= limits.retransmissions
        // Every other attempt at least shows a stack that retransmits.
        && case.retransmissions * 2 >= case.attempts
    {
        case.detected = Some(now);
        findings.open(|| finding(key, case));
    }
}

/// What is known of a case, once it is a claim.
fn finding(service: Service, case: &Case) -> Option<Finding> {
    let (span, detected) = (case.activity?, case.detected?);
    Some(
        Draft {
            class: Class::RetryToDeadHost,
            tool: None,
            sources: case.sources.blocks(),
            targets: vec![service.address.to_ip().into()],
            transport: Transport::Tcp,
            ports: vec![PortRange::single(service.port)],
            span,
            detected,
            confidence: 0.8,
            evidence: vec![fact(
                "the same service asked again and again, without one answer",
                format!(
                    "{} by {}, {}",
                    count(case.attempts, "attempt"),
                    count(case.sources.len(), "host"),
                    count(case.retransmissions, "retransmission")
                ),
                "an answer",
                case.frames.iter().copied(),
            )],
        }
        .finish(),
    )
}

impl Rule for DeadHost {
    fn name(&self) -> &'static str {
        "dead host"
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match news {
            News::Settled(attempt, Outcome::Silent) if attempt.technique == Technique::Syn => {
                self.unanswered(attempt, now, state, findings);
            }
            News::Late(attempt) if attempt.technique == Technique::Syn => {
                self.late(attempt, now, findings);
            }
            // It answers: whatever was held against it is void.
            News::Accepted(attempt) | News::Settled(attempt, Outcome::Refused) => {
                self.cases.remove(&service_of(attempt));
            }
            _ => {}
        }
    }

    fn close(&mut self, before: Option<Timestamp>, _: &mut State, findings: &mut Findings) {
        let ripe = self.cases.take_ripe(|case| {
            case.detected.is_some()
                && before.is_none_or(|before| case.activity.is_some_and(|a| a.last.time < before))
        });
        for (service, case) in ripe {
            findings.close(finding(service, &case));
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

    fn tries(count: u32, waits: &[f64]) -> String {
        let mut lines = String::new();
        for n in 0..count {
            for wait in waits {
                lines += &format!(
                    "{:.1} 192.0.2.5:{} > 198.51.100.9:443 S\n",
                    f64::from(n) * 30.0 + wait,
                    40_000 + n
                );
            }
        }
        lines
    }

    #[test]
    fn a_client_that_does_not_give_up_is_explained() {
        let found = findings(&tries(4, &[0.0, 1.0, 3.0, 7.0]));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].class, Class::RetryToDeadHost);
        assert_eq!(found[0].packets, 16);
    }

    #[test]
    fn one_attempt_or_no_retransmission_is_not() {
        assert!(classes(&tries(1, &[0.0, 1.0, 3.0, 7.0])).is_empty());
        assert!(classes(&tries(4, &[0.0])).is_empty());
    }

    #[test]
    fn an_answer_in_the_end_voids_it() {
        let lines = tries(2, &[0.0, 1.0, 3.0])
            + "90.0 192.0.2.5:50000 > 198.51.100.9:443 S
               90.1 198.51.100.9:443 > 192.0.2.5:50000 S.
               90.2 192.0.2.5:50000 > 198.51.100.9:443 .
               90.3 192.0.2.5:50000 > 198.51.100.9:443 P. len 5";
        assert!(classes(&lines).is_empty());
    }

    #[test]
    fn lost_retransmissions_do_not_hide_it() {
        assert_eq!(classes(&tries(6, &[0.0, 3.0])), [Class::RetryToDeadHost]);
    }
}

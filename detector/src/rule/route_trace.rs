//! Traceroute: packets to one host whose time to live rises from next to nothing.
//!
//! # What
//! UDP datagrams, echo requests or SYNs to one host with times to live 1, 2, 3, ...; routers answer that they died.
//!
//! # Why these facts
//! An operating system starts at 32, 64, 128 or 255, and no path is long enough to bring that down to 1 or 2 in steps
//! of one. Values that neighbour each other and begin so low are chosen.
//!
//! # Evidence
//! The values seen, and the routers that answered. The order does not matter: present-day programs send several at once.
//!
//! # Blind spots
//! Seen far from where it starts, only the last hops remain; then it is a few datagrams to high ports, which the scan
//! rule ignores as well while their time to live is low.
//!
//! # References
//! RFC 1393 introduction; RFC 792, time exceeded.

use labels::{Class, Finding, Transport};
use wire::Timestamp;

use super::Rule;
use crate::config::Config;
use crate::report::{Activity, Addresses, Draft, Findings, Ports, count, fact};
use crate::state::{Address, Keep, Moment, News, State, Table};

#[derive(Default)]
struct Case {
    activity: Option<Activity>,
    /// One bit for each time to live seen.
    ttls: u32,
    ports: Ports,
    routers: Addresses,
    died: u64,
    detected: Option<Moment>,
    frames: Vec<u64>,
}

impl Keep for Case {
    fn worth(&self) -> u8 {
        if self.detected.is_some() { 8 } else { 1 }
    }
}

impl Case {
    /// Values in a row, from the lowest.
    fn rising(&self) -> u32 {
        (self.ttls >> self.ttls.trailing_zeros().min(31)).trailing_ones()
    }

    fn is_trace(&self, config: &Config) -> bool {
        let first = self.ttls.trailing_zeros();
        let limits = &config.route_trace;
        // A path of two hops shows two values; then a router must have said that packets died.
        first <= limits.first_hop
            && (self.rising() >= limits.hops || (self.rising() >= 2 && self.died >= 2))
    }
}

/// The rule.
pub(super) struct RouteTrace {
    config: Config,
    cases: Table<(Address, Address), Case>,
}

impl RouteTrace {
    pub(super) fn new(config: &Config) -> Self {
        RouteTrace {
            config: config.clone(),
            cases: Table::new(config.memory.cases),
        }
    }

    fn judge(
        &mut self,
        key: (Address, Address),
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        if let Some(case) = self.cases.get_mut(&key)
            && case.detected.is_none()
            && case.is_trace(&self.config)
        {
            case.detected = Some(now);
            state.mark_traced(key.0, key.1);
            findings.open(|| finding(key, case));
        }
    }

    fn short_lived(
        &mut self,
        key: (Address, Address),
        (ttl, port): (u8, Option<u16>),
        now: Moment,
        findings: &mut Findings,
    ) {
        let (case, evicted) = self.cases.get_or_insert_with(key, Case::default);
        let within = self.config.route_trace.within.nanos();
        if case.detected.is_none()
            && case
                .activity
                .is_some_and(|a| now.time.nanos_since(a.last.time) > within)
        {
            *case = Case::default();
        }
        match &mut case.activity {
            Some(activity) => activity.extend(now, 1),
            None => case.activity = Some(Activity::new(now, 1)),
        }
        case.ttls |= 1u32.checked_shl(u32::from(ttl)).unwrap_or(0);
        if let Some(port) = port {
            case.ports.insert(port);
        }
        if case.frames.len() < 8 {
            case.frames.push(now.frame);
        }
        if let Some((key, old)) = evicted {
            findings.close(finding(key, &old));
        }
    }
}

/// What is known of a case, once it is a claim.
fn finding((source, target): (Address, Address), case: &Case) -> Option<Finding> {
    let (span, detected) = (case.activity?, case.detected?);
    let transport = if case.ports.len() == 0 {
        Transport::Icmp
    } else if case.ports.len() == 1 {
        Transport::Tcp
    } else {
        Transport::Udp
    };
    let mut evidence = vec![fact(
        "times to live that rise from next to nothing",
        format!(
            "{} values in a row from {}",
            case.rising(),
            case.ttls.trailing_zeros()
        ),
        "the initial value of an operating system less the hops",
        case.frames.iter().copied(),
    )];
    if case.died > 0 {
        evidence.push(fact(
            "routers report that packets died",
            count(case.routers.len(), "router"),
            "none",
            [],
        ));
    }
    Some(
        Draft {
            class: Class::Traceroute,
            tool: None,
            sources: vec![source.to_ip().into()],
            targets: vec![target.to_ip().into()],
            transport,
            ports: case.ports.ranges(),
            span,
            detected,
            confidence: 0.9,
            evidence,
        }
        .finish(),
    )
}

impl Rule for RouteTrace {
    fn name(&self) -> &'static str {
        "route trace"
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match *news {
            News::ShortLived {
                source,
                target,
                ttl,
                port,
            } => {
                self.short_lived((source, target), (ttl, port), now, findings);
                self.judge((source, target), now, state, findings);
            }
            News::Died {
                source,
                target,
                router,
            } => {
                if let Some(case) = self.cases.get_mut(&(source, target)) {
                    case.routers.insert(router);
                    case.died += 1;
                    if let Some(activity) = &mut case.activity {
                        activity.extend(now, 1);
                    }
                }
                self.judge((source, target), now, state, findings);
            }
            _ => {}
        }
    }

    fn close(&mut self, before: Option<Timestamp>, _: &mut State, findings: &mut Findings) {
        let ripe = self.cases.take_ripe(|case| {
            case.detected.is_some()
                && before.is_none_or(|before| case.activity.is_some_and(|a| a.last.time < before))
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

    fn probes(ttls: impl IntoIterator<Item = u32>, kind: &str) -> String {
        let mut lines = String::new();
        for (n, ttl) in ttls.into_iter().enumerate() {
            let port = if kind == "udp" { 33_434 + n } else { 80 };
            lines += &format!(
                "{:.2} 192.0.2.5:{} > 198.51.100.9:{port} {kind} ttl {ttl}\n",
                n as f64 * 0.05,
                40_000 + n
            );
        }
        lines
    }

    #[test]
    fn rising_times_to_live_are_a_trace_in_any_order() {
        let found = findings(&probes((1..=12).flat_map(|ttl| [ttl; 3]), "udp"));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].class, Class::Traceroute);
        assert_eq!(
            classes(&probes([2, 1, 4, 3, 6, 5], "udp")),
            [Class::Traceroute]
        );
    }

    #[test]
    fn a_trace_with_syns_is_no_flood_and_no_scan() {
        assert_eq!(
            classes(&probes((1..=30).flat_map(|ttl| [ttl; 3]), "S")),
            [Class::Traceroute]
        );
    }

    #[test]
    fn three_values_or_constant_low_ones_are_nothing() {
        assert!(classes(&probes([1, 2, 3], "udp")).is_empty());
        assert!(classes(&probes([1; 40], "udp")).is_empty());
        assert!(classes(&probes([20, 21, 22, 23, 24], "udp")).is_empty());
    }
}

//! Traceroute: packets to one host whose time to live rises from next to nothing.
//!
//! # What
//! UDP datagrams, echo requests or SYNs to one host with times to live 1, 2, 3, ...; routers answer that they died. Or
//! packets to several of its services that all end at one router, to learn what the filter before it passes.
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

use crate::address::Address;
use crate::config::{Config, Span};
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Ports};
use crate::news::{Moment, News, NewsKind, NewsKinds, Technique};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};
use crate::tools;

section! {
    /// When short lives are a trace of the route.
    Limits "route_trace" {
        hops: u32,
        first_hop: u32,
        last_hops: u32,
        walked_ports: usize,
        within: Span,
    }
}

/// What is known of one host's packets to another that were to die on the way.
#[derive(Default)]
struct Trace {
    /// One bit for each time to live seen.
    ttls: u32,
    /// Packets with one or two hops to live.
    last: u32,
    ports: Ports,
    routers: Addresses,
    died: u64,
    frames: Examples,
    technique: Option<Technique>,
    /// The two belong to different sites.
    far: bool,
}

impl Trace {
    /// Values in a row, from the lowest.
    fn rising(&self) -> u32 {
        (self.ttls >> self.ttls.trailing_zeros().min(31)).trailing_ones()
    }

    /// Whether several services are asked with one time to live, which ends at a router: traces ask at ports of their own.
    fn is_of_one_distance(&self, limits: &Limits) -> bool {
        let several = |number: u64| number >= limits.walked_ports as u64;
        let traces = |port: &u16| tools::TRACE.contains(port);
        self.ttls.count_ones() == 1
            && self.ttls.trailing_zeros() <= limits.first_hop
            && several(self.ports.len() as u64)
            && several(self.died)
            && !self.ports.list().iter().all(traces)
    }

    fn suffices(&self, limits: &Limits) -> bool {
        let first = self.ttls.trailing_zeros();
        // A path of two hops shows two values; then a router must have said that packets died.
        let rises = first <= limits.first_hop
            && (self.rising() >= limits.hops || (self.rising() >= 2 && self.died >= 2));
        // Seen near its end: what arrives from another site with one or two hops to live was sent to end here.
        let ends = self.far && self.last >= limits.last_hops && self.ttls.count_ones() > 1;
        rises || ends || self.is_of_one_distance(limits)
    }
}

impl Brief for Trace {
    type Key = (Address, Address);
    type Limits = Limits;

    fn finding(&self, key: &Self::Key, life: &Life, limits: &Limits) -> Option<Finding> {
        let transport = match self.technique? {
            Technique::Udp => Transport::Udp,
            Technique::Echo | Technique::Stamp | Technique::Arp => Transport::Icmp,
            _ => Transport::Tcp,
        };
        // Many services asked with short lives: what a filter passes, and no route.
        let many =
            self.ports.len() >= limits.walked_ports && transport == Transport::Tcp && self.died > 0;
        let walked = many || self.is_of_one_distance(limits);
        let what = if self.rising() > 1 {
            "times to live that rise from next to nothing"
        } else {
            "times to live of next to nothing"
        };
        let mut evidence = vec![fact(
            what,
            format!(
                "{} values in a row from {}",
                self.rising(),
                self.ttls.trailing_zeros()
            ),
            "the initial value of an operating system less the hops",
            &self.frames,
        )];
        if self.died > 0 {
            evidence.push(fact(
                "routers report that packets died",
                count(self.routers.len(), "router"),
                "none",
                [],
            ));
        }
        let draft = Draft {
            class: if walked {
                Class::Firewalk
            } else {
                Class::Traceroute
            },
            tool: None,
            sources: vec![key.0.to_ip().into()],
            targets: vec![key.1.to_ip().into()],
            transport,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.9,
            evidence,
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct RouteTrace {
    traces: Docket<Trace>,
}

impl RouteTrace {
    pub(super) fn new(config: &Config) -> Self {
        RouteTrace {
            traces: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn judge(
        &mut self,
        key: (Address, Address),
        now: Moment,
        state: &mut State,
        findings: &mut Findings,
    ) {
        if self.traces.judge(key, now, findings, Trace::suffices) {
            state.mark_traced(key.0, key.1);
        }
    }

    fn short_lived(
        &mut self,
        key: (Address, Address),
        (ttl, port, technique): (u8, Option<u16>, Technique),
        now: Moment,
        findings: &mut Findings,
    ) {
        let within = self.traces.limits().within.nanos();
        if self.traces.peek(&key).is_some_and(|folder| {
            folder.life.detected.is_none()
                && folder
                    .life
                    .activity
                    .is_some_and(|a| now.time.nanos_since(a.last.time) > within)
        }) {
            self.traces.drop(&key);
        }
        let trace = &mut self.traces.note(key, now, 1, findings).brief;
        trace.ttls |= 1u32.checked_shl(u32::from(ttl)).unwrap_or(0);
        trace.last += u32::from(matches!(ttl, 1 | 2));
        trace.far = !key.0.is_near(key.1);
        trace.technique.get_or_insert(technique);
        if let Some(port) = port {
            trace.ports.insert(port);
        }
        trace.frames.note(now.frame);
    }
}

impl Rule for RouteTrace {
    fn name(&self) -> &'static str {
        "route trace"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[NewsKind::ShortLived, NewsKind::Died])
    }

    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings) {
        match *news {
            News::ShortLived {
                source,
                target,
                ttl,
                port,
                technique,
            } => {
                self.short_lived((source, target), (ttl, port, technique), now, findings);
                self.judge((source, target), now, state, findings);
            }
            News::Died {
                source,
                target,
                router,
                ..
            } => {
                if let Some(folder) = self.traces.get(&(source, target)) {
                    folder.brief.routers.insert(router);
                    folder.brief.died += 1;
                    folder.life.extend(now, 1);
                    self.judge((source, target), now, state, findings);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.traces.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.traces.evicted()
    }
}

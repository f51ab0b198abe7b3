//! The rules: one file a family, one line each in [`all`].
//!
//! A rule hears what the state has learnt ([`News`]), keeps its own capped table of cases, says when a case has become
//! a claim, and hands a finding out when a case has been quiet for long, or at the end. It may mark a service as flooded or a source as scanning, so
//! that the state stops keeping connections for them; it changes nothing else.

mod backscatter;
mod callback;
mod dead_host;
mod flood;
mod port_scan;
mod route_trace;

use ipnet::IpNet;
use wire::Timestamp;

use crate::config::Config;
use crate::report::Findings;
use crate::state::{Moment, News, State};

/// One family of behaviours.
pub(crate) trait Rule {
    /// Name, for counters.
    fn name(&self) -> &'static str;

    /// Hears one piece of news.
    fn hear(&mut self, news: &News, now: Moment, state: &mut State, findings: &mut Findings);

    /// Hands out the findings of cases that have been quiet since `before`; of all where that is `None`.
    fn close(&mut self, before: Option<Timestamp>, state: &mut State, findings: &mut Findings);

    /// Cases that had to make room.
    fn evicted(&self) -> u64;
}

/// Every rule. A new one is a file and a line here.
pub(crate) fn all(config: &Config, home: &[IpNet]) -> Vec<Box<dyn Rule>> {
    vec![
        Box::new(port_scan::PortScan::new(config)),
        Box::new(flood::SynFlood::new(config)),
        Box::new(backscatter::Backscatter::new(config, home)),
        Box::new(callback::Callback::new(config)),
        Box::new(dead_host::DeadHost::new(config)),
        Box::new(route_trace::RouteTrace::new(config)),
    ]
}

//! The rules: one file a family, one line each in [`all`].

mod asset;
mod backscatter;
mod callback;
mod dead_host;
mod distributed;
mod explain;
mod fingerprint;
mod flood;
mod guessing;
mod latency;
mod mapping;
mod port_scan;
mod probe;
mod reflection;
mod route_trace;
mod shared_sweep;
mod sweep;
mod volume;

use crate::config::{Check, Config, check};
use crate::contract::Rule;

/// Every rule. A new one is a file, a line here, and one in [`sections`] if it has thresholds.
pub(crate) fn all(config: &Config) -> Vec<Box<dyn Rule>> {
    vec![
        Box::new(route_trace::RouteTrace::new(config)),
        Box::new(port_scan::PortScan::new(config)),
        Box::new(flood::SynFlood::new(config)),
        Box::new(backscatter::Backscatter::new(config)),
        Box::new(callback::Callback::new(config)),
        Box::new(dead_host::DeadHost::new(config)),
        Box::new(sweep::Sweep::new(config)),
        Box::new(guessing::Guessing::new(config)),
        Box::new(volume::Volume::new(config)),
        Box::new(distributed::Distributed::new(config)),
        Box::new(shared_sweep::SharedSweep::new(config)),
        Box::new(probe::Probe::new(config)),
        Box::new(fingerprint::Fingerprint::new(config)),
        Box::new(reflection::Reflection::new(config)),
        Box::new(explain::Explain::new(config)),
        Box::new(asset::Asset::new(config)),
        Box::new(mapping::Mapping::new(config)),
        Box::new(latency::Latency::new(config)),
    ]
}

/// Every section of thresholds, with its check.
pub(crate) fn sections() -> Vec<Check> {
    vec![
        check::<crate::state::Memory>(),
        check::<crate::state::Answers>(),
        check::<crate::state::Excuses>(),
        check::<crate::report::Reporting>(),
        check::<crate::suppress::Suppress>(),
        check::<port_scan::Scan>(),
        check::<port_scan::OddFlags>(),
        check::<port_scan::Stray>(),
        check::<port_scan::UdpScan>(),
        check::<flood::Limits>(),
        check::<backscatter::Limits>(),
        check::<dead_host::Limits>(),
        check::<route_trace::Limits>(),
        check::<explain::Limits>(),
        check::<reflection::Limits>(),
        check::<fingerprint::Limits>(),
        check::<probe::Limits>(),
        check::<distributed::Limits>(),
        check::<shared_sweep::Limits>(),
        check::<volume::Limits>(),
        check::<guessing::Limits>(),
        check::<sweep::Limits>(),
        check::<asset::Limits>(),
        check::<mapping::Limits>(),
        check::<latency::Limits>(),
    ]
}

#[cfg(test)]
mod tests {
    use labels::{Class, Verdict};

    /// Where classes are given.
    const CODE: [&str; 18] = [
        include_str!("asset.rs"),
        include_str!("backscatter.rs"),
        include_str!("callback.rs"),
        include_str!("dead_host.rs"),
        include_str!("distributed.rs"),
        include_str!("explain.rs"),
        include_str!("fingerprint.rs"),
        include_str!("flood/mod.rs"),
        include_str!("guessing.rs"),
        include_str!("latency.rs"),
        include_str!("mapping.rs"),
        include_str!("port_scan/claim.rs"),
        include_str!("probe.rs"),
        include_str!("reflection.rs"),
        include_str!("route_trace.rs"),
        include_str!("shared_sweep.rs"),
        include_str!("sweep.rs"),
        include_str!("volume.rs"),
    ];

    /// Classes that no rule gives, and why.
    const WITHOUT: [(Class, &str); 2] = [
        (
            Class::InventoryAgent,
            "frame by frame it is a NetBIOS sweep: only who has sent the agent can tell",
        ),
        (
            Class::LbPortScan,
            "it is a scan of a name server by somebody who means well: nothing on the wire says so",
        ),
    ];

    fn is_given(class: Class) -> bool {
        let name = format!("Class::{class:?}");
        CODE.iter().any(|code| {
            let code = code.split("#[cfg(test)]").next().unwrap_or_default();
            code.match_indices(&name).any(|(at, _)| {
                let after = code[at + name.len()..].chars().next();
                after.is_none_or(|c| !c.is_alphanumeric())
            })
        })
    }

    #[test]
    fn every_class_has_a_rule_or_a_reason() {
        let classes = Class::ALL.iter().copied();
        for class in classes.filter(|class| class.verdict() != Verdict::Normal) {
            let excused = WITHOUT.iter().any(|(known, _)| *known == class);
            assert_ne!(is_given(class), excused, "{class}");
        }
    }
}

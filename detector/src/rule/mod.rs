//! The rules: one file a family, one line each in [`all`].

mod asset;
mod backscatter;
mod callback;
mod dead_host;
mod distributed;
mod explain;
mod fingerprint;
mod flood;
mod form_login;
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
        Box::new(form_login::FormLogin::new(config)),
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
        check::<form_login::Limits>(),
        check::<sweep::Limits>(),
        check::<asset::Limits>(),
        check::<mapping::Limits>(),
        check::<latency::Limits>(),
    ]
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use labels::{Class, Verdict};

    /// The code of all rules, without their tests.
    fn code_of(folder: &Path) -> String {
        let mut code = String::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                code += &code_of(&path);
            } else if !path.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                code += text
                    .split("#[cfg(test)]\nmod tests")
                    .next()
                    .unwrap_or_default();
            }
        }
        code
    }

    /// Classes that no rule gives, and why.
    const WITHOUT: [(Class, &str); 1] = [(
        Class::LbPortScan,
        "it is a scan of a name server by somebody who means well: nothing on the wire says so",
    )];

    fn is_given(class: Class, code: &str) -> bool {
        let name = format!("Class::{class:?}");
        code.match_indices(&name).any(|(at, _)| {
            let after = code[at + name.len()..].chars().next();
            after.is_none_or(|c| !c.is_alphanumeric())
        })
    }

    #[test]
    fn every_class_has_a_rule_or_a_reason() {
        let code = code_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rule"));
        let classes = Class::ALL.iter().copied();
        for class in classes.filter(|class| class.verdict() != Verdict::Normal) {
            let excused = WITHOUT.iter().any(|(known, _)| *known == class);
            assert_ne!(is_given(class, &code), excused, "{class}");
        }
    }
}

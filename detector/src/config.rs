//! Thresholds, from the embedded `thresholds.toml` and a file that overrides it.

use serde::Deserialize;
use serde::de::{self, Deserializer};

/// The embedded thresholds, with their reasons as comments.
pub const DEFAULTS: &str = include_str!("../thresholds.toml");

/// Why thresholds cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text is not TOML.
    #[error("{0}")]
    Syntax(toml::de::Error),
    /// A key or value is not one of ours.
    #[error("{0}; `detector/thresholds.toml` shows what there is")]
    Value(toml::de::Error),
}

/// All thresholds. The reasons stand in `thresholds.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub(crate) memory: Memory,
    pub(crate) answers: Answers,
    pub(crate) report: Report,
    pub(crate) scan: Scan,
    pub(crate) odd_flags: OddFlags,
    pub(crate) stray: Stray,
    pub(crate) udp_scan: UdpScan,
    pub(crate) flood: Flood,
    pub(crate) backscatter: Backscatter,
    pub(crate) callback: Callback,
    pub(crate) dead_host: DeadHost,
    pub(crate) route_trace: RouteTrace,
}

macro_rules! section {
    ($name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $( pub(crate) $field: $type, )*
        }
    };
}

section!(Memory {
    connections: usize,
    waiting: usize,
    services: usize,
    pairs: usize,
    sources: usize,
    cases: usize,
});
section!(Answers {
    patience: Span,
    patience_at_end: Span,
});
section!(Report { quiet: Span });
section!(Scan {
    crafted_ports: usize,
    crafted_hosts: usize,
    torn: usize,
    raw_ports: usize,
    raw_hosts: usize,
    ports: usize,
    refused_ports: usize,
    open_and_refused: usize,
    friend_ports: usize,
    sweep_hosts: usize,
    scattered_hosts: usize,
    mixed: usize,
    friendly_percent: usize,
    sweep_shape_ports: usize,
    sweep_shape_hosts: usize,
    mute_after: u64,
    related: Vec<Vec<u16>>,
});
section!(OddFlags {
    contacts: usize,
    packets: u64,
});
section!(Stray {
    contacts: usize,
    reset_contacts: usize,
});
section!(UdpScan {
    unreachable_ports: usize,
    silent_ports: usize,
});
section!(Flood {
    level: u64,
    drain_per_second: u64,
    least: Span,
    sudden: u64,
    completed_one_in: u64,
    equal_isns: u32,
    refused_relief: u64,
});
section!(Backscatter {
    equal_acks: usize,
    signature: usize,
    endpoints: usize,
    service_ports: usize,
    complaints_after: Span,
});
section!(Callback { ident_within: Span });
section!(DeadHost {
    attempts: usize,
    retransmissions: usize,
});
section!(RouteTrace {
    hops: u32,
    first_hop: u32,
    within: Span,
});

impl Default for Config {
    fn default() -> Self {
        Config::with_overrides("").expect("the embedded thresholds are right, which a test checks")
    }
}

impl Config {
    /// The embedded thresholds, with those that `text` holds in their place.
    ///
    /// # Errors
    /// Fails on text that is not TOML, on an unknown key, and on a value of another type than the key's.
    pub fn with_overrides(text: &str) -> Result<Config, ConfigError> {
        let mut all: toml::Table = DEFAULTS.parse().map_err(ConfigError::Syntax)?;
        let own: toml::Table = text.parse().map_err(ConfigError::Syntax)?;
        for (section, values) in own {
            match (all.get_mut(&section), values) {
                (Some(toml::Value::Table(known)), toml::Value::Table(own)) => known.extend(own),
                (_, values) => {
                    all.insert(section, values);
                }
            }
        }
        all.try_into().map_err(ConfigError::Value)
    }
}

/// A length of time, written with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(u64);

impl Span {
    pub(crate) const fn nanos(self) -> u64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_span(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "'{text}' is no duration: write a number and ms, s, m or h, such as \"750ms\""
            ))
        })
    }
}

fn parse_span(text: &str) -> Option<Span> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let nanos = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(nanos).map(Span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_changes_what_it_names_and_nothing_else() {
        let config = Config::with_overrides("[answers]\npatience = \"750ms\"").unwrap();
        assert_eq!(config.answers.patience.nanos(), 750_000_000);
        let default = Config::default();
        assert_eq!(
            config.answers.patience_at_end,
            default.answers.patience_at_end
        );
    }

    #[test]
    fn what_is_not_ours_is_named() {
        let cases = [
            ("[answers]\npatiense = \"3s\"", "patiense"),
            ("[answers]\npatience = \"3 s\"", "'3 s'"),
            ("[memorie]\n", "memorie"),
            ("[scan]\nports = -1", "-1"),
            ("scan = 3", "scan"),
        ];
        for (text, named) in cases {
            let error = Config::with_overrides(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}

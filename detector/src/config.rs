//! Thresholds, from the embedded `thresholds.toml`, a preset, and a file that overrides both.
//!
//! A section belongs to the file that uses it, which declares its fields with `section!` and lists it in
//! `rule::sections`; its values and their reasons stand in `thresholds.toml`.

use std::rc::Rc;

use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer};

/// The embedded thresholds, with their reasons as comments.
pub const DEFAULTS: &str = include_str!("../thresholds.toml");

/// Named sets of thresholds that lie over the embedded ones: name, text.
pub const PRESETS: [(&str, &str); 3] = [
    ("quiet", include_str!("../presets/quiet.toml")),
    ("balanced", include_str!("../presets/balanced.toml")),
    ("paranoid", include_str!("../presets/paranoid.toml")),
];

/// Why thresholds cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text is not TOML.
    #[error("{0}")]
    Syntax(toml::de::Error),
    /// Keys or values are not ours: all of them, one a line.
    #[error("{}\n`crywolf detect --print-config` prints all that there is", .0.join("\n"))]
    Values(Vec<String>),
}

/// A group of thresholds that one file uses.
pub(crate) trait Section: DeserializeOwned + 'static {
    /// Its name in the thresholds file.
    const NAME: &'static str;
}

/// Declares a section: its type, its name, its thresholds.
macro_rules! section {
    ($(#[$doc:meta])* $type:ident $name:literal { $($field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $type {
            $( pub(crate) $field: $kind, )*
        }

        impl crate::config::Section for $type {
            const NAME: &'static str = $name;
        }
    };
}

/// All thresholds. The reasons stand in `thresholds.toml`.
#[derive(Clone, Debug)]
pub struct Config {
    table: Rc<toml::Table>,
}

/// Whether a section's values are right: its name and its check.
pub(crate) type Check = (&'static str, fn(&toml::Value) -> Result<(), String>);

/// The check of one section.
pub(crate) fn check<S: Section>() -> Check {
    (S::NAME, |value| {
        value
            .clone()
            .try_into::<S>()
            .map(|_| ())
            .map_err(|error| error.message().to_owned())
    })
}

impl Config {
    /// The embedded thresholds under layers of others, all that is wrong with them named.
    pub(crate) fn layered(layers: &[&str], sections: &[Check]) -> Result<Config, ConfigError> {
        let mut all: toml::Table = DEFAULTS.parse().map_err(ConfigError::Syntax)?;
        let mut wrong = Vec::new();
        for text in layers {
            let own: toml::Table = text.parse().map_err(ConfigError::Syntax)?;
            for (section, values) in own {
                match (all.get_mut(&section), values) {
                    (Some(toml::Value::Table(known)), toml::Value::Table(own)) => {
                        for (key, value) in own {
                            if known.contains_key(&key) {
                                known.insert(key, value);
                            } else {
                                wrong.push(format!("[{section}] has no threshold '{key}'"));
                            }
                        }
                    }
                    (Some(_), value) => {
                        wrong.push(format!("{section} is a section, not {}", value.type_str()))
                    }
                    (None, _) => wrong.push(format!("there is no section [{section}]")),
                }
            }
        }
        for (name, check) in sections {
            if let Some(Err(problem)) = all.get(*name).map(check) {
                wrong.push(format!("[{name}] {}", problem.trim_end()));
            }
        }
        if wrong.is_empty() {
            Ok(Config {
                table: Rc::new(all),
            })
        } else {
            Err(ConfigError::Values(wrong))
        }
    }

    /// The thresholds of a section.
    pub(crate) fn get<S: Section>(&self) -> S {
        self.table
            .get(S::NAME)
            .cloned()
            .and_then(|value| value.try_into().ok())
            .expect("each section is embedded, and was checked when it was read")
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
        wire::duration::parse(&text).map(Span).ok_or_else(|| {
            de::Error::custom(format!(
                "'{text}' is no duration: write a number and its unit, such as \"750ms\" or \"1h 30m\""
            ))
        })
    }
}

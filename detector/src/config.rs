//! Thresholds, from the embedded `thresholds.toml`, a preset, and a file that overrides both.
//!
//! A section belongs to the file that uses it, which declares its fields with `section!` and lists it in
//! [`crate::rule::sections`]; its values and their reasons stand in `thresholds.toml`.

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

impl Default for Config {
    fn default() -> Self {
        Config::with_overrides("").expect("the embedded thresholds are right, which a test checks")
    }
}

impl Config {
    /// The embedded thresholds, with those that `text` holds in their place.
    ///
    /// # Errors
    /// Fails on text that is not TOML, and on unknown keys and values of another type than the key's, all of which are
    /// named.
    pub fn with_overrides(text: &str) -> Result<Config, ConfigError> {
        Config::layered(&[text])
    }

    /// The thresholds of a preset, with those that `text` holds in their place; `None` where there is no such preset.
    ///
    /// # Errors
    /// As [`Config::with_overrides`].
    pub fn preset(name: &str, text: &str) -> Option<Result<Config, ConfigError>> {
        let (_, preset) = PRESETS.iter().find(|(known, _)| *known == name)?;
        Some(Config::layered(&[preset, text]))
    }

    fn layered(layers: &[&str]) -> Result<Config, ConfigError> {
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
        for (name, check) in crate::rule::sections() {
            if let Some(Err(problem)) = all.get(name).map(check) {
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
    use crate::state::Answers;

    #[test]
    fn an_override_changes_what_it_names_and_nothing_else() {
        let config = Config::with_overrides("[answers]\npatience = \"750ms\"").unwrap();
        assert_eq!(config.get::<Answers>().patience.nanos(), 750_000_000);
        assert_eq!(
            config.get::<Answers>().patience_at_end,
            Config::default().get::<Answers>().patience_at_end
        );
    }

    #[test]
    fn every_section_has_its_values_and_every_value_its_section() {
        let all: toml::Table = DEFAULTS.parse().unwrap();
        let mut declared: Vec<_> = crate::rule::sections()
            .iter()
            .map(|(name, _)| *name)
            .collect();
        declared.sort_unstable();
        let mut embedded: Vec<_> = all.keys().map(String::as_str).collect();
        embedded.sort_unstable();
        assert_eq!(declared, embedded);
    }

    #[test]
    fn presets_are_right() {
        for (name, _) in PRESETS {
            Config::preset(name, "").unwrap().unwrap();
        }
        assert!(Config::preset("loud", "").is_none());
    }

    #[test]
    fn what_is_not_ours_is_named_all_of_it_at_once() {
        let text = "scan = 3\n[answers]\npatience = \"3 s\"\npatiense = \"3s\"\n[memorie]\n[flood]\nlevel = -1";
        let error = Config::with_overrides(text).unwrap_err().to_string();
        for named in ["scan is a section", "'3 s'", "patiense", "memorie", "-1"] {
            assert!(error.contains(named), "{named}: {error}");
        }
    }
}

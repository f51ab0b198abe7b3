//! The thresholds that are in force: the embedded ones, a preset, and those of a file.

use crate::config::{Config, ConfigError, PRESETS};
use crate::rule::sections;

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
        Config::layered(&[text], &sections())
    }

    /// The thresholds of a preset, with those that `text` holds in their place; `None` where there is no such preset.
    ///
    /// # Errors
    /// As [`Config::with_overrides`].
    pub fn preset(name: &str, text: &str) -> Option<Result<Config, ConfigError>> {
        let (_, preset) = PRESETS.iter().find(|(known, _)| *known == name)?;
        Some(Config::layered(&[preset, text], &sections()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFAULTS;
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
        let mut declared: Vec<_> = sections().iter().map(|(name, _)| *name).collect();
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
        let text = "scan = 3\n[answers]\npatience = \"3\"\npatiense = \"3s\"\n[memorie]\n[flood]\nlevel = -1";
        let error = Config::with_overrides(text).unwrap_err().to_string();
        for named in ["scan is a section", "'3'", "patiense", "memorie", "-1"] {
            assert!(error.contains(named), "{named}: {error}");
        }
    }
}

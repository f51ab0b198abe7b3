//! Suites: which captures are wanted, as data. docs/src/reference/suites.md describes the format.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use include_dir::{Dir, include_dir};
use labels::{Class, Family, Verdict};
use serde::Deserialize;

use crate::capture::seeds;

static SUITES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/suites");

/// The suite of a grade of which nothing else is said.
pub const DEFAULT: &str = "default";

/// A list of captures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// One line.
    pub title: String,
    /// How long it takes, with what was measured.
    #[serde(default)]
    pub time: Option<String>,
    /// What it leaves out, or why it is as it is.
    #[serde(default)]
    pub note: Option<String>,
    /// Its parts.
    #[serde(rename = "part")]
    pub parts: Vec<Part>,
}

/// Scenarios, and how each of them is run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Part {
    /// By name, or files.
    pub ids: Vec<String>,
    /// By the family of their main event.
    pub families: Vec<String>,
    /// By its verdict.
    pub verdicts: Vec<String>,
    /// By its class.
    pub classes: Vec<String>,
    /// All.
    pub all: bool,
    /// Names taken out again.
    pub without: Vec<String>,
    /// `1..5`, both included; 1 when nothing is said.
    pub seeds: Option<String>,
    /// Steps of the ladder.
    pub difficulties: Steps,
    /// Ordinary traffic to lay under.
    pub background: Option<String>,
    /// Where to record; everywhere when empty.
    pub sensors: Vec<String>,
    /// Whether it is also made as published.
    pub published: bool,
}

/// Which steps of a scenario's ladder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "StepsText")]
pub enum Steps {
    /// None: the scenario as its file says.
    #[default]
    AsWritten,
    /// All that it has.
    Every,
    /// Those of these that it has.
    Named(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StepsText {
    One(String),
    Many(Vec<String>),
}

impl From<StepsText> for Steps {
    fn from(text: StepsText) -> Steps {
        match text {
            StepsText::One(word) if word == "every" => Steps::Every,
            StepsText::One(step) => Steps::Named(vec![step]),
            StepsText::Many(steps) => Steps::Named(steps),
        }
    }
}

impl Part {
    /// The seeds.
    ///
    /// # Errors
    /// Says how a range is written.
    pub fn seeds(&self) -> Result<RangeInclusive<u64>> {
        let text = self.seeds.as_deref().unwrap_or("1");
        seeds::parse_range(text).map_err(|message| anyhow!("seeds: {message}"))
    }

    /// What the words of a part choose by.
    ///
    /// # Errors
    /// Names the word that is none.
    pub fn by_kind(&self) -> Result<Kinds> {
        let family = |name: &String| {
            let known = || {
                Family::ALL
                    .iter()
                    .map(|family| family.name())
                    .collect::<Vec<_>>()
            };
            Family::from_name(name)
                .ok_or_else(|| anyhow!("families: '{name}' is none of {}", known().join(", ")))
        };
        let class = |name: &String| {
            Class::from_name(name).ok_or_else(|| {
                anyhow!("classes: no class is called '{name}': `crywolf list --classes` shows all")
            })
        };
        let verdict = |name: &String| {
            let known = Verdict::ALL.into_iter().find(|known| known.name() == name);
            known.ok_or_else(|| {
                let known = Verdict::ALL.map(Verdict::name).join(", ");
                anyhow!("verdicts: '{name}' is none of {known}")
            })
        };
        Ok(Kinds {
            families: self.families.iter().map(family).collect::<Result<_>>()?,
            verdicts: self.verdicts.iter().map(verdict).collect::<Result<_>>()?,
            classes: self.classes.iter().map(class).collect::<Result<_>>()?,
        })
    }
}

/// Kinds of main events.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    /// Families.
    pub families: Vec<Family>,
    /// Verdicts.
    pub verdicts: Vec<Verdict>,
    /// Classes.
    pub classes: Vec<Class>,
}

/// The suites that ship with the program, in alphabetical order.
pub fn built_in() -> Vec<String> {
    let stem = |file: &include_dir::File<'_>| {
        let stem = file.path().file_stem()?.to_str()?;
        Some(stem.to_owned())
    };
    let mut names: Vec<String> = SUITES.files().filter_map(stem).collect();
    names.sort();
    names
}

/// The suite of that name, or of that file.
///
/// # Errors
/// An unknown name, with those that are known; a file that cannot be read or is no suite, with the line.
pub fn find(name: &str) -> Result<Suite> {
    let shipped = SUITES.get_file(format!("{name}.toml"));
    let text = match shipped.and_then(|file| file.contents_utf8()) {
        Some(text) => text.to_owned(),
        None if Path::new(name).extension().is_some_and(|e| e == "toml") => {
            fs::read_to_string(name).with_context(|| format!("cannot read the suite {name}"))?
        }
        None => bail!(
            "no suite is called '{name}': there are {}; a file's name ends in .toml",
            built_in().join(", ")
        ),
    };
    read(&text).with_context(|| format!("suite {name}"))
}

fn read(text: &str) -> Result<Suite> {
    let suite: Suite = toml::from_str(text)?;
    if suite.parts.is_empty() {
        bail!("it has no [[part]], and chooses nothing");
    }
    for (part, number) in suite.parts.iter().zip(1..) {
        let read = part.seeds().and_then(|_| part.by_kind());
        read.with_context(|| format!("part {number}"))?;
    }
    Ok(suite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_that_ship_can_be_read() {
        assert!(built_in().contains(&DEFAULT.to_owned()));
        for name in built_in() {
            find(&name).unwrap();
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let error = |text: &str| format!("{:#}", read(text).unwrap_err());
        assert!(error("title = \"x\"\npart = []").contains("[[part]]"));
        let unknown = error("title = \"x\"\n[[part]]\nseed = 3\n");
        assert!(
            unknown.contains("line 3") && unknown.contains("`seeds`"),
            "{unknown}"
        );
        let kind = |words: &str| {
            error(&format!(
                "title = 'x'\n[[part]]\nall = true\n[[part]]\n{words}\n"
            ))
        };
        assert!(kind("verdicts = ['evil']").contains("backscatter"));
        assert!(
            kind("families = ['flod']").contains("part 2: families: 'flod' is none of port-scan")
        );
        assert!(kind("seeds = '3..1'").contains("part 2: seeds: '3..1' runs backwards"));
    }
}

//! One rule of a map: conditions, all of which must hold, and a conclusion.

use std::ops::RangeInclusive;

use super::{Blames, Conclusion};

/// What an alert says that a map can ask for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Named<'a> {
    /// The number of the generator.
    pub gid: Option<u64>,
    /// The number of the rule.
    pub sid: Option<u64>,
    /// The name of the notice, weird or rule.
    pub name: Option<&'a str>,
    /// The message in which letters are looked for.
    pub text: &'a str,
    /// The classification.
    pub category: Option<&'a str>,
    /// The detector's own severity.
    pub level: Option<u64>,
    /// The log it was written to.
    pub log: Option<&'a str>,
}

/// A rule of a map. A condition that is not set always holds.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(super) sids: Option<RangeInclusive<u64>>,
    pub(super) gid: Option<u64>,
    pub(super) name: Option<String>,
    /// In lower case.
    pub(super) matches: Vec<String>,
    /// In lower case.
    pub(super) category: Vec<String>,
    pub(super) level: Option<RangeInclusive<u64>>,
    pub(super) log: Option<String>,
    pub(super) conclusion: Conclusion,
    pub(super) blames: Blames,
}

impl Rule {
    /// Whether all conditions hold of an alert whose message in lower case is `text`.
    pub(super) fn fits(&self, said: &Named<'_>, text: &str) -> bool {
        let within = |range: &Option<RangeInclusive<u64>>, value: Option<u64>| {
            (range.as_ref()).is_none_or(|range| value.is_some_and(|value| range.contains(&value)))
        };
        within(&self.sids, said.sid)
            && within(&self.level, said.level)
            && (self.gid).is_none_or(|gid| said.gid == Some(gid))
            && (self.log.as_deref()).is_none_or(|log| said.log == Some(log))
            && (self.name.as_deref()).is_none_or(|name| said.name == Some(name))
            && self.matches.iter().all(|word| text.contains(word.as_str()))
            && (self.category.is_empty() || said.category.is_some_and(|said| self.lists(said)))
    }

    fn lists(&self, category: &str) -> bool {
        let category = category.to_lowercase();
        self.category.contains(&category)
    }
}

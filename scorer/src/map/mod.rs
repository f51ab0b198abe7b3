//! What a detector's rules mean in the classes of the taxonomy.
//!
//! Shape: a map is a list of rules; the first whose conditions all hold decides. A user's map lies over the shipped one:
//! its rules are tried first, and the keys of its head hold before those of the other. Files are read by [`MapFile`].

use std::sync::Arc;
use std::time::Duration;

use labels::{Class, Family, Verdict};

mod file;
mod rule;

pub use file::{MapErrors, MapFile, Mistake};
pub use rule::{Named, Rule};

/// The latency of a detector that declares none.
pub const DEFAULT_LATENCY: Duration = Duration::from_secs(60);

/// What a rule concludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It names the class.
    Class(Class),
    /// It names the family, and not which class of it.
    Family(Family),
    /// It says no more than that.
    Verdict(Verdict),
    /// It is no alert, for this reason.
    Ignored(Arc<str>),
}

/// Whom an alert accuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blames {
    /// The source of the packet.
    #[default]
    Source,
    /// Its target: the rule looks at answers.
    Target,
    /// One of the two: the packet may be a probe or an answer.
    Either,
}

/// A detector's map.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// How long after an event's last frame an alert may bear as its time.
    pub latency: Option<Duration>,
    /// How coarse its stamps are, where they are coarser than they look.
    pub resolution: Option<Duration>,
    /// The columns of a file without a header.
    pub fields: Vec<String>,
    rules: Vec<Rule>,
}

impl Map {
    /// The map of a user's file over the shipped one; either may be absent.
    pub fn layered(own: Option<MapFile>, shipped: Option<MapFile>) -> Map {
        let shipped = shipped.filter(|_| own.as_ref().is_none_or(|own| own.extends));
        let mut map = shipped.map(|file| file.map).unwrap_or_default();
        if let Some(MapFile { map: own, .. }) = own {
            map.latency = own.latency.or(map.latency);
            map.resolution = own.resolution.or(map.resolution);
            if !own.fields.is_empty() {
                map.fields = own.fields;
            }
            map.rules.splice(0..0, own.rules);
        }
        map
    }

    /// What the first rule that fits concludes, and whom it accuses.
    pub fn conclusion(&self, said: &Named<'_>) -> Option<(&Conclusion, Blames)> {
        let text = said.text.to_lowercase();
        let rule = self.rules.iter().find(|rule| rule.fits(said, &text))?;
        Some((&rule.conclusion, rule.blames))
    }
}

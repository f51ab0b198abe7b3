//! What a format of alerts is.

use super::fault::Fault;
use super::record::Record;
use crate::map::{DEFAULT_LATENCY, Map, MapErrors, MapFile};
use crate::{Alert, Options};

/// A format of alerts.
#[derive(Debug)]
pub struct Adapter {
    /// What `--from` calls it.
    pub name: &'static str,
    /// What it reads, in a few words.
    pub what: &'static str,
    /// How the names of its files usually end, the longest first.
    pub endings: &'static [&'static str],
    /// Its shipped map: the name of the file and its text.
    pub(super) map: Option<(&'static str, &'static str)>,
    /// Whether its alerts may have scores.
    pub(super) has_scores: bool,
    /// Whether it says itself what its alerts conclude and which span they speak of, as crywolf's own findings do.
    pub(super) is_ours: bool,
    pub(super) format: fn(&Map) -> Box<dyn Format>,
}

/// A file of one format, line by line.
pub(super) trait Format {
    /// What a line says; it has no line end, and is not empty.
    fn line(&mut self, text: &str) -> Result<Line, Fault>;
}

/// What a line is.
pub(super) enum Line {
    /// Of this format, and without a meaning of its own: a header.
    Head,
    /// A record of this format that is no alert, by its kind.
    Other(String),
    /// An alert, whose meaning the map knows.
    Record(Box<Record>),
    /// An alert that needs no map.
    Alert(Box<Alert>),
}

impl Adapter {
    /// The map of the detector: the user's file, if any, over the shipped one.
    ///
    /// # Errors
    /// A file that is made for another format. The shipped maps are known to be right.
    pub fn map(&self, own: Option<(&str, MapFile)>) -> Result<Map, MapErrors> {
        let shipped = match self.map {
            Some((file, text)) => Some(MapFile::parse(file, text)?),
            None => None,
        };
        if let Some((file, own)) = &own
            && own.detector != self.name
        {
            let what = format!(
                "this map is for '{}', and alerts come from '{}': give --from {0}, or another map",
                own.detector, self.name
            );
            let mistakes = vec![crate::map::Mistake { line: 1, what }];
            let file = (*file).to_owned();
            return Err(MapErrors { file, mistakes });
        }
        Ok(Map::layered(own.map(|(_, own)| own), shipped))
    }

    /// How the scorer is to take alerts of this format that a map explains.
    pub fn options(&self, map: &Map) -> Options {
        if self.is_ours {
            return Options {
                latency: map.latency.unwrap_or_default(),
                resolution: map.resolution,
                ..Options::crywolf()
            };
        }
        Options {
            detector: self.name.into(),
            latency: map.latency.unwrap_or(DEFAULT_LATENCY),
            resolution: map.resolution,
            raises_late: false,
            explains: None,
            scores: self.has_scores,
            ..Options::crywolf()
        }
    }

    /// Whether a line looks like one of this format.
    pub(super) fn knows(&self, text: &str) -> bool {
        let mut format = (self.format)(&Map::default());
        match format.line(text) {
            // A line of syslog may be of any program.
            Ok(Line::Head | Line::Other(_)) => !["psad", "snort"].contains(&self.name),
            Ok(Line::Record(_) | Line::Alert(_)) => true,
            Err(_) => false,
        }
    }
}

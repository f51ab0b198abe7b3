//! The lines of @WORDS@: what they are, and where the detector writes them.
//!
//! Source: the output of a version, or its documentation.
//! Not read: what else it writes.

use super::record::Record;
use super::contract::{Adapter, Format, Line};
use super::fault::Fault;
use super::stamp;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "@NAME@",
    what: "the lines of @WORDS@",
    endings: &[".@NAME@.log"],
    map: Some(("@NAME@.toml", include_str!("../../maps/@NAME@.toml"))),
    has_scores: false,
    is_ours: false,
    format: |_| Box::new(Lines),
};

struct Lines;

impl Format for Lines {
    fn line(&mut self, text: &str) -> Result<Line, Fault> {
        let unreadable = || Fault::Unreadable("no line of @WORDS@: TIME RULE".into());
        let (time, rule) = text.split_once(' ').ok_or_else(unreadable)?;
        let time = stamp::iso(time).ok_or_else(unreadable)?;
        Ok(Line::Record(Box::new(Record {
            text: rule.into(),
            ..Record::new(time, rule.into())
        })))
    }
}

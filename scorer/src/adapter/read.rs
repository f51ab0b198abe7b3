//! Files of any format, line by line, as alerts: what is the same for all of them.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contract::{Adapter, Line};
use super::fault::Fault;
use super::lines::{Lines, Text};
use super::record::Record;
use super::{ADAPTERS, Calendar};
use crate::Alert;
use crate::map::{Blames, Conclusion, Map};

/// Rules whose meaning is remembered. A format whose messages differ from alert to alert does not fill memory.
const REMEMBERED: usize = 4096;
/// As many lines tell whose file it is.
const TELLING: usize = 5;

/// Why alerts cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input failed, or is no text.
    #[error("cannot be read: {0}")]
    Input(#[from] std::io::Error),
    /// A line is wrong.
    #[error("line {line}: {what}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// There are lines, and none of them is of this format.
    #[error("no line of it is {what} ({from}){hint}; line {line}: {why}")]
    Foreign {
        /// The format.
        from: &'static str,
        /// What it reads.
        what: &'static str,
        /// Whose it may be.
        hint: String,
        /// The first line that is none.
        line: u64,
        /// Why not.
        why: String,
    },
}

/// What was read, beside the alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// Lines with something on them.
    pub lines: u64,
    /// Alerts, those that the map ignores or does not know among them.
    pub alerts: u64,
    /// Records of other kinds.
    pub other: BTreeMap<String, u64>,
    /// Lines that are no record of the format.
    pub unreadable: u64,
    /// The first of them.
    pub first_unreadable: Option<Unreadable>,
    /// Last lines without their end, which cannot be read.
    pub cut: u64,
}

/// A line that is no record of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unreadable {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub why: String,
}

/// Reads what a detector said of one capture: one file, or several that belong together, in any order.
pub struct Reader<'m> {
    adapter: &'static Adapter,
    map: &'m Map,
    calendar: Calendar,
    /// Meanings by all that the map looks at, as one text.
    known: BTreeMap<String, Meaning>,
    /// That text of the record at hand.
    key: String,
    reading: Reading,
}

#[derive(Clone)]
struct Meaning {
    /// The rule's name, shared by its alerts.
    rule: Arc<str>,
    conclusion: Option<Conclusion>,
    blames: Blames,
}

impl<'m> Reader<'m> {
    /// A reader of that format, with the detector's map and what completes its times.
    pub fn new(adapter: &'static Adapter, map: &'m Map, calendar: Calendar) -> Reader<'m> {
        Reader {
            adapter,
            map,
            calendar,
            known: BTreeMap::new(),
            key: String::new(),
            reading: Reading::default(),
        }
    }

    /// Reads one file to its end, and hands each alert to `take`.
    ///
    /// # Errors
    /// An input that fails, a line that is wrong, a file of another format. What was handed over before stays.
    pub fn read(
        &mut self,
        input: impl BufRead,
        mut take: impl FnMut(Alert),
    ) -> Result<(), ReadError> {
        self.records(input, |_, alert| take(alert))
    }

    /// What was read so far.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The same, with the number of each alert's line.
    pub(super) fn records(
        &mut self,
        input: impl BufRead,
        mut take: impl FnMut(u64, Alert),
    ) -> Result<(), ReadError> {
        let mut lines = Lines::new(input)?;
        let mut format = (self.adapter.format)(self.map);
        let (mut recognized, mut alerts, mut begins) = (false, 0u64, Vec::new());
        let mut first: Option<Unreadable> = None;
        while let Some(line) = lines.next()? {
            if line.text.is_empty() {
                continue;
            }
            self.reading.lines += 1;
            if begins.len() < TELLING {
                begins.push(line.text.clone().into_owned());
            }
            let said = format.line(&line.text).and_then(|said| self.alert(said));
            match said {
                Ok(alert) => {
                    recognized = true;
                    if let Some(alert) = alert {
                        alerts += 1;
                        self.reading.alerts += 1;
                        take(line.number, alert);
                    }
                }
                Err(Fault::Unreadable(why)) => {
                    let found = self.unreadable(&line, why);
                    first.get_or_insert(found);
                }
                // What a cut line lacks may be what is wrong with it.
                Err(Fault::Wrong(_)) if !line.is_whole && recognized => self.reading.cut += 1,
                Err(Fault::Wrong(what)) => {
                    let line = line.number;
                    let other = (!recognized).then(|| self.other(&begins)).flatten();
                    return Err(match other {
                        Some(_) => self.foreign(other, Unreadable { line, why: what }),
                        None => ReadError::Line { line, what },
                    });
                }
            }
        }
        let other = (alerts == 0).then(|| self.other(&begins)).flatten();
        if recognized && other.is_none() {
            return Ok(());
        }
        let none = Unreadable {
            line: 1,
            why: "no alert".into(),
        };
        match first.or(other.map(|_| none)) {
            None => Ok(()),
            Some(first) => Err(self.foreign(other, first)),
        }
    }

    /// Counts a line that could not be read.
    fn unreadable(&mut self, line: &Text<'_>, why: String) -> Unreadable {
        let found = Unreadable {
            line: line.number,
            why,
        };
        if line.is_whole {
            self.reading.unreadable += 1;
            let first = &mut self.reading.first_unreadable;
            first.get_or_insert_with(|| found.clone());
        } else {
            self.reading.cut += 1;
        }
        found
    }

    /// The error of a file that is none of this format, and may be another's.
    fn foreign(&self, other: Option<&Adapter>, first: Unreadable) -> ReadError {
        ReadError::Foreign {
            from: self.adapter.name,
            what: self.adapter.what,
            hint: other.map_or_else(String::new, |other| {
                format!(": it looks like {}, --from {}", other.what, other.name)
            }),
            line: first.line,
            why: first.why,
        }
    }

    /// Whose a file may be that begins so.
    fn other(&self, begins: &[String]) -> Option<&'static Adapter> {
        ADAPTERS.iter().copied().find(|adapter| {
            adapter.name != self.adapter.name && begins.iter().any(|line| adapter.knows(line))
        })
    }

    /// The alert of a line, where it is one.
    fn alert(&mut self, line: Line) -> Result<Option<Alert>, Fault> {
        match line {
            Line::Head => Ok(None),
            Line::Other(kind) => {
                *self.reading.other.entry(kind).or_default() += 1;
                Ok(None)
            }
            Line::Alert(alert) => Ok(Some(*alert)),
            Line::Record(mut record) => {
                let meaning = self.meaning(&record);
                // What a record says of itself goes before the map, and with it whom it accuses.
                if record.said.is_none() {
                    record.blame(meaning.blames);
                }
                let (rule, conclusion) = (meaning.rule, meaning.conclusion);
                record
                    .alert(rule, conclusion.as_ref(), &self.calendar)
                    .map(Some)
            }
        }
    }

    /// What the map says of a record's rule, looked up once a rule.
    fn meaning(&mut self, record: &Record) -> Meaning {
        self.key.clear();
        let level = record.level.map(|level| level.to_string());
        let said = [&record.category, &level, &record.log, &record.name];
        let said = said.map(|part| part.as_deref().unwrap_or_default());
        for part in [&*record.rule, &*record.text].iter().chain(&said) {
            self.key.push_str(part);
            self.key.push('\0');
        }
        if let Some(meaning) = self.known.get(&self.key) {
            return meaning.clone();
        }
        let found = self.map.conclusion(&record.named());
        let meaning = Meaning {
            rule: record.rule.as_str().into(),
            conclusion: found.map(|(conclusion, _)| conclusion.clone()),
            blames: found.map_or(Blames::Source, |(_, blames)| blames),
        };
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(self.key.clone(), meaning.clone());
        meaning
    }
}

//! The plain form, for detectors of one's own: a table with a header, or JSON lines, with columns of these names.
//!
//! Whoever writes it meant this form: a class that does not exist, a time that cannot be, a table without the column `time` are
//! errors, not lines to pass over.

use jiff::Timestamp;
use labels::{AddressBlock, Class, PortRange, Transport, Verdict};
use serde_json::{Map as Object, Value};

use super::cells::cells;
use super::contract::{Adapter, Format, Line};
use super::fault::Fault;
use super::record::{self, Record};
use super::stamp::{self, Stamp};
use crate::map::Conclusion;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "csv",
    what: "a table or JSON lines of your own detector",
    endings: &[".csv", ".tsv", ".jsonl", ".ndjson", ".json"],
    map: None,
    has_scores: true,
    is_ours: false,
    format: |_| Box::new(Table { columns: None }),
};

/// Times lie between these: milliseconds are not seconds.
const EARLIEST: &str = "1990-01-01T00:00:00Z";
const LATEST: &str = "2100-12-31T23:59:59Z";

struct Table {
    /// What divides cells, and the names of the columns; `None` before the header.
    columns: Option<(char, Vec<String>)>,
}

/// A value of a column.
enum Cell {
    One(String),
    Several(Vec<String>),
}

impl Format for Table {
    fn line(&mut self, text: &str) -> Result<Line, Fault> {
        let Some((delimiter, columns)) = &self.columns else {
            if text.starts_with('{') {
                return object(text);
            }
            self.columns = Some(header(text)?);
            return Ok(Line::Head);
        };
        let cells = cells(text, *delimiter)
            .ok_or_else(|| Fault::Wrong("a quoted cell does not end on its line".into()))?;
        if cells.len() > columns.len() {
            let (has, wants) = (cells.len(), columns.len());
            return Err(Fault::Wrong(format!(
                "{has} cells, and the header has {wants}: put a text that holds '{delimiter}' in double quotes"
            )));
        }
        record_of(|name| {
            let at = columns.iter().position(|column| column == name)?;
            let cell = cells.get(at).filter(|cell| !cell.is_empty())?;
            Some(Cell::One(cell.clone()))
        })
    }
}

/// The columns of a header.
fn header(text: &str) -> Result<(char, Vec<String>), Fault> {
    for delimiter in [',', ';', '\t'] {
        let names = cells(text, delimiter).unwrap_or_default();
        let names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        if names.iter().any(|name| name == "time") {
            return Ok((delimiter, names));
        }
    }
    Err(Fault::Wrong(
        "no header with a column 'time': the first line names the columns, such as time,source,target,class".into(),
    ))
}

fn object(text: &str) -> Result<Line, Fault> {
    let object: Object<String, Value> = serde_json::from_str(text)
        .map_err(|error| Fault::Unreadable(format!("no JSON object: {error}")))?;
    record_of(|name| {
        let plain = |value: &Value| match value {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        match object.get(name)? {
            Value::Array(list) => Some(Cell::Several(list.iter().filter_map(plain).collect())),
            value => plain(value).map(Cell::One),
        }
    })
}

/// The alert whose columns `get` tells.
fn record_of(get: impl Fn(&str) -> Option<Cell>) -> Result<Line, Fault> {
    let one = |name: &str| match get(name) {
        None => Ok(None),
        Some(Cell::One(text)) => Ok(Some(text)),
        Some(Cell::Several(_)) => Err(Fault::Wrong(format!("'{name}' is one value, not a list"))),
    };
    let time = one("time")?.ok_or_else(|| Fault::Wrong("no 'time': every alert has one".into()))?;
    let said = conclusion(one("class")?, one("verdict")?)?;
    let rule = one("rule")?;
    let default = match &said {
        Some(Conclusion::Class(class)) => class.name(),
        Some(Conclusion::Verdict(verdict)) => verdict.name(),
        _ if rule.is_some() => "",
        _ => {
            return Err(Fault::Wrong(
                "none of 'class', 'verdict' and 'rule': what does it say?".into(),
            ));
        }
    };
    let stamped = |name: &str| one(name)?.map(|text| moment(&text)).transpose();
    let port = |name: &str| one(name)?.map(|text| ports(name, &text)).transpose();
    let addresses = |name: &str| get(name).map_or(Ok(Vec::new()), |cell| blocks(name, cell));
    let wrong = |what: String| Fault::Wrong(what);
    Ok(Line::Record(Box::new(Record {
        start: stamped("start")?,
        end: stamped("end")?,
        sources: addresses("source")?,
        targets: addresses("target")?,
        sport: port("sport")?,
        dport: port("dport")?,
        transport: one("transport")?.and_then(|name| match name.to_ascii_lowercase().as_str() {
            "other" => Some(Transport::Other),
            name => record::transport(Some(name)),
        }),
        frame: match one("frame")? {
            None => None,
            Some(text) => Some(
                text.parse()
                    .ok()
                    .filter(|frame| *frame > 0)
                    .ok_or_else(|| {
                        wrong(format!(
                            "'{text}' is no number of a frame: they count from 1"
                        ))
                    })?,
            ),
        },
        score: match one("score")? {
            None => None,
            Some(text) => Some(
                text.parse()
                    .ok()
                    .filter(|score: &f64| score.is_finite())
                    .ok_or_else(|| {
                        wrong(format!("'{text}' is no score: a number, higher is surer"))
                    })?,
            ),
        },
        name: rule.clone(),
        text: rule.clone().unwrap_or_default(),
        said,
        ..Record::new(moment(&time)?, rule.unwrap_or_else(|| default.to_owned()))
    })))
}

fn conclusion(class: Option<String>, verdict: Option<String>) -> Result<Option<Conclusion>, Fault> {
    let verdict = match verdict {
        None => None,
        Some(name) => Some(Verdict::from_name(&name).ok_or_else(|| {
            let all = Verdict::ALL.map(Verdict::name).join(", ");
            Fault::Wrong(format!("'{name}' is no verdict; there are {all}"))
        })?),
    };
    let Some(name) = class else {
        return Ok(verdict.map(Conclusion::Verdict));
    };
    let class = Class::from_name(&name).ok_or_else(|| {
        Fault::Wrong(format!(
            "'{name}' is no class; `crywolf list --classes` shows all"
        ))
    })?;
    match verdict {
        Some(verdict) if verdict != class.verdict() => Err(Fault::Wrong(format!(
            "it contradicts itself: the verdict of {class} is {}, not {verdict}",
            class.verdict()
        ))),
        _ => Ok(Some(Conclusion::Class(class))),
    }
}

fn moment(text: &str) -> Result<Stamp, Fault> {
    let exact = stamp::epoch(text).map(Stamp::Exact);
    let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
    let stamp = exact.or_else(|| stamp::iso(text)).ok_or_else(|| {
        Fault::Wrong(match is_number {
            true => beyond(text),
            false => format!("'{text}' is no time: RFC 3339, such as 2024-06-01T12:00:05.25Z, or seconds since 1970"),
        })
    })?;
    let about = match &stamp {
        Stamp::Exact(time) => Some(*time),
        Stamp::Local(readings) => readings.first().and_then(|local| {
            local
                .to_zoned(jiff::tz::TimeZone::UTC)
                .ok()
                .map(|zoned| zoned.timestamp())
        }),
        Stamp::Yearless(..) => None,
    };
    let bound = |text: &str| text.parse::<Timestamp>().ok();
    if about.is_none() || about < bound(EARLIEST) || about > bound(LATEST) {
        return Err(Fault::Wrong(beyond(text)));
    }
    Ok(stamp)
}

fn beyond(text: &str) -> String {
    format!(
        "'{text}' lies not between 1990 and 2100: seconds since 1970 are wanted, not milliseconds, in plain digits"
    )
}

fn ports(name: &str, text: &str) -> Result<PortRange, Fault> {
    record::ports(text).ok_or_else(|| {
        Fault::Wrong(format!(
            "{name} '{text}' is neither a port nor a range such as 20-36"
        ))
    })
}

fn blocks(name: &str, cell: Cell) -> Result<Vec<AddressBlock>, Fault> {
    let parts = match cell {
        Cell::One(text) => text.split(';').map(|part| part.trim().to_owned()).collect(),
        Cell::Several(list) => list,
    };
    let parts = parts.iter().filter(|part| !part.is_empty());
    let read = |part: &String| {
        part.parse()
            .map_err(|error| Fault::Wrong(format!("{name}: {error}")))
    };
    parts.map(read).collect()
}

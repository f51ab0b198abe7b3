//! Zeek's notice.log and weird.log, as tab-separated tables or JSON lines; a file may hold both.
//!
//! Source: `base/frameworks/notice/main.zeek`, `weird.zeek`, `base/frameworks/logging/writers/ascii.zeek`, and the logs of Zeek's tests.
//! Not read: other logs; a notice never tells a frame.

use serde_json::{Map as Object, Value};

use super::contract::{Adapter, Format, Line};
use super::fault::Fault;
use super::record::{self, Record};
use super::stamp;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "zeek",
    what: "Zeek's notice.log and weird.log",
    endings: &[".notice.log", ".weird.log", ".log", ".json"],
    map: Some(("zeek.toml", include_str!("../../maps/zeek.toml"))),
    has_scores: false,
    is_ours: false,
    format: |_| Box::new(Log::default()),
};

/// What the lines above say of those below.
struct Log {
    separator: char,
    unset: String,
    empty: String,
    path: String,
    fields: Vec<String>,
}

impl Default for Log {
    fn default() -> Log {
        Log {
            separator: '\t',
            unset: "-".into(),
            empty: "(empty)".into(),
            path: String::new(),
            fields: Vec::new(),
        }
    }
}

impl Format for Log {
    fn line(&mut self, text: &str) -> Result<Line, Fault> {
        if let Some(head) = text.strip_prefix('#') {
            return self.head(head);
        }
        if text.starts_with('{') {
            let object: Object<String, Value> = serde_json::from_str(text)
                .map_err(|error| Fault::Unreadable(format!("not a log of Zeek: {error}")))?;
            let get = |key: &str| match object.get(key)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            let of_itself = || {
                if object.contains_key("note") {
                    "notice"
                } else {
                    "weird"
                }
            };
            let path = get("_path").unwrap_or_else(|| of_itself().into());
            return entry(&path, get);
        }
        let cells: Vec<&str> = text.split(self.separator).collect();
        if self.fields.is_empty() {
            return Err(Fault::Unreadable("no line #fields before it".into()));
        }
        if cells.len() != self.fields.len() {
            let (has, wants) = (cells.len(), self.fields.len());
            return Err(Fault::Unreadable(format!(
                "{has} columns in place of {wants}"
            )));
        }
        entry(&self.path, |key| {
            let at = self.fields.iter().position(|field| field == key)?;
            let cell = cells.get(at)?;
            let is_set = **cell != self.unset && **cell != self.empty;
            is_set.then(|| unescaped(cell))
        })
    }
}

impl Log {
    fn head(&mut self, head: &str) -> Result<Line, Fault> {
        let (key, value) = head.split_once([self.separator, ' ']).unwrap_or((head, ""));
        match key {
            "separator" => self.separator = unescaped(value).chars().next().unwrap_or('\t'),
            "unset_field" => self.unset = value.into(),
            "empty_field" => self.empty = value.into(),
            "path" => self.path = value.into(),
            "fields" => self.fields = value.split(self.separator).map(Into::into).collect(),
            _ => {}
        }
        Ok(Line::Head)
    }
}

/// The record of a log's line, whose values `get` tells.
fn entry(path: &str, get: impl Fn(&str) -> Option<String>) -> Result<Line, Fault> {
    let name = match path {
        "notice" => get("note"),
        "weird" => get("name"),
        other => return Ok(Line::Other(other.to_owned())),
    };
    let missing = |what: &str| Fault::Unreadable(format!("not of Zeek's {path}.log: no {what}"));
    let name = name.ok_or_else(|| missing(if path == "notice" { "note" } else { "name" }))?;
    let ts = get("ts").ok_or_else(|| missing("ts"))?;
    let time = match ts.contains('T') {
        true => stamp::iso(&ts),
        false => stamp::epoch(&ts).map(stamp::Stamp::Exact),
    };
    let time = time.ok_or_else(|| Fault::Unreadable(format!("'{ts}' is no time")))?;
    let number = |key: &str| get(key).and_then(|text| text.parse::<u64>().ok());
    // Port 0 of a flow without a connection is no port.
    let of_connection = get("uid").is_some();
    let own = |key: &str| number(key).filter(|_| of_connection);
    let proto = get("proto").or_else(|| get("source"));
    Ok(Line::Record(Box::new(Record {
        sources: record::address(get("src").or_else(|| get("id.orig_h")).as_deref())?,
        targets: record::address(get("dst").or_else(|| get("id.resp_h")).as_deref())?,
        sport: record::port(own("id.orig_p")),
        dport: record::port(own("id.resp_p").or_else(|| number("p"))),
        transport: record::transport(proto.as_deref()),
        text: format!("{name} {}", get("msg").unwrap_or_default()),
        name: Some(name.clone()),
        log: Some(path.to_owned()),
        ..Record::new(time, name)
    })))
}

/// Text in which `\x09` stands for a byte.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend(before.bytes());
        let byte = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.extend(b"\\x");
                rest = after;
            }
        }
    }
    bytes.extend(rest.bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

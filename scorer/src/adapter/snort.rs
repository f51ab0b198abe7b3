//! Alerts of Snort 3 (`alert_json`, `alert_csv`) and of Snort 2 (`alert_fast`, also written by Snort 3 and, as `fast.log`, by
//! Suricata, and the same in syslog). Each line tells its form.
//!
//! Source: `src/loggers/alert_json.cc`, `alert_csv.cc`, `src/log/log_text.cc` of Snort 3; `spo_alert_fast.c`, `spo_alert_syslog.c` of Snort 2.9.
//! Not read: unified2, full alerts of several lines.

use serde_json::{Map as Object, Value};

use super::cells::cells;
use super::contract::{Adapter, Format, Line};
use super::fault::Fault;
use super::record::{self, Record};
use super::stamp::{self, Stamp};

pub(super) const ADAPTER: Adapter = Adapter {
    name: "snort",
    what: "Snort's alert_json, alert_csv, fast alerts and syslog",
    endings: &[
        ".alert_json.txt",
        ".alert_csv.txt",
        ".alert_fast.txt",
        ".alert",
        ".txt",
        ".log",
        ".json",
    ],
    map: Some(("snort.toml", include_str!("../../maps/snort.toml"))),
    has_scores: false,
    is_ours: false,
    format: |map| {
        Box::new(Alerts {
            fields: map.fields.clone(),
        })
    },
};

/// The columns of alert_csv where nothing else is configured.
const DEFAULT_FIELDS: [&str; 10] = [
    "timestamp",
    "pkt_num",
    "proto",
    "pkt_gen",
    "pkt_len",
    "dir",
    "src_ap",
    "dst_ap",
    "rule",
    "action",
];

struct Alerts {
    /// The columns of alert_csv as the map repeats them.
    fields: Vec<String>,
}

impl Format for Alerts {
    fn line(&mut self, text: &str) -> Result<Line, Fault> {
        if text.starts_with('{') {
            let object: Object<String, Value> = serde_json::from_str(text)
                .map_err(|error| Fault::Unreadable(format!("not alert_json: {error}")))?;
            return record_of(|key| match object.get(key)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
        }
        if let Some(found) = fast(text) {
            return found.map(|record| Line::Record(Box::new(record)));
        }
        if let Some((_, rest)) = stamp::syslog(text) {
            let program = rest.split_whitespace().nth(1).unwrap_or_default();
            let name = program.split(['[', ':']).next().unwrap_or_default();
            return Ok(Line::Other(match name {
                "" => "syslog".into(),
                name => format!("line of {name}"),
            }));
        }
        let cells = cells(text, ',').unwrap_or_default();
        let names: Vec<&str> = match self.fields.len() {
            own if own > 0 && own == cells.len() => {
                self.fields.iter().map(String::as_str).collect()
            }
            _ if cells.len() == DEFAULT_FIELDS.len() => DEFAULT_FIELDS.to_vec(),
            _ => {
                return Err(Fault::Unreadable(
                    "neither JSON nor a fast alert nor the columns of alert_csv (other columns are named in a map: fields = \"...\")"
                        .into(),
                ));
            }
        };
        record_of(|key| {
            let at = names.iter().position(|name| *name == key)?;
            cells.get(at).filter(|cell| !cell.is_empty()).cloned()
        })
    }
}

/// The alert of Snort 3 whose fields `get` tells.
fn record_of(get: impl Fn(&str) -> Option<String>) -> Result<Line, Fault> {
    let missing = |what: &str| Fault::Unreadable(format!("not an alert of Snort: no {what}"));
    let number = |key: &str| get(key).and_then(|text| text.parse::<u64>().ok());
    let fine = get("timestamp").and_then(|text| stamp::snort(&text));
    let seconds = get("seconds").and_then(|text| stamp::epoch(&text));
    let time = match (seconds, fine) {
        (Some(seconds), Some(fine)) => Stamp::with_fraction(seconds, &fine),
        (Some(seconds), None) => Stamp::Exact(seconds),
        (None, Some(fine)) => fine,
        (None, None) => return Err(missing("time")),
    };
    let whole = get("rule");
    let mut numbers =
        (whole.as_deref().unwrap_or_default().split(':')).map(|part| part.parse().ok());
    let (gid, sid) = match (number("gid"), number("sid")) {
        (Some(gid), Some(sid)) => (gid, sid),
        _ => (numbers.next().flatten().zip(numbers.next().flatten()))
            .ok_or_else(|| missing("rule"))?,
    };
    let proto = get("proto");
    let end = |address: &str, port: &str, both: &str| {
        let together = get(both).and_then(|both| {
            both.rsplit_once(':')
                .map(|(a, p)| (a.into(), p.parse().ok()))
        });
        let (apart, its_port) = together.unwrap_or_default();
        (
            get(address).or(Some(apart).filter(|text: &String| !text.is_empty())),
            number(port).or(its_port),
        )
    };
    let (source, sport) = end("src_addr", "src_port", "src_ap");
    let (target, dport) = end("dst_addr", "dst_port", "dst_ap");
    let message = get("msg").unwrap_or_default();
    Ok(Line::Record(Box::new(finished(
        Record {
            sources: record::address(source.as_deref())?,
            targets: record::address(target.as_deref())?,
            sport: record::port(sport),
            dport: record::port(dport),
            frame: number("pkt_num").filter(|frame| *frame > 0),
            category: get("class"),
            level: number("priority"),
            ..Record::new(time, String::new())
        },
        [gid, sid],
        message,
        proto.as_deref(),
    ))))
}

/// What all forms share: the rule by number and message, and ports of those that have some.
fn finished(record: Record, [gid, sid]: [u64; 2], message: String, proto: Option<&str>) -> Record {
    let has_ports =
        proto.is_some_and(|proto| ["tcp", "udp"].contains(&proto.to_ascii_lowercase().as_str()));
    Record {
        transport: record::transport(proto),
        sport: record.sport.filter(|_| has_ports),
        dport: record.dport.filter(|_| has_ports),
        rule: format!("{gid}:{sid} {message}").trim_end().to_owned(),
        gid: Some(gid),
        sid: Some(sid),
        name: Some(message.clone()),
        text: message,
        ..record
    }
}

/// A fast alert: `TIME [**] [GID:SID:REV] MESSAGE [**] [Classification: C] [Priority: N] {PROTO} A -> B`; in syslog without `[**]`,
/// and with a colon after the priority. `None` for a line of another form.
fn fast(text: &str) -> Option<Result<Record, Fault>> {
    let (time, rest) = match text.split_once(' ') {
        Some((word, rest)) if word.contains('/') => (stamp::snort(word)?, rest),
        _ => {
            let (time, rest) = stamp::syslog(text)?;
            let (_host, rest) = rest.split_once(' ')?;
            let (_program, rest) = rest.split_once(": ")?;
            (time, rest)
        }
    };
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("[**]").unwrap_or(rest).trim_start();
    let (numbers, rest) = rest.strip_prefix('[')?.split_once(']')?;
    let mut parts = numbers.split(':').map(|part| part.parse::<u64>().ok());
    let (gid, sid) = (parts.next()??, parts.next()??);
    let (left, right) = rest.rsplit_once(" -> ")?;
    let (left, source) = left.rsplit_once("} ")?;
    let (left, proto) = left.rsplit_once('{')?;
    let bracketed = |key: &str| {
        let (before, after) = left.split_once(key)?;
        Some((before, after.split_once(']')?.0))
    };
    let category = bracketed("[Classification: ");
    let level = bracketed("[Priority: ");
    let message = category.or(level).map_or(left, |(before, _)| before).trim();
    let message = message.strip_suffix("[**]").unwrap_or(message).trim();
    let ported = ["TCP", "UDP"].contains(&proto);
    let record = || {
        let (sources, sport) = end(source.trim(), ported)?;
        let (targets, dport) = end(right.trim(), ported)?;
        let record = Record {
            sources,
            targets,
            sport: record::port(sport),
            dport: record::port(dport),
            category: category.map(|(_, category)| category.to_owned()),
            level: level.and_then(|(_, level)| level.parse().ok()),
            ..Record::new(time, String::new())
        };
        Ok(finished(
            record,
            [gid, sid],
            message.to_owned(),
            Some(proto),
        ))
    };
    Some(record())
}

/// An address, with its port behind the last colon. A fragment has none.
fn end(text: &str, ported: bool) -> Result<(Vec<labels::AddressBlock>, Option<u64>), Fault> {
    if ported
        && let Some((address, port)) = text.rsplit_once(':')
        && let (Ok(address), Ok(port)) = (record::address(Some(address)), port.parse())
    {
        return Ok((address, Some(port)));
    }
    Ok((record::address(Some(text))?, None))
}

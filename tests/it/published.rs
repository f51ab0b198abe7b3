//! Each published trace, field by field: what the document prints against what tshark reads from our capture.
//!
//! Frames that the document leaves out may stand between. A published packet is found at its time, to the millisecond
//! or to the resolution at which it is printed, counted from the first; then each printed field must be equal.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::tools::{crywolf_ok, has, tshark};

/// Offsets may differ by a millisecond.
const TOLERANCE_MICROS: i64 = 1_000;
/// Where a log prints whole seconds, by one of those.
const SECOND_MICROS: i64 = 1_000_000;

const FIELDS: [&str; 25] = [
    "frame.time_epoch",
    "ip.src",
    "ip.dst",
    "ip.proto",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.len",
    "tcp.window_size_value",
    "tcp.urgent_pointer",
    "tcp.options",
    "udp.srcport",
    "udp.dstport",
    "udp.length",
    "icmp.type",
    "icmp.code",
    "ip.flags.df",
    "ip.dsfield",
    "ip.ttl",
    "ip.id",
    "llc.dsap",
    "llc.type",
    "eth.len",
];

/// The fields of a published packet that are compared, beside its time and its two ends.
const COMPARED: [&str; 18] = [
    "proto",
    "sport",
    "dport",
    "flags",
    "seq",
    "seq_end",
    "len",
    "ack",
    "win",
    "opts",
    "df",
    "tos",
    "ttl",
    "id",
    "encap",
    "urg",
    "icmp_type",
    "icmp_code",
];

/// A frame as tshark reads it; of fields that occur twice, as in a quoted packet, the first.
struct Frame(BTreeMap<&'static str, String>);

impl Frame {
    fn text(&self, field: &str) -> &str {
        let text = self.0.get(field).map_or("", String::as_str);
        text.split(',').next().unwrap_or_default()
    }

    fn number(&self, field: &str) -> i64 {
        let text = self.text(field);
        match text.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).unwrap_or(-1),
            None => text.parse().unwrap_or(-1),
        }
    }

    fn micros(&self) -> i64 {
        let (seconds, fraction) = self.text("frame.time_epoch").split_once('.').unwrap();
        seconds.parse::<i64>().unwrap() * 1_000_000 + fraction[..6].parse::<i64>().unwrap()
    }

    fn options(&self) -> String {
        let hex = self.text("tcp.options");
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        wire::Options::from_bytes(&bytes).to_string()
    }

    /// Addresses and ports of a segment.
    fn ends(&self) -> [String; 4] {
        ["ip.src", "tcp.srcport", "ip.dst", "tcp.dstport"].map(|field| self.text(field).to_owned())
    }
}

/// Sequence numbers from which a connection is counted, by source, port, destination, port.
type Bases = BTreeMap<[String; 4], i64>;

fn frames(capture: &Path) -> Vec<Frame> {
    let rows = tshark(capture, &FIELDS);
    rows.into_iter()
        .map(|row| Frame(FIELDS.into_iter().zip(row).collect()))
        .collect()
}

/// The first sequence number of each direction, which relative numbers count from.
fn bases(frames: &[Frame]) -> Bases {
    let mut bases = Bases::new();
    for frame in frames
        .iter()
        .filter(|frame| !frame.text("tcp.seq_raw").is_empty())
    {
        bases
            .entry(frame.ends())
            .or_insert_with(|| frame.number("tcp.seq_raw"));
    }
    bases
}

/// The values of a frame under the names of the published fields.
fn values(frame: &Frame, bases: &Bases, relative: bool) -> BTreeMap<&'static str, Value> {
    let framing = if frame.text("llc.dsap").is_empty() {
        "ethernet"
    } else {
        "llc-snap"
    };
    let mut values = BTreeMap::from([
        (
            "df",
            Value::from(["True", "1"].contains(&frame.text("ip.flags.df"))),
        ),
        ("tos", Value::from(frame.number("ip.dsfield"))),
        ("ttl", Value::from(frame.number("ip.ttl"))),
        ("id", Value::from(frame.number("ip.id"))),
        ("encap", Value::from(framing)),
    ]);
    match frame.number("ip.proto") {
        6 => values.extend(segment(frame, bases, relative)),
        17 => values.extend([
            ("proto", Value::from("udp")),
            ("sport", Value::from(frame.number("udp.srcport"))),
            ("dport", Value::from(frame.number("udp.dstport"))),
            ("len", Value::from(frame.number("udp.length") - 8)),
        ]),
        1 => values.extend([
            ("proto", Value::from("icmp")),
            ("icmp_type", Value::from(frame.number("icmp.type"))),
            ("icmp_code", Value::from(frame.number("icmp.code"))),
        ]),
        _ => {}
    }
    values
}

fn segment(frame: &Frame, bases: &Bases, relative: bool) -> Vec<(&'static str, Value)> {
    let [a, b, c, d] = frame.ends();
    let reverse = [c.clone(), d.clone(), a.clone(), b.clone()];
    let base = |key: &[String; 4]| {
        if relative {
            bases.get(key).copied().unwrap_or(0)
        } else {
            0
        }
    };
    let wrap = |value: i64| value.rem_euclid(1 << 32);
    let length = frame.number("tcp.len");
    // A sequence number of 0 in a reset belongs to no count.
    let sequence = match frame.number("tcp.seq_raw") {
        0 => 0,
        raw => wrap(raw - base(&[a, b, c, d])),
    };
    let mut acknowledgment = wrap(frame.number("tcp.ack_raw") - base(&reverse));
    // The scanner's FIN begins its direction at 0: the answer is printed as it is.
    if bases.get(&reverse) == Some(&0) {
        acknowledgment = frame.number("tcp.ack_raw");
    }
    let flags = wire::Flags(u16::try_from(frame.number("tcp.flags")).unwrap_or(0));
    vec![
        ("proto", Value::from("tcp")),
        ("sport", Value::from(frame.number("tcp.srcport"))),
        ("dport", Value::from(frame.number("tcp.dstport"))),
        ("flags", Value::from(sorted(&flags.to_string()))),
        ("seq", Value::from(sequence)),
        ("seq_end", Value::from(wrap(sequence + length))),
        ("len", Value::from(length)),
        ("ack", Value::from(acknowledgment)),
        ("win", Value::from(frame.number("tcp.window_size_value"))),
        ("urg", Value::from(frame.number("tcp.urgent_pointer"))),
        ("opts", Value::from(frame.options())),
    ]
}

/// Flags are letters in any order; `none` is none.
fn sorted(flags: &str) -> String {
    let mut letters: Vec<char> = flags.replace("none", "").chars().collect();
    letters.sort_unstable();
    letters.into_iter().collect()
}

/// When a packet was printed, in microseconds, where it was.
fn printed_micros(packet: &Value) -> Option<i64> {
    let text = packet["t"].as_str()?;
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
    let [hours, minutes, seconds] = parts.as_slice() else {
        panic!("{text} is a time of day")
    };
    let micros: i64 = format!("{fraction:0<6}")[..6].parse().unwrap();
    let days = packet["day"].as_i64().unwrap_or_else(|| {
        let date = packet["date"].as_str().unwrap_or("01/01").replace('-', "/");
        let parts: Vec<i64> = date.split('/').map(|part| part.parse().unwrap()).collect();
        let [.., month, day] = parts.as_slice() else {
            panic!("{date} is a date")
        };
        // Within a season, which is all that a trace spans; 2000 was a leap year.
        const BEFORE: [i64; 13] = [0, 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];
        BEFORE[usize::try_from(*month).unwrap()] + day
    });
    Some(((days * 24 + hours) * 3600 + minutes * 60 + seconds) * 1_000_000 + micros)
}

fn tolerance(packet: &Value) -> i64 {
    let whole = packet["t"]
        .as_str()
        .is_some_and(|t| t.ends_with(".000000") || !t.contains('.'));
    if whole {
        SECOND_MICROS
    } else {
        TOLERANCE_MICROS
    }
}

/// Compares one trace: equal fields, all printed fields, and what differs.
pub fn compare(trace: &Path, capture: &Path) -> (usize, usize, Vec<String>) {
    let text = fs::read_to_string(trace).unwrap();
    let published: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let frames = frames(capture);
    let bases = bases(&frames);
    let (mut equal, mut all, mut differences) = (0, 0, Vec::new());
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut used = vec![false; frames.len()];
    // The printed time of the first packet, and the time of its frame.
    let mut anchor: Option<(i64, i64)> = None;
    for packet in &published {
        let relative = packet["numbering"] == "relative";
        let judge = |frame: &Frame| mistakes(packet, &values(frame, &bases, relative));
        let time = printed_micros(packet);
        let off = |frame: &Frame| match (time, anchor) {
            (Some(time), Some((printed, start))) => {
                (frame.micros() - start - (time - printed)).abs()
            }
            _ => 0,
        };
        let best = (0..frames.len())
            .filter(|n| !used[*n] && off(&frames[*n]) <= tolerance(packet))
            .min_by_key(|n| (judge(&frames[*n]).len(), off(&frames[*n]), *n));
        let fields = COMPARED
            .iter()
            .filter(|key| !packet[**key].is_null())
            .count();
        // Source and destination are fields, too, and the time where it is printed.
        let timed = usize::from(time.is_some());
        all += fields + 2 + timed;
        let Some(best) = best else {
            differences.push(format!("n={}: no frame at {}", packet["n"], packet["t"]));
            continue;
        };
        used[best] = true;
        if let (None, Some(time)) = (anchor, time) {
            anchor = Some((time, frames[best].micros()));
        }
        let wrong = judge(&frames[best]);
        equal += fields - wrong.len() + timed;
        for (end, field) in [("src", "ip.src"), ("dst", "ip.dst")] {
            // The same name is the same address throughout, and an escaped address is its host's.
            let name = packet[end]
                .as_str()
                .unwrap()
                .replace("206.61.52.32", "host.news.org");
            let address = frames[best].text(field).to_owned();
            let known = names.entry(name).or_insert_with(|| address.clone());
            if *known == address {
                equal += 1;
            } else {
                differences.push(format!(
                    "n={}: {end} is {address}, was {known}",
                    packet["n"]
                ));
            }
        }
        differences.extend(
            wrong
                .into_iter()
                .map(|what| format!("n={}: {what}", packet["n"])),
        );
    }
    (equal, all, differences)
}

fn mistakes(packet: &Value, values: &BTreeMap<&'static str, Value>) -> Vec<String> {
    let printed = COMPARED.iter().filter(|key| !packet[**key].is_null());
    printed
        .filter(|key| !is_as_printed(key, &packet[**key], values.get(*key)))
        .map(|key| format!("{key} is {:?}, printed {}", values.get(*key), packet[*key]))
        .collect()
}

fn is_as_printed(key: &str, printed: &Value, found: Option<&Value>) -> bool {
    match (key, printed.as_str(), found) {
        ("flags", Some(printed), Some(found)) => found == &Value::from(sorted(printed)),
        // What was captured of the options ends where the print says so.
        ("opts", Some(printed), Some(Value::String(found))) => match printed.split_once("[|") {
            Some((begin, _)) => found.starts_with(begin),
            None => found == printed,
        },
        _ => found == Some(printed),
    }
}

/// Whether a trace is a list of flow records, not of packets.
fn is_of_flows(trace: &Path) -> bool {
    let text = fs::read_to_string(trace).unwrap();
    text.lines()
        .next()
        .is_some_and(|line| line.contains("\"pkts_to\""))
}

#[test]
fn every_printed_field_is_reproduced() {
    if !has("tshark") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    crywolf_ok(&["generate", "--all", "--as-published", "--out", out]);
    let mut traces: Vec<_> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/published"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .filter(|path| !is_of_flows(path))
        .collect();
    traces.sort();
    assert!(!traces.is_empty(), "no published traces to compare with");
    let (mut equal, mut all, mut differences) = (0, 0, Vec::new());
    for trace in traces {
        let name = trace.file_stem().unwrap().to_str().unwrap().to_owned();
        let capture = folder.path().join(format!("{name}.published.pcap"));
        if !capture.exists() {
            differences.push(format!("{name}: no scenario reproduces it"));
            continue;
        }
        let (right, of, wrong) = compare(&trace, &capture);
        println!("{name}: {right} of {of} published fields");
        equal += right;
        all += of;
        differences.extend(wrong.into_iter().map(|what| format!("{name}, {what}")));
    }
    println!("{equal} of {all} published fields reproduced");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

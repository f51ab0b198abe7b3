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

const FIELDS: [&str; 18] = [
    "frame.time_epoch",
    "ip.src",
    "ip.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.len",
    "tcp.window_size_value",
    "tcp.options",
    "ip.flags.df",
    "ip.dsfield",
    "ip.ttl",
    "ip.id",
    "llc.dsap",
    "llc.type",
    "eth.len",
];

/// A frame as tshark reads it.
struct Frame(BTreeMap<&'static str, String>);

impl Frame {
    fn text(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
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

    fn flags(&self) -> String {
        wire::Flags(u16::try_from(self.number("tcp.flags")).unwrap()).to_string()
    }

    fn options(&self) -> String {
        let hex = self.text("tcp.options");
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        wire::Options::from_bytes(&bytes).to_string()
    }
}

/// Sequence numbers from which a connection is counted, by (source, port, destination, port).
type Bases = BTreeMap<(String, String, String, String), i64>;

fn frames(capture: &Path) -> Vec<Frame> {
    let rows = tshark(capture, &FIELDS);
    rows.into_iter()
        .map(|row| Frame(FIELDS.into_iter().zip(row).collect()))
        .collect()
}

/// The first sequence number of each direction, which relative numbers count from.
fn bases(frames: &[Frame]) -> Bases {
    let mut bases = Bases::new();
    for frame in frames {
        let key = ["ip.src", "tcp.srcport", "ip.dst", "tcp.dstport"]
            .map(|field| frame.text(field).to_owned());
        let [a, b, c, d] = key;
        bases
            .entry((a, b, c, d))
            .or_insert_with(|| frame.number("tcp.seq_raw"));
    }
    bases
}

/// The values of a frame under the names of the published fields.
fn values(frame: &Frame, bases: &Bases, relative: bool) -> BTreeMap<&'static str, Value> {
    let end = |a: &str, b: &str| (frame.text(a).to_owned(), frame.text(b).to_owned());
    let (source, destination) = (end("ip.src", "tcp.srcport"), end("ip.dst", "tcp.dstport"));
    let key = (
        source.0.clone(),
        source.1.clone(),
        destination.0.clone(),
        destination.1.clone(),
    );
    let reverse = (destination.0, destination.1, source.0, source.1);
    let base = |key| {
        if relative {
            bases.get(key).copied().unwrap_or(0)
        } else {
            0
        }
    };
    let wrap = |value: i64| value.rem_euclid(1 << 32);
    let sequence = wrap(frame.number("tcp.seq_raw") - base(&key));
    let length = frame.number("tcp.len");
    // A sequence number of 0 in a reset belongs to no count.
    let sequence = if frame.number("tcp.seq_raw") == 0 {
        0
    } else {
        sequence
    };
    let mut acknowledgment = wrap(frame.number("tcp.ack_raw") - base(&reverse));
    // The scanner's FIN begins its direction at 0: the answer is printed as it is.
    if bases.get(&reverse) == Some(&0) {
        acknowledgment = frame.number("tcp.ack_raw");
    }
    let framing = if frame.text("llc.dsap").is_empty() {
        "ethernet"
    } else {
        "llc-snap"
    };
    BTreeMap::from([
        ("proto", Value::from("tcp")),
        ("sport", Value::from(frame.number("tcp.srcport"))),
        ("dport", Value::from(frame.number("tcp.dstport"))),
        ("flags", Value::from(frame.flags())),
        ("seq", Value::from(sequence)),
        ("seq_end", Value::from(wrap(sequence + length))),
        ("len", Value::from(length)),
        ("ack", Value::from(acknowledgment)),
        ("win", Value::from(frame.number("tcp.window_size_value"))),
        ("opts", Value::from(frame.options())),
        (
            "df",
            Value::from(frame.text("ip.flags.df") == "True" || frame.text("ip.flags.df") == "1"),
        ),
        ("tos", Value::from(frame.number("ip.dsfield"))),
        ("ttl", Value::from(frame.number("ip.ttl"))),
        ("id", Value::from(frame.number("ip.id"))),
        ("encap", Value::from(framing)),
    ])
}

fn printed_micros(text: &str) -> i64 {
    let parts: Vec<&str> = text.split([':', '.']).collect();
    let number = |at: usize| parts[at].parse::<i64>().unwrap();
    ((number(0) * 60 + number(1)) * 60 + number(2)) * 1_000_000 + number(3)
}

/// Compares one trace: equal fields, all printed fields, and what differs.
pub fn compare(trace: &Path, capture: &Path) -> (usize, usize, Vec<String>) {
    let text = fs::read_to_string(trace).unwrap();
    let mut published: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    published.sort_by_key(|packet| printed_micros(packet["t"].as_str().unwrap()));
    let frames = frames(capture);
    let bases = bases(&frames);
    let (mut equal, mut all, mut differences) = (0, 0, Vec::new());
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut used = vec![false; frames.len()];
    let first = printed_micros(published[0]["t"].as_str().unwrap());
    let start = frames.iter().map(Frame::micros).min().unwrap();
    for packet in &published {
        let offset = printed_micros(packet["t"].as_str().unwrap()) - first;
        let relative = packet["numbering"] == "relative";
        let judge = |frame: &Frame| mistakes(packet, &values(frame, &bases, relative));
        let near = |n: &usize| {
            !used[*n] && (frames[*n].micros() - start - offset).abs() <= TOLERANCE_MICROS
        };
        let best = (0..frames.len())
            .filter(near)
            .min_by_key(|n| judge(&frames[*n]).len());
        let fields = packet
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, value)| is_field(key) && !value.is_null())
            .count();
        // Time, source and destination are fields, too.
        all += fields + 3;
        let Some(best) = best else {
            differences.push(format!("n={}: no frame at {offset} us", packet["n"]));
            continue;
        };
        used[best] = true;
        let wrong = judge(&frames[best]);
        let mut right = fields - wrong.len() + 1;
        for (end, field) in [("src", "ip.src"), ("dst", "ip.dst")] {
            // The same name is the same address throughout, and an escaped address is its host's.
            let name = packet[end]
                .as_str()
                .unwrap()
                .replace("206.61.52.32", "host.news.org");
            let address = frames[best].text(field).to_owned();
            let known = names.entry(name).or_insert_with(|| address.clone());
            if *known == address {
                right += 1;
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
        equal += right;
    }
    (equal, all, differences)
}

fn is_field(key: &str) -> bool {
    !["n", "t", "src", "dst", "numbering", "published_gap"].contains(&key)
}

fn mistakes(packet: &Value, values: &BTreeMap<&'static str, Value>) -> Vec<String> {
    let printed = packet
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, value)| is_field(key) && !value.is_null());
    printed
        .filter(|(key, value)| values.get(key.as_str()) != Some(value))
        .map(|(key, value)| format!("{key} is {:?}, printed {value}", values.get(key.as_str())))
        .collect()
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
        .collect();
    traces.sort();
    assert!(!traces.is_empty(), "no published traces to compare with");
    let (mut equal, mut all, mut differences) = (0, 0, Vec::new());
    for trace in traces {
        let name = trace.file_stem().unwrap().to_str().unwrap().to_owned();
        let capture = folder.path().join(format!("{name}.published.pcap"));
        assert!(capture.exists(), "{name}: no scenario reproduces it");
        let (right, of, wrong) = compare(&trace, &capture);
        println!("{name}: {right} of {of} published fields");
        equal += right;
        all += of;
        differences.extend(wrong.into_iter().map(|what| format!("{name}, {what}")));
    }
    println!("{equal} of {all} published fields reproduced");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

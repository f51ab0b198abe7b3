//! A trace for each tool: what it puts on the wire in a world of four targets, and what comes back.
//!
//! Targets are `open`, where the ports of a head `open PORTS` accept and say nothing and those of `serve APP` speak,
//! `closed`, `filtered`, which says nothing to anybody, and `dead`, an address where nobody lives, as the router in front
//! of it says after 3 s. The scanner's `stack` is named by a head; the sensor stands before it, so that what it sends is seen
//! as it left. Every head `with KEY = VALUE` is a line of the tool's activity, which aims at all four targets where it does
//! not say `to`. `pin PATH = [VALUES]` replaces the first draws under a path by those that the trace then shows: what differs
//! from its pins was not drawn so often, or not there. After `limit N` frames nobody looks any more.
//!
//! Frames are compared by what their lines say; times within a millisecond, or within those seconds that a head
//! `within SECONDS` names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use generator::{Catalogue, Request, simulate};
use wire::capture::CaptureReader;
use wire::notation::trace::{Numbers, Trace, differences};
use wire::{Layers, Packet};

/// Frames that a trace may have: a longer one is not read.
const MOST: usize = 200;

const WORLD: &str = r#"
id = "tool"
title = "a tool and four targets"
family = "port-scan"
summary = "a test"
source = "a test"
start = "2026-01-01T00:00:00Z"
duration = "3600s"
[site.outside]
prefixes = ["198.51.100.0/24"]
[site.home]
prefixes = ["192.0.2.0/24"]
absent = "host-unreachable"
[path.internet]
between = ["outside", "home"]
hops = 4
routers = ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"]
delay = "10ms"
[host.scanner]
site = "outside"
address = "198.51.100.1"
stack = "@STACK@"
[host.closed]
site = "home"
address = "192.0.2.11"
stack = "linux-2.2"
[host.filtered]
site = "home"
address = "192.0.2.12"
stack = "linux-2.2"
ports = "filtered"
[sensor.border]
site = "outside"
[host.open]
site = "home"
address = "192.0.2.10"
stack = "linux-2.2"
"#;

/// What the heads of a trace say.
struct Setting {
    stack: String,
    /// Lines of the host `open`.
    open: String,
    /// Lines of the activity.
    with: String,
    /// Lines of the pins.
    pins: String,
    limit: usize,
    /// Nanoseconds by which a time may differ.
    within: u64,
}

impl Setting {
    fn read(trace: &Trace) -> Result<Setting, String> {
        let mut setting = Setting {
            stack: "linux-2.2".to_owned(),
            open: String::new(),
            with: String::new(),
            pins: String::new(),
            limit: MOST + 1,
            within: 1_000_000,
        };
        for head in &trace.heads {
            let wrong = || format!("line {}: '{}' is no head", head.number, head.text);
            let (word, said) = head.text.split_once(' ').ok_or_else(wrong)?;
            match word {
                "stack" => setting.stack = said.to_owned(),
                "open" => setting.open += &format!("open = [{said}]\n"),
                "serve" => {
                    setting.open += &format!("[host.open.service.{said}]\napp = \"{said}\"\n");
                }
                "with" => setting.with += &format!("{said}\n"),
                "pin" => {
                    let (path, values) = said.split_once('=').ok_or_else(wrong)?;
                    setting.pins += &format!("\"{}\" = {values}\n", path.trim());
                }
                "limit" => setting.limit = said.parse().map_err(|_| wrong())?,
                "within" => {
                    setting.within =
                        wire::duration::parse(&format!("{said}s")).ok_or_else(wrong)?;
                }
                _ => return Err(wrong()),
            }
        }
        if !setting.with.lines().any(|line| line.starts_with("to ")) {
            setting.with += "to = [\"open\", \"closed\", \"filtered\", \"192.0.2.13\"]\n";
        }
        Ok(setting)
    }

    /// The frames of the tool's run, each with nanoseconds since the first.
    fn run(&self, tool: &str) -> Result<Vec<(u64, Packet)>, String> {
        let text = format!(
            "{}{}[activity.it]\ntool = \"{tool}\"\nfrom = \"scanner\"\nclass = \"syn-scan\"\n{}\
             [published.trace]\nsensor = \"border\"\n[published.trace.pins]\n{}",
            WORLD.replace("@STACK@", &self.stack),
            self.open,
            self.with,
            self.pins
        );
        let catalogue = Catalogue::built_in().map_err(|errors| errors.to_string())?;
        let request = Request {
            published: Some("trace".to_owned()),
            seed: 1,
            ..Request::default()
        };
        let recordings = catalogue
            .read("world.toml", &text)
            .and_then(|file| file.resolve(&request, catalogue.stacks()))
            .map_err(|errors| errors.to_string())
            .and_then(|scenario| {
                simulate(&scenario, 1, true, |_| Some(Vec::new()))
                    .map_err(|error| error.to_string())
            })?;
        let (bytes, _) = recordings
            .into_iter()
            .next()
            .ok_or("no recording")?
            .into_truth();
        let mut reader = CaptureReader::new(bytes.as_slice()).map_err(|error| error.to_string())?;
        let (mut packets, mut first) = (Vec::new(), None);
        while let Some(record) = reader.next().map_err(|error| error.to_string())? {
            let first = *first.get_or_insert(record.time);
            let layers = Layers::decode(record.link_type, record.bytes);
            let packet = Packet::from_layers(&layers).ok_or("a frame that is no packet")?;
            packets.push((record.time.nanos_since(first), packet));
        }
        packets.truncate(self.limit);
        Ok(packets)
    }
}

/// What is wrong with a tool, by its trace.
fn check(tool: &str, text: &str) -> Result<Vec<String>, String> {
    let trace = Trace::parse(text).map_err(|error| error.to_string())?;
    let setting = Setting::read(&trace)?;
    let packets = setting.run(tool)?;
    if packets.len() > MOST {
        return Err(format!("more than {MOST} frames: a 'limit', or less to do"));
    }
    let mut numbers = Numbers::default();
    let mut wrong = Vec::new();
    let mut events = trace.events.iter();
    for (at, packet) in &packets {
        let event = events.next();
        numbers.saw(event, packet);
        let said = format!("{:.6} {}", *at as f64 / 1e9, numbers.print(packet));
        let Some(event) = event else {
            wrong.push(format!("not in the trace: {said}"));
            continue;
        };
        let mut differ = differences(&event.line.text, packet, &numbers);
        if at.abs_diff(event.at) > setting.within {
            differ.push("at another time".into());
        }
        if !differ.is_empty() {
            let (line, differ) = (event.line.number, differ.join(", "));
            wrong.push(format!("line {line}: {differ}: {said}"));
        }
    }
    wrong.extend(events.map(|event| format!("line {}: it does not come", event.line.number)));
    Ok(wrong)
}

/// The names of a folder's files, without their endings.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect()
}

fn project(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

#[test]
fn every_tool_does_what_its_trace_says() {
    let traces = project("traces/tools");
    let mut wrong = Vec::new();
    for tool in names(&traces) {
        let text = fs::read_to_string(traces.join(format!("{tool}.trace"))).unwrap();
        let problems = check(&tool, &text).unwrap_or_else(|problem| vec![problem]);
        wrong.extend(problems.iter().map(|problem| format!("{tool}: {problem}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_tool_has_its_trace() {
    assert_eq!(names(&project("traces/tools")), names(&project("../tools")));
}

//! From a document to a checked scenario.

mod activities;
mod counters;
mod families;
mod hosts;
mod identity;
mod places;
mod reach;
mod reader;
mod sensors;
mod services;

use std::collections::BTreeMap;
use std::net::IpAddr;

use wire::Timestamp;

use crate::fact::Fact;
use crate::host::stack::Stacks;
use crate::reading::document::Node;
use crate::reading::error::Origin;
use crate::reading::fields::{Fields, Mistakes, list, text, text_ref};
use crate::scenario::Scenario;
use crate::seed::{Pins, SeedTree};
use reader::Reader;

pub use identity::identity;
pub use reader::Unstated;

/// The sections of a scenario file.
struct Sections<'a> {
    sites: &'a [(String, Node)],
    paths: &'a [(String, Node)],
    hosts: &'a [(String, Node)],
    groups: &'a [(String, Node)],
    sensors: &'a [(String, Node)],
    activities: &'a [(String, Node)],
}

/// Reads a whole document.
pub fn scenario(
    document: &Node,
    stacks: &Stacks,
    seed: u64,
    unstated: Unstated,
    mistakes: &mut Mistakes,
) -> Option<Scenario> {
    let mut fields = Fields::new("the scenario", document, mistakes);
    let identity = identity::head(&mut fields);
    let start = start(&mut fields);
    let duration = duration(&mut fields);
    let sections = Sections::of(&mut fields);
    fields.finish();
    let (id, facts) = match &identity {
        Some(identity) => (identity.id.as_str(), identity.facts.as_slice()),
        None => ("", &[] as &[Fact]),
    };
    let tree = SeedTree::of(id, seed, Pins::new());
    let mut reader = Reader::new(stacks, tree, unstated, mistakes);
    reader.duration = duration.unwrap_or(u64::MAX);
    sections.read(&mut reader);
    reader.check_seen();
    check_sensors(&mut reader, facts, &document.origin);
    let names = reader.names();
    Some(Scenario {
        identity: identity?,
        start: start?,
        duration: duration?,
        sites: reader.sites,
        paths: reader.paths,
        hosts: reader.hosts,
        sensors: reader.sensors,
        activities: reader.activities,
        runs: reader.runs,
        parameters: BTreeMap::new(),
        pins: Pins::new(),
        plain: unstated == Unstated::Plain,
        names,
    })
}

/// The beginning of 2106 in nanoseconds: in that year the seconds of a classic capture end.
const LATEST_START: u64 = 4_291_747_200 * 1_000_000_000;

/// When it begins.
fn start(fields: &mut Fields<'_, '_>) -> Option<Timestamp> {
    let wanted = "a moment from 1970 to 2105 such as \"2000-05-14T14:05:27.083238Z\"";
    fields.required("start", wanted, |value| {
        let moment: jiff::Timestamp = text_ref(value)?.parse().ok()?;
        let nanos = u64::try_from(moment.as_nanosecond()).ok()?;
        (nanos < LATEST_START).then_some(Timestamp::from_nanos(nanos))
    })
}

/// How long it is watched, in nanoseconds.
fn duration(fields: &mut Fields<'_, '_>) -> Option<u64> {
    let duration = fields.duration("duration");
    if duration.is_none() {
        let origin = fields.origin().clone();
        fields.mistake(
            &origin,
            "the scenario lacks 'duration': how long it is watched, such as \"60s\"",
        );
    }
    duration
}

impl<'a> Sections<'a> {
    fn of(fields: &mut Fields<'a, '_>) -> Self {
        let mut entries = |key| fields.node(key).map(Node::entries).unwrap_or_default();
        Sections {
            sites: entries("site"),
            paths: entries("path"),
            hosts: entries("host"),
            groups: entries("group"),
            sensors: entries("sensor"),
            activities: entries("activity"),
        }
    }

    /// Each section after those that it refers to.
    fn read(&self, reader: &mut Reader<'_>) {
        self.look_ahead(reader);
        for (name, node) in self.sites {
            reader.site(name, node);
        }
        for (name, node) in self.paths {
            reader.path(name, node);
        }
        for (name, node) in self.hosts {
            reader.host(name, node);
        }
        for (name, node) in self.groups {
            reader.group(name, node);
        }
        for (name, node) in self.sensors {
            reader.sensor(name, node);
        }
        for (name, node) in self.activities {
            reader.activity(name, node);
        }
    }

    /// What sites and hosts are drawn by, and later sections say: where sensors stand, whom activities name.
    fn look_ahead(&self, reader: &mut Reader<'_>) {
        for (_, node) in self.sensors {
            let at = node
                .get("at")
                .and_then(|at| sensors::place(text_ref(&at.value)?));
            if let Some(site) = node.get("site").and_then(|site| text(&site.value)) {
                reader.watched.insert(site, at);
            }
        }
        for (_, node) in self.activities {
            let targets = node.get("to").and_then(|to| list(&to.value, text));
            let names = targets.into_iter().flatten();
            let addresses = names.filter_map(|name| name.parse::<IpAddr>().ok());
            reader.named.extend(addresses);
        }
    }
}

/// There is a sensor, and those of which facts speak.
fn check_sensors(reader: &mut Reader<'_>, facts: &[Fact], origin: &Origin) {
    if reader.sensors.is_empty() {
        let message = "nobody watches: the scenario needs a [sensor.NAME] with its 'site'";
        reader.mistakes.note(origin, message);
    }
    let sensors = reader.sensors.iter();
    let known: Vec<&str> = sensors.map(|sensor| sensor.name.as_str()).collect();
    for fact in facts {
        if let Some(at) = fact.at.as_deref().filter(|at| !known.contains(at)) {
            let message = format!(
                "fact '{}': no sensor is called '{at}'; there are: {}",
                fact.say,
                known.join(", ")
            );
            reader.mistakes.note(origin, message);
        }
    }
}

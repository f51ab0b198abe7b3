//! From a document to a checked scenario.

mod activities;
mod families;
mod hosts;
mod places;
mod reach;
mod sensors;
mod services;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use labels::Family;
use wire::Timestamp;

use super::{HostSpec, Identity, PathSpec, Run, Scenario, SiteSpec};
use crate::activity::Activity;
use crate::fact::{Check, Fact, Names};
use crate::host::stack::Stacks;
use crate::net::sensor::{Place, SensorConfig};
use crate::net::topology::SiteId;
use crate::reading::document::{Node, Value};
use crate::reading::error::Origin;
use crate::reading::fields::{Fields, Mistakes, list, text, text_ref};
use crate::seed::{Pins, SeedTree};

/// Reads what a file says about itself.
pub fn identity(document: &Node, mistakes: &mut Mistakes) -> Option<Identity> {
    let mut fields = Fields::new("the scenario", document, mistakes);
    head(&mut fields)
}

fn head(fields: &mut Fields<'_, '_>) -> Option<Identity> {
    let id = fields.required("id", "letters, digits and hyphens", |value| {
        let id = text_ref(value)?;
        let plain = id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (plain && !id.is_empty()).then(|| id.to_owned())
    });
    let title = fields.required_text("title");
    let family = fields.required("family", "a family of the taxonomy", |value| {
        Family::from_name(text_ref(value)?)
    });
    let summary = fields.required_text("summary");
    let source = fields.required_text("source");
    let reconstructed = fields.flag("reconstructed");
    let assumed = fields.texts("assumed");
    let naive = fields.texts("naive");
    let tells = fields.texts("tells");
    let facts = fields
        .node("facts")
        .map(|node| facts(node, fields.mistakes()))
        .unwrap_or_default();
    Some(Identity {
        id: id?,
        title: title?,
        family: family?,
        summary: summary?,
        source: source?,
        reconstructed,
        assumed,
        naive,
        tells,
        facts,
    })
}

/// The facts: sentences, each with its check.
fn facts(node: &Node, mistakes: &mut Mistakes) -> Vec<Fact> {
    let Value::List(items) = &node.value else {
        mistakes.note(
            &node.origin,
            "facts is a list of { say = \"...\", check = \"...\" }",
        );
        return Vec::new();
    };
    let mut facts = Vec::new();
    for item in items {
        if !matches!(item.value, Value::Table(_)) {
            let message = "a fact is { say = \"...\", check = \"...\", at = \"SENSOR\" }";
            mistakes.note(&item.origin, message);
            continue;
        }
        let mut fields = Fields::new("a fact", item, mistakes);
        let say = fields.required_text("say");
        let check = fields.required_text("check");
        let at = fields.text("at");
        fields.finish();
        let (Some(say), Some(text)) = (say, check) else {
            continue;
        };
        match Check::parse(&text) {
            Ok(check) => facts.push(Fact {
                say,
                check: (text, check),
                at,
                origin: item.origin.clone(),
            }),
            Err(error) => mistakes.note(&item.origin, format!("check = {text}: {error}")),
        }
    }
    facts
}

/// What becomes of what a file leaves open about hosts, lines and sensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstated {
    /// Nothing: hosts stand at the border and take no time. So that a published trace shows what its file states.
    Plain,
    /// It is drawn, for every host and line from the same distributions, whatever happens there.
    Drawn,
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
    let identity = head(&mut fields);
    let start = fields.required(
        "start",
        "a moment such as \"2000-05-14T14:05:27.083238Z\"",
        |value| {
            let moment: jiff::Timestamp = text_ref(value)?.parse().ok()?;
            Some(Timestamp::from_nanos(
                u64::try_from(moment.as_nanosecond()).ok()?,
            ))
        },
    );
    let duration = fields.duration("duration");
    if duration.is_none() {
        let origin = fields.origin().clone();
        fields.mistake(
            &origin,
            "the scenario lacks 'duration': how long it is watched, such as \"60s\"",
        );
    }
    let sections =
        ["site", "path", "host", "group", "sensor", "activity"].map(|key| fields.node(key));
    fields.finish();
    let [sites, paths, hosts, groups, sensors, activities] = sections;
    let id = identity
        .as_ref()
        .map_or("", |identity| identity.id.as_str());
    let tree = SeedTree::of(id, seed, Pins::new());
    let mut reader = Reader::new(stacks, tree, unstated, mistakes);
    reader.duration = duration.unwrap_or(u64::MAX);
    for (_, node) in entries(sensors) {
        let at = node
            .get("at")
            .and_then(|at| sensors::place(text_ref(&at.value)?));
        if let Some(site) = node.get("site").and_then(|site| text(&site.value)) {
            reader.watched.insert(site, at);
        }
    }
    for (name, node) in entries(sites) {
        reader.site(name, node);
    }
    for (name, node) in entries(paths) {
        reader.path(name, node);
    }
    for (_, node) in entries(activities) {
        let targets = node.get("to").and_then(|to| list(&to.value, text));
        let addresses = targets
            .into_iter()
            .flatten()
            .filter_map(|name| name.parse::<IpAddr>().ok());
        reader.named.extend(addresses);
    }
    for (name, node) in entries(hosts) {
        reader.host(name, node);
    }
    for (name, node) in entries(groups) {
        reader.group(name, node);
    }
    for (name, node) in entries(sensors) {
        reader.sensor(name, node);
    }
    for (name, node) in entries(activities) {
        reader.activity(name, node);
    }
    reader.check_seen();
    let origin = &document.origin;
    if reader.sensors.is_empty() {
        reader.mistakes.note(
            origin,
            "nobody watches: the scenario needs a [sensor.NAME] with its 'site'",
        );
    }
    for fact in identity.iter().flat_map(|identity| &identity.facts) {
        let known: Vec<&str> = reader
            .sensors
            .iter()
            .map(|sensor| sensor.name.as_str())
            .collect();
        if let Some(at) = fact.at.as_deref().filter(|at| !known.contains(at)) {
            let message = format!(
                "fact '{}': no sensor is called '{at}'; there are: {}",
                fact.say,
                known.join(", ")
            );
            reader.mistakes.note(origin, message);
        }
    }
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

fn entries(section: Option<&Node>) -> &[(String, Node)] {
    section.map(Node::entries).unwrap_or_default()
}

/// What has been read so far; later sections refer to earlier ones by name.
struct Reader<'a> {
    stacks: &'a Stacks,
    mistakes: &'a mut Mistakes,
    unstated: Unstated,
    /// Sites that sensors watch, and where in them, as far as files say so.
    watched: BTreeMap<String, Option<Place>>,
    tree: SeedTree,
    /// How long the scenario is watched, in nanoseconds.
    duration: u64,
    /// Why activities show nothing, and whether any shows something.
    unseen: Vec<(Origin, String)>,
    any_seen: bool,
    sites: Vec<SiteSpec>,
    paths: Vec<PathSpec>,
    hosts: Vec<HostSpec>,
    sensors: Vec<SensorConfig>,
    activities: Vec<Activity>,
    runs: Vec<Run>,
    /// Hosts by the name that activities use: one host, or those of a group.
    cast: BTreeMap<String, Vec<usize>>,
    /// Addresses that activities name as their targets.
    named: BTreeSet<IpAddr>,
    /// Addresses of nobody, by the name of their group.
    absent: BTreeMap<String, Vec<IpAddr>>,
}

impl<'a> Reader<'a> {
    fn new(
        stacks: &'a Stacks,
        tree: SeedTree,
        unstated: Unstated,
        mistakes: &'a mut Mistakes,
    ) -> Self {
        Reader {
            stacks,
            mistakes,
            unstated,
            watched: BTreeMap::new(),
            tree,
            duration: u64::MAX,
            unseen: Vec::new(),
            any_seen: false,
            sites: Vec::new(),
            paths: Vec::new(),
            hosts: Vec::new(),
            sensors: Vec::new(),
            activities: vec![activities::background()],
            runs: Vec::new(),
            cast: BTreeMap::new(),
            named: BTreeSet::new(),
            absent: BTreeMap::new(),
        }
    }

    /// The site of that name; a mistake where there is none.
    fn site_named(&mut self, node: &Node, name: &str) -> SiteId {
        match self.sites.iter().position(|site| site.name == name) {
            Some(at) => SiteId(at),
            None => {
                let known: Vec<&str> = self.sites.iter().map(|site| site.name.as_str()).collect();
                let message = format!(
                    "no site is called '{name}'; there are: {}",
                    known.join(", ")
                );
                self.mistakes.note(&node.origin, message);
                SiteId(0)
            }
        }
    }

    /// The addresses behind each name of the cast.
    fn names(&self) -> Names {
        let addresses = |hosts: &Vec<usize>| {
            let hosts = hosts.iter().filter_map(|n| self.hosts.get(*n));
            hosts
                .flat_map(|host| host.config.addresses.clone())
                .collect()
        };
        let named = self.cast.iter();
        named
            .map(|(name, hosts)| (name.clone(), addresses(hosts)))
            .collect()
    }

    fn is_taken(&self, address: IpAddr) -> bool {
        self.hosts
            .iter()
            .any(|host| host.config.addresses.contains(&address))
    }
}

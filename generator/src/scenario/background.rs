//! Ordinary traffic laid under a scenario: one file's world added to another's, before either is checked.
//!
//! For each site that a sensor of the scenario watches, the background's site `home` is that site. Its other sites are
//! added, and its groups there are spread over them and over the scenario's own sites around the watched one, so that no
//! block of addresses tells one kind of traffic from the other. What happens in a background belongs to no event.

use ipnet::{IpNet, Ipv6Net};

use crate::reading::document::{Node, Value};
use crate::reading::error::Origin;
use crate::reading::fields::{list, number, text, text_ref};
use crate::reading::units;
use crate::seed::SeedTree;

/// How the names of a background begin.
const PREFIX: &str = "background-";

/// How long captures over a background last, in nanoseconds, unless their story takes longer. Assumption: from five to
/// twenty minutes, as people cut them.
const WINDOW: std::ops::RangeInclusive<u64> = 300_000_000_000..=1_200_000_000_000;

/// How much longer a story may take over a background than by itself, in nanoseconds. Assumption: what its packets wait for others'.
const SLACK: u64 = 5_000_000_000;

/// Longest prefix of a site that has room for a background's hosts.
const ROOM: u8 = 26;

/// Whether a file can be laid under others: the site that is theirs has its name.
pub(super) fn has_home(base: &Node) -> bool {
    (base.get("site")).is_some_and(|sites| sites.get("home").is_some())
}

/// Adds the world of `base` to a scenario's document.
pub(super) fn lay_under(base: Node, document: &mut Node, events: bool) {
    fix_places(document);
    let scenario = document.clone();
    let forged = forged_blocks(&scenario);
    for (number, home) in watched_sites(&scenario).into_iter().enumerate() {
        give_second_family(&base, &scenario, &home, number, document);
        let around = around(&scenario, &home, &forged);
        let names = Names {
            home: &home,
            around: &around,
            base: &base,
            events,
        };
        for section in ["site", "host", "group", "path", "activity"] {
            let Some(table) = base.get(section) else {
                continue;
            };
            for (name, node) in table.entries() {
                let mut node = node.clone();
                let new_name = match section {
                    "site" if name == "home" => continue,
                    "site" => {
                        keep_apart(&mut node, &scenario, &forged);
                        format!("{PREFIX}{name}")
                    }
                    _ => names.of(name),
                };
                names.rename(&mut node, section);
                put(document, section, &table.origin, new_name, node);
            }
        }
    }
}

/// A watched site without IPv6 gets the block that the background's has, or the next one of that size: its hosts speak both.
fn give_second_family(base: &Node, scenario: &Node, home: &str, nth: usize, document: &mut Node) {
    let of = |document: &Node, site: &str| {
        let prefixes = document.at(&format!("site.{site}.prefixes"));
        prefixes.map(blocks).unwrap_or_default()
    };
    let is_six = |block: &IpNet| matches!(block, IpNet::V6(_));
    let six = of(base, "home").into_iter().find(is_six);
    let Some(IpNet::V6(block)) = six.filter(|_| !of(scenario, home).iter().any(is_six)) else {
        return;
    };
    let size = 128 - u32::from(block.prefix_len());
    let network = u128::from(block.network()) + ((nth as u128) << size.min(127));
    let Ok(next) = Ipv6Net::new(network.into(), block.prefix_len()) else {
        return;
    };
    // A narrow path carries no IPv6.
    let narrow = section(scenario, "path").any(|(_, path)| {
        let ends = path.get("between").and_then(|ends| list(&ends.value, text));
        let mtu = path.get("mtu").and_then(|mtu| number(&mtu.value));
        mtu.is_some_and(|mtu| mtu < 1280)
            && ends.is_some_and(|ends| ends.iter().any(|end| end == home))
    });
    if narrow {
        return;
    }
    let mut taken = section(scenario, "site").flat_map(|(name, _)| of(scenario, name));
    if taken.any(|other| overlap(&other, &next.into())) {
        return;
    }
    let path = format!("site.{home}.prefixes");
    let Some(prefixes) = document.at(&path) else {
        return;
    };
    let node = |value| Node {
        origin: prefixes.origin.clone(),
        value,
    };
    let mut items = match &prefixes.value {
        Value::List(items) => items.clone(),
        _ => vec![prefixes.clone()],
    };
    items.push(node(Value::Text(next.to_string())));
    let list = node(Value::List(items));
    // The site is there: nothing can be missing on the way.
    let _ = document.overlay(&path, list);
}

/// Sensors of a site from which no way leads stand on its segment: a background, which brings one, does not move them.
fn fix_places(document: &mut Node) {
    let joined: Vec<String> = section(document, "path")
        .filter_map(|(_, path)| list(&path.get("between")?.value, text))
        .flatten()
        .collect();
    let inside: Vec<String> = section(document, "sensor")
        .filter(|(_, sensor)| sensor.get("at").is_none() && sensor.get("path").is_none())
        .filter(|(_, sensor)| {
            let site = sensor.get("site").and_then(|site| text(&site.value));
            site.is_some_and(|site| !joined.contains(&site))
        })
        .map(|(name, _)| format!("sensor.{name}.at"))
        .collect();
    for path in inside {
        let (path, node) = super::vary::stated(&path, "segment 0");
        // The sensor is there: nothing can be missing on the way.
        let _ = document.overlay(&path, node);
    }
}

/// Makes a capture longer than its story, of a length that says nothing of it, and lets the story begin somewhere in it: as
/// likely at its end as at its beginning, where it is known how long it `takes` of the time that it has by itself.
pub(super) fn give_room(document: &mut Node, tree: &SeedTree, takes: Option<u64>) {
    let Some(story) = duration_at(document, "duration") else {
        return;
    };
    let mut draws = tree.draws("window");
    let takes = takes.map_or(story, |takes| (takes + SLACK).min(story));
    let whole = draws.range(WINDOW).max(takes + takes / 10);
    let lead = draws.range(0..=whole - takes);
    set_duration(document, "duration", whole);
    for path in moments(document) {
        let stated = document.at(&path).and_then(|node| text(&node.value));
        match stated.as_deref().and_then(|text| text.split_once("..")) {
            Some((low, high)) => {
                let later = |text: &str| units::duration(text.trim()).unwrap_or(0) + lead;
                let (low, high) = (later(low), later(high));
                let range = format!(
                    "{}..{}",
                    units::write_duration(low),
                    units::write_duration(high)
                );
                let (path, node) = super::vary::stated(&path, &range);
                let _ = document.overlay(&path, node);
            }
            None => {
                let at = duration_at(document, &path).unwrap_or(0);
                set_duration(document, &path, at + lead);
            }
        }
    }
}

/// Where a story says when something happens: in its activities, and on ways that loop for a while.
fn moments(document: &Node) -> Vec<String> {
    let own = |name: &str| !name.starts_with(PREFIX);
    let activities = section(document, "activity")
        .filter(|(name, _)| own(name))
        .map(|(name, _)| format!("activity.{name}.at"));
    let loops = section(document, "path")
        .filter(|(name, path)| own(name) && path.get("loop").is_some())
        .map(|(name, _)| format!("path.{name}.loop.at"));
    activities.chain(loops).collect()
}

fn duration_at(document: &Node, path: &str) -> Option<u64> {
    units::duration(text_ref(&document.at(path)?.value)?)
}

/// Sets a time of the document; what is no table there stays, and is a mistake that reading the document names.
fn set_duration(document: &mut Node, path: &str, nanos: u64) {
    let micros = nanos / 1000 * 1000;
    let (path, node) = super::vary::stated(path, &units::write_duration(micros));
    let _ = document.overlay(&path, node);
}

/// The sites that sensors watch, each once.
fn watched_sites(document: &Node) -> Vec<String> {
    let mut sites: Vec<String> = Vec::new();
    for (_, sensor) in section(document, "sensor") {
        if let Some(site) = sensor.get("site").and_then(|node| text(&node.value))
            && !sites.contains(&site)
        {
            sites.push(site);
        }
    }
    sites
}

/// Blocks from which activities forge sources: who lived there would answer for them.
fn forged_blocks(document: &Node) -> Vec<IpNet> {
    let sources = section(document, "activity").filter_map(|(_, activity)| activity.get("sources"));
    sources.flat_map(blocks).collect()
}

fn blocks(node: &Node) -> Vec<IpNet> {
    let texts = list(&node.value, text).unwrap_or_default();
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn section<'a>(document: &'a Node, name: &str) -> impl Iterator<Item = &'a (String, Node)> {
    document
        .get(name)
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
}

fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// The scenario's sites from which a path leads to `home`, and where a background's servers may stand: with room for
/// them, outside forged blocks, and behind no filter.
fn around(document: &Node, home: &str, forged: &[IpNet]) -> Vec<String> {
    let joined = |site: &str| {
        section(document, "path").any(|(_, path)| {
            let ends = path
                .get("between")
                .and_then(|ends| list(&ends.value, text))
                .unwrap_or_default();
            ends.iter().any(|end| end == home) && ends.iter().any(|end| end == site)
        })
    };
    let fits = |site: &Node| {
        let blocks = site.get("prefixes").map(blocks).unwrap_or_default();
        let apart = |block: &IpNet| !forged.iter().any(|pool| overlap(pool, block));
        site.get("filter").is_none()
            && blocks.iter().all(apart)
            && blocks
                .iter()
                .all(|block| matches!(block, IpNet::V6(_)) || block.prefix_len() <= ROOM)
    };
    section(document, "site")
        .filter(|(name, site)| name != home && joined(name) && fits(site))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Takes out of a site's blocks those that are the scenario's, or from which it forges; the last one of IPv4 always stays.
fn keep_apart(site: &mut Node, scenario: &Node, forged: &[IpNet]) {
    let mut taken: Vec<IpNet> = forged.to_vec();
    for (_, own) in section(scenario, "site") {
        taken.extend(own.get("prefixes").map(blocks).unwrap_or_default());
    }
    let Value::Table(entries) = &mut site.value else {
        return;
    };
    for (_, prefixes) in entries.iter_mut().filter(|(key, _)| key == "prefixes") {
        let Value::List(items) = &mut prefixes.value else {
            return;
        };
        let four = |item: &Node| {
            blocks(item)
                .iter()
                .any(|block| matches!(block, IpNet::V4(_)))
        };
        let last = items.iter().rfind(|item| four(item)).cloned();
        items.retain(|item| {
            blocks(item)
                .iter()
                .all(|block| !taken.iter().any(|other| overlap(other, block)))
        });
        if !items.iter().any(four) {
            items.extend(last);
        }
    }
}

/// What the names of a background become.
struct Names<'a> {
    home: &'a str,
    around: &'a [String],
    base: &'a Node,
    /// Whether what happens is events.
    events: bool,
}

impl Names<'_> {
    fn of(&self, name: &str) -> String {
        format!("{PREFIX}{}-{name}", self.home)
    }

    fn site(&self, name: &str) -> String {
        if name == "home" {
            self.home.to_owned()
        } else {
            format!("{PREFIX}{name}")
        }
    }

    /// Where a group that stands at `name` is spread.
    fn sites(&self, name: &str) -> Vec<String> {
        let around = if name == "home" { &[] } else { self.around };
        std::iter::once(self.site(name))
            .chain(around.iter().cloned())
            .collect()
    }

    /// A host or group of the background; an address stays what it is.
    fn target(&self, name: &str) -> String {
        let known = ["host", "group"].iter().any(|kind| {
            self.base
                .get(kind)
                .is_some_and(|table| table.get(name).is_some())
        });
        if known {
            self.of(name)
        } else {
            name.to_owned()
        }
    }

    /// Makes an entry of a section speak of the new names.
    fn rename(&self, node: &mut Node, section: &str) {
        if section == "activity" && !self.events {
            let class = node.take("class");
            for key in [
                "echo", "callback", "expect", "evident", "because", "part_of", "apart",
            ] {
                node.take(key);
            }
            if let (Some(class), Value::Table(entries)) = (class, &mut node.value) {
                entries.push(("label".into(), class));
            }
        }
        if section == "activity" && self.events {
            let origin = node.origin.clone();
            let value = Value::Boolean(true);
            crate::reading::document::put(node, "apart", Node { origin, value });
        }
        let Value::Table(entries) = &mut node.value else {
            return;
        };
        for (key, value) in entries {
            match (section, key.as_str()) {
                ("group", "site") => {
                    if let Some(name) = text_ref(&value.value) {
                        let item = |name| Node {
                            origin: value.origin.clone(),
                            value: Value::Text(name),
                        };
                        value.value = Value::List(self.sites(name).into_iter().map(item).collect());
                    }
                }
                ("host", "site") | ("path", "between") => map_texts(value, &|name| self.site(name)),
                ("activity", "from" | "to") => map_texts(value, &|name| self.target(name)),
                _ => {}
            }
        }
    }
}

fn map_texts(node: &mut Node, map: &impl Fn(&str) -> String) {
    match &mut node.value {
        Value::Text(text) => *text = map(text),
        Value::List(items) => items.iter_mut().for_each(|item| map_texts(item, map)),
        _ => {}
    }
}

/// Puts an entry into a section of a document, making the section where it is missing. What is there already stays.
fn put(document: &mut Node, section: &str, origin: &Origin, name: String, node: Node) {
    let Value::Table(sections) = &mut document.value else {
        return;
    };
    if !sections.iter().any(|(key, _)| key == section) {
        let empty = Node {
            origin: origin.clone(),
            value: Value::Table(Vec::new()),
        };
        sections.push((section.to_owned(), empty));
    }
    let table = sections
        .iter_mut()
        .find(|(key, _)| key == section)
        .map(|(_, table)| &mut table.value);
    if let Some(Value::Table(entries)) = table
        && !entries.iter().any(|(key, _)| *key == name)
    {
        entries.push((name, node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = r#"
[site.us]
prefixes = ["192.0.2.0/24"]
[site.them]
prefixes = ["198.51.100.0/24"]
[site.pool]
prefixes = ["203.0.113.0/24"]
[path.a]
between = ["us", "them"]
[path.b]
between = ["us", "pool"]
[sensor.us]
site = "us"
[activity.flood]
from = "x"
sources = ["203.0.113.0/25"]
"#;
    const BASE: &str = r#"
[site.home]
prefixes = ["10.0.0.0/24"]
[site.internet]
prefixes = ["198.51.100.0/24", "203.0.113.0/24", "10.9.0.0/16"]
[path.line]
between = ["home", "internet"]
[group.desks]
site = "home"
[group.servers]
site = "internet"
[activity.web]
class = "web"
from = "desks"
to = ["servers", "192.0.2.77"]
"#;

    fn laid() -> Node {
        let mut document = Node::parse("s.toml", SCENARIO).unwrap();
        lay_under(Node::parse("b.toml", BASE).unwrap(), &mut document, false);
        document
    }

    fn line(path: &str) -> String {
        laid().at(path).unwrap().to_line()
    }

    #[test]
    fn home_is_the_watched_site() {
        assert_eq!(line("group.background-us-desks.site"), "[us]");
        assert_eq!(
            line("path.background-us-line.between"),
            "[us, background-internet]"
        );
    }

    #[test]
    fn servers_stand_where_others_stand_but_not_in_a_forged_block() {
        assert_eq!(
            line("group.background-us-servers.site"),
            "[background-internet, them]"
        );
        assert_eq!(line("site.background-internet.prefixes"), "[10.9.0.0/16]");
    }

    #[test]
    fn a_watched_site_speaks_the_versions_that_the_background_speaks() {
        let base = BASE.replace("10.0.0.0/24", "10.0.0.0/24\", \"2001:db8:40::/64");
        let scenario = format!("{SCENARIO}\n[sensor.them]\nsite = \"them\"");
        let mut document = Node::parse("s.toml", &scenario).unwrap();
        lay_under(Node::parse("b.toml", &base).unwrap(), &mut document, false);
        let prefixes = |site: &str| {
            document
                .at(&format!("site.{site}.prefixes"))
                .unwrap()
                .to_line()
        };
        assert_eq!(prefixes("us"), "[192.0.2.0/24, 2001:db8:40::/64]");
        assert_eq!(prefixes("them"), "[198.51.100.0/24, 2001:db8:40:1::/64]");
        assert_eq!(prefixes("pool"), "[203.0.113.0/24]");
    }

    #[test]
    fn what_happens_belongs_to_no_event() {
        let document = laid();
        let web = document.at("activity.background-us-web").unwrap();
        assert!(web.get("class").is_none());
        assert_eq!(
            web.get("to").unwrap().to_line(),
            "[background-us-servers, 192.0.2.77]"
        );
    }
}

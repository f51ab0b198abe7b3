//! Activities: which tool or application, from whom to whom, and what it is.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::sync::Arc;

use ipnet::IpNet;
use labels::{Class, Expect};

use super::reach::Aim;
use super::reader::Reader;
use crate::activity::{Activity, ActivityId, Minimum};
use crate::blueprint::{Asked, Blueprint};
use crate::reading::document::Node;
use crate::reading::fields::{Fields, text_ref};
use crate::reading::units;
use crate::scenario::{HostSpec, Run};
use crate::{app, tool};

/// Addresses that a block may add to an activity's targets.
const MAX_TARGETS: usize = 65_536;

/// Several go at one pace together where each takes so many times as long as lies between their beginnings: to an eighth or so.
const LEAST_OVERLAP: u64 = 8;

/// What is read of an activity before its names are looked up.
struct Words {
    activity: Activity,
    callback: Option<Class>,
    program: Option<(&'static str, Arc<dyn Blueprint>)>,
    part_of: Option<String>,
    from: Vec<String>,
    to: Vec<String>,
    /// When it begins; a range from which each of several hosts draws its own.
    at: RangeInclusive<u64>,
}

impl Reader<'_> {
    pub(super) fn activity(&mut self, name: &str, node: &Node) {
        let mut fields = Fields::new(format!("activity.{name}"), node, self.mistakes);
        let words = words(name, node, &mut fields);
        fields.finish();
        let actors = self.actors(node, &words.from);
        let targets = self.targets(node, &words.to);
        let twins = Arc::new(self.twins(&words.to));
        self.check_versions(name, node, &actors, &targets);
        let id = match &words.part_of {
            Some(whole) => self.join(node, &words, whole),
            None => self.enter(&words, &actors, targets.len()),
        };
        let Some((kind, blueprint)) = words.program else {
            return;
        };
        self.check_reach(&Aim {
            name,
            node,
            from: &words.from,
            to: &words.to,
            at: *words.at.start(),
            actors: &actors,
            targets: &targets,
            blueprint: blueprint.as_ref(),
        });
        for host in &actors {
            let host_name = self
                .hosts
                .get(*host)
                .map_or("", |host| host.config.name.as_str());
            let path = if actors.len() == 1 {
                format!("{kind}/{name}")
            } else {
                format!("{kind}/{name}/{host_name}")
            };
            let mut draws = self.tree.draws(&format!("at/{path}"));
            self.runs.push(Run {
                host: *host,
                blueprint: Arc::clone(&blueprint),
                path,
                activity: id,
                targets: targets.clone(),
                twins: Arc::clone(&twins),
                at: draws.range(words.at.clone()),
            });
        }
    }

    /// A host reaches only addresses of a version of IP of which it has one itself.
    fn check_versions(&mut self, name: &str, node: &Node, actors: &[usize], targets: &[IpAddr]) {
        for host in actors.iter().filter_map(|n| self.hosts.get(*n)) {
            let own = &host.config.addresses;
            let reaches = |target: &IpAddr| own.iter().any(|a| a.is_ipv4() == target.is_ipv4());
            if let Some(target) = targets.iter().find(|target| !reaches(target)) {
                let version = if target.is_ipv4() { "IPv4" } else { "IPv6" };
                let message = format!(
                    "activity.{name}: host '{}' has no {version} address and cannot reach {target}; \
                     give it one, as in address = [\"{}\", ...]",
                    host.config.name,
                    own.first().map_or_else(String::new, IpAddr::to_string)
                );
                return self.mistakes.note(&node.origin, message);
            }
        }
    }

    /// Enters an activity into the table; what has no class belongs to the background.
    fn enter(&mut self, words: &Words, actors: &[usize], targets: usize) -> ActivityId {
        let number = |n: usize| ActivityId::whole(u16::try_from(n).unwrap_or(u16::MAX));
        if words.activity.class.is_none() {
            let Some(label) = words.activity.label else {
                return ActivityId::BACKGROUND;
            };
            let same = |a: &Activity| a.class.is_none() && a.label == Some(label);
            return number(self.activities.iter().position(same).unwrap_or_else(|| {
                self.activities.push(words.activity.clone());
                self.activities.len() - 1
            }));
        }
        let mut activity = words.activity.clone();
        if let [only] = actors {
            activity.actor = self
                .hosts
                .get(*only)
                .and_then(|host| host.config.addresses.first().copied());
        }
        if let Some((kind, blueprint)) = &words.program {
            activity.by_tool = *kind == "tool";
            activity.forged = blueprint.forged();
            let asked = blueprint.asked(targets);
            activity.gap = asked.and_then(|asked| match activity.apart {
                true => Some(asked.gap),
                false => together(asked, actors.len() as u64, &words.at, self.duration),
            });
        }
        let id = number(self.activities.len());
        if let Some(class) = words.callback {
            activity.callback = Some(number(self.activities.len() + 1));
            let callback = Activity {
                name: format!("{}-callback", activity.name),
                apart: activity.apart,
                class: Some(class),
                ..Activity::background()
            };
            self.activities.push(activity);
            self.activities.push(callback);
        } else {
            self.activities.push(activity);
        }
        id
    }

    /// Joins an earlier activity: another step of the same event.
    fn join(&mut self, node: &Node, words: &Words, whole: &str) -> ActivityId {
        if words.activity.class.is_some() || words.callback.is_some() {
            self.mistakes.note(
                &node.origin,
                format!("a part of '{whole}' has no class of its own"),
            );
        }
        let Some(at) = self
            .activities
            .iter()
            .position(|a| a.name == whole && a.class.is_some())
        else {
            self.mistakes.note(
                &node.origin,
                format!("part_of = {whole}: no earlier activity with a class has that name"),
            );
            return ActivityId::BACKGROUND;
        };
        if let (Some(activity), Some((_, blueprint))) =
            (self.activities.get_mut(at), &words.program)
        {
            activity.forged.extend(blueprint.forged());
            // Each part has its own.
            activity.gap = None;
        }
        ActivityId::whole(u16::try_from(at).unwrap_or(u16::MAX))
    }

    fn actors(&mut self, node: &Node, names: &[String]) -> Vec<usize> {
        let mut actors = Vec::new();
        for name in names {
            match self.cast.get(name) {
                Some(hosts) => actors.extend(hosts),
                None => self.unknown_host(node, name),
            }
        }
        actors
    }

    /// The addresses that `to` names: hosts, groups, addresses and blocks.
    fn targets(&mut self, node: &Node, names: &[String]) -> Vec<IpAddr> {
        let mut targets = Vec::new();
        for name in names {
            if let Some(nobody) = self.absent.get(name) {
                targets.extend(nobody);
            } else if let Some(hosts) = self.cast.get(name) {
                let hosts = hosts.iter().filter_map(|host| self.hosts.get(*host));
                targets.extend(hosts.filter_map(|host| host.config.addresses.first().copied()));
            } else if let Ok(address) = name.parse::<IpAddr>() {
                targets.push(address);
            } else if let Ok(block) = name.parse::<IpNet>() {
                targets.extend(block.hosts().take(MAX_TARGETS));
            } else if let Some(range) = range(name) {
                targets.extend(range);
            } else {
                self.unknown_host(node, name);
            }
        }
        targets
    }

    /// The IPv6 addresses that names of hosts have beside those in [`Self::targets`]; an address is no name.
    fn twins(&self, names: &[String]) -> BTreeMap<IpAddr, IpAddr> {
        let hosts = names
            .iter()
            .filter_map(|name| self.cast.get(name))
            .flatten();
        let hosts = hosts.filter_map(|host| self.hosts.get(*host));
        let pair = |host: &HostSpec| {
            let first = host.config.addresses.first().filter(|a| a.is_ipv4())?;
            Some((*first, host.twin?))
        };
        hosts.filter_map(pair).collect()
    }

    fn unknown_host(&mut self, node: &Node, name: &str) {
        let known: Vec<&str> = self.cast.keys().map(String::as_str).collect();
        let message = format!(
            "'{name}' is no host, group, address, block or range such as 192.0.2.0..192.0.2.255; hosts and groups: {}",
            known.join(", ")
        );
        self.mistakes.note(&node.origin, message);
    }
}

/// The mean gap, in nanoseconds, between what several send who are all asked to keep a pace, and begin somewhere in a range: `None`
/// where one may be over, or nearly, before another begins.
fn together(asked: Asked, actors: u64, at: &RangeInclusive<u64>, duration: u64) -> Option<u64> {
    let Asked { gap, visits } = asked;
    if actors <= 1 {
        return Some(gap);
    }
    let takes = gap
        .saturating_mul(visits - 1)
        .min(duration.saturating_sub(*at.end()));
    let apart = at.end() - at.start();
    if apart.saturating_mul(LEAST_OVERLAP) > takes {
        return None;
    }
    let gaps = u128::from(visits) * u128::from(actors) - 1;
    let sum = u128::from(gap) * u128::from(visits - 1);
    u64::try_from(sum / gaps).ok()
}

/// A range of addresses, its ends among them: `192.0.2.0..192.0.2.255`.
fn range(text: &str) -> Option<impl Iterator<Item = IpAddr> + use<>> {
    let (first, last) = text.split_once("..")?;
    let (first, last): (Ipv4Addr, Ipv4Addr) =
        (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let range = u32::from(first)..=u32::from(last);
    (!range.is_empty()).then(|| {
        range
            .take(MAX_TARGETS)
            .map(|address| IpAddr::from(Ipv4Addr::from(address)))
    })
}

fn words(name: &str, node: &Node, fields: &mut Fields<'_, '_>) -> Words {
    let class = class(fields, "class");
    let label = self::class(fields, "label");
    let echo = self::class(fields, "echo");
    let callback = self::class(fields, "callback");
    let expects = [
        ("alert", Expect::Alert),
        ("silence", Expect::Silence),
        ("may", Expect::May),
    ];
    let expect = fields.choice("expect", &expects);
    let evident = fields.parsed(
        "evident",
        "\"N distinct ports\", \"N distinct targets\" or \"N packets\"",
        |value| Minimum::parse(text_ref(value)?),
    );
    let apart = fields.flag("apart");
    let because = fields.texts("because");
    let part_of = fields.text("part_of");
    let (from, to) = (fields.texts("from"), fields.texts("to"));
    let at = fields
        .parsed(
            "at",
            "a time such as \"5s\", or a range such as \"0s..20s\"",
            |value| {
                let text = text_ref(value)?;
                let (low, high) = text.split_once("..").unwrap_or((text, text));
                let (low, high) = (units::duration(low.trim())?, units::duration(high.trim())?);
                (low <= high).then_some(low..=high)
            },
        )
        .unwrap_or(0..=0);
    if from.is_empty() {
        let origin = fields.origin().clone();
        fields.mistake(
            &origin,
            format!("activity.{name} lacks 'from': the host that does it"),
        );
    }
    let program = program(name, node, fields);
    let tool = program
        .as_ref()
        .map(|_| kind_name(node).unwrap_or_default());
    let activity = Activity {
        name: name.to_owned(),
        class,
        label,
        echo,
        expect,
        tool,
        apart,
        evident,
        because,
        ..Activity::background()
    };
    Words {
        activity,
        callback,
        program,
        part_of,
        from,
        to,
        at,
    }
}

fn class(fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Class> {
    fields.parsed(
        key,
        "a class of the taxonomy, such as \"syn-scan\"; `crywolf list --classes` shows all",
        |value| Class::from_name(text_ref(value)?),
    )
}

fn kind_name(node: &Node) -> Option<String> {
    ["tool", "app"]
        .iter()
        .find_map(|key| node.get(key))
        .map(Node::to_line)
}

/// The tool or application, with its parameters.
fn program(
    name: &str,
    node: &Node,
    fields: &mut Fields<'_, '_>,
) -> Option<(&'static str, Arc<dyn Blueprint>)> {
    let (app, tool) = (fields.node("app"), fields.node("tool"));
    let found = match (app, tool) {
        (Some(word), None) => text_ref(&word.value)
            .and_then(|text| app::client(text, fields))
            .map(|blueprint| ("app", blueprint)),
        (None, Some(word)) => text_ref(&word.value)
            .and_then(|text| tool::read(text, fields))
            .map(|blueprint| ("tool", blueprint)),
        (Some(_), Some(word)) => {
            fields.mistake(&word.origin, "an activity has either 'tool' or 'app'");
            return None;
        }
        (None, None) => {
            fields.mistake(
                &node.origin,
                format!("activity.{name} needs 'tool' or 'app'"),
            );
            return None;
        }
    };
    if found.is_none()
        && let Some(word) = app.or(tool)
    {
        let (key, known) = match app {
            Some(_) => ("app", app::client_names()),
            None => ("tool", tool::names()),
        };
        fields.mistake(
            &word.origin,
            format!(
                "{key} = {}: it must be one of: {}",
                word.to_line(),
                known.join(", ")
            ),
        );
        // Its parameters cannot be judged.
        fields.take_rest();
    }
    found
}

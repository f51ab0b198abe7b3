//! Whether what a file asks can be seen at all: who has a way to whom, what a program says over which version of IP, and which
//! places a sensor can stand at. What would give an empty or a wrong capture is a mistake of the file.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::reader::Reader;
use crate::blueprint::Blueprint;
use crate::net::sensor::{Place, SensorConfig};
use crate::net::topology::{SiteId, is_for_all};
use crate::reading::document::Node;
use crate::reading::units::write_duration;

/// All packets, as a share.
const MILLION: u32 = 1_000_000;

/// What is known of an activity when its reach is looked at.
pub(super) struct Aim<'a> {
    pub name: &'a str,
    pub node: &'a Node,
    pub from: &'a [String],
    pub to: &'a [String],
    pub at: u64,
    pub actors: &'a [usize],
    pub targets: &'a [IpAddr],
    pub blueprint: &'a dyn Blueprint,
}

impl Reader<'_> {
    /// Notes what keeps an activity from being seen.
    pub(super) fn check_reach(&mut self, aim: &Aim<'_>) {
        let reported = |why: String| format!("activity.{}: {why}", aim.name);
        let origin = &aim.node.origin;
        let late = self.too_late(aim);
        if late.is_none()
            && let Some(why) = self.out_of_reach(aim)
        {
            self.any_seen = true;
            return self.mistakes.note(origin, reported(why));
        }
        match late.or_else(|| self.shows_nothing(aim)) {
            Some(why) => self.unseen.push((origin.clone(), reported(why))),
            None => self.any_seen = true,
        }
    }

    /// Some that show nothing may stand beside others: some seeds leave them out, and no sensor sees all. If none shows anything,
    /// captures are empty.
    pub(super) fn check_seen(&mut self) {
        if !self.any_seen {
            for (origin, message) in std::mem::take(&mut self.unseen) {
                self.mistakes.note(&origin, message);
            }
        }
    }

    fn too_late(&self, aim: &Aim<'_>) -> Option<String> {
        let (at, lasts) = (write_duration(aim.at), write_duration(self.duration));
        (aim.at > self.duration).then(|| {
            format!("it begins at {at}, when the scenario is over: make 'at' less than the duration, {lasts}")
        })
    }

    /// Why nothing of an activity comes before a sensor, though it has a way to its targets.
    fn shows_nothing(&self, aim: &Aim<'_>) -> Option<String> {
        if aim.actors.is_empty() && aim.from.iter().all(|name| self.cast.contains_key(name)) {
            return Some(format!(
                "nobody does it: '{}' has no members; make its 'count' at least 1",
                aim.from.join("', '")
            ));
        }
        let mute = |actor: &usize| {
            let line = self.hosts.get(*actor).map(|host| &host.access);
            line.is_some_and(|line| line.loss >= MILLION || line.delay > self.duration)
        };
        if !aim.actors.is_empty() && aim.actors.iter().all(mute) {
            return Some(format!(
                "nothing that '{}' says leaves its line in time: make the line's 'loss' less than 100%, and 'access' less than the \
                 duration",
                aim.from.join("', '")
            ));
        }
        let heard = |actor: &usize| {
            let host = self.hosts.get(*actor);
            host.is_some_and(|host| self.hears(host.site, host.hops))
        };
        let from = aim.from.join("', '");
        let local = !aim.targets.is_empty() && aim.targets.iter().all(|to| is_for_all(*to));
        if local && !aim.actors.iter().any(heard) {
            return Some(format!(
                "what is for all neighbours stays on the segment of '{from}', where no sensor stands: put one there (at = \"segment N\" \
                 with the 'hops' of '{from}'), or aim at hosts"
            ));
        }
        let site = self.inside(aim)?;
        Some(format!(
            "what hosts of site '{site}' say to each other does not pass its border: put a sensor on a segment (site = \"{site}\", \
             at = \"segment N\" with the 'hops' of a host), or aim at hosts elsewhere"
        ))
    }

    /// The site that nothing of an activity leaves and in which no sensor stands.
    fn inside(&self, aim: &Aim<'_>) -> Option<&str> {
        let site = |actor: &usize| Some(self.hosts.get(*actor)?.site);
        let home = site(aim.actors.first()?)?;
        let stay = aim.actors.iter().all(|actor| site(actor) == Some(home));
        let for_them = |to: &IpAddr| self.site_with(*to) == Some(home);
        let watched = |sensor: &SensorConfig| {
            sensor.site == home && matches!(sensor.place, Place::Segment(_))
        };
        let unseen = stay
            && !aim.targets.is_empty()
            && aim.targets.iter().all(for_them)
            && aim.blueprint.forged().is_empty()
            && !self.sensors.iter().any(watched);
        let name = self.sites.get(home.0).map(|spec| spec.name.as_str());
        name.filter(|_| unseen)
    }

    /// Whether a sensor stands on a segment.
    fn hears(&self, site: SiteId, depth: u8) -> bool {
        let mut sensors = self.sensors.iter();
        sensors.any(|sensor| sensor.site == site && sensor.place == Place::Segment(depth))
    }

    fn out_of_reach(&self, aim: &Aim<'_>) -> Option<String> {
        if aim.to.is_empty() {
            return Some(
                "it is aimed at nobody: say to whom with 'to', such as to = \"server\" or to = \"192.0.2.10\"".into(),
            );
        }
        self.wrong_version(aim).or_else(|| self.no_way(aim))
    }

    /// What a program makes by hand exists in one version of IP alone; forged sources have to be of their target's.
    fn wrong_version(&self, aim: &Aim<'_>) -> Option<String> {
        let six = aim.targets.iter().find(|target| target.is_ipv6());
        if let (Some(target), Some(what)) = (six, aim.blueprint.ipv4_alone()) {
            return Some(format!(
                "{what} exist in IPv4 alone, and {target} is an IPv6 address: aim at an IPv4 address"
            ));
        }
        let forged = aim.blueprint.forged();
        let fits = |target: &&IpAddr| {
            let mut same = forged
                .iter()
                .filter(|pool| pool.addr().is_ipv4() == target.is_ipv4());
            forged.is_empty() || same.next().is_some()
        };
        if aim.targets.is_empty() || aim.targets.iter().any(|target| fits(&target)) {
            return None;
        }
        let (pool, target) = (forged.first()?, aim.targets.first()?);
        Some(format!(
            "sources = {pool} and its target {target} are of different versions of IP: take sources of the same"
        ))
    }

    /// No actor has a way to any target.
    fn no_way(&self, aim: &Aim<'_>) -> Option<String> {
        let sites: BTreeSet<usize> = aim
            .actors
            .iter()
            .filter_map(|actor| Some(self.hosts.get(*actor)?.site.0))
            .collect();
        let own = |target: &IpAddr| {
            let mut actors = aim.actors.iter().filter_map(|n| self.hosts.get(*n));
            actors.all(|host| host.config.addresses.contains(target))
        };
        if !aim.actors.is_empty() && !aim.targets.is_empty() && aim.targets.iter().all(own) {
            return Some(format!(
                "'{}' speaks to itself alone, which no sensor sees: aim at somebody else",
                aim.from.join(", ")
            ));
        }
        let (mut reason, mut cut) = (None, None);
        for target in aim.targets {
            if is_for_all(*target) {
                return None;
            }
            let there = self.site_with(*target);
            for site in &sites {
                match there {
                    Some(SiteId(there)) if there == *site => return None,
                    Some(SiteId(there)) => match self.cut_off(there, *site) {
                        Some(None) => return None,
                        // What leaves a watched site is seen, wherever it is lost.
                        Some(Some(_)) if self.is_watched(*site) => return None,
                        Some(why) => cut = cut.or(why),
                        None => {}
                    },
                    // What leaves a watched site is seen, wherever it is lost.
                    None if self.is_watched(*site) => return None,
                    _ => {}
                }
                reason.get_or_insert((*site, there, *target));
            }
        }
        if cut.is_some() {
            return cut;
        }
        let (from, there, target) = reason?;
        let name = |site: usize| self.sites.get(site).map_or("", |site| site.name.as_str());
        Some(match there {
            Some(SiteId(there)) => format!(
                "no path joins site '{}', from where it comes, and site '{}', where {target} is: add a [path.NAME] with \
                 between = [\"{}\", \"{}\"]",
                name(from),
                name(there),
                name(from),
                name(there)
            ),
            None => format!(
                "{target} belongs to no site, and no sensor stands where it comes from: give a site a block with it, or put a \
                 sensor at '{}'",
                name(from)
            ),
        })
    }

    /// The site of an address, by the longest of its blocks.
    pub(super) fn site_with(&self, address: IpAddr) -> Option<SiteId> {
        let sites = self.sites.iter().enumerate();
        let blocks = sites.flat_map(|(n, site)| site.prefixes.iter().map(move |block| (block, n)));
        blocks
            .filter(|(block, _)| block.contains(&address))
            .max_by_key(|(block, n)| (block.prefix_len(), std::cmp::Reverse(*n)))
            .map(|(_, n)| SiteId(n))
    }

    /// Why nothing gets over the path between two sites, if there is such a path and nothing does.
    fn cut_off(&self, one: usize, other: usize) -> Option<Option<String>> {
        let path = self.paths.iter().find(|path| {
            let ends = (path.ends.0.0, path.ends.1.0);
            ends == (one, other) || ends == (other, one)
        })?;
        let (name, line) = (&path.name, &path.line);
        Some(if line.loss >= MILLION {
            Some(format!(
                "path.{name} loses all: say less than loss = \"100%\", or watch where it comes from"
            ))
        } else if line.delay > self.duration {
            let (delay, lasts) = (write_duration(line.delay), write_duration(self.duration));
            Some(format!(
                "path.{name} takes {delay}, and the scenario {lasts}: make the delay less, or watch where it comes from"
            ))
        } else {
            None
        })
    }

    fn is_watched(&self, site: usize) -> bool {
        let name = self.sites.get(site).map(|site| &site.name);
        let path = |place: &Place| match place {
            Place::Path(index, _) => self.paths.get(*index),
            Place::Border | Place::Segment(_) => None,
        };
        let mut on_path = self.sensors.iter().filter_map(|sensor| path(&sensor.place));
        name.is_some_and(|name| self.watched.contains_key(name))
            || on_path.any(|path| [path.ends.0.0, path.ends.1.0].contains(&site))
    }

    /// Notes a place at which a sensor sees nothing, whatever happens.
    pub(super) fn check_place(&mut self, name: &str, node: &Node, site: SiteId, place: Place) {
        let at = self.sites.get(site.0).map_or("", |site| site.name.as_str());
        let why = match place {
            Place::Path(index, hop) => {
                let hops = self.paths.get(index).map_or(0, |path| path.hops);
                (hop > hops).then(|| {
                    format!(
                        "hop = {hop}: the path has {hops} routers; say more with its 'hops', or a lower hop"
                    )
                })
            }
            Place::Border => {
                let joined = self
                    .paths
                    .iter()
                    .any(|path| path.ends.0 == site || path.ends.1 == site);
                (!joined).then(|| {
                    format!(
                        "no path leads to site '{at}', so it has no border: add a [path.NAME], or say at = \"segment\""
                    )
                })
            }
            Place::Segment(depth) => {
                let deepest = self.hosts.iter().filter(|host| host.site == site);
                let deepest = deepest.map(|host| host.hops).max();
                match deepest {
                    None => Some(format!(
                        "nobody lives at site '{at}', where it stands: add a [host.NAME] or a [group.NAME] there"
                    )),
                    Some(deepest) if depth > deepest => Some(format!(
                        "segment {depth} is deeper than any host of site '{at}': its last segment is {deepest}"
                    )),
                    Some(_) => None,
                }
            }
        };
        if let Some(why) = why {
            self.mistakes
                .note(&node.origin, format!("sensor.{name}: {why}"));
        }
    }

    /// Notes blocks that two sites claim, which could be routed to one of them only.
    pub(super) fn check_blocks(&mut self, node: &Node, name: &str) {
        let Some((site, others)) = self.sites.split_last() else {
            return;
        };
        let taken =
            |block: &&ipnet::IpNet| others.iter().find(|other| other.prefixes.contains(block));
        let twice = site
            .prefixes
            .iter()
            .find_map(|block| Some((block, taken(&block)?)));
        if let Some((block, other)) = twice {
            let message = format!("site.{name}: {block} is site '{}''s already", other.name);
            self.mistakes.note(&node.origin, message);
        }
    }
}

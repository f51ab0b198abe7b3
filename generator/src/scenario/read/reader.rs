//! What the sections of a file have said so far.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::activity::Activity;
use crate::fact::Names;
use crate::host::stack::Stacks;
use crate::net::sensor::{Place, SensorConfig};
use crate::net::topology::SiteId;
use crate::reading::document::Node;
use crate::reading::error::Origin;
use crate::reading::fields::Mistakes;
use crate::scenario::{HostSpec, PathSpec, Run, SiteSpec};
use crate::seed::SeedTree;

/// What becomes of what a file leaves open about hosts, lines and sensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstated {
    /// Nothing: hosts stand at the border and take no time. So that a published trace shows what its file states.
    Plain,
    /// It is drawn, for every host and line from the same distributions, whatever happens there.
    Drawn,
}

/// What has been read so far; later sections refer to earlier ones by name.
pub(super) struct Reader<'a> {
    pub(super) stacks: &'a Stacks,
    pub(super) mistakes: &'a mut Mistakes,
    pub(super) unstated: Unstated,
    /// Sites that sensors watch, and where in them, as far as files say so.
    pub(super) watched: BTreeMap<String, Option<Place>>,
    pub(super) tree: SeedTree,
    /// How long the scenario is watched, in nanoseconds.
    pub(super) duration: u64,
    /// Why activities show nothing, and whether any shows something.
    pub(super) unseen: Vec<(Origin, String)>,
    pub(super) any_seen: bool,
    pub(super) sites: Vec<SiteSpec>,
    pub(super) paths: Vec<PathSpec>,
    pub(super) hosts: Vec<HostSpec>,
    pub(super) sensors: Vec<SensorConfig>,
    pub(super) activities: Vec<Activity>,
    pub(super) runs: Vec<Run>,
    /// Hosts by the name that activities use: one host, or those of a group.
    pub(super) cast: BTreeMap<String, Vec<usize>>,
    /// Addresses that activities name as their targets.
    pub(super) named: BTreeSet<IpAddr>,
    /// Addresses of nobody, by the name of their group.
    pub(super) absent: BTreeMap<String, Vec<IpAddr>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
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
            activities: vec![Activity::background()],
            runs: Vec::new(),
            cast: BTreeMap::new(),
            named: BTreeSet::new(),
            absent: BTreeMap::new(),
        }
    }

    /// The site of that name; a mistake where there is none.
    pub(super) fn site_named(&mut self, node: &Node, name: &str) -> SiteId {
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
    pub(super) fn names(&self) -> Names {
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

    pub(super) fn is_taken(&self, address: IpAddr) -> bool {
        self.hosts
            .iter()
            .any(|host| host.config.addresses.contains(&address))
    }
}

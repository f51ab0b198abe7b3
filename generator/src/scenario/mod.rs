//! Scenario files: what happens, as data.
//!
//! [`ScenarioFile`] is a file that has been read; [`ScenarioFile::resolve`] applies what a seed, a difficulty, a
//! published trace or the user changes, checks everything and gives a [`Scenario`], from which a world is built.

mod background;
mod extend;
mod file;
mod read;
mod stack_file;
mod vary;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use labels::Family;
use wire::Timestamp;

pub use crate::reading::error::{Mistake, Origin, ScenarioErrors};
pub use extend::extended;
pub use file::{Request, ScenarioFile};

use crate::activity::Activity;
use crate::blueprint::Blueprint;
use crate::fact::{Fact, Names};
use crate::host::HostConfig;
use crate::net::filter::Filter;
use crate::net::path::LineConfig;
use crate::net::sensor::SensorConfig;
use crate::net::topology::{AbsentPolicy, SiteId};
use crate::seed::Pins;

/// What a scenario file says about itself.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Unique name, also its file's.
    pub id: String,
    /// One line.
    pub title: String,
    /// Family of its main event.
    pub family: Family,
    /// The story.
    pub summary: String,
    /// Document and section it comes from.
    pub source: String,
    /// Whether the documents print no packets of it.
    pub reconstructed: bool,
    /// What its source leaves open and this file decides.
    pub assumed: Vec<String>,
    /// What a simple detector concludes from it.
    pub naive: Vec<String>,
    /// What tells it apart from what it looks like, or from what looks like it.
    pub tells: Vec<String>,
    /// What holds for every seed.
    pub facts: Vec<Fact>,
}

/// A scenario, checked, with every choice but the draws made.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is.
    pub identity: Identity,
    /// The moment at which it begins.
    pub start: Timestamp,
    /// How long it is watched, in nanoseconds.
    pub duration: u64,
    /// Sites.
    pub sites: Vec<SiteSpec>,
    /// Paths between sites.
    pub paths: Vec<PathSpec>,
    /// Hosts.
    pub hosts: Vec<HostSpec>,
    /// Sensors.
    pub sensors: Vec<SensorConfig>,
    /// Activities by number; the first is the background.
    pub activities: Vec<Activity>,
    /// What runs where, in the order in which it starts.
    pub runs: Vec<Run>,
    /// What was changed, by path in the file.
    pub parameters: BTreeMap<String, String>,
    /// Pinned draws.
    pub pins: Pins,
    /// Whether what the file leaves open takes neither time nor chance, as in a published trace.
    pub plain: bool,
    /// Addresses of hosts and groups, by the names that activities and facts use.
    pub names: Names,
}

/// A site.
#[derive(Clone, Debug)]
pub struct SiteSpec {
    /// Its name.
    pub name: String,
    /// Its networks.
    pub prefixes: Vec<IpNet>,
    /// What happens to packets for nobody.
    pub absent: AbsentPolicy,
    /// What its border lets in.
    pub filter: Filter,
    /// Address of its border router.
    pub router: IpAddr,
    /// The address by which its own hosts know that router.
    pub gateway: IpAddr,
    /// The routers inside, the one next to the border first.
    pub inner_routers: Vec<IpAddr>,
    /// Whether its border lets packets in that are for all hosts of a block.
    pub directed_broadcast: bool,
    /// The address behind which its private ones stand.
    pub nat: Option<std::net::Ipv4Addr>,
}

/// A path between two sites.
#[derive(Clone, Debug)]
pub struct PathSpec {
    /// Its name.
    pub name: String,
    /// The sites it joins.
    pub ends: (SiteId, SiteId),
    /// Routers on it.
    pub hops: u8,
    /// Their addresses.
    pub routers: Vec<IpAddr>,
    /// Largest packet, in bytes.
    pub mtu: usize,
    /// Whether packets beyond it vanish without a word.
    pub silent_mtu: bool,
    /// A routing loop: the router where it begins, and from when to when after the start, in nanoseconds.
    pub circle: Option<(u8, u64, u64)>,
    /// Whether routers forward packets whose time to live has run out.
    pub forwards_expired: bool,
    /// Delay, loss and order, both ways.
    pub line: LineConfig,
}

/// A host.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// How it is set up.
    pub config: HostConfig,
    /// Where it is.
    pub site: SiteId,
    /// Routers between it and the border.
    pub hops: u8,
    /// Its access line, both ways.
    pub access: LineConfig,
    /// The IPv6 address that its name has beside the first one: its own, or one at which nobody answers any more.
    pub twin: Option<IpAddr>,
}

/// A program on a host.
#[derive(Clone, Debug)]
pub struct Run {
    /// Index of the host.
    pub host: usize,
    /// The program.
    pub blueprint: Arc<dyn Blueprint>,
    /// The beginning of its draw paths.
    pub path: String,
    /// The activity it acts for.
    pub activity: crate::activity::ActivityId,
    /// Whom it is aimed at.
    pub targets: Vec<IpAddr>,
    /// The IPv6 addresses of those targets whose names have both kinds.
    pub twins: Arc<BTreeMap<IpAddr, IpAddr>>,
    /// Nanoseconds from the start of the scenario to its own.
    pub at: u64,
}

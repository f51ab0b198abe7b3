//! Hosts, groups of hosts, and the services on them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use wire::MacAddress;

use super::counters::counters;
use super::families::{Families, families};
use super::places::{LineWords, line};
use super::reader::{Reader, Unstated};
use super::services::{delays, services};
use crate::activity::ActivityId;
use crate::blueprint::Blueprint;
use crate::host::sockets::Counters;
use crate::host::stack::Stack;
use crate::host::{HostConfig, PortPolicy};
use crate::net::path::{LineConfig, picos_per_byte};
use crate::net::segment::host_mac;
use crate::net::sensor::Place;
use crate::net::topology::SiteId;
use crate::reading::document::{Node, Value};
use crate::reading::fields::{Fields, Mistakes, list, number, text, text_ref};
use crate::scenario::stack_file::turnaround;
use crate::scenario::{HostSpec, PathSpec, Run};
use crate::seed::Draws;

/// Hosts that one group may have.
const MAX_GROUP: u64 = 10_000;

/// Delays of the lines of hosts near a sensor and far from it, in nanoseconds. Assumption: from a desk's cable to an
/// office's radio; from a neighbouring town to another continent's house.
const NEAR: (u64, u64) = (100_000, 2_000_000);
const FAR: (u64, u64) = (2_000_000, 90_000_000);
/// Rates of such lines. Assumption.
const NEAR_RATES: [&str; 3] = ["100 Mbit/s", "1 Gbit/s", "1 Gbit/s"];
const FAR_RATES: [&str; 5] = [
    "20 Mbit/s",
    "50 Mbit/s",
    "100 Mbit/s",
    "1 Gbit/s",
    "1 Gbit/s",
];

/// Routers between a host near a sensor and the border. Assumption: most stand close to it, and some in branches behind others.
const NEAR_HOPS: (u64, u64) = (1, 10);
/// The same of one that is watched from elsewhere.
const FAR_HOPS: RangeInclusive<u8> = 3..=15;

/// How many routers there are between a host near a sensor and the border: no more than its site names, if it names any.
fn near_hops(draws: &mut Draws, named: usize) -> RangeInclusive<u8> {
    let hops = match named as u64 {
        0 => spread(draws, NEAR_HOPS),
        named => draws.range(1..=named),
    };
    let hops = u8::try_from(hops).unwrap_or(1);
    hops..=hops
}

/// A number of a range whose octaves are equally likely: short lines are many, long ones few.
fn spread(draws: &mut Draws, (low, high): (u64, u64)) -> u64 {
    let mut doublings = 0;
    while low << (doublings + 1) <= high {
        doublings += 1;
    }
    let from = low << draws.range(0..=doublings);
    draws.range(from..=(2 * from).min(high))
}

const PORT_POLICIES: [(&str, PortPolicy); 3] = [
    ("closed", PortPolicy::Closed),
    ("filtered", PortPolicy::Filtered),
    ("rejected", PortPolicy::Rejected),
];

/// What hosts and groups have in common.
struct Common {
    /// One, or several among which the members of a group are spread.
    sites: Vec<String>,
    stacks: Vec<String>,
    default_policy: PortPolicy,
    port_policy: BTreeMap<u16, PortPolicy>,
    unseen_gap: Option<u64>,
    hops: Option<RangeInclusive<u8>>,
    access_delay: Option<RangeInclusive<u64>>,
    access: LineWords,
    services: Vec<(String, Arc<dyn Blueprint>)>,
    mac: Option<MacAddress>,
    booted: bool,
    counters: Option<Counters>,
    mtu: usize,
    turnaround: Option<(u64, u64)>,
    families: Families,
}

impl Reader<'_> {
    pub(super) fn host(&mut self, name: &str, node: &Node) {
        let mut fields = Fields::new(format!("host.{name}"), node, self.mistakes);
        let wanted = "an address or a list of addresses";
        let addresses: Vec<IpAddr> = fields
            .required("address", wanted, |value| {
                list(value, |item| text_ref(item)?.parse().ok())
            })
            .unwrap_or_default();
        let common = common(&mut fields);
        fields.finish();
        if let Some(address) = addresses.iter().find(|address| self.is_taken(**address)) {
            self.mistakes.note(
                &node.origin,
                format!("host.{name}: {address} is another host's already"),
            );
        }
        if common.families.wanted() {
            self.check_families(&format!("host.{name}"), node, &common.sites);
        }
        let host = self.add(name, node, addresses, 0, common);
        self.cast
            .insert(name.to_owned(), host.into_iter().collect());
    }

    pub(super) fn group(&mut self, name: &str, node: &Node) {
        let mut fields = Fields::new(format!("group.{name}"), node, self.mistakes);
        let count = fields.number("count", 0..=MAX_GROUP);
        let absent = fields.flag("absent");
        let common = common(&mut fields);
        fields.finish();
        if common.families.wanted() {
            self.check_families(&format!("group.{name}"), node, &common.sites);
        }
        let mut common = Some(common);
        let mut members = Vec::new();
        for n in 0..count.unwrap_or(1) {
            let Some(shared) = common.take() else { return };
            common = Some(shared.again());
            let member = format!("{name}-{}", n + 1);
            let shared = self.settle(&member, shared);
            let Some(address) = self.free_address(node, &member, &shared) else {
                let message = format!(
                    "group.{name}: the site has no free address for host {}",
                    n + 1
                );
                self.mistakes.note(&node.origin, message);
                return;
            };
            if absent {
                self.named.insert(address);
                self.absent
                    .entry(name.to_owned())
                    .or_default()
                    .push(address);
                continue;
            }
            let index = usize::try_from(n).unwrap_or(0);
            members.extend(self.add(&member, node, vec![address], index, shared));
        }
        if absent {
            self.absent.entry(name.to_owned()).or_default();
        } else {
            self.cast.insert(name.to_owned(), members);
        }
    }

    /// Draws what differs between the members of a group: its site, its distance and its line.
    fn settle(&self, member: &str, shared: Common) -> Common {
        let mut draws = self.tree.draws(&format!("group/{member}"));
        let site = draws.pick(&shared.sites).cloned();
        Common {
            sites: site.into_iter().collect(),
            ..shared
        }
    }

    /// The most routers between a host and its border over which packets of that TTL still reach every host whose distance
    /// is drawn. A host of which nobody says how far it stands is put where it can work.
    fn farthest(&self, site: &str, ttl: u8) -> u64 {
        let at = self.sites.iter().position(|spec| spec.name == site);
        let beyond = |path: &PathSpec| {
            let other = match path.ends {
                (here, there) | (there, here) if Some(here.0) == at => there,
                _ => return None,
            };
            let near =
                (self.sites.get(other.0)).is_some_and(|spec| self.watched.contains_key(&spec.name));
            let inside = if near {
                NEAR_HOPS.1
            } else {
                u64::from(*FAR_HOPS.end())
            };
            Some(u64::from(path.hops) + inside)
        };
        let longest = self.paths.iter().filter_map(beyond).max().unwrap_or(0);
        // The routers at both borders take their part.
        u64::from(ttl).saturating_sub(longest + 2).max(1)
    }

    /// Where a host of a site stands and what its line is like: as the file says, or as hosts there are.
    fn stand(&self, name: &str, site: &str, common: &Common, ttl: u8) -> (u8, LineConfig) {
        let mut draws = self.tree.draws(&format!("place/{name}"));
        let plain = self.unstated == Unstated::Plain;
        let near = self.watched.contains_key(site);
        let mut sites = self.sites.iter();
        let inner_routers = sites
            .find(|spec| spec.name == site)
            .map_or(0, |spec| spec.inner_routers.len());
        let segment = self.watched.get(site).and_then(|place| {
            let id = self.sites.iter().position(|spec| spec.name == site)?;
            match place.unwrap_or_else(|| self.usual_place(SiteId(id))) {
                Place::Segment(depth) => Some(depth),
                Place::Border | Place::Path(..) => None,
            }
        });
        let hops = match (&common.hops, segment) {
            (Some(hops), _) => Some(hops.clone()),
            // Where a sensor stands on a segment, that is where hosts are.
            (None, Some(depth)) => Some(depth..=depth),
            (None, None) => None,
        };
        let hops = match hops {
            Some(hops) => hops,
            None if plain => 0..=0,
            None if near => near_hops(&mut draws, inner_routers),
            None => FAR_HOPS,
        };
        let is_drawn = hops.start() < hops.end() || (common.hops.is_none() && segment.is_none());
        let mut hops = draws.range(u64::from(*hops.start())..=u64::from(*hops.end()));
        if is_drawn && !plain {
            hops = hops.min(self.farthest(site, ttl));
        }
        let delay = match &common.access_delay {
            Some(delay) => draws.range(delay.clone()),
            None if plain => 0,
            None => spread(&mut draws, if near { NEAR } else { FAR }),
        };
        let rates: &[&str] = if near { &NEAR_RATES } else { &FAR_RATES };
        let rate = draws.pick(rates).copied().unwrap_or_default();
        let mut line = common.access.line(delay);
        if !plain {
            line.jitter = common.access.jitter.unwrap_or(delay / 12);
            line.per_byte = common
                .access
                .per_byte
                .or_else(|| picos_per_byte(rate))
                .unwrap_or(0);
        }
        (u8::try_from(hops).unwrap_or(0), line)
    }

    fn is_router(&self, address: IpAddr) -> bool {
        let mut sites = self.sites.iter();
        sites.any(|site| [site.router, site.gateway].contains(&address))
    }

    /// A free address of a site: nobody's, and none that an activity names, for those may be meant to be nobody's.
    fn free_address(&mut self, node: &Node, member: &str, common: &Common) -> Option<IpAddr> {
        let site = common.sites.first().cloned()?;
        let site = self.site_named(node, &site);
        let mut draws = self.tree.draws(&format!("address/{member}"));
        let blocks: Vec<Ipv4Net> = self
            .sites
            .get(site.0)?
            .prefixes
            .iter()
            .filter_map(|prefix| match prefix {
                IpNet::V4(block) => Some(*block),
                IpNet::V6(_) => None,
            })
            .collect();
        let block = draws.pick(&blocks).copied()?;
        let size = 1u64 << (32 - u32::from(block.prefix_len()));
        let start = draws.range(0..=size - 1);
        // Neither the network's own address nor its broadcast address.
        (0..size)
            .map(|step| (start + step) % size)
            .filter(|n| *n > 0 && *n < size - 1)
            .map(|n| {
                IpAddr::from(Ipv4Addr::from(
                    u32::from(block.network()) | u32::try_from(n).unwrap_or(0),
                ))
            })
            .find(|address| {
                !self.is_taken(*address)
                    && !self.is_router(*address)
                    && !self.named.contains(address)
            })
    }

    fn add(
        &mut self,
        name: &str,
        node: &Node,
        addresses: Vec<IpAddr>,
        index: usize,
        common: Common,
    ) -> Option<usize> {
        let site = match common.sites.first() {
            Some(site) => self.site_named(node, site),
            None => SiteId(0),
        };
        self.check_addresses(name, node, &addresses, site);
        let stack = self.stack(node, &common.stacks, index)?;
        if let Some(counters) = common.counters {
            self.check_counters(node, counters, &stack);
        }
        let host = self.hosts.len();
        let place = common.again();
        for (service, blueprint) in common.services {
            self.runs.push(Run {
                host,
                blueprint,
                path: format!("service/{name}/{service}"),
                activity: ActivityId::BACKGROUND,
                targets: Vec::new(),
                twins: Arc::default(),
                at: 0,
            });
        }
        let mac = common
            .mac
            .unwrap_or_else(|| host_mac(&mut self.tree.draws(&format!("host/{name}/mac"))));
        let at = common.sites.first().map_or("", String::as_str);
        let (hops, access) = self.stand(name, at, &place, stack.ttl);
        let twin = addresses
            .iter()
            .find(|address| address.is_ipv6())
            .map(|address| (*address, false))
            .or_else(|| self.second_family(name, site, common.families, hops, mac));
        let mut addresses = addresses;
        addresses.extend(twin.filter(|(_, own)| *own).map(|(address, _)| address));
        let config = HostConfig {
            name: name.to_owned(),
            addresses,
            mac,
            mtu: common.mtu,
            booted: common.booted,
            counters: common.counters,
            turnaround: match (common.turnaround, self.unstated) {
                (Some(stated), _) => stated,
                (None, Unstated::Plain) => (0, 0),
                (None, Unstated::Drawn) => stack.turnaround,
            },
            stack,
            default_policy: common.default_policy,
            port_policy: common.port_policy,
            unseen_gap: common.unseen_gap,
        };
        self.hosts.push(HostSpec {
            config,
            site,
            hops,
            access,
            twin: twin.map(|(address, _)| address),
        });
        Some(host)
    }

    /// The addresses of a host are those of its site, and packets for them come there.
    fn check_addresses(&mut self, name: &str, node: &Node, addresses: &[IpAddr], site: SiteId) {
        if let Some(spec) = self.sites.get(site.0)
            && let Some(stray) = addresses
                .iter()
                .find(|a| !spec.prefixes.iter().any(|prefix| prefix.contains(*a)))
        {
            self.mistakes.note(
                &node.origin,
                format!("host.{name}: {stray} is no address of site '{}'", spec.name),
            );
        }
        let elsewhere = addresses.iter().find_map(|address| {
            let other = self.site_with(*address).filter(|other| *other != site)?;
            Some((*address, self.sites.get(other.0)?.name.clone()))
        });
        if let Some((address, other)) = elsewhere {
            let message = format!(
                "host.{name}: {address} lies in a longer block of site '{other}', to which packets for it go: take another address"
            );
            self.mistakes.note(&node.origin, message);
        }
    }

    /// The stack of a host; members of a group take theirs in turn. With a mistake noted the scenario is never built:
    /// any stack serves to read on.
    fn stack(&mut self, node: &Node, names: &[String], index: usize) -> Option<Arc<Stack>> {
        let name = names
            .get(index % names.len().max(1))
            .map_or("", String::as_str);
        let stack = self.stacks.get(name).cloned();
        if stack.is_none() {
            let known: Vec<&str> = self.stacks.keys().map(String::as_str).collect();
            let message = format!(
                "no stack is called '{name}'; there are: {}",
                known.join(", ")
            );
            self.mistakes.note(&node.origin, message);
        }
        stack.or_else(|| self.stacks.values().next().cloned())
    }
}

impl Common {
    /// The same again, for the next member of a group.
    fn again(&self) -> Common {
        Common {
            sites: self.sites.clone(),
            hops: self.hops.clone(),
            access_delay: self.access_delay.clone(),
            stacks: self.stacks.clone(),
            port_policy: self.port_policy.clone(),
            access: self.access,
            services: self.services.clone(),
            ..*self
        }
    }
}

fn common(fields: &mut Fields<'_, '_>) -> Common {
    let wanted = "the name of a site, or a list of sites among which a group is spread";
    let sites = fields.required("site", wanted, |value| list(value, text));
    Common {
        sites: sites.unwrap_or_default(),
        stacks: fields.texts("stack"),
        default_policy: fields.choice("ports", &PORT_POLICIES).unwrap_or_default(),
        port_policy: fields
            .node("port")
            .map(|node| port_policies(node, fields.mistakes()))
            .unwrap_or_default(),
        unseen_gap: fields.gap("unseen"),
        hops: fields.parsed(
            "hops",
            "a number from 0 to 255, or a range such as \"2..9\"",
            hops,
        ),
        access_delay: fields.parsed(
            "access",
            "a time such as \"4ms\", or a range such as \"1ms..40ms\"",
            delays,
        ),
        access: line(fields, "access_jitter"),
        services: services(fields),
        mac: fields.parsed("mac", "a hardware address", |value| {
            text_ref(value)?.parse().ok()
        }),
        booted: fields.flag("booted"),
        counters: counters(fields),
        mtu: fields
            .number("mtu", 68..=65535)
            .and_then(|mtu| usize::try_from(mtu).ok())
            .unwrap_or(1500),
        turnaround: fields.parsed(
            "turnaround",
            "a range of times such as \"7us..75us\": the least, and about the most",
            |value| turnaround(text_ref(value)?),
        ),
        families: families(fields),
    }
}

/// One number of hops, or a range from which each member of a group draws its own.
fn hops(value: &Value) -> Option<RangeInclusive<u8>> {
    if let Some(hops) = number(value) {
        let hops = u8::try_from(hops).ok()?;
        return Some(hops..=hops);
    }
    let (low, high) = text_ref(value)?.split_once("..")?;
    let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    (low <= high).then_some(low..=high)
}

/// The `[host.NAME.port]` table: a policy for each port that differs.
fn port_policies(node: &Node, mistakes: &mut Mistakes) -> BTreeMap<u16, PortPolicy> {
    let mut policies = BTreeMap::new();
    for (port, value) in node.entries() {
        let policy = text_ref(&value.value)
            .and_then(|text| PORT_POLICIES.iter().find(|(name, _)| *name == text));
        match (port.parse::<u16>(), policy) {
            (Ok(port), Some((_, policy))) => {
                policies.insert(port, *policy);
            }
            _ => mistakes.note(
                &value.origin,
                format!(
                    "{port} = {}: a port is closed, filtered or rejected",
                    value.to_line()
                ),
            ),
        }
    }
    policies
}

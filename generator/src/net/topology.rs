//! Sites and the paths between them: where a packet goes, and when it passes what.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};
use wire::{MacAddress, Packet, Timestamp};

use super::block::Block;
use super::filter::Filter;
use super::nat::Nat;
use super::path::Line;
use crate::table::Table;

/// Index of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SiteId(pub usize);

/// Index of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostId(pub usize);

/// A segment: its site, and the routers between it and the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentId {
    /// The site.
    pub site: SiteId,
    /// Routers between the segment and the border.
    pub depth: u8,
}

/// Who sends or receives on a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Station {
    /// A host.
    Host(HostId),
    /// The router towards the border.
    Outer,
    /// The router towards the next segment inside.
    Inner,
}

/// Which way a packet crosses the border of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the site.
    Inward,
    /// Out of the site.
    Outward,
}

/// What a site does with packets for addresses where nobody lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AbsentPolicy {
    /// Nothing.
    #[default]
    Silent,
    /// Its router says host unreachable, once ARP has given up.
    HostUnreachable,
    /// Its router says network unreachable at once.
    NetworkUnreachable,
}

/// A site at work.
#[derive(Debug)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its networks.
    pub prefixes: Vec<IpNet>,
    /// What happens to packets for nobody.
    pub absent: AbsentPolicy,
    /// What its border lets in.
    pub filter: Filter,
    /// The address of its border router.
    pub router: IpAddr,
    /// The address by which its own hosts know that router: behind a translator, a private one.
    pub gateway: IpAddr,
    /// The routers inside, the one next to the border first; where fewer are named, the last stands for the rest, and
    /// without any the border router speaks for them.
    pub inner_routers: Vec<IpAddr>,
    /// Whether its border lets packets in that are for all hosts of a block, as routers did before RFC 2644.
    pub directed_broadcast: bool,
    /// What gives its private addresses one that others know, where it has it.
    pub nat: Option<Nat>,
}

impl Site {
    /// The address from which its border router speaks to somebody of a version of IP: its own, or the first one of the first block
    /// of that version.
    pub fn router_towards(&self, peer: IpAddr) -> IpAddr {
        let first = |prefix: &IpNet| match prefix {
            IpNet::V6(block) => Some(Ipv6Addr::from(u128::from(block.network()) | 1).into()),
            IpNet::V4(_) => None,
        };
        match (self.router, peer) {
            (IpAddr::V4(_), IpAddr::V6(_)) => self.prefixes.iter().find_map(first),
            _ => None,
        }
        .unwrap_or(self.router)
    }

    /// The address from which the router at so many hops from the border, from 1, speaks to somebody.
    pub fn inner_router(&self, hop: u8, peer: IpAddr) -> IpAddr {
        let index = usize::from(hop).saturating_sub(1);
        let inner = self.inner_routers.get(index).or(self.inner_routers.last());
        let inner = inner.filter(|router| router.is_ipv4() == peer.is_ipv4());
        inner.copied().unwrap_or_else(|| self.router_towards(peer))
    }
}

/// Where a host is.
#[derive(Debug)]
pub struct Attachment {
    /// Its site.
    pub site: SiteId,
    /// Routers between the host and the border of its site.
    pub hops: u8,
    /// Its hardware address.
    pub mac: MacAddress,
    /// Largest packet that its interface sends, in bytes.
    pub mtu: usize,
    /// From the host to the border.
    pub out: Line,
    /// From the border to the host.
    pub into: Line,
}

impl Attachment {
    /// The segment on which the host stands.
    pub fn segment(&self) -> SegmentId {
        SegmentId {
            site: self.site,
            depth: self.hops,
        }
    }
}

/// A path between the borders of two sites.
#[derive(Debug)]
pub struct Path {
    /// The sites it joins.
    pub ends: (SiteId, SiteId),
    /// Routers on it.
    pub hops: u8,
    /// The router at each hop, as seen from the first end; where fewer are known, the last stands for the rest.
    pub routers: Vec<IpAddr>,
    /// Largest packet it carries, in bytes.
    pub mtu: usize,
    /// Whether packets beyond it vanish without a word: routers that send no errors, or filters that drop them.
    pub silent_mtu: bool,
    /// A time in which packets circle between two of its routers until their time to live is used up.
    pub circle: Option<Circle>,
    /// Whether routers forward packets whose time to live has run out, as 4.3BSD did.
    pub forwards_expired: bool,
    /// From the first end to the second.
    pub there: Line,
    /// From the second end to the first.
    pub back: Line,
}

/// A routing loop: two neighbouring routers that point at each other for a while.
#[derive(Clone, Copy, Debug)]
pub struct Circle {
    /// The router at which packets from the first end meet it, from 1; the other is the next one.
    pub hop: u8,
    /// When it begins, and when it ends.
    pub during: (Timestamp, Timestamp),
}

/// The whole network.
#[derive(Debug, Default)]
pub struct Topology {
    /// Sites.
    pub sites: Vec<Site>,
    /// Paths.
    pub paths: Vec<Path>,
    /// Where each host is.
    pub attachments: Vec<Attachment>,
    /// The host of each address.
    pub hosts: Table<IpAddr, HostId>,
    /// The hosts of each segment.
    pub segments: BTreeMap<SegmentId, Vec<HostId>>,
    /// Hardware addresses of the routers of segments.
    pub routers: BTreeMap<(SegmentId, Station), MacAddress>,
    /// Segments on which a sensor stands.
    pub watched: BTreeSet<SegmentId>,
    /// Prefixes of sites, the longest first.
    routes: Vec<(Block, SiteId)>,
    /// What was asked last about addresses, by their last bits: most packets go where others went just before.
    asked: Vec<Option<Whereabouts>>,
}

/// Addresses of which the whereabouts are remembered; a power of two.
const REMEMBERED: usize = 64;

/// Where an address is.
#[derive(Clone, Copy, Debug)]
pub struct Whereabouts {
    address: IpAddr,
    /// The site that it is routed to.
    pub site: Option<SiteId>,
    /// The host that has it.
    pub host: Option<HostId>,
    /// Whether it may stand for many: for a group, or for all hosts of a block.
    of_many: bool,
}

/// Whom a packet from inside a site is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All hosts of the sender's segment.
    Segment,
    /// Somebody inside, if there is such a host.
    Inside(Option<HostId>),
    /// Somebody beyond the border.
    Beyond,
}

/// What becomes of a packet on a path.
#[derive(Debug)]
pub enum Crossing {
    /// It reaches the far border at that time; so many routers have forwarded it.
    Through(Timestamp, u8),
    /// It reaches the far border from that time on as fragments that fit this MTU, one every so many nanoseconds; so many
    /// routers have forwarded it.
    Divided(Timestamp, u8, usize, u64),
    /// It is lost, or there is no way.
    Lost,
    /// The router at that address drops it and says so at that time; as many routers lie between it and the sender.
    Expired(Timestamp, IpAddr, u8),
    /// It does not fit and must not be fragmented: the router says so, with the MTU.
    TooBig(Timestamp, IpAddr, u16, u8),
}

impl Topology {
    /// A network of these parts.
    pub fn new(
        sites: Vec<Site>,
        paths: Vec<Path>,
        attachments: Vec<Attachment>,
        hosts: impl IntoIterator<Item = (IpAddr, HostId)>,
    ) -> Self {
        let mut routes: Vec<(IpNet, SiteId)> = Vec::new();
        for (n, site) in sites.iter().enumerate() {
            routes.extend(site.prefixes.iter().map(|prefix| (*prefix, SiteId(n))));
        }
        routes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.prefix_len()));
        let routes = routes
            .iter()
            .map(|(prefix, site)| (Block::of(prefix), *site));
        let routes = routes.collect();
        let mut segments: BTreeMap<SegmentId, Vec<HostId>> = BTreeMap::new();
        for (n, attachment) in attachments.iter().enumerate() {
            segments
                .entry(attachment.segment())
                .or_default()
                .push(HostId(n));
        }
        Topology {
            sites,
            paths,
            attachments,
            hosts: hosts.into_iter().collect(),
            segments,
            routers: BTreeMap::new(),
            watched: BTreeSet::new(),
            routes,
            asked: vec![None; REMEMBERED],
        }
    }

    /// Where an address is.
    #[inline]
    pub fn whereabouts(&mut self, address: IpAddr) -> Whereabouts {
        let last_bits = match address {
            IpAddr::V4(address) => usize::from(address.octets()[3]),
            IpAddr::V6(address) => usize::from(address.octets()[15]),
        };
        let remembered = self.asked.get(last_bits % REMEMBERED);
        match remembered {
            Some(Some(found)) if found.address == address => *found,
            _ => self.look_up(address, last_bits % REMEMBERED),
        }
    }

    fn look_up(&mut self, address: IpAddr, place: usize) -> Whereabouts {
        let mut sites = (0..self.sites.len()).map(SiteId);
        let found = Whereabouts {
            address,
            site: self.site_of(address),
            host: self.hosts.get(&address).copied(),
            of_many: is_for_all(address) || sites.any(|site| self.is_broadcast_of(site, address)),
        };
        if let Some(room) = self.asked.get_mut(place) {
            *room = Some(found);
        }
        found
    }

    /// Whom a packet is for that a host of a site sends there.
    pub fn scope(&self, site: SiteId, there: Whereabouts) -> Scope {
        let address = there.address;
        if there.of_many && (is_for_all(address) || self.is_broadcast_of(site, address)) {
            Scope::Segment
        } else if there.site == Some(site) {
            Scope::Inside(there.host)
        } else {
            Scope::Beyond
        }
    }

    /// Whether an address is that of all hosts of one of a site's blocks.
    pub fn is_broadcast_of(&self, site: SiteId, address: IpAddr) -> bool {
        let IpAddr::V4(address) = address else {
            return false;
        };
        let site = self.sites.get(site.0);
        site.into_iter().flat_map(|site| &site.prefixes).any(|prefix| {
            matches!(prefix, IpNet::V4(block) if block.prefix_len() < 31 && block.broadcast() == address)
        })
    }

    /// Whether an address is that of one of a site's own routers.
    pub fn is_router_of(&self, site: SiteId, address: IpAddr) -> bool {
        self.sites.get(site.0).is_some_and(|site| {
            site.router_towards(address) == address || site.inner_routers.contains(&address)
        })
    }

    /// Whether a sensor stands on a segment of a site.
    pub fn watches(&self, site: SiteId) -> bool {
        self.watched.iter().any(|segment| segment.site == site)
    }

    /// The hardware address of a station on a segment.
    pub fn mac(&self, segment: SegmentId, station: Station) -> MacAddress {
        match station {
            Station::Host(id) => self.attachments.get(id.0).map(|host| host.mac),
            router => self.routers.get(&(segment, router)).copied(),
        }
        .unwrap_or_default()
    }

    /// The site of an address, by the longest prefix.
    #[inline]
    pub fn site_of(&self, address: IpAddr) -> Option<SiteId> {
        self.routes
            .iter()
            .find(|(block, _)| block.contains(address))
            .map(|(_, site)| *site)
    }

    /// The index of the path between two sites.
    pub fn way(&self, from: SiteId, to: SiteId) -> Option<usize> {
        self.paths
            .iter()
            .position(|path| path.ends == (from, to) || path.ends == (to, from))
    }

    /// Sends a packet over the path between two sites; `lane` is its sender's.
    pub fn cross(
        &mut self,
        from: SiteId,
        to: SiteId,
        packet: &Packet,
        lane: usize,
        entry: Timestamp,
    ) -> Crossing {
        let Some(path) = self.way(from, to).and_then(|n| self.paths.get_mut(n)) else {
            return Crossing::Lost;
        };
        let forward = path.ends == (from, to);
        let line = if forward {
            &mut path.there
        } else {
            &mut path.back
        };
        let bytes = packet.total_bytes();
        let hops = line.hops(path.hops);
        let Some(exit) = line.pass(lane, entry, bytes) else {
            return Crossing::Lost;
        };
        let transit = exit.nanos_since(entry);
        let ttl = packet.ttl();
        let circles = path.circle.filter(|circle| {
            (circle.during.0..circle.during.1).contains(&entry) && circle.hop < hops
        });
        // After how many routers it dies, and how many its sender has then gone through, turns of a loop included.
        let dies = match circles {
            // From the second end the loop is met at its other router.
            Some(circle) => {
                let first = if forward {
                    circle.hop
                } else {
                    hops.saturating_sub(circle.hop)
                };
                let turns = ttl.saturating_sub(first);
                Some((first + turns % 2, u64::from(first + turns)))
            }
            None if ttl <= hops && !path.forwards_expired && hops > 0 => {
                let hop = ttl.max(1);
                Some((hop, u64::from(hop)))
            }
            None => None,
        };
        if let Some((hop, passed)) = dies {
            let at = entry.plus_nanos(transit / u64::from(hops.max(1)) * passed);
            let index = if forward {
                hop.saturating_sub(1)
            } else {
                hops.saturating_sub(hop)
            };
            let expired = |router| Crossing::Expired(at, router, hop.saturating_sub(1));
            return router_at(&path.routers, index).map_or(Crossing::Lost, expired);
        }
        if bytes <= path.mtu {
            return Crossing::Through(exit, hops);
        }
        if path.silent_mtu {
            return Crossing::Lost;
        }
        if matches!(&packet.ip, wire::Ip::V4(ip) if !ip.dont_fragment()) {
            let gap = line.takes(path.mtu);
            return Crossing::Divided(exit, hops, path.mtu, gap);
        }
        let mtu = u16::try_from(path.mtu).unwrap_or(u16::MAX);
        let at = entry.plus_nanos(transit / 2);
        let too_big = |router| Crossing::TooBig(at, router, mtu, hops / 2);
        router_at(&path.routers, hops / 2).map_or(Crossing::Lost, too_big)
    }
}

fn router_at(routers: &[IpAddr], index: u8) -> Option<IpAddr> {
    routers.get(usize::from(index)).or(routers.last()).copied()
}

/// The prefix that is in use on a segment: the block itself, or the /64 of that number in a larger one.
pub fn on_link(block: Ipv6Net, depth: u8) -> Ipv6Net {
    if block.prefix_len() >= 64 {
        return block;
    }
    let network = u128::from(block.network()) | u128::from(depth) << 64;
    Ipv6Net::new(Ipv6Addr::from(network), 64).unwrap_or(block)
}

/// Whether an address is that of all hosts of a segment, or of a group of them.
pub fn is_for_all(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_broadcast() || address.is_multicast(),
        IpAddr::V6(address) => address.is_multicast(),
    }
}

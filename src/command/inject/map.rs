//! Where a story's addresses go in somebody's own network: those of its home site to addresses that are free there, those
//! outside to where they are, unless somebody has them already.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use anyhow::{Result, bail};
use generator::seed::Draws;
use ipnet::IpNet;
use labels::carried::Moves;
use labels::{AddressBlock, Truth};
use wire::capture::CaptureReader;
use wire::decode::Network;
use wire::{Layers, MacAddress};

use super::survey::{Sides, Survey, hops, is_group, nth};

/// Where addresses outside go that can stay nowhere: blocks of documentation and of benchmarks.
const ELSEWHERE: [&str; 4] = [
    "203.0.113.0/24",
    "198.51.100.0/24",
    "192.0.2.0/24",
    "198.18.0.0/15",
];

/// Most addresses of a network that are considered: of an IPv6 network, the first.
const CONSIDERED: u64 = 1 << 16;

/// What a story's own capture shows.
#[derive(Debug, Default)]
pub struct Cast {
    /// Who sends.
    speakers: BTreeSet<IpAddr>,
    /// Who is spoken to, or of.
    others: BTreeSet<IpAddr>,
    /// Which addresses each hardware address speaks for.
    hardware: BTreeMap<MacAddress, BTreeSet<IpAddr>>,
    /// Routers between the hosts at home and the sensor, by how many hosts.
    hops: BTreeMap<u8, u64>,
}

impl Cast {
    /// Reads a story's capture.
    ///
    /// # Errors
    /// None for captures of ours.
    pub fn of(capture: &[u8], home: &[AddressBlock]) -> Result<Cast> {
        let mut cast = Cast::default();
        let mut reader = CaptureReader::new(capture)?;
        while let Some(record) = reader.next()? {
            let layers = Layers::decode_cut(record.link_type, record.bytes, record.original_length);
            let (source, destination) = match (&layers.network, layers.addresses()) {
                (Network::Arp(arp), _) => (arp.sender.into(), arp.target.into()),
                (_, Some(pair)) => pair,
                _ => continue,
            };
            cast.others.insert(destination);
            if let Some(quote) = layers.quoted() {
                cast.others.extend([quote.source, quote.destination]);
            }
            if let Some(mac) = layers.link.source {
                cast.hardware.entry(mac).or_default().insert(source);
            }
            if cast.speakers.insert(source) && holds(home, source) {
                let far = layers.ttl().map(hops);
                far.into_iter()
                    .for_each(|far| *cast.hops.entry(far).or_default() += 1);
            }
        }
        Ok(cast)
    }

    /// Routers between most hosts at home and the sensor.
    pub fn hops(&self) -> Option<u8> {
        let most = self.hops.iter().max_by_key(|(_, count)| **count);
        most.map(|(hops, _)| *hops)
    }

    fn all(&self) -> impl Iterator<Item = IpAddr> {
        self.speakers.union(&self.others).copied()
    }
}

/// Where everything goes.
#[derive(Debug, Default)]
pub struct Mapping {
    /// Addresses that change.
    pub addresses: BTreeMap<IpAddr, IpAddr>,
    /// The hardware addresses of those at home, by their new address.
    hosts: BTreeMap<IpAddr, MacAddress>,
    /// Who hands on what comes from outside.
    gateway: MacAddress,
    /// Who hands on what comes from inside, where that is a router.
    inner_router: Option<MacAddress>,
    home: Vec<AddressBlock>,
    /// What a reader of the labels should know.
    pub warnings: Vec<String>,
}

impl Moves for Mapping {
    fn block(&self, block: AddressBlock, _: u32) -> Vec<AddressBlock> {
        self.blocks(&block)
    }

    fn address(&self, address: IpAddr, _: u32) -> IpAddr {
        self.goes_to(address)
    }

    fn port(&self, port: u16) -> u16 {
        port
    }
}

/// Where a story goes.
pub struct Ground<'a> {
    /// What the capture shows of its network.
    pub survey: &'a Survey,
    /// Its networks.
    pub home: &'a [AddressBlock],
    /// Hardware addresses on both sides of its sensor.
    pub sides: &'a Sides,
    /// Addresses that earlier stories have taken.
    pub taken: &'a mut BTreeSet<IpAddr>,
}

impl Ground<'_> {
    fn is_free(&self, address: IpAddr) -> bool {
        !(self.survey.uses(address) || self.taken.contains(&address))
    }

    /// Free addresses of its networks, those of the busiest network first.
    fn free(&self, v4: bool) -> Vec<IpAddr> {
        let mut networks: Vec<IpNet> = (self.home.iter())
            .map(AddressBlock::network)
            .filter(|network| network.addr().is_ipv4() == v4)
            .collect();
        let free_in = |network: IpNet| {
            hosts(network)
                .filter(|address| self.is_free(*address))
                .count()
        };
        networks.sort_by_key(|network| free_in(*network));
        let all = networks.into_iter().flat_map(hosts);
        all.filter(|address| self.is_free(*address)).collect()
    }
}

/// The addresses of a network that hosts may have.
fn hosts(network: IpNet) -> impl Iterator<Item = IpAddr> {
    let bits = network.max_prefix_len() - network.prefix_len();
    let size = 1u64
        .checked_shl(bits.into())
        .unwrap_or(CONSIDERED)
        .min(CONSIDERED);
    let ends = if network.addr().is_ipv4() && size > 2 {
        1..size - 1
    } else {
        0..size
    };
    ends.filter_map(move |number| nth(network, number).ok())
}

/// Finds a place for everybody in a story.
///
/// # Errors
/// There are not as many free addresses as the story has hosts at home.
pub fn map(
    cast: &Cast,
    truth: &Truth,
    ground: &mut Ground<'_>,
    draws: &mut Draws,
) -> Result<Mapping> {
    let mut mapping = Mapping {
        gateway: ground.sides.gateway.unwrap_or_else(|| fresh(ground, draws)),
        inner_router: ground.sides.inner_router,
        home: ground.home.to_vec(),
        ..Mapping::default()
    };
    let at_home: Vec<IpAddr> = cast
        .all()
        .filter(|address| holds(&truth.home, *address))
        .collect();
    for v4 in [true, false] {
        let family = at_home
            .iter()
            .copied()
            .filter(|address| address.is_ipv4() == v4);
        settle(family.collect(), cast, truth, ground, draws, &mut mapping)?;
    }
    for address in cast.all() {
        let stays = is_special(address) || mapping.addresses.contains_key(&address);
        if !stays && (!ground.is_free(address) || holds(ground.home, address)) {
            move_outside(address, cast, ground, &mut mapping);
        }
    }
    ground.taken.extend(mapping.addresses.values());
    ground.taken.extend(
        cast.speakers
            .iter()
            .filter(|speaker| !mapping.addresses.contains_key(*speaker)),
    );
    Ok(mapping)
}

/// Settles the story's home in the ground's.
fn settle(
    mut wanted: Vec<IpAddr>,
    cast: &Cast,
    truth: &Truth,
    ground: &Ground<'_>,
    draws: &mut Draws,
    mapping: &mut Mapping,
) -> Result<()> {
    let Some(v4) = wanted.first().map(IpAddr::is_ipv4) else {
        return Ok(());
    };
    let grounds: Vec<&AddressBlock> = ground
        .home
        .iter()
        .filter(|block| block.network().addr().is_ipv4() == v4)
        .collect();
    let Some(first) = grounds.first() else {
        let version = if v4 { "IPv4" } else { "IPv6" };
        bail!(
            "the story needs an {version} network, and the capture shows none of its own: name one with --home"
        );
    };
    give_ends(&mut wanted, truth, first, mapping);
    let mut free = ground.free(v4);
    draws.shuffle(&mut free);
    let (speakers, silent): (Vec<IpAddr>, Vec<IpAddr>) = wanted
        .iter()
        .partition(|address| cast.speakers.contains(*address));
    if free.len() < speakers.len() {
        bail!(
            "the story has {} hosts at home, and {} addresses of {} are free: name another network with --home",
            speakers.len(),
            free.len(),
            list(ground.home)
        );
    }
    // Neighbours stay neighbours: a sweep goes through addresses in their order.
    let mut places: Vec<IpAddr> = free.iter().copied().take(wanted.len()).collect();
    let missing = wanted.len() - places.len();
    if missing > 0 {
        let used = grounds.iter().flat_map(|block| hosts(block.network()));
        places.extend(used.filter(|address| !free.contains(address)).take(missing));
        mapping.warnings.push(format!(
            "{missing} addresses that are spoken to and never answer stand for hosts that are there, for want of free ones"
        ));
    }
    if places.len() < wanted.len() {
        bail!(
            "the story speaks of {} addresses at home, more than {} has: name another network with --home",
            wanted.len(),
            list(ground.home)
        );
    }
    places.sort();
    if missing == 0 {
        mapping.addresses.extend(wanted.into_iter().zip(places));
    } else {
        // Who speaks gets what is free, who is only spoken to the rest.
        let speakers = speakers.into_iter().zip(free);
        mapping.addresses.extend(speakers);
        places.retain(|place| !mapping.addresses.values().any(|taken| taken == place));
        mapping.addresses.extend(silent.into_iter().zip(places));
    }
    for address in mapping.addresses.values() {
        let host = mapping.hosts.entry(*address);
        host.or_insert_with(|| fresh(ground, draws));
    }
    Ok(())
}

/// The first and the last address of a block.
fn ends(block: &AddressBlock) -> (IpAddr, IpAddr) {
    let network = block.network();
    (network.network(), network.broadcast())
}

/// The block itself and its broadcast address become those of the other network, of IPv4.
fn give_ends(wanted: &mut Vec<IpAddr>, truth: &Truth, to: &AddressBlock, mapping: &mut Mapping) {
    let (to_low, to_high) = ends(to);
    wanted.retain(|address| {
        let own = truth
            .home
            .iter()
            .map(ends)
            .find(|(low, high)| address.is_ipv4() && (low == address || high == address));
        if let Some((low, _)) = own {
            let to = if *address == low { to_low } else { to_high };
            mapping.addresses.insert(*address, to);
        }
        own.is_none()
    });
}

/// Gives somebody outside another address, because this one is taken.
fn move_outside(address: IpAddr, cast: &Cast, ground: &Ground<'_>, mapping: &mut Mapping) {
    let prefix = if address.is_ipv4() { 24 } else { 64 };
    let own = IpNet::new(address, prefix).map(|network| network.trunc());
    let elsewhere = ELSEWHERE.iter().filter_map(|text| text.parse().ok());
    let networks = own
        .into_iter()
        .chain(elsewhere.filter(|_| address.is_ipv4()));
    let outside = |place: &IpAddr| {
        ground.is_free(*place)
            && !holds(ground.home, *place)
            && !cast.speakers.contains(place)
            && !cast.others.contains(place)
            && !mapping.addresses.values().any(|taken| taken == place)
    };
    match networks.flat_map(hosts).find(outside) {
        Some(place) => {
            mapping.warnings.push(format!(
                "{address} is in use in the capture: {place} stands for it"
            ));
            mapping.addresses.insert(address, place);
        }
        None => mapping.warnings.push(format!(
            "{address} is in use in the capture, and nothing near it is free: it stays"
        )),
    }
}

impl Mapping {
    /// Where an address goes.
    fn goes_to(&self, address: IpAddr) -> IpAddr {
        self.addresses.get(&address).copied().unwrap_or(address)
    }

    /// Where a block of a truth goes: a block at home becomes what of it the story speaks of.
    fn blocks(&self, block: &AddressBlock) -> Vec<AddressBlock> {
        if let Some(single) = block.as_single() {
            return vec![AddressBlock::from(self.goes_to(single))];
        }
        let inside: Vec<IpNet> = (self.addresses.iter())
            .filter(|(from, _)| block.contains(**from))
            .map(|(_, to)| IpNet::from(*to))
            .collect();
        if inside.is_empty() {
            return vec![*block];
        }
        IpNet::aggregate(&inside)
            .into_iter()
            .map(AddressBlock::from)
            .collect()
    }

    /// The hardware address that speaks for an address at the sensor.
    pub fn hardware(&self, address: IpAddr) -> MacAddress {
        if !holds(&self.home, address) {
            return self.gateway;
        }
        let own = || self.hosts.get(&address).copied();
        self.inner_router.or_else(own).unwrap_or(self.gateway)
    }

    /// What the story's own hardware addresses become where protocols speak of them.
    pub fn macs(&self, cast: &Cast, home: &[AddressBlock]) -> Vec<(MacAddress, MacAddress)> {
        let to = |addresses: &BTreeSet<IpAddr>| match addresses.first() {
            Some(single) if addresses.len() == 1 && holds(home, *single) => {
                self.hardware(self.goes_to(*single))
            }
            _ => self.gateway,
        };
        let spoken = cast.hardware.iter().filter(|(mac, _)| !is_group(**mac));
        spoken
            .map(|(mac, addresses)| (*mac, to(addresses)))
            .collect()
    }
}

/// A hardware address that nobody has, of a maker whose others are there.
fn fresh(ground: &Ground<'_>, draws: &mut Draws) -> MacAddress {
    let maker = draws
        .pick(&ground.sides.hardware)
        .copied()
        .unwrap_or(MacAddress([2, 0, 0, 0, 0, 0]));
    loop {
        let [a, b, c, ..] = maker.0;
        let [d, e, f, _] = draws.word32().to_le_bytes();
        let mac = MacAddress([a, b, c, d, e, f]);
        if !ground.survey.macs.contains(&mac) {
            return mac;
        }
    }
}

/// Whether blocks hold an address.
pub fn holds(blocks: &[AddressBlock], address: IpAddr) -> bool {
    blocks.iter().any(|block| block.contains(address))
}

/// Addresses that mean the same everywhere.
fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_unspecified() || address.is_broadcast() || address.is_multicast()
        }
        IpAddr::V6(address) => {
            address.is_unspecified() || address.is_multicast() || address.is_unicast_link_local()
        }
    }
}

fn list(blocks: &[AddressBlock]) -> String {
    let names: Vec<String> = blocks.iter().map(ToString::to_string).collect();
    names.join(", ")
}

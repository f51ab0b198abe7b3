//! What a capture of somebody's own network shows of it: its networks, who is in use, hardware addresses, the routers in
//! front of the sensor, the largest packet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use labels::AddressBlock;
use wire::capture::Record;
use wire::decode::Network;
use wire::{Layers, LinkType, MacAddress, Timestamp};

/// Most addresses that are remembered: of a flood's random sources, only the first.
const MOST: usize = 1 << 17;

/// A packet of at least so many bytes shows the MTU, if so many are as large; of smaller captures Ethernet's is assumed.
const LARGE: usize = 1280;
/// How many.
const OFTEN: u64 = 20;
/// The MTU of Ethernet, RFC 894.
const ETHERNET_MTU: usize = 1500;

/// The block around a local address that counts as its network.
const V4_PREFIX: u8 = 24;
const V6_PREFIX: u8 = 64;

/// The initial values of TTL in use.
const INITIAL_TTLS: [u8; 4] = [32, 64, 128, 255];

/// What was seen of frames so far.
#[derive(Debug, Default)]
pub struct Survey {
    /// How many frames.
    pub packets: u64,
    /// The time of the first.
    pub first: Option<Timestamp>,
    /// The latest time.
    pub last: Option<Timestamp>,
    /// What they begin with.
    pub link_type: Option<LinkType>,
    /// The outermost VLAN of most frames; `None` for none.
    vlans: BTreeMap<Option<u16>, u64>,
    /// By sender: the hardware address it uses, and how many frames it sent.
    senders: BTreeMap<IpAddr, Sender>,
    /// Addresses that were spoken to.
    receivers: BTreeSet<IpAddr>,
    /// Hardware addresses, with the number of packets sent to others' addresses by each.
    pub macs: BTreeSet<MacAddress>,
    /// Where packets go, by the hardware addresses of both sides.
    pairs: BTreeMap<(MacAddress, MacAddress), u64>,
    /// Packets by their size, of those that are large.
    sizes: BTreeMap<usize, u64>,
}

#[derive(Clone, Copy, Debug)]
struct Sender {
    mac: Option<MacAddress>,
    frames: u64,
    ttl: u8,
}

impl Survey {
    /// Takes a frame in.
    ///
    /// # Errors
    /// Frames of several link types in one capture.
    pub fn take(&mut self, record: &Record<'_>) -> Result<()> {
        self.packets += 1;
        self.first.get_or_insert(record.time);
        self.last = self.last.max(Some(record.time));
        let link_type = *self.link_type.get_or_insert(record.link_type);
        ensure!(
            link_type == record.link_type,
            "its frames are of several link types: divide it first"
        );
        let layers = Layers::decode_cut(record.link_type, record.bytes, record.original_length);
        if let (Some(source), Some(destination)) = (layers.link.source, layers.link.destination) {
            self.macs.extend([source, destination]);
            if layers.addresses().is_some() && !is_group(destination) && self.pairs.len() < MOST {
                *self.pairs.entry((source, destination)).or_default() += 1;
            }
        }
        *self.vlans.entry(layers.link.vlan).or_default() += 1;
        let sent = match &layers.network {
            Network::Arp(arp) => Some((IpAddr::from(arp.sender), IpAddr::from(arp.target), 0, 0)),
            Network::V4(ip) => Some((
                ip.source.into(),
                ip.destination.into(),
                ip.ttl,
                usize::from(ip.total_length),
            )),
            Network::V6(ip) => {
                let size = 40 + usize::from(ip.payload_length);
                Some((ip.source.into(), ip.destination.into(), ip.hop_limit, size))
            }
            Network::None => None,
        };
        let Some((source, destination, ttl, size)) = sent else {
            return Ok(());
        };
        if self.senders.len() < MOST || self.senders.contains_key(&source) {
            let sender = self.senders.entry(source).or_insert(Sender {
                mac: layers.link.source,
                frames: 0,
                ttl: 0,
            });
            sender.frames += 1;
            sender.ttl = sender.ttl.max(ttl);
        }
        if self.receivers.len() < MOST {
            self.receivers.insert(destination);
        }
        if size >= LARGE {
            *self.sizes.entry(size).or_default() += 1;
        }
        Ok(())
    }

    /// Whether an address is in use.
    pub fn uses(&self, address: IpAddr) -> bool {
        self.senders.contains_key(&address) || self.receivers.contains(&address)
    }

    /// The networks on this side of the sensor, by what speaks for each address: hosts on the sensor's own segment have a
    /// hardware address each; behind a router, those that private addresses (RFC 1918, RFC 4193) belong to, else those that
    /// take part in most frames.
    ///
    /// # Errors
    /// Nothing tells one side from the other.
    pub fn home(&self) -> Result<Vec<AddressBlock>> {
        let mut spoken: BTreeMap<MacAddress, u64> = BTreeMap::new();
        for sender in self.senders.values() {
            if let Some(mac) = sender.mac {
                *spoken.entry(mac).or_default() += 1;
            }
        }
        let own = |(address, sender): &(&IpAddr, &Sender)| {
            is_host(**address)
                && sender
                    .mac
                    .is_some_and(|mac| spoken.get(&mac).is_some_and(|count| *count <= 2))
        };
        let single: Vec<IpAddr> = (self.senders.iter())
            .filter(own)
            .map(|(address, _)| *address)
            .collect();
        let private = |address: &&IpAddr| match address {
            IpAddr::V4(address) => address.is_private(),
            IpAddr::V6(address) => address.is_unique_local(),
        };
        let private: Vec<IpAddr> = self.senders.keys().filter(private).copied().collect();
        let chosen = match (single.len(), private.is_empty()) {
            (3.., _) => single,
            (_, false) => private,
            _ => self.busiest(),
        };
        let mut blocks: Vec<IpNet> = chosen.into_iter().filter_map(network_of).collect();
        blocks.sort();
        blocks.dedup();
        if blocks.is_empty() {
            bail!("nothing in it tells which networks are your own: name them with --home");
        }
        Ok(IpNet::aggregate(&blocks)
            .into_iter()
            .map(AddressBlock::from)
            .collect())
    }

    /// The senders in the network that sends most.
    fn busiest(&self) -> Vec<IpAddr> {
        let mut frames: BTreeMap<IpNet, u64> = BTreeMap::new();
        for (address, sender) in self
            .senders
            .iter()
            .filter(|(address, _)| is_host(**address))
        {
            if let Some(network) = network_of(*address) {
                *frames.entry(network).or_default() += sender.frames;
            }
        }
        let most = frames.into_iter().max_by_key(|(_, frames)| *frames);
        let network = most.map(|(network, _)| network);
        let inside = |address: &&IpAddr| network.is_some_and(|network| network.contains(*address));
        self.senders.keys().filter(inside).copied().collect()
    }

    /// The hardware addresses of both sides.
    pub fn sides(&self, home: &[AddressBlock]) -> Sides {
        let at_home = |address: IpAddr| home.iter().any(|block| block.contains(address));
        let mut inside: BTreeMap<MacAddress, u64> = BTreeMap::new();
        let mut outside: BTreeMap<MacAddress, u64> = BTreeMap::new();
        let mut ttls: BTreeMap<u8, u64> = BTreeMap::new();
        for (address, sender) in &self.senders {
            let home = at_home(*address);
            if let Some(mac) = sender.mac {
                *if home { &mut inside } else { &mut outside }
                    .entry(mac)
                    .or_default() += 1;
            }
            if home && sender.ttl > 0 {
                *ttls.entry(hops(sender.ttl)).or_default() += 1;
            }
        }
        let most = |counts: &BTreeMap<MacAddress, u64>| {
            let most = counts.iter().max_by_key(|(_, count)| **count);
            most.map(|(mac, _)| *mac)
        };
        // Nobody outside has spoken: whom those inside send to is the way out.
        let spoken_to = || {
            let to: BTreeMap<MacAddress, u64> = (self.pairs.iter())
                .filter(|((from, to), _)| inside.contains_key(from) && !inside.contains_key(to))
                .map(|((_, to), count)| (*to, *count))
                .collect();
            most(&to)
        };
        let hosts = self
            .senders
            .keys()
            .filter(|address| at_home(**address))
            .count();
        Sides {
            gateway: most(&outside).or_else(spoken_to),
            // One hardware address for several hosts is a router's: the sensor stands beyond it.
            inner_router: if inside.len() == 1 && hosts > 1 {
                most(&inside)
            } else {
                None
            },
            hardware: inside.into_keys().collect(),
            hops: ttls
                .into_iter()
                .max_by_key(|(_, count)| *count)
                .map(|(hops, _)| hops),
        }
    }

    /// The VLAN of most frames.
    pub fn vlan(&self) -> Option<u16> {
        let most = self.vlans.iter().max_by_key(|(_, count)| **count);
        most.and_then(|(vlan, _)| *vlan)
    }

    /// The largest packet that the network carries, in bytes.
    pub fn mtu(&self) -> usize {
        match self.sizes.last_key_value() {
            Some((size, _)) if *size > ETHERNET_MTU => *size,
            Some((size, count)) if *count >= OFTEN => *size,
            _ => ETHERNET_MTU,
        }
    }
}

/// The hardware addresses on both sides of a sensor, and how far those inside are from it.
#[derive(Clone, Debug)]
pub struct Sides {
    /// Who hands on what comes from outside.
    pub gateway: Option<MacAddress>,
    /// Who hands on what comes from inside, where it is a router.
    pub inner_router: Option<MacAddress>,
    /// Hardware addresses inside.
    pub hardware: Vec<MacAddress>,
    /// Routers between most hosts inside and the sensor.
    pub hops: Option<u8>,
}

/// Routers that a packet has passed, by its TTL.
pub fn hops(ttl: u8) -> u8 {
    let initial = INITIAL_TTLS.into_iter().find(|initial| ttl <= *initial);
    initial.unwrap_or(u8::MAX) - ttl
}

/// Whether frames to it are for several.
pub fn is_group(mac: MacAddress) -> bool {
    mac.0[0] & 1 == 1
}

fn is_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !(address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || address.is_link_local())
        }
        IpAddr::V6(address) => {
            !(address.is_unspecified() || address.is_multicast() || address.is_unicast_link_local())
        }
    }
}

fn network_of(address: IpAddr) -> Option<IpNet> {
    let prefix = if address.is_ipv4() {
        V4_PREFIX
    } else {
        V6_PREFIX
    };
    is_host(address).then(|| {
        IpNet::new(address, prefix)
            .ok()
            .map(|network| network.trunc())
    })?
}

/// The address that many above the first of a network.
///
/// # Errors
/// It lies beyond the addresses there are.
pub fn nth(network: IpNet, number: u64) -> Result<IpAddr> {
    let beyond = "beyond the last address";
    Ok(match network.network() {
        IpAddr::V4(first) => {
            let number = u32::try_from(number).context(beyond)?;
            Ipv4Addr::from(u32::from(first).checked_add(number).context(beyond)?).into()
        }
        IpAddr::V6(first) => Ipv6Addr::from(
            u128::from(first)
                .checked_add(u128::from(number))
                .context(beyond)?,
        )
        .into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_are_counted_from_the_next_initial_ttl() {
        assert_eq!(
            (hops(64), hops(61), hops(128), hops(113), hops(255)),
            (0, 3, 0, 15, 0)
        );
    }

    #[test]
    fn addresses_are_counted_within_their_network() {
        assert_eq!(
            nth("192.0.2.0/24".parse().unwrap(), 7).unwrap(),
            "192.0.2.7".parse::<IpAddr>().unwrap()
        );
        assert!(nth("255.255.255.0/24".parse().unwrap(), 1000).is_err());
    }
}

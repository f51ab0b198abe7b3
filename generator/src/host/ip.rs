//! The network layer of a host: header fields that the stack decides.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use wire::ipv4::IpOptions;
use wire::{Ip, Ipv4, Ipv6, Timestamp};

use super::socket::Endpoint;
use super::stack::{IpId, Stack};
use crate::seed::{Draws, SPLITMIX_STEP, SeedTree, mixed};

/// Destinations for which a per-destination counter is kept; beyond, the oldest address gives way.
///
/// Linux keeps 2048 to 262144 such counters, shared by hash; few talk to more hosts than this within a capture.
const MAX_COUNTERS: usize = 4096;

/// The least MTU that an error is believed, RFC 791: no link carries less.
const LEAST_MTU: u16 = 68;

/// What kind of packet a header is for: stacks treat them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A segment of a connection.
    Connection,
    /// A segment outside any connection, or a SYN-ACK: sent without a socket's state.
    Stateless,
    /// A datagram or an ICMP message.
    Datagram,
}

/// Header fields that depend on what the host sent before.
#[derive(Debug)]
pub struct IpLayer {
    stack: Arc<Stack>,
    id: Draws,
    /// What makes the labels of its IPv6 flows its own, where it labels them.
    label_key: Option<u64>,
    counter: u16,
    per_destination: BTreeMap<IpAddr, u16>,
    /// Routes over which packets came: the first host on the way back, and the options that name the rest.
    routes: BTreeMap<IpAddr, (Ipv4Addr, IpOptions)>,
    /// Path MTUs that errors told of.
    mtus: BTreeMap<IpAddr, u16>,
    /// Packets a nanosecond-rate host sends elsewhere, unseen: mean gap between them.
    unseen_gap: Option<u64>,
    unseen: Draws,
    last_sent: Option<Timestamp>,
}

impl IpLayer {
    /// The layer of the host called `name`, which sends other, unseen packets `unseen_gap` apart.
    pub fn new(name: &str, stack: Arc<Stack>, unseen_gap: Option<u64>, tree: &SeedTree) -> Self {
        let mut id = tree.draws(&format!("host/{name}/ip/id"));
        let unseen = tree.draws(&format!("host/{name}/ip/unseen"));
        let counter = id.word16();
        let labels = stack.flow_labels;
        let key = labels.then(|| tree.draws(&format!("host/{name}/ip/label")).word());
        IpLayer {
            stack,
            id,
            label_key: key,
            counter,
            per_destination: BTreeMap::new(),
            routes: BTreeMap::new(),
            mtus: BTreeMap::new(),
            unseen_gap,
            unseen,
            last_sent: None,
        }
    }

    /// The next packet that is counted has this identification.
    pub fn begin_count(&mut self, identification: u16) {
        self.counter = identification;
    }

    /// Answers go to an address over this route from now on.
    pub fn learn_route(&mut self, peer: IpAddr, route: (Ipv4Addr, IpOptions)) {
        if self.routes.len() >= MAX_COUNTERS {
            self.routes.pop_first();
        }
        self.routes.insert(peer, route);
    }

    /// Remembers the MTU of a path. One of 0 is an old router's, which does not tell: the next plateau below Ethernet's,
    /// RFC 1191 section 7.1, is taken.
    pub fn learn_mtu(&mut self, destination: IpAddr, mtu: u16) {
        let mtu = match mtu {
            0 => 1006,
            told => told.max(LEAST_MTU),
        };
        if self.mtus.len() >= MAX_COUNTERS && !self.mtus.contains_key(&destination) {
            self.mtus.pop_first();
        }
        let known = self.mtus.entry(destination).or_insert(mtu);
        *known = (*known).min(mtu);
    }

    /// The MTU of the path to an address, in bytes, where it is known to be less than the interface's.
    pub fn mtu(&self, destination: IpAddr) -> Option<u16> {
        self.mtus.get(&destination).copied()
    }

    /// The header of a packet that leaves now, between two ends; those without ports have port 0.
    pub fn header(
        &mut self,
        now: Timestamp,
        from: Endpoint,
        to: Endpoint,
        purpose: Purpose,
        tos: u8,
    ) -> Ip {
        match (from.address, to.address) {
            (IpAddr::V6(source), IpAddr::V6(destination)) => Ip::V6(Ipv6 {
                hop_limit: self.stack.ttl,
                traffic_class: tos,
                flow_label: self.label(from, to),
                ..Ipv6::new(source, destination)
            }),
            (source, destination) => {
                let df = match purpose {
                    Purpose::Connection => self.stack.df,
                    Purpose::Stateless => self.stack.df_reset,
                    Purpose::Datagram => self.stack.df_datagram,
                };
                let identification = if df && self.stack.zero_id_with_df {
                    0
                } else {
                    self.identification(now, destination, purpose)
                };
                let route = self.routes.get(&destination).cloned();
                let (first, options) = route.map_or((v4(destination), None), |(first, options)| {
                    (first, Some(options))
                });
                Ip::V4(Ipv4 {
                    ttl: self.stack.ttl,
                    tos,
                    identification,
                    flags: if df { wire::ipv4::DONT_FRAGMENT } else { 0 },
                    options,
                    ..Ipv4::new(v4(source), first)
                })
            }
        }
    }

    /// The label of a flow, RFC 6437 section 3: the same for all its packets, and unlike those of others; 0 of a stack that sets
    /// none.
    fn label(&self, from: Endpoint, to: Endpoint) -> u32 {
        let Some(key) = self.label_key else { return 0 };
        let address = |end: Endpoint| match end.address {
            IpAddr::V6(address) => u128::from(address),
            IpAddr::V4(address) => u128::from(u32::from(address)),
        };
        let ports = u64::from(from.port) << 16 | u64::from(to.port);
        let words = [address(from), address(to)].map(|word| [low64(word >> 64), low64(word)]);
        let words = words.iter().flatten().copied().chain([ports]);
        let label = words.fold(key, |sum, word| {
            mixed((sum ^ word).wrapping_add(SPLITMIX_STEP))
        });
        // The upper bits are the best mixed; 0 would mean that there is none.
        u32::try_from(label >> 44).unwrap_or(0).max(1)
    }

    fn identification(&mut self, now: Timestamp, destination: IpAddr, purpose: Purpose) -> u16 {
        if purpose == Purpose::Stateless && self.stack.zero_id_stateless {
            return 0;
        }
        match self.stack.ip_id {
            IpId::Zero => 0,
            IpId::Random => self.id.word16(),
            IpId::Counter => self.count(now),
            IpId::SwappedCounter => self.count(now).swap_bytes(),
            IpId::PerDestination => {
                if self.per_destination.len() >= MAX_COUNTERS
                    && !self.per_destination.contains_key(&destination)
                {
                    self.per_destination.pop_first();
                }
                let id = &mut self.id;
                let counter = self
                    .per_destination
                    .entry(destination)
                    .or_insert_with(|| id.word16());
                *counter = counter.wrapping_add(1);
                *counter
            }
        }
    }

    /// The one counter, moved on by this packet and by those sent elsewhere since the last one.
    fn count(&mut self, now: Timestamp) -> u16 {
        let Some(last) = self.last_sent.replace(now) else {
            return self.counter;
        };
        let mean = self
            .unseen_gap
            .map_or(0, |gap| now.nanos_since(last) / gap.max(1));
        // Assumption: the count of unseen packets scatters by a fifth around its mean.
        let unseen = if mean == 0 && !self.unseen.is_pinned() {
            0
        } else {
            self.unseen.range(mean - mean / 5..=mean + mean / 5)
        };
        let [a, b, ..] = unseen.wrapping_add(1).to_le_bytes();
        self.counter = self.counter.wrapping_add(u16::from_le_bytes([a, b]));
        self.counter
    }
}

fn low64(word: u128) -> u64 {
    u64::try_from(word & u128::from(u64::MAX)).unwrap_or(0)
}

/// The IPv4 address; the mapped one where the other end is IPv4, else the unspecified one.
fn v4(address: IpAddr) -> std::net::Ipv4Addr {
    match address {
        IpAddr::V4(address) => address,
        IpAddr::V6(address) => address
            .to_ipv4_mapped()
            .unwrap_or(std::net::Ipv4Addr::UNSPECIFIED),
    }
}

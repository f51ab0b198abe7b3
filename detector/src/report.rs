//! From cases to findings: counts, collections and evidence, bounded.

use jiff::Timestamp;
use labels::{AddressBlock, Class, Evidence, Finding, PortRange, Transport};

use crate::state::{Address, Moment};

/// Addresses that a case names one by one; beyond, their neighbourhoods are named, as many again.
const MAX_ADDRESSES: usize = 256;
/// Frames that one fact names as examples.
const MAX_EXAMPLES: usize = 8;
/// Ports that are kept as a list before a bitmap takes over.
const FEW_PORTS: usize = 64;

/// What the detector has to say.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    ready: Vec<Finding>,
    /// Where somebody wants to hear of cases at once.
    openings: Option<Vec<Finding>>,
}

impl Findings {
    /// From now on openings are kept.
    pub(crate) fn want_openings(&mut self) {
        self.openings.get_or_insert_default();
    }

    /// A case has just become a claim; `finding` says what is known of it now, if somebody wants to hear.
    pub(crate) fn open(&mut self, finding: impl FnOnce() -> Option<Finding>) {
        if let Some(openings) = &mut self.openings {
            openings.extend(finding());
        }
    }

    /// A case has closed: its finding, if it had become a claim.
    pub(crate) fn close(&mut self, finding: impl IntoIterator<Item = Finding>) {
        self.ready.extend(finding);
    }

    /// Lets cases be closed that close together, and puts their findings in the order of their detection. Whoever
    /// takes findings sooner or later gets them in the same order.
    pub(crate) fn close_together(&mut self, close: impl FnOnce(&mut Findings)) {
        let before = self.ready.len();
        close(self);
        let together = self.ready.get_mut(before..).unwrap_or_default();
        together.sort_by(|a, b| {
            (a.detected_frame, a.class, &a.sources, &a.targets).cmp(&(
                b.detected_frame,
                b.class,
                &b.sources,
                &b.targets,
            ))
        });
    }

    /// Those that are ready, in the order in which their cases closed.
    pub(crate) fn take(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.ready)
    }

    /// The openings since the last call.
    pub(crate) fn take_openings(&mut self) -> Vec<Finding> {
        self.openings
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

/// A claim on its way to becoming a finding.
pub(crate) struct Draft {
    pub(crate) class: Class,
    pub(crate) tool: Option<&'static str>,
    pub(crate) sources: Vec<AddressBlock>,
    pub(crate) targets: Vec<AddressBlock>,
    pub(crate) transport: Transport,
    pub(crate) ports: Vec<PortRange>,
    pub(crate) span: Activity,
    pub(crate) detected: Moment,
    pub(crate) confidence: f64,
    pub(crate) evidence: Vec<Evidence>,
}

impl Draft {
    pub(crate) fn finish(self) -> Finding {
        Finding {
            schema: labels::finding::SCHEMA.to_owned(),
            class: self.class,
            verdict: self.class.verdict(),
            tool: self.tool.map(str::to_owned),
            sources: self.sources,
            targets: self.targets,
            transport: Some(self.transport),
            ports: self.ports,
            start: timestamp(self.span.first),
            end: timestamp(self.span.last),
            detected: timestamp(self.detected),
            detected_frame: self.detected.frame,
            packets: self.span.packets,
            // Two decimals: more would claim a precision that no threshold has.
            confidence: (self.confidence * 100.0).round() / 100.0,
            evidence: self.evidence,
            first_frame: Some(self.span.first.frame),
        }
    }
}

/// The latest time that both kinds of timestamp can say, far beyond any capture.
fn timestamp(moment: Moment) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(moment.time.as_nanos())).unwrap_or(Timestamp::MAX)
}

/// One fact.
pub(crate) fn fact(
    fact: &str,
    observed: impl Into<String>,
    expected: impl Into<String>,
    frames: impl IntoIterator<Item = u64>,
) -> Evidence {
    let mut frames: Vec<u64> = frames.into_iter().collect();
    frames.sort_unstable();
    frames.dedup();
    frames.truncate(MAX_EXAMPLES);
    Evidence {
        fact: fact.to_owned(),
        observed: observed.into(),
        expected: expected.into(),
        frames,
    }
}

/// `1 port`, `2 ports`, `2 addresses`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = match number {
        1 => "",
        _ if noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{number} {noun}{plural}")
}

/// First and last moment of something, and how many frames it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activity {
    pub(crate) first: Moment,
    pub(crate) last: Moment,
    pub(crate) packets: u64,
}

impl Activity {
    pub(crate) fn new(first: Moment, packets: u64) -> Self {
        Activity {
            first,
            last: first,
            packets,
        }
    }

    /// Takes in one more piece.
    pub(crate) fn extend(&mut self, at: Moment, packets: u64) {
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.packets = self.packets.saturating_add(packets);
    }

    /// Takes in another.
    pub(crate) fn merge(&mut self, other: &Activity) {
        self.extend(other.first, 0);
        self.extend(other.last, other.packets);
    }
}

/// A bounded set of addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    /// Sorted.
    single: Vec<Address>,
    /// Neighbourhoods of those that did not fit, sorted.
    wider: Vec<Address>,
}

impl Addresses {
    pub(crate) fn insert(&mut self, address: Address) {
        if let Err(at) = self.single.binary_search(&address) {
            if self.single.len() < MAX_ADDRESSES {
                self.single.insert(at, address);
                return;
            }
            let around = address.neighbourhood();
            if let Err(at) = self.wider.binary_search(&around)
                && self.wider.len() < MAX_ADDRESSES
            {
                self.wider.insert(at, around);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Addresses) {
        for address in other.single.iter().chain(&other.wider) {
            self.insert(*address);
        }
    }

    pub(crate) fn contains(&self, address: Address) -> bool {
        self.single.binary_search(&address).is_ok()
            || self.wider.binary_search(&address.neighbourhood()).is_ok()
    }

    /// How many there are at least.
    pub(crate) fn len(&self) -> usize {
        self.single.len() + self.wider.len()
    }

    /// Whether any is in both.
    pub(crate) fn meets(&self, other: &Addresses) -> bool {
        self.single.iter().any(|address| other.contains(*address))
    }

    /// As findings name them: neighbourhoods in place of their members where not all members are known.
    pub(crate) fn blocks(&self) -> Vec<AddressBlock> {
        let mut blocks: Vec<AddressBlock> = self.wider.iter().map(|a| neighbourhood(*a)).collect();
        for address in &self.single {
            if self.wider.binary_search(&address.neighbourhood()).is_err() {
                blocks.push(address.to_ip().into());
            }
        }
        blocks.sort_unstable();
        blocks
    }
}

fn neighbourhood(address: Address) -> AddressBlock {
    let length = if address.is_v4() { 24 } else { 64 };
    block(address, length)
}

/// The block of that prefix length around an address.
pub(crate) fn block(address: Address, length: u8) -> AddressBlock {
    match ipnet::IpNet::new(address.to_ip(), length) {
        Ok(network) => network.into(),
        Err(_) => address.to_ip().into(),
    }
}

/// A set of ports.
#[derive(Clone, Debug)]
pub(crate) enum Ports {
    /// Sorted.
    Few(Vec<u16>),
    /// One bit a port.
    Many(Box<[u64; 1024]>),
}

impl Default for Ports {
    fn default() -> Self {
        Ports::Few(Vec::new())
    }
}

impl Ports {
    pub(crate) fn insert(&mut self, port: u16) {
        match self {
            Ports::Few(list) => {
                if let Err(at) = list.binary_search(&port) {
                    list.insert(at, port);
                    if list.len() > FEW_PORTS {
                        let mut bits = Box::new([0u64; 1024]);
                        list.iter().for_each(|port| set(&mut bits, *port));
                        *self = Ports::Many(bits);
                    }
                }
            }
            Ports::Many(bits) => set(bits, port),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Ports::Few(list) => list.len(),
            Ports::Many(bits) => bits.iter().map(|word| word.count_ones() as usize).sum(),
        }
    }

    pub(crate) fn list(&self) -> Vec<u16> {
        match self {
            Ports::Few(list) => list.clone(),
            Ports::Many(bits) => (0..=u16::MAX)
                .filter(|port| {
                    bits.get(usize::from(*port / 64))
                        .is_some_and(|word| word >> (port % 64) & 1 != 0)
                })
                .collect(),
        }
    }

    pub(crate) fn merge(&mut self, other: &Ports) {
        other.list().into_iter().for_each(|port| self.insert(port));
    }

    pub(crate) fn ranges(&self) -> Vec<PortRange> {
        PortRange::cover(self.list())
    }
}

fn set(bits: &mut [u64; 1024], port: u16) {
    if let Some(word) = bits.get_mut(usize::from(port / 64)) {
        *word |= 1 << (port % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn many_ports_are_as_few_ports() {
        let mut ports = Ports::default();
        for port in (0..3000u16).chain([65535, 7]) {
            ports.insert(port);
        }
        assert_eq!(ports.len(), 3001);
        let ranges = ports.ranges();
        assert_eq!(ranges.first().map(PortRange::last), Some(2999));
        assert_eq!(ranges.len(), 2);
    }

    #[test]
    fn many_addresses_become_neighbourhoods() {
        let mut addresses = Addresses::default();
        for number in 0..1000u32 {
            addresses.insert(Ipv4Addr::from(0xc612_0000 + number).into());
        }
        let text: Vec<String> = addresses.blocks().iter().map(ToString::to_string).collect();
        assert_eq!(text.len(), 256 + 3);
        assert!(text.contains(&"198.18.1.0/24".to_owned()));
        assert!(addresses.contains(Ipv4Addr::new(198, 18, 1, 77).into()));
    }
}

//! From cases to findings: counts, collections and evidence, bounded.

use jiff::Timestamp;
use labels::{AddressBlock, Class, Evidence, Family, Finding, PortRange, Transport, Verdict};

use crate::address::Address;
use crate::gather::gather;
use crate::news::Moment;
use crate::sleepers::Sleepers;
use crate::tools;

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
    /// Of cases that have just closed.
    closed: Vec<Finding>,
    sleepers: Sleepers,
    /// Hosts of a network from which on floods of them are one.
    network_hosts: usize,
    /// Where somebody wants to hear of cases at once.
    openings: Option<Vec<Finding>>,
}

impl Findings {
    /// None yet; floods of so many hosts of a network will be one.
    pub(crate) fn new(network_hosts: usize) -> Self {
        Findings {
            network_hosts,
            ..Findings::default()
        }
    }

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
        self.closed.extend(finding);
    }

    /// Lets cases be closed that close together, and hands out what ended before the given moment, or all: in the order
    /// of detection. Whoever takes findings sooner or later gets them in the same order.
    pub(crate) fn close_together(
        &mut self,
        before: Option<wire::Timestamp>,
        close: impl FnOnce(&mut Findings),
    ) {
        close(self);
        let closed = std::mem::take(&mut self.closed);
        if self.sleepers.take_in(closed) {
            self.sleepers
                .replace(|findings| arbitrate(gather(findings, self.network_hosts)));
        }
        let mut together = self.sleepers.wake(before);
        together.sort_by(|a, b| {
            (a.detected_frame, a.class, &a.sources, &a.targets).cmp(&(
                b.detected_frame,
                b.class,
                &b.sources,
                &b.targets,
            ))
        });
        self.ready.extend(together);
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

/// Of findings that speak of the same frames in different words, keeps the one that says more: a scan in several names
/// is no scan by each of them, and no innocent explanation holds of a scanner's frames.
fn arbitrate(findings: Vec<Finding>) -> Vec<Finding> {
    // Among thousands, the work would be that of all pairs: then only what takes in many others is asked.
    const MOST: usize = 512;
    let many = findings.len() > MOST;
    let wholes: Vec<(usize, &Finding)> = findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| {
            let family = finding.class.family();
            !many || matches!(family, Family::Flood | Family::Decoy)
        })
        .collect();
    let keep: Vec<bool> = findings
        .iter()
        .enumerate()
        .map(|(at, part)| {
            !wholes
                .iter()
                .copied()
                // Of two that say the same, the first stays.
                .any(|(other, whole)| {
                    other != at && is_part(part, whole) && !(at < other && is_part(whole, part))
                })
        })
        .collect();
    findings
        .into_iter()
        .zip(keep)
        .filter_map(|(finding, keep)| keep.then_some(finding))
        .collect()
}

fn within(a: &[AddressBlock], b: &[AddressBlock]) -> bool {
    !a.is_empty()
        && a.iter()
            .all(|a| b.iter().any(|b| b.network().contains(&a.network())))
}

fn meets(a: &[AddressBlock], b: &[AddressBlock]) -> bool {
    a.iter().any(|a| {
        b.iter()
            .any(|b| b.network().contains(&a.network()) || a.network().contains(&b.network()))
    })
}

/// Whether a range of ports lies in one of others.
fn is_within(part: &PortRange, whole: &[PortRange]) -> bool {
    whole
        .iter()
        .any(|whole| whole.first() <= part.first() && part.last() <= whole.last())
}

/// Whether one finding says of its frames less than another says of them.
fn is_part(part: &Finding, whole: &Finding) -> bool {
    if part.start > whole.end || whole.start > part.end {
        return false;
    }
    let scans = matches!(
        whole.class.family(),
        Family::PortScan | Family::Sweep | Family::Decoy | Family::Fingerprint
    );
    let explains = part.verdict.is_explanation()
        && !matches!(part.class, Class::Traceroute | Class::RogueSystemSensor);
    // What a scanner asks of one service is a part of the scan.
    let single = matches!(
        part.class,
        Class::FingerProbe | Class::PortZeroProbe | Class::RpcProbe | Class::ProxyProbe
    ) || explains;
    if whole.verdict.is_alerting()
        && (scans || whole.class.family() == Family::Flood)
        && single
        && within(&part.sources, &whole.sources)
        && meets(&part.targets, &whole.targets)
    {
        return true;
    }
    // Answers that say what was asked are no answers to nothing.
    if whole.verdict.is_alerting()
        && part.verdict == Verdict::Backscatter
        && meets(&part.sources, &whole.targets)
        && within(&part.targets, &whole.sources)
    {
        return true;
    }
    let scan_of_it = matches!(part.class.family(), Family::PortScan | Family::Sweep);
    let to_the_same = within(&part.targets, &whole.targets);
    let by_class = match whole.class {
        Class::DecoyScan => scan_of_it,
        // By its own list of ports, which leaves no room for others.
        Class::RogueSystemSensor => {
            let udp = part.transport == Some(Transport::Udp);
            part.class != whole.class
                && part.ports.iter().all(|range| {
                    tools::is_of_sensor(udp, range.first())
                        && tools::is_of_sensor(udp, range.last())
                })
        }
        // Who first looks which hosts are there, and then what is on them.
        Class::PortSweep
        | Class::WebProxySweep
        | Class::ProxyProbe
        | Class::SynScan
        | Class::ConnectScan
            if part.class == Class::PingSweep
                && within(&whole.targets, &part.targets)
                && whole.targets.len() * 2 < part.targets.len()
                && whole.start <= part.end =>
        {
            return meets(&part.sources, &whole.sources);
        }
        // Of a scan that many share, what each of them did.
        Class::SynScan | Class::ConnectScan | Class::PortSweep
            if part.sources.len() < whole.sources.len() =>
        {
            scan_of_it && to_the_same && part.transport == whole.transport
        }
        // Of which odd flags are a part.
        Class::OsFingerprint => {
            part.class.family() == Family::PortScan
                && !matches!(part.class, Class::SynScan | Class::ConnectScan)
                && to_the_same
        }
        // Of whom one host answered us, all who did.
        Class::DecoyScanBackscatter => {
            part.verdict == Verdict::Backscatter
                && part.class != Class::DecoyScanBackscatter
                && to_the_same
                && part.transport == whole.transport
        }
        Class::InverseMapping => part.verdict == Verdict::Backscatter,
        Class::RelayTest => part.class == Class::VersionScan && to_the_same,
        Class::SpoofedSynFlood | Class::SynFlood => {
            matches!(part.class.family(), Family::PortScan | Family::Decoy)
                && part.transport == whole.transport
                && to_the_same
                && part.ports.iter().all(|port| is_within(port, &whole.ports))
        }
        Class::Amplification
            if part.class == Class::UdpFlood
                && meets(&part.targets, &whole.sources)
                && meets(&part.sources, &whole.targets) =>
        {
            return true;
        }
        Class::Amplification => matches!(part.class, Class::DecoyScanBackscatter | Class::UdpFlood),
        Class::UdpFlood
            if part.class == Class::StaleDns && meets(&part.sources, &whole.targets) =>
        {
            return true;
        }
        Class::UdpFlood => part.class == Class::UdpScan && to_the_same,
        Class::TcpFlagFlood => {
            to_the_same && matches!(part.class.family(), Family::PortScan | Family::Backscatter)
        }
        // All who guess together.
        Class::PasswordGuessing => {
            part.class == Class::PasswordGuessing
                && to_the_same
                && part.ports == whole.ports
                && part.sources.len() < whole.sources.len()
        }
        Class::RoutingLoop => part.class == Class::Traceroute,
        Class::MonitoringPoll => {
            part.class == Class::MonitoringPoll && part.packets < whole.packets
        }
        _ => return false,
    };
    // The forged names are told as the block that holds most of them.
    let one_of_them =
        whole.class == Class::SpoofedSynFlood && part.packets.saturating_mul(50) < whole.packets;
    by_class
        && (within(&part.sources, &whole.sources)
            || one_of_them
            || (whole.sources.is_empty() && to_the_same))
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
    /// The longest time in which nothing happened, in nanoseconds.
    pub(crate) longest_pause: u64,
}

impl Activity {
    /// Whether nothing was added for so long that nothing more is to be expected: long in itself, and long beside the
    /// pauses that there have been. A slow scan that paused as long before may go on.
    pub(crate) fn is_over(&self, now: wire::Timestamp, quiet: u64) -> bool {
        const PAUSES: u64 = 12;
        let pause = self.longest_pause.saturating_mul(PAUSES).max(quiet);
        now.nanos_since(self.last.time) > pause
    }

    pub(crate) fn new(first: Moment, packets: u64) -> Self {
        Activity {
            first,
            last: first,
            packets,
            longest_pause: 0,
        }
    }

    /// Takes in one more piece.
    pub(crate) fn extend(&mut self, at: Moment, packets: u64) {
        self.first = self.first.min(at);
        if at > self.last {
            let pause = at.time.nanos_since(self.last.time);
            self.longest_pause = self.longest_pause.max(pause);
            self.last = at;
        }
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

    /// How many there are that are not in the other, as far as they are known one by one.
    pub(crate) fn len_without(&self, other: &Addresses) -> usize {
        let singles = self.single.iter();
        singles.filter(|address| !other.contains(**address)).count() + self.wider.len()
    }

    /// Those that are known one by one, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Address> + '_ {
        self.single.iter().copied()
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

/// Sources that a finding names one by one.
pub(crate) const NAMED_SOURCES: usize = 16;

/// How many different addresses there are, and from which block, in constant memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowd {
    added: u64,
    sample: Vec<Address>,
    /// One bit an address, by hash.
    sketch: Vec<u64>,
}

impl Crowd {
    /// Addresses that are kept to find the block they are drawn from.
    const SAMPLE: usize = 64;
    /// A block of addresses shorter than this says nothing; prefix bits of an IPv4 address.
    const SHORTEST_BLOCK: u8 = 8;
    /// Words of the bitmap that estimates how many there are.
    const WORDS: usize = 64;

    #[inline]
    pub(crate) fn add(&mut self, address: Address) {
        self.added += 1;
        // Each address is as likely to be in the sample as any other (Vitter's algorithm R), by a fixed draw.
        if self.sample.len() < Self::SAMPLE {
            self.sample.push(address);
        } else {
            let spread = self
                .added
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
            let draw = (u128::from(spread) * u128::from(self.added)) >> 64;
            if draw < Self::SAMPLE as u128
                && let Some(old) = usize::try_from(draw)
                    .ok()
                    .and_then(|draw| self.sample.get_mut(draw))
            {
                *old = address;
            }
        }
        if self.sketch.is_empty() {
            self.sketch.resize(Self::WORDS, 0);
        }
        let hash = address.bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
        let word = usize::try_from(hash / 64).unwrap_or(0);
        if let Some(word) = self.sketch.get_mut(word) {
            *word |= 1 << (hash % 64);
        }
    }

    /// How many there are, by linear counting (Whang 1990); `None` beyond what the bitmap can tell.
    pub(crate) fn count(&self) -> Option<u64> {
        let size = Self::WORDS as u64 * 64;
        let zero: u64 = self
            .sketch
            .iter()
            .map(|word| u64::from(word.count_zeros()))
            .sum();
        if self.sketch.is_empty() {
            return Some(0);
        }
        if zero * 50 < size {
            return None;
        }
        let (zero, size) = (zero as f64, size as f64);
        let estimate = (-size * libm::log(zero / size)).round();
        // Not negative and below 2^20.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded above"
        )]
        Some(estimate as u64)
    }

    pub(crate) fn text(&self) -> String {
        self.count()
            .map_or("more than 16000".to_owned(), |n| n.to_string())
    }

    /// The smallest block that holds nine tenths of them.
    pub(crate) fn block(&self) -> Option<AddressBlock> {
        let needed = self.sample.len() * 9 / 10;
        let bits = if self.sample.first().is_some_and(|a| a.is_v4()) {
            32
        } else {
            128
        };
        for length in (Self::SHORTEST_BLOCK..=bits).rev() {
            let mut blocks: Vec<AddressBlock> =
                self.sample.iter().map(|a| block(*a, length)).collect();
            blocks.sort_unstable();
            let largest = blocks.chunk_by(PartialEq::eq).max_by_key(|run| run.len());
            if let Some(run) = largest
                && run.len() >= needed
            {
                return run.first().copied();
            }
        }
        None
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

//! What the detector counted besides findings: each frame ends in exactly one counter.

use std::collections::BTreeMap;

use wire::decode::{Anomalies, Envelope, Layer, Layers, Network, Stop, StopReason, Transport};

use crate::sctp::SCTP;

/// Why a frame was understood in part only, or not looked into at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The capture cut it: its headers were read, at least to the flags of TCP; its payload was not, or not whole.
    PayloadCut,
    /// A piece of a packet whose header was looked at, or is still awaited.
    LaterFragment,
    /// It ends within a header.
    HeaderCut,
    /// Its headers contradict themselves.
    Malformed,
    /// Its link type is not decoded.
    LinkType(u32),
    /// It carries no IP: what it says instead.
    NoIp(u32),
    /// It may carry IP behind a header that is not read: its EtherType.
    Wrapped(u32),
    /// It is encrypted.
    Encrypted,
    /// A transport protocol that no rule looks at, by its number.
    Protocol(u8),
    /// An envelope that could not be opened.
    Closed(u16),
    /// The same packet was seen a moment before.
    Copy,
}

impl Reason {
    /// Whether the frame was looked into nevertheless.
    pub fn is_partial(self) -> bool {
        matches!(self, Reason::PayloadCut | Reason::LaterFragment)
    }

    /// Whether something may have gone by unseen: a copy has been looked at, and what is no IP is no rule's business.
    pub fn is_loss(self) -> bool {
        !matches!(self, Reason::Copy | Reason::NoIp(_)) && !self.is_partial()
    }

    /// In words.
    pub fn text(self) -> String {
        match self {
            Reason::PayloadCut => "payload cut by the capture".to_owned(),
            Reason::LaterFragment => "later fragments".to_owned(),
            Reason::HeaderCut => "cut within a header".to_owned(),
            Reason::Malformed => "malformed".to_owned(),
            Reason::LinkType(number) => format!("link type {number}"),
            Reason::NoIp(number) => format!("no IP (type {number:#06x})"),
            Reason::Wrapped(number) => format!("EtherType {number:#06x}, which is not read"),
            Reason::Encrypted => "encrypted".to_owned(),
            Reason::Protocol(number) => match number {
                2 => "IGMP".to_owned(),
                50 => "ESP, encrypted".to_owned(),
                89 => "OSPF".to_owned(),
                112 => "VRRP".to_owned(),
                132 => "SCTP".to_owned(),
                number => format!("IP protocol {number}"),
            },
            Reason::Closed(port) => format!("tunnels that could not be opened ({port})"),
            Reason::Copy => "copies".to_owned(),
        }
    }
}

/// Frames and entries, by what happened to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames looked at.
    pub frames: u64,
    /// Frames that were understood.
    pub understood: u64,
    /// All others, by reason; with `understood` they add up to `frames`.
    pub others: BTreeMap<Reason, u64>,
    /// Packets that were taken out of envelopes, by envelope.
    pub opened: BTreeMap<Envelope, u64>,
    /// IPv6 packets.
    pub ipv6: u64,
    /// Frames with a VLAN tag.
    pub vlan_tagged: u64,
    /// Frames with LLC framing.
    pub llc: u64,
    /// Frames whose time lies before that of an earlier one; the clock then stands still.
    pub clock_ran_back: u64,
    /// Segments of sessions whose beginning was not seen.
    pub without_beginning: u64,
    /// Questions judged before their time because too many waited for an answer.
    pub judged_early: u64,
    /// Findings that were left out because the user said so.
    pub suppressed: u64,
    /// Entries that had to make room in full tables, by table.
    pub evicted: Vec<(&'static str, u64)>,
}

impl Counters {
    #[cold]
    pub(crate) fn other(&mut self, reason: Reason) {
        *self.others.entry(reason).or_insert(0) += 1;
    }

    #[cold]
    pub(crate) fn was_opened(&mut self, envelope: Envelope) {
        *self.opened.entry(envelope).or_insert(0) += 1;
    }

    /// Frames whose link type is not decoded.
    pub fn foreign(&self) -> u64 {
        self.sum(|reason| matches!(reason, Reason::LinkType(_)))
    }

    /// Frames in which something may have gone by unseen.
    pub fn not_looked_into(&self) -> u64 {
        self.sum(Reason::is_loss)
    }

    /// Why, in words, the most frequent first.
    pub fn not_looked_into_why(&self) -> Vec<(String, u64)> {
        let mut reasons: Vec<(String, u64)> = self
            .others
            .iter()
            .filter(|(reason, _)| reason.is_loss())
            .map(|(reason, count)| (reason.text(), *count))
            .collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }

    fn sum(&self, which: impl Fn(Reason) -> bool) -> u64 {
        self.others
            .iter()
            .filter(|(reason, _)| which(**reason))
            .map(|(_, count)| count)
            .sum()
    }

    /// Names and values, those that are zero left out.
    pub fn named(&self) -> Vec<(String, u64)> {
        let mut named = vec![
            ("frames".to_owned(), self.frames),
            ("understood".to_owned(), self.understood),
        ];
        for (reason, count) in &self.others {
            let how = if reason.is_partial() {
                "understood in part"
            } else {
                "passed over"
            };
            named.push((format!("{how}: {}", reason.text()), *count));
        }
        for (envelope, count) in &self.opened {
            named.push((format!("taken out of {}", envelope.name()), *count));
        }
        for (name, value) in [
            ("IPv6 packets", self.ipv6),
            ("VLAN-tagged frames", self.vlan_tagged),
            ("LLC frames", self.llc),
            ("frames out of time order", self.clock_ran_back),
            ("segments without a beginning", self.without_beginning),
            ("questions judged early", self.judged_early),
            ("findings suppressed", self.suppressed),
        ] {
            named.push((name.to_owned(), value));
        }
        for (table, value) in &self.evicted {
            named.push((format!("evicted from {table}"), *value));
        }
        named.retain(|(_, value)| *value > 0);
        named
    }
}

/// Why a packet was not, or not wholly, understood; `None` where it was.
#[inline]
pub(crate) fn reason(layers: &Layers<'_>) -> Option<Reason> {
    if layers.stop.is_none() {
        let cut = layers
            .anomalies
            .contains(Anomalies::CUT)
            .then_some(Reason::PayloadCut);
        return match &layers.transport {
            Transport::Tcp(_) | Transport::Icmp(_) | Transport::Icmpv6(_) => cut,
            Transport::Udp(udp) => {
                if layers.seems_wrapped() {
                    Some(Reason::Closed(udp.destination))
                } else {
                    cut
                }
            }
            Transport::Fragment => Some(Reason::LaterFragment),
            Transport::Other(SCTP) if crate::sctp::segment(layers.payload).is_some() => cut,
            Transport::Other(number) => Some(Reason::Protocol(*number)),
            Transport::None => match layers.network {
                Network::Arp(_) => None,
                _ => Some(Reason::Malformed),
            },
        };
    }
    Some(stopped(layers))
}

#[cold]
fn stopped(layers: &Layers<'_>) -> Reason {
    match layers.stop.map(|stop| stop.reason) {
        Some(StopReason::Encrypted) => Reason::Encrypted,
        Some(StopReason::UnknownType(number)) => match layers.network {
            Network::None if layers.stop.is_some_and(may_carry_ip) => Reason::Wrapped(number),
            Network::None => Reason::NoIp(number),
            _ => Reason::Protocol(u8::try_from(number).unwrap_or(u8::MAX)),
        },
        // Of a segment, enough was there to know whose it is and what it does.
        Some(StopReason::Short { .. }) if matches!(layers.transport, Transport::Tcp(_)) => {
            Reason::PayloadCut
        }
        Some(StopReason::Short { .. }) => Reason::HeaderCut,
        Some(StopReason::BadVersion(_) | StopReason::BadHeaderLength(_)) | None => {
            Reason::Malformed
        }
    }
}

/// Whether reading ended at an EtherType behind which may stand a packet.
fn may_carry_ip(stop: Stop) -> bool {
    matches!(stop.reason, StopReason::UnknownType(number) if !is_of_link(number))
        && stop.layer == Layer::Link
}

/// Whether an EtherType is that of a protocol that carries no IP: one by which stations of a link speak to each other, or that
/// of another kind of network. Smaller numbers are lengths, and what cooked headers and link types say instead. Source:
/// IEEE's registry of EtherTypes.
fn is_of_link(ether_type: u32) -> bool {
    matches!(
        ether_type,
        ..0x0600
        // Wake on LAN, Cisco's discovery, DEC's protocols, RARP.
        | 0x0842 | 0x2000 | 0x6000..=0x6007 | 0x8035
        // AppleTalk, IPX.
        | 0x809b | 0x80f3 | 0x8137 | 0x8138
        // Pauses and aggregation, discovery and control of PPPoE, 802.1X, LLDP, registration of VLANs, time, faults, loops.
        | 0x8808 | 0x8809 | 0x8863 | 0x8864 | 0x888e | 0x88c7 | 0x88cc | 0x88f5..=0x88f7 | 0x8899 | 0x88bf
        | 0x88fb | 0x8902 | 0x9000
        // Machines: Profinet, EtherCAT, GOOSE, SERCOS, power lines, cars.
        | 0x8892 | 0x88a4 | 0x88b8..=0x88ba | 0x88cd | 0x88e1 | 0x88dc
        // Disks and memory: AoE, FCoE, RoCE; experiments.
        | 0x88a2 | 0x8906 | 0x8914 | 0x8915 | 0x88b5..=0x88b7
    )
}

//! Frames from hex dumps.
//!
//! A dump begins with the link header (`-xx`) or with the network header (`-x`): it is the one behind which the rest makes
//! sense. Of the cooked header that stands there with `-i any` the sender's address is kept. Where bytes are hidden or missing, addresses are those of the printed ends, all else is zero, and checksums are
//! worked out anew; a dump that holds everything is taken as it is.

use std::net::IpAddr;

use wire::decode::{Layers, LinkType, Network};
use wire::ethernet::{ARP, HEADER_BYTES, IPV4, IPV6, MacAddress, is_vlan_tag};
use wire::field::Field;
use wire::packet::{Ip, Packet, Segment};

use crate::said::HexByte;

/// What a dump holds.
pub(super) struct Dumped {
    pub(super) bytes: Vec<u8>,
    /// Whether the link header is part of it.
    pub(super) is_frame: bool,
    /// What the bytes are, where there is no link header.
    pub(super) ether_type: u16,
    /// Who sent them, where a cooked header said so.
    pub(super) sender: Option<MacAddress>,
    /// Whether bytes had to be put in.
    pub(super) hidden: bool,
    /// Bytes on the wire of a frame, or without its link header of a packet, of which the dump has the beginning only.
    pub(super) original_length: Option<usize>,
}

impl Dumped {
    /// The addresses of its network header.
    pub(super) fn hosts(&self) -> Option<(IpAddr, IpAddr)> {
        let link_type = if self.is_frame {
            LinkType::ETHERNET
        } else {
            LinkType::RAW
        };
        match Layers::decode(link_type, &self.bytes).network {
            Network::V4(ip) => Some((ip.source.into(), ip.destination.into())),
            Network::V6(ip) => Some((ip.source.into(), ip.destination.into())),
            _ => None,
        }
    }
}

/// Reads a dump, where it holds at least a network header, or a link header that all dumps of the listing have. So many
/// bytes were missing on the wire.
pub(super) fn read(
    dump: &[HexByte],
    hosts: Option<(IpAddr, IpAddr)>,
    missing: usize,
    framed: bool,
) -> Option<Dumped> {
    if framed && is_framed(dump) != Some(true) {
        return unknown(dump);
    }
    let mut bytes = shown(dump);
    if let Some((header, sender)) = cooked(&bytes) {
        let packet = read(dump.get(header..)?, hosts, missing, false)?;
        let sender = Some(sender);
        return Some(Dumped { sender, ..packet });
    }
    let (start, ether_type) = network(&bytes)?;
    let length = length(bytes.get(start..)?, ether_type)?.saturating_sub(missing);
    let short = bytes.len() < start + length;
    let hidden = dump.iter().any(Option::is_none);
    let original_length = (short && !hidden).then_some(start + length);
    if hidden {
        bytes.resize(bytes.len().max(start + length), 0);
        if let Some((source, destination)) = hosts {
            readdress(&mut bytes, dump, start, source, destination);
        }
        renew(&mut bytes, start);
    }
    Some(Dumped {
        bytes,
        is_frame: start > 0,
        ether_type,
        sender: None,
        hidden,
        original_length,
    })
}

/// More tags than any network stacks.
const MOST_TAGS: usize = 8;

/// Whether a dump begins with the link header, where that can be told.
pub(super) fn is_framed(dump: &[HexByte]) -> Option<bool> {
    let bytes = shown(dump);
    let cooked = cooked(&bytes).map(|_| false);
    cooked.or_else(|| network(&bytes).map(|(start, _)| start > 0))
}

/// A dump with its link header of which the rest is not known: what it holds is taken as it is.
fn unknown(dump: &[HexByte]) -> Option<Dumped> {
    let bytes = shown(dump);
    (bytes.len() >= HEADER_BYTES).then(|| Dumped {
        hidden: dump.iter().any(Option::is_none),
        bytes,
        is_frame: true,
        ether_type: 0,
        sender: None,
        original_length: None,
    })
}

/// The bytes of a dump, with zeros for those that are hidden.
fn shown(dump: &[HexByte]) -> Vec<u8> {
    dump.iter().map(|byte| byte.unwrap_or(0)).collect()
}

/// How long a cooked header in front of a packet is, and who sent the packet: LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2.
fn cooked(bytes: &[u8]) -> Option<(usize, MacAddress)> {
    let (header, ether_type, sender) = match bytes {
        [0, 0..=4, _, _, 0, _, a, b, c, d, e, f, _, _, high, low, ..] => {
            (16, [*high, *low], [*a, *b, *c, *d, *e, *f])
        }
        [
            high,
            low,
            0,
            0,
            _,
            _,
            _,
            _,
            _,
            _,
            0..=4,
            _,
            a,
            b,
            c,
            d,
            e,
            f,
            ..,
        ] => (20, [*high, *low], [*a, *b, *c, *d, *e, *f]),
        _ => return None,
    };
    let packet = bytes.get(header..).unwrap_or_default();
    makes_sense(packet, u16::from_be_bytes(ether_type)).then_some((header, MacAddress(sender)))
}

/// Where the network header begins, and what it is.
fn network(bytes: &[u8]) -> Option<(usize, u16)> {
    let word = |at: usize| match bytes.get(at..at + 2) {
        Some(&[high, low]) => Some(u16::from_be_bytes([high, low])),
        _ => None,
    };
    let mut at = HEADER_BYTES;
    let mut ether_type = word(at - 2);
    while ether_type.is_some_and(is_vlan_tag) && at < HEADER_BYTES + MOST_TAGS * 4 {
        at += 4;
        ether_type = word(at - 2);
    }
    // LLC and SNAP stand between a length and the type.
    if bytes.get(HEADER_BYTES..HEADER_BYTES + 3) == Some(&[0xaa, 0xaa, 3]) {
        at = HEADER_BYTES + 8;
        ether_type = word(at - 2);
    }
    let framed = ether_type.filter(|kind| makes_sense(bytes.get(at..).unwrap_or_default(), *kind));
    let bare = [IPV4, IPV6, ARP]
        .into_iter()
        .find(|kind| makes_sense(bytes, *kind));
    framed.map(|kind| (at, kind)).or(bare.map(|kind| (0, kind)))
}

fn makes_sense(bytes: &[u8], ether_type: u16) -> bool {
    match (ether_type, bytes) {
        (IPV4, [first, ..]) => {
            let header = usize::from(first & 0x0f) * 4;
            first >> 4 == 4 && header >= wire::ipv4::HEADER_BYTES && bytes.len() >= header
        }
        (IPV6, [first, ..]) => first >> 4 == 6 && bytes.len() >= wire::ipv6::HEADER_BYTES,
        (ARP, [0, 1, 8, 0, 6, 4, ..]) => bytes.len() >= super::arp::BYTES,
        _ => false,
    }
}

/// Bytes of the packet as its header says, no fewer than the header's own.
fn length(packet: &[u8], ether_type: u16) -> Option<usize> {
    let word = |at: usize| match packet.get(at..at + 2) {
        Some(&[high, low]) => Some(usize::from(u16::from_be_bytes([high, low]))),
        _ => None,
    };
    match ether_type {
        IPV4 => word(2),
        IPV6 => word(4).map(|length| length + wire::ipv6::HEADER_BYTES),
        _ => Some(super::arp::BYTES),
    }
}

/// Puts the printed addresses where those of the dump are hidden.
fn readdress(
    bytes: &mut [u8],
    dump: &[HexByte],
    start: usize,
    source: IpAddr,
    destination: IpAddr,
) {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let first = start + if source.is_ipv4() { 12 } else { 8 };
    let both = [octets(source), octets(destination)].concat();
    for (at, octet) in (first..).zip(both) {
        let hidden = dump.get(at).is_none_or(Option::is_none);
        if let Some(room) = bytes.get_mut(at).filter(|_| hidden) {
            *room = octet;
        }
    }
}

/// Works the checksums out anew, where the packet can be read.
fn renew(bytes: &mut [u8], start: usize) {
    let Some(rest) = bytes.get_mut(start..) else {
        return;
    };
    let layers = Layers::decode(LinkType::RAW, rest);
    let Some(mut packet) = Packet::from_layers(&layers) else {
        return;
    };
    if let Ip::V4(ip) = &mut packet.ip {
        ip.checksum = Field::Computed;
    }
    match &mut packet.segment {
        Segment::Tcp(tcp) => tcp.checksum = Field::Computed,
        Segment::Udp(udp) => udp.checksum = Field::Computed,
        Segment::Icmp(icmp) => icmp.checksum = Field::Computed,
        Segment::Raw(_) => {}
    }
    let mut renewed = Vec::with_capacity(rest.len());
    packet.emit(&mut renewed);
    if let Some(room) = rest.get_mut(..renewed.len()) {
        room.copy_from_slice(&renewed);
    }
}

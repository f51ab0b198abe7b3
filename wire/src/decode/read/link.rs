//! Reading link headers: Ethernet II, 802.3 with LLC and SNAP, VLAN tags, Linux cooked, loopback, none.

use pnet_packet::Packet as _;
use pnet_packet::vlan::VlanPacket;

use crate::decode::envelope::is_encrypted;
use crate::decode::layers::Layers;
use crate::decode::link_type::LinkType;
use crate::decode::report::{Anomalies, Layer, Reading, StopReason};
use crate::ethernet::{self, Framing, MacAddress};

/// The smallest frame that Ethernet pads to, without checksum, IEEE 802.3 clause 4.2.3.3.
const MIN_FRAME: usize = 60;
/// Bytes of a VLAN tag.
const TAG_BYTES: usize = 4;
/// Bytes of a Linux cooked header. pnet's views of it and of its successor are not used: they accept fewer bytes
/// than their getters read.
const SLL_BYTES: usize = 16;
/// Bytes of a Linux cooked header, version 2.
const SLL2_BYTES: usize = 20;
/// LLC service access point of IP without SNAP.
const SAP_IP: u8 = 0x06;
/// Address families of IPv6 in loopback headers: NetBSD, FreeBSD, Darwin.
const FAMILIES_V6: [u32; 3] = [24, 28, 30];
/// Address family of IPv4 in loopback headers.
const FAMILY_V4: u32 = 2;

/// What stands above the link header.
pub(super) struct AboveLink<'a> {
    /// Its EtherType; `None` when the version of IP decides, or nothing can be read.
    pub(super) ether_type: Option<u16>,
    pub(super) bytes: &'a [u8],
}

#[inline(always)]
pub(super) fn read<'a>(
    link_type: LinkType,
    bytes: &'a [u8],
    layers: &mut Layers<'a>,
    reading: &mut Reading,
) -> AboveLink<'a> {
    match link_type {
        LinkType::ETHERNET => ethernet(bytes, layers, reading),
        _ => other(link_type, bytes, layers, reading),
    }
}

fn other<'a>(
    link_type: LinkType,
    bytes: &'a [u8],
    layers: &mut Layers<'a>,
    reading: &mut Reading,
) -> AboveLink<'a> {
    match link_type {
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => AboveLink {
            ether_type: None,
            bytes,
        },
        LinkType::LINUX_SLL => match bytes.split_first_chunk::<SLL_BYTES>() {
            Some((&[.., a, b], rest)) => {
                read_typed(u16::from_be_bytes([a, b]), rest, layers, reading)
            }
            None => too_short(bytes, SLL_BYTES, layers, *reading),
        },
        LinkType::LINUX_SLL2 => match bytes.split_first_chunk::<SLL2_BYTES>() {
            Some((&[a, b, ..], rest)) => {
                read_typed(u16::from_be_bytes([a, b]), rest, layers, reading)
            }
            None => too_short(bytes, SLL2_BYTES, layers, *reading),
        },
        LinkType::NULL | LinkType::LOOP => loopback(bytes, layers, *reading),
        LinkType(number) => {
            let reason = if is_encrypted(link_type, bytes) {
                StopReason::Encrypted
            } else {
                StopReason::UnknownType(number)
            };
            layers.end(*reading, Layer::Link, reason);
            AboveLink {
                ether_type: None,
                bytes: &[],
            }
        }
    }
}

fn too_short<'a>(
    bytes: &[u8],
    needed: usize,
    layers: &mut Layers<'_>,
    reading: Reading,
) -> AboveLink<'a> {
    layers.end_short(reading, Layer::Link, needed, bytes.len());
    AboveLink {
        ether_type: None,
        bytes: &[],
    }
}

fn loopback<'a>(bytes: &'a [u8], layers: &mut Layers<'a>, reading: Reading) -> AboveLink<'a> {
    let Some((family, rest)) = bytes.split_first_chunk::<4>() else {
        return too_short(bytes, 4, layers, reading);
    };
    let Some(ether_type) = loopback_ether_type(*family) else {
        layers.end(
            reading,
            Layer::Link,
            StopReason::UnknownType(family_number(*family)),
        );
        return AboveLink {
            ether_type: None,
            bytes: &[],
        };
    };
    AboveLink {
        ether_type: Some(ether_type),
        bytes: rest,
    }
}

/// What a loopback header's address family stands for, as an EtherType; `None` where it is no version of IP.
pub fn loopback_ether_type(family: [u8; 4]) -> Option<u16> {
    match family_number(family) {
        FAMILY_V4 => Some(ethernet::IPV4),
        family if FAMILIES_V6.contains(&family) => Some(ethernet::IPV6),
        _ => None,
    }
}

/// The byte order is the capturing host's: a family is a small number in one of the two.
fn family_number(family: [u8; 4]) -> u32 {
    u32::from_le_bytes(family).min(u32::from_be_bytes(family))
}

#[inline(always)]
fn ethernet<'a>(bytes: &'a [u8], layers: &mut Layers<'a>, reading: &mut Reading) -> AboveLink<'a> {
    let Some((header, rest)) = bytes.split_first_chunk::<{ ethernet::HEADER_BYTES }>() else {
        return too_short(bytes, ethernet::HEADER_BYTES, layers, *reading);
    };
    reading.padded = bytes.len() <= MIN_FRAME;
    let &[a, b, c, d, e, f, g, h, i, j, k, l, high, low] = header;
    layers.link.source = Some(MacAddress([g, h, i, j, k, l]));
    layers.link.destination = Some(MacAddress([a, b, c, d, e, f]));
    typed(u16::from_be_bytes([high, low]), rest, layers, reading)
}

/// What stands behind an EtherType, or an 802.3 length, in some other header than Ethernet's.
pub(super) fn read_typed<'a>(
    ether_type: u16,
    rest: &'a [u8],
    layers: &mut Layers<'a>,
    reading: &mut Reading,
) -> AboveLink<'a> {
    reading.padded = true;
    typed(ether_type, rest, layers, reading)
}

/// Follows VLAN tags and LLC headers to the network header.
#[inline(always)]
fn typed<'a>(
    mut ether_type: u16,
    mut rest: &'a [u8],
    layers: &mut Layers<'a>,
    reading: &mut Reading,
) -> AboveLink<'a> {
    while ethernet::is_vlan_tag(ether_type) {
        let Some(tag) = VlanPacket::new(rest) else {
            layers.end_short(*reading, Layer::Vlan, TAG_BYTES, rest.len());
            return AboveLink {
                ether_type: None,
                bytes: &[],
            };
        };
        layers.link.tags = layers.link.tags.saturating_add(1);
        layers.link.vlan.get_or_insert(tag.get_vlan_identifier());
        ether_type = tag.get_ethertype().0;
        reading.padded = reading.padded || tag.packet().len() + 14 <= MIN_FRAME;
        rest = rest.get(TAG_BYTES..).unwrap_or_default();
    }
    if ether_type <= ethernet::MAX_LENGTH {
        return llc(usize::from(ether_type), rest, layers, reading);
    }
    AboveLink {
        ether_type: Some(ether_type),
        bytes: rest,
    }
}

/// Reads LLC and SNAP headers, RFC 1042. The 802.3 length bounds what follows, where it does not lie.
fn llc<'a>(
    length: usize,
    rest: &'a [u8],
    layers: &mut Layers<'a>,
    reading: &mut Reading,
) -> AboveLink<'a> {
    layers.link.framing = Framing::LlcSnap;
    if length > rest.len() + reading.missing {
        layers.anomalies |= Anomalies::LLC_LENGTH;
    }
    let body = rest.get(..length).unwrap_or(rest);
    match body {
        [0xaa, 0xaa, 0x03, 0, 0, 0, a, b, above @ ..] => AboveLink {
            ether_type: Some(u16::from_be_bytes([*a, *b])),
            bytes: above,
        },
        [SAP_IP, SAP_IP, 0x03, above @ ..] => AboveLink {
            ether_type: Some(ethernet::IPV4),
            bytes: above,
        },
        [destination, source, _, ..] => {
            let number = u32::from(u16::from_be_bytes([*destination, *source]));
            layers.end(*reading, Layer::Llc, StopReason::UnknownType(number));
            AboveLink {
                ether_type: None,
                bytes: &[],
            }
        }
        _ => {
            layers.end_short(*reading, Layer::Llc, 3, body.len());
            AboveLink {
                ether_type: None,
                bytes: &[],
            }
        }
    }
}

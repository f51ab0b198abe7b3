//! A story's frames as the sensor of another network would have recorded them: its link layer, tag, hardware addresses,
//! TTLs, largest packet and cut.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use ipnet::IpNet;
use labels::AddressBlock;
use rewrite::{AddressMap, Cut, Oversize, Rewrite, Rewriter, Vlan};
use wire::capture::{CaptureReader, Record};
use wire::decode::Network;
use wire::ethernet::{HEADER_BYTES, IPV4, IPV6};
use wire::{Layers, LinkType, MacAddress, Timestamp};

use super::map::{Cast, Mapping, holds};
use super::survey::{Survey, is_group};

/// A frame that is to stand in a capture.
#[derive(Clone, Debug)]
pub struct Dressed {
    /// When.
    pub time: Timestamp,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its number in the story, from 1.
    pub number: u64,
}

/// Dresses all frames of a story; those that the link layer cannot carry, such as ARP in a capture of IP packets, are left
/// out.
///
/// # Errors
/// A link type that nothing can be put into.
pub fn dress(
    capture: &[u8],
    cast: &Cast,
    story_home: &[AddressBlock],
    mapping: &Mapping,
    survey: &Survey,
    home_hops: Option<u8>,
) -> Result<Vec<Dressed>> {
    let link_type = survey.link_type.unwrap_or(LinkType::ETHERNET);
    let single = |(from, to): (&IpAddr, &IpAddr)| AddressMap {
        from: IpNet::from(*from),
        to: IpNet::from(*to),
    };
    let mut rewriter = Rewriter::new(Rewrite {
        mac_maps: mapping.macs(cast, story_home),
        addresses: mapping.addresses.iter().map(single).collect(),
        vlan: survey.vlan().map_or(Vlan::Remove, Vlan::Set),
        mtu: survey.mtu(),
        oversize: Oversize::Fragment,
        cut: Cut::Send,
        ..Rewrite::default()
    })
    .context("the addresses cannot be mapped")?;
    let farther = home_hops
        .zip(cast.hops())
        .map_or(0, |(there, here)| i16::from(there) - i16::from(here));
    let home = |address| holds(story_home, address);
    let mut dressed = Vec::new();
    let mut reader = CaptureReader::new(capture)?;
    let mut number = 0;
    while let Some(record) = reader.next()? {
        number += 1;
        let from_home = source_of(&record).is_some_and(home);
        for frame in rewriter.rewrite(&record, 0)?.frames() {
            let mut bytes = frame.to_vec();
            if from_home {
                move_off(&mut bytes, farther);
            }
            address(&mut bytes, mapping);
            if let Some(bytes) = in_link(bytes, link_type)? {
                dressed.push(Dressed {
                    time: record.time,
                    bytes,
                    number,
                });
            }
        }
    }
    Ok(dressed)
}

fn source_of(record: &Record<'_>) -> Option<IpAddr> {
    let layers = Layers::decode_cut(record.link_type, record.bytes, record.original_length);
    layers.addresses().map(|(source, _)| source)
}

/// Lets packets come from so many routers farther away.
fn move_off(frame: &mut [u8], routers: i16) {
    let Some((at, ether_type)) = network(frame) else {
        return;
    };
    let later = |ttl: u8| u8::try_from((i16::from(ttl) - routers).clamp(1, 255)).unwrap_or(ttl);
    match ether_type {
        IPV4 => {
            let Some(&[ttl, protocol, high, low]) = frame
                .get(at + 8..at + 12)
                .and_then(|part| part.first_chunk())
            else {
                return;
            };
            let new = later(ttl);
            // RFC 1624, equation 3: what changes is the high byte of one word.
            let (was, is) = (
                u16::from_be_bytes([ttl, protocol]),
                u16::from_be_bytes([new, protocol]),
            );
            let mut sum =
                u32::from(!u16::from_be_bytes([high, low])) + u32::from(!was) + u32::from(is);
            while sum > 0xffff {
                sum = (sum & 0xffff) + (sum >> 16);
            }
            let [_, _, high, low] = (!sum).to_be_bytes();
            if let Some(part) = frame.get_mut(at + 8..at + 12) {
                part.copy_from_slice(&[new, protocol, high, low]);
            }
        }
        IPV6 => {
            if let Some(ttl) = frame.get_mut(at + 7) {
                *ttl = later(*ttl);
            }
        }
        _ => {}
    }
}

/// Where an Ethernet frame's network header begins, and its EtherType.
fn network(frame: &[u8]) -> Option<(usize, u16)> {
    let mut at = HEADER_BYTES;
    loop {
        let (high, low) = (frame.get(at - 2)?, frame.get(at - 1)?);
        let ether_type = u16::from_be_bytes([*high, *low]);
        if !wire::ethernet::is_vlan_tag(ether_type) {
            return Some((at, ether_type));
        }
        at += 4;
    }
}

/// Gives an IP frame the hardware addresses that speak for its ends.
fn address(frame: &mut [u8], mapping: &Mapping) {
    let layers = Layers::decode(LinkType::ETHERNET, frame);
    let (source, destination) = match (&layers.network, layers.addresses()) {
        (Network::Arp(_), _) | (_, None) => return,
        (_, Some(pair)) => pair,
    };
    let group = layers.link.destination.is_some_and(is_group);
    let MacAddress(from) = mapping.hardware(source);
    let MacAddress(to) = mapping.hardware(destination);
    if let Some((head, rest)) = frame.split_first_chunk_mut::<6>() {
        if !group {
            *head = to;
        }
        if let Some(sender) = rest.first_chunk_mut::<6>() {
            *sender = from;
        }
    }
}

/// A frame in another link layer; `None` where that cannot carry it.
fn in_link(frame: Vec<u8>, link_type: LinkType) -> Result<Option<Vec<u8>>> {
    let Some((at, ether_type)) = network(&frame) else {
        return Ok(None);
    };
    let packet = frame.get(at..).unwrap_or_default();
    let is_ip = [IPV4, IPV6].contains(&ether_type);
    let behind = |header: &[u8]| Some([header, packet].concat());
    Ok(match link_type {
        LinkType::ETHERNET => Some(frame),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD if is_ip => behind(&[]),
        LinkType::IPV4 if ether_type == IPV4 => behind(&[]),
        LinkType::IPV6 if ether_type == IPV6 => behind(&[]),
        LinkType::NULL | LinkType::LOOP if is_ip => {
            let family: u32 = if ether_type == IPV4 { 2 } else { 30 };
            let network_order = link_type == LinkType::LOOP;
            behind(&if network_order {
                family.to_be_bytes()
            } else {
                family.to_le_bytes()
            })
        }
        LinkType::LINUX_SLL => {
            // Packet type: to us, to all, or to a group; Ethernet; the sender's address; the protocol.
            let kind = packet_type(&frame);
            let sender = frame.get(6..12).unwrap_or_default();
            let [high, low] = ether_type.to_be_bytes();
            let mut header = vec![0, kind, 0, 1, 0, 6];
            header.extend_from_slice(sender);
            header.extend_from_slice(&[0, 0, high, low]);
            behind(&header)
        }
        LinkType::LINUX_SLL2 => {
            let kind = packet_type(&frame);
            let [high, low] = ether_type.to_be_bytes();
            let mut header = vec![high, low, 0, 0, 0, 0, 0, 1, 0, 1, kind, 6];
            header.extend_from_slice(frame.get(6..12).unwrap_or_default());
            header.extend_from_slice(&[0, 0]);
            behind(&header)
        }
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6
        | LinkType::NULL
        | LinkType::LOOP => None,
        other => bail!("nothing can be put into a capture of link type {}", other.0),
    })
}

/// How a cooked capture says for whom a frame was.
fn packet_type(frame: &[u8]) -> u8 {
    match frame.first_chunk::<6>() {
        Some(to) if *to == MacAddress::BROADCAST.0 => 1,
        Some(to) if is_group(MacAddress(*to)) => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An IPv4 header with TTL 64 and a right checksum, behind an Ethernet header.
    fn frame() -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend_from_slice(&[
            8, 0, 0x45, 0, 0, 20, 0, 1, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7,
        ]);
        let sum = sum(&frame[14..]);
        frame[24..26].copy_from_slice(&(!sum).to_be_bytes());
        frame
    }

    fn sum(header: &[u8]) -> u16 {
        let words = header
            .chunks(2)
            .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
        let mut sum: u32 = words.sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).unwrap()
    }

    #[test]
    fn a_ttl_moves_and_its_checksum_stays_right() {
        for routers in [0, 1, 7, 63, 200, -10, -191] {
            let mut frame = frame();
            move_off(&mut frame, routers);
            assert_eq!(i16::from(frame[22]), (64 - routers).max(1), "{routers}");
            assert_eq!(sum(&frame[14..]), 0xffff, "{routers}");
        }
    }

    #[test]
    fn a_frame_gets_the_header_of_its_link() {
        let length = |link| in_link(frame(), link).unwrap().map(|bytes| bytes.len());
        assert_eq!(length(LinkType::RAW), Some(20));
        assert_eq!(length(LinkType::IPV6), None);
        assert_eq!(length(LinkType::NULL), Some(24));
        assert_eq!(length(LinkType::LINUX_SLL), Some(36));
        assert_eq!(length(LinkType::LINUX_SLL2), Some(40));
        for link in [LinkType::LINUX_SLL, LinkType::LINUX_SLL2, LinkType::NULL] {
            let bytes = in_link(frame(), link).unwrap().unwrap();
            assert!(Layers::decode(link, &bytes).addresses().is_some());
        }
        assert!(in_link(frame(), LinkType::PPP).is_err());
    }
}

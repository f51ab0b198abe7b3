//! From what is said of packets to frames, in the order of the listing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use messages::dns::Question;
use wire::ethernet::{ARP, Framing, Link, MacAddress};
use wire::field::Field;
use wire::ipv4::Ipv4;
use wire::ipv6::Ipv6;
use wire::packet::{Ip, Packet, Segment};
use wire::payload::Payload;

use super::arp;
use super::names::Names;
use super::numbers::{Connections, key};
use super::{dump, settle};
use crate::error::{Fault, Problem, Read};
use crate::gap::Gap;
use crate::said::{ArpSaid, End, IpSaid, Lost, Said, UdpBody, What};

/// Hardware address of senders of which none is said.
pub(super) const SENDER: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
/// Hardware address of receivers of which none is said.
const RECEIVER: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);

/// Address and port; without ports 0.
pub(super) type Host = (IpAddr, u16);

/// A packet whose transport header is to be made.
pub(super) struct Lower<'a> {
    pub(super) said: &'a Said,
    pub(super) ip: Ip,
    pub(super) ends: (Host, Host),
}

/// What frames are made with: what the listing has said before.
pub(super) struct Assembler {
    pub(super) names: Names,
    pub(super) connections: Connections,
    /// DNS questions by who asked, who was asked, and the transaction.
    pub(super) questions: BTreeMap<(IpAddr, IpAddr, u16), Question>,
    /// The last packet between two hosts, which an ICMP error may quote.
    pub(super) sent: BTreeMap<(IpAddr, IpAddr), Vec<u8>>,
    /// The last packet of a host.
    pub(super) sent_by: BTreeMap<IpAddr, Vec<u8>>,
    /// Who asked by ARP last.
    asked: Option<(String, MacAddress)>,
    /// Whether hex dumps begin with the link header.
    pub(super) framed: bool,
    /// Whether all that is printed must be made.
    pub(super) exact: bool,
}

impl Assembler {
    pub(super) fn new(names: Names) -> Self {
        Assembler {
            names,
            connections: Connections::default(),
            questions: BTreeMap::new(),
            sent: BTreeMap::new(),
            sent_by: BTreeMap::new(),
            asked: None,
            framed: false,
            exact: false,
        }
    }

    /// Looks at a packet before any is made: names get their addresses, connections their votes.
    pub(super) fn look(&mut self, said: &Said) -> Read<()> {
        if said.unread.is_some() || matches!(said.what, What::Arp(_)) {
            return Ok(());
        }
        let (source, destination) = self.ends(said)?;
        if let What::Tcp(tcp) = &said.what {
            self.connections.vote(key(source, destination), tcp);
        }
        Ok(())
    }

    /// The bytes of a frame, and its length on the wire where that is more.
    pub(super) fn frame(
        &mut self,
        said: &Said,
        gaps: &mut Vec<Gap>,
    ) -> Read<(Vec<u8>, Option<usize>)> {
        let mut bytes = Vec::new();
        if said.dump.len() > MOST_BYTES {
            return Err(Fault {
                at: 0,
                problem: Problem::TooLong(said.dump.len()),
            });
        }
        if !said.dump.is_empty()
            && let Some(original_length) = self.dumped(said, &mut bytes, gaps)?
        {
            return Ok((bytes, original_length));
        }
        // Whole headers, and nobody knows of what.
        if said.dump.len() >= WHOLE && said.dump.iter().all(Option::is_some) {
            return Err(Fault {
                at: said.source.at,
                problem: Problem::OtherBytes,
            });
        }
        for said in [Some(said), said.quote.as_deref()].into_iter().flatten() {
            if let Some(Lost { at, text }) = &said.lost {
                self.leave_out(text, *at, gaps)?;
            }
        }
        if let Some(line) = unused(said) {
            self.leave_out(line, said.source.at, gaps)?;
        }
        if let What::Arp(arp) = &said.what {
            self.arp(arp, said, &mut bytes, gaps)?;
        } else {
            let packet = self.packet(said, gaps)?;
            packet.emit_frame(&self.link(said, gaps), &mut bytes);
            let start = bytes.len().saturating_sub(packet.total_bytes());
            self.remember(&packet, bytes.get(start..).unwrap_or_default());
        }
        if let Some(length) = said.link.length {
            // What is missing is padding, or a trailer that was not printed.
            bytes.resize(bytes.len().max(length.min(usize::from(u16::MAX))), 0);
        }
        Ok((bytes, None))
    }

    /// The frame of a hex dump, where it holds a packet, with its length on the wire where that is more.
    fn dumped(
        &mut self,
        said: &Said,
        out: &mut Vec<u8>,
        gaps: &mut Vec<Gap>,
    ) -> Read<Option<Option<usize>>> {
        let hosts = match said.what {
            What::Arp(_) => None,
            _ if said.unread.is_some() => None,
            // What the bytes say counts, whatever the line does.
            _ => self.ends(said).ok(),
        };
        let hosts = hosts.map(|(source, destination)| (source.0, destination.0));
        let dumped = dump::read(&said.dump, hosts, said.ip.missing, self.framed);
        let alone = |dumped: &dump::Dumped| {
            // What only seems to begin with a packet does not end with it.
            dumped.hidden || !dumped.is_frame && dumped.original_length.is_some()
        };
        if let Some(fault) = &said.unread
            && dumped.as_ref().is_none_or(alone)
        {
            return Err(fault.clone());
        }
        let Some(dumped) = dumped else {
            return Ok(None);
        };
        if let (Some(told), Some(held)) = (numeric(said), dumped.hosts())
            && told != held
            && !dumped.hidden
        {
            return Err(Fault {
                at: said.source.at,
                problem: Problem::OtherBytes,
            });
        }
        if dumped.hidden {
            gaps.push(Gap::HiddenBytes);
        }
        if !dumped.is_frame {
            let mut link = self.link(said, gaps);
            link.source = dumped.sender.unwrap_or(link.source);
            link.emit(dumped.ether_type, dumped.bytes.len(), out);
        }
        let header = out.len();
        out.extend_from_slice(&dumped.bytes);
        let told = said.link.length.filter(|length| *length > out.len());
        let on_wire = dumped.original_length.map(|length| length + header);
        Ok(Some(told.or(on_wire)))
    }

    fn link(&self, said: &Said, gaps: &mut Vec<Gap>) -> Link {
        if said.link.source.is_none() {
            gaps.push(Gap::HardwareAddresses);
        }
        Link {
            source: said.link.source.unwrap_or(SENDER),
            destination: said.link.destination.unwrap_or(RECEIVER),
            vlan: said.link.vlan,
            framing: if said.link.snap {
                Framing::LlcSnap
            } else {
                Framing::EthernetII
            },
        }
    }

    fn arp(
        &mut self,
        arp: &ArpSaid,
        said: &Said,
        out: &mut Vec<u8>,
        gaps: &mut Vec<Gap>,
    ) -> Read<()> {
        let mut link = self.link(said, gaps);
        let asked = self.asked.take();
        let mut destination = said.destination.clone();
        let mut target_mac = arp.sought.unwrap_or_default();
        if arp.reply {
            let (name, mac) = asked.unwrap_or((said.source.text.clone(), RECEIVER));
            destination.text = name;
            target_mac = said.link.destination.unwrap_or(mac);
        } else {
            gaps.extend(said.link.source.is_none().then_some(Gap::ArpAddress));
            self.asked = Some((said.source.text.clone(), link.source));
            // A question goes to all, whatever stands there else.
            link.destination = said.link.destination.unwrap_or(MacAddress([0xff; 6]));
        }
        let sender_mac = arp.address.unwrap_or(link.source);
        let (sender, target) = (self.v4(&said.source)?, self.v4(&destination)?);
        let message = arp::emit(arp, (sender, sender_mac), (target, target_mac));
        let length = arp.length.unwrap_or(arp::BYTES).max(arp::BYTES);
        link.emit(ARP, length, out);
        let end = out.len() + length.min(usize::from(u16::MAX));
        out.extend_from_slice(&message);
        out.resize(end, 0);
        Ok(())
    }

    fn v4(&mut self, end: &End) -> Read<std::net::Ipv4Addr> {
        match self.address(&end.text, end, false)? {
            IpAddr::V4(address) => Ok(address),
            IpAddr::V6(address) => Err(Fault {
                at: end.at,
                problem: Problem::MixedVersions {
                    name: end.text.clone(),
                    address: address.into(),
                },
            }),
        }
    }

    fn address(&mut self, host: &str, end: &End, v6: bool) -> Read<IpAddr> {
        let named = self.names.address(host, v6);
        named.map_err(|problem| Fault {
            at: end.at,
            problem,
        })
    }

    /// Addresses of a host, told in the place of an end.
    pub(super) fn host(&mut self, host: &str, said: &Said) -> Read<IpAddr> {
        let v6 = said.ip.v6;
        self.address(host, &said.source, v6)
    }

    /// Sender and receiver.
    pub(super) fn ends(&mut self, said: &Said) -> Read<(Host, Host)> {
        let v6 = said.ip.v6
            || [&said.source, &said.destination]
                .iter()
                .any(|end| is_v6(end));
        let mut host = |end: &End| -> Read<Host> {
            let (host, port) = if said.what.has_ports() {
                end.split()?
            } else {
                (end.text.as_str(), 0)
            };
            Ok((self.address(host, end, v6)?, port))
        };
        Ok((host(&said.source)?, host(&said.destination)?))
    }

    /// A packet, from its network header on.
    pub(super) fn packet(&mut self, said: &Said, gaps: &mut Vec<Gap>) -> Read<Packet> {
        let (source, destination) = self.ends(said)?;
        let ip = network(&said.ip, source, destination, gaps).map_err(|problem| Fault {
            at: said.source.at,
            problem,
        })?;
        let lower = Lower {
            said,
            ip,
            ends: (source, destination),
        };
        let mut packet = self.transport(lower, gaps)?;
        if said.ip.router_alert {
            packet = alerting(&packet);
        }
        if let Some(length) = said.ip.length {
            settle::force_length(&mut packet, length);
        } else if said.ip.missing > 0 {
            let total = packet.total_bytes().saturating_add(said.ip.missing);
            let header = if said.ip.v6 {
                wire::ipv6::HEADER_BYTES
            } else {
                0
            };
            settle::force_length(
                &mut packet,
                u16::try_from(total - header).unwrap_or(u16::MAX),
            );
        }
        Ok(packet)
    }

    /// Goes on without what is printed, where that is allowed.
    pub(super) fn leave_out(&self, lost: &str, at: usize, gaps: &mut Vec<Gap>) -> Read<()> {
        if !self.exact {
            gaps.push(Gap::Told);
            return Ok(());
        }
        Err(Fault {
            at,
            problem: Problem::Lost(lost.chars().take(MOST_QUOTED).collect()),
        })
    }

    /// Keeps the beginning of a packet.
    fn remember(&mut self, packet: &Packet, bytes: &[u8]) {
        let start = bytes.get(..QUOTED).unwrap_or(bytes);
        self.sent_by.insert(packet.source(), start.to_vec());
        self.sent
            .insert((packet.source(), packet.destination()), start.to_vec());
    }
}

/// Bytes of a dump that holds the headers of Ethernet and IPv4, or more.
const WHOLE: usize = 34;

/// The addresses of both ends, where the line has numbers for them and not names.
fn numeric(said: &Said) -> Option<(IpAddr, IpAddr)> {
    if said.unread.is_some() || said.ip.options || matches!(said.what, What::Arp(_)) {
        return None;
    }
    Some((said.source.numeric()?, said.destination.numeric()?))
}

/// The first of the lines below a packet that nothing is made of.
fn unused(said: &Said) -> Option<&str> {
    let mut lines = said.details.iter().map(String::as_str);
    let used = match &said.what {
        What::Tcp(tcp) => tcp.text_follows,
        What::Udp(udp) => matches!(udp.body, UdpBody::Ntp(..)),
        What::Icmp(_) => return lines.find(|line| !line.contains("link-address option")),
        What::Arp(_) | What::Bare => false,
    };
    lines.find(|line| !used && !line.trim().is_empty())
}

/// Letters of what nothing is made of that an error quotes.
const MOST_QUOTED: usize = 60;

/// Bytes that a frame can have: the largest packet, and a link header with room to spare.
const MOST_BYTES: usize = 65_535 + 64;

/// Bytes of a packet that are kept for quotations: the longest headers, and eight bytes.
const QUOTED: usize = 128;

/// The packet of IPv6 with a router alert in front of what it carries, RFC 2711.
fn alerting(packet: &Packet) -> Packet {
    const HOP_BY_HOP: u8 = 0;
    let mut bytes = Vec::with_capacity(packet.total_bytes());
    packet.emit(&mut bytes);
    let next = bytes.get(6).copied().unwrap_or(0);
    let mut carried = vec![next, 0, 5, 2, 0, 0, 1, 0];
    carried.extend_from_slice(bytes.get(wire::ipv6::HEADER_BYTES..).unwrap_or_default());
    Packet {
        ip: packet.ip.clone(),
        segment: Segment::Raw(HOP_BY_HOP),
        payload: Payload::new(carried),
    }
}

fn is_v6(end: &End) -> bool {
    let host = end
        .text
        .rsplit_once('.')
        .map_or(end.text.as_str(), |(host, _)| host);
    host.parse::<std::net::Ipv6Addr>().is_ok() || end.text.parse::<std::net::Ipv6Addr>().is_ok()
}

/// The network header, and what of it is not said.
fn network(
    said: &IpSaid,
    source: Host,
    destination: Host,
    gaps: &mut Vec<Gap>,
) -> Result<Ip, Problem> {
    let mut or = |told: bool, gap: Gap| gaps.extend((!told).then_some(gap));
    or(said.ttl.is_some(), Gap::TimeToLive);
    or(said.tos.is_some(), Gap::TypeOfService);
    or(!said.options, Gap::IpOptions);
    match (source.0, destination.0) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            or(said.identification.is_some(), Gap::Identification);
            or(said.flags.is_some(), Gap::DontFragment);
            Ok(Ip::V4(Ipv4 {
                tos: said.tos.unwrap_or(0),
                ttl: said.ttl.unwrap_or(64),
                identification: said.identification.unwrap_or(0),
                flags: said.flags.unwrap_or(0),
                fragment_offset: said.offset.unwrap_or(0) / 8,
                checksum: said.bad_checksum.map_or(Field::Computed, Field::Forced),
                ..Ipv4::new(from, to)
            }))
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            or(said.flow_label.is_some(), Gap::FlowLabel);
            Ok(Ip::V6(Ipv6 {
                traffic_class: said.tos.unwrap_or(0),
                flow_label: said.flow_label.unwrap_or(0),
                hop_limit: said.ttl.unwrap_or(64),
                ..Ipv6::new(from, to)
            }))
        }
        (from, to) => Err(Problem::MixedVersions {
            name: from.to_string(),
            address: to,
        }),
    }
}

/// The payload of so many zero bytes, which no packet exceeds.
pub(super) fn zeros(length: usize, at: usize) -> Read<Payload> {
    if length > usize::from(u16::MAX) {
        return Err(Fault {
            at,
            problem: Problem::TooLong(length),
        });
    }
    Ok(Payload::zeros(length))
}

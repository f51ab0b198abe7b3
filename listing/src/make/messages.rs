//! ICMP messages from what is said of them, and the packets that errors quote.

use std::net::IpAddr;

use wire::ethernet::MacAddress;
use wire::icmp::{self, Icmp};
use wire::packet::{PROTOCOL_TCP, PROTOCOL_UDP, Packet, Segment};
use wire::payload::Payload;
use wire::tcp::{Flags, Tcp};
use wire::udp::Udp;

use super::assemble::{Assembler, Host, Lower, SENDER, zeros};
use super::{services, transport};
use crate::error::Read;
use crate::gap::Gap;
use crate::said::{End, IcmpSaid, Said, UdpSaid, What};

/// Bytes that an error quotes where its length is not said: a header and eight bytes, RFC 792.
const QUOTED: usize = 28;
/// Type of a neighbour solicitation; the next one is that of an advertisement.
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

impl Assembler {
    /// The packet of an ICMP message.
    pub(super) fn icmp(
        &mut self,
        message: &IcmpSaid,
        lower: Lower<'_>,
        gaps: &mut Vec<Gap>,
    ) -> Read<Packet> {
        let Lower { said, ip, ends } = lower;
        gaps.extend(message.unknown.then_some(Gap::IcmpType));
        let v6 = ends.0.0.is_ipv6();
        let room = transport::room(said);
        let body = message
            .length
            .or(room)
            .map(|length| length.saturating_sub(icmp::HEADER_BYTES));
        let quotes = if v6 {
            message.icmp_type < 128
        } else {
            Icmp::is_error(message.icmp_type)
        };
        let mut rest = message.rest;
        if let Some(gateway) = &message.gateway
            && let IpAddr::V4(gateway) = self.host(gateway, said)?
        {
            rest = Some(gateway.octets());
        }
        let payload = if quotes {
            self.quote(said, message, ends, body.unwrap_or(QUOTED), gaps)?
        } else if !message.groups.is_empty() {
            self.report(said, message, body, gaps)?
        } else if v6 && matches!(message.icmp_type, SOLICITATION | ADVERTISEMENT) {
            self.neighbour(said, message, body)?
        } else {
            gaps.extend(rest.is_none().then_some(Gap::Echo));
            match message.times {
                Some(times) if body.is_none_or(|body| body == 12) => {
                    let bytes = times.into_iter().flat_map(u32::to_be_bytes);
                    Payload::new(bytes.collect::<Vec<u8>>())
                }
                _ => plain_body(said, body, gaps)?,
            }
        };
        let segment = Segment::Icmp(Icmp {
            rest: rest.unwrap_or_default(),
            ..Icmp::new(message.icmp_type, message.code)
        });
        let mut packet = Packet {
            ip,
            segment,
            payload,
        };
        transport::apply(&mut packet, message.sum, gaps);
        Ok(packet)
    }

    /// What an error quotes: what is printed, else the last packet that fits, else a plain header.
    fn quote(
        &mut self,
        said: &Said,
        message: &IcmpSaid,
        (sender, receiver): (Host, Host),
        length: usize,
        gaps: &mut Vec<Gap>,
    ) -> Read<Payload> {
        let mut bytes = Vec::new();
        if let Some(quote) = &said.quote {
            let mut inner = Vec::new();
            self.packet(quote, &mut inner)?.emit(&mut bytes);
            gaps.extend((!inner.is_empty()).then_some(Gap::Quote));
        } else {
            gaps.push(Gap::Quote);
            let about = match &message.about {
                Some(about) => Some(self.host(about, said)?),
                None => None,
            };
            let kept = match about {
                Some(about) => self.sent.get(&(receiver.0, about)),
                None => self.sent_by.get(&receiver.0),
            };
            match kept.filter(|kept| fits(kept, message)) {
                Some(kept) => bytes.clone_from(kept),
                None => {
                    let about = about.unwrap_or(sender.0);
                    self.plain(said, message, receiver.0, about)?
                        .emit(&mut bytes);
                }
            }
        }
        bytes.resize(length.min(usize::from(u16::MAX)), 0);
        Ok(Payload::new(bytes))
    }

    /// A header as traceroute sends it, to the port that is printed.
    fn plain(&mut self, said: &Said, message: &IcmpSaid, from: IpAddr, to: IpAddr) -> Read<Packet> {
        let end = |address: IpAddr| End {
            text: format!("{address}.0"),
            ..End::default()
        };
        let mut quote = Said {
            source: end(from),
            destination: end(to),
            what: What::Udp(UdpSaid::default()),
            ..Said::default()
        };
        quote.ip.ttl = Some(1);
        quote.ip.v6 = said.ip.v6;
        let mut packet = self.packet(&quote, &mut Vec::new())?;
        let port = port(message);
        packet.segment = match message.protocol {
            Some(PROTOCOL_TCP) => Segment::Tcp(Tcp::new(0, port, Flags::SYN)),
            None | Some(PROTOCOL_UDP) => Segment::Udp(Udp::new(0, port)),
            Some(protocol) => Segment::Raw(protocol),
        };
        Ok(packet)
    }

    /// The records of a multicast listener report, RFC 3810 section 5.2.
    fn report(
        &mut self,
        said: &Said,
        message: &IcmpSaid,
        body: Option<usize>,
        gaps: &mut Vec<Gap>,
    ) -> Read<Payload> {
        let mut bytes = Vec::new();
        for group in &message.groups {
            let sources = u16::try_from(group.sources.len()).unwrap_or(0);
            bytes.extend_from_slice(&[group.kind, 0]);
            bytes.extend_from_slice(&sources.to_be_bytes());
            for address in [&group.group].into_iter().chain(&group.sources) {
                if let IpAddr::V6(address) = self.host(address, said)? {
                    bytes.extend_from_slice(&address.octets());
                }
            }
        }
        if let Some(body) = body.filter(|body| *body != bytes.len()) {
            // Sources that are not printed.
            let lost = format!("{} group record(s) in {body} bytes", message.groups.len());
            self.leave_out(&lost, said.source.at, gaps)?;
            bytes.resize(body.min(usize::from(u16::MAX)), 0);
        }
        Ok(Payload::new(bytes))
    }

    /// Target and link-layer address of neighbour discovery, RFC 4861 section 4.3.
    fn neighbour(&mut self, said: &Said, message: &IcmpSaid, body: Option<usize>) -> Read<Payload> {
        let target = message.about.as_deref().unwrap_or("::");
        let mut bytes = match self.host(target, said)? {
            IpAddr::V6(target) => target.octets().to_vec(),
            IpAddr::V4(_) => vec![0; 16],
        };
        let room = body.unwrap_or(bytes.len()).min(usize::from(u16::MAX));
        if room >= bytes.len() + 8 {
            let kind = if message.icmp_type == SOLICITATION {
                1
            } else {
                2
            };
            bytes.extend_from_slice(&[kind, 1]);
            let told = said.details.iter().find_map(|line| link_address(line));
            bytes.extend_from_slice(&told.or(said.link.source).unwrap_or(SENDER).0);
        }
        bytes.resize(room.max(16), 0);
        Ok(Payload::new(bytes))
    }
}

/// `source link-address option (1), length 8 (1): 02:00:00:00:00:01`
fn link_address(line: &str) -> Option<MacAddress> {
    let (name, address) = line.trim().rsplit_once(": ")?;
    name.contains("link-address option")
        .then(|| address.parse().ok())?
}

/// What an echo or another message without structure carries.
fn plain_body(said: &Said, body: Option<usize>, gaps: &mut Vec<Gap>) -> Read<Payload> {
    gaps.extend(body.is_none().then_some(Gap::PayloadLength));
    let room = transport::fragment(said).map(|room| room.saturating_sub(icmp::HEADER_BYTES));
    let body = body
        .unwrap_or(0)
        .saturating_sub(said.ip.missing)
        .min(room.unwrap_or(usize::MAX));
    gaps.extend((body > 0).then_some(Gap::Payload));
    zeros(body, said.source.at)
}

fn port(message: &IcmpSaid) -> u16 {
    let text = message.port.as_deref().unwrap_or_default();
    text.parse()
        .ok()
        .or_else(|| services::port(text))
        .unwrap_or(0)
}

/// Whether a packet that was kept goes where the message says.
fn fits(kept: &[u8], message: &IcmpSaid) -> bool {
    let header = match kept.first().map(|first| first >> 4) {
        Some(4) => usize::from(kept.first().copied().unwrap_or(0) & 0x0f) * 4,
        _ => wire::ipv6::HEADER_BYTES,
    };
    let protocol = kept.get(if header == wire::ipv6::HEADER_BYTES {
        6
    } else {
        9
    });
    let to = match kept.get(header + 2..header + 4) {
        Some(&[high, low]) => Some(u16::from_be_bytes([high, low])),
        _ => None,
    };
    let right_protocol = message
        .protocol
        .is_none_or(|wanted| protocol == Some(&wanted));
    right_protocol && (message.port.is_none() || to == Some(port(message)))
}

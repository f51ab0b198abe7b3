//! ICMP and ICMPv6 of a host: answers to echo requests, errors about packets, and what errors say of its own packets.
//!
//! Sources: RFC 792, RFC 1122 section 3.2.2, RFC 4443, RFC 1191 and RFC 8201 (path MTU).

use std::net::IpAddr;

use wire::decode::Quote;
use wire::packet::{PROTOCOL_TCP, PROTOCOL_UDP};
use wire::{Icmp, Ip, Packet, Payload, Segment, icmp};

use super::socket::Endpoint;
use super::trouble::Trouble;
use crate::activity::Sent;

/// Bytes that an ICMPv6 error holds at most: the least MTU of IPv6, RFC 4443 section 2.4 (c).
const LEAST_MTU_V6: usize = 1280;

/// Types and codes of ICMPv6, RFC 4443.
mod v6 {
    pub const UNREACHABLE: u8 = 1;
    pub const TOO_BIG: u8 = 2;
    pub const TIME_EXCEEDED: u8 = 3;
    pub const PARAMETER_PROBLEM: u8 = 4;
    pub const ECHO_REQUEST: u8 = 128;
    pub const ECHO_REPLY: u8 = 129;
}

impl Trouble {
    /// The message that tells it.
    pub fn message(self, over_ipv6: bool) -> Icmp {
        let (kind, code, rest) = if over_ipv6 {
            self.in_v6()
        } else {
            self.in_v4()
        };
        Icmp {
            rest,
            ..Icmp::new(kind, code)
        }
    }

    fn in_v4(self) -> (u8, u8, [u8; 4]) {
        let plain = |kind, code| (kind, code, [0; 4]);
        match self {
            Trouble::Network => plain(icmp::UNREACHABLE, icmp::NETWORK),
            Trouble::Host => plain(icmp::UNREACHABLE, icmp::HOST),
            Trouble::Protocol => plain(icmp::UNREACHABLE, 2),
            Trouble::Port => plain(icmp::UNREACHABLE, icmp::PORT),
            Trouble::SourceRoute => plain(icmp::UNREACHABLE, 5),
            Trouble::Prohibited => plain(icmp::UNREACHABLE, icmp::PROHIBITED),
            Trouble::TooBig(mtu) => {
                let [a, b] = mtu.to_be_bytes();
                (icmp::UNREACHABLE, icmp::FRAGMENTATION_NEEDED, [0, 0, a, b])
            }
            Trouble::Quench => plain(icmp::SOURCE_QUENCH, 0),
            Trouble::Expired => plain(icmp::TIME_EXCEEDED, 0),
            Trouble::Reassembly => plain(icmp::TIME_EXCEEDED, 1),
            Trouble::Parameter(at) => (icmp::PARAMETER_PROBLEM, 0, [at, 0, 0, 0]),
        }
    }

    /// ICMPv6 has no word for source quench and source routes: the nearest is said.
    fn in_v6(self) -> (u8, u8, [u8; 4]) {
        let plain = |kind, code| (kind, code, [0; 4]);
        match self {
            Trouble::Network | Trouble::Quench | Trouble::SourceRoute => plain(v6::UNREACHABLE, 0),
            Trouble::Prohibited => plain(v6::UNREACHABLE, 1),
            Trouble::Host => plain(v6::UNREACHABLE, 3),
            Trouble::Port => plain(v6::UNREACHABLE, 4),
            Trouble::TooBig(mtu) => {
                let [a, b] = mtu.to_be_bytes();
                (v6::TOO_BIG, 0, [0, 0, a, b])
            }
            Trouble::Expired => plain(v6::TIME_EXCEEDED, 0),
            Trouble::Reassembly => plain(v6::TIME_EXCEEDED, 1),
            Trouble::Protocol => (v6::PARAMETER_PROBLEM, 1, [0, 0, 0, 6]),
            Trouble::Parameter(at) => (v6::PARAMETER_PROBLEM, 0, [0, 0, 0, at]),
        }
    }

    /// What a message tells, if it tells of trouble.
    pub fn read(message: &Icmp, over_ipv6: bool) -> Option<Trouble> {
        let [first, _, a, b] = message.rest;
        let mtu = u16::from_be_bytes([a, b]);
        Some(match (over_ipv6, message.icmp_type, message.code) {
            (false, icmp::UNREACHABLE, 2) => Trouble::Protocol,
            (false, icmp::UNREACHABLE, icmp::PORT) => Trouble::Port,
            (false, icmp::UNREACHABLE, icmp::FRAGMENTATION_NEEDED) => Trouble::TooBig(mtu),
            (false, icmp::UNREACHABLE, 5) => Trouble::SourceRoute,
            (false, icmp::UNREACHABLE, 9 | 10 | icmp::PROHIBITED) => Trouble::Prohibited,
            (false, icmp::UNREACHABLE, icmp::NETWORK | 6 | 11) => Trouble::Network,
            (false, icmp::UNREACHABLE, _) => Trouble::Host,
            (false, icmp::SOURCE_QUENCH, _) => Trouble::Quench,
            (false, icmp::TIME_EXCEEDED, 1) | (true, v6::TIME_EXCEEDED, 1) => Trouble::Reassembly,
            (false, icmp::TIME_EXCEEDED, _) | (true, v6::TIME_EXCEEDED, _) => Trouble::Expired,
            (false, icmp::PARAMETER_PROBLEM, _) => Trouble::Parameter(first),
            (true, v6::UNREACHABLE, 1) => Trouble::Prohibited,
            (true, v6::UNREACHABLE, 3) => Trouble::Host,
            (true, v6::UNREACHABLE, 4) => Trouble::Port,
            (true, v6::UNREACHABLE, _) => Trouble::Network,
            (true, v6::TOO_BIG, _) => Trouble::TooBig(mtu),
            (true, v6::PARAMETER_PROBLEM, _) => Trouble::Parameter(b),
            _ => return None,
        })
    }
}

/// An error about a packet: its header and `quote` bytes more, or as much as ICMPv6 allows.
///
/// `None` where RFC 1122 section 3.2.2 and RFC 4443 section 2.4 forbid one: about an error, a later fragment, a packet for
/// all hosts, or one that names no single sender.
pub fn error_about(ip: Ip, trouble: Trouble, about: &Sent, quote: usize) -> Option<Sent> {
    let packet = &about.packet;
    let over_ipv6 = matches!(packet.ip, Ip::V6(_));
    let is_error = matches!(
        &packet.segment,
        Segment::Icmp(message) if if over_ipv6 { message.icmp_type < 128 } else { Icmp::is_error(message.icmp_type) }
    );
    let sender = packet.source();
    let nobody = sender.is_unspecified() || sender.is_multicast() || is_broadcast(sender);
    let later = matches!(&packet.ip, Ip::V4(header) if header.fragment_offset != 0);
    if is_error || later || nobody || crate::net::topology::is_for_all(packet.destination()) {
        return None;
    }
    let mut bytes = Vec::with_capacity(packet.total_bytes());
    packet.emit(&mut bytes);
    let kept = match &packet.ip {
        Ip::V4(header) => header.header_bytes() + quote,
        Ip::V6(_) => LEAST_MTU_V6 - wire::ipv6::HEADER_BYTES - icmp::HEADER_BYTES,
    };
    bytes.truncate(kept);
    let packet = Packet {
        ip,
        segment: Segment::Icmp(trouble.message(over_ipv6)),
        payload: Payload::new(bytes),
    };
    Some(Sent {
        packet,
        cause: about.cause.answered(),
    })
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_broadcast())
}

/// The answer to an echo request, but for its IP header.
pub fn echo_reply(message: &Icmp, over_ipv6: bool) -> Option<Icmp> {
    let (request, reply) = if over_ipv6 {
        (v6::ECHO_REQUEST, v6::ECHO_REPLY)
    } else {
        (icmp::ECHO_REQUEST, icmp::ECHO_REPLY)
    };
    (message.icmp_type == request).then(|| Icmp {
        icmp_type: reply,
        checksum: wire::Field::Computed,
        ..message.clone()
    })
}

/// The packet of ours that an error quotes: protocol, our end and the other's, and the sequence number of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// What it carried.
    pub transport: QuotedTransport,
    /// Our end.
    pub local: Endpoint,
    /// Whom it was for.
    pub remote: Endpoint,
    /// Its sequence number, for a segment.
    pub sequence: Option<u32>,
    /// Who tells of it.
    pub from: IpAddr,
}

/// What a quoted packet carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotedTransport {
    /// A segment.
    Tcp,
    /// A datagram.
    Udp,
}

/// Reads the quote of an error that `from` sent.
pub fn quoted(payload: &Payload, from: IpAddr) -> Option<Quoted> {
    let bytes = payload.to_vec();
    let quote = Quote::read(&bytes)?;
    let (source, destination) = quote.ports?;
    let transport = match quote.protocol {
        PROTOCOL_TCP => QuotedTransport::Tcp,
        PROTOCOL_UDP => QuotedTransport::Udp,
        _ => return None,
    };
    Some(Quoted {
        transport,
        local: Endpoint {
            address: quote.source,
            port: source,
        },
        remote: Endpoint {
            address: quote.destination,
            port: destination,
        },
        sequence: quote.sequence,
        from,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_tells_is_read_again() {
        for over_ipv6 in [false, true] {
            for trouble in [
                Trouble::Network,
                Trouble::Host,
                Trouble::Port,
                Trouble::Prohibited,
                Trouble::TooBig(1400),
                Trouble::Expired,
                Trouble::Reassembly,
                Trouble::Parameter(20),
            ] {
                assert_eq!(
                    Trouble::read(&trouble.message(over_ipv6), over_ipv6),
                    Some(trouble)
                );
            }
        }
    }
}

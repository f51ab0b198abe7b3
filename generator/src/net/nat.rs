//! Several hosts behind one address: what leaves a site from private addresses gets the site's own, and a port that finds the way
//! back; what comes for that port goes to the host that it stands for. RFC 3022, RFC 4787 (one port of the outside for an address
//! and port inside, kept where it is free), RFC 5508 (echo identifiers and quoted packets).
//!
//! Not modelled: fragments, which only take the address; ports that are forwarded inwards; traffic from inside to the own address;
//! mappings that age.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use wire::checksum::Checksum;
use wire::{Icmp, Ip, Packet, Payload, Segment, icmp};

/// The first port that is taken where a host's own is not free.
const FIRST_PORT: u16 = 1024;
/// Mappings that are kept; beyond, the oldest address gives way.
const MOST: usize = 60_000;

/// What a mapping is for: TCP ports, UDP ports or echo identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Numbers {
    Tcp,
    Udp,
    Echo,
}

/// The translator of a site.
#[derive(Debug)]
pub struct Nat {
    outside: Ipv4Addr,
    there: BTreeMap<(Numbers, Ipv4Addr, u16), u16>,
    back: BTreeMap<(Numbers, u16), (Ipv4Addr, u16)>,
    next: u16,
}

impl Nat {
    /// A translator that speaks from that address.
    pub fn new(outside: Ipv4Addr) -> Nat {
        Nat {
            outside,
            there: BTreeMap::new(),
            back: BTreeMap::new(),
            next: FIRST_PORT,
        }
    }

    /// A packet as it leaves the site; `None` where it stays as it is.
    pub fn outward(&mut self, packet: &Packet) -> Option<Packet> {
        let Ip::V4(ip) = &packet.ip else { return None };
        let inside = ip.source;
        if !inside.is_private() {
            return None;
        }
        let mut packet = packet.clone();
        match &mut packet.segment {
            Segment::Tcp(tcp) => tcp.source = self.port(Numbers::Tcp, inside, tcp.source),
            Segment::Udp(udp) => udp.source = self.port(Numbers::Udp, inside, udp.source),
            Segment::Icmp(message) if is_echo(message) => {
                let own = self.port(Numbers::Echo, inside, identifier(message));
                set_identifier(message, own);
            }
            Segment::Icmp(_) => {
                // An error about a packet that came in: quoted as it was outside.
                if let Some(quote) = Quoted::of(&packet.payload)
                    && let Some(numbers) = quote.numbers
                {
                    let (_, port) = quote.receiver();
                    let own = self.port(numbers, inside, port);
                    packet.payload = quote.with_receiver(self.outside, own);
                }
            }
            Segment::Raw(_) => {}
        }
        if let Ip::V4(ip) = &mut packet.ip {
            ip.source = self.outside;
        }
        Some(packet)
    }

    /// A packet as it goes on inside; `None` where it stays as it is.
    pub fn inward(&self, packet: &Packet) -> Option<Packet> {
        let Ip::V4(ip) = &packet.ip else { return None };
        if ip.destination != self.outside {
            return None;
        }
        let mut packet = packet.clone();
        let inside = match &mut packet.segment {
            Segment::Tcp(tcp) => {
                let (inside, port) = self.behind(Numbers::Tcp, tcp.destination)?;
                tcp.destination = port;
                inside
            }
            Segment::Udp(udp) => {
                let (inside, port) = self.behind(Numbers::Udp, udp.destination)?;
                udp.destination = port;
                inside
            }
            Segment::Icmp(message) if is_echo(message) => {
                let (inside, own) = self.behind(Numbers::Echo, identifier(message))?;
                set_identifier(message, own);
                inside
            }
            Segment::Icmp(_) => {
                let quote = Quoted::of(&packet.payload)?;
                let (_, port) = quote.sender();
                let (inside, port) = self.behind(quote.numbers?, port)?;
                packet.payload = quote.with_sender(inside, port);
                inside
            }
            Segment::Raw(_) => return None,
        };
        if let Ip::V4(ip) = &mut packet.ip {
            ip.destination = inside;
        }
        Some(packet)
    }

    /// The number outside that stands for one inside: the same, where it is free.
    fn port(&mut self, numbers: Numbers, inside: Ipv4Addr, port: u16) -> u16 {
        if let Some(known) = self.there.get(&(numbers, inside, port)) {
            return *known;
        }
        if self.there.len() >= MOST
            && let Some(((numbers, ..), outside)) = self.there.pop_first()
        {
            self.back.remove(&(numbers, outside));
        }
        let mut outside = port;
        while self.back.contains_key(&(numbers, outside)) {
            outside = self.next;
            self.next = self.next.checked_add(1).unwrap_or(FIRST_PORT);
        }
        self.there.insert((numbers, inside, port), outside);
        self.back.insert((numbers, outside), (inside, port));
        outside
    }

    fn behind(&self, numbers: Numbers, outside: u16) -> Option<(Ipv4Addr, u16)> {
        self.back.get(&(numbers, outside)).copied()
    }
}

fn is_echo(message: &Icmp) -> bool {
    matches!(message.icmp_type, icmp::ECHO_REQUEST | icmp::ECHO_REPLY)
}

fn identifier(message: &Icmp) -> u16 {
    let [a, b, ..] = message.rest;
    u16::from_be_bytes([a, b])
}

fn set_identifier(message: &mut Icmp, identifier: u16) {
    let [a, b] = identifier.to_be_bytes();
    let [_, _, c, d] = message.rest;
    message.rest = [a, b, c, d];
}

/// Where a header holds its checksum and its addresses, RFC 791 section 3.1.
const CHECKSUM: usize = 10;
const SENDER: usize = 12;
const RECEIVER: usize = 16;

/// The packet that an ICMP error quotes.
struct Quoted {
    bytes: Vec<u8>,
    header: usize,
    numbers: Option<Numbers>,
}

impl Quoted {
    fn of(payload: &Payload) -> Option<Quoted> {
        let bytes = payload.to_vec();
        let header = usize::from(bytes.first()? & 15) * 4;
        bytes.get(header..header + 8)?;
        let kind = bytes.get(header).copied()?;
        let numbers = match bytes.get(9)? {
            6 => Some(Numbers::Tcp),
            17 => Some(Numbers::Udp),
            1 if matches!(kind, icmp::ECHO_REQUEST | icmp::ECHO_REPLY) => Some(Numbers::Echo),
            _ => None,
        };
        Some(Quoted {
            bytes,
            header,
            numbers,
        })
    }

    /// Where the number of the sender, or of the receiver, stands; an echo has one for both.
    fn number_at(&self, receiver: bool) -> usize {
        match self.numbers {
            Some(Numbers::Echo) => self.header + 4,
            _ => self.header + if receiver { 2 } else { 0 },
        }
    }

    fn end(&self, receiver: bool) -> (Ipv4Addr, u16) {
        let start = if receiver { RECEIVER } else { SENDER };
        let word = |at: usize| match self.bytes.get(at..at + 2) {
            Some([a, b]) => u16::from_be_bytes([*a, *b]),
            _ => 0,
        };
        let [high, low] = [word(start), word(start + 2)];
        let address = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
        (address, word(self.number_at(receiver)))
    }

    fn sender(&self) -> (Ipv4Addr, u16) {
        self.end(false)
    }

    fn receiver(&self) -> (Ipv4Addr, u16) {
        self.end(true)
    }

    fn with_sender(self, address: Ipv4Addr, number: u16) -> Payload {
        self.with_end(false, address, number)
    }

    fn with_receiver(self, address: Ipv4Addr, number: u16) -> Payload {
        self.with_end(true, address, number)
    }

    fn with_end(mut self, receiver: bool, address: Ipv4Addr, number: u16) -> Payload {
        let at = self.number_at(receiver);
        let start = if receiver { RECEIVER } else { SENDER };
        let mut put = |at: usize, new: &[u8]| {
            if let Some(room) = self.bytes.get_mut(at..at + new.len()) {
                room.copy_from_slice(new);
            }
        };
        put(start, &address.octets());
        put(at, &number.to_be_bytes());
        put(CHECKSUM, &[0, 0]);
        let header = self.bytes.get(..self.header).unwrap_or_default();
        let sum = Checksum::new().bytes(header).finish().to_be_bytes();
        if let Some(room) = self.bytes.get_mut(CHECKSUM..CHECKSUM + 2) {
            room.copy_from_slice(&sum);
        }
        Payload::new(self.bytes)
    }
}

/// The address from which a site's translator speaks, where `nat` says one: of IPv4, and not private itself.
pub fn outside(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) if !address.is_private() => Some(address),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Flags, Ipv4, Tcp, Udp};

    const OUTSIDE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const PEER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);

    fn packet(source: Ipv4Addr, target: Ipv4Addr, segment: Segment) -> Packet {
        Packet {
            ip: Ip::V4(Ipv4::new(source, target)),
            segment,
            payload: Payload::EMPTY,
        }
    }

    fn syn(host: u8) -> Packet {
        let tcp = Tcp::new(50_000, 443, Flags::SYN);
        packet([10, 0, 0, host].into(), PEER, Segment::Tcp(tcp))
    }

    fn answered(sent: &Packet) -> Packet {
        let (own, theirs) = sent.ports().unwrap();
        let tcp = Tcp::new(theirs, own, Flags::SYN | Flags::ACK);
        packet(PEER, OUTSIDE, Segment::Tcp(tcp))
    }

    #[test]
    fn two_hosts_with_one_port_are_told_apart_outside_and_found_again() {
        let mut nat = Nat::new(OUTSIDE);
        let (one, two) = (nat.outward(&syn(7)).unwrap(), nat.outward(&syn(8)).unwrap());
        assert_eq!(one.ports(), Some((50_000, 443)));
        assert_eq!(two.ports(), Some((1024, 443)));
        assert_eq!(two.source(), IpAddr::from(OUTSIDE));
        let back = nat.inward(&answered(&two)).unwrap();
        assert_eq!(back.destination(), IpAddr::from([10, 0, 0, 8]));
        assert_eq!(back.ports(), Some((443, 50_000)));
        assert_eq!(nat.outward(&syn(8)).unwrap().ports(), two.ports());
    }

    #[test]
    fn what_nobody_asked_for_stays_with_the_translator() {
        let nat = Nat::new(OUTSIDE);
        let stray = packet(PEER, OUTSIDE, Segment::Udp(Udp::new(53, 4000)));
        assert_eq!(nat.inward(&stray), None);
    }

    #[test]
    fn an_error_is_about_what_the_host_inside_sent() {
        let mut nat = Nat::new(OUTSIDE);
        let question = packet([10, 0, 0, 7].into(), PEER, Segment::Udp(Udp::new(5000, 53)));
        let sent = nat.outward(&question).unwrap();
        let mut quote = Vec::new();
        sent.emit(&mut quote);
        let mut error = packet(
            PEER,
            OUTSIDE,
            Segment::Icmp(Icmp::new(icmp::UNREACHABLE, icmp::PORT)),
        );
        error.payload = Payload::new(quote);
        let inside = nat.inward(&error).unwrap();
        let mut expected = Vec::new();
        question.emit(&mut expected);
        let shown = inside.payload.to_vec();
        assert_eq!(inside.destination(), IpAddr::from([10, 0, 0, 7]));
        assert_eq!(shown.get(..24), expected.get(..24));
    }
}

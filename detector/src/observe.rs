//! From layers to what the detector looks at: one small value a packet.

use wire::decode::{Layers, Network, Quote, Transport};
use wire::packet::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP};
use wire::{Flags, MacAddress};

use crate::address::Address;
use crate::sctp::{self, SCTP};
use crate::segment::Segment;
use crate::words::{self, Word};

/// What the detector looks at in one packet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Observation<'a> {
    pub(crate) source: Address,
    pub(crate) target: Address,
    /// Time to live as it passed.
    pub(crate) ttl: u8,
    /// Its header was cut into pieces that no network makes.
    pub(crate) tiny_fragments: bool,
    /// It names the way it wants to go.
    pub(crate) source_routed: bool,
    pub(crate) kind: Kind,
    /// What it carries, as far as captured.
    pub(crate) payload: &'a [u8],
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Kind {
    Tcp(Segment),
    Udp(Datagram),
    /// A question or answer of ICMP.
    Message(Message),
    /// An ICMP error and the packet it quotes.
    Error(Complaint),
    /// Address resolution.
    Arp(Resolution),
    /// Another protocol of IP, by its number.
    Protocol(u8),
    /// Nothing that a rule looks at.
    #[default]
    Other,
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram {
    pub(crate) sport: u16,
    pub(crate) dport: u16,
    pub(crate) length: u32,
}

/// A question or answer of ICMP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) ask: Ask,
    /// An answer, rather than a question.
    pub(crate) answer: bool,
    pub(crate) code: u8,
    pub(crate) identifier: u16,
    pub(crate) sequence: u16,
    pub(crate) length: u32,
}

/// What ICMP asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ask {
    Echo,
    Timestamp,
    Mask,
    Information,
}

/// Address resolution: who asks, and for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolution {
    pub(crate) answer: bool,
}

/// What an ICMP error complains of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Complaint {
    pub(crate) what: Fault,
    /// Sender and receiver of the quoted packet.
    pub(crate) source: Address,
    pub(crate) target: Address,
    /// Its ports; identifier and 0 of an echo request.
    pub(crate) ports: Option<(u16, u16)>,
    pub(crate) quoted: Quoted,
    /// Whether it was a SYN, as far as was quoted.
    pub(crate) may_be_syn: bool,
    /// How many bytes it carried, if it was a datagram.
    pub(crate) datagram: u16,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The port is closed.
    Port,
    /// The host or network cannot be reached, or may not be.
    Host,
    /// It does not fit.
    TooBig,
    /// It died on the way.
    Exceeded,
    /// Its pieces did not all come.
    Reassembly,
    /// The sender shall slow down.
    Quench,
    /// Its header makes no sense.
    Parameter,
    /// Another way is better.
    Redirect,
}

/// What was complained of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quoted {
    Tcp,
    Udp,
    Echo,
    Other,
}

impl From<Quoted> for labels::Transport {
    fn from(quoted: Quoted) -> Self {
        match quoted {
            Quoted::Tcp => labels::Transport::Tcp,
            Quoted::Udp => labels::Transport::Udp,
            Quoted::Echo => labels::Transport::Icmp,
            Quoted::Other => labels::Transport::Other,
        }
    }
}

impl<'a> Observation<'a> {
    /// Reads a packet into one that has held nothing before, since moving it costs as much as reading it; whether there is
    /// anything in it to look at.
    #[inline(always)]
    pub(crate) fn read(&mut self, layers: &Layers<'a>) -> bool {
        match &layers.network {
            Network::V4(ip) => {
                (self.source, self.target) = (ip.source.into(), ip.destination.into());
                self.ttl = ip.ttl;
                self.source_routed =
                    ip.header.len() > wire::ipv4::HEADER_BYTES && is_source_routed(ip.options());
            }
            Network::V6(ip) => {
                (self.source, self.target) = (ip.source.into(), ip.destination.into());
                self.ttl = ip.hop_limit;
                self.source_routed = ip.routed;
            }
            // Whoever asks a neighbour that it knows whether it is still there asks it alone.
            Network::Arp(arp) if arp.operation == 1 && is_to_one(layers) => return false,
            Network::Arp(arp) => return self.resolution(arp),
            Network::None => return false,
        }
        self.payload = layers.payload;
        match &layers.transport {
            Transport::Tcp(tcp) => {
                let header_cut = layers.stop.is_some();
                self.kind = Kind::Tcp(Segment {
                    sport: tcp.source,
                    dport: tcp.destination,
                    sequence: tcp.sequence,
                    acknowledgment: tcp.acknowledgment,
                    flags: tcp.flags,
                    payload: u32::try_from(layers.payload_length).unwrap_or(u32::MAX),
                    window: tcp.window,
                    raw: tcp.flags.contains(Flags::SYN)
                        && !header_cut
                        && crate::tools::is_raw(tcp.options, tcp.window),
                    options: !tcp.options.is_empty() || header_cut,
                    sctp: false,
                });
            }
            Transport::Udp(udp) => {
                self.kind = Kind::Udp(Datagram {
                    sport: udp.source,
                    dport: udp.destination,
                    length: u32::try_from(layers.payload_length).unwrap_or(u32::MAX),
                });
            }
            Transport::Icmp(icmp) => {
                self.kind = icmp_v4(icmp.icmp_type, icmp.code, icmp.rest, layers);
            }
            Transport::Icmpv6(icmp) if matches!(icmp.icmp_type, SOLICITATION | ADVERTISEMENT) => {
                return self.neighbour(icmp.icmp_type);
            }
            Transport::Icmpv6(icmp) => {
                self.kind = icmp_v6(icmp.icmp_type, icmp.code, icmp.rest, layers);
            }
            Transport::Other(SCTP) => match sctp::segment(layers.payload) {
                Some(segment) => self.kind = Kind::Tcp(segment),
                None => return false,
            },
            Transport::Other(number) => self.kind = Kind::Protocol(*number),
            Transport::None | Transport::Fragment => {}
        }
        true
    }

    /// Address resolution of IPv4.
    fn resolution(&mut self, arp: &wire::decode::Arp) -> bool {
        let answer = match arp.operation {
            1 => false,
            2 => true,
            _ => return false,
        };
        if arp.sender.is_unspecified() && answer || arp.target.is_unspecified() && !answer {
            return false;
        }
        let [sender, target] = arp.hardware;
        // Who announces itself asks for nobody else: it has taken the address that it had asked for before it had one.
        let announces = arp.sender == arp.target;
        let (answer, target) = if announces {
            (true, owner(std::net::Ipv4Addr::UNSPECIFIED, sender))
        } else {
            (answer, owner(arp.target, target))
        };
        self.resolves(owner(arp.sender, sender), target, answer)
    }

    /// Address resolution of IPv6. Whoever asks a neighbour that it knows whether it is still there asks it alone, and who
    /// has no address yet asks whether one is free: neither looks for anybody.
    fn neighbour(&mut self, icmp_type: u8) -> bool {
        let Some(about) = self.payload.first_chunk::<16>() else {
            return false;
        };
        let about = Address::from(std::net::Ipv6Addr::from(*about));
        let answer = icmp_type == ADVERTISEMENT;
        if !answer && self.target.is_host() {
            return false;
        }
        let (source, target) = if answer {
            (about, self.target)
        } else {
            (self.source, about)
        };
        let strangers = source.is_host() && target.is_host() && source != target;
        strangers && self.resolves(source, target, answer)
    }

    fn resolves(&mut self, source: Address, target: Address, answer: bool) -> bool {
        *self = Observation {
            source,
            target,
            ttl: u8::MAX,
            kind: Kind::Arp(Resolution { answer }),
            ..Observation::default()
        };
        true
    }

    /// What the payload of a TCP segment says.
    pub(crate) fn spoken(&self, sport: u16, dport: u16) -> Word {
        words::of_stream(sport, dport, self.payload)
    }
}

/// Whether a frame goes to one station.
fn is_to_one(layers: &Layers<'_>) -> bool {
    let group = |MacAddress([first, ..]): MacAddress| first & 1 != 0;
    layers.link.destination.is_some_and(|to| !group(to))
}

/// Loose or strict source route, RFC 791 section 3.1.
fn is_source_routed(mut options: &[u8]) -> bool {
    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    while let [kind, rest @ ..] = options {
        match (*kind, rest) {
            (0, _) => return false,
            (1, _) => options = rest,
            (LOOSE | STRICT, [length, pointer, ..]) => return *length >= 3 && *pointer >= 4,
            (_, [length, ..]) => match options.get(usize::from(*length).max(2)..) {
                Some(after) => options = after,
                None => return false,
            },
            _ => return false,
        }
    }
    false
}

/// Who has an address, or asks whether one is free and has none yet: then it is called by the address that its interface
/// alone gives it, RFC 4291 appendix A.
fn owner(address: std::net::Ipv4Addr, hardware: [u8; 6]) -> Address {
    if !address.is_unspecified() {
        return address.into();
    }
    let [a, b, c, d, e, f] = hardware.map(u16::from);
    let [first, second] = [(a ^ 2) << 8 | b, c << 8 | 0xff];
    let [third, fourth] = [0xfe << 8 | d, e << 8 | f];
    std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, first, second, third, fourth).into()
}

/// Bytes of a datagram's header, which its length counts, RFC 768.
const UDP_HEADER: u16 = 8;
/// Types of neighbour solicitation and advertisement, RFC 4861 sections 4.3 and 4.4.
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

fn message(ask: Ask, answer: bool, code: u8, rest: [u8; 4], layers: &Layers<'_>) -> Kind {
    let [a, b, c, d] = rest;
    Kind::Message(Message {
        ask,
        answer,
        code,
        identifier: u16::from_be_bytes([a, b]),
        sequence: u16::from_be_bytes([c, d]),
        length: u32::try_from(layers.payload_length).unwrap_or(u32::MAX),
    })
}

#[inline]
fn icmp_v4(icmp_type: u8, code: u8, rest: [u8; 4], layers: &Layers<'_>) -> Kind {
    let fault = match (icmp_type, code) {
        (8, _) => return message(Ask::Echo, false, code, rest, layers),
        (0, _) => return message(Ask::Echo, true, code, rest, layers),
        (13, _) => return message(Ask::Timestamp, false, code, rest, layers),
        (14, _) => return message(Ask::Timestamp, true, code, rest, layers),
        (17, _) => return message(Ask::Mask, false, code, rest, layers),
        (18, _) => return message(Ask::Mask, true, code, rest, layers),
        (15, _) => return message(Ask::Information, false, code, rest, layers),
        (16, _) => return message(Ask::Information, true, code, rest, layers),
        (3, 2 | 3) => Fault::Port,
        (3, 4) => Fault::TooBig,
        (3, _) => Fault::Host,
        (4, _) => Fault::Quench,
        (5, _) => Fault::Redirect,
        (11, 1) => Fault::Reassembly,
        (11, _) => Fault::Exceeded,
        (12, _) => Fault::Parameter,
        _ => return Kind::Other,
    };
    complaint(fault, layers.quoted())
}

fn icmp_v6(icmp_type: u8, code: u8, rest: [u8; 4], layers: &Layers<'_>) -> Kind {
    let fault = match (icmp_type, code) {
        (128, _) => return message(Ask::Echo, false, code, rest, layers),
        (129, _) => return message(Ask::Echo, true, code, rest, layers),
        (1, 4) => Fault::Port,
        (1, _) => Fault::Host,
        (2, _) => Fault::TooBig,
        (3, 1) => Fault::Reassembly,
        (3, _) => Fault::Exceeded,
        (4, _) => Fault::Parameter,
        _ => return Kind::Other,
    };
    complaint(fault, layers.quoted())
}

fn complaint(what: Fault, quote: Option<Quote<'_>>) -> Kind {
    let Some(quote) = quote else {
        return Kind::Other;
    };
    let quoted = match (quote.protocol, quote.icmp) {
        (PROTOCOL_TCP, _) => Quoted::Tcp,
        (PROTOCOL_UDP, _) => Quoted::Udp,
        (PROTOCOL_ICMP, Some((8, _))) | (PROTOCOL_ICMPV6, Some((128, _))) => Quoted::Echo,
        _ => Quoted::Other,
    };
    let ports = match (quoted, quote.bytes) {
        (Quoted::Echo, &[_, _, _, _, a, b, ..]) => Some((u16::from_be_bytes([a, b]), 0)),
        _ => quote.ports,
    };
    let datagram = match (quoted, quote.bytes) {
        (Quoted::Udp, &[_, _, _, _, a, b, ..]) => {
            u16::from_be_bytes([a, b]).saturating_sub(UDP_HEADER)
        }
        _ => 0,
    };
    Kind::Error(Complaint {
        what,
        source: quote.source.into(),
        target: quote.destination.into(),
        ports,
        quoted,
        may_be_syn: quote.flags.is_none_or(|flags| flags.is_exactly(Flags::SYN)),
        datagram,
    })
}

#[cfg(test)]
mod tests {
    use wire::LinkType;

    use super::*;

    /// The source and target of a request for 192.0.2.9 to that station, by who has that address.
    fn requested(station: [u8; 6], asker: [u8; 4]) -> Option<(String, String)> {
        let hardware = [2, 0, 0, 0, 0, 0x55];
        let request = [0, 1, 8, 0, 6, 4, 0, 1];
        let frame = [
            &station[..],
            &hardware,
            &[8, 6],
            &request,
            &hardware,
            &asker,
            &[0; 6],
            &[192, 0, 2, 9],
        ]
        .concat();
        let mut layers = Layers::default();
        layers.read(LinkType::ETHERNET, &frame, frame.len());
        let mut seen = Observation::default();
        let text = |address: Address| address.to_ip().to_string();
        seen.read(&layers)
            .then(|| (text(seen.source), text(seen.target)))
    }

    #[test]
    fn who_has_no_address_yet_is_called_by_its_interface() {
        let (source, target) = requested([0xff; 6], [0; 4]).unwrap();
        assert_eq!(source, "fe80::ff:fe00:55");
        assert_eq!(target, "192.0.2.9");
    }

    #[test]
    fn a_neighbour_that_is_asked_alone_is_known() {
        assert!(requested([0xff; 6], [192, 0, 2, 1]).is_some());
        assert_eq!(requested([2, 0, 0, 0, 0, 9], [192, 0, 2, 1]), None);
    }
}

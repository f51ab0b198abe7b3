//! From layers to what the detector looks at: one small value a frame.

use wire::decode::{Layers, Network, Quote, Transport};
use wire::{Flags, TcpOption};

use crate::state::Address;

/// What the detector looks at in one IP packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    pub(crate) source: Address,
    pub(crate) target: Address,
    /// Time to live as it passed.
    pub(crate) ttl: u8,
    pub(crate) kind: Kind,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Tcp(Segment),
    Udp(Datagram),
    /// An echo request.
    Echo,
    /// An ICMP error and the packet it quotes.
    Error(Complaint),
    /// Nothing that a rule looks at.
    Other,
}

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) sport: u16,
    pub(crate) dport: u16,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) flags: Flags,
    pub(crate) payload: u32,
    /// Whether the SYN looks hand-made rather than made by an operating system.
    pub(crate) raw: bool,
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram {
    pub(crate) sport: u16,
    pub(crate) dport: u16,
}

/// What an ICMP error complains of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Complaint {
    /// Time exceeded, rather than unreachable.
    pub(crate) time_exceeded: bool,
    /// Sender and receiver of the quoted packet.
    pub(crate) source: Address,
    pub(crate) target: Address,
    /// Its ports.
    pub(crate) ports: Option<(u16, u16)>,
    /// Whether it was UDP rather than TCP.
    pub(crate) udp: bool,
    /// Whether it was a SYN, as far as was quoted.
    pub(crate) may_be_syn: bool,
}

impl Observation {
    #[inline]
    pub(crate) fn of(layers: &Layers<'_>) -> Option<Observation> {
        let (source, target, ttl) = match &layers.network {
            Network::V4(ip) => (ip.source.into(), ip.destination.into(), ip.ttl),
            Network::V6(ip) => (ip.source.into(), ip.destination.into(), ip.hop_limit),
            Network::Arp(_) | Network::None => return None,
        };
        let kind = match &layers.transport {
            Transport::Tcp(tcp) => Kind::Tcp(Segment {
                sport: tcp.source,
                dport: tcp.destination,
                sequence: tcp.sequence,
                acknowledgment: tcp.acknowledgment,
                flags: tcp.flags,
                payload: u32::try_from(layers.payload_length).unwrap_or(u32::MAX),
                raw: tcp.flags.contains(Flags::SYN) && is_raw(tcp.options, tcp.window),
            }),
            Transport::Udp(udp) => Kind::Udp(Datagram {
                sport: udp.source,
                dport: udp.destination,
            }),
            Transport::Icmp(icmp) => match icmp.icmp_type {
                8 => Kind::Echo,
                3 | 11 => complaint(icmp.icmp_type == 11, layers.quoted()),
                _ => Kind::Other,
            },
            Transport::Icmpv6(icmp) => match icmp.icmp_type {
                128 => Kind::Echo,
                1 | 3 => complaint(icmp.icmp_type == 3, layers.quoted()),
                _ => Kind::Other,
            },
            Transport::None | Transport::Fragment | Transport::Other(_) => Kind::Other,
        };
        Some(Observation {
            source,
            target,
            ttl,
            kind,
        })
    }
}

/// Whether a SYN has no options, or the segment size alone with a window that no stack has offered since the
/// nineties while scanners do (nmap 1024 to 4096, hping 512). Old stacks send the segment size alone too, with
/// windows of 8 KiB and more.
fn is_raw(options: &[u8], window: u16) -> bool {
    const LARGEST_RAW_WINDOW: u16 = 4096;
    match options {
        [] => true,
        [2, 4, _, _] => window <= LARGEST_RAW_WINDOW,
        _ => {
            let mut options = wire::tcp::OptionIter::new(options);
            window <= LARGEST_RAW_WINDOW
                && options.all(|option| {
                    matches!(
                        option,
                        TcpOption::Mss(_) | TcpOption::EndOfList | TcpOption::NoOperation
                    )
                })
        }
    }
}

fn complaint(time_exceeded: bool, quote: Option<Quote<'_>>) -> Kind {
    match quote {
        Some(quote) => Kind::Error(Complaint {
            time_exceeded,
            source: quote.source.into(),
            target: quote.destination.into(),
            ports: quote.ports,
            udp: quote.protocol == wire::packet::PROTOCOL_UDP,
            may_be_syn: quote.flags.is_none_or(|flags| flags.is_exactly(Flags::SYN)),
        }),
        None => Kind::Other,
    }
}

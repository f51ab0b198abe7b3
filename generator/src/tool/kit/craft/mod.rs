//! A probe made by hand: every field that a tool decides, and what its stack decides where the tool does not care.

mod read;

use std::net::IpAddr;

use wire::ipv4::IpOptions;
use wire::{Flags, Icmp, Ip, Ipv4, Ipv6, Options, Packet, Payload, Segment, Tcp, Udp, icmp, ipv4};

use super::formula::Series;
use super::sources::SourcePlan;
use super::tcp_options::OptionsPlan;
use super::values::{Name, Names, Values};
use crate::content::payload::PayloadPlan;

/// A probe, as it was stated.
#[derive(Clone, Debug)]
pub struct Craft {
    /// Its name within the stage; empty where there is only one.
    pub name: String,
    kind: Kind,
    /// Fields and the formulas that give them, in an order in which each finds what it needs.
    pub fields: Vec<(Name, usize)>,
    /// The names of those fields.
    stated: Names,
    /// Which port it goes to.
    pub port: PortOf,
    df: Option<bool>,
    reserved_bit: bool,
    bad_checksum: bool,
    ip_options: Option<IpOptions>,
    fragment: Option<usize>,
    /// What it carries.
    pub payload: PayloadPlan,
    /// Under whose name.
    pub sources: SourcePlan,
    /// Fields that stay when it is sent again.
    pub keep: Vec<Name>,
    /// Draw path of its payload and sources, below the activity's own.
    pub path: String,
    /// The packet that an error it forges is about.
    pub quote: Option<Box<Craft>>,
    quoted_source: Option<IpAddr>,
    quoted_target: Option<IpAddr>,
    quoted_bytes: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Tcp {
        flags: Flags,
        options: OptionsPlan,
    },
    Udp,
    Icmp {
        kind: u8,
        code: u8,
        rest: Option<u32>,
    },
    Other(u8),
}

/// Where the port of a probe comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortOf {
    /// The stage's list.
    Visited,
    /// A formula of its own.
    Formula,
    /// The first that an earlier stage found open, or closed.
    FoundOpen,
    /// The other.
    FoundClosed,
}

/// ICMPv6, RFC 4443.
const ECHO_REQUEST_6: u8 = 128;
const ECHO_REPLY_6: u8 = 129;

impl Craft {
    /// Whether it can be answered in a way that a tool understands, and so whether a port is needed.
    pub fn has_ports(&self) -> bool {
        matches!(self.kind, Kind::Tcp { .. } | Kind::Udp)
    }

    /// Its protocol number for IPv4.
    pub fn protocol(&self) -> u8 {
        match self.kind {
            Kind::Tcp { .. } => 6,
            Kind::Udp => 17,
            Kind::Icmp { .. } => 1,
            Kind::Other(number) => number,
        }
    }

    /// Whether the stack's header is needed for what the tool leaves open.
    pub fn needs_stack(&self) -> bool {
        !(self.states(Name::TTL) && self.states(Name::ID))
    }

    /// Whether the file says what a field holds. What it does not say of others, another stage's probe may have said.
    #[inline]
    fn states(&self, name: Name) -> bool {
        self.stated.contains(name)
    }

    /// Builds the packet of these values between two addresses, with the stack's header where it is needed; `None` where they
    /// are of two versions of IP.
    #[inline(always)]
    pub fn build(
        &self,
        values: &Values,
        ends: (IpAddr, IpAddr),
        stack: Option<&Ip>,
        options: Options,
        payload: Payload,
    ) -> Option<Packet> {
        let ip = self.header(values, ends, stack)?;
        let checksum = |wrong: u16| {
            if self.bad_checksum {
                wire::Field::Forced(wrong)
            } else {
                wire::Field::Computed
            }
        };
        let segment = match &self.kind {
            Kind::Tcp { flags, .. } => Segment::Tcp(Tcp {
                sequence: values.word32(Name::SEQUENCE),
                acknowledgment: if self.states(Name::ACKNOWLEDGMENT) {
                    values.word32(Name::ACKNOWLEDGMENT)
                } else {
                    0
                },
                window: values.word(Name::WINDOW),
                urgent: if self.states(Name::URGENT) {
                    values.word(Name::URGENT)
                } else {
                    0
                },
                options,
                checksum: checksum(0),
                ..Tcp::new(
                    values.word(Name::SOURCE_PORT),
                    values.word(Name::PORT),
                    *flags,
                )
            }),
            Kind::Udp => Segment::Udp(Udp {
                checksum: checksum(0x0bad),
                ..Udp::new(values.word(Name::SOURCE_PORT), values.word(Name::PORT))
            }),
            Kind::Icmp { kind, code, rest } => Segment::Icmp(Icmp {
                code: *code,
                checksum: checksum(0),
                ..icmp_of(values, (*kind, *rest), &ip)
            }),
            Kind::Other(number) => Segment::Raw(*number),
        };
        Some(Packet {
            ip,
            segment,
            payload,
        })
    }

    /// The TCP options of the next packet: formulas may give parts of them.
    #[inline]
    pub fn options(&self, series: &mut [Series], values: &Values) -> Options {
        match &self.kind {
            Kind::Tcp { options, .. } if options.is_drawn() => options.next(series, values),
            _ => self.fixed_options(),
        }
    }

    /// The TCP options, where they are always the same.
    #[inline]
    pub fn fixed_options(&self) -> Options {
        match &self.kind {
            Kind::Tcp { options, .. } => options.fixed(),
            _ => Options::NONE,
        }
    }

    #[inline(always)]
    fn header(
        &self,
        values: &Values,
        (source, target): (IpAddr, IpAddr),
        stack: Option<&Ip>,
    ) -> Option<Ip> {
        match (source, target) {
            (IpAddr::V4(source), IpAddr::V4(target)) => {
                let base = match stack {
                    Some(Ip::V4(base)) => Ipv4 {
                        source,
                        destination: target,
                        ..base.clone()
                    },
                    _ => Ipv4::new(source, target),
                };
                let df = match self.df {
                    Some(df) => df,
                    None => base.dont_fragment(),
                };
                let df = if df { ipv4::DONT_FRAGMENT } else { 0 };
                let reserved = if self.reserved_bit { ipv4::RESERVED } else { 0 };
                Some(Ip::V4(Ipv4 {
                    ttl: if self.states(Name::TTL) {
                        values.byte(Name::TTL)
                    } else {
                        base.ttl
                    },
                    tos: if self.states(Name::TOS) {
                        values.byte(Name::TOS)
                    } else {
                        base.tos
                    },
                    identification: if self.states(Name::ID) {
                        values.word(Name::ID)
                    } else {
                        base.identification
                    },
                    flags: df | reserved,
                    options: self.ip_options.clone(),
                    ..base
                }))
            }
            (IpAddr::V6(source), IpAddr::V6(target)) => {
                let base = match stack {
                    Some(Ip::V6(base)) => Ipv6 {
                        source,
                        destination: target,
                        ..base.clone()
                    },
                    _ => Ipv6::new(source, target),
                };
                Some(Ip::V6(Ipv6 {
                    hop_limit: if self.states(Name::TTL) {
                        values.byte(Name::TTL)
                    } else {
                        base.hop_limit
                    },
                    traffic_class: if self.states(Name::TOS) {
                        values.byte(Name::TOS)
                    } else {
                        base.traffic_class
                    },
                    ..base
                }))
            }
            _ => None,
        }
    }

    /// The quoted packet's bytes, for an error that is forged about a packet of `target`.
    pub fn quoted(&self, values: &Values, target: IpAddr) -> Payload {
        let Some(quote) = &self.quote else {
            return Payload::EMPTY;
        };
        let source = self.quoted_source.unwrap_or(target);
        let about = self.quoted_target.unwrap_or(source);
        let (options, payload) = (quote.fixed_options(), quote.payload.next_fixed());
        let Some(packet) = quote.build(values, (source, about), None, options, payload) else {
            return Payload::EMPTY;
        };
        let mut bytes = Vec::with_capacity(packet.total_bytes());
        packet.emit(&mut bytes);
        bytes.truncate(self.quoted_bytes);
        Payload::new(bytes)
    }

    /// What it has that only IPv4 has, if anything.
    pub fn ipv4_alone(&self) -> Option<&'static str> {
        if self.ip_options.is_some() {
            Some("options of the IP header")
        } else if self.fragment.is_some() {
            Some("the fragments that it cuts")
        } else if self.reserved_bit {
            Some("a reserved bit beside DF")
        } else {
            None
        }
    }

    /// Whether it is cut into fragments.
    pub fn is_cut(&self) -> bool {
        self.fragment.is_some()
    }

    /// Whether each probe is one packet: neither in pieces nor among those of decoys.
    #[inline]
    pub fn goes_alone(&self) -> bool {
        !self.is_cut() && self.sources.decoys.is_empty()
    }

    /// The fragments of a packet, where the probe is cut up.
    pub fn cut(&self, packet: Packet) -> Vec<Packet> {
        let (Some(size), Ip::V4(ip)) = (self.fragment, &packet.ip) else {
            return vec![packet];
        };
        let mut bytes = Vec::with_capacity(packet.total_bytes());
        packet.emit(&mut bytes);
        let whole = Payload::new(bytes.split_off(ip.header_bytes().min(bytes.len())));
        let protocol = packet.segment.protocol(false);
        let mut pieces = Vec::new();
        for start in (0..whole.len()).step_by(size.max(8)) {
            let piece = whole.slice(start, size);
            let more = start + piece.len() < whole.len();
            pieces.push(Packet {
                ip: Ip::V4(Ipv4 {
                    flags: ip.flags & !ipv4::DONT_FRAGMENT
                        | if more { ipv4::MORE_FRAGMENTS } else { 0 },
                    fragment_offset: u16::try_from(start / 8).unwrap_or(u16::MAX),
                    ..ip.clone()
                }),
                segment: Segment::Raw(protocol),
                payload: piece,
            });
        }
        pieces
    }
}

/// A message of a kind, which IPv6 numbers otherwise, with what stands behind its checksum.
fn icmp_of(values: &Values, (kind, rest): (u8, Option<u32>), ip: &Ip) -> Icmp {
    let kind = match (kind, ip) {
        (icmp::ECHO_REQUEST, Ip::V6(_)) => ECHO_REQUEST_6,
        (icmp::ECHO_REPLY, Ip::V6(_)) => ECHO_REPLY_6,
        _ => kind,
    };
    let mut message = Icmp::echo(
        kind,
        values.word(Name::ICMP_ID),
        values.word(Name::ICMP_SEQUENCE),
    );
    // An error that quotes has neither id nor number.
    if Icmp::is_error(kind) || rest.is_some() {
        message.rest = rest.unwrap_or(0).to_be_bytes();
    }
    message
}

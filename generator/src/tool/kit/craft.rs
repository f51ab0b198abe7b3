//! A probe made by hand: every field that a tool decides, and what its stack decides where the tool does not care.

use std::net::IpAddr;
use std::sync::Arc;

use wire::{Flags, Icmp, Ip, Ipv4, Ipv6, Options, Packet, Payload, Segment, Tcp, Udp, icmp, ipv4};

use super::ip_options;
use super::nest::{Formulas, Nest};
use super::sources::SourcePlan;
use super::tcp_options::OptionsPlan;
use super::values::{Name, Values};
use crate::content::payload::PayloadPlan;
use crate::reading::fields::{list, number, text, text_ref};
use crate::reading::{Fields, Node, Value};

/// A probe, as it was stated.
#[derive(Clone, Debug)]
pub struct Craft {
    /// Its name within the stage; empty where there is only one.
    pub name: String,
    kind: Kind,
    /// Fields and the formulas that give them, in an order in which each finds what it needs.
    pub fields: Vec<(Name, usize)>,
    /// Which port it goes to.
    pub port: PortOf,
    df: Option<bool>,
    reserved_bit: bool,
    bad_checksum: bool,
    ip_options: Option<Arc<[u8]>>,
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

/// ICMP messages by name; for IPv6 an echo is the one of ICMPv6.
const ICMP_TYPES: [(&str, u8); 12] = [
    ("echo-request", icmp::ECHO_REQUEST),
    ("echo-reply", icmp::ECHO_REPLY),
    ("unreachable", icmp::UNREACHABLE),
    ("source-quench", icmp::SOURCE_QUENCH),
    ("redirect", icmp::REDIRECT),
    ("time-exceeded", icmp::TIME_EXCEEDED),
    ("parameter-problem", icmp::PARAMETER_PROBLEM),
    // RFC 792 and RFC 950.
    ("timestamp-request", 13),
    ("timestamp-reply", 14),
    ("information-request", 15),
    ("mask-request", 17),
    ("mask-reply", 18),
];
/// ICMPv6, RFC 4443.
const ECHO_REQUEST_6: u8 = 128;
const ECHO_REPLY_6: u8 = 129;

impl Craft {
    /// Reads a probe.
    pub fn read(
        name: &str,
        fields: &mut Fields<'_, '_>,
        nest: &Nest,
        formulas: &mut Formulas,
    ) -> Craft {
        let protocols = [("tcp", 6u8), ("udp", 17), ("icmp", 1)];
        let wanted = "\"tcp\", \"udp\", \"icmp\" or a protocol number";
        let protocol = fields.parsed("protocol", wanted, |value| match number(value) {
            Some(number) => u8::try_from(number).ok(),
            None => protocols
                .iter()
                .find(|(name, _)| Some(*name) == text_ref(value))
                .map(|(_, number)| *number),
        });
        let kind = match protocol.unwrap_or(6) {
            6 => Kind::Tcp {
                flags: flags(fields),
                options: OptionsPlan::read(fields, nest, formulas),
            },
            17 => Kind::Udp,
            1 => icmp(fields),
            other => Kind::Other(other),
        };
        let quote = fields
            .node("quote")
            .map(|node| quote(node, nest, fields, formulas));
        let (quoted_source, quoted_target) = quote
            .as_ref()
            .map_or((None, None), |quote| (quote.1, quote.2));
        let port = match fields.node("port") {
            None => (PortOf::Visited, None),
            Some(node) if text_ref(&node.value) == Some("open") => (PortOf::FoundOpen, None),
            Some(node) if text_ref(&node.value) == Some("closed") => (PortOf::FoundClosed, None),
            Some(_) => (PortOf::Formula, Some(())),
        };
        let mut numbers = field_formulas(fields, nest, formulas, &kind, port.1.is_some());
        order(&mut numbers, formulas, fields);
        let kept = fields.parsed("keep", "names of fields, or \"all\"", |value| {
            if text_ref(value) == Some("all") {
                return Some(Name::FIELDS.to_vec());
            }
            list(value, |item| Name::parse(text_ref(item)?, &[]))
        });
        let fragment = fields
            .number("fragment", 8..=1480)
            .and_then(|n| usize::try_from(n).ok());
        Craft {
            name: name.to_owned(),
            kind,
            fields: numbers,
            port: port.0,
            df: read_df(fields),
            reserved_bit: fields.flag("reserved_bit"),
            bad_checksum: fields.flag("bad_checksum"),
            ip_options: ip_options::read(fields),
            // Fragments but the last hold whole units of 8 bytes, RFC 791.
            fragment: fragment.map(|bytes| bytes / 8 * 8),
            payload: PayloadPlan::read(fields),
            sources: SourcePlan::read(fields),
            keep: kept.unwrap_or_default(),
            path: nest.innermost(),
            quoted_bytes: quote.as_ref().map_or(28, |quote| quote.3),
            quote: quote.map(|quote| Box::new(quote.0)),
            quoted_source,
            quoted_target,
        }
    }

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
        let states = |name: Name| self.fields.iter().any(|(field, _)| *field == name);
        !(states(Name::TTL) && states(Name::ID))
    }

    /// Builds the packet of these values between two addresses, with the stack's header where it is needed.
    #[inline]
    pub fn build(
        &self,
        values: &Values,
        ends: (IpAddr, IpAddr),
        stack: Option<&Ip>,
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
            Kind::Tcp { flags, options } => Segment::Tcp(Tcp {
                sequence: values.word32(Name::SEQUENCE),
                acknowledgment: values.word32(Name::ACKNOWLEDGMENT),
                window: values.word(Name::WINDOW),
                urgent: values.word(Name::URGENT),
                options: options.fixed(),
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
            Kind::Icmp { kind, code, rest } => {
                let kind = match (kind, &ip) {
                    (&icmp::ECHO_REQUEST, Ip::V6(_)) => ECHO_REQUEST_6,
                    (&icmp::ECHO_REPLY, Ip::V6(_)) => ECHO_REPLY_6,
                    _ => *kind,
                };
                let mut message = Icmp {
                    code: *code,
                    checksum: checksum(0),
                    ..Icmp::echo(
                        kind,
                        values.word(Name::ICMP_ID),
                        values.word(Name::ICMP_SEQUENCE),
                    )
                };
                if Icmp::is_error(kind) {
                    message.rest = rest.unwrap_or(0).to_be_bytes();
                } else if let Some(rest) = rest {
                    message.rest = rest.to_be_bytes();
                }
                Segment::Icmp(message)
            }
            Kind::Other(number) => Segment::Raw(*number),
        };
        Some(Packet {
            ip,
            segment,
            payload,
        })
    }

    /// The options, where a formula gives a part of them.
    pub fn options(&self) -> Option<&OptionsPlan> {
        match &self.kind {
            Kind::Tcp { options, .. } if options.is_drawn() => Some(options),
            _ => None,
        }
    }

    fn header(
        &self,
        values: &Values,
        (source, target): (IpAddr, IpAddr),
        stack: Option<&Ip>,
    ) -> Option<Ip> {
        let states = |name: Name| self.fields.iter().any(|(field, _)| *field == name);
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
                    ttl: if states(Name::TTL) {
                        values.byte(Name::TTL)
                    } else {
                        base.ttl
                    },
                    tos: if states(Name::TOS) {
                        values.byte(Name::TOS)
                    } else {
                        base.tos
                    },
                    identification: if states(Name::ID) {
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
                    hop_limit: if states(Name::TTL) {
                        values.byte(Name::TTL)
                    } else {
                        base.hop_limit
                    },
                    traffic_class: if states(Name::TOS) {
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
            return Payload::Empty;
        };
        let source = self.quoted_source.unwrap_or(target);
        let about = self.quoted_target.unwrap_or(source);
        let Some(packet) = quote.build(values, (source, about), None, quote.payload.next_fixed())
        else {
            return Payload::Empty;
        };
        let mut bytes = Vec::with_capacity(packet.total_bytes());
        packet.emit(&mut bytes);
        bytes.truncate(self.quoted_bytes);
        Payload::new(bytes)
    }

    /// Whether it is cut into fragments.
    #[inline]
    pub fn is_cut(&self) -> bool {
        self.fragment.is_some()
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

fn flags(fields: &mut Fields<'_, '_>) -> Flags {
    let wanted = "TCP flags such as \"S\", \"FPU\", \"SE\" or \"none\": letters of FSRP.UEWe";
    fields
        .parsed("flags", wanted, |value| text_ref(value)?.parse().ok())
        .unwrap_or(Flags::SYN)
}

fn icmp(fields: &mut Fields<'_, '_>) -> Kind {
    let names: Vec<&str> = ICMP_TYPES.iter().map(|(name, _)| *name).collect();
    let wanted = format!("a number up to 255, or one of: {}", names.join(", "));
    let kind = fields.parsed("icmp_type", &wanted, |value| match number(value) {
        Some(number) => u8::try_from(number).ok(),
        None => {
            let text = text(value)?;
            ICMP_TYPES
                .iter()
                .find(|(name, _)| **name == text)
                .map(|(_, number)| *number)
        }
    });
    Kind::Icmp {
        kind: kind.unwrap_or(icmp::ECHO_REQUEST),
        code: fields.byte("icmp_code").unwrap_or(0),
        rest: fields
            .number("icmp_rest", 0..=u64::from(u32::MAX))
            .and_then(|rest| u32::try_from(rest).ok()),
    }
}

fn read_df(fields: &mut Fields<'_, '_>) -> Option<bool> {
    fields.parsed("df", "true or false", |value| match value {
        Value::Boolean(df) => Some(*df),
        _ => None,
    })
}

/// The formulas that the file states, and those that a protocol needs where it does not.
fn field_formulas(
    fields: &mut Fields<'_, '_>,
    nest: &Nest,
    formulas: &mut Formulas,
    kind: &Kind,
    own_port: bool,
) -> Vec<(Name, usize)> {
    let mut numbers = Vec::new();
    for name in Name::FIELDS {
        if name == Name::PORT {
            if own_port && let Some(index) = formulas.read_again(&nest.table, nest, "port", fields)
            {
                numbers.push((name, index));
            }
            continue;
        }
        if let Some(index) = formulas.read(fields, nest, name.key()) {
            numbers.push((name, index));
        }
    }
    let usual: &[(Name, &str)] = match kind {
        // Where a tool does not say, one port for the run and another number for each packet.
        Kind::Tcp { .. } => &[
            (Name::SOURCE_PORT, "constant 32768..65000"),
            (Name::SEQUENCE, "random"),
            (Name::WINDOW, "1024"),
        ],
        Kind::Udp => &[(Name::SOURCE_PORT, "constant 32768..65000")],
        Kind::Icmp { .. } => &[(Name::ICMP_ID, "constant"), (Name::ICMP_SEQUENCE, "n")],
        Kind::Other(_) => &[],
    };
    for (name, text) in usual {
        if !numbers.iter().any(|(known, _)| known == name) {
            // Shared by all probes of the activity.
            numbers.push((*name, formulas.usual(name.key().to_owned(), text)));
        }
    }
    numbers
}

/// Orders fields so that each comes after those it names; a circle is a mistake.
fn order(numbers: &mut Vec<(Name, usize)>, formulas: &Formulas, fields: &mut Fields<'_, '_>) {
    let mut left = std::mem::take(numbers);
    while !left.is_empty() {
        let waits = |(_, index): &(Name, usize)| {
            let needed = formulas.all.get(*index).map(|(_, formula)| formula.names());
            needed
                .unwrap_or_default()
                .iter()
                .any(|name| left.iter().any(|(other, _)| other == name))
        };
        let Some(at) = left.iter().position(|field| !waits(field)) else {
            let names: Vec<&str> = left.iter().map(|(name, _)| name.key()).collect();
            let origin = fields.origin().clone();
            fields.mistake(
                &origin,
                format!(
                    "fields that follow from each other in a circle: {}",
                    names.join(", ")
                ),
            );
            return;
        };
        numbers.push(left.remove(at));
    }
}

/// A `quote` table: the packet that the error is about, whose sender and receiver it names.
fn quote(
    node: &Node,
    nest: &Nest,
    fields: &mut Fields<'_, '_>,
    formulas: &mut Formulas,
) -> (Craft, Option<IpAddr>, Option<IpAddr>, usize) {
    let inner = Nest::new(node.clone()).under(&nest.path("quote"));
    let mut quoted = Fields::new("quote", &inner.table, fields.mistakes());
    let address = |value: &Value| text_ref(value)?.parse().ok();
    let source = quoted.parsed("source_address", "an address", address);
    let target = quoted.parsed("target_address", "an address", address);
    let bytes = quoted
        .number("bytes", 0..=1280)
        .and_then(|bytes| usize::try_from(bytes).ok());
    let craft = Craft::read("quote", &mut quoted, &inner, formulas);
    quoted.finish();
    (craft, source, target, bytes.unwrap_or(28))
}

/// Options of a packet in which formulas give parts.
pub fn with_options(packet: &mut Packet, options: Options) {
    if let Segment::Tcp(tcp) = &mut packet.segment {
        tcp.options = options;
    }
}

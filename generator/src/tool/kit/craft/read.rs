//! How a probe is read.

use std::net::IpAddr;

use wire::{Flags, icmp};

use super::super::ip_options;
use super::super::nest::{Formulas, Nest};
use super::super::sources::SourcePlan;
use super::super::tcp_options::OptionsPlan;
use super::super::values::Name;
use super::{Craft, Kind, PortOf};
use crate::content::payload::PayloadPlan;
use crate::reading::fields::{list, number, text, text_ref};
use crate::reading::{Fields, Node, Value};

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
            stated: numbers.iter().map(|(name, _)| *name).collect(),
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
}

fn flags(fields: &mut Fields<'_, '_>) -> Flags {
    let wanted = "TCP flags such as \"S\", \"FPU\", \"SE\" or \"none\" (letters of FSRP.UEWe), or a number of 12 bits";
    let flags = fields.parsed("flags", wanted, |value| match number(value) {
        Some(bits) => u16::try_from(bits)
            .ok()
            .filter(|bits| *bits < 1 << 12)
            .map(Flags),
        None => text_ref(value)?.parse().ok(),
    });
    flags.unwrap_or(Flags::SYN)
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

//! Reading a stack's file.

use std::ops::RangeInclusive;

use crate::host::stack::{
    IpId, Isn, OddReply, OptionLayout, Overlap, Rounding, Stack, TcpTraits, WindowUpdate,
};
use crate::reading::document::Node;
use crate::reading::fields::{Fields, Mistakes, text_ref};
use crate::reading::units;

const SECOND: u64 = 1_000_000_000;

/// Reads a stack; every key has a default that suits a present-day system, so that a file states what is particular.
pub fn stack(document: &Node, mistakes: &mut Mistakes) -> Option<Stack> {
    let mut fields = Fields::new("the stack", document, mistakes);
    let name = fields.required_text("name");
    let title = fields.required_text("title");
    let source = fields.required_text("source");
    let ttl = fields.byte("ttl").unwrap_or(64);
    let df = fields.flag("df");
    let df_reset = fields.flag("df_reset");
    let df_datagram = fields.flag("df_datagram");
    let ids = [
        ("zero", IpId::Zero),
        ("counter", IpId::Counter),
        ("swapped-counter", IpId::SwappedCounter),
        ("per-destination", IpId::PerDestination),
        ("random", IpId::Random),
    ];
    let ip_id = fields.choice("ip_id", &ids).unwrap_or(IpId::Counter);
    let zero_id_stateless = fields.flag("zero_id_stateless");
    let zero_id_with_df = fields.flag("zero_id_with_df");
    let flow_labels = fields.flag("flow_labels");
    let answers_ping = !fields.flag("ignores_ping");
    // RFC 792: the header and 64 bits; RFC 1812 section 4.3.2.3 lets a router quote more.
    let icmp_quote = fields.number("icmp_quote", 8..=548).unwrap_or(8);
    let answers_broadcast_ping = fields.flag("answers_broadcast_ping");
    let source_routes = fields.flag("source_routes");
    let reverses_routes = fields.flag("reverses_source_routes");
    let parameter_problem = fields.yes_or_no("parameter_problem").unwrap_or(true);
    let overlaps = [("first", Overlap::First), ("last", Overlap::Last)];
    let overlap = fields
        .choice("overlap", &overlaps)
        .unwrap_or(Overlap::First);
    // RFC 1122 section 3.3.2 asks for 60 to 120 s; most stacks take 30 s.
    let reassembly_timeout = fields.duration("reassembly_timeout").unwrap_or(30 * SECOND);
    let turnaround = fields.parsed(
        "turnaround",
        "a range of times such as \"7us..75us\": the least, and about the most",
        |value| turnaround(text_ref(value)?),
    );
    let tcp = fields.node("tcp");
    let tcp = tcp.map(|node| self::tcp(node, fields.mistakes()));
    if tcp.is_none() {
        let origin = fields.origin().clone();
        fields.mistake(&origin, "the stack lacks [tcp]");
    }
    fields.finish();
    Some(Stack {
        name: name?,
        title: title?,
        source: source?,
        ttl,
        df,
        df_reset,
        df_datagram,
        ip_id,
        zero_id_stateless,
        zero_id_with_df,
        flow_labels,
        answers_ping,
        answers_broadcast_ping,
        source_routes,
        reverses_routes,
        parameter_problem,
        overlap,
        reassembly_timeout,
        // Measured on Linux 6 over a virtual link: 7 to 75 us.
        turnaround: turnaround.unwrap_or((7_000, 23_000)),
        icmp_quote: usize::try_from(icmp_quote).unwrap_or(8),
        tcp: tcp?,
    })
}

const ODD_REPLIES: [(&str, OddReply); 3] = [
    ("silence", OddReply::Silence),
    ("reset", OddReply::Reset),
    ("syn-ack", OddReply::SynAck),
];
const ROUNDINGS: [(&str, Rounding); 3] = [
    ("none", Rounding::None),
    ("up", Rounding::Up),
    ("down", Rounding::Down),
];
const UPDATES: [(&str, WindowUpdate); 2] = [
    ("always", WindowUpdate::Always),
    ("whole-segment", WindowUpdate::WholeSegment),
];

/// What answers a segment that opens nothing.
fn odd(fields: &mut Fields<'_, '_>, key: &'static str, usual: OddReply) -> OddReply {
    fields.choice(key, &ODD_REPLIES).unwrap_or(usual)
}

/// A whole number in these bounds.
fn whole<T: TryFrom<u64>>(
    fields: &mut Fields<'_, '_>,
    key: &'static str,
    bounds: RangeInclusive<u64>,
    usual: T,
) -> T {
    let stated = fields.number(key, bounds);
    stated.and_then(|n| T::try_from(n).ok()).unwrap_or(usual)
}

fn tcp(node: &Node, mistakes: &mut Mistakes) -> TcpTraits {
    let mut fields = Fields::new("tcp", node, mistakes);
    let mss = fields.word("mss").unwrap_or(1460);
    let syn_options = options(&mut fields, "syn_options");
    let synack_options = options(&mut fields, "synack_options");
    let ephemeral =
        fields.word("first_port").unwrap_or(32768)..=fields.word("last_port").unwrap_or(60999);
    let ack_min = fields.duration("delayed_ack_min").unwrap_or(40_000_000);
    let ack_max = fields.duration("delayed_ack_max").unwrap_or(ack_min);
    let traits = TcpTraits {
        mss,
        mirrors_mss: fields.flag("mirrors_mss"),
        syn_options,
        synack_options,
        synack_mss: fields.parsed(
            "synack_mss",
            "a text such as \"random 0..65528 step 8\"",
            |value| drawn_mss(text_ref(value)?),
        ),
        df_least_mss: fields.word("df_least_mss").unwrap_or(0),
        df_pure_ack: fields.yes_or_no("df_pure_ack"),
        syn_retry_window: fields.word("syn_retry_window"),
        ack_to_open: odd(&mut fields, "ack_to_open", OddReply::Reset),
        deaf_when_full: fields.flag("deaf_when_full"),
        syn_window: fields.word("syn_window").unwrap_or(u16::MAX),
        buffer: whole(&mut fields, "buffer", 0..=u64::from(u32::MAX), 65535),
        rounding: fields
            .choice("rounding", &ROUNDINGS)
            .unwrap_or(Rounding::None),
        window_scale: whole(&mut fields, "window_scale", 0..=14, 0),
        window_update: fields
            .choice("window_update", &UPDATES)
            .unwrap_or(WindowUpdate::Always),
        isn: isn(&mut fields),
        timestamp_hz: whole(&mut fields, "timestamp_hz", 1..=1_000_000, 1000),
        ephemeral,
        ephemeral_in_order: fields.flag("ports_in_order"),
        delayed_ack: ack_min..=ack_max.max(ack_min),
        rto_initial: fields.duration("rto_initial").unwrap_or(SECOND),
        rto_min: fields.duration("rto_min").unwrap_or(SECOND / 5),
        // RFC 6298 (2.5) asks for at least one minute.
        rto_max: fields.duration("rto_max").unwrap_or(64 * SECOND),
        quick_acks: tries(&mut fields, "quick_acks", 0),
        unreachable_ends_connect: fields.flag("unreachable_ends_connect"),
        closes_with_reset: fields.flag("closes_with_reset"),
        syn_tries: tries(&mut fields, "syn_tries", 5),
        synack_tries: tries(&mut fields, "synack_tries", 5),
        data_tries: tries(&mut fields, "data_tries", 8),
        refused_retries: tries(&mut fields, "refused_retries", 0),
        backlog: whole(&mut fields, "backlog", 0..=100_000, 128),
        syn_cookies: fields.flag("syn_cookies"),
        odd_to_open: odd(&mut fields, "odd_to_open", OddReply::Silence),
        syn_fin_to_open: odd(&mut fields, "syn_fin_to_open", OddReply::SynAck),
        fin_ack_to_open: odd(&mut fields, "fin_ack_to_open", OddReply::Reset),
        reset_ack_offset: reset_ack_offset(&mut fields),
        initial_window: whole(&mut fields, "initial_window", 1..=64, 10),
    };
    fields.finish();
    traits
}

/// Least, greatest and step of a drawn MSS.
fn drawn_mss(text: &str) -> Option<(u16, u16, u16)> {
    let (range, step) = text.strip_prefix("random")?.split_once("step")?;
    let (low, high) = range.trim().split_once("..")?;
    let (low, high): (u16, u16) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    let step = step.trim().parse().ok().filter(|step| *step > 0)?;
    (low <= high).then_some((low, high, step))
}

fn options(fields: &mut Fields<'_, '_>, key: &'static str) -> OptionLayout {
    let wanted = "a list of mss, nop, eol, sackOK, timestamp, wscale; words that stand or fall together in one text, \
                  alternatives divided by |";
    let read = |value: &crate::reading::Value| {
        OptionLayout::parse(&crate::reading::fields::list(value, |item| {
            text_ref(item).map(str::to_owned)
        })?)
    };
    fields.required(key, wanted, read).unwrap_or_default()
}

fn isn(fields: &mut Fields<'_, '_>) -> Isn {
    let wanted =
        "\"random\", or steps of a clock such as \"128000/s + 64000\" or \"1000000/s + random 24\"";
    fields
        .parsed("isn", wanted, |value| {
            let text = text_ref(value)?;
            if text == "random" {
                return Some(Isn::Random);
            }
            let (rate, each) = text.split_once('+').unwrap_or((text, "0"));
            let each = each.trim();
            let bits = each.strip_prefix("random").map(str::trim);
            let random_bits = match bits {
                Some(bits) => bits.parse().ok().filter(|bits| *bits <= 32)?,
                None => 0,
            };
            let per_second = rate.trim().strip_suffix("/s")?.trim().parse().ok()?;
            Some(Isn::Clock {
                per_second,
                per_connection: if bits.is_some() {
                    0
                } else {
                    each.parse().ok()?
                },
                random_bits,
            })
        })
        .unwrap_or(Isn::Random)
}

fn tries(fields: &mut Fields<'_, '_>, key: &'static str, default: u8) -> u8 {
    fields
        .number(key, 0..=20)
        .and_then(|n| u8::try_from(n).ok())
        .unwrap_or(default)
}

fn reset_ack_offset(fields: &mut Fields<'_, '_>) -> u32 {
    let wanted = "a text with a signed number, such as \"-20000\"";
    let offset = fields.parsed("reset_ack_offset", wanted, |value| {
        text_ref(value)?.parse::<i32>().ok()
    });
    offset.unwrap_or(0).cast_unsigned()
}

/// The least time and the mean of the rest, of which one in twenty is three times as long: the range's end.
pub fn turnaround(text: &str) -> Option<(u64, u64)> {
    let (least, most) = text.split_once("..")?;
    let (least, most) = (
        units::duration(least.trim())?,
        units::duration(most.trim())?,
    );
    Some((least, most.checked_sub(least)? / 3))
}

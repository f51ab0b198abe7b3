//! The fields of a frame, by the names of Wireshark's display filters.

use wire::decode::{Network, Transport};
use wire::{Framing, Layers, TcpOption};

use super::value::Value;

/// The names.
pub const NAMES: [&str; 64] = [
    "frame.number",
    "t",
    "ip.src",
    "ip.dst",
    "ip.version",
    "ip.ttl",
    "ip.id",
    "ip.tos",
    "ip.len",
    "ip.proto",
    "ip.df",
    "ip.mf",
    "ip.frag",
    "ip.options",
    "tcp",
    "udp",
    "icmp",
    "icmpv6",
    "arp",
    "srcport",
    "dstport",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
    "udp.dstport",
    "tcp.seq",
    "tcp.ack",
    "tcp.window",
    "tcp.urgent",
    "tcp.len",
    "tcp.hdr_len",
    "tcp.flags",
    "tcp.syn",
    "tcp.ack_flag",
    "tcp.fin",
    "tcp.rst",
    "tcp.psh",
    "tcp.urg",
    "tcp.ece",
    "tcp.cwr",
    "tcp.options",
    "tcp.mss",
    "tcp.tsval",
    "tcp.tsecr",
    "tcp.wscale",
    "udp.length",
    "icmp.type",
    "icmp.code",
    "icmp.ident",
    "icmp.seq",
    "icmp.mtu",
    "quote.src",
    "quote.dst",
    "quote.srcport",
    "quote.dstport",
    "quote.proto",
    "quote.ttl",
    "arp.opcode",
    "arp.src",
    "arp.dst",
    "eth.src",
    "eth.dst",
    "eth.len",
    "data",
];

/// Whether a field has that name.
pub fn is_known(name: &str) -> bool {
    name == "text" || NAMES.contains(&name)
}

/// A frame at hand: its number, the seconds since the first, and what was read of it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Counted from 1.
    pub number: usize,
    /// Seconds since the first frame.
    pub since: f64,
    /// What was read.
    pub layers: &'a Layers<'a>,
}

fn number(value: impl Into<i64>) -> Value {
    Value::Number(value.into())
}

impl Frame<'_> {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Value {
        let layers = self.layers;
        match name.split_once('.') {
            Some(("ip", field)) => self.ip(field),
            Some(("tcp", field)) => self.tcp(field),
            Some(("udp", field)) => self.udp(field),
            Some(("icmp", field)) => self.icmp(field),
            Some(("quote", field)) => self.quote(field),
            Some(("arp", field)) => self.arp(field),
            Some(("eth", field)) => self.eth(field),
            Some(("frame", _)) => number(i64::try_from(self.number).unwrap_or(i64::MAX)),
            _ => match name {
                "t" => Value::Real(self.since),
                "tcp" => Value::Truth(matches!(layers.transport, Transport::Tcp(_))),
                "udp" => Value::Truth(matches!(layers.transport, Transport::Udp(_))),
                "icmp" => Value::Truth(matches!(layers.transport, Transport::Icmp(_))),
                "icmpv6" => Value::Truth(matches!(layers.transport, Transport::Icmpv6(_))),
                "arp" => Value::Truth(matches!(layers.network, Network::Arp(_))),
                "srcport" => layers
                    .ports()
                    .map_or(Value::Missing, |(from, _)| number(from)),
                "dstport" => layers.ports().map_or(Value::Missing, |(_, to)| number(to)),
                "data" => Value::Text(hex(layers.payload)),
                "text" => Value::Text(String::from_utf8_lossy(layers.payload).into_owned()),
                _ => Value::Missing,
            },
        }
    }

    fn ip(&self, field: &str) -> Value {
        if let ("src" | "dst", Some((source, destination))) = (field, self.layers.addresses()) {
            return Value::Address(if field == "src" { source } else { destination });
        }
        match (&self.layers.network, field) {
            (Network::V4(_), "version") => number(4),
            (Network::V6(_), "version") => number(6),
            (Network::V4(ip), "ttl") => number(ip.ttl),
            (Network::V6(ip), "ttl") => number(ip.hop_limit),
            (Network::V4(ip), "tos") => number(ip.tos),
            (Network::V6(ip), "tos") => number(ip.traffic_class),
            (Network::V4(ip), "proto") => number(ip.protocol),
            (Network::V6(ip), "proto") => number(ip.protocol),
            (Network::V4(ip), "id") => number(ip.identification),
            (Network::V4(ip), "len") => number(ip.total_length),
            (Network::V6(ip), "len") => number(i64::from(ip.payload_length) + 40),
            (Network::V4(ip), "df") => number(i64::from(ip.dont_fragment())),
            (Network::V4(ip), "mf") => {
                number(i64::from(ip.flags & wire::ipv4::MORE_FRAGMENTS != 0))
            }
            (Network::V4(ip), "frag") => number(i64::from(ip.fragment_offset) * 8),
            (Network::V4(ip), "options") => Value::Text(hex(ip.options())),
            _ => Value::Missing,
        }
    }

    fn tcp(&self, field: &str) -> Value {
        let Transport::Tcp(tcp) = &self.layers.transport else {
            return Value::Missing;
        };
        let flags = i64::from(tcp.flags.0);
        let flag = |bit: i64| number(i64::from(flags & bit != 0));
        let option = |pick: &dyn Fn(&TcpOption<'_>) -> Option<i64>| {
            tcp.options()
                .find_map(|option| pick(&option))
                .map_or(Value::Missing, Value::Number)
        };
        match field {
            "srcport" => number(tcp.source),
            "dstport" => number(tcp.destination),
            "seq" => number(tcp.sequence),
            "ack" => number(tcp.acknowledgment),
            "window" => number(tcp.window),
            "urgent" => number(tcp.urgent),
            "len" => number(i64::try_from(self.layers.payload_length).unwrap_or(i64::MAX)),
            "hdr_len" => {
                let header = tcp.segment.len().saturating_sub(self.layers.payload.len());
                number(i64::try_from(header).unwrap_or(i64::MAX))
            }
            "flags" => number(flags & 0xff),
            "fin" => flag(0x01),
            "syn" => flag(0x02),
            "rst" => flag(0x04),
            "psh" => flag(0x08),
            "ack_flag" => flag(0x10),
            "urg" => flag(0x20),
            "ece" => flag(0x40),
            "cwr" => flag(0x80),
            "options" => Value::Text(option_text(tcp.options())),
            "mss" => option(&|o| {
                if let TcpOption::Mss(mss) = o {
                    Some(i64::from(*mss))
                } else {
                    None
                }
            }),
            "wscale" => option(&|o| {
                if let TcpOption::WindowScale(s) = o {
                    Some(i64::from(*s))
                } else {
                    None
                }
            }),
            "tsval" => option(&|o| {
                if let TcpOption::Timestamps(v, _) = o {
                    Some(i64::from(*v))
                } else {
                    None
                }
            }),
            "tsecr" => option(&|o| {
                if let TcpOption::Timestamps(_, e) = o {
                    Some(i64::from(*e))
                } else {
                    None
                }
            }),
            _ => Value::Missing,
        }
    }

    fn udp(&self, field: &str) -> Value {
        let Transport::Udp(udp) = &self.layers.transport else {
            return Value::Missing;
        };
        match field {
            "srcport" => number(udp.source),
            "dstport" => number(udp.destination),
            "length" => number(udp.length),
            _ => Value::Missing,
        }
    }

    fn icmp(&self, field: &str) -> Value {
        let (Transport::Icmp(icmp) | Transport::Icmpv6(icmp)) = &self.layers.transport else {
            return Value::Missing;
        };
        let [a, b, c, d] = icmp.rest;
        match field {
            "type" => number(icmp.icmp_type),
            "code" => number(icmp.code),
            "ident" => number(u16::from_be_bytes([a, b])),
            "seq" | "mtu" => number(u16::from_be_bytes([c, d])),
            _ => Value::Missing,
        }
    }

    fn quote(&self, field: &str) -> Value {
        let Some(quote) = self.layers.quoted() else {
            return Value::Missing;
        };
        match field {
            "src" => Value::Address(quote.source),
            "dst" => Value::Address(quote.destination),
            "proto" => number(quote.protocol),
            "ttl" => number(quote.ttl),
            "srcport" => quote.ports.map_or(Value::Missing, |(from, _)| number(from)),
            "dstport" => quote.ports.map_or(Value::Missing, |(_, to)| number(to)),
            _ => Value::Missing,
        }
    }

    fn arp(&self, field: &str) -> Value {
        let Network::Arp(arp) = &self.layers.network else {
            return Value::Missing;
        };
        match field {
            "opcode" => number(arp.operation),
            "src" => Value::Address(arp.sender.into()),
            "dst" => Value::Address(arp.target.into()),
            _ => Value::Missing,
        }
    }

    fn eth(&self, field: &str) -> Value {
        let link = &self.layers.link;
        let mac = |mac: Option<wire::MacAddress>| {
            mac.map_or(Value::Missing, |mac| Value::Text(mac.to_string()))
        };
        match field {
            "src" => mac(link.source),
            "dst" => mac(link.destination),
            "len" => number(i64::from(link.framing == Framing::LlcSnap)),
            _ => Value::Missing,
        }
    }
}

/// Options in order, without the values of time stamps, which no fact could state.
fn option_text<'a>(options: impl Iterator<Item = TcpOption<'a>>) -> String {
    let texts: Vec<String> = options
        .map(|option| match option {
            TcpOption::Timestamps(..) => "timestamp".into(),
            other => wire::Options::new([other]).to_string(),
        })
        .collect();
    texts.join(",")
}

/// Bytes as hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
    }
    text
}

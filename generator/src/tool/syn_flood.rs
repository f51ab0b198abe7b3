//! A SYN flood with forged sources. Source port and sequence number are constant, counted on, or random, as the tools
//! of the documents do it.
//!
//! Sources: "Interpreting Network Traffic", To Flood or Not to Flood. Not modelled: the ping by which a tool chooses
//! addresses to forge.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use wire::{Flags, Ip, Ipv4, Options, Packet, Payload, Segment, Tcp, TcpOption};

use crate::activity::ActivityId;
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::host::program::{Program, System};
use crate::reading::document::Value;
use crate::reading::fields::{Fields, list, number, text_ref};
use crate::seed::{Draws, low32};

/// The kind.
pub const KIND: Kind = Kind {
    name: "syn-flood",
    read,
};

/// Packets sent for each timer reach so far ahead, in nanoseconds: one event for the many packets of a fast flood. Others
/// on the same line wait behind them, which a shorter step than a line's jitter keeps from showing.
const BATCH: u64 = 500_000;

/// A number that a tool puts into each packet.
#[derive(Clone, Copy, Debug)]
enum Numbers {
    /// The same always; drawn once where it is not given.
    Constant(Option<u64>),
    /// So much more each time, modulo a power of two.
    Counted { step: u64, bits: u32 },
    /// Drawn each time.
    Random,
}

impl Numbers {
    /// Reads `constant`, `random`, `constant 322286`, `count 1`, `count 236567296 mod 31`.
    fn parse(value: &Value, bits: u32) -> Option<Numbers> {
        let words: Vec<&str> = text_ref(value)?.split_whitespace().collect();
        let below = |word: &str| word.parse::<u64>().ok().filter(|value| *value < 1 << bits);
        match words.as_slice() {
            ["random"] => Some(Numbers::Random),
            ["constant"] => Some(Numbers::Constant(None)),
            ["constant", value] => Some(Numbers::Constant(Some(below(value)?))),
            ["count", step] => Some(Numbers::Counted {
                step: below(step)?,
                bits,
            }),
            ["count", step, "mod", power] => {
                let power = power
                    .parse()
                    .ok()
                    .filter(|power| (1..=bits).contains(power))?;
                Some(Numbers::Counted {
                    step: below(step)?,
                    bits: power,
                })
            }
            _ => None,
        }
    }
}

/// A series of such numbers. Counting starts at a draw; the draw of each number can be pinned.
#[derive(Debug)]
struct Series {
    numbers: Numbers,
    value: u64,
    draws: Draws,
}

impl Series {
    fn new(numbers: Numbers, mut draws: Draws) -> Self {
        let value = match numbers {
            Numbers::Constant(Some(value)) => value,
            Numbers::Constant(None) => u64::from(draws.word32()),
            Numbers::Counted { .. } => u64::from(draws.word32()),
            Numbers::Random => 0,
        };
        Series {
            numbers,
            value,
            draws,
        }
    }

    fn next(&mut self) -> u32 {
        match self.numbers {
            Numbers::Constant(_) => low32(self.value),
            Numbers::Random => self.draws.word32(),
            Numbers::Counted { step, bits } => {
                let now = low32(self.value & ((1 << bits) - 1));
                self.value = self.value.wrapping_add(step);
                now
            }
        }
    }
}

/// Where forged sources come from.
#[derive(Clone, Debug)]
enum Sources {
    /// One after another, again and again.
    List(Vec<Ipv4Addr>),
    /// Drawn from blocks, each address as likely as any other.
    Blocks(Vec<Ipv4Net>),
}

#[derive(Debug)]
struct Plan {
    ports: Vec<u16>,
    sources: Sources,
    source_port: Numbers,
    sequence: Numbers,
    gap: u64,
    jitter: u64,
    count: u64,
    window: u16,
    ttl: u8,
    df: bool,
    options: Options,
}

fn read(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let ports = fields.ports("ports");
    if ports.is_empty() {
        let origin = fields.origin().clone();
        fields.mistake(
            &origin,
            "a flood needs 'ports': the port, or the ports in turn",
        );
    }
    let sources = fields.required(
        "sources",
        "addresses, or blocks such as \"198.18.0.0/15\"",
        read_sources,
    );
    let words =
        "\"random\", \"constant\", \"constant N\", \"count STEP\" or \"count STEP mod BITS\"";
    let source_port = fields.parsed("source_port", words, |value| Numbers::parse(value, 16));
    let sequence = fields.parsed("sequence", words, |value| Numbers::parse(value, 32));
    Arc::new(Plan {
        ports,
        sources: sources.unwrap_or(Sources::List(Vec::new())),
        source_port: source_port.unwrap_or(Numbers::Random),
        sequence: sequence.unwrap_or(Numbers::Random),
        gap: fields.gap("gap").unwrap_or(10_000_000),
        jitter: fields.duration("gap_jitter").unwrap_or(0),
        count: fields.number("count", 1..=u64::MAX).unwrap_or(u64::MAX),
        window: fields.word("window").unwrap_or(8192),
        ttl: fields.byte("ttl").unwrap_or(128),
        df: fields.flag("df"),
        options: read_options(fields),
    })
}

fn read_sources(value: &Value) -> Option<Sources> {
    let texts = list(value, |value| text_ref(value).map(str::to_owned))?;
    if let Ok(addresses) = texts
        .iter()
        .map(|text| text.parse())
        .collect::<Result<Vec<Ipv4Addr>, _>>()
    {
        return Some(Sources::List(addresses));
    }
    texts
        .iter()
        .map(|text| text.parse().ok())
        .collect::<Option<Vec<Ipv4Net>>>()
        .map(Sources::Blocks)
}

fn read_options(fields: &mut Fields<'_, '_>) -> Options {
    let mss = fields.parsed("mss", "a whole number up to 65535", |value| {
        u16::try_from(number(value)?).ok()
    });
    let sack = fields.flag("sack");
    let mss = mss.map(TcpOption::Mss).into_iter();
    let sack = [
        TcpOption::NoOperation,
        TcpOption::NoOperation,
        TcpOption::SackPermitted,
    ]
    .into_iter()
    .filter(|_| sack);
    Options::new(mss.chain(sack))
}

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Flood {
            targets: cast
                .targets
                .iter()
                .filter_map(|target| {
                    if let IpAddr::V4(target) = target {
                        Some(*target)
                    } else {
                        None
                    }
                })
                .collect(),
            ports: self.ports.clone(),
            sources: self.sources.clone(),
            source: cast.draws("source"),
            source_port: Series::new(self.source_port, cast.draws("port")),
            sequence: Series::new(self.sequence, cast.draws("isn")),
            gap: (self.gap, self.jitter, cast.draws("gap")),
            id: cast.draws("id"),
            template: (self.window, self.ttl, self.df, self.options),
            left: self.count,
            sent: 0,
            activity: cast.activity,
        })
    }

    fn forged(&self) -> Vec<IpNet> {
        match &self.sources {
            Sources::List(addresses) => addresses
                .iter()
                .map(|a| IpNet::from(IpAddr::V4(*a)))
                .collect(),
            Sources::Blocks(blocks) => blocks.iter().map(|block| IpNet::V4(*block)).collect(),
        }
    }
}

struct Flood {
    targets: Vec<Ipv4Addr>,
    ports: Vec<u16>,
    sources: Sources,
    source: Draws,
    source_port: Series,
    sequence: Series,
    gap: (u64, u64, Draws),
    id: Draws,
    template: (u16, u8, bool, Options),
    left: u64,
    sent: usize,
    activity: ActivityId,
}

impl Flood {
    fn forge(&mut self) -> Option<Ipv4Addr> {
        match &self.sources {
            Sources::List(addresses) => addresses.get(self.sent % addresses.len().max(1)).copied(),
            Sources::Blocks(blocks) => {
                let block = self.source.pick(blocks)?;
                let hosts = low32((1u64 << (32 - u32::from(block.prefix_len()))) - 1);
                let address = u32::from(block.network()) | (self.source.word32() & hosts);
                Some(Ipv4Addr::from(address))
            }
        }
    }

    fn packet(&mut self) -> Option<Packet> {
        let source = self.forge()?;
        let target = *self.targets.get(self.sent % self.targets.len().max(1))?;
        let port = *self.ports.get(self.sent % self.ports.len().max(1))?;
        let (window, ttl, df, options) = self.template;
        let ip = Ipv4 {
            ttl,
            identification: self.id.word16(),
            flags: if df { wire::ipv4::DONT_FRAGMENT } else { 0 },
            ..Ipv4::new(source, target)
        };
        let [low, high, ..] = self.source_port.next().to_le_bytes();
        let tcp = Tcp {
            sequence: self.sequence.next(),
            window,
            options,
            ..Tcp::new(u16::from_le_bytes([low, high]), port, Flags::SYN)
        };
        Some(Packet {
            ip: Ip::V4(ip),
            segment: Segment::Tcp(tcp),
            payload: Payload::Empty,
        })
    }

    fn next_gap(&mut self) -> u64 {
        let (gap, jitter, draws) = &mut self.gap;
        match draws.pinned() {
            Some(gap) => gap,
            None if *jitter == 0 => *gap,
            None => *gap + draws.exponential(*jitter),
        }
    }
}

impl Program for Flood {
    fn start(&mut self, sys: &mut System<'_>) {
        self.timer(0, sys);
    }

    fn timer(&mut self, _: u64, sys: &mut System<'_>) {
        let mut after = 0;
        while after < BATCH && self.left > 0 {
            let Some(packet) = self.packet() else { return };
            sys.send_raw(after, packet, self.activity);
            self.sent += 1;
            self.left -= 1;
            after += self.next_gap();
        }
        if self.left > 0 {
            sys.timer(after, 0);
        }
    }
}

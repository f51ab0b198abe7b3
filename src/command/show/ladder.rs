//! The frames of a capture as a sequence diagram: who says what to whom, the sensor's own site on the left.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::Result;
use generator::Scenario;
use labels::{Event, Truth, Verdict};
use wire::capture::CaptureReader;
use wire::decode::{Network, Transport};
use wire::{Flags, Layers};

use super::recorded::Recorded;

/// Names of hosts, by their addresses.
pub type Names = BTreeMap<IpAddr, String>;

/// The names of a scenario's hosts.
pub fn names(scenario: &Scenario) -> Names {
    let addresses = |host: &generator::scenario::HostSpec| {
        let name = host.config.name.clone();
        let addresses = host.config.addresses.clone();
        addresses
            .into_iter()
            .map(move |address| (address, name.clone()))
    };
    scenario.hosts.iter().flat_map(addresses).collect()
}

/// Frames of a capture that follow one another.
pub struct Ladder {
    /// The sensor that recorded them.
    pub sensor: String,
    /// How many frames the capture holds.
    pub total: u64,
    /// The frames.
    pub rungs: Vec<Rung>,
}

/// One frame.
pub struct Rung {
    /// Seconds since the capture's first frame.
    pub seconds: f64,
    /// The end on the left, with its port.
    pub left: String,
    /// The end on the right, with its port.
    pub right: String,
    /// Whether the left one sent it.
    pub rightward: bool,
    /// What it says.
    pub label: String,
    /// The verdict of the event that it belongs to.
    pub verdict: Option<Verdict>,
}

impl Ladder {
    /// The first frames from the one after `before` on.
    ///
    /// # Errors
    /// Fails on a capture that cannot be read.
    pub fn read(recorded: &Recorded, names: &Names, most: usize, before: u64) -> Result<Ladder> {
        let truth = &recorded.truth;
        let mut reader = CaptureReader::new(recorded.capture.as_slice())?;
        let mut sides = Sides::default();
        let mut ladder = Ladder {
            sensor: recorded.sensor.clone(),
            total: truth.capture.packets,
            rungs: Vec::new(),
        };
        let mut events = events(truth);
        let (mut first, mut number) = (None, 0);
        while ladder.rungs.len() < most {
            let Some(record) = reader.next()? else { break };
            let event = events.next().flatten();
            number += 1;
            let start = *first.get_or_insert(record.time);
            let layers = Layers::decode_cut(record.link_type, record.bytes, record.original_length);
            let Some(ends) = ends(&layers) else { continue };
            if number <= before {
                continue;
            }
            let rightward = sides.is_left(truth, ends);
            let (sender, receiver) = layers.ports().unzip();
            let (sender, receiver) = (end(names, ends.0, sender), end(names, ends.1, receiver));
            let (left, right) = if rightward {
                (sender, receiver)
            } else {
                (receiver, sender)
            };
            ladder.rungs.push(Rung {
                seconds: record.time.nanos_since(start) as f64 / 1e9,
                left,
                right,
                rightward,
                label: label(&layers),
                verdict: event.map(|event| event.verdict),
            });
        }
        Ok(ladder)
    }

    /// As text, 40 columns an arrow.
    pub fn text(&self, seed: u64) -> String {
        let mut text = format!(
            "\nFirst frames at sensor {}, seed {seed} ({} in all)\n",
            self.sensor, self.total
        );
        for rung in &self.rungs {
            let line = "─".repeat(36usize.saturating_sub(rung.label.chars().count()));
            let arrow = if rung.rightward {
                format!("─ {} {line}▶", rung.label)
            } else {
                format!("◀ {} {line}─", rung.label)
            };
            let (seconds, left, right) = (rung.seconds, &rung.left, &rung.right);
            text.push_str(&format!("{seconds:11.6}  {left:>22} {arrow} {right}\n"));
        }
        text
    }
}

/// Which of two ends stands on the left: that of the sensor's site, or of two of one kind the one that spoke first.
#[derive(Default)]
struct Sides(BTreeMap<(IpAddr, IpAddr), IpAddr>);

impl Sides {
    fn is_left(&mut self, truth: &Truth, (sender, receiver): (IpAddr, IpAddr)) -> bool {
        let is_home = |address| truth.home.iter().any(|home| home.contains(address));
        match (is_home(sender), is_home(receiver)) {
            (true, false) => true,
            (false, true) => false,
            _ => {
                let pair = (sender.min(receiver), sender.max(receiver));
                *self.0.entry(pair).or_insert(sender) == sender
            }
        }
    }
}

/// The event of each frame of a capture, in order.
pub fn events(truth: &Truth) -> impl Iterator<Item = Option<&Event>> {
    let runs = truth.frames.runs();
    runs.flat_map(|(id, frames)| {
        let event = id.and_then(|id| truth.event(id));
        (0..frames).map(move |_| event)
    })
}

/// Sender and receiver; of an ARP message who speaks and who is spoken of.
pub fn ends(layers: &Layers<'_>) -> Option<(IpAddr, IpAddr)> {
    match layers.network {
        Network::Arp(arp) => Some((arp.sender.into(), arp.target.into())),
        _ => layers.addresses(),
    }
}

fn end(names: &Names, address: IpAddr, port: Option<u16>) -> String {
    let name = names
        .get(&address)
        .cloned()
        .unwrap_or_else(|| address.to_string());
    port.map_or(name.clone(), |port| format!("{name}:{port}"))
}

fn label(layers: &Layers<'_>) -> String {
    if let Network::Arp(arp) = layers.network {
        let what = match arp.operation {
            1 => "who has it?",
            2 => "is at",
            _ => "other",
        };
        return format!("arp {what}");
    }
    match &layers.transport {
        Transport::Tcp(tcp) => {
            let ack = if tcp.flags.contains(Flags::ACK) {
                format!(" ack {}", tcp.acknowledgment)
            } else {
                String::new()
            };
            let length = if layers.payload_length > 0 {
                format!(" ({})", layers.payload_length)
            } else {
                String::new()
            };
            format!("{} {}{length}{ack}", tcp.flags, tcp.sequence)
        }
        Transport::Udp(_) => format!("udp ({})", layers.payload_length),
        Transport::Icmp(icmp) => {
            icmp_label(icmp.icmp_type, icmp.code, &ICMP).unwrap_or("icmp".into())
        }
        Transport::Icmpv6(icmp) => {
            icmp_label(icmp.icmp_type, icmp.code, &ICMPV6).unwrap_or("icmp6".into())
        }
        Transport::Fragment => format!("fragment ({})", layers.payload_length),
        Transport::Other(protocol) => format!("protocol {protocol}"),
        Transport::None => "other".into(),
    }
}

/// ICMP messages by type, and by code where that says more: RFC 792, RFC 1122 section 3.2.2.
const ICMP: [(u8, Option<u8>, &str); 14] = [
    (0, None, "echo reply"),
    (3, Some(0), "net unreachable"),
    (3, Some(1), "host unreachable"),
    (3, Some(2), "protocol unreachable"),
    (3, Some(3), "port unreachable"),
    (3, Some(4), "fragmentation needed"),
    (3, Some(13), "administratively prohibited"),
    (3, None, "unreachable"),
    (4, None, "source quench"),
    (5, None, "redirect"),
    (8, None, "echo request"),
    (11, Some(1), "reassembly time exceeded"),
    (11, None, "time exceeded"),
    (12, None, "parameter problem"),
];

/// ICMPv6 messages: RFC 4443, RFC 4861.
const ICMPV6: [(u8, Option<u8>, &str); 10] = [
    (1, Some(4), "port unreachable"),
    (1, None, "unreachable"),
    (2, None, "packet too big"),
    (3, None, "time exceeded"),
    (4, None, "parameter problem"),
    (128, None, "echo request"),
    (129, None, "echo reply"),
    (134, None, "router advertisement"),
    (135, None, "neighbour solicitation"),
    (136, None, "neighbour advertisement"),
];

fn icmp_label(icmp_type: u8, code: u8, names: &[(u8, Option<u8>, &str)]) -> Option<String> {
    let found = names
        .iter()
        .find(|(kind, of, _)| *kind == icmp_type && of.is_none_or(|of| of == code));
    found.map(|(_, _, name)| (*name).to_owned())
}

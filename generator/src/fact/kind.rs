//! The kind of a capture: who says what to whom, in which order, whatever the addresses, the numbers and the pace.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::check::Capture;
use super::field::Frame;
use super::value::Value;

/// Ports below this one name a service; the others are drawn, or might be.
const FIRST_DRAWN: i64 = 1024;

/// What of a frame belongs to its kind, beside its ends and its ports.
const TOLD: [&str; 6] = [
    "ip.proto",
    "ip.frag",
    "tcp.flags",
    "icmp.type",
    "icmp.code",
    "arp.opcode",
];

impl Capture {
    /// A number that captures of one kind share, within a run: the same hosts, told apart by when they first appear, send each other
    /// the same protocols, reserved ports, flags, ICMP types and so many bytes, in the same order.
    pub fn kind(&self) -> u64 {
        let mut names = BTreeMap::new();
        let mut hasher = DefaultHasher::new();
        for index in 0..self.len() {
            self.with(index, |frame| tell(frame, &mut names, &mut hasher));
        }
        hasher.finish()
    }
}

fn tell(frame: &Frame<'_>, names: &mut BTreeMap<String, usize>, hasher: &mut impl Hasher) {
    if let Some((source, destination)) = frame.layers.addresses() {
        // Who has no address yet is told by the hardware's.
        let source = match frame.field("eth.src") {
            Value::Text(hardware) if source.is_unspecified() => hardware,
            _ => source.to_string(),
        };
        for end in [source, destination.to_string()] {
            let next = names.len();
            names.entry(end).or_insert(next).hash(hasher);
        }
    }
    for field in TOLD {
        number(frame, field).hash(hasher);
    }
    for port in ["srcport", "dstport", "quote.srcport", "quote.dstport"] {
        number(frame, port)
            .filter(|port| *port < FIRST_DRAWN)
            .hash(hasher);
    }
    frame.layers.payload_length.hash(hasher);
}

fn number(frame: &Frame<'_>, field: &str) -> Option<i64> {
    match frame.field(field) {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::capture::CaptureWriter;
    use wire::{Flags, Ip, Ipv4, Link, Packet, Payload, Segment, Tcp, Timestamp};

    /// The kind of segments so many microseconds apart: last bytes of the addresses, ports, flags, sequence number.
    fn kind(micros: u64, segments: &[(u8, u8, u16, u16, Flags, u32)]) -> u64 {
        let mut writer = CaptureWriter::new(Vec::new());
        for (n, (from, to, source, destination, flags, sequence)) in (1u64..).zip(segments) {
            let packet = Packet {
                ip: Ip::V4(Ipv4::new(
                    [192, 0, 2, *from].into(),
                    [192, 0, 2, *to].into(),
                )),
                segment: Segment::Tcp(Tcp {
                    sequence: *sequence,
                    ..Tcp::new(*source, *destination, *flags)
                }),
                payload: Payload::EMPTY,
            };
            let at = Timestamp::from_nanos(1_000_000_000 + n * micros * 1000);
            writer
                .record(at, |out| packet.emit_frame(&Link::default(), out))
                .unwrap();
        }
        Capture::read(&writer.finish().unwrap()).unwrap().kind()
    }

    #[test]
    fn other_addresses_numbers_and_paces_are_one_kind() {
        let one = [
            (1, 2, 40_000, 21, Flags::SYN, 7),
            (2, 1, 21, 40_000, Flags::RST, 0),
        ];
        let other = [
            (9, 8, 1_025, 21, Flags::SYN, 8),
            (8, 9, 21, 1_025, Flags::RST, 1),
        ];
        assert_eq!(kind(5, &one), kind(900, &other));
    }

    #[test]
    fn another_answer_port_order_or_host_is_another_kind() {
        let syn = (1, 2, 40_000, 21, Flags::SYN, 7);
        let reset = (2, 1, 21, 40_000, Flags::RST, 0);
        let base = kind(5, &[syn, reset]);
        for other in [
            vec![syn],
            vec![reset, syn],
            vec![syn, (2, 1, 21, 40_000, Flags::SYN | Flags::ACK, 0)],
            vec![(1, 2, 40_000, 23, Flags::SYN, 7), reset],
            vec![syn, (3, 1, 21, 40_000, Flags::RST, 0)],
        ] {
            assert_ne!(kind(5, &other), base, "{other:?}");
        }
    }
}

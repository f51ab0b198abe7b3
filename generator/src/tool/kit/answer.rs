//! What an arriving packet says about a probe.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wire::{Flags, Packet, Segment, icmp};

use super::stage::Found;
use super::values::{Name, Values};

/// What a probe and its answer have in common: the target, the protocol, our port and the target's, or identifier and
/// sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Whom it was sent to.
    pub target: IpAddr,
    /// The protocol.
    pub protocol: u8,
    /// Our port, or the identifier of an echo.
    pub ours: u16,
    /// The target's port, or the sequence number of an echo.
    pub theirs: u16,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// To which probe.
    pub key: Key,
    /// What it says.
    pub found: Found,
    /// Whether a trace ends with it: it came from the target, or says that the target cannot be reached.
    pub reached: bool,
    tcp: Option<(u32, u32, u16, u16)>,
}

/// ICMPv6, RFC 4443.
const ECHO_REQUEST_6: u8 = 128;
const ECHO_REPLY_6: u8 = 129;
const UNREACHABLE_6: u8 = 1;
const PORT_6: u8 = 4;
const TIME_EXCEEDED_6: u8 = 3;

impl Answer {
    /// Reads an arriving packet as an answer.
    pub fn read(packet: &Packet) -> Option<Answer> {
        let target = packet.source();
        match &packet.segment {
            Segment::Tcp(tcp) => {
                let found = if tcp.flags.contains(Flags::RST) {
                    Found::Closed
                } else {
                    Found::Open
                };
                let numbers = (
                    tcp.sequence,
                    tcp.acknowledgment,
                    tcp.destination,
                    tcp.window,
                );
                Some(Answer {
                    tcp: Some(numbers),
                    ..Answer::plain(target, 6, (tcp.destination, tcp.source), found)
                })
            }
            Segment::Udp(udp) => {
                let ports = (udp.destination, udp.source);
                Some(Answer::plain(target, 17, ports, Found::Open))
            }
            Segment::Icmp(message) => Answer::read_icmp(packet, message),
            Segment::Raw(_) => None,
        }
    }

    fn plain(target: IpAddr, protocol: u8, (ours, theirs): (u16, u16), found: Found) -> Answer {
        Answer {
            key: Key {
                target,
                protocol,
                ours,
                theirs,
            },
            found,
            reached: true,
            tcp: None,
        }
    }

    /// An echo's answer, or an error about a probe.
    fn read_icmp(packet: &Packet, message: &wire::Icmp) -> Option<Answer> {
        let source = packet.source();
        let (kind, code) = (message.icmp_type, message.code);
        let [a, b, c, d] = message.rest;
        let (echo, refusal, expired, error) = if source.is_ipv6() {
            (
                ECHO_REPLY_6,
                (UNREACHABLE_6, PORT_6),
                TIME_EXCEEDED_6,
                kind < ECHO_REQUEST_6,
            )
        } else {
            let refusal = (icmp::UNREACHABLE, icmp::PORT);
            (
                icmp::ECHO_REPLY,
                refusal,
                icmp::TIME_EXCEEDED,
                wire::Icmp::is_error(kind),
            )
        };
        if kind == echo {
            let numbers = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            return Some(Answer::plain(source, 1, numbers, Found::Open));
        }
        if !error {
            return None;
        }
        let quote = packet.payload.to_vec();
        let key = if source.is_ipv6() {
            quoted_6(&quote)?
        } else {
            quoted_4(&quote)?
        };
        let itself = source == key.target;
        Some(Answer {
            key,
            found: if itself && (kind, code) == refusal {
                Found::Closed
            } else {
                Found::Unreachable
            },
            reached: kind != expired,
            tcp: None,
        })
    }

    /// Whether it accepts a connection.
    pub fn accepts(&self) -> bool {
        self.tcp.is_some() && self.found == Found::Open
    }

    /// Gives formulas what a reply to it may need.
    pub fn tell(&self, values: &mut Values) {
        if let Some((sequence, acknowledgment, port, window)) = self.tcp {
            values.set(Name::ANSWER_SEQUENCE, u64::from(sequence));
            values.set(Name::ANSWER_ACKNOWLEDGMENT, u64::from(acknowledgment));
            values.set(Name::ANSWER_PORT, u64::from(port));
            values.set(Name::ANSWER_WINDOW, u64::from(window));
        }
    }
}

fn quoted_4(quote: &[u8]) -> Option<Key> {
    let header = usize::from(quote.first()? & 15) * 4;
    let target: [u8; 4] = quote.get(16..20)?.try_into().ok()?;
    quoted(
        *quote.get(9)?,
        Ipv4Addr::from(target).into(),
        quote.get(header..)?,
    )
}

fn quoted_6(quote: &[u8]) -> Option<Key> {
    let target: [u8; 16] = quote.get(24..40)?.try_into().ok()?;
    let protocol = match *quote.get(6)? {
        58 => 1,
        other => other,
    };
    quoted(protocol, Ipv6Addr::from(target).into(), quote.get(40..)?)
}

fn quoted(protocol: u8, target: IpAddr, segment: &[u8]) -> Option<Key> {
    let word = |at: usize| {
        Some(u16::from_be_bytes(
            segment.get(at..at + 2)?.try_into().ok()?,
        ))
    };
    let (ours, theirs) = match protocol {
        6 | 17 => (word(0)?, word(2)?),
        1 => (word(4)?, word(6)?),
        _ => (0, 0),
    };
    Some(Key {
        target,
        protocol,
        ours,
        theirs,
    })
}

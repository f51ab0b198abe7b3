//! What a packet carries, as a scenario states it.
//!
//! A text, a table for a message, or a list of both, one behind the other:
//!
//! - `"zeros 24"`, `"fill 0x43 300"`, `"fill 65..124 300"`: so many of one byte, which is drawn from a range for each packet
//! - `"text OPNG"`, `"line EHLO {host}"`: letters, with CRLF behind a line, [parts](super::wording) drawn for each packet
//! - `"hex ce63d1d2"`
//! - `"random 64"`: drawn for each packet
//! - `"alphabet 32"`: a to w again and again, as a Windows ping
//! - `"counting 56"`: the time in eight bytes and then 8, 9, 10 and so on, as a BSD or Linux ping
//! - `{ message = "snmp", community = "public" }`: see [`message`](super::message)

use std::ops::RangeInclusive;
use std::sync::Arc;

use wire::{Payload, Timestamp};

use super::message::MessagePlan;
use super::wording::Wording;
use crate::reading::fields::text_ref;
use crate::reading::{Fields, Mistakes, Node, Value};
use crate::seed::Draws;

/// Most bytes of a payload: what fits a datagram.
pub const MOST_BYTES: usize = 65_507;

/// A payload, as it was stated.
#[derive(Clone, Debug, Default)]
pub struct PayloadPlan {
    parts: Vec<Part>,
    /// The whole, where it is always the same.
    fixed: Payload,
}

#[derive(Clone, Debug)]
enum Part {
    Bytes(Vec<u8>),
    Zeros(usize),
    Fill(RangeInclusive<u64>, usize),
    Words(Wording, &'static str),
    Random(usize),
    Counting(usize),
    Message(Arc<MessagePlan>),
}

const WANTED: &str = "\"zeros N\", \"fill BYTE N\", \"text …\", \"line …\", \"hex …\", \"random N\", \"alphabet N\", \"counting N\", a \
                      message table such as { message = \"snmp\" }, or a list of them; up to 65507 bytes";

impl PayloadPlan {
    /// Reads `payload`.
    pub fn read(fields: &mut Fields<'_, '_>) -> PayloadPlan {
        match fields.node("payload") {
            Some(node) => PayloadPlan::from_node(node, fields.mistakes()),
            None => PayloadPlan::default(),
        }
    }

    /// Reads a payload where it stands.
    pub fn from_node(node: &Node, mistakes: &mut Mistakes) -> PayloadPlan {
        let nodes = match &node.value {
            Value::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        let mut parts = Vec::new();
        for node in nodes {
            let part = match &node.value {
                Value::Table(_) => Some(Part::Message(Arc::new(MessagePlan::read(node, mistakes)))),
                value => text_ref(value).and_then(part),
            };
            match part {
                Some(part) => parts.push(part),
                None => mistakes.note(
                    &node.origin,
                    format!("payload = {}: it must be {WANTED}", node.to_line()),
                ),
            }
        }
        PayloadPlan::of(parts)
    }

    fn of(parts: Vec<Part>) -> PayloadPlan {
        let fixed = match parts.as_slice() {
            [Part::Zeros(count)] => Payload::zeros(*count),
            parts => {
                let bytes: Option<Vec<&[u8]>> = parts
                    .iter()
                    .map(|part| match part {
                        Part::Bytes(bytes) => Some(bytes.as_slice()),
                        _ => None,
                    })
                    .collect();
                Payload::new(bytes.unwrap_or_default().concat())
            }
        };
        let drawn = fixed.is_empty() && !parts.is_empty();
        PayloadPlan {
            parts: if drawn { parts } else { Vec::new() },
            fixed,
        }
    }

    /// Whether it never carries anything.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.fixed.is_empty()
    }

    /// The payload, where nothing of it is drawn; else none.
    pub fn next_fixed(&self) -> Payload {
        self.fixed.clone()
    }

    /// The payload of the next packet.
    #[inline]
    pub fn next(&self, draws: &mut Draws, now: Timestamp) -> Payload {
        if self.parts.is_empty() {
            return self.fixed.clone();
        }
        let mut out = Vec::new();
        for part in &self.parts {
            part.emit(&mut out, draws, now);
        }
        out.truncate(MOST_BYTES);
        Payload::new(out)
    }
}

impl Part {
    fn emit(&self, out: &mut Vec<u8>, draws: &mut Draws, now: Timestamp) {
        match self {
            Part::Bytes(bytes) => out.extend(bytes),
            Part::Zeros(count) => out.resize(out.len() + count, 0),
            Part::Fill(range, count) => {
                let byte = u8::try_from(draws.range(range.clone())).unwrap_or(u8::MAX);
                out.resize(out.len() + count, byte);
            }
            Part::Words(wording, end) => {
                out.extend(wording.say(draws, |_| String::new()).into_bytes());
                out.extend(end.bytes());
            }
            Part::Random(count) => {
                for _ in 0..count.div_ceil(8) {
                    out.extend(draws.word().to_le_bytes());
                }
                out.truncate(out.len() - (count.next_multiple_of(8) - count));
            }
            Part::Counting(count) => {
                let seconds = u32::try_from(now.seconds()).unwrap_or(u32::MAX);
                let stamp = [
                    seconds.to_be_bytes(),
                    (now.subsec_nanos() / 1000).to_be_bytes(),
                ]
                .concat();
                let rest = (8..=u8::MAX).chain(0..=u8::MAX).cycle();
                out.extend(stamp.into_iter().chain(rest).take(*count));
            }
            Part::Message(message) => out.extend(message.emit(draws, now)),
        }
    }
}

fn part(text: &str) -> Option<Part> {
    let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
    let count = |text: &str| {
        let count = text.trim().parse::<usize>().ok()?;
        (count <= MOST_BYTES).then_some(count)
    };
    Some(match kind {
        "zeros" => Part::Zeros(count(rest)?),
        "fill" => {
            let (byte, number) = rest.trim().rsplit_once(' ')?;
            Part::Fill(bytes(byte)?, count(number)?)
        }
        "text" => words(rest, "")?,
        "line" => words(rest, "\r\n")?,
        "hex" => Part::Bytes(hex(rest)?),
        "random" => Part::Random(count(rest)?),
        "alphabet" => Part::Bytes((b'a'..=b'w').cycle().take(count(rest)?).collect()),
        "counting" => Part::Counting(count(rest)?),
        _ => return None,
    })
}

fn words(text: &str, end: &'static str) -> Option<Part> {
    let wording = Wording::parse(text, &[])?;
    Some(match wording.fixed() {
        Some(plain) => Part::Bytes(format!("{plain}{end}").into_bytes()),
        None => Part::Words(wording, end),
    })
}

fn bytes(text: &str) -> Option<RangeInclusive<u64>> {
    let byte = |text: &str| match text.trim().strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => text.trim().parse::<u8>().ok(),
    };
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let (low, high) = (byte(low)?, byte(high)?);
    (low <= high).then_some(u64::from(low)..=u64::from(high))
}

/// Bytes written as pairs of digits, with spaces where one likes.
pub fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let pairs = digits.chunks_exact(2);
    (pairs.remainder().is_empty() && !digits.is_empty()).then_some(())?;
    pairs
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Pins, SeedTree};

    fn bytes_of(text: &str) -> Result<Vec<u8>, String> {
        let node = Node::parse("t", &format!("payload = {text}")).unwrap();
        let mut mistakes = Mistakes::default();
        let plan = PayloadPlan::read(&mut Fields::new("t", &node, &mut mistakes));
        match mistakes.0.first() {
            Some(mistake) => Err(mistake.message.clone()),
            None => Ok(plan
                .next(
                    &mut SeedTree::new(1, Pins::new()).draws("p"),
                    Timestamp::ZERO,
                )
                .to_vec()),
        }
    }

    #[test]
    fn a_payload_says_what_it_is_told_to_say() {
        assert_eq!(bytes_of("'zeros 3'"), Ok(vec![0; 3]));
        assert_eq!(
            bytes_of("['text OPNG', 'hex 0d 0a']"),
            Ok(b"OPNG\r\n".to_vec())
        );
        assert_eq!(bytes_of("'line HELO x'"), Ok(b"HELO x\r\n".to_vec()));
        assert_eq!(
            bytes_of("'alphabet 25'"),
            Ok(b"abcdefghijklmnopqrstuvwab".to_vec())
        );
        assert_eq!(bytes_of("'random 13'").unwrap().len(), 13);
        let filled = bytes_of("'fill 65..124 300'").unwrap();
        assert!(filled.len() == 300 && filled.iter().all(|byte| *byte == filled[0]));
    }

    #[test]
    fn a_mistake_says_what_would_be_right() {
        for wrong in [
            "'zeros 65508'",
            "'hex abc'",
            "'nothing'",
            "7",
            "{ message = 'none' }",
        ] {
            assert!(bytes_of(wrong).is_err(), "{wrong}");
        }
    }
}

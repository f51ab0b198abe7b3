//! Changes to an input that leave most of its structure whole: fields of binary records, and numbers, values and lines of
//! text.

use fastrand::Rng;

/// What inputs of a target look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Bytes with fields of one, two, four and eight.
    Binary,
    /// A classic pcap: its records stay records, most of the time.
    Capture,
    /// Lines of text.
    Text,
}

/// Numbers at which programs go wrong.
const EDGES: [&str; 18] = [
    "0",
    "1",
    "-1",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "1e308",
    "0.0000001",
    "99999999999999999999999",
];
/// Values that a place of a text does not expect.
const ODD: [&str; 14] = [
    "\"\"",
    "[]",
    "{}",
    "true",
    "\"0s\"",
    "\"1ns\"",
    "\"3650d\"",
    "\"1..9223372036854775807\"",
    "\"1000000000/s\"",
    "\"100%\"",
    "\"::\"",
    "\"0.0.0.0/0\"",
    "null",
    "\"\u{0}\u{fffd}\u{202e}\"",
];
/// No input grows beyond.
const MOST: usize = 1 << 20;
/// Bytes of the header of a classic pcap, and of each record.
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// A changed input; `other` lends pieces.
pub fn mutate(form: Form, input: &[u8], other: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut output = input.to_vec();
    for _ in 0..=rng.u8(..4) {
        match form {
            Form::Text => text(&mut output, other, rng),
            Form::Capture if rng.u8(..8) > 0 => record(&mut output, rng),
            Form::Capture | Form::Binary => binary(&mut output, other, rng),
        }
    }
    output.truncate(MOST);
    output
}

fn place(length: usize, rng: &mut Rng) -> usize {
    if length == 0 { 0 } else { rng.usize(..length) }
}

fn binary(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let at = place(bytes.len(), rng);
    match rng.u8(..7) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << rng.u8(..8);
            }
        }
        1..=3 => field(bytes, at, rng),
        4 => bytes.truncate(at),
        5 => {
            let piece = rng.usize(..64);
            let copied: Vec<u8> = bytes.iter().skip(at).take(piece).copied().collect();
            let to = place(bytes.len(), rng);
            bytes.splice(to..to, copied);
        }
        _ => {
            let from = place(other.len(), rng);
            let piece = rng.usize(..256);
            let lent: Vec<u8> = other.iter().skip(from).take(piece).copied().collect();
            let end = at.saturating_add(lent.len()).min(bytes.len());
            bytes.splice(at..end, lent);
        }
    }
}

/// Overwrites a field with a number at the edge of what it holds, or with any.
fn field(bytes: &mut [u8], at: usize, rng: &mut Rng) {
    let size = 1 << rng.u32(..4);
    let value = match rng.u8(..6) {
        0 => 0,
        1 => u64::MAX,
        2 => 1,
        3 => 1 << rng.u32(..64),
        4 => u64::MAX >> rng.u32(..64),
        _ => rng.u64(..),
    };
    let value = if rng.bool() {
        value.to_be_bytes()
    } else {
        value.to_le_bytes()
    };
    for (to, from) in bytes.iter_mut().skip(at).take(size).zip(value) {
        *to = from;
    }
}

/// Changes the frame of one record, and its length with it.
fn record(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let mut records = Vec::new();
    let mut at = FILE_HEADER;
    while let Some(&[a, b, c, d]) = bytes.get(at + 8..at + 12) {
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let end = at.saturating_add(RECORD_HEADER).saturating_add(length);
        if end > bytes.len() {
            break;
        }
        records.push((at, end));
        at = end;
    }
    let Some(&(at, end)) = rng.choice(&records) else {
        return;
    };
    let body = at + RECORD_HEADER;
    match rng.u8(..8) {
        // The same record once more, elsewhere.
        0 => {
            let copied = bytes.get(at..end).unwrap_or_default().to_vec();
            let to = rng.choice(&records).map_or(at, |(to, _)| *to);
            bytes.splice(to..to, copied);
        }
        // Its times.
        1 => field(bytes, at + place(8, rng), rng),
        // Cut.
        2 => {
            let kept = body + place(end - body, rng);
            bytes.drain(kept..end);
            let length = u32::try_from(kept - body).unwrap_or(u32::MAX).to_le_bytes();
            if let Some(room) = bytes.get_mut(at + 8..at + 12) {
                room.copy_from_slice(&length);
            }
        }
        // A field of a header more often than one of the payload.
        _ => {
            let head = (end - body).min(if rng.bool() { 64 } else { usize::MAX });
            field(bytes, body + place(head, rng), rng);
        }
    }
}

fn text(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let changed = match rng.u8(..8) {
        0..=2 => number(&text, rng),
        3 => value(&text, rng),
        4..=5 => lines(&text, &String::from_utf8_lossy(other), rng),
        _ => None,
    };
    match changed {
        Some(text) => *bytes = text.into_bytes(),
        None => binary(bytes, other, rng),
    }
}

/// Puts a number at an edge in place of one.
fn number(text: &str, rng: &mut Rng) -> Option<String> {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let starts: Vec<usize> = (0..text.len())
        .filter(|at| text.as_bytes().get(*at).is_some_and(is_digit))
        .filter(|at| *at == 0 || !text.as_bytes().get(at - 1).is_some_and(is_digit))
        .collect();
    let start = *rng.choice(&starts)?;
    let length = text
        .get(start..)?
        .bytes()
        .take_while(u8::is_ascii_digit)
        .count();
    let edge = rng.choice(EDGES)?;
    Some([text.get(..start)?, edge, text.get(start + length..)?].concat())
}

/// Puts something odd behind an equals sign or a colon.
fn value(text: &str, rng: &mut Rng) -> Option<String> {
    let starts: Vec<usize> = text
        .match_indices(['=', ':'])
        .map(|(at, _)| at + 1)
        .collect();
    let start = *rng.choice(&starts)?;
    let rest = text.get(start..)?;
    let end = start + rest.find(['\n', ',', '}']).unwrap_or(rest.len());
    let odd = rng.choice(ODD)?;
    Some([text.get(..start)?, " ", odd, text.get(end..)?].concat())
}

/// Takes a line out, doubles one, or takes one of another input.
fn lines(text: &str, other: &str, rng: &mut Rng) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let others: Vec<&str> = other.lines().collect();
    let at = place(lines.len(), rng);
    match rng.u8(..3) {
        0 if !lines.is_empty() => drop(lines.remove(at)),
        1 => {
            let line = *rng.choice(&lines)?;
            lines.insert(at, line);
        }
        _ => lines.insert(at, rng.choice(&others)?),
    }
    Some(lines.join("\n") + "\n")
}

//! NTP messages, RFC 5905, as verbose listings print them.

use messages::ntp::Message;

/// What the four times are called, and their differences.
const NAMES: [&str; 4] = [
    "Reference Timestamp:",
    "Originator Timestamp:",
    "Receive Timestamp:",
    "Transmit Timestamp:",
];

const DIFFERENCES: [&str; 2] = [
    "Originator - Receive Timestamp:",
    "Originator - Transmit Timestamp:",
];

/// A message of that version and mode with what the lines say, in `length` bytes; and whether they say anything.
pub(super) fn emit(version: u8, mode: u8, lines: &[String], length: usize) -> (Vec<u8>, bool) {
    let [reference, origin, receive, transmit] = times(lines);
    let mut message = Message {
        version,
        mode,
        reference,
        origin,
        receive,
        transmit,
        ..Message::default()
    };
    for line in lines.iter().map(|line| line.trim()) {
        if line.starts_with("Leap indicator") {
            message.leap = byte(line, "(");
            message.stratum = byte(line, "Stratum ");
            message.poll = byte(line, "poll ").cast_signed();
            message.precision = byte(line, "precision ").cast_signed();
        } else if line.starts_with("Root Delay") {
            message.root_delay = short(line, "Root Delay: ");
            message.root_dispersion = short(line, "dispersion: ");
            message.reference_id = reference_id(line);
        }
    }
    let mut bytes = message.emit();
    bytes.resize(length, 0);
    (bytes, !lines.is_empty())
}

/// The number behind a key as a byte, of a negative one in two's complement.
fn byte(line: &str, key: &str) -> u8 {
    let value = number(line, key).and_then(|value| i16::try_from(value).ok());
    let [_, low] = value.unwrap_or(0).to_be_bytes();
    low
}

/// The decimal behind a key in 2^-16 s.
fn short(line: &str, key: &str) -> u32 {
    fixed(line, key, 16, 0)
        .and_then(|value| u32::try_from(value).ok())
        .unwrap_or(0)
}

/// The four times. Nine digits stand for four or five values each: those are taken whose differences are printed as they are.
fn times(lines: &[String]) -> [u64; 4] {
    let of = |name: &str, extra| {
        lines
            .iter()
            .find_map(|line| fixed(line.trim().strip_prefix(name)?, "", 32, extra))
    };
    let [reference, originator, receive, transmit] =
        NAMES.map(|name| [of(name, 0).unwrap_or(0), of(name, 1).unwrap_or(0)]);
    let told = |name: &str| {
        lines.iter().find_map(|line| {
            line.trim()
                .strip_prefix(name)?
                .trim()
                .strip_prefix(['+', '-'])
        })
    };
    let differences = DIFFERENCES.map(told);
    let least = |[least, _]: [u64; 2]| least;
    let mut best = [originator, receive, transmit].map(least);
    for choice in 0..8usize {
        let pick =
            |[least, most]: [u64; 2], bit: usize| if choice & bit == 0 { least } else { most };
        let [from, first, second] = [pick(originator, 1), pick(receive, 2), pick(transmit, 4)];
        let fits = |to: u64, told: &Option<&str>| {
            told.is_none_or(|told| decimal(to.abs_diff(from)) == told)
        };
        let [a, b] = &differences;
        if fits(first, a) && fits(second, b) {
            best = [from, first, second];
            break;
        }
    }
    let [from, first, second] = best;
    [least(reference), from, first, second]
}

/// A fixed-point number as tcpdump prints it.
fn decimal(value: u64) -> String {
    let fraction = (u128::from(value & u64::from(u32::MAX)) * 1_000_000_000) >> 32;
    format!("{}.{fraction:09}", value >> 32)
}

/// The whole number behind a key.
fn number(line: &str, key: &str) -> Option<i64> {
    let (_, rest) = line.split_once(key)?;
    let digits = rest
        .split(|c: char| c != '-' && !c.is_ascii_digit())
        .next()?;
    digits.parse().ok()
}

/// The decimal behind a key as a fixed-point number with so many bits of fraction: the least that is printed so, because
/// tcpdump rounds down, or with `extra` the largest.
fn fixed(line: &str, key: &str, bits: u32, extra: u128) -> Option<u64> {
    let (_, rest) = line.split_once(key)?;
    let (whole, rest) = rest.trim_start().split_once('.')?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let scale = 10u128.checked_pow(u32::try_from(digits.len()).ok()?)?;
    let fraction = digits.parse::<u128>().ok()? + extra;
    let fraction = fraction.checked_mul(1 << bits)?.div_ceil(scale) - extra;
    let whole = whole.parse::<u128>().ok()?.checked_mul(1 << bits)?;
    u64::try_from(whole.checked_add(fraction)?).ok()
}

/// The four bytes that name the reference: a number, an address or letters.
fn reference_id(line: &str) -> [u8; 4] {
    let Some((_, text)) = line.split_once("Reference-ID: ") else {
        return [0; 4];
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).unwrap_or(0).to_be_bytes();
    }
    if let Ok(address) = text.parse::<std::net::Ipv4Addr>() {
        return address.octets();
    }
    let mut letters = [0; 4];
    if !text.starts_with('(') {
        letters
            .iter_mut()
            .zip(text.bytes())
            .for_each(|(to, from)| *to = from);
    }
    letters
}

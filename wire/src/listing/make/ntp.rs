//! NTP messages, RFC 5905, as verbose listings print them.

/// Bytes of a message without extensions.
const BYTES: usize = 48;
/// What the first of the four times begins at.
const TIMES: usize = 16;
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
    let mut message = vec![0; BYTES];
    let mut put = |at: usize, bytes: &[u8]| {
        for (place, byte) in (at..).zip(bytes) {
            if let Some(room) = message.get_mut(place) {
                *room = *byte;
            }
        }
    };
    let mut leap = 0u8;
    for line in lines.iter().map(|line| line.trim()) {
        if line.starts_with("Leap indicator") {
            leap = number(line, "(")
                .and_then(|leap| u8::try_from(leap).ok())
                .unwrap_or(0)
                & 3;
            let byte = |key| number(line, key).and_then(|value| i16::try_from(value).ok());
            for (at, key) in [(1, "Stratum "), (2, "poll "), (3, "precision ")] {
                let [_, low] = byte(key).unwrap_or(0).to_be_bytes();
                put(at, &[low]);
            }
        } else if line.starts_with("Root Delay") {
            let short = |key| fixed(line, key, 16, 0).and_then(|value| u32::try_from(value).ok());
            put(4, &short("Root Delay: ").unwrap_or(0).to_be_bytes());
            put(8, &short("dispersion: ").unwrap_or(0).to_be_bytes());
            put(12, &reference(line));
        }
    }
    for (n, time) in times(lines).iter().enumerate() {
        put(TIMES + 8 * n, &time.to_be_bytes());
    }
    put(0, &[(leap << 6) | ((version & 7) << 3) | (mode & 7)]);
    message.resize(length, 0);
    (message, !lines.is_empty())
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
fn reference(line: &str) -> [u8; 4] {
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

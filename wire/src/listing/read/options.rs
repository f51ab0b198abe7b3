//! TCP options as tcpdump prints them, once between `<` and `>` and now between `[` and `]`.
//!
//! Known are the options of RFC 9293, 2018 and 7323, and any other as `unknown-KIND 0xHEX` or `opt-KIND:HEX`. Not read
//! are those with a notation of their own, such as MPTCP.

use super::cursor::Cursor;
use crate::listing::error::Read;
use crate::listing::said::{OptionSaid, TcpSaid};

/// Reads a list up to `end`, behind its opening bracket.
pub(super) fn read(cursor: &mut Cursor<'_>, end: &'static str, tcp: &mut TcpSaid) -> Read<()> {
    if cursor.eat(end) {
        return Ok(());
    }
    loop {
        if cursor.eat("[|tcp]") {
            tcp.options_cut = true;
            // Once the bracket was closed, and once it was not.
            cursor.eat(end);
            return Ok(());
        }
        let option = one(cursor, tcp)?;
        tcp.options.push(option);
        if cursor.eat(end) {
            return Ok(());
        }
        if cursor.rest().starts_with("[|tcp]") {
            continue;
        }
        cursor.expect(",")?;
    }
}

fn one(cursor: &mut Cursor<'_>, tcp: &mut TcpSaid) -> Read<OptionSaid> {
    for (names, option) in PLAIN {
        if names.iter().any(|name| cursor.eat_word(name)) {
            return Ok(option);
        }
    }
    if cursor.eat_word("mss") {
        return Ok(OptionSaid::Mss(cursor.number("a segment size")?));
    }
    if cursor.eat_word("wscale") {
        return Ok(OptionSaid::WindowScale(cursor.number("a shift count")?));
    }
    if cursor.eat_word("timestamp") {
        let value = cursor.number("a time")?;
        return timestamps(cursor, value, tcp);
    }
    if cursor.eat_word("TS") {
        cursor.expect("val")?;
        let value = cursor.number("a time")?;
        cursor.expect("ecr")?;
        return timestamps(cursor, value, tcp);
    }
    if cursor.eat_word("sack") {
        return sack(cursor);
    }
    other(cursor)
}

const PLAIN: [(&[&str], OptionSaid); 3] = [
    (&["eol"], OptionSaid::EndOfList),
    (&["nop"], OptionSaid::NoOperation),
    (&["sackOK"], OptionSaid::SackPermitted),
];

/// The second of two times, which may be behind the cut.
fn timestamps(cursor: &mut Cursor<'_>, value: u32, tcp: &mut TcpSaid) -> Read<OptionSaid> {
    let echo = if cursor.rest().starts_with("[|tcp]") {
        tcp.options_cut = true;
        0
    } else {
        cursor.number("an echoed time")?
    };
    Ok(OptionSaid::Timestamps(value, echo))
}

/// `sack 1 {2921:4381}`; some versions said `sack` twice.
fn sack(cursor: &mut Cursor<'_>) -> Read<OptionSaid> {
    cursor.eat_word("sack");
    let count: usize = cursor.number("a number of blocks")?;
    let mut blocks = Vec::new();
    for _ in 0..count.min(4) {
        cursor.expect("{")?;
        let left = cursor.number("a sequence number")?;
        cursor.expect(":")?;
        let right = cursor.number("a sequence number")?;
        cursor.expect("}")?;
        blocks.push((left, right));
    }
    Ok(OptionSaid::Sack(blocks))
}

fn other(cursor: &mut Cursor<'_>) -> Read<OptionSaid> {
    let wanted = "a TCP option";
    if !cursor.eat("unknown-") && !cursor.eat("opt-") {
        return Err(cursor.unexpected(wanted));
    }
    let kind = cursor.number("the kind of an option")?;
    cursor.eat(":");
    let rest = cursor.rest().trim_start_matches("0x");
    let length = rest
        .find(|c: char| !c.is_ascii_hexdigit())
        .unwrap_or(rest.len());
    let digits = rest.get(..length).unwrap_or_default();
    if cursor.eat("0x") || length > 0 {
        cursor.advance(length);
    }
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    Ok(OptionSaid::Other(kind, pairs.filter_map(byte).collect()))
}

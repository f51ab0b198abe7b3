//! TCP options as tcpdump prints them, once between `<` and `>` and now between `[` and `]`.
//!
//! Known are the options of RFC 9293, 2018 and 7323, and any other as `unknown-KIND 0xHEX` or `opt-KIND:HEX`. Not read
//! are those with a notation of their own, such as MPTCP.

use super::cursor::Cursor;
use crate::error::Read;
use crate::said::{OptionSaid, TcpSaid};

/// Reads a list up to `end`, behind its opening bracket.
pub(super) fn read(cursor: &mut Cursor<'_>, end: &'static str, tcp: &mut TcpSaid) -> Read<()> {
    if cursor.eat(end) {
        return Ok(());
    }
    loop {
        if cursor.eat("[|tcp]") {
            tcp.options_cut = true;
            // Once the bracket was closed, once it was not, and once by another one.
            cursor.eat(end);
            cursor.eat(">");
            return Ok(());
        }
        let option = one(cursor, tcp)?;
        tcp.options.extend(option);
        if tcp.options_cut {
            cursor.eat("[|tcp]");
            cursor.eat(end);
            cursor.eat(">");
            return Ok(());
        }
        if cursor.eat(end) {
            return Ok(());
        }
        if cursor.rest().starts_with("[|tcp]") {
            continue;
        }
        cursor.expect(",")?;
    }
}

/// An option; none where it is cut off in its middle.
fn one(cursor: &mut Cursor<'_>, tcp: &mut TcpSaid) -> Read<Option<OptionSaid>> {
    for (names, option) in PLAIN {
        if names.iter().any(|name| cursor.eat_word(name)) {
            return Ok(Some(option));
        }
    }
    let is_cut = |cursor: &Cursor<'_>| cursor.rest().starts_with("[|tcp]");
    for name in ["mss", "wscale", "timestamp", "TS val", "TS", "sack"] {
        let mut behind = *cursor;
        if behind.eat_word(name) && is_cut(&behind) {
            tcp.options_cut = true;
            *cursor = behind;
            return Ok(None);
        }
    }
    if cursor.eat_word("mss") {
        return Ok(Some(OptionSaid::Mss(cursor.number("a segment size")?)));
    }
    if cursor.eat_word("wscale") {
        return Ok(Some(OptionSaid::WindowScale(
            cursor.number("a shift count")?,
        )));
    }
    if cursor.eat_word("timestamp") {
        let value = cursor.number("a time")?;
        return timestamps(cursor, value, tcp).map(Some);
    }
    if cursor.eat_word("TS") {
        cursor.expect("val")?;
        let value = cursor.number("a time")?;
        if !is_cut(cursor) {
            cursor.expect("ecr")?;
        }
        return timestamps(cursor, value, tcp).map(Some);
    }
    if cursor.eat_word("sack") {
        return sack(cursor).map(Some);
    }
    other(cursor).map(Some)
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

//! TCP segments, as tcpdump prints them today and as it printed them until 2009.
//!
//! ```text
//! Flags [S], seq 1:65, ack 1, win 64240, options [mss 1460,sackOK], length 64
//! S 1:65(64) ack 1 win 8192 <mss 1460> (DF)
//! ```
//!
//! Of old lines, fields may be missing that editors left out, and the dot of a segment without other flags.

use wire::tcp::Flags;

use super::cursor::Cursor;
use super::options;
use crate::error::Read;
use crate::said::{Sum, TcpSaid};

/// Letters of the old style.
const OLD_LETTERS: &str = "SFRPWE.";

/// Whether today's style comes next.
pub(super) fn is_new(cursor: &Cursor<'_>) -> bool {
    cursor.rest().starts_with("Flags [")
}

/// Whether the old style comes next.
pub(super) fn is_old(cursor: &Cursor<'_>) -> bool {
    let word = cursor.peek();
    let letters = !word.is_empty() && word.chars().all(|letter| OLD_LETTERS.contains(letter));
    letters || matches!(word, "ack" | "win" | "tcp" | "[|tcp]")
}

/// Reads today's style.
pub(super) fn new_style(cursor: &mut Cursor<'_>) -> Read<TcpSaid> {
    let mut tcp = TcpSaid::default();
    cursor.expect("Flags [")?;
    let letters = cursor.until("]")?;
    let flags = letters.text.parse::<Flags>();
    tcp.flags = Some(flags.map_err(|_| letters.unexpected("letters of FSRP.UEWe, or none"))?);
    cursor.expect(",")?;
    if cursor.eat("cksum") {
        tcp.sum = sum(cursor)?;
        cursor.expect(",")?;
    }
    if cursor.eat("seq") {
        let sequence: u32 = cursor.number("a sequence number")?;
        tcp.sequence = Some(sequence);
        if cursor.eat(":") {
            let end: u32 = cursor.number("a sequence number")?;
            tcp.length = usize::try_from(end.wrapping_sub(sequence)).ok();
        }
        cursor.expect(",")?;
    }
    if cursor.eat("ack") {
        tcp.acknowledgment = Some(cursor.number("an acknowledgment number")?);
        cursor.expect(",")?;
    }
    cursor.expect("win")?;
    tcp.window = Some(cursor.number("a window")?);
    cursor.expect(",")?;
    if cursor.eat("urg") {
        tcp.urgent = Some(cursor.number("an urgent pointer")?);
        cursor.expect(",")?;
    }
    if cursor.eat("options [") {
        options::read(cursor, "]", &mut tcp)?;
        if tcp.options_cut && cursor.is_done() {
            return Ok(tcp);
        }
        cursor.expect(",")?;
    }
    cursor.expect("length")?;
    tcp.length = Some(cursor.number("a length")?);
    carried(cursor.finish(), &mut tcp);
    Ok(tcp)
}

/// `0x1234 (correct)` or `0x1234 (incorrect -> 0x5678)`.
fn sum(cursor: &mut Cursor<'_>) -> Read<Sum> {
    let sent = cursor.hex("a checksum")?;
    if cursor.eat("(correct)") {
        return Ok(Sum::Is(sent));
    }
    cursor.expect("(incorrect")?;
    let right = if cursor.eat("->") {
        Some(cursor.hex("a checksum")?)
    } else {
        None
    };
    cursor.until(")")?;
    Ok(Sum::Wrong(Some(sent), right))
}

/// Reads what stands behind the length: `: FTP: USER guest`, or `: FTP, length: 12`, behind which the text follows in lines
/// of its own.
fn carried(rest: &str, tcp: &mut TcpSaid) {
    let Some(rest) = rest.strip_prefix(": ") else {
        tcp.lost = (!rest.trim().is_empty()).then(|| rest.trim().to_owned());
        return;
    };
    let is_name = |name: &str| TEXTS.contains(&name);
    if let Some((name, _)) = rest.split_once(", length: ") {
        tcp.text_follows = is_name(name);
    } else if let Some((_, text)) = rest.split_once(':').filter(|(name, _)| is_name(name)) {
        tcp.text = Some(text.strip_prefix(' ').unwrap_or(text).to_owned());
    }
    // A name alone is what the port says.
    let is_word = rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !tcp.text_follows && tcp.text.is_none() && !is_word {
        tcp.lost = Some(rest.to_owned());
    }
}

/// Protocols of which tcpdump prints the text as it is.
const TEXTS: [&str; 8] = ["FTP", "HTTP", "IMAP", "POP3", "RTSP", "SIP", "SMTP", "SSH"];

/// Reads the old style.
pub(super) fn old_style(cursor: &mut Cursor<'_>) -> Read<TcpSaid> {
    let mut tcp = TcpSaid::default();
    if cursor.rest().starts_with("[|tcp]") {
        tcp.lost = Some("[|tcp]".to_owned());
    }
    if cursor.eat_word("tcp") || cursor.eat("[|tcp]") {
        return short(cursor, tcp);
    }
    let mut flags = letters(cursor);
    if cursor.eat("[ECN-Echo,CWR]") {
        flags |= Flags::ECE | Flags::CWR;
    } else if cursor.eat("[ECN-Echo]") {
        flags |= Flags::ECE;
    } else if cursor.eat("[CWR]") {
        flags |= Flags::CWR;
    }
    old_sum(cursor, &mut tcp)?;
    if cursor.rest().starts_with(|c: char| c.is_ascii_digit()) {
        range(cursor, &mut tcp)?;
    }
    if cursor.eat_word("ack") {
        tcp.acknowledgment = Some(cursor.number("an acknowledgment number")?);
        flags |= Flags::ACK;
    }
    // Editors lost the word, or the number behind it.
    let digit = |cursor: &Cursor<'_>| cursor.rest().starts_with(|c: char| c.is_ascii_digit());
    let named = cursor.eat_word("win") && cursor.is_done();
    if named || digit(cursor) {
        tcp.window = Some(cursor.number("a window")?);
    }
    if cursor.eat_word("urg") {
        tcp.urgent = Some(cursor.number("an urgent pointer")?);
        flags |= Flags::URG;
    }
    if cursor.eat("<") {
        options::read(cursor, ">", &mut tcp)?;
    }
    tcp.flags = Some(flags);
    Ok(tcp)
}

fn letters(cursor: &mut Cursor<'_>) -> Flags {
    let word = cursor.peek();
    if !word.chars().all(|letter| OLD_LETTERS.contains(letter)) {
        return Flags::NONE;
    }
    cursor.advance(word.len());
    // The dot once said that none of the others is set; ACK is said by its number.
    let letters: String = word.chars().filter(|letter| *letter != '.').collect();
    letters.parse().unwrap_or(Flags::NONE)
}

/// `[tcp sum ok]` or `[bad tcp cksum 1234 (->5678)!]`.
fn old_sum(cursor: &mut Cursor<'_>, tcp: &mut TcpSaid) -> Read<()> {
    if cursor.eat("[tcp sum ok]") || !cursor.eat("[bad tcp cksum") {
        return Ok(());
    }
    let sent = cursor.hex("a checksum")?;
    let right = if cursor.eat("(->") {
        let right = cursor.hex("a checksum")?;
        cursor.expect(")")?;
        Some(right)
    } else {
        None
    };
    cursor.expect("!]")?;
    tcp.sum = Sum::Wrong(Some(sent), right);
    Ok(())
}

/// `1:65(64)`.
fn range(cursor: &mut Cursor<'_>, tcp: &mut TcpSaid) -> Read<()> {
    tcp.sequence = Some(cursor.number("a sequence number")?);
    cursor.expect(":")?;
    let _: u32 = cursor.number("a sequence number")?;
    cursor.expect("(")?;
    tcp.length = Some(cursor.number("a length")?);
    cursor.expect(")")
}

/// `tcp 64`, as `-q` prints it; `tcp [bad hdr length 8 - too short, < 20]`; and a header that was cut off.
fn short(cursor: &mut Cursor<'_>, mut tcp: TcpSaid) -> Read<TcpSaid> {
    if cursor.eat("[bad hdr length") {
        let bytes: u8 = cursor.number("a header length")?;
        tcp.bad_offset = Some(bytes / 4);
        cursor.until("]")?;
    } else if cursor.rest().starts_with(|c: char| c.is_ascii_digit()) {
        tcp.length = Some(cursor.number("a length")?);
    }
    Ok(tcp)
}

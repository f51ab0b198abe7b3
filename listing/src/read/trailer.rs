//! What old listings print of the network header, behind the rest: `(DF) [tos 0x10] (ttl 64, id 1234, len 60)`.

use wire::ipv4;

use super::cursor::Cursor;
use crate::error::Read;
use crate::said::{IpSaid, Said};

/// How a trailer begins.
pub(super) const OPENINGS: [&str; 9] = [
    "[bad hdr", "(DF", "(DP)", "[tos", "(ttl", "ttl ", "(frag", "[ttl", "(id",
];

/// Reads trailers up to the end of the text. Behind what an ICMP message quotes, `[ttl 1]` and `(id 7)` are those of the
/// quoted packet.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    ip: &mut IpSaid,
    mut quoted: Option<&mut IpSaid>,
) -> Read<()> {
    while !cursor.is_done() {
        let own = quoted.as_deref_mut().filter(|_| of_quoted(cursor));
        match own {
            Some(quoted) => one(cursor, quoted)?,
            None => one(cursor, ip)?,
        }
    }
    // What these listings do not print is not so.
    ip.flags.get_or_insert(0);
    ip.tos.get_or_insert(0);
    Ok(())
}

fn of_quoted(cursor: &Cursor<'_>) -> bool {
    ["[ttl", "(id"]
        .iter()
        .any(|opening| cursor.rest().starts_with(opening))
}

fn one(cursor: &mut Cursor<'_>, ip: &mut IpSaid) -> Read<()> {
    // The second is how scanners of paper read the first.
    if cursor.eat("(DF)") || cursor.eat("(DP)") {
        *ip.flags.get_or_insert(0) |= ipv4::DONT_FRAGMENT;
    } else if cursor.eat("[tos") {
        ip.tos = Some(cursor.hex("a type of service")?);
        // ECN in words, which the number has said.
        cursor.until("]")?;
    } else if cursor.eat("[ttl") {
        ip.ttl = Some(cursor.number("a time to live")?);
        cursor.expect("]")?;
    } else if cursor.eat("(id") {
        ip.identification = Some(cursor.number("an identification")?);
        cursor.expect(")")?;
    } else if cursor.eat("[bad") {
        // What is wrong with a header above, of which the numbers before have told.
        cursor.until("]")?;
    } else if cursor.eat("(frag") {
        fragment(cursor, ip)?;
    } else if cursor.eat("(ttl") || cursor.eat("ttl ") {
        lifetime(cursor, ip)?;
    } else {
        return Err(cursor.unexpected("(DF), [tos …], (frag …), (ttl …) or the end"));
    }
    Ok(())
}

/// `64, id 1234, len 60, bad cksum 1234!)`, of which only the first must be there.
fn lifetime(cursor: &mut Cursor<'_>, ip: &mut IpSaid) -> Read<()> {
    ip.ttl = Some(cursor.number("a time to live")?);
    while cursor.eat(",") {
        if cursor.eat("id") {
            ip.identification = Some(cursor.number("an identification")?);
        } else if cursor.eat("len") {
            ip.length = Some(cursor.number("a length")?);
        } else {
            cursor.expect("bad cksum")?;
            ip.bad_checksum = Some(cursor.hex("a checksum")?);
            if cursor.eat("(->") {
                cursor.until(")")?;
            }
            cursor.eat("!");
        }
    }
    cursor.expect(")")
}

/// `123:1480@0+)`: identification, bytes, offset in bytes, and whether more follow.
fn fragment(cursor: &mut Cursor<'_>, ip: &mut IpSaid) -> Read<()> {
    ip.identification = Some(cursor.number("an identification")?);
    cursor.expect(":")?;
    ip.fragment_length = Some(cursor.number("a length")?);
    cursor.expect("@")?;
    ip.offset = Some(cursor.number("an offset")?);
    if cursor.eat("+") {
        *ip.flags.get_or_insert(0) |= ipv4::MORE_FRAGMENTS;
    }
    cursor.expect(")")
}

/// What stands before the trailers, where a text has some.
pub(super) fn text_before(rest: &str) -> &str {
    let mut starts: Vec<usize> = OPENINGS
        .iter()
        .flat_map(|opening| rest.match_indices(opening))
        .map(|(at, _)| at)
        .collect();
    starts.sort_unstable();
    let whole = |at: &usize| {
        let mut cursor = Cursor::new(rest.get(*at..).unwrap_or_default());
        read(&mut cursor, &mut IpSaid::default(), None).is_ok()
    };
    let last = starts.len().saturating_sub(MOST);
    let start = starts
        .into_iter()
        .skip(last)
        .find(whole)
        .unwrap_or(rest.len());
    rest.get(..start).unwrap_or(rest)
}

/// Trailers that a packet can have.
const MOST: usize = 8;

/// What stands behind the rest, in the old style.
pub(super) fn old_style(cursor: &mut Cursor<'_>, said: &mut Said, bare: bool) -> Read<()> {
    let told = (said.ip.tos, said.ip.flags);
    read(cursor, &mut said.ip, None)?;
    if !bare {
        // Behind `IP`, what is not printed need not be so.
        let given =
            |before: Option<u8>, after: Option<u8>| before.or(after.filter(|value| *value != 0));
        said.ip.tos = given(told.0, said.ip.tos);
        said.ip.flags = given(told.1, said.ip.flags);
    }
    Ok(())
}

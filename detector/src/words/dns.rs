//! Messages of DNS, RFC 1035: what they ask, and which addresses they name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::word::{Asked, Word};

/// Addresses of one answer that are read: large services give a dozen and more.
const MOST_NAMED: usize = 24;
/// Bytes of a label, RFC 1035 section 2.3.4.
const MOST_LABEL: u8 = 63;
/// Stands for the type of a question whose end is missing; no type has this number.
const UNREAD: u16 = 0;
/// Records of one answer that are read.
const MOST_RECORDS: u16 = 48;

/// Of which kind the name is with which a question begins.
fn asked(question: &[u8]) -> Asked {
    const LOOPBACK: &[u8] = b"\x011\x010\x010\x03127\x07in-addr\x04arpa\0";
    let begins = |name: &[u8]| {
        question
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    if begins(b"\0") || begins(LOOPBACK) {
        Asked::Idly
    } else {
        Asked::Name
    }
}

/// A message of DNS, from its flags on.
pub(super) fn message(bytes: &[u8]) -> Word {
    let [flags, more, several, questions, _, _, _, _, _, _, name @ ..] = bytes else {
        return Word::Other;
    };
    if flags & 0x80 != 0 {
        // Operations of RFC 1035, 1996 and 2136; nobody asks more than one question at once.
        let known = flags >> 3 & 15 <= 5 && *several == 0 && *questions <= 1;
        // What a server cannot read, it repeats no more of than its number and operation.
        let unread = name.is_empty() && matches!(more & 15, 1 | 4);
        return if known || unread {
            Word::DnsAnswer(u16::from(more & 15))
        } else {
            Word::Other
        };
    }
    let mut rest = name;
    while let [length, after @ ..] = rest {
        if *length == 0 {
            return match after {
                [a, b, ..] if *questions == 1 => {
                    Word::DnsQuestion(u16::from_be_bytes([*a, *b]), asked(name))
                }
                _ => Word::Other,
            };
        }
        let Some(next) = after.get(usize::from(*length)..) else {
            // The sensor keeps the beginnings of packets: of a question, all but the end of its name.
            let question = matches!(bytes, [_, _, 0, 1, 0, 0, 0, 0, ..]) && *length <= MOST_LABEL;
            return if question {
                Word::DnsQuestion(UNREAD, asked(name))
            } else {
                Word::Other
            };
        };
        rest = next;
    }
    Word::Other
}

/// What an answer of DNS names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// At most so many.
    pub(crate) addresses: Vec<IpAddr>,
    /// Nothing of the answer is missing.
    pub(crate) whole: bool,
    /// Records that it says it has.
    pub(crate) records: u16,
}

/// The addresses that an answer of DNS names.
pub(crate) fn named_addresses(bytes: &[u8]) -> Named {
    let mut named = Named::default();
    named.records = match bytes {
        [_, _, _, _, _, _, a, b, ..] => u16::from_be_bytes([*a, *b]).min(MOST_RECORDS),
        _ => 0,
    };
    named.whole = read_records(bytes, &mut named.addresses).is_some();
    named
}

/// `None` where the answer is cut, or is none.
fn read_records(bytes: &[u8], found: &mut Vec<IpAddr>) -> Option<()> {
    let [_, _, flags, _, 0, questions, a, b, _, _, _, _, rest @ ..] = bytes else {
        return None;
    };
    if flags & 0x80 == 0 {
        return None;
    }
    let mut rest = rest;
    for _ in 0..*questions {
        rest = skip_name(rest)?.get(4..)?;
    }
    for _ in 0..u16::from_be_bytes([*a, *b]).min(MOST_RECORDS) {
        let &[a, b, _, _, _, _, _, _, high, low, ref data @ ..] = skip_name(rest)? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (data, after) = data.split_at_checked(length)?;
        match (u16::from_be_bytes([a, b]), data) {
            (1, &[a, b, c, d]) => found.push(Ipv4Addr::new(a, b, c, d).into()),
            (28, data) => {
                if let Ok(octets) = <[u8; 16]>::try_from(data) {
                    found.push(Ipv6Addr::from(octets).into());
                }
            }
            _ => {}
        }
        if found.len() >= MOST_NAMED {
            break;
        }
        rest = after;
    }
    Some(())
}

/// Whether a question of DNS does without recursion: so resolvers ask, RFC 1034 section 4.3.1; clients, and those who look
/// for open resolvers, want it.
pub(crate) fn asks_as_resolver(bytes: &[u8]) -> bool {
    /// Answer, operation, recursion desired.
    const BITS: u8 = 0xf9;
    matches!(bytes, [_, _, flags, _, 0, 1, ..] if flags & BITS == 0)
}

/// Whether a question of DNS is for the addresses of a name, as far as was captured: not for the name of an address,
/// which scanners ask for.
pub(crate) fn asks_for_address(bytes: &[u8]) -> bool {
    const ADDRESS: [u16; 4] = [1, 15, 28, 65];
    let [_, _, flags, _, 0, 1, _, _, _, _, _, _, name @ ..] = bytes else {
        return false;
    };
    if flags & 0xf8 != 0 {
        return false;
    }
    match skip_name(name) {
        Some([a, b, ..]) => ADDRESS.contains(&u16::from_be_bytes([*a, *b])),
        // Cut: the names of addresses begin with a number.
        _ => {
            let label = match name {
                [length, rest @ ..] => rest.get(..usize::from(*length)).unwrap_or(rest),
                [] => return false,
            };
            !label.iter().all(u8::is_ascii_digit)
        }
    }
}

fn skip_name(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        match *rest {
            [0, ref after @ ..] => return Some(after),
            [high, _, ref after @ ..] if high >= 0xc0 => return Some(after),
            [length, ref after @ ..] => rest = after.get(usize::from(length)..)?,
            [] => return None,
        }
    }
}

//! The NetBIOS name service over UDP, RFC 1001 and RFC 1002.

use std::net::Ipv4Addr;

use crate::bytes::{low8, low16, word};

/// The port of both ends.
pub const PORT: u16 = 137;
/// Type of a name's addresses.
pub const NB: u16 = 0x0020;
/// Type of a node's status.
pub const NBSTAT: u16 = 0x0021;

const CLASS_IN: u16 = 1;
/// Flag: sent as a broadcast, or as if.
const BROADCAST: u16 = 0x0010;
/// Flag: recursion desired.
const RECURSION: u16 = 0x0100;
/// Response, authoritative.
const RESPONSE: u16 = 0x8400;
/// Bytes of the header, and of an encoded name with its length and its end.
const HEADER: usize = 12;
const NAME: usize = 34;

/// A name: up to 15 letters and a suffix that says what it names; `*` asks for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The letters.
    pub text: String,
    /// The sixteenth byte: 0 workstation, 0x20 file server, 3 messenger, 0x1b and 0x1c domain.
    pub suffix: u8,
}

impl Name {
    /// The name that every node answers to.
    pub fn any() -> Name {
        Name {
            text: "*".into(),
            suffix: 0,
        }
    }

    fn octets(&self) -> [u8; 16] {
        // RFC 1002 section 4.2.1: the wildcard is followed by zeros, others are padded with spaces.
        let mut octets = [if self.text == "*" { 0 } else { b' ' }; 16];
        for (to, from) in octets.iter_mut().take(15).zip(self.text.bytes()) {
            *to = from.to_ascii_uppercase();
        }
        if let Some(last) = octets.last_mut() {
            *last = self.suffix;
        }
        octets
    }

    /// First-level encoding, RFC 1001 section 14.1: each half byte as a letter from A.
    fn emit(&self, out: &mut Vec<u8>) {
        out.push(32);
        for octet in self.octets() {
            out.extend([b'A' + (octet >> 4), b'A' + (octet & 15)]);
        }
        out.push(0);
    }

    fn parse(bytes: &[u8]) -> Option<Name> {
        let letters = bytes.get(1..33).filter(|_| bytes.first() == Some(&32))?;
        let half = |letter: u8| letter.checked_sub(b'A').filter(|half| *half < 16);
        let mut octets = Vec::with_capacity(16);
        for pair in letters.chunks_exact(2) {
            let [high, low] = *pair else { return None };
            octets.push((half(high)? << 4) | half(low)?);
        }
        let (suffix, text) = octets.split_last()?;
        let text = String::from_utf8_lossy(text);
        let text = text.trim_end_matches([' ', '\0']).to_owned();
        Some(Name {
            text,
            suffix: *suffix,
        })
    }
}

/// A question as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Transaction.
    pub id: u16,
    /// What it asks about.
    pub name: Name,
    /// [`NB`] or [`NBSTAT`].
    pub kind: u16,
    /// Whether it is marked as broadcast.
    pub broadcast: bool,
}

impl Query {
    /// The question as bytes: 50 of them, whatever it asks.
    pub fn emit(&self) -> Vec<u8> {
        let wanted = if self.kind == NB { RECURSION } else { 0 };
        let flags = wanted | if self.broadcast { BROADCAST } else { 0 };
        let mut out = header(self.id, flags, 1, 0);
        self.name.emit(&mut out);
        out.extend(self.kind.to_be_bytes());
        out.extend(CLASS_IN.to_be_bytes());
        out
    }

    /// Reads a question; `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Query> {
        let flags = word(bytes, 2).filter(|flags| flags & 0xf800 == 0)?;
        (word(bytes, 4)? == 1).then_some(())?;
        let name = Name::parse(bytes.get(HEADER..)?)?;
        Some(Query {
            id: word(bytes, 0)?,
            name,
            kind: word(bytes, HEADER + NAME)?,
            broadcast: flags & BROADCAST != 0,
        })
    }
}

/// Transaction of an answer; `None` for anything else.
pub fn answered(bytes: &[u8]) -> Option<u16> {
    word(bytes, 2).filter(|flags| flags & 0x8000 != 0)?;
    word(bytes, 0)
}

fn header(id: u16, flags: u16, questions: u16, answers: u16) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    for number in [id, flags, questions, answers, 0, 0] {
        out.extend(number.to_be_bytes());
    }
    out
}

/// The status of a node, RFC 1002 section 4.2.18: its names, each with whether it is a group's, and its address on the
/// wire.
pub fn status(id: u16, names: &[(Name, bool)], unit: [u8; 6]) -> Vec<u8> {
    const STATISTICS: usize = 46;
    let mut out = header(id, RESPONSE, 0, 1);
    Name::any().emit(&mut out);
    out.extend(NBSTAT.to_be_bytes());
    out.extend(CLASS_IN.to_be_bytes());
    out.extend(0u32.to_be_bytes());
    out.extend(low16(1 + names.len() * 18 + STATISTICS).to_be_bytes());
    out.push(low8(names.len()));
    for (name, group) in names {
        out.extend(name.octets());
        // Active; bit 15 for a group.
        out.extend((0x0400u16 | if *group { 0x8000 } else { 0 }).to_be_bytes());
    }
    out.extend(unit);
    out.resize(out.len() + STATISTICS - unit.len(), 0);
    out
}

/// The address of a name, RFC 1002 section 4.2.13.
pub fn address(query: &Query, address: Ipv4Addr) -> Vec<u8> {
    // Three days, as Windows says it.
    const TTL: u32 = 300_000;
    let mut out = header(query.id, RESPONSE | RECURSION | 0x80, 0, 1);
    query.name.emit(&mut out);
    out.extend(NB.to_be_bytes());
    out.extend(CLASS_IN.to_be_bytes());
    out.extend(TTL.to_be_bytes());
    out.extend(6u16.to_be_bytes());
    // A unique name of a node that broadcasts.
    out.extend(0u16.to_be_bytes());
    out.extend(address.octets());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_status_query_has_fifty_bytes_and_asks_for_any_name() {
        let query = Query {
            id: 7,
            name: Name::any(),
            kind: NBSTAT,
            broadcast: true,
        };
        let bytes = query.emit();
        assert_eq!(bytes.len(), 50);
        assert_eq!(bytes.get(12..20), Some(b"\x20CKAAAAA".as_slice()));
        assert_eq!(Query::parse(&bytes), Some(query));
    }

    #[test]
    fn an_answer_is_no_question() {
        let names = [(
            Name {
                text: "PC7".into(),
                suffix: 0,
            },
            false,
        )];
        let bytes = status(9, &names, [0; 6]);
        assert_eq!((Query::parse(&bytes), answered(&bytes)), (None, Some(9)));
        assert_eq!(bytes.len(), 12 + 34 + 10 + 1 + 18 + 46);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            Query::parse(&bytes);
            answered(&bytes);
        }
    }
}

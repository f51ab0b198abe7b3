//! DNS messages: from what tcpdump prints to bytes, RFC 1035.
//!
//! ```text
//! 1234+ [1au] A? www.example.com. (44)
//! 1234* 2/0/1 CNAME a.example.net., A 192.0.2.80 (96)
//! ```
//!
//! An answer does not print its question: it is that of the same transaction, where the listing has it. Names are
//! compressed as servers do. Records of which only the number is printed follow as zero bytes, the first additional one
//! as an EDNS record (RFC 6891). Not made: classes other than IN, and the data of types other than A, AAAA, CNAME, NS, PTR
//! and MX.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DnsSaid {
    pub(super) id: u16,
    pub(super) flags: u16,
    /// Type and name that are asked for.
    pub(super) question: Option<(String, String)>,
    answers: Vec<Answer>,
    /// Numbers of the four kinds of records.
    counts: [u16; 4],
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    owner: Option<String>,
    kind: String,
    data: String,
}

const RESPONSE: u16 = 0x8000;
const AUTHORITATIVE: u16 = 0x0400;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const RECURSION_AVAILABLE: u16 = 0x0080;
const AUTHENTIC: u16 = 0x0020;
const CHECKING_DISABLED: u16 = 0x0010;

/// Names that tcpdump prints for response codes, from 1 on.
const CODES: [&str; 10] = [
    "FormErr", "ServFail", "NXDomain", "NotImp", "Refused", "YXDomain", "YXRRSet", "NXRRSet",
    "NotAuth", "NotZone",
];
/// Names of the types that are known.
const TYPES: [(&str, u16); 15] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("NAPTR", 35),
    ("DS", 43),
    ("DNSKEY", 48),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("ANY", 255),
];
/// Time to live of the answers: an hour.
const ANSWER_TTL: u32 = 3600;
/// Type of the EDNS record.
const OPT: u16 = 41;
/// Payload size that it announces.
const EDNS_SIZE: u16 = 1232;

impl DnsSaid {
    pub(super) fn is_response(&self) -> bool {
        self.flags & RESPONSE != 0
    }
}

/// Reads a message, without its length at the end.
pub(super) fn read(text: &str) -> Option<DnsSaid> {
    let text = text.rsplit_once(" (").map_or(text, |(text, _)| text).trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (id, rest) = text.split_at_checked(digits)?;
    let mut said = DnsSaid {
        id: id.parse().ok()?,
        ..DnsSaid::default()
    };
    let question = question(rest, &mut said);
    if question.is_some() || rest.contains("? ") && !rest.contains("q: ") {
        return question.map(|()| said);
    }
    answer(rest, &mut said).map(|()| said)
}

/// `+% [1au] A? www.example.com.`
fn question(rest: &str, said: &mut DnsSaid) -> Option<()> {
    let (marks, mut rest) = rest.split_once(' ')?;
    let mark = |letter, flag| if marks.contains(letter) { flag } else { 0 };
    let flags = mark('+', RECURSION_DESIRED) | mark('%', CHECKING_DISABLED);
    let mut counts = [1, 0, 0, 0];
    while let Some((word, after)) = rest
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        let at = word.find(|c: char| !c.is_ascii_digit())?;
        let (count, kind) = word.split_at_checked(at)?;
        let section = ["q", "a", "n", "au"]
            .iter()
            .position(|name| *name == kind)?;
        *counts.get_mut(section)? = count.parse().ok()?;
        rest = after;
    }
    said.question = Some(asked(rest)?);
    said.flags = flags;
    said.counts = counts;
    Some(())
}

/// `A? www.example.com.`, and multicast's mark in between.
fn asked(text: &str) -> Option<(String, String)> {
    let (kind, name) = text.split_once("? ")?;
    let name = name.split_whitespace().next()?;
    kind_number(kind)?;
    Some((kind.to_owned(), name.to_owned()))
}

/// ` NXDomain* q: A? a.example. 1/0/1 A 192.0.2.80, A 192.0.2.81`
fn answer(mut rest: &str, said: &mut DnsSaid) -> Option<()> {
    let code = CODES
        .iter()
        .zip(1u16..)
        .find(|(name, _)| rest.trim_start().starts_with(*name));
    let mut flags = RESPONSE | RECURSION_DESIRED;
    if let Some((name, code)) = code {
        rest = rest.trim_start().strip_prefix(name)?;
        flags |= code;
    }
    let (marks, mut rest) = rest.split_once(' ')?;
    let mark = |letter, flag| if marks.contains(letter) { flag } else { 0 };
    flags |= mark('*', AUTHORITATIVE) | mark('|', TRUNCATED) | mark('$', AUTHENTIC);
    flags |= RECURSION_AVAILABLE & !mark('-', RECURSION_AVAILABLE);
    if let Some(after) = rest.strip_prefix("q: ") {
        let at = after
            .find(" q: ")
            .or_else(|| after.match_indices(' ').nth(1).map(|(at, _)| at))?;
        let (question, after) = after.split_at_checked(at)?;
        said.question = Some(asked(question)?);
        rest = after.trim_start();
    }
    let (counts, records) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut numbers = counts.split('/').map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    said.counts = [1, next()?, next()?, next()?];
    let records = records.split(" ns: ").next().unwrap_or_default();
    let records = records.split(" ar: ").next().unwrap_or_default();
    said.answers = records.split(", ").filter_map(record).collect();
    said.flags = flags;
    Some(())
}

/// `CNAME a.example.net.`, in verbose listings behind its owner.
fn record(text: &str) -> Option<Answer> {
    let text = text.trim();
    let (first, rest) = text.split_once(' ')?;
    let (owner, kind, data) = if kind_number(first).is_some() {
        (None, first, rest)
    } else {
        let rest = rest.trim_start();
        // With -vvv the time to live stands in between.
        let rest = rest
            .split_once("] ")
            .filter(|_| rest.starts_with('['))
            .map_or(rest, |(_, rest)| rest);
        let (kind, data) = rest.split_once(' ').unwrap_or((rest, ""));
        (Some(first.to_owned()), kind, data)
    };
    kind_number(kind)?;
    Some(Answer {
        owner,
        kind: kind.to_owned(),
        data: data.trim().to_owned(),
    })
}

fn kind_number(name: &str) -> Option<u16> {
    let known = TYPES.iter().find(|(known, _)| *known == name);
    known
        .map(|(_, number)| *number)
        .or_else(|| name.strip_prefix("Type")?.parse().ok())
}

/// Makes the message, of `length` bytes where that is known. `asked` is the question that an answer repeats.
pub(super) fn emit(
    said: &DnsSaid,
    asked: Option<&(String, String)>,
    length: Option<usize>,
) -> Vec<u8> {
    let mut message = Message::default();
    message.word(said.id);
    message.word(said.flags);
    said.counts.iter().for_each(|count| message.word(*count));
    let root = ("A".to_owned(), ".".to_owned());
    let (kind, name) = said.question.as_ref().or(asked).unwrap_or(&root);
    message.name(name);
    message.word(kind_number(kind).unwrap_or(1));
    message.word(1);
    let mut owner = name.clone();
    for answer in &said.answers {
        message.record(answer.owner.as_ref().unwrap_or(&owner), answer);
        if answer.kind == "CNAME" {
            owner.clone_from(&answer.data);
        }
    }
    let [_, _, authorities, additional] = said.counts;
    if authorities == 0 && additional > 0 {
        message.edns(length);
    }
    let mut bytes = message.bytes;
    if let Some(length) = length {
        bytes.resize(length.min(usize::from(u16::MAX)), 0);
    }
    bytes
}

/// A message in the making, and where names stand in it.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
    names: BTreeMap<String, u16>,
}

impl Message {
    fn word(&mut self, word: u16) {
        self.bytes.extend_from_slice(&word.to_be_bytes());
    }

    /// Appends a name, from where it is known on as a pointer.
    fn name(&mut self, name: &str) {
        let mut rest = name.trim_end_matches('.');
        while !rest.is_empty() {
            if let Some(at) = self.names.get(rest) {
                return self.word(0xc000 | at);
            }
            if let Some(at) = u16::try_from(self.bytes.len())
                .ok()
                .filter(|at| *at < 0x4000)
            {
                self.names.insert(rest.to_owned(), at);
            }
            let (label, after) = rest.split_once('.').unwrap_or((rest, ""));
            let label = label.as_bytes().get(..63).unwrap_or(label.as_bytes());
            self.bytes.push(u8::try_from(label.len()).unwrap_or(63));
            self.bytes.extend_from_slice(label);
            rest = after;
        }
        self.bytes.push(0);
    }

    fn record(&mut self, owner: &str, answer: &Answer) {
        self.name(owner);
        self.word(kind_number(&answer.kind).unwrap_or(1));
        self.word(1);
        self.bytes.extend_from_slice(&ANSWER_TTL.to_be_bytes());
        let start = self.bytes.len();
        self.word(0);
        self.data(answer);
        let length = u16::try_from(self.bytes.len() - start - 2).unwrap_or(u16::MAX);
        if let Some(room) = self.bytes.get_mut(start..start + 2) {
            room.copy_from_slice(&length.to_be_bytes());
        }
    }

    fn data(&mut self, answer: &Answer) {
        match answer.kind.as_str() {
            "A" => {
                let address: Ipv4Addr = answer.data.parse().unwrap_or(Ipv4Addr::UNSPECIFIED);
                self.bytes.extend_from_slice(&address.octets());
            }
            "AAAA" => {
                let address: Ipv6Addr = answer.data.parse().unwrap_or(Ipv6Addr::UNSPECIFIED);
                self.bytes.extend_from_slice(&address.octets());
            }
            "CNAME" | "NS" | "PTR" => self.name(&answer.data),
            "MX" => {
                let (host, preference) =
                    answer.data.rsplit_once(' ').unwrap_or((&answer.data, "0"));
                self.word(preference.parse().unwrap_or(0));
                self.name(host);
            }
            _ => {}
        }
    }

    /// Appends an EDNS record that, where there is room, pads the message to its length (RFC 7830).
    fn edns(&mut self, length: Option<usize>) {
        self.bytes.push(0);
        self.word(OPT);
        self.word(EDNS_SIZE);
        self.bytes.extend_from_slice(&[0; 4]);
        let room = length.unwrap_or(0).saturating_sub(self.bytes.len() + 2);
        let padding = u16::try_from(room)
            .ok()
            .and_then(|room| room.checked_sub(4));
        match padding {
            Some(padding) => [padding + 4, 12, padding]
                .into_iter()
                .for_each(|word| self.word(word)),
            None => self.word(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_question_becomes_the_bytes_of_rfc_1035() {
        let said = read("1234+ A? a.example. (27)").unwrap();
        let bytes = emit(&said, None, None);
        assert_eq!(
            bytes,
            b"\x04\xd2\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01"
        );
    }

    #[test]
    fn an_answer_repeats_its_question_and_points_at_its_name() {
        let said = read("7 NXDomain*- 1/0/0 A 192.0.2.80 (43)").unwrap();
        assert_eq!((said.is_response(), said.flags), (true, 0x8503));
        let asked = ("A".to_owned(), "a.example.".to_owned());
        let bytes = emit(&said, Some(&asked), None);
        assert_eq!(
            bytes[27..],
            *b"\xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\xc0\0\x02\x50"
        );
    }

    #[test]
    fn an_additional_record_pads_to_the_printed_length() {
        let said = read("7+ [1au] A? a.example. (60)").unwrap();
        assert_eq!(emit(&said, None, Some(60)).len(), 60);
        assert_eq!(emit(&said, None, None).len(), 27 + 11);
    }

    #[test]
    fn what_is_no_message_is_none() {
        for text in [
            "UDP, length 5",
            "5",
            "",
            "5 sometimes (7)",
            "99999+ A? a. (20)",
            "NTPv4, Client",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9]{1,3}[ +*A-Z?./\\[\\]a-z:,()]{0,40}", length in 0usize..100) {
            if let Some(said) = read(&text) {
                emit(&said, None, Some(length));
            }
        }
    }
}

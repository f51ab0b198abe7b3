//! DNS messages, RFC 1035.
//!
//! An answer does not print its question: it is that of the same transaction, where the listing has it. Names are
//! compressed as servers do. Records of which only the number is printed follow as zero bytes, the first additional one
//! as an EDNS record (RFC 6891). Not made: classes other than IN, and the data of types other than A, AAAA, CNAME, NS, PTR
//! and MX.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::listing::said::{Answer, DnsSaid};

/// Numbers of the types whose data is made.
const A: u16 = 1;
const NS: u16 = 2;
const CNAME: u16 = 5;
const PTR: u16 = 12;
const MX: u16 = 15;
const AAAA: u16 = 28;
/// Time to live of the answers: an hour.
const ANSWER_TTL: u32 = 3600;
/// Type of the EDNS record.
const OPT: u16 = 41;
/// Payload size that it announces.
const EDNS_SIZE: u16 = 1232;

/// Makes the message, of `length` bytes where that is known. `asked` is the question that an answer repeats.
pub(super) fn emit(
    said: &DnsSaid,
    asked: Option<&(u16, String)>,
    length: Option<usize>,
) -> Vec<u8> {
    let mut message = Message::default();
    message.word(said.id);
    message.word(said.flags);
    said.counts.iter().for_each(|count| message.word(*count));
    let root = (A, ".".to_owned());
    let (kind, name) = said.question.as_ref().or(asked).unwrap_or(&root);
    message.name(name);
    message.word(*kind);
    message.word(1);
    let mut owner = name.clone();
    for answer in &said.answers {
        message.record(answer.owner.as_ref().unwrap_or(&owner), answer);
        if answer.kind == CNAME {
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
        self.word(answer.kind);
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
        match answer.kind {
            A => {
                let address: Ipv4Addr = answer.data.parse().unwrap_or(Ipv4Addr::UNSPECIFIED);
                self.bytes.extend_from_slice(&address.octets());
            }
            AAAA => {
                let address: Ipv6Addr = answer.data.parse().unwrap_or(Ipv6Addr::UNSPECIFIED);
                self.bytes.extend_from_slice(&address.octets());
            }
            CNAME | NS | PTR => self.name(&answer.data),
            MX => {
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
    use crate::listing::read::read_dns as read;
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
        let asked = (A, "a.example.".to_owned());
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

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9]{1,3}[ +*A-Z?./\\[\\]a-z:,()]{0,40}", length in 0usize..100) {
            if let Some(said) = read(&text) {
                emit(&said, None, Some(length));
            }
        }
    }
}

//! DNS messages, RFC 1035.
//!
//! An answer does not print its question: it is that of the same transaction, where the listing has it. Names are
//! compressed as servers do. Records of which only the number is printed follow as zero bytes, the first additional one
//! as an EDNS record (RFC 6891). Not made: classes other than IN, and the data of types other than A, AAAA, CNAME, NS, PTR
//! and MX.

use std::net::{Ipv4Addr, Ipv6Addr};

use messages::dns::{A, AAAA, CNAME, Data, MX, NS, PTR, Pointers, Question, Record, Writer};

use crate::said::{Answer, DnsSaid};

/// Flag DO of the EDNS record, and the option of a cookie (RFC 7873).
const SECURE: u16 = 0x8000;
const COOKIE: u16 = 10;
/// Time to live of the answers: an hour.
const ANSWER_TTL: u32 = 3600;

/// Makes the message, of `length` bytes where that is known. `asked` is the question that an answer repeats.
pub(super) fn emit(said: &DnsSaid, asked: Option<&Question>, length: Option<usize>) -> Vec<u8> {
    let mut writer = Writer::new(said.id, said.flags, said.counts, Pointers::Everywhere);
    let root = Question {
        name: String::new(),
        kind: A,
    };
    let question = said.question.as_ref().or(asked).unwrap_or(&root);
    writer.question(question);
    let mut owner = &question.name;
    for answer in &said.answers {
        writer.record(&Record {
            owner: answer.owner.as_ref().unwrap_or(owner).clone(),
            ttl: answer.ttl.unwrap_or(ANSWER_TTL),
            data: data(answer),
        });
        if answer.kind == CNAME {
            owner = &answer.data;
        }
    }
    let [_, _, authorities, additional] = said.counts;
    match &said.edns {
        Some(edns) => {
            let flags = if edns.secure { SECURE } else { 0 };
            let cookie = (!edns.cookie.is_empty()).then_some((COOKIE, edns.cookie.as_slice()));
            writer.opt(edns.size, flags, cookie);
        }
        None if authorities == 0 && additional > 0 => writer.edns(length),
        None => {}
    }
    let mut bytes = writer.finish();
    if let Some(length) = length {
        bytes.resize(length.min(usize::from(u16::MAX)), 0);
    }
    bytes
}

fn data(answer: &Answer) -> Data {
    let text = &answer.data;
    match answer.kind {
        A => Data::A(text.parse().unwrap_or(Ipv4Addr::UNSPECIFIED)),
        AAAA => Data::Aaaa(text.parse().unwrap_or(Ipv6Addr::UNSPECIFIED)),
        CNAME | NS | PTR => Data::Name(answer.kind, text.clone()),
        MX => {
            let (host, preference) = text.rsplit_once(' ').unwrap_or((text, "0"));
            Data::Mx(preference.parse().unwrap_or(0), host.to_owned())
        }
        kind => Data::Raw(kind, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::read_dns as read;
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
        let asked = Question {
            name: "a.example.".into(),
            kind: A,
        };
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

//! DNS messages, RFC 1035 section 4, with EDNS, RFC 6891, as far as stub resolvers and their servers use them.
//!
//! A [`Message`] is what these say; a [`Writer`] makes any, with whatever header.

mod record;
mod writer;

pub use record::{A, AAAA, AXFR, CNAME, Data, MX, NS, PTR, Question, Record, SOA, TXT};
pub use writer::{Pointers, Writer};

/// The port of servers.
pub const PORT: u16 = 53;
/// There is no such name.
pub const NXDOMAIN: u8 = 3;
/// The question could not be understood.
pub const FORMAT_ERROR: u8 = 1;
/// Flag of an answer.
pub const RESPONSE: u16 = 0x8000;
/// Flag of who owns the zone.
pub const AUTHORITATIVE: u16 = 0x0400;
/// Flag of an answer of which more would have followed.
pub const TRUNCATED: u16 = 0x0200;
/// Flag that wants others asked.
pub const RECURSION_DESIRED: u16 = 0x0100;
/// Flag of who asks others.
pub const RECURSION_AVAILABLE: u16 = 0x0080;
/// Flag of what was authenticated, RFC 4035.
pub const AUTHENTIC: u16 = 0x0020;
/// Flag that wants no authentication, RFC 4035.
pub const CHECKING_DISABLED: u16 = 0x0010;

/// A message with one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number that an answer repeats.
    pub id: u16,
    /// Whether it answers.
    pub response: bool,
    /// What became of the question.
    pub rcode: u8,
    /// Whether more would have followed than fits.
    pub truncated: bool,
    /// The question.
    pub question: Question,
    /// Records that answer it.
    pub answers: Vec<Record>,
    /// Records about the zone.
    pub authority: Vec<Record>,
    /// Whether it speaks EDNS.
    pub edns: bool,
}

impl Message {
    /// A question.
    pub fn query(id: u16, question: Question) -> Message {
        Message {
            id,
            response: false,
            rcode: 0,
            truncated: false,
            question,
            answers: Vec::new(),
            authority: Vec::new(),
            edns: true,
        }
    }

    /// The bytes.
    pub fn emit(&self) -> Vec<u8> {
        let flags = if self.response {
            let truncated = if self.truncated { TRUNCATED } else { 0 };
            RESPONSE
                | RECURSION_DESIRED
                | RECURSION_AVAILABLE
                | truncated
                | u16::from(self.rcode & 15)
        } else {
            RECURSION_DESIRED
        };
        let count = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        let counts = [
            1,
            count(self.answers.len()),
            count(self.authority.len()),
            u16::from(self.edns),
        ];
        let mut writer = Writer::new(self.id, flags, counts, Pointers::ToQuestion);
        writer.question(&self.question);
        for record in self.answers.iter().chain(&self.authority) {
            writer.record(record);
        }
        if self.edns {
            writer.edns(None);
        }
        writer.finish()
    }
}

/// A message as it stands in a stream, behind its length (RFC 1035 section 4.2.2).
pub fn framed(message: &[u8]) -> Vec<u8> {
    let mut out = crate::bytes::low16(message.len()).to_be_bytes().to_vec();
    out.extend(message);
    out
}

/// Takes the first whole message out of a stream.
pub fn unframed(stream: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::from(crate::bytes::word(stream, 0)?);
    if stream.len() < 2 + length {
        return None;
    }
    Some(stream.drain(..2 + length).skip(2).collect())
}

/// What a receiver reads first of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The number.
    pub id: u16,
    /// Whether it answers.
    pub response: bool,
    /// Whether it says that more would have followed.
    pub truncated: bool,
    /// The question, if there is just one and it can be read.
    pub question: Option<Question>,
    /// Whether further records follow: EDNS, in a question.
    pub edns: bool,
}

impl Opening {
    /// Reads the opening; `None` when there is no whole header.
    pub fn parse(bytes: &[u8]) -> Option<Opening> {
        let (header, rest) = bytes.split_first_chunk::<12>()?;
        let [id1, id2, flags, _, q1, q2, _, _, _, _, x1, x2] = *header;
        Some(Opening {
            id: u16::from_be_bytes([id1, id2]),
            response: flags & 0x80 != 0,
            truncated: flags & 0x02 != 0,
            question: (u16::from_be_bytes([q1, q2]) == 1)
                .then(|| parse_question(rest))
                .flatten(),
            edns: [x1, x2] != [0, 0],
        })
    }
}

fn parse_question(mut bytes: &[u8]) -> Option<Question> {
    let mut name = String::new();
    loop {
        let (length, rest) = bytes.split_first()?;
        let length = usize::from(*length);
        if length == 0 {
            bytes = rest;
            break;
        }
        if length > 63 || name.len() + length > 255 {
            return None;
        }
        let (label, rest) = rest.split_at_checked(length)?;
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(std::str::from_utf8(label).ok()?);
        bytes = rest;
    }
    let [high, low, ..] = *bytes.first_chunk::<4>()?;
    Some(Question {
        name,
        kind: u16::from_be_bytes([high, low]),
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_query_is_what_resolvers_send() {
        let question = Question {
            name: "www.example.com".into(),
            kind: A,
        };
        let mut bytes = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        bytes.extend(b"\x03www\x07example\x03com\x00\x00\x01\x00\x01");
        bytes.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Message::query(0x1234, question).emit(), bytes);
    }

    #[test]
    fn an_answer_points_back_to_the_question() {
        let question = Question {
            name: "a.example".into(),
            kind: A,
        };
        let owner = question.name.clone();
        let answers = vec![Record {
            owner,
            ttl: 60,
            data: Data::A(Ipv4Addr::new(192, 0, 2, 1)),
        }];
        let message = Message {
            response: true,
            answers,
            edns: false,
            ..Message::query(1, question)
        };
        assert!(
            message
                .emit()
                .ends_with(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1])
        );
    }

    proptest! {
        #[test]
        fn a_question_reads_as_it_is_written(name in "[a-z0-9]{1,20}(\\.[a-z0-9-]{1,30}){0,4}", kind: u16, id: u16) {
            let question = Question { name, kind };
            let opening = Opening::parse(&Message::query(id, question.clone()).emit()).unwrap();
            prop_assert_eq!(opening, Opening { id, response: false, truncated: false, question: Some(question), edns: true });
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            Opening::parse(&bytes);
        }
    }
}

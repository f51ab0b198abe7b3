//! SNMP version 1, RFC 1157, in the basic encoding rules of X.690.

/// The port of agents.
pub const PORT: u16 = 161;
/// Operation: get.
pub const GET: u8 = 0xa0;
/// Operation: get what follows.
pub const GET_NEXT: u8 = 0xa1;
/// Operation: an answer.
pub const RESPONSE: u8 = 0xa2;
/// Operation: set.
pub const SET: u8 = 0xa3;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Objects that are asked for most, by their names in MIB-II (RFC 1213).
pub const OBJECTS: [(&str, &[u32]); 5] = [
    ("sysDescr", &[1, 3, 6, 1, 2, 1, 1, 1, 0]),
    ("sysObjectID", &[1, 3, 6, 1, 2, 1, 1, 2, 0]),
    ("sysUpTime", &[1, 3, 6, 1, 2, 1, 1, 3, 0]),
    ("sysName", &[1, 3, 6, 1, 2, 1, 1, 5, 0]),
    ("ifNumber", &[1, 3, 6, 1, 2, 1, 2, 1, 0]),
];

/// A message about objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The word that lets in.
    pub community: String,
    /// [`GET`] and its like.
    pub operation: u8,
    /// Transaction.
    pub id: u32,
    /// The objects, each with a text in an answer.
    pub objects: Vec<(Vec<u32>, Option<String>)>,
}

impl Message {
    /// The message as bytes.
    pub fn emit(&self) -> Vec<u8> {
        let mut bindings = Vec::new();
        for (object, value) in &self.objects {
            let value = match value {
                Some(text) => tagged(OCTETS, text.as_bytes()),
                None => tagged(NULL, &[]),
            };
            bindings.extend(tagged(
                SEQUENCE,
                &[tagged(OBJECT, &identifier(object)), value].concat(),
            ));
        }
        let body = [
            integer(self.id),
            integer(0),
            integer(0),
            tagged(SEQUENCE, &bindings),
        ];
        let parts = [
            integer(0),
            tagged(OCTETS, self.community.as_bytes()),
            tagged(self.operation, &body.concat()),
        ];
        tagged(SEQUENCE, &parts.concat())
    }

    /// Reads a message; values that are no text are left out. `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Message> {
        let (message, _) = untagged(bytes, SEQUENCE)?;
        let (_, rest) = untagged(message, INTEGER)?;
        let (community, rest) = untagged(rest, OCTETS)?;
        let operation = *rest.first()?;
        let (body, _) = untagged(rest, operation)?;
        let (id, rest) = untagged(body, INTEGER)?;
        let (_, rest) = untagged(rest, INTEGER)?;
        let (_, rest) = untagged(rest, INTEGER)?;
        let (mut bindings, _) = untagged(rest, SEQUENCE)?;
        let mut objects = Vec::new();
        while !bindings.is_empty() {
            let (binding, after) = untagged(bindings, SEQUENCE)?;
            let (object, value) = untagged(binding, OBJECT)?;
            let text = untagged(value, OCTETS).map(|(text, _)| lossy(text));
            objects.push((numbers(object), text));
            bindings = after;
        }
        let id = id
            .iter()
            .fold(0u32, |id, byte| (id << 8) | u32::from(*byte));
        Some(Message {
            community: lossy(community),
            operation,
            id,
            objects,
        })
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => out.push(length),
        _ => {
            out.push(0x82);
            out.extend(crate::bytes::low16(content.len()).to_be_bytes());
        }
    }
    out.extend(content);
    out
}

fn untagged(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    (*first == tag).then_some(())?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length & 0x7f {
        short if length & 0x80 == 0 => (usize::from(short), rest),
        count @ 1..=2 => {
            let (digits, rest) = rest.split_at_checked(usize::from(count))?;
            (
                digits
                    .iter()
                    .fold(0, |sum, digit| (sum << 8) | usize::from(*digit)),
                rest,
            )
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn integer(value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let skip = bytes.iter().take(3).take_while(|byte| **byte == 0).count();
    let mut short = bytes.get(skip..).unwrap_or_default().to_vec();
    if short.first().is_some_and(|first| first & 0x80 != 0) {
        short.insert(0, 0);
    }
    tagged(INTEGER, &short)
}

fn identifier(numbers: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    if let [first, second, rest @ ..] = numbers {
        out.extend(u8::try_from(first * 40 + second));
        for number in rest {
            let mut digits = vec![u8::try_from(number & 0x7f).unwrap_or(0)];
            let mut left = number >> 7;
            while left > 0 {
                digits.push(u8::try_from(left & 0x7f).unwrap_or(0) | 0x80);
                left >>= 7;
            }
            out.extend(digits.iter().rev());
        }
    }
    out
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    let Some((first, rest)) = bytes.split_first() else {
        return Vec::new();
    };
    let mut numbers = vec![u32::from(first / 40), u32::from(first % 40)];
    let mut number = 0u32;
    for byte in rest {
        number = (number << 7) | u32::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(number);
            number = 0;
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_question_with_the_word_public_reads_as_it_was_written() {
        let message = Message {
            community: "public".into(),
            operation: GET,
            id: 0x80,
            objects: vec![(vec![1, 3, 6, 1, 4, 1, 311, 0], None)],
        };
        let bytes = message.emit();
        assert_eq!(Message::parse(&bytes), Some(message));
        assert_eq!(
            bytes.get(..2),
            Some([0x30, low(bytes.len() - 2)].as_slice())
        );
    }

    fn low(length: usize) -> u8 {
        u8::try_from(length).unwrap_or(0)
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            Message::parse(&bytes);
        }
    }
}

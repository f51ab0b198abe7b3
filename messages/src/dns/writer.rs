//! A message piece by piece, under a header that says what it is told to say.

use std::collections::BTreeMap;

use super::record::{Data, Question, Record};
use crate::bytes::{low8, low16};

/// Type of the record that carries EDNS.
const OPT: u16 = 41;
/// Class of the Internet.
const IN: u16 = 1;
/// Bytes over UDP that both sides of EDNS offer: 1232, agreed on in 2020 so that nothing is fragmented.
const UDP_SIZE: u16 = 1232;
/// The option that fills a message up, RFC 7830.
const PADDING: u16 = 12;
/// What marks a pointer, RFC 1035 section 4.1.4; places beyond its fourteen bits cannot be pointed at.
const POINTER: u16 = 0xc000;

/// Which names are written as pointers to where they stand already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointers {
    /// Owners that are the name asked for.
    ToQuestion,
    /// All that end as one before them.
    Everywhere,
}

/// Makes a message. Nobody counts along: the header says what it is told to say.
#[derive(Clone, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    pointers: Pointers,
    asked: Option<String>,
    /// Where names, and their ends, stand.
    places: BTreeMap<String, u16>,
}

impl Writer {
    /// A message with this number, these flags and these numbers of questions, answers, authorities and additional
    /// records.
    pub fn new(id: u16, flags: u16, counts: [u16; 4], pointers: Pointers) -> Writer {
        let mut writer = Writer {
            bytes: Vec::with_capacity(64),
            pointers,
            asked: None,
            places: BTreeMap::new(),
        };
        for word in [id, flags].into_iter().chain(counts) {
            writer.word(word);
        }
        writer
    }

    /// Appends a question.
    pub fn question(&mut self, question: &Question) {
        self.name(&question.name);
        self.word(question.kind);
        self.word(IN);
        self.asked = Some(question.name.clone());
    }

    /// Appends a record.
    pub fn record(&mut self, record: &Record) {
        if self.pointers == Pointers::ToQuestion && self.asked.as_ref() == Some(&record.owner) {
            // The question's name stands right after the header.
            self.word(POINTER | 12);
        } else {
            self.name(&record.owner);
        }
        self.word(record.data.kind());
        self.word(IN);
        self.bytes.extend(record.ttl.to_be_bytes());
        let start = self.bytes.len();
        self.word(0);
        self.data(&record.data);
        let length = low16(self.bytes.len() - start - 2);
        if let Some(room) = self.bytes.get_mut(start..start + 2) {
            room.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// Appends the record of EDNS as both sides of today send it. Where there is room for it, it fills the message up to so
    /// many bytes.
    pub fn edns(&mut self, length: Option<usize>) {
        let room = length.unwrap_or(0).saturating_sub(self.bytes.len() + 11);
        let fills = |room: &usize| *room <= usize::from(u16::MAX);
        let padding = Some(room)
            .filter(fills)
            .and_then(|room| room.checked_sub(4));
        let zeros = padding.map(|padding| vec![0; padding]);
        self.opt(UDP_SIZE, 0, zeros.as_deref().map(|zeros| (PADDING, zeros)));
    }

    /// Appends a record of EDNS with these bytes over UDP, flags and option, RFC 6891 section 6.1.2.
    pub fn opt(&mut self, size: u16, flags: u16, option: Option<(u16, &[u8])>) {
        // Its owner is the root; no extended code, version 0.
        self.bytes.push(0);
        for word in [OPT, size, 0, flags] {
            self.word(word);
        }
        let Some((code, data)) = option else {
            return self.word(0);
        };
        for word in [low16(data.len() + 4), code, low16(data.len())] {
            self.word(word);
        }
        self.bytes.extend(data);
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn word(&mut self, word: u16) {
        self.bytes.extend(word.to_be_bytes());
    }

    fn data(&mut self, data: &Data) {
        match data {
            Data::A(address) => self.bytes.extend(address.octets()),
            Data::Aaaa(address) => self.bytes.extend(address.octets()),
            Data::Name(_, name) => self.name(name),
            Data::Mx(preference, name) => {
                self.word(*preference);
                self.name(name);
            }
            Data::Txt(text) => {
                let text = text.as_bytes().get(..255).unwrap_or(text.as_bytes());
                self.bytes.push(low8(text.len()));
                self.bytes.extend(text);
            }
            Data::Soa(server, serial) => {
                self.name(server);
                self.name(&format!("hostmaster.{server}"));
                // Serial, refresh, retry, expire, least time to live.
                for number in [*serial, 7200, 900, 1_209_600, 300] {
                    self.bytes.extend(number.to_be_bytes());
                }
            }
            Data::Raw(_, bytes) => self.bytes.extend(bytes),
        }
    }

    /// Appends a name; labels beyond what the protocol allows are cut.
    fn name(&mut self, name: &str) {
        let mut labels = name.split('.').filter(|label| !label.is_empty());
        if self.pointers == Pointers::ToQuestion {
            labels.for_each(|label| self.label(label));
            return self.bytes.push(0);
        }
        let mut rest = labels.clone().collect::<Vec<_>>().join(".");
        while let Some(label) = labels.next() {
            if let Some(at) = self.places.get(&rest) {
                return self.word(POINTER | at);
            }
            let next = labels.clone().collect::<Vec<_>>().join(".");
            let known = std::mem::replace(&mut rest, next);
            let at = u16::try_from(self.bytes.len()).ok();
            if let Some(at) = at.filter(|at| *at < !POINTER + 1) {
                self.places.insert(known, at);
            }
            self.label(label);
        }
        self.bytes.push(0);
    }

    fn label(&mut self, label: &str) {
        let label = label.as_bytes().get(..63).unwrap_or(label.as_bytes());
        self.bytes.push(low8(label.len()));
        self.bytes.extend(label);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{A, CNAME};
    use super::*;

    fn alias(owner: &str, to: &str) -> Record {
        Record {
            owner: owner.into(),
            ttl: 1,
            data: Data::Name(CNAME, to.into()),
        }
    }

    #[test]
    fn names_point_at_where_their_ends_stand() {
        let mut writer = Writer::new(7, 0x8000, [1, 2, 0, 0], Pointers::Everywhere);
        let name = "www.example.net.".to_owned();
        writer.question(&Question { name, kind: A });
        writer.record(&alias("www.example.net.", "cdn.example.net."));
        writer.record(&alias("cdn.example.net", "net"));
        let bytes = writer.finish();
        let tail: &[u8] = b"\xc0\x0c\0\x05\0\x01\0\0\0\x01\0\x06\x03cdn\xc0\x10\
            \xc0\x2d\0\x05\0\x01\0\0\0\x01\0\x02\xc0\x18";
        assert_eq!(bytes.get(33..), Some(tail));
    }

    #[test]
    fn edns_fills_up_to_a_length_where_there_is_room() {
        let length = |wanted| {
            let mut writer = Writer::new(7, 0, [0, 0, 0, 1], Pointers::Everywhere);
            writer.edns(wanted);
            writer.finish().len()
        };
        assert_eq!(length(None), 12 + 11);
        assert_eq!([length(Some(20)), length(Some(60))], [23, 60]);
    }
}

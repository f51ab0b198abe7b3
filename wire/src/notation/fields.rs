//! The fields that follow a packet's head, in any order.

use std::collections::BTreeSet;

use super::scan::{Scanner, Word};
use super::{NotationError, Problem, options};
use crate::field::Field;
use crate::icmp::{self, Icmp};
use crate::ipv4::{self, Ipv4};
use crate::ipv6::Ipv6;
use crate::packet::{Ip, Packet, Segment};
use crate::payload::Payload;
use crate::tcp::Tcp;
use crate::udp::Udp;

/// ICMP types whose second four bytes are an identifier and a sequence number.
pub(super) const ECHO_TYPES: [u8; 2] = [icmp::ECHO_REPLY, icmp::ECHO_REQUEST];
/// Those of ICMPv6, RFC 4443 section 4.
pub(super) const ECHO_TYPES_V6: [u8; 2] = [128, 129];
/// The longest run of zeros that is read: what an IP packet can carry.
const MAX_ZEROS: u64 = 65_535;

/// The fields given so far.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeSet<String>);

impl Seen {
    pub(super) fn once(&mut self, key: &str, word: Word<'_>) -> Result<(), NotationError> {
        if self.0.insert(key.to_owned()) {
            Ok(())
        } else {
            Err(word.error(Problem::Twice(key.to_owned())))
        }
    }
}

/// Reads the field that `word` begins into the packet.
pub(super) fn read_field(
    packet: &mut Packet,
    word: Word<'_>,
    words: &mut Scanner<'_>,
    seen: &mut Seen,
) -> Result<(), NotationError> {
    if let Some(payload) = payload(word, words)? {
        packet.payload = payload;
        return seen.once("payload", word);
    }
    let taken = match &mut packet.segment {
        Segment::Tcp(tcp) => tcp_field(tcp, word, words)?,
        Segment::Udp(udp) => udp_field(udp, word, words)?,
        Segment::Icmp(icmp) => icmp_field(icmp, word, words)?,
        Segment::Raw(_) => false,
    };
    let taken = taken
        || match &mut packet.ip {
            Ip::V4(ip) => v4_field(ip, word, words)?,
            Ip::V6(ip) => v6_field(ip, word, words)?,
        };
    if !taken {
        return Err(word.error(Problem::UnknownField(word.text.to_owned())));
    }
    let key = if word.text.starts_with('<') {
        "<options>"
    } else {
        word.text
    };
    seen.once(key, word)
}

fn small(words: &mut Scanner<'_>) -> Result<u8, NotationError> {
    words.word("a number")?.number(0xff)
}

fn short(words: &mut Scanner<'_>) -> Result<u16, NotationError> {
    words.word("a number")?.number(0xffff)
}

fn long(words: &mut Scanner<'_>) -> Result<u32, NotationError> {
    words.word("a number")?.number(u64::from(u32::MAX))
}

fn tcp_field(
    tcp: &mut Tcp,
    word: Word<'_>,
    words: &mut Scanner<'_>,
) -> Result<bool, NotationError> {
    match word.text {
        "ack" => tcp.acknowledgment = long(words)?,
        "win" => tcp.window = short(words)?,
        "urg" => tcp.urgent = short(words)?,
        "offset" => tcp.data_offset = Field::Forced(small(words)?),
        "cksum" => tcp.checksum = Field::Forced(short(words)?),
        list if list.starts_with('<') => tcp.options = options::parse(word)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn udp_field(
    udp: &mut Udp,
    word: Word<'_>,
    words: &mut Scanner<'_>,
) -> Result<bool, NotationError> {
    match word.text {
        "len" => udp.length = Field::Forced(short(words)?),
        "cksum" => udp.checksum = Field::Forced(short(words)?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn icmp_field(
    icmp: &mut Icmp,
    word: Word<'_>,
    words: &mut Scanner<'_>,
) -> Result<bool, NotationError> {
    match word.text {
        "echo" => {
            let ([a, b], [c, d]) = (short(words)?.to_be_bytes(), short(words)?.to_be_bytes());
            icmp.rest = [a, b, c, d];
        }
        "rest" => {
            let bytes = words.word("four bytes in hexadecimal")?;
            let wanted = |_| bytes.unexpected("four bytes in hexadecimal");
            icmp.rest = bytes.bytes()?.try_into().map_err(wanted)?;
        }
        "cksum" => icmp.checksum = Field::Forced(short(words)?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn v4_field(ip: &mut Ipv4, word: Word<'_>, words: &mut Scanner<'_>) -> Result<bool, NotationError> {
    match word.text {
        "ttl" => ip.ttl = small(words)?,
        "id" => ip.identification = short(words)?,
        "tos" => ip.tos = small(words)?,
        "DF" => ip.flags |= ipv4::DONT_FRAGMENT,
        "MF" => ip.flags |= ipv4::MORE_FRAGMENTS,
        "evil" => ip.flags |= ipv4::RESERVED,
        "ip-flags" => ip.flags = small(words)?,
        "frag" => ip.fragment_offset = short(words)?,
        "ip-len" => ip.total_length = Field::Forced(short(words)?),
        "ip-proto" => ip.protocol = Field::Forced(small(words)?),
        "ip-cksum" => ip.checksum = Field::Forced(short(words)?),
        "ip-options" => {
            let bytes = words.word("bytes in hexadecimal, or empty")?;
            let bytes = if bytes.text == "empty" {
                Vec::new()
            } else {
                bytes.bytes()?
            };
            ip.options = Some(bytes.into());
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn v6_field(ip: &mut Ipv6, word: Word<'_>, words: &mut Scanner<'_>) -> Result<bool, NotationError> {
    match word.text {
        "hlim" => ip.hop_limit = small(words)?,
        "class" => ip.traffic_class = small(words)?,
        "flow" => ip.flow_label = long(words)?,
        "ip-len" => ip.payload_length = Field::Forced(short(words)?),
        "ip-proto" => ip.next_header = Field::Forced(small(words)?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn payload(word: Word<'_>, words: &mut Scanner<'_>) -> Result<Option<Payload>, NotationError> {
    Ok(Some(match word.text {
        "zeros" => Payload::zeros(words.word("a number of bytes")?.number(MAX_ZEROS)?),
        "hex" => Payload::new(words.word("bytes in hexadecimal")?.bytes()?),
        text if text.starts_with('"') => Payload::new(unquoted(word)?),
        _ => return Ok(None),
    }))
}

/// The bytes of a quotation, its escapes resolved.
fn unquoted(word: Word<'_>) -> Result<Vec<u8>, NotationError> {
    let mut bytes = Vec::new();
    let inner = word.text.get(1..word.text.len() - 1).unwrap_or_default();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        let byte = match letter {
            '\\' => match letters.next() {
                Some('r') => b'\r',
                Some('n') => b'\n',
                Some('t') => b'\t',
                Some('"') => b'"',
                Some('\'') => b'\'',
                Some('\\') => b'\\',
                _ => {
                    return Err(
                        word.unexpected("text whose escapes are of \\r \\n \\t \\\" \\' \\\\")
                    );
                }
            },
            plain => {
                let ascii = u8::try_from(plain).ok().filter(u8::is_ascii);
                ascii.ok_or_else(|| word.unexpected("ASCII text, or hex"))?
            }
        };
        bytes.push(byte);
    }
    Ok(bytes)
}

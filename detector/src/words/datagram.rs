//! What is said in datagrams.

use super::bytes::digest;
use super::word::Word;
use super::{dns, logins, rpc};

/// What a datagram says.
pub(crate) fn of_datagram(sport: u16, dport: u16, bytes: &[u8]) -> Word {
    let Some(first) = bytes.first() else {
        return Word::None;
    };
    if bytes.starts_with(&[0xce, 0x63, 0xd1, 0xd2, 0x16, 0xe7, 0x13, 0xcf]) {
        return Word::BackOrifice;
    }
    let service = |port: u16| sport == port || dport == port;
    if service(53) || service(5353) {
        return dns::message(bytes.get(2..).unwrap_or_default());
    }
    if service(137) {
        return match bytes {
            [_, _, flags, ..] if flags & 0x80 == 0 => Word::NetbiosQuery,
            _ => Word::Other,
        };
    }
    if let Some(word) = logins::said_in_datagram(sport, bytes) {
        return word;
    }
    if is_quic_opening(bytes) {
        return Word::QuicOpening;
    }
    if is_of_peers(bytes) {
        return Word::Peer;
    }
    // Mode 3, RFC 5905 section 7.3.
    if dport == 123 && first & 7 == 3 && bytes.len() >= 48 {
        return Word::NtpQuestion;
    }
    // Control and private messages, RFC 9327 section 2 and RFC 5905 section 7.3, that are no responses.
    if dport == 123 && matches!(first & 7, 6 | 7) && first & 0x80 == 0 {
        return Word::NtpControl;
    }
    if let Some(call) = rpc::call(bytes) {
        return call;
    }
    if dport == 161 || dport == 162 {
        return snmp(bytes);
    }
    if is_record(dport, bytes) {
        return Word::Record;
    }
    if bytes.len() > 3 && bytes.iter().take(64).all(|byte| byte == first) {
        return if *first == 0 {
            Word::Zeros
        } else {
            Word::Same(*first)
        };
    }
    Word::Other
}

/// A question or answer of BitTorrent's table of peers (BEP 5), or a question to a tracker (BEP 15).
fn is_of_peers(bytes: &[u8]) -> bool {
    const TRACKER: [u8; 8] = 0x0417_2710_1980_u64.to_be_bytes();
    [&b"d1:ad2:id20:"[..], b"d1:rd2:id20:", &TRACKER]
        .iter()
        .any(|begin| bytes.starts_with(begin))
}

/// A line of syslog (RFC 5424 section 6.2.1), a measurement of StatsD, or records of flows: NetFlow 5 and 9, IPFIX, sFlow.
fn is_record(dport: u16, bytes: &[u8]) -> bool {
    const COLLECTORS: [u16; 7] = [2055, 2056, 4739, 6343, 9995, 9996, 9555];
    match bytes {
        [b'<', b'0'..=b'9', b'>', ..]
        | [b'<', b'0'..=b'9', b'0'..=b'9', b'>', ..]
        | [b'<', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'>', ..] => true,
        [0, 5 | 9 | 10, ..] | [0, 0, 0, 5, ..] => COLLECTORS.contains(&dport) && bytes.len() >= 20,
        [b'a'..=b'z' | b'A'..=b'Z', ..] => is_measurement(bytes),
        _ => false,
    }
}

/// A name, a colon, a number, a bar and a kind: `web.hits:1|c`.
fn is_measurement(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(96)).unwrap_or_default();
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/".contains(byte);
    let value = |byte: &u8| byte.is_ascii_digit() || b".+-".contains(byte);
    let rest = head
        .iter()
        .position(|byte| !name(byte))
        .map(|at| head.split_at(at).1);
    let Some([b':', rest @ ..]) = rest else {
        return false;
    };
    let digits = rest.iter().take_while(|byte| value(byte)).count();
    digits > 0 && matches!(rest.get(digits..), Some([b'|', b'a'..=b'z', ..]))
}

/// A long header, a version, the length of a connection's name: RFC 9000 section 17.2. Versions that exist, that are
/// reserved to be refused (`?a?a?a?a`), drafts, and Google's.
fn is_quic_opening(bytes: &[u8]) -> bool {
    let [first, a, b, c, d, length, ..] = bytes else {
        return false;
    };
    let version = u32::from_be_bytes([*a, *b, *c, *d]);
    let known = matches!(version, 1 | 0x6b33_43cf | 0xff00_0000..=0xff00_00ff | 0xface_b000..=0xface_b0ff)
        || version & 0x0f0f_0f0f == 0x0a0a_0a0a
        || matches!((a, b), (b'Q' | b'T', b'0'..=b'9'));
    first & 0xc0 == 0xc0 && known && *length <= 20
}

/// The community of SNMP 1 and 2: behind the sequence and the version.
fn snmp(bytes: &[u8]) -> Word {
    let body = match bytes {
        [0x30, length, rest @ ..] if length & 0x80 == 0 => rest,
        [0x30, 0x81, _, rest @ ..] | [0x30, 0x82, _, _, rest @ ..] => rest,
        _ => return Word::Other,
    };
    match body {
        [2, 1, 0 | 1, 4, length, rest @ ..] => {
            let community = rest.get(..usize::from(*length)).unwrap_or(rest);
            Word::Snmp(digest(community))
        }
        _ => Word::Other,
    }
}

//! Records and handshake messages of TLS, as far as they are not encrypted: RFC 8446 sections 4 and 5, RFC 5246.

use wire::Payload;

use crate::conversation::filler::random;
use crate::seed::Draws;

/// Content type of alerts.
const ALERT: u8 = 21;
/// Content type of handshake messages.
const HANDSHAKE: u8 = 22;
/// Content type of the change of ciphers.
const CHANGE_CIPHER: u8 = 20;
/// Content type of encrypted records.
pub const APPLICATION_DATA: u8 = 23;
/// Version in records: that of TLS 1.2 for ever, RFC 8446 section 5.1.
const VERSION: [u8; 2] = [3, 3];
/// Most bytes that one record protects.
pub const PLAINTEXT: usize = 16_384;
/// What protection adds in TLS 1.3: the content type and a tag of 16 bytes.
const SEAL: usize = 17;
/// Length of a full record.
pub const FULL: usize = PLAINTEXT + SEAL;
/// Length of the record of a Finished with SHA-256 in TLS 1.3: header, digest, seal.
const FINISHED_13: usize = 4 + 32 + SEAL;
/// The same in TLS 1.2 with AES-GCM: explicit nonce, header, 12 bytes, tag.
const FINISHED_12: usize = 8 + 4 + 12 + 16;
/// Length of a sealed close_notify in TLS 1.3.
pub const CLOSE_NOTIFY: usize = 2 + SEAL;
/// Length of the record of a session ticket. Assumption: OpenSSL's, without early data.
pub const TICKET: usize = 234;
/// Bytes of the head of a response, sealed. Assumption: HTTP/2 headers with a warm table.
pub const HEAD: std::ops::RangeInclusive<u64> = 60..=180;
/// Fewest bytes of a request, so that none looks like a Finished or an alert.
pub const LEAST_REQUEST: usize = 64;
/// A fatal alert in plain.
pub const UNEXPECTED_MESSAGE: [u8; 7] = [ALERT, 3, 3, 0, 2, 2, 10];

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// TLS 1.3.
    Tls13,
    /// A resumed session of TLS 1.2.
    Tls12,
}

impl Kind {
    /// The version whose Finished this record is, by its length.
    pub fn of_finished(kind: u8, length: usize) -> Option<Kind> {
        match (kind, length) {
            (APPLICATION_DATA, FINISHED_13) => Some(Kind::Tls13),
            (HANDSHAKE, FINISHED_12) => Some(Kind::Tls12),
            _ => None,
        }
    }
}

/// A record of that type.
fn plain(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 5);
    bytes.push(kind);
    bytes.extend(VERSION);
    with_length16(&mut bytes, body);
    bytes
}

/// A record whose ciphertext begins with these bytes; the seal repeats their end.
pub fn sealed(kind: u8, ciphertext: &[u8]) -> Vec<u8> {
    let seal = ciphertext
        .get(ciphertext.len().saturating_sub(SEAL)..)
        .unwrap_or_default();
    let mut body = ciphertext.to_vec();
    body.extend(seal.iter().chain(std::iter::repeat(&0x5c)).take(SEAL));
    plain(kind, &body)
}

/// A sealed record of random bytes; their number is drawn.
pub fn random_sealed(draws: &mut Draws, length: std::ops::RangeInclusive<u64>) -> Vec<u8> {
    let length = usize::try_from(draws.range(length)).unwrap_or(0);
    let body = random(draws, length);
    sealed(APPLICATION_DATA, &body)
}

/// A record of exactly that many random bytes.
fn random_record(kind: u8, length: usize, draws: &mut Draws) -> Vec<u8> {
    plain(kind, &random(draws, length))
}

/// The bytes of a response's last record: one that would look like a ticket is a byte longer.
pub fn last_of_response(bytes: usize) -> usize {
    if bytes + SEAL == TICKET {
        bytes + 1
    } else {
        bytes
    }
}

/// A handshake message.
fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let mut bytes = vec![kind, a, b, c];
    bytes.extend_from_slice(body);
    bytes
}

fn with_length16(out: &mut Vec<u8>, body: &[u8]) {
    out.extend(u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(body);
}

fn extension(out: &mut Vec<u8>, kind: u16, body: &[u8]) {
    out.extend(kind.to_be_bytes());
    with_length16(out, body);
}

/// Server name, RFC 6066 section 3.
fn server_name(name: &str) -> Vec<u8> {
    let mut entry = vec![0];
    with_length16(&mut entry, name.as_bytes());
    let mut list = Vec::new();
    with_length16(&mut list, &entry);
    list
}

/// The extensions that browsers send.
fn client_extensions(name: &str, draws: &mut Draws) -> Vec<u8> {
    let mut all = Vec::new();
    extension(&mut all, 0, &server_name(name));
    extension(&mut all, 23, &[]); // extended master secret
    extension(&mut all, 0xff01, &[0]); // renegotiation
    extension(&mut all, 10, &[0, 6, 0, 29, 0, 23, 0, 24]); // groups: x25519, secp256r1, secp384r1
    extension(&mut all, 11, &[1, 0]); // uncompressed points
    let ticket = random(draws, 208);
    extension(&mut all, 35, &ticket);
    extension(&mut all, 16, b"\x00\x0c\x02h2\x08http/1.1");
    extension(&mut all, 5, &[1, 0, 0, 0, 0]); // certificate status
    extension(
        &mut all,
        13,
        &[0, 14, 4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6],
    );
    let mut share = vec![0, 36, 0, 29, 0, 32];
    share.extend(random(draws, 32));
    extension(&mut all, 51, &share);
    extension(&mut all, 45, &[1, 1]); // key exchange with a ticket
    extension(&mut all, 43, &[4, 3, 4, 3, 3]); // TLS 1.3, TLS 1.2
    all
}

/// The client's first record.
pub fn client_hello(name: &str, draws: &mut Draws) -> Vec<u8> {
    const SUITES: [u8; 16] = [
        0x13, 0x01, 0x13, 0x03, 0x13, 0x02, 0xc0, 0x2b, 0xc0, 0x2f, 0xcc, 0xa9, 0xcc, 0xa8, 0xc0,
        0x2c,
    ];
    let mut body = VERSION.to_vec();
    body.extend(random(draws, 32));
    body.push(32);
    body.extend(random(draws, 32));
    with_length16(&mut body, &SUITES);
    body.extend([1, 0]);
    let extensions = client_extensions(name, draws);
    with_length16(&mut body, &extensions);
    let mut record = plain(HANDSHAKE, &handshake(1, &body));
    // The first record says TLS 1.0, for old middle boxes: RFC 8446 section 5.1.
    if let Some(minor) = record.get_mut(2) {
        *minor = 1;
    }
    record
}

/// The session id of a ClientHello, which a server returns.
fn session_id(hello: &[u8]) -> &[u8] {
    // Record header, message header, version, random.
    const AT: usize = 5 + 4 + 2 + 32;
    let length = hello.get(AT).copied().unwrap_or(0);
    hello
        .get(AT + 1..AT + 1 + usize::from(length))
        .unwrap_or_default()
}

fn server_hello(kind: Kind, hello: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut body = VERSION.to_vec();
    body.extend(random(draws, 32));
    let session = session_id(hello);
    body.push(u8::try_from(session.len()).unwrap_or(0));
    body.extend_from_slice(session);
    let mut extensions = Vec::new();
    match kind {
        Kind::Tls13 => {
            body.extend([0x13, 0x01, 0]);
            let mut share = vec![0, 29, 0, 32];
            share.extend(random(draws, 32));
            extension(&mut extensions, 51, &share);
            extension(&mut extensions, 43, &[3, 4]);
        }
        Kind::Tls12 => {
            body.extend([0xc0, 0x2f, 0]);
            extension(&mut extensions, 23, &[]);
            extension(&mut extensions, 0xff01, &[0]);
        }
    }
    with_length16(&mut body, &extensions);
    plain(HANDSHAKE, &handshake(2, &body))
}

/// All that a server sends in answer to a ClientHello.
pub fn server_flight(kind: Kind, hello: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut flight = server_hello(kind, hello, draws);
    flight.extend(plain(CHANGE_CIPHER, &[1]));
    match kind {
        Kind::Tls13 => {
            // Encrypted extensions, certificates, signature.
            flight.extend(random_sealed(draws, 8..=24));
            flight.extend(random_sealed(draws, 1_900..=4_400));
            flight.extend(random_sealed(draws, 80..=268));
            flight.extend(random_record(APPLICATION_DATA, FINISHED_13, draws));
        }
        Kind::Tls12 => flight.extend(random_record(HANDSHAKE, FINISHED_12, draws)),
    }
    flight
}

/// The end of the client's handshake.
pub fn client_finish(kind: Kind, draws: &mut Draws) -> Vec<u8> {
    let mut flight = plain(CHANGE_CIPHER, &[1]);
    flight.extend(match kind {
        Kind::Tls13 => random_record(APPLICATION_DATA, FINISHED_13, draws),
        Kind::Tls12 => random_record(HANDSHAKE, FINISHED_12, draws),
    });
    flight
}

/// The two tickets with which servers follow the handshake.
pub fn tickets(draws: &mut Draws) -> Vec<u8> {
    let mut both = random_record(APPLICATION_DATA, TICKET, draws);
    both.extend(random_record(APPLICATION_DATA, TICKET, draws));
    both
}

/// The announcement that nothing follows.
pub fn close_notify(kind: Kind, draws: &mut Draws) -> Vec<u8> {
    match kind {
        Kind::Tls13 => random_record(APPLICATION_DATA, CLOSE_NOTIFY, draws),
        Kind::Tls12 => random_record(ALERT, 8 + 2 + 16, draws),
    }
}

/// Finds records in what arrives, without keeping their content.
#[derive(Debug, Default)]
pub struct Records {
    header: Vec<u8>,
    left: usize,
    seen: bool,
    broken: bool,
}

impl Records {
    /// Takes in what arrived, and returns type and length of each record that is whole.
    pub fn take(&mut self, payload: &Payload) -> Vec<(u8, usize)> {
        let mut whole = Vec::new();
        let mut at = 0;
        while at < payload.len() && !self.broken {
            if self.header.len() < 5 {
                let piece = payload.slice(at, 5 - self.header.len());
                at += piece.len();
                piece.emit(&mut self.header);
                self.begin();
            }
            let skipped = self.left.min(payload.len() - at);
            self.left -= skipped;
            at += skipped;
            if let ([kind, _, _, high, low], 0) = (self.header.as_slice(), self.left) {
                whole.push((*kind, usize::from(u16::from_be_bytes([*high, *low]))));
                self.seen = true;
                self.header.clear();
            }
        }
        whole
    }

    fn begin(&mut self) {
        if let [kind, major, _, high, low] = self.header.as_slice() {
            self.left = usize::from(u16::from_be_bytes([*high, *low]));
            self.broken = *major != 3 || !(CHANGE_CIPHER..=APPLICATION_DATA).contains(kind);
        }
    }

    /// Whether a whole record was seen.
    pub fn any(&self) -> bool {
        self.seen
    }

    /// Whether what arrived is no TLS.
    pub fn broken(&self) -> bool {
        self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Pins, SeedTree};
    use proptest::prelude::*;

    fn draws() -> Draws {
        SeedTree::new(1, Pins::new()).draws("x")
    }

    fn lengths(bytes: &[u8]) -> Vec<(u8, usize)> {
        Records::default().take(&Payload::new(bytes))
    }

    #[test]
    fn a_flight_ends_with_a_finished_of_its_version() {
        let hello = client_hello("www.example.com", &mut draws());
        for kind in [Kind::Tls13, Kind::Tls12] {
            let records = lengths(&server_flight(kind, &hello, &mut draws()));
            let finished: Vec<_> = records
                .iter()
                .map(|(k, l)| Kind::of_finished(*k, *l))
                .collect();
            assert_eq!(finished.iter().flatten().count(), 1);
            assert_eq!(finished.last(), Some(&Some(kind)));
        }
    }

    #[test]
    fn the_server_returns_the_session_id() {
        let hello = client_hello("a", &mut draws());
        assert_eq!(session_id(&hello).len(), 32);
        assert_eq!(
            session_id(&server_hello(Kind::Tls13, &hello, &mut draws())),
            session_id(&hello)
        );
    }

    #[test]
    fn what_is_no_tls_is_noticed() {
        let mut records = Records::default();
        records.take(&Payload::new(*b"GET / HTTP/1.0\r\n"));
        assert!(records.broken());
    }

    proptest! {
        #[test]
        fn records_are_found_however_the_stream_is_cut(cuts in proptest::collection::vec(1usize..900, 1..40)) {
            let hello = client_hello("www.example.com", &mut draws());
            let bytes = server_flight(Kind::Tls13, &hello, &mut draws());
            let mut records = Records::default();
            let mut found = Vec::new();
            let mut at = 0;
            for cut in cuts.iter().cycle() {
                let end = (at + cut).min(bytes.len());
                found.extend(records.take(&Payload::new(&bytes[at..end])));
                at = end;
                if at == bytes.len() { break; }
            }
            prop_assert_eq!(found, lengths(&bytes));
        }
    }
}

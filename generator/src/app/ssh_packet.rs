//! Packets of the SSH transport, RFC 4253 section 6, as far as they are not encrypted.

use wire::Payload;

use crate::conversation::filler::random;
use crate::seed::Draws;

/// Number of the message that begins a key exchange.
const KEXINIT: u8 = 20;
/// Number of the message that puts new keys into force.
const NEWKEYS: u8 = 21;
/// Numbers of the two messages of an exchange over elliptic curves, RFC 5656 section 4.
const ECDH_INIT: u8 = 30;
const ECDH_REPLY: u8 = 31;
/// Largest packet that must be understood, RFC 4253 section 6.1.
const MAX_PACKET: usize = 35_000;

/// The lists of algorithms that present-day OpenSSH offers first.
const ALGORITHMS: [&str; 10] = [
    "sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256",
    "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256",
    "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes256-ctr",
    "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes256-ctr",
    "umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256",
    "umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256",
    "none,zlib@openssh.com",
    "none,zlib@openssh.com",
    "",
    "",
];
/// The one exchange that servers of this world offer.
const EXCHANGE: &str = "curve25519-sha256,curve25519-sha256@libssh.org";
/// Bytes that ChaCha20-Poly1305 adds to a packet: its encrypted length and a tag.
const SEAL: usize = 4 + 16;
/// How encrypted lengths begin. Some decoders try a key of zeros, under which a random length looks real once in 2^17
/// packets; with this beginning it does not within the numbers of packets that a session has.
const LENGTH_BEGINS: [u8; 2] = [0x9d, 0x41];

fn packet(message: &[u8]) -> Vec<u8> {
    // The whole is a multiple of 8 bytes, with at least 4 bytes of padding.
    let padding = 4 + (8 - (5 + message.len() + 4) % 8) % 8;
    let length = u32::try_from(1 + message.len() + padding).unwrap_or(0);
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.push(u8::try_from(padding).unwrap_or(4));
    bytes.extend_from_slice(message);
    bytes.resize(bytes.len() + padding, 0);
    bytes
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// The algorithms of a client, or of a server.
pub fn kexinit(server: bool, draws: &mut Draws) -> Vec<u8> {
    let mut message = vec![KEXINIT];
    message.extend(random(draws, 16));
    for (n, list) in ALGORITHMS.iter().enumerate() {
        let list = if server && n == 0 { EXCHANGE } else { list };
        string(&mut message, list.as_bytes());
    }
    message.extend([0; 5]);
    packet(&message)
}

/// The client's half of the key exchange.
pub fn ecdh_init(draws: &mut Draws) -> Vec<u8> {
    let mut message = vec![ECDH_INIT];
    string(&mut message, &random(draws, 32));
    packet(&message)
}

/// The server's half, with its key and signature, and its NEWKEYS.
pub fn ecdh_reply(draws: &mut Draws) -> Vec<u8> {
    let named = |bytes: &[u8]| {
        let mut blob = Vec::new();
        string(&mut blob, b"ssh-ed25519");
        string(&mut blob, bytes);
        blob
    };
    let mut message = vec![ECDH_REPLY];
    string(&mut message, &named(&random(draws, 32)));
    string(&mut message, &random(draws, 32));
    string(&mut message, &named(&random(draws, 64)));
    let mut both = packet(&message);
    both.extend(newkeys());
    both
}

/// The message that puts the keys into force.
pub fn newkeys() -> Vec<u8> {
    packet(&[NEWKEYS])
}

/// An encrypted packet of about so many bytes in all, in whole blocks.
pub fn encrypted(bytes: usize, draws: &mut Draws) -> Vec<u8> {
    let blocks = (bytes.saturating_sub(SEAL) / 8).max(1) * 8;
    let mut packet = LENGTH_BEGINS.to_vec();
    packet.extend(random(draws, SEAL + blocks - LENGTH_BEGINS.len()));
    packet
}

/// What has arrived before the keys are in force.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The line that tells the version.
    Version,
    /// A message of that number.
    Message(u8),
}

/// Finds the version line and the packets after it.
#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
    version_seen: bool,
    encrypted: bool,
}

impl Reader {
    /// Takes in what arrived. Nothing more comes out of a stream that is no SSH.
    pub fn take(&mut self, payload: &Payload) -> Vec<Arrival> {
        if self.bytes.len() < MAX_PACKET {
            payload.emit(&mut self.bytes);
        }
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Whether bytes are left that are no whole packet, or are encrypted.
    pub fn holds_more(&self) -> bool {
        !self.bytes.is_empty()
    }

    fn next(&mut self) -> Option<Arrival> {
        if !self.version_seen {
            let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
            self.version_seen = self.bytes.starts_with(b"SSH-2.0-");
            self.bytes.drain(..=end);
            return Some(Arrival::Version).filter(|_| self.version_seen);
        }
        if self.encrypted {
            return None;
        }
        let length = self
            .bytes
            .first_chunk::<4>()
            .map(|four| u32::from_be_bytes(*four))?;
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length < MAX_PACKET)?
            + 4;
        let number = self
            .bytes
            .get(5)
            .copied()
            .filter(|_| self.bytes.len() >= length)?;
        self.bytes.drain(..length);
        self.encrypted = number == NEWKEYS;
        Some(Arrival::Message(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Pins, SeedTree};

    #[test]
    fn packets_are_whole_blocks_and_found_again() {
        let mut draws = SeedTree::new(1, Pins::new()).draws("x");
        let mut stream = b"SSH-2.0-x\r\n".to_vec();
        for part in [kexinit(true, &mut draws), ecdh_reply(&mut draws)] {
            assert_eq!(part.len() % 8, 0);
            stream.extend(part);
        }
        let mut reader = Reader::default();
        let found: Vec<Arrival> = stream
            .chunks(100)
            .flat_map(|piece| reader.take(&Payload::new(piece)))
            .collect();
        let messages = [KEXINIT, ECDH_REPLY, NEWKEYS].map(Arrival::Message);
        assert_eq!(found.first(), Some(&Arrival::Version));
        assert_eq!(found[1..], messages);
    }

    #[test]
    fn an_encrypted_packet_has_whole_blocks() {
        let mut draws = SeedTree::new(1, Pins::new()).draws("x");
        let sizes = [0, 36, 50, 500].map(|bytes| encrypted(bytes, &mut draws).len());
        assert_eq!(sizes, [28, 36, 44, 500]);
    }

    #[test]
    fn what_is_no_ssh_comes_to_nothing() {
        assert_eq!(
            Reader::default().take(&Payload::new(*b"GET / HTTP/1.0\r\n\r\n")),
            []
        );
    }
}

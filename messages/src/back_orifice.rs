//! Back Orifice 1.20, as its enciphered datagrams stand on the wire.
//!
//! Source: the published `udp-12345-probe`, whose first eight bytes are the magic under the cipher of an empty password.

/// What a datagram begins with before it is enciphered.
pub const MAGIC: [u8; 8] = *b"*!*QWTY?";
/// Key of an empty password.
pub const DEFAULT_KEY: u32 = 31337;
/// Type of a ping, and of its answer.
pub const PING: u8 = 1;

/// A datagram: its number, its type, what it says. The checksum is 0, as clients leave it.
pub fn emit(key: u32, number: u32, kind: u8, data: &[u8]) -> Vec<u8> {
    // Magic, length, number, type, data, the end of its text, checksum.
    let length = 8 + 4 + 4 + 1 + data.len() + 2;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(MAGIC);
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(number.to_le_bytes());
    bytes.push(kind);
    bytes.extend(data);
    bytes.extend([0, 0]);
    apply_cipher(key, &mut bytes);
    bytes
}

/// Type and data of a datagram under that key.
pub fn parse(key: u32, bytes: &[u8]) -> Option<(u8, Vec<u8>)> {
    let mut plain = bytes.to_vec();
    apply_cipher(key, &mut plain);
    let rest = plain.strip_prefix(&MAGIC)?;
    let (kind, data) = (*rest.get(8)?, rest.get(9..)?);
    let end = data.len().checked_sub(2)?;
    Some((kind, data.get(..end)?.to_vec()))
}

/// Both directions: each byte with the third of a linear congruential generator's.
fn apply_cipher(key: u32, bytes: &mut [u8]) {
    let mut state = key;
    for byte in bytes {
        state = state.wrapping_mul(214_013).wrapping_add(2_531_011);
        let [_, _, mask, _] = state.to_le_bytes();
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_is_the_published_payload() {
        let published = [
            0xce, 0x63, 0xd1, 0xd2, 0x16, 0xe7, 0x13, 0xcf, 0x38, 0xa5, 0xa5, 0x86, 0xb2, 0x75,
            0x4b, 0x99, 0xaa, 0x32, 0x58,
        ];
        assert_eq!(emit(DEFAULT_KEY, 0, PING, b""), published);
        assert_eq!(parse(DEFAULT_KEY, &published), Some((PING, Vec::new())));
        assert_eq!(parse(1, &published), None);
    }
}

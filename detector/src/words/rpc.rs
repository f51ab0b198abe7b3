//! Calls of SunRPC, RFC 5531.

use super::word::Word;

/// A call of RPC, from its transaction number on.
pub(super) fn call(bytes: &[u8]) -> Option<Word> {
    let word = |at: usize| -> Option<u32> {
        let bytes = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    if word(4)? != 0 || word(8)? != 2 {
        return None;
    }
    Some(match word(12)? {
        100_000 => Word::Portmap(u16::try_from(word(20)?).unwrap_or(u16::MAX)),
        100_001..=100_999 => Word::Rpc,
        _ => return None,
    })
}

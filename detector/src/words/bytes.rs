//! Looking for text in bytes, and telling bytes apart without keeping them.

/// Whether any of these stands somewhere in the bytes.
pub(super) fn contains_any(bytes: &[u8], words: &[&[u8]]) -> bool {
    words
        .iter()
        .any(|word| bytes.windows(word.len()).any(|window| window == *word))
}

/// Tells texts apart without keeping them.
pub(super) fn digest(bytes: &[u8]) -> u16 {
    let hash = bytes.iter().fold(0x811c_9dc5u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    u16::try_from((hash ^ hash >> 16) & 0xffff).unwrap_or(0)
}

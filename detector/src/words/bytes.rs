//! Looking for text in bytes.

/// Whether any of these stands somewhere in the bytes.
pub(super) fn contains_any(bytes: &[u8], words: &[&[u8]]) -> bool {
    words
        .iter()
        .any(|word| bytes.windows(word.len()).any(|window| window == *word))
}

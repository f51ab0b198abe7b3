//! Numbers at places of a message.

/// The 16 bits at a place, most significant byte first.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(pair.try_into().ok()?))
}

/// The 32 bits at a place, most significant byte first.
pub(crate) fn word32(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

/// The low byte of a length; lengths here are checked by their makers.
pub(crate) fn low8(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

/// The low 16 bits of a length.
pub(crate) fn low16(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

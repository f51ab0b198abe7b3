//! Headers as words of 32 bits: what floods are made of is put together and summed in registers.

/// Appends the words of a header without options, in network byte order.
#[inline]
pub fn append(words: [u32; 5], out: &mut Vec<u8>) {
    let mut bytes = [0; 20];
    for (room, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *room = word.to_be_bytes();
    }
    out.extend_from_slice(&bytes);
}

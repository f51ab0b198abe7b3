//! Text that a packet carries, as far as a listing prints it.
//!
//! Lines end with CR LF on the wire, the last one where the length leaves room. What the listing does not print is zero.

/// The bytes of `lines` in a payload of `length` bytes, and how many of them the listing tells.
pub(super) fn payload(lines: &[String], length: usize) -> (Vec<u8>, usize) {
    let with = |end: &str| lines.join(end).into_bytes();
    let mut bytes = with("\r\n");
    if bytes.len() > length {
        bytes = with("\n");
    }
    let room = length.saturating_sub(bytes.len());
    if !lines.is_empty() {
        let end: &[u8] = if room == 1 { b"\n" } else { b"\r\n" };
        bytes.extend_from_slice(end);
    }
    bytes.truncate(length);
    let told = bytes.len();
    bytes.resize(length, 0);
    (bytes, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str], length: usize) -> (String, usize) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let (bytes, told) = payload(&lines, length);
        (String::from_utf8(bytes).unwrap(), told)
    }

    #[test]
    fn the_length_decides_how_lines_end() {
        assert_eq!(of(&["a", "b"], 6), ("a\r\nb\r\n".into(), 6));
        assert_eq!(of(&["a", "b"], 4), ("a\r\nb".into(), 4));
        assert_eq!(of(&["a", "b"], 3), ("a\nb".into(), 3));
        assert_eq!(of(&["a"], 5), ("a\r\n\0\0".into(), 3));
        assert_eq!(of(&[], 2), ("\0\0".into(), 0));
        assert_eq!(of(&["long"], 2), ("lo".into(), 2));
    }
}

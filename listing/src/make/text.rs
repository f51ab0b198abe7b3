//! Text that a packet carries, as far as a listing prints it.
//!
//! Lines end with CR LF on the wire, the last one where the length leaves room. What the listing does not print is zero.

/// The bytes of `lines` in a payload of `length` bytes, and how many of them the listing tells.
pub(super) fn payload(lines: &[String], length: usize) -> (Vec<u8>, usize) {
    let cut = lines.last().and_then(|line| before_cut(line));
    let with = |end: &str| {
        let mut text = lines.join(end);
        // The mark of a line that does not end is none of the packet's text.
        if let (Some(line), Some(cut)) = (lines.last(), cut) {
            text.truncate(text.len().saturating_sub(line.len() - cut.len()));
        }
        text.into_bytes()
    };
    let mut bytes = with("\r\n");
    if bytes.len() > length {
        bytes = with("\n");
    }
    let room = length.saturating_sub(bytes.len());
    let end: &[u8] = match (lines.is_empty(), cut.is_some(), room) {
        (true, ..) => b"",
        (false, true, 1) => b"\r",
        (false, false, 1) => b"\n",
        (false, ..) => b"\r\n",
    };
    bytes.extend_from_slice(end);
    bytes.truncate(length);
    let told = bytes.len();
    bytes.resize(length, 0);
    (bytes, told)
}

/// What stands before ` [|smtp]`, with which tcpdump marks a line that does not end in its packet.
fn before_cut(line: &str) -> Option<&str> {
    let (text, mark) = line.rsplit_once(" [|")?;
    mark.ends_with(']').then_some(text)
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
        assert_eq!(of(&["a", "b [|smtp]"], 4), ("a\r\nb".into(), 4));
        assert_eq!(of(&["a [|smtp]"], 2), ("a\r".into(), 2));
        assert_eq!(of(&[], 2), ("\0\0".into(), 0));
        assert_eq!(of(&["long"], 2), ("lo".into(), 2));
    }
}

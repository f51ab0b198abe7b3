//! The first messages of TFTP, RFC 1350.

use crate::bytes::word;

/// The port of requests.
pub const PORT: u16 = 69;
const READ: u16 = 1;
const WRITE: u16 = 2;
const DATA: u16 = 3;
const ERROR: u16 = 5;

/// A request to read, or to write, a file in octets.
pub fn request(file: &str, write: bool) -> Vec<u8> {
    let mut out = if write { WRITE } else { READ }.to_be_bytes().to_vec();
    out.extend(file.as_bytes());
    out.extend(b"\0octet\0");
    out
}

/// The file of a request, and whether it would be written; `None` for anything else.
pub fn requested(bytes: &[u8]) -> Option<(String, bool)> {
    let operation = word(bytes, 0).filter(|operation| [READ, WRITE].contains(operation))?;
    let name = bytes.get(2..)?.split(|byte| *byte == 0).next()?;
    Some((
        String::from_utf8_lossy(name).into_owned(),
        operation == WRITE,
    ))
}

/// A block of a file.
pub fn data(block: u16, content: &[u8]) -> Vec<u8> {
    let mut out = DATA.to_be_bytes().to_vec();
    out.extend(block.to_be_bytes());
    out.extend(content);
    out
}

/// An error: 1 is a file that does not exist, 2 one that nobody may have.
pub fn error(code: u16, text: &str) -> Vec<u8> {
    let mut out = ERROR.to_be_bytes().to_vec();
    out.extend(code.to_be_bytes());
    out.extend(text.as_bytes());
    out.push(0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_file() {
        let asked = requested(&request("/etc/passwd", false));
        assert_eq!(asked, Some(("/etc/passwd".into(), false)));
        assert_eq!(requested(&data(1, b"x")), None);
        assert_eq!(requested(&[0]), None);
    }
}

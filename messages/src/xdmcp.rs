//! The first messages of XDMCP, version 1, as the X Consortium's standard has them.

use crate::bytes::{low16, word};

/// The port of display managers.
pub const PORT: u16 = 177;
const QUERY: u16 = 2;
const WILLING: u16 = 5;

/// The question whether a display would be managed, without authentication.
pub fn query() -> Vec<u8> {
    message(QUERY, &[0])
}

/// Whether this is such a question.
pub fn is_query(bytes: &[u8]) -> bool {
    word(bytes, 0) == Some(1) && word(bytes, 2) == Some(QUERY)
}

/// The answer that it would, from that host.
pub fn willing(host: &str, status: &str) -> Vec<u8> {
    let mut body = 0u16.to_be_bytes().to_vec();
    for text in [host, status] {
        body.extend(low16(text.len()).to_be_bytes());
        body.extend(text.as_bytes());
    }
    message(WILLING, &body)
}

fn message(operation: u16, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(6 + body.len());
    for number in [1, operation, low16(body.len())] {
        out.extend(number.to_be_bytes());
    }
    out.extend(body);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_seven_bytes() {
        assert_eq!(query(), [0, 1, 0, 2, 0, 1, 0]);
        assert!(is_query(&query()) && !is_query(&willing("x", "y")) && !is_query(&[]));
    }
}

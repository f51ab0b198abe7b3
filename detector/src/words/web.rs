//! Requests of HTTP and RTSP: whether they bring a password along.
//!
//! Those for trackers are a peer's.
//!
//! Sources: RFC 9110 section 11, 7617 (Basic), 7616 (Digest), 4559 and [MS-NTHT] (NTLM), 7826 section 19 (RTSP).

use super::bytes::contains_any;
use super::word::{Password, Word};

/// The third message of NTLM, in base 64: the first brings no password along, and is always refused.
const NTLM_ANSWER: &[u8] = b"TlRMTVNTUAAD";

/// What a request says, from its first line on.
pub(super) fn request(bytes: &[u8]) -> Word {
    let first = bytes.split(|byte| *byte == b'\r').next();
    if first.is_some_and(is_for_a_tracker) {
        return Word::Peer;
    }
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = rest.split_at(end + 1);
        rest = after;
        if let Some(value) = authorization(line) {
            return password(value).map_or(Word::HttpBare, Word::HttpLogin);
        }
        if line.trim_ascii().is_empty() {
            // What is posted may be a password by any name.
            let posts = bytes.starts_with(b"POST ");
            return if posts {
                Word::HttpRequest
            } else {
                Word::HttpBare
            };
        }
    }
    // The rest of its head is elsewhere.
    Word::HttpRequest
}

/// Whether a tracker is asked who else has a file: BEP 3.
fn is_for_a_tracker(line: &[u8]) -> bool {
    line.starts_with(b"GET ") && contains_any(line, &[b"?info_hash=", b"&info_hash="])
}

/// What a line of the head says of who asks.
fn authorization(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at(colon);
    let known = [&b"authorization"[..], b"proxy-authorization"];
    let known = known.iter().any(|field| name.eq_ignore_ascii_case(field));
    // Hydra sends a second colon to cameras.
    let start = (value.iter()).position(|byte| !matches!(byte, b':' | b' ' | b'\t'))?;
    known.then(|| value.get(start..).unwrap_or_default().trim_ascii_end())
}

/// The password in it. Tokens and signatures of requests are none: nobody guesses them.
fn password(value: &[u8]) -> Option<Password> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = value.split_at(space);
    let is = |known: &[u8]| scheme.eq_ignore_ascii_case(known);
    let ntlm = is(b"ntlm") || is(b"negotiate");
    let known = is(b"basic") || is(b"digest") || ntlm && rest.trim_ascii().starts_with(NTLM_ANSWER);
    known.then(|| Password::in_bytes(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_password_is_no_login() {
        let bare = b"GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer 4711\r\n\r\n";
        assert_eq!(request(bare), Word::HttpBare);
        let first = b"GET / HTTP/1.1\r\nAuthorization: NTLM TlRMTVNTUAABAAAA\r\n\r\n";
        assert_eq!(request(first), Word::HttpBare);
        assert_eq!(request(b"GET / HTTP/1.1\r\nHost: a.exa"), Word::HttpRequest);
        let tracker = b"GET /announce?info_hash=%B0%3C&port=51999 HTTP/1.1\r\n\r\n";
        assert_eq!(request(tracker), Word::Peer);
        let form = b"POST / HTTP/1.1\r\nHost: a.example\r\n\r\nu=lena&p=1";
        assert_eq!(request(form), Word::HttpRequest);
    }

    #[test]
    fn passwords_are_told_apart() {
        let with = |password: &str| {
            request(format!("GET / HTTP/1.1\r\nauthorization: {password}\r\n\r\n").as_bytes())
        };
        assert!(matches!(with("Basic bGVuYTox"), Word::HttpLogin(_)));
        assert_eq!(with("Basic bGVuYTox"), with("Basic bGVuYTox"));
        assert_ne!(with("Basic bGVuYTox"), with("Basic bGVuYToy"));
        assert!(matches!(with(": Basic bGVuYTox"), Word::HttpLogin(_)));
    }
}

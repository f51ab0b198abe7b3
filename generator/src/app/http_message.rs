//! Requests and responses of HTTP as text.

use wire::Payload;

use crate::conversation::filler;
use crate::seed::Draws;

/// Longest head of a response that a reader waits for. Assumption: common servers allow 8 KiB.
const MAX_HEAD: usize = 8192;

/// Version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0, with the keep-alive of its browsers.
    Http10,
    /// HTTP/1.1.
    Http11,
}

impl Version {
    fn name(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        }
    }

    /// The version of a request line; `None` when it is none.
    pub fn of_request(line: &str) -> Option<Version> {
        let mut words = line.split(' ');
        let known = ["GET", "HEAD", "POST"].contains(&words.next()?);
        match words.nth(1)? {
            "HTTP/1.0" if known => Some(Version::Http10),
            "HTTP/1.1" if known => Some(Version::Http11),
            _ => None,
        }
    }
}

/// Requests.
#[derive(Debug)]
pub struct Request;

impl Request {
    /// A GET of that many bytes, by a cookie of the right length; longer where its other headers need more.
    pub fn padded(version: Version, host: &str, bytes: u64, draws: &mut Draws) -> Payload {
        const PATHS: [&str; 6] = [
            "/",
            "/index.html",
            "/images/logo.gif",
            "/news/",
            "/style.css",
            "/search?q=weather",
        ];
        let path = draws.pick(&PATHS).copied().unwrap_or("/");
        let agent = match version {
            Version::Http10 => {
                "Connection: Keep-Alive\r\nUser-Agent: Mozilla/4.7 [en] (Win98; I)\r\nAccept: image/gif, image/x-xbitmap, \
                 image/jpeg, image/pjpeg, image/png, */*\r\nAccept-Encoding: gzip\r\nAccept-Language: en\r\n\
                 Accept-Charset: iso-8859-1,*,utf-8\r\n"
            }
            Version::Http11 => {
                "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: */*\r\n\
                 Accept-Language: en\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
            }
        };
        let mut text = format!("GET {path} {}\r\nHost: {host}\r\n{agent}", version.name());
        const AROUND: usize = "Cookie: id=\r\n\r\n".len();
        let missing = usize::try_from(bytes)
            .unwrap_or(0)
            .saturating_sub(text.len() + AROUND);
        if missing > 0 {
            text.push_str("Cookie: id=");
            text.push_str(&digits(draws, missing));
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        Payload::new(text.into_bytes())
    }
}

/// So many hexadecimal digits.
fn digits(draws: &mut Draws, count: usize) -> String {
    let bytes = filler::random(draws, count.div_ceil(2));
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(count);
    text
}

fn head_text(version: Version, status: &str, server: &str, kind: &str, length: usize) -> String {
    let keep = match version {
        Version::Http10 => "Connection: Keep-Alive\r\n",
        Version::Http11 => "",
    };
    format!(
        "{} {status}\r\nServer: {server}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{keep}\r\n",
        version.name()
    )
}

/// The head of a response with a body of that many bytes, which nobody can mistake for a page.
pub fn head(version: Version, status: &str, server: &str, length: usize) -> Payload {
    Payload::new(
        head_text(version, status, server, "application/octet-stream", length).into_bytes(),
    )
}

/// A whole response that says what went wrong.
pub fn error(version: Version, status: &str, server: &str) -> Payload {
    let body = format!("<html><body>{status}</body></html>\r\n");
    let head = head_text(version, status, server, "text/html", body.len());
    Payload::new((head + &body).into_bytes())
}

/// A response whose writes have exactly these sizes; a head that does not fit the sum is cut off.
pub fn fixed_response(version: Version, server: &str, writes: &[usize]) -> Vec<Payload> {
    let total: usize = writes.iter().sum();
    let head_of = |length| head_text(version, "200 OK", server, "text/html", length);
    // The length counts its own digits: the head for the first guess shows how many bytes are left.
    let guess = total.saturating_sub(head_of(total).len());
    let length = total.saturating_sub(head_of(guess).len());
    let mut bytes = head_of(length).into_bytes();
    let page = b"<p>Nothing to see here, please go on.</p>\r\n";
    bytes.extend(page.iter().cycle().take(total.saturating_sub(bytes.len())));
    let whole = Payload::new(bytes);
    let mut start = 0;
    let mut parts = Vec::with_capacity(writes.len());
    for size in writes {
        parts.push(whole.slice(start, *size));
        start += size;
    }
    parts
}

/// Finds the ends of responses in what arrives.
#[derive(Debug, Default)]
pub struct ResponseReader {
    head: Vec<u8>,
    left: usize,
}

impl ResponseReader {
    /// Takes in what arrived; true when a response has ended.
    pub fn take(&mut self, payload: &Payload) -> bool {
        if self.left > 0 {
            self.left = self.left.saturating_sub(payload.len());
            return self.left == 0;
        }
        payload.emit(&mut self.head);
        self.head.truncate(MAX_HEAD);
        let Some(end) = self.head.windows(4).position(|four| four == b"\r\n\r\n") else {
            return false;
        };
        let text =
            String::from_utf8_lossy(self.head.get(..end).unwrap_or_default()).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| {
                line.strip_prefix("content-length:")?
                    .trim()
                    .parse::<usize>()
                    .ok()
            })
            .unwrap_or(0);
        self.left = length.saturating_sub(self.head.len() - end - 4);
        self.head.clear();
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Pins, SeedTree};

    #[test]
    fn a_request_has_the_size_asked_for() {
        let mut draws = SeedTree::new(3, Pins::new()).draws("x");
        for bytes in [400, 546, 1200] {
            let request = Request::padded(Version::Http10, "www.example.com", bytes, &mut draws);
            assert_eq!(request.len() as u64, bytes);
            assert!(request.to_vec().ends_with(b"\r\n\r\n"));
        }
    }

    #[test]
    fn a_fixed_response_is_whole_after_its_last_write() {
        let parts = fixed_response(Version::Http10, "Apache", &[414, 8, 80]);
        let mut reader = ResponseReader::default();
        let ends: Vec<bool> = parts.iter().map(|part| reader.take(part)).collect();
        assert_eq!(
            parts.iter().map(Payload::len).collect::<Vec<_>>(),
            [414, 8, 80]
        );
        assert_eq!(ends, [false, false, true]);
    }

    #[test]
    fn a_head_may_come_in_pieces() {
        let mut reader = ResponseReader::default();
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let ends: Vec<bool> = text
            .chunks(7)
            .map(|piece| reader.take(&Payload::new(piece)))
            .collect();
        assert_eq!(ends.iter().filter(|end| **end).count(), 1);
        assert_eq!(ends.last(), Some(&true));
    }

    #[test]
    fn what_is_no_request_has_no_version() {
        assert_eq!(Version::of_request("GET / HTTP/1.1"), Some(Version::Http11));
        for line in ["", "GET", "GET /", "EHLO me", "GET / HTTP/9"] {
            assert_eq!(Version::of_request(line), None, "{line}");
        }
    }
}

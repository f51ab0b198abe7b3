//! Lines of text out of a stream of bytes.

use wire::Payload;

/// Longest line kept; protocols that speak in lines allow 512 (RFC 5321 section 4.5.3.1).
const MAX_LINE: usize = 4096;

/// Collects bytes until a line is whole.
#[derive(Debug, Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Adds what arrived, and returns the lines that are whole, without their ends.
    pub fn take(&mut self, payload: &Payload) -> Vec<String> {
        payload.emit(&mut self.0);
        let mut lines = Vec::new();
        while let Some(end) = self.0.windows(2).position(|pair| pair == b"\r\n") {
            let line: Vec<u8> = self.0.drain(..end + 2).take(end).collect();
            lines.push(String::from_utf8_lossy(&line).into_owned());
        }
        self.0.truncate(MAX_LINE);
        lines
    }
}

/// A line with its end, as a payload.
pub fn line(text: &str) -> Payload {
    Payload::new(format!("{text}\r\n").into_bytes())
}

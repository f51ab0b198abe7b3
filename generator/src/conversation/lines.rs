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
        let mut bytes = Vec::with_capacity(payload.len());
        payload.emit(&mut bytes);
        self.0.extend(without_commands(&bytes));
        let mut lines = Vec::new();
        while let Some(end) = self.0.windows(2).position(|pair| pair == b"\r\n") {
            let line: Vec<u8> = self.0.drain(..end + 2).take(end).collect();
            lines.push(String::from_utf8_lossy(&line).into_owned());
        }
        self.0.truncate(MAX_LINE);
        lines
    }

    /// What has arrived of a line that is not whole.
    pub fn unfinished(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// Forgets it.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

/// The bytes without Telnet commands, RFC 854, which stand between the letters of a line.
fn without_commands(bytes: &[u8]) -> Vec<u8> {
    const COMMAND: u8 = 0xff;
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != COMMAND {
            kept.push(*first);
            continue;
        }
        let skipped = match after.first() {
            // An option follows WILL, WONT, DO and DONT.
            Some(0xfb..=0xfe) => 2,
            // A subnegotiation lasts to its end.
            Some(0xfa) => after
                .windows(2)
                .position(|pair| pair == [COMMAND, 0xf0])
                .map_or(after.len(), |end| end + 2),
            _ => 1,
        };
        rest = after.get(skipped..).unwrap_or_default();
    }
    kept
}

/// A line with its end, as a payload.
pub fn line(text: &str) -> Payload {
    Payload::new(format!("{text}\r\n").into_bytes())
}

//! The lines of a file, compressed or not, of any length up to a bound.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// A longer line is no alert: the largest carry a packet in hexadecimal.
const LONGEST: u64 = 16 << 20;

/// Beginnings of files that hold no lines of text, and what they are.
const FOREIGN: [(&[u8], &str); 9] = [
    (b"\xd4\xc3\xb2\xa1", "a capture"),
    (b"\xa1\xb2\xc3\xd4", "a capture"),
    (b"\x4d\x3c\xb2\xa1", "a capture"),
    (b"\x0a\x0d\x0d\x0a", "a capture"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it"),
    (b"\xfd7zXZ\x00", "compressed with xz: unpack it"),
    (b"BZh", "compressed with bzip2: unpack it"),
    (b"\xff\xfe", "UTF-16: write UTF-8"),
    (b"\xfe\xff", "UTF-16: write UTF-8"),
];

/// Lines as they are read, one at a time.
pub(super) struct Lines<'r> {
    input: Box<dyn BufRead + 'r>,
    buffer: Vec<u8>,
    number: u64,
}

/// A line.
pub(super) struct Text<'l> {
    /// Its number, from 1.
    pub(super) number: u64,
    /// What stands there, without line end; what is no UTF-8 is replaced.
    pub(super) text: std::borrow::Cow<'l, str>,
    /// Whether it has its end.
    pub(super) is_whole: bool,
}

impl<'r> Lines<'r> {
    /// The lines of an input that may be gzip'd.
    ///
    /// # Errors
    /// Fails when the input does, and on one that holds no text.
    pub(super) fn new(mut input: impl BufRead + 'r) -> io::Result<Lines<'r>> {
        let compressed = input.fill_buf()?.starts_with(b"\x1f\x8b");
        let mut input: Box<dyn BufRead + 'r> = match compressed {
            true => Box::new(BufReader::with_capacity(
                1 << 16,
                MultiGzDecoder::new(input),
            )),
            false => Box::new(input),
        };
        let begins = input.fill_buf()?;
        if let Some((_, what)) = FOREIGN.iter().find(|(begin, _)| begins.starts_with(begin)) {
            let message = format!("this is {what}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        if begins.starts_with(b"\xef\xbb\xbf") {
            input.consume(3);
        }
        Ok(Lines {
            input,
            buffer: Vec::new(),
            number: 0,
        })
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// Fails when the input does, and on a line that is too long.
    pub(super) fn next(&mut self) -> io::Result<Option<Text<'_>>> {
        self.buffer.clear();
        let mut bounded = (&mut self.input).take(LONGEST);
        let read = bounded.read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let is_whole = self.buffer.ends_with(b"\n");
        if !is_whole && read as u64 == LONGEST {
            let message = format!("line {} is longer than {} MiB", self.number, LONGEST >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let end = self.buffer.trim_ascii_end().len();
        let text = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default());
        Ok(Some(Text {
            number: self.number,
            text,
            is_whole,
        }))
    }
}

//! Where captures come from: a file, or standard input, compressed with gzip or not.

use std::fs::File;
use std::io::{self, Chain, Cursor, IsTerminal, Read, Seek, StdinLock};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;

/// What a gzip file begins with, RFC 1952 section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// An open capture.
pub enum Input {
    /// Standard input, which is no terminal.
    Standard(Looked<StdinLock<'static>>),
    /// A file, or what looks like one.
    File(File),
    /// What cannot be read twice, and is no standard input: a pipe with a name.
    Pipe(Looked<File>),
    /// One of these, compressed.
    Gzip(Box<MultiGzDecoder<Counted>>),
}

/// A stream whose first bytes were looked at.
type Looked<R> = Chain<Cursor<Vec<u8>>, R>;

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Standard(stream) => stream.read(buffer),
            Input::File(file) => file.read(buffer),
            Input::Pipe(stream) => stream.read(buffer),
            Input::Gzip(stream) => {
                let read = stream.read(buffer);
                read.map_err(|error| damaged(&error, stream.get_ref().bytes))
            }
        }
    }
}

/// A stream that counts what was taken from it.
pub struct Counted {
    stream: Box<dyn Read>,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

/// A compressed stream that ends early is no end of the capture.
fn damaged(error: &io::Error, bytes: u64) -> io::Error {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("is cut short: it ends after {bytes} bytes"),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            format!("is damaged within its first {bytes} bytes ({error})")
        }
        _ => return io::Error::new(error.kind(), error.to_string()),
    };
    let text = format!(
        "the gzip stream {what}; copy it again from where it is whole, for nothing behind that place can be unpacked"
    );
    io::Error::new(error.kind(), text)
}

/// Opens a capture; `-` is standard input. What is compressed with gzip is known by its first bytes.
///
/// # Errors
/// Names the file that cannot be opened, and says what to do about a terminal.
pub fn open(path: &Path) -> Result<Input> {
    if path == Path::new("-") {
        ensure!(
            !io::stdin().is_terminal(),
            "standard input is a terminal: name a capture, or pipe one in"
        );
        let (head, stream) = look(io::stdin().lock()).context("cannot read standard input")?;
        return Ok(if head == GZIP {
            gzip(stream)
        } else {
            Input::Standard(stream)
        });
    }
    let file = File::open(path)
        .with_context(|| format!("cannot open {}: is the path right?", path.display()))?;
    let regular = file.metadata().is_ok_and(|found| found.is_file());
    let (head, stream) = look(file).with_context(|| format!("cannot read {}", path.display()))?;
    if head == GZIP {
        return Ok(gzip(stream));
    }
    if !regular {
        return Ok(Input::Pipe(stream));
    }
    let (_, mut file) = stream.into_inner();
    file.rewind()
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Input::File(file))
}

fn gzip(stream: impl Read + 'static) -> Input {
    let stream = Counted {
        stream: Box::new(stream),
        bytes: 0,
    };
    Input::Gzip(Box::new(MultiGzDecoder::new(stream)))
}

/// The first two bytes, and the stream with them.
fn look<R: Read>(mut stream: R) -> io::Result<(Vec<u8>, Looked<R>)> {
    let mut head = Vec::new();
    stream.by_ref().take(2).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(stream)))
}

/// What to call it in messages.
pub fn display_name(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// What reading says of a gzip stream of which `change` has made something.
    fn said_of(change: impl FnOnce(&mut Vec<u8>)) -> String {
        let text: Vec<u8> = (0..20_000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&text).unwrap();
        let mut packed = encoder.finish().unwrap();
        change(&mut packed);
        let mut out = Vec::new();
        match gzip(Cursor::new(packed)).read_to_end(&mut out) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_damaged_stream_says_what_is_wrong_and_where() {
        assert_eq!(said_of(|_| {}), "");
        let cut = said_of(|packed| packed.truncate(1_000));
        assert!(cut.contains("cut short: it ends after 1000 bytes"), "{cut}");
        let bent = said_of(|packed| {
            if let Some(sum) = packed.iter_mut().rev().nth(6) {
                *sum ^= 0x55;
            }
        });
        assert!(bent.contains("damaged within its first"), "{bent}");
        assert!(bent.contains("copy it again"), "{bent}");
    }
}

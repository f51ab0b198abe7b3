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
    Gzip(Box<MultiGzDecoder<Box<dyn Read>>>),
}

/// A stream whose first bytes were looked at.
type Looked<R> = Chain<Cursor<Vec<u8>>, R>;

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Standard(stream) => stream.read(buffer),
            Input::File(file) => file.read(buffer),
            Input::Pipe(stream) => stream.read(buffer),
            Input::Gzip(stream) => stream.read(buffer).map_err(damaged),
        }
    }
}

/// A compressed stream that ends early is no end of the capture.
fn damaged(error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("the gzip stream is damaged or cut short: {error}"),
    )
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
    let stream: Box<dyn Read> = Box::new(stream);
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

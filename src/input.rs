//! Where captures come from: a file, or standard input.

use std::fs::File;
use std::io::{self, IsTerminal, Read, StdinLock};
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// An open capture.
pub enum Input {
    /// Standard input, which is no terminal.
    Standard(StdinLock<'static>),
    /// A file, or what looks like one.
    File(File),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Standard(stream) => stream.read(buffer),
            Input::File(file) => file.read(buffer),
        }
    }
}

/// Opens a capture; `-` is standard input.
///
/// # Errors
/// Names the file that cannot be opened, and says what to do about a terminal.
pub fn open(path: &Path) -> Result<Input> {
    if path == Path::new("-") {
        ensure!(
            !io::stdin().is_terminal(),
            "standard input is a terminal: name a capture, or pipe one in"
        );
        return Ok(Input::Standard(io::stdin().lock()));
    }
    let file = File::open(path)
        .with_context(|| format!("cannot open {}: is the path right?", path.display()))?;
    Ok(Input::File(file))
}

/// What to call it in messages.
pub fn display_name(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

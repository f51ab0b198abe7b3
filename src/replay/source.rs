//! The capture to be replayed: a file that is read as often as need be.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use replay::Source;

/// An open capture. Each reader of it has a place of its own, so that several can read at once.
pub struct CaptureFile(File);

impl CaptureFile {
    /// Opens a capture. Standard input, and what else cannot be read twice, is kept in a temporary file without a name.
    ///
    /// # Errors
    /// Names what cannot be opened or read.
    pub fn open(path: &Path) -> Result<CaptureFile> {
        if path == Path::new("-") {
            ensure!(
                !io::stdin().is_terminal(),
                "standard input is a terminal: name a capture, or pipe one in"
            );
            return keep(io::stdin().lock()).context("cannot keep standard input");
        }
        let file = File::open(path)
            .with_context(|| format!("cannot open {}: is the path right?", path.display()))?;
        if file.metadata().is_ok_and(|found| found.is_file()) {
            return Ok(CaptureFile(file));
        }
        keep(file).with_context(|| format!("cannot read {}", path.display()))
    }
}

fn keep(mut stream: impl Read) -> io::Result<CaptureFile> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut stream, &mut file)?;
    file.rewind()?;
    Ok(CaptureFile(file))
}

impl Source for CaptureFile {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Place {
            file: &self.0,
            offset: 0,
        }))
    }
}

/// A reader's place in the file.
struct Place<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for Place<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += u64::try_from(count).unwrap_or_default();
        Ok(count)
    }
}

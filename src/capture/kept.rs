//! A capture that is read as often as need be.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::capture::input::{self, Input};

/// How much of it is read at once.
const BUFFER: usize = 1 << 18;

/// An open capture. Each reader of it has a place of its own, so that several can read at once.
pub struct CaptureFile(File);

impl CaptureFile {
    /// Opens a capture. What cannot be read twice, standard input, a pipe or what is compressed, is kept in a temporary
    /// file without a name.
    ///
    /// # Errors
    /// Names what cannot be opened or read.
    pub fn open(path: &Path) -> Result<CaptureFile> {
        match input::open(path)? {
            Input::File(file) if file.metadata().is_ok_and(|found| found.is_file()) => {
                Ok(CaptureFile(file))
            }
            stream => {
                keep(stream).with_context(|| format!("cannot read {}", input::display_name(path)))
            }
        }
    }

    /// Reads it from its beginning, much at once.
    pub fn reader(&self) -> BufReader<Place<'_>> {
        BufReader::with_capacity(BUFFER, self.beginning())
    }

    fn beginning(&self) -> Place<'_> {
        Place {
            file: &self.0,
            offset: 0,
        }
    }
}

impl replay::Source for CaptureFile {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.beginning()))
    }
}

fn keep(mut stream: impl Read) -> io::Result<CaptureFile> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut stream, &mut file)?;
    file.rewind()?;
    Ok(CaptureFile(file))
}

/// A reader's place in the file.
pub struct Place<'a> {
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

//! The frames that a live detector has seen, as a capture.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;
use wire::LinkType;
use wire::capture::{CaptureWriter, Record};

use crate::output::{behind_links, is_special, is_stdout, temporary_beside};

/// A place for a capture.
pub(super) struct Place {
    path: PathBuf,
    file: Target,
}

/// A regular file gets its name when it is whole; what is none, such as a pipe, is written to as it is.
enum Target {
    Temporary(NamedTempFile),
    Direct(File),
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Temporary(file) => file.write(bytes),
            Target::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::Temporary(file) => file.flush(),
            Target::Direct(file) => file.flush(),
        }
    }
}

impl Place {
    /// A place that can be written to.
    ///
    /// # Errors
    /// Names the file and what the system says.
    pub(super) fn new(path: &Path) -> Result<Place> {
        ensure!(
            !is_stdout(path),
            "the findings take standard output: give --write a file"
        );
        let path = &behind_links(path);
        let file = if is_special(path) {
            let file = File::options().write(true).open(path);
            Target::Direct(file.with_context(|| format!("cannot write {}", path.display()))?)
        } else {
            Target::Temporary(temporary_beside(path)?)
        };
        Ok(Place {
            path: path.to_owned(),
            file,
        })
    }

    /// Begins a capture of frames that begin so.
    pub(super) fn begin(self, link_type: LinkType) -> Recording {
        Recording {
            path: self.path,
            writer: CaptureWriter::with_nanos_of(self.file, link_type),
        }
    }
}

/// A capture that grows.
pub(super) struct Recording {
    path: PathBuf,
    writer: CaptureWriter<Target>,
}

impl Recording {
    /// Appends a frame.
    ///
    /// # Errors
    /// Names the file and what the system says.
    #[inline]
    pub(super) fn add(&mut self, record: &Record<'_>) -> Result<()> {
        self.writer
            .record_cut(record.time, record.original_length, |out| {
                out.extend_from_slice(record.bytes);
            })
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Gives the capture its name.
    ///
    /// # Errors
    /// Names the file and what the system says.
    pub(super) fn finish(self) -> Result<()> {
        let failed = || format!("cannot write {}", self.path.display());
        if let Target::Temporary(file) = self.writer.finish().with_context(failed)? {
            file.persist(&self.path).with_context(failed)?;
        }
        Ok(())
    }
}

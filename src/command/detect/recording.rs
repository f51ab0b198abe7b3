//! The frames that a live detector has seen, as a capture.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use wire::LinkType;
use wire::capture::{CaptureWriter, Record};

use crate::output::{WholeFile, is_stdout};

/// A place for a capture, which can be written to.
///
/// # Errors
/// Names the file and what the system says.
pub(super) fn place(path: &Path) -> Result<WholeFile> {
    ensure!(
        !is_stdout(path),
        "the findings take standard output: give --write a file"
    );
    WholeFile::open(path)
}

/// A capture that grows.
pub(super) struct Recording {
    writer: CaptureWriter<WholeFile>,
}

impl Recording {
    /// Begins a capture of frames that begin so.
    pub(super) fn begin(place: WholeFile, link_type: LinkType) -> Recording {
        Recording {
            writer: CaptureWriter::with_nanos_of(place, link_type),
        }
    }

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
            .context("cannot write the frames seen to the file of --write")
    }

    /// Gives the capture its name.
    ///
    /// # Errors
    /// Names the file and what the system says.
    pub(super) fn finish(self) -> Result<()> {
        let written = self.writer.finish();
        written
            .context("cannot write the frames seen to the file of --write")?
            .keep()
    }
}

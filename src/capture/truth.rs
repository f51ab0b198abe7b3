//! The truth that stands beside a capture: read and written.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use labels::Truth;

use crate::process::temporary::Temporary;

/// Reads a truth file.
///
/// # Errors
/// Fails on a file that cannot be read or is no truth.
pub fn read_truth(path: &Path) -> Result<Truth> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the truth {name}"))?;
    Truth::from_json(&text).map_err(|error| {
        anyhow!("{name}: {error}\n`crywolf generate` writes the truth beside each capture")
    })
}

/// Writes a truth that is to stand beside its capture.
///
/// # Errors
/// Names the file and what the system says.
pub fn write_truth(truth: &Truth, path: &Path) -> Result<Temporary> {
    let mut out = BufWriter::new(Temporary::beside(path)?);
    truth
        .write_json(&mut out)
        .and_then(|()| out.flush())
        .and_then(|()| out.into_inner().map_err(io::IntoInnerError::into_error))
        .with_context(|| format!("cannot write {}", path.display()))
}

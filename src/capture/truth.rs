//! The truth that stands beside a capture: read and written.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use labels::Truth;

use crate::process::temporary::Temporary;

/// Where the truth of a capture stands: `a.truth.json` beside `a.pcap` and `a.pcap.gz`, and nowhere for standard input.
pub fn beside(capture: &Path) -> Option<PathBuf> {
    if capture == Path::new("-") {
        return None;
    }
    let packed = capture.extension().is_some_and(|ending| ending == "gz");
    let capture = if packed {
        &capture.with_extension("")
    } else {
        capture
    };
    Some(capture.with_extension("truth.json"))
}

/// The truth beside a capture, where there is one.
///
/// # Errors
/// Fails on a file that cannot be read or is no truth.
pub fn read_beside(capture: &Path) -> Result<Option<Truth>> {
    let path = beside(capture).filter(|path| path.is_file());
    path.map(|path| read_truth(&path)).transpose()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truth_stands_beside_a_capture_packed_or_not() {
        let of = |capture| beside(Path::new(capture));
        for capture in [
            "x/a.v.seed1.pcap",
            "x/a.v.seed1.pcapng",
            "x/a.v.seed1.pcap.gz",
        ] {
            assert_eq!(
                of(capture),
                Some("x/a.v.seed1.truth.json".into()),
                "{capture}"
            );
        }
        assert_eq!(of("-"), None);
    }
}

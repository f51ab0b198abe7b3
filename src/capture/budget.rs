//! How much may be written: `--max-bytes`, or what the disk can hold.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, io};

/// What all captures of a run may take together.
#[derive(Debug)]
pub struct Budget {
    most: u64,
    /// Whose disk it is, where not the user has said how much.
    folder: Option<PathBuf>,
    written: AtomicU64,
}

impl Budget {
    /// So many bytes, or what the disk below `folder` can hold, less a tenth of it.
    pub fn new(asked: Option<u64>, folder: &Path) -> Budget {
        Budget {
            most: asked.or_else(|| free(folder)).unwrap_or(u64::MAX),
            folder: asked.is_none().then(|| folder.to_owned()),
            written: AtomicU64::new(0),
        }
    }

    /// Takes so many bytes from it.
    ///
    /// # Errors
    /// There are not so many left.
    pub fn take(&self, bytes: usize) -> io::Result<()> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.most {
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                self.to_string(),
            ));
        }
        Ok(())
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = bytes(self.most);
        match &self.folder {
            None => write!(f, "--max-bytes allows {most}"),
            Some(folder) => write!(
                f,
                "the disk of {} can hold {most}, if a tenth of what is free stays so; --max-bytes allows another amount",
                folder.display()
            ),
        }
    }
}

/// Bytes that may be written below a folder, where the system says so.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    // The folder itself may be still to be made.
    let there = folder.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or(Path::new("."));
    let found = rustix::fs::statvfs(there).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    Some(free - free / 10)
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

/// Bytes in the largest unit that fits.
pub fn bytes(count: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("kB", 1_000),
    ];
    match UNITS.iter().find(|(_, size)| count >= *size) {
        Some((unit, size)) => format!("{}.{} {unit}", count / size, count % size * 10 / size),
        None => format!("{count} bytes"),
    }
}

/// A number of bytes: `5000000`, `500MB`, `2GB`, `1.5GiB`.
///
/// # Errors
/// Says what is wanted.
pub fn parse(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 9] = [
        ("", 1.0),
        ("B", 1.0),
        ("kB", 1e3),
        ("KiB", 1024.0),
        ("MB", 1e6),
        ("MiB", 1024.0 * 1024.0),
        ("GB", 1e9),
        ("GiB", 1024.0 * 1024.0 * 1024.0),
        ("TB", 1e12),
    ];
    let wanted = || "a number of bytes such as 500MB, 2GB or 1048576 is wanted".to_owned();
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let size = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()));
    let number: f64 = number.parse().map_err(|_| wanted())?;
    let (_, size) = size.ok_or_else(wanted)?;
    let bytes = number * size;
    if !(bytes.is_finite() && (1.0..=1e18).contains(&bytes)) {
        return Err(wanted());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the range that was checked"
    )]
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, expected) in [
            ("1048576", 1_048_576),
            ("500MB", 500_000_000),
            ("1.5 GiB", 1_610_612_736),
            ("2gb", 2_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "-1", "5 parsecs", "1e30", "1..2"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(bytes(1_234_567_890), "1.2 GB");
        assert_eq!(bytes(999), "999 bytes");
    }

    #[test]
    fn a_budget_ends() {
        let budget = Budget::new(Some(100), Path::new("."));
        assert!(budget.take(60).is_ok() && budget.take(40).is_ok());
        let error = budget.take(1).unwrap_err();
        assert!(error.to_string().contains("--max-bytes allows 100 bytes"));
    }
}

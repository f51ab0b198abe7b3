//! Where output goes and how much of it: standard output, or a file that is renamed when it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::process::temporary::Temporary;

/// How much to say on standard error.
#[derive(Args, Clone, Copy, Debug)]
pub struct Verbosity {
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Say more
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// Whether a path stands for standard output.
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// So many of them: `1 event`, `2 events`.
pub fn counted(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

/// Prints, and takes a reader who has left for one who has seen enough.
///
/// # Errors
/// Fails when standard output does, but for a closed pipe.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Takes a closed pipe for success.
///
/// # Errors
/// All others.
pub fn unless_closed(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// A progress bar on a terminal, nothing in a pipe.
pub fn progress(total: u64, what: &'static str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}");
    ProgressBar::new(total)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(what)
}

/// A file that gets its name when it is whole. What is no regular file, such as a pipe, is written to as it is.
pub struct WholeFile {
    path: PathBuf,
    target: Target,
}

enum Target {
    Temporary(Temporary),
    Direct(File),
}

impl WholeFile {
    /// A file to be; nothing is left of it if it is dropped.
    ///
    /// # Errors
    /// Names the file and what the system says.
    pub fn open(path: &Path) -> Result<WholeFile> {
        let path = behind_links(path);
        let target = if is_special(&path) {
            let file = File::options().write(true).open(&path);
            Target::Direct(file.with_context(|| format!("cannot write {}", path.display()))?)
        } else {
            Target::Temporary(Temporary::beside(&path)?)
        };
        Ok(WholeFile { path, target })
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// Names the file and what the system says.
    pub fn keep(self) -> Result<()> {
        if let Target::Temporary(file) = self.target {
            file.keep(&self.path)?;
        }
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Temporary(file) => file.write(bytes),
            Target::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Temporary(file) => file.flush(),
            Target::Direct(file) => file.flush(),
        }
    }
}

/// Writes a file whole.
///
/// # Errors
/// Names the file and what the system says.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let mut out = BufWriter::new(WholeFile::open(path)?);
    write(&mut out)
        .and_then(|()| out.flush())
        .and_then(|()| out.into_inner().map_err(io::IntoInnerError::into_error))
        .with_context(|| format!("cannot write {}", path.display()))?
        .keep()
}

/// Makes sure that a file can be written, before the work begins of which it is to tell.
///
/// # Errors
/// Names the file, and asks after its folder.
pub fn check_writable(path: &Path) -> Result<()> {
    if is_stdout(path) || is_special(path) {
        return Ok(());
    }
    Temporary::beside(&behind_links(path)).map(drop)
}

/// Whether something stands there that is no regular file.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file())
}

/// The file that links lead to: renaming to a link's own name would replace the link.
fn behind_links(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

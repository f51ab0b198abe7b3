//! Temporary files and folders: each gets its name when it is whole, and none is left, however the program ends.
//!
//! Where the system can, such a file has no name at all (O_TMPFILE, open(2)), so that not even SIGKILL leaves one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tempfile::NamedTempFile;

use crate::process::unfinished::{Unfinished, unfinished};

/// A file without its final name; gone when it is dropped.
#[derive(Debug)]
pub struct Temporary(Kept);

#[derive(Debug)]
enum Kept {
    /// A file in no folder.
    Unnamed(File),
    /// One with a name for the time being.
    Named(Option<NamedTempFile>),
}

impl Temporary {
    /// A file in the folder of `path`, to be renamed to it.
    ///
    /// # Errors
    /// Names the file, and asks after its folder; something stands there that is no file, and would be replaced.
    pub fn beside(path: &Path) -> Result<Temporary> {
        refuse_others(path)?;
        let folder = folder_of(path);
        if let Some(file) = unnamed::open(folder) {
            return Ok(Temporary(Kept::Unnamed(file)));
        }
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As for any new file: the user's mask takes away from this.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut unfinished = unfinished();
        let file = builder.tempfile_in(folder).map_err(|error| {
            // Without the temporary name, which says nothing to anybody.
            let reason = io::Error::from(error.kind());
            anyhow!(reason).context(format!(
                "cannot write {}: does the folder {} exist, and may you write there?",
                path.display(),
                folder.display()
            ))
        })?;
        unfinished.files.insert(file.path().to_owned());
        Ok(Temporary(Kept::Named(Some(file))))
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// Names the file and what the system says.
    pub fn keep(self, path: &Path) -> Result<()> {
        self.name(path, &mut unfinished())
    }

    fn name(mut self, path: &Path, unfinished: &mut Unfinished) -> Result<()> {
        let named = match &mut self.0 {
            Kept::Unnamed(file) => unnamed::name(file, path),
            Kept::Named(file) => match file.take() {
                Some(file) => {
                    unfinished.files.remove(file.path());
                    file.persist(path).map(drop).map_err(|error| error.error)
                }
                None => Ok(()),
            },
        };
        named.with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Kept::Named(Some(file)) = &self.0 {
            let mut unfinished = unfinished();
            unfinished.files.remove(file.path());
            let _ = fs::remove_file(file.path());
        }
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kept::Unnamed(file) => file.write(bytes),
            Kept::Named(Some(file)) => file.write(bytes),
            Kept::Named(None) => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Kept::Unnamed(file) => file.flush(),
            Kept::Named(Some(file)) => file.flush(),
            Kept::Named(None) => Ok(()),
        }
    }
}

/// Refuses a name under which something else than a file stands: who is root would replace even /dev/null. And `-`,
/// which only who writes to standard output knows, and then asks for no file.
fn refuse_others(path: &Path) -> Result<()> {
    ensure!(
        path != Path::new("-"),
        "this output cannot go to standard output: name a file"
    );
    let what = match fs::metadata(path) {
        Ok(found) if found.is_dir() => "a folder",
        Ok(found) if !found.is_file() => "a device, a pipe or a socket",
        _ => return Ok(()),
    };
    bail!("cannot write {}: it is {what}, not a file", path.display())
}

/// A folder for what is needed for a time; gone with all that is in it when it is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new one in that folder.
    ///
    /// # Errors
    /// What the system says.
    pub fn within(place: &Path) -> io::Result<Folder> {
        let mut unfinished = unfinished();
        let folder = tempfile::Builder::new()
            .prefix("crywolf-run-")
            .tempdir_in(place)?
            .keep();
        unfinished.folders.insert(folder.clone());
        Ok(Folder(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// What the system says, of a name that is taken too; then it is gone.
    pub fn keep(self, path: &Path) -> io::Result<()> {
        let mut unfinished = unfinished();
        let named = fs::rename(&self.0, path);
        if named.is_ok() {
            unfinished.folders.remove(&self.0);
        }
        // What has another name now is not found when this is dropped.
        drop(unfinished);
        named
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let mut unfinished = unfinished();
        let _ = fs::remove_dir_all(&self.0);
        unfinished.folders.remove(&self.0);
    }
}

/// Gives two files their names that tell of each other: both, or neither, and no others between them.
///
/// # Errors
/// Names the file and what the system says.
pub fn keep_both(first: (Temporary, &Path), second: (Temporary, &Path)) -> Result<()> {
    for path in [first.1, second.1] {
        refuse_others(path)?;
    }
    // Others who write into the folder wait, as far as they ask; where the system has no such locks, nobody does.
    let folder = File::open(folder_of(first.1)).ok();
    let _ = folder.as_ref().map(File::lock);
    let mut unfinished = unfinished();
    // So that, whatever ends the program now, no second file is left that tells of another first.
    let _ = fs::remove_file(second.1);
    first.0.name(first.1, &mut unfinished)?;
    let named = second.0.name(second.1, &mut unfinished);
    if named.is_err() {
        let _ = fs::remove_file(first.1);
    }
    named
}

/// Files in no folder.
#[cfg(target_os = "linux")]
mod unnamed {
    use std::fs::{self, File};
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::Path;
    use std::sync::atomic::{AtomicU32, Ordering};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open as open_file};

    /// Where open files have paths.
    const DESCRIPTORS: &str = "/proc/self/fd";

    /// A file on the disk of that folder, where the file system has such and it can be named later.
    pub(super) fn open(folder: &Path) -> Option<File> {
        if !Path::new(DESCRIPTORS).is_dir() {
            return None;
        }
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        // As for any new file: the user's mask takes away from this.
        let opened = open_file(folder, flags, Mode::from_raw_mode(0o666)).ok()?;
        Some(File::from(opened))
    }

    /// Gives it a name, in place of what has it already.
    pub(super) fn name(file: &File, path: &Path) -> io::Result<()> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let descriptor = format!("{DESCRIPTORS}/{}", file.as_raw_fd());
        // A link replaces nothing, renaming does.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let between = format!(".tmp-{}-{number}", std::process::id());
        let between = super::folder_of(path).join(between);
        linkat(CWD, descriptor, CWD, &between, AtFlags::SYMLINK_FOLLOW)?;
        fs::rename(&between, path).inspect_err(|_| {
            let _ = fs::remove_file(&between);
        })
    }
}

/// Not here.
#[cfg(not(target_os = "linux"))]
mod unnamed {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn open(_: &Path) -> Option<File> {
        None
    }

    pub(super) fn name(_: &File, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &Path, text: &str) -> Temporary {
        let mut file = Temporary::beside(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_not_kept_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        drop(written(&path, "half"));
        assert!(names(folder.path()).is_empty());
        written(&path, "whole").keep(&path).unwrap();
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    #[cfg(unix)]
    fn what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _held = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, what) in [(socket.as_path(), "a device"), (folder.path(), "a folder")] {
            let error = Temporary::beside(path).unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn a_folder_that_is_not_kept_is_gone_with_what_is_in_it() {
        let place = tempfile::tempdir().unwrap();
        for (kept, expected) in [(false, vec![]), (true, vec!["whole".to_owned()])] {
            let folder = Folder::within(place.path()).unwrap();
            fs::write(folder.path().join("half"), "").unwrap();
            if kept {
                folder.keep(&place.path().join("whole")).unwrap();
            } else {
                drop(folder);
            }
            assert_eq!(names(place.path()), expected);
        }
        assert!(unfinished().folders.iter().all(|folder| folder.exists()));
    }

    #[test]
    fn both_are_kept_or_neither() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        let files = (written(&a, "1"), written(&b, "2"));
        // It comes in between.
        fs::create_dir(&b).unwrap();
        let error = keep_both((files.0, &a), (files.1, &b)).unwrap_err();
        assert!(error.to_string().contains("folder"), "{error}");
        assert_eq!(names(folder.path()), ["b"]);
        fs::remove_dir(&b).unwrap();
        keep_both((written(&a, "1"), &a), (written(&b, "2"), &b)).unwrap();
        assert_eq!(
            fs::read_to_string(&a).unwrap() + &fs::read_to_string(&b).unwrap(),
            "12"
        );
        assert_eq!(names(folder.path()), ["a", "b"]);
    }
}

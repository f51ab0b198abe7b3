//! What is unfinished: all that must not be left behind, however the program ends.
//!
//! One list for all threads. Who begins something or finishes it holds the list meanwhile; so does who clears all away,
//! and nothing is begun, finished or named beside that.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::RawPid;

/// The list.
#[derive(Debug)]
pub struct Unfinished {
    /// Temporary files.
    pub files: BTreeSet<PathBuf>,
    /// Temporary folders.
    pub folders: BTreeSet<PathBuf>,
    /// Programs that were started and not yet waited for, each the leader of its group.
    pub programs: BTreeSet<RawPid>,
}

static UNFINISHED: Mutex<Unfinished> = Mutex::new(Unfinished {
    files: BTreeSet::new(),
    folders: BTreeSet::new(),
    programs: BTreeSet::new(),
});

/// The list, for who changes it.
pub fn unfinished() -> MutexGuard<'static, Unfinished> {
    // Of no use to leave things behind because somebody else has failed.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Unfinished {
    /// Removes the files and folders. Programs that write there have ended by now.
    pub fn remove(&self) {
        for folder in &self.folders {
            remove_folder(folder);
        }
        for file in &self.files {
            // Nobody is left who could be told.
            let _ = fs::remove_file(file);
        }
    }
}

/// Removes a folder that threads are still at work in.
fn remove_folder(folder: &Path) {
    // Under another name nobody finds it, to put more into it.
    let aside = folder.with_extension("ended");
    let renamed = fs::rename(folder, &aside).is_ok();
    let _ = fs::remove_dir_all(if renamed { &aside } else { folder });
}

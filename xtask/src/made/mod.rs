//! Files that the project makes of itself: checked, and renewed where that is wanted.

pub mod detectors;
pub mod diff;
pub mod golden;
pub mod pages;
pub mod rules;
pub mod schemas;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// Whether they may be renewed here: not in CI.
///
/// # Errors
/// Names them, and says where they are renewed.
pub fn may_bless(bless: bool, what: &str) -> Result<()> {
    ensure!(
        !bless || !workspace::in_ci(),
        "CI checks {what}, it does not renew them: bless where you work, and commit"
    );
    Ok(())
}

/// Whether a file says something else than it should; the difference is printed under a name, and made good where that is
/// wanted.
pub fn differs(path: &Path, name: &str, is: &str, bless: bool) -> Result<bool> {
    let was = fs::read_to_string(path).unwrap_or_default();
    if was == is {
        return Ok(false);
    }
    print!("{name}\n{}", diff::lines(&was, is));
    if bless {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        fs::write(path, is).with_context(|| path.display().to_string())?;
    }
    Ok(true)
}

/// Texts by the names of their files in a folder.
pub type Files = BTreeMap<String, String>;

/// The files of a folder; none where there is no folder.
pub fn read(folder: &Path) -> Result<Files> {
    if !folder.is_dir() {
        return Ok(Files::new());
    }
    let file = |path: PathBuf| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).with_context(|| name.clone())?;
        Ok((name, text))
    };
    entries(folder)?.into_iter().map(file).collect()
}

/// Puts these files in place of all that the folder holds.
pub fn renew(folder: &Path, files: &Files) -> Result<()> {
    if folder.is_dir() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    for (name, text) in files {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// The paths in a folder, in order.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = read
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

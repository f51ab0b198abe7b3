//! What no compiler checks: the size of files, circles of imports, the lints of libraries, tests that never run.

pub mod docs;
mod imports;
pub mod reference;
pub mod separation;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Lines that a file of code may have, its tests included.
const MOST_LINES: usize = 800;
/// The crates whose lints are those of the workspace.
const LIBRARIES: [&str; 9] = [
    "wire",
    "labels",
    "messages",
    "listing",
    "generator",
    "detector",
    "scorer",
    "rewrite",
    "replay",
];
/// Folders without code of ours.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// Runs the check.
pub fn check() -> Result<()> {
    check_in(workspace::root())
}

/// Runs the check on another tree.
pub fn check_in(root: &Path) -> Result<()> {
    let mut wrong = Vec::new();
    let files = code(root)?;
    for path in &files {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let name = path.strip_prefix(root).unwrap_or(path).display();
        wrong.extend(
            mistakes(&text)
                .into_iter()
                .map(|what| format!("{name}: {what}")),
        );
    }
    for library in LIBRARIES {
        let manifest = fs::read_to_string(root.join(library).join("Cargo.toml"))?;
        if !manifest.contains("[lints]\nworkspace = true") {
            wrong.push(format!("{library}/Cargo.toml: take the workspace's lints"));
        }
    }
    for krate in LIBRARIES.iter().chain(&["", "xtask", "fuzz"]) {
        let circles = imports::circles(&root.join(krate).join("src"))?;
        let told = circles.iter();
        wrong.extend(told.map(|files| format!("{krate}: a circle of imports: {files}")));
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    println!("tidy: {} files", files.len());
    Ok(())
}

fn mistakes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        found.push(format!("{lines} lines, more than {MOST_LINES}: divide it"));
    }
    if text
        .lines()
        .any(|line| line.trim() == concat!("#[", "ignore]"))
    {
        found.push("a test that is ignored checks nothing: run it, or remove it".into());
    }
    found
}

fn code(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && !SKIPPED.contains(&name.as_str()) {
            found.extend(code(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::mistakes;

    #[test]
    fn long_files_and_ignored_tests_are_found() {
        assert_eq!(mistakes(&"x\n".repeat(801)).len(), 1);
        assert_eq!(mistakes(concat!("#[", "ignore]\nfn f() {}\n")).len(), 1);
        assert!(mistakes(&"x\n".repeat(800)).is_empty());
    }
}

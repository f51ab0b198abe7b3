//! The pages: each page of the book stands in its summary, and links lead to files that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Pages outside the book.
const PAGES: [&str; 5] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "golden/published/README.md",
];

/// Runs the check.
pub fn check() -> Result<()> {
    let root = workspace::root();
    let book = root.join("docs/src");
    let mut wrong = Vec::new();
    let pages = pages(&book)?;
    let summary = book.join("SUMMARY.md");
    let text = fs::read_to_string(&summary).context("docs/src/SUMMARY.md")?;
    let listed: BTreeSet<PathBuf> = links(&text)
        .into_iter()
        .map(|link| book.join(link))
        .collect();
    for page in pages
        .iter()
        .filter(|page| **page != summary && !listed.contains(*page))
    {
        wrong.push(format!("{} is not in SUMMARY.md", shown(page)));
    }
    for page in pages
        .iter()
        .cloned()
        .chain(PAGES.map(|page| root.join(page)))
    {
        let text = fs::read_to_string(&page).with_context(|| shown(&page))?;
        let folder = page.parent().unwrap_or(root);
        let dead = |link: &String| !folder.join(link).exists();
        let dead = links(&text).into_iter().filter(dead);
        wrong.extend(dead.map(|link| format!("{}: no file {link}", shown(&page))));
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    println!(
        "docs: {} pages, their links lead somewhere",
        pages.len() + PAGES.len()
    );
    Ok(())
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root())
        .unwrap_or(path)
        .display()
        .to_string()
}

fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(pages(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The files that a page links to, without anchors. Links elsewhere are left out, and what only looks like one in code.
fn links(text: &str) -> Vec<String> {
    let prose: String = text.split('`').step_by(2).collect();
    let mut found = Vec::new();
    let mut rest = prose.as_str();
    while let Some(at) = rest.find("](") {
        rest = &rest[at + 2..];
        let Some(end) = rest.find(')') else { break };
        let link = rest[..end].split('#').next().unwrap_or_default();
        if !link.is_empty() && !link.contains(':') && !link.contains(char::is_whitespace) {
            found.push(link.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn links_to_files_are_found() {
        let text = "[a](b.md) [c](https://x.example) [d](#e) `k[1](2)` [f](g/h.md#i)";
        assert_eq!(super::links(text), ["b.md", "g/h.md"]);
    }
}

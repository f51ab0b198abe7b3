//! `cargo xtask docs`: a page for each rule of the detector, made from the head of its file and its thresholds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::made;
use crate::workspace;

/// Arguments of the task.
#[derive(Args)]
pub struct RuleArgs {
    /// Show the difference and renew the pages
    #[arg(long)]
    bless: bool,
}

/// Runs the task.
pub fn run(args: &RuleArgs) -> Result<()> {
    made::may_bless(args.bless, "the pages")?;
    check(args.bless)
}

/// Compares, and renews where asked.
pub fn check(bless: bool) -> Result<()> {
    let root = workspace::root();
    let thresholds = fs::read_to_string(root.join("detector/thresholds.toml"))
        .context("detector/thresholds.toml")?;
    let mut pages = BTreeMap::new();
    let mut index = String::from(INDEX);
    for (name, code) in rules(&root.join("detector/src/rule"))? {
        let rule = Rule::read(&name, &code)?;
        index += &format!("- [{}](rules/{name}.md)\n", rule.title);
        pages.insert(format!("rules/{name}.md"), rule.page(&thresholds)?);
    }
    pages.insert("rules.md".to_owned(), index);
    let folder = root.join("docs/src/reference");
    let mut differing = Vec::new();
    for (name, is) in &pages {
        let path = folder.join(name);
        if made::differs(&path, name, is, bless)? {
            differing.push(name.as_str());
        }
    }
    if !bless && !differing.is_empty() {
        bail!(
            "the rules say something else than {}; if that is wanted: cargo xtask docs --bless",
            differing.join(", ")
        );
    }
    println!("rules: {} pages, {} renewed", pages.len(), differing.len());
    Ok(())
}

const INDEX: &str = "\
<!-- Made from the heads of detector/src/rule by `cargo xtask docs --bless`. -->
# Rules of the detector

What each rule finds, why by these facts, where it is blind, and its thresholds. `crywolf detect --explain N` shows the frames that
speak for a finding.

";

/// Names and code of the rules: a file each, or a folder whose `mod.rs` has the head.
fn rules(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for path in entries(folder)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if name == "mod" {
            continue;
        }
        let mut code = String::new();
        if path.is_dir() {
            let mut files = entries(&path)?;
            files.sort_by_key(|file| (file.file_name() != Some("mod.rs".as_ref()), file.clone()));
            for file in files {
                code += &read(&file)?;
            }
        } else {
            code = read(&path)?;
        }
        found.insert(name.into_owned(), code);
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| file.display().to_string())
}

/// What the file of a rule says of it.
struct Rule {
    title: String,
    body: Vec<String>,
    sections: Vec<String>,
}

impl Rule {
    fn read(name: &str, code: &str) -> Result<Rule> {
        let head: Vec<&str> = code
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        let first = head.first().copied().unwrap_or_default();
        if first.is_empty() {
            bail!(
                "detector/src/rule/{name}.rs has no head: say what it finds, why, and where it is blind"
            );
        }
        for part in ["# What", "# Why these facts", "# Blind spots"] {
            if !head.contains(&part) {
                bail!("the head of detector/src/rule/{name}.rs lacks '{part}'");
            }
        }
        let title = first.split([':', '.']).next().unwrap_or(first).to_owned();
        let body = head.iter().map(|line| as_markdown(line)).collect();
        Ok(Rule {
            title,
            body,
            sections: sections(code),
        })
    }

    fn page(&self, thresholds: &str) -> Result<String> {
        let mut text = format!(
            "<!-- Made from the head of the rule by `cargo xtask docs --bless`. -->\n# {}\n\n",
            self.title
        );
        for line in &self.body {
            text += line;
            text.push('\n');
        }
        if self.sections.is_empty() {
            return Ok(text);
        }
        text += "\n## Thresholds\n\n```toml\n";
        for name in &self.sections {
            let section = section(thresholds, name)
                .with_context(|| format!("detector/thresholds.toml has no [{name}]"))?;
            text += &format!("{section}\n\n");
        }
        Ok(text.trim_end().to_owned() + "\n```\n")
    }
}

/// A line of a head as a line of a page: headings a level lower, and no links into code.
fn as_markdown(line: &str) -> String {
    let line = match line.strip_prefix("# ") {
        Some(heading) => format!("## {heading}"),
        None => line.to_owned(),
    };
    line.replace("[`", "`").replace("`]", "`")
}

/// The sections of thresholds that a rule reads.
fn sections(code: &str) -> Vec<String> {
    let parts = code.split("section! {").skip(1);
    parts
        .filter_map(|part| part.split('"').nth(1))
        .map(str::to_owned)
        .collect()
}

/// A section of the thresholds with its heading.
fn section<'a>(thresholds: &'a str, name: &str) -> Option<&'a str> {
    let from = thresholds.find(&format!("[{name}]\n"))?;
    let rest = thresholds.get(from..)?;
    let end = rest.find("\n\n[").unwrap_or(rest.len());
    Some(rest.get(..end)?.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "//! Odd things: a few.\n//!\n//! # What\n//! See [`one`].\n//!\n//! # Why these facts\n//! So.\n//!\n//! \
        # Blind spots\n//! None.\n\nsection! {\n    /// When.\n    Limits \"odd\" {\n        few: u32,\n    }\n}\n";

    #[test]
    fn a_head_becomes_a_page_with_its_thresholds() {
        let rule = Rule::read("odd", CODE).unwrap();
        assert_eq!(
            (rule.title.as_str(), &rule.sections[..]),
            ("Odd things", &["odd".to_owned()][..])
        );
        let page = rule
            .page("[even]\na = 1\n\n[odd]\n# Few.\nfew = 2\n\n[other]\n")
            .unwrap();
        assert!(page.contains("## What\nSee `one`."), "{page}");
        assert!(
            page.ends_with("```toml\n[odd]\n# Few.\nfew = 2\n```\n"),
            "{page}"
        );
    }

    #[test]
    fn a_head_without_blind_spots_is_refused() {
        let error = Rule::read("odd", &CODE.replace("# Blind spots", "# More"))
            .err()
            .unwrap();
        assert!(error.to_string().contains("Blind spots"));
    }
}

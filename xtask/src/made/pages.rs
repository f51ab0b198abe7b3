//! `cargo xtask pages`: the book's catalogue, written by `crywolf show --page`: a page for each scenario, an overview with a
//! picture of each, and a table of who says what at which sensor, from golden/.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::made;
use crate::made::diff;
use crate::made::{Files, read, renew};
use crate::process;
use crate::workspace;

/// Where the pages stand.
const FOLDER: &str = "docs/src/catalogue";
/// The heading of the book's summary below which they are listed.
const HEADING: &str = "# Catalogue";
/// The verdicts, in the order of the overview.
const VERDICTS: [&str; 5] = [
    "attack",
    "reconnaissance",
    "backscatter",
    "legitimate",
    "normal",
];

/// Arguments of the task.
#[derive(Args)]
pub struct PagesArgs {
    /// Show the difference and renew the files
    #[arg(long)]
    bless: bool,
}

/// A scenario, as `crywolf list --json` tells of it.
#[derive(Deserialize)]
struct Entry {
    id: String,
    title: String,
    family: String,
    verdict: String,
    sensors: Vec<String>,
}

/// Runs the task.
pub fn run(args: &PagesArgs) -> Result<()> {
    made::may_bless(args.bless, "the pages")?;
    check(args.bless)
}

/// Compares, and renews where asked.
pub fn check(bless: bool) -> Result<()> {
    let crywolf = workspace::build_crywolf()?;
    let list = process::output(Command::new(&crywolf).args(["list", "--json"]))?;
    let entries: Vec<Entry> = serde_json::from_str(&list).context("in the catalogue")?;
    let mut made = pages(&crywolf, &entries)?;
    made.insert("README.md".into(), overview(&entries, &made));
    made.insert("classes.md".into(), classes(&entries)?);
    let folder = workspace::root().join(FOLDER);
    let mut differing = differences(&read(&folder)?, &made);
    if bless {
        renew(&folder, &made)?;
    }
    let summary = workspace::root().join("docs/src/SUMMARY.md");
    let was = fs::read_to_string(&summary).context("docs/src/SUMMARY.md")?;
    let is = summarised(&was, &entries)?;
    if was != is {
        differing.push("docs/src/SUMMARY.md".into());
        if bless {
            fs::write(&summary, is)?;
        }
    }
    if !bless && !differing.is_empty() {
        bail!(
            "the scenarios say something else than {} pages; if that is wanted: cargo xtask pages --bless",
            differing.len()
        );
    }
    println!(
        "pages: {} scenarios, {} files checked, {} renewed",
        entries.len(),
        made.len(),
        differing.len()
    );
    Ok(())
}

fn pages(crywolf: &Path, entries: &[Entry]) -> Result<Files> {
    let folder = tempfile::tempdir()?;
    for entry in entries {
        let mut command = Command::new(crywolf);
        command.args(["show", &entry.id, "--page"]);
        process::output(command.arg(folder.path()))?;
    }
    read(folder.path())
}

/// Names of the files that differ. Of texts the difference is shown; a picture is looked at.
fn differences(was: &Files, is: &Files) -> Vec<String> {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let mut differing = Vec::new();
    for name in names {
        match (was.get(name), is.get(name)) {
            (Some(was), Some(is)) if was == is => continue,
            (Some(was), Some(is)) if name.ends_with(".md") => {
                print!("{FOLDER}/{name}\n{}", diff::lines(was, is));
            }
            (Some(_), Some(_)) => println!("{FOLDER}/{name} is another picture"),
            (Some(_), None) => println!("{FOLDER}/{name} is no longer made"),
            (None, _) => println!("{FOLDER}/{name} is new"),
        }
        differing.push(name.clone());
    }
    differing
}

/// All scenarios by verdict and family, each with the picture of its first sensor that sees anything.
fn overview(entries: &[Entry], made: &Files) -> String {
    let mut page = String::from(
        "# Catalogue\n\n\
         Each picture holds all frames of a capture with seed 1: time runs across; upward stands what differs most from frame to \
         frame, a port or an address, in order. Red is an attack, orange reconnaissance, purple backscatter, blue legitimate but \
         odd, green normal, grey what belongs to no event. [Classes](classes.md) shows what is seen where.\n",
    );
    for verdict in VERDICTS {
        let _ = write!(page, "\n## {verdict}\n");
        let of_verdict = entries.iter().filter(|entry| entry.verdict == verdict);
        let mut families: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in of_verdict {
            families.entry(&entry.family).or_default().push(entry);
        }
        for (family, entries) in families {
            let _ = write!(page, "\n### {family}\n\n| | |\n|---|---|\n");
            for entry in entries {
                let (id, title) = (&entry.id, &entry.title);
                let picture = entry
                    .sensors
                    .iter()
                    .map(|sensor| format!("{id}.{sensor}.timeline.svg"))
                    .find(|picture| made.contains_key(picture));
                let picture = picture.map(|file| format!("![{title}]({file})"));
                let picture = picture.unwrap_or_default();
                let _ = writeln!(page, "| [{id}]({id}.md)<br>{title} | {picture} |");
            }
        }
    }
    page
}

/// What stands in a scenario's golden folder of one sensor.
#[derive(Deserialize)]
struct Truth {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    class: String,
    expect: String,
}

/// A finding, or the line that stands for those that were left out.
#[derive(Deserialize)]
struct Finding {
    class: Option<String>,
}

/// Where each class happens, and what the detector says there.
fn classes(entries: &[Entry]) -> Result<String> {
    let rules = rules(&workspace::root().join("detector/src/rule"))?;
    let mut rows = BTreeSet::new();
    for entry in entries {
        for sensor in &entry.sensors {
            let path = workspace::root()
                .join("golden")
                .join(&entry.id)
                .join(format!("{sensor}.truth.json"));
            let name = path.display().to_string();
            if !path.exists() {
                continue;
            }
            let truth: Truth = serde_json::from_str(&fs::read_to_string(&path)?).context(name)?;
            let path = path.with_file_name(format!("{sensor}.findings.jsonl"));
            let findings = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let said: BTreeSet<String> = findings
                .lines()
                .map(|line| Ok(serde_json::from_str::<Finding>(line)?.class))
                .filter_map(Result::transpose)
                .collect::<Result<_>>()?;
            let said: Vec<String> = said.into_iter().collect();
            for event in truth.events {
                let link = format!("[{id}]({id}.md)", id = entry.id);
                let said = said.join(", ");
                rows.insert((event.class, link, sensor, event.expect, said));
            }
        }
    }
    let mut page = String::from(
        "# Classes\n\n\
         Each class of event, where in the catalogue it happens, at which sensors, what a detector should do there, and what \
         crywolf's own says of that capture (seed 1, without a background). Nothing in the last column is silence. The rules are those \
         that can call something by the name of the class.\n\n\
         | class | rules | scenario | sensor | a detector should | crywolf says |\n|---|---|---|---|---|---|\n",
    );
    for (class, link, sensor, expect, said) in rows {
        let rules = rules.get(&class).map(String::as_str).unwrap_or_default();
        let _ = writeln!(
            page,
            "| {class} | {rules} | {link} | {sensor} | {expect} | {said} |"
        );
    }
    Ok(page)
}

/// Links to the rules that name a class, by class.
fn rules(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut naming: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let rule = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let files = if path.is_dir() {
            read(&path)?
        } else {
            Files::from([(rule.clone(), fs::read_to_string(&path)?)])
        };
        // Tests name what a rule does not say, too.
        let code = files.iter().filter(|(name, _)| *name != "tests.rs");
        for (_, code) in code.filter(|_| rule != "mod") {
            for class in named(code) {
                naming
                    .entry(class)
                    .or_default()
                    .insert(format!("[{rule}](../reference/rules/{rule}.md)"));
            }
        }
    }
    let joined = |rules: BTreeSet<String>| rules.into_iter().collect::<Vec<_>>().join(", ");
    Ok(naming
        .into_iter()
        .map(|(class, rules)| (class, joined(rules)))
        .collect())
}

/// The classes that code names, but for its tests: `Class::SynScan` is syn-scan.
fn named(code: &str) -> BTreeSet<String> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let variant = |rest: &str| -> String {
        rest.chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect()
    };
    let kebab = |variant: String| {
        let mut name = String::new();
        for letter in variant.chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    };
    code.split("Class::")
        .skip(1)
        .map(variant)
        .map(kebab)
        .collect()
}

/// The book's summary with the catalogue below its heading.
fn summarised(summary: &str, entries: &[Entry]) -> Result<String> {
    let (before, after) = summary
        .split_once(HEADING)
        .with_context(|| format!("docs/src/SUMMARY.md has no heading '{HEADING}'"))?;
    let rest = after
        .find("\n# ")
        .map_or("", |next| after.get(next..).unwrap_or_default());
    let mut list = String::from(
        "\n\n- [All scenarios](catalogue/README.md)\n- [Classes](catalogue/classes.md)\n",
    );
    for entry in entries {
        let _ = writeln!(list, "- [{id}](catalogue/{id}.md)", id = entry.id);
    }
    Ok(format!("{before}{HEADING}{list}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_found_in_code() {
        let code = "Class::SynScan => Class::F5GtmProbe, #[cfg(test)] Class::Web";
        assert_eq!(
            named(code),
            ["f5-gtm-probe", "syn-scan"].map(str::to_owned).into()
        );
    }

    #[test]
    fn the_catalogue_stands_below_its_heading() {
        let entries = [Entry {
            id: "a".into(),
            title: "A".into(),
            family: "f".into(),
            verdict: "attack".into(),
            sensors: vec![],
        }];
        let was = "# Summary\n\n# Catalogue\n\n- [old](old.md)\n\n# Reference\n\n- [b](b.md)\n";
        let is = summarised(was, &entries).unwrap();
        assert!(is.contains("- [a](catalogue/a.md)\n\n# Reference\n\n- [b](b.md)"));
        assert!(!is.contains("old"));
        assert_eq!(summarised(&is, &entries).unwrap(), is);
    }
}

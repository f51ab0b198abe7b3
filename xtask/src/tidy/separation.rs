//! Who knows whom: the crates of the workspace that each crate is built from, its own included.
//!
//! A grade says something only while generator and detector share nothing but frames and vocabulary. The sets are
//! compared whole, so that a name misspelt here fails as well; and the command line, which knows all, shows that the
//! check sees what is there.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::process;
use crate::workspace;

const KNOWN: [(&str, &[&str]); 10] = [
    ("wire", &["wire"]),
    ("labels", &["labels"]),
    ("messages", &["messages"]),
    ("listing", &["listing", "messages", "wire"]),
    ("generator", &["generator", "labels", "messages", "wire"]),
    ("detector", &["detector", "labels", "wire"]),
    ("scorer", &["labels", "scorer"]),
    ("rewrite", &["rewrite", "wire"]),
    ("replay", &["replay", "rewrite", "wire"]),
    (
        "",
        &[
            "",
            "detector",
            "generator",
            "labels",
            "listing",
            "messages",
            "replay",
            "rewrite",
            "scorer",
            "wire",
        ],
    ),
];

/// Runs the check.
pub fn check() -> Result<()> {
    let mut wrong = Vec::new();
    for (name, wanted) in KNOWN {
        let package = package(name);
        let wanted: BTreeSet<String> = wanted.iter().map(|name| self::package(name)).collect();
        let found = members(&package)?;
        if found != wanted {
            wrong.push(format!(
                "{package} is built from {found:?}, and should be from {wanted:?}"
            ));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    println!(
        "separation: detector and generator do not know each other, the scorer knows the labels only, replay and rewriting frames only"
    );
    Ok(())
}

fn package(name: &str) -> String {
    if name.is_empty() {
        "crywolf".into()
    } else {
        format!("crywolf-{name}")
    }
}

fn members(package: &str) -> Result<BTreeSet<String>> {
    let args = [
        "tree",
        "--quiet",
        "--package",
        package,
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ];
    let tree = process::output(&mut workspace::cargo(&args))?;
    let name = |line: &str| line.split(' ').next().map(str::to_owned);
    let ours = |name: &String| name == "crywolf" || name.starts_with("crywolf-");
    Ok(tree.lines().filter_map(name).filter(ours).collect())
}

//! The reference of scenario files is whole: each key and each name that the readers know stands in it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::workspace;

/// Code that reads keys, and the page that lists them.
const PAGES: [(&str, &str); 6] = [
    ("generator/src/tool", "programs.md"),
    ("generator/src/app", "programs.md"),
    ("generator/src/conversation", "programs.md"),
    ("generator/src/content", "programs.md"),
    ("generator/src/scenario/read", "scenario-file.md"),
    ("generator/src/scenario/stack_file.rs", "stack-file.md"),
];
/// How far in front of a key its reader may stand, in characters without white space.
const REACH: usize = 60;

/// Runs the check.
pub fn check() -> Result<()> {
    let root = workspace::root();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (code, page) in PAGES {
        let text = fs::read_to_string(root.join("docs/src/reference").join(page))?;
        for file in files(root.join(code))? {
            for key in keys(&fs::read_to_string(&file)?) {
                count += 1;
                // `port` also opens `port.N`, and `tcp` is a table.
                let listed = [format!("`{key}`"), format!("`{key}."), format!("[{key}]")];
                if !listed.iter().any(|form| text.contains(form)) {
                    let name = file.file_name().unwrap_or_default().display();
                    wrong.push(format!("{page} lacks `{key}`, which {name} reads"));
                }
            }
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    println!("reference: {count} keys and names of scenario files are described");
    Ok(())
}

/// The Rust files of a folder and of those below it, or the one file.
fn files(path: PathBuf) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        let code = path.extension().is_some_and(|extension| extension == "rs");
        return Ok(if code { vec![path] } else { Vec::new() });
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        found.extend(files(entry?.path())?);
    }
    Ok(found)
}

/// The keys that a file asks its `fields` for, and the names of its kinds.
fn keys(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut before = String::new();
    for (n, part) in code.split('"').enumerate() {
        // Every other part is a literal: escapes in one do not matter here, keys have none.
        let is_key = part
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b"_-".contains(&b));
        if n % 2 == 1 && is_key && !part.is_empty() && asks(&before) {
            found.push(part.to_owned());
        }
        before = part.split_whitespace().collect();
    }
    found
}

fn asks(before: &str) -> bool {
    let start = before.len().saturating_sub(REACH);
    let near = before.get(start..).unwrap_or(before);
    let statement = near.rsplit([';', '{', '}']).next().unwrap_or_default();
    let name_of_kind = near.ends_with("Kind=Kind{name:");
    let argument = near.ends_with('(') || near.ends_with("fields,");
    // What reads a table is called `fields`, or `own` where it is read inside another.
    let reads = ["fields", "own.", "general.", "quoted."];
    name_of_kind || (argument && reads.iter().any(|name| statement.contains(name)))
}

#[cfg(test)]
mod tests {
    use super::keys;

    #[test]
    fn keys_and_names_are_found() {
        let code = r#"
            pub const KIND: Kind = Kind { name: "syn-flood", read };
            let gap = fields.gap("gap");
            let size = Size::read(&mut fields, "body");
            let wide = fields
                .parsed(
                    "answers", "a block");
            let text = format("other");
            #[cfg(test)] mod tests { fields.gap("tested"); }"#;
        assert_eq!(keys(code), ["syn-flood", "gap", "body", "answers"]);
    }
}

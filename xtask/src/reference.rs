//! The reference of scenario files is whole: each key and each name that the readers know stands in it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::workspace;

/// Code that reads keys, and the page that lists them.
const PAGES: [(&str, &str); 4] = [
    ("generator/src/tool", "programs.md"),
    ("generator/src/app", "programs.md"),
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

fn files(path: PathBuf) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path]);
    }
    let entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
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
    name_of_kind || (argument && statement.contains("fields"))
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

//! A line more in the list of a family.

use anyhow::{Context, Result, bail};

/// Lines with one more in front of that number.
fn inserted(text: &str, at: usize, line: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(at.min(lines.len()), line);
    lines.join("\n") + "\n"
}

/// The text with a module more among those that it declares, in order.
pub fn declared(text: &str, module: &str, path: &str) -> Result<String> {
    let name = |line: &str| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let name = line.strip_prefix("mod ")?.strip_suffix(';')?;
        Some(name.to_owned())
    };
    let modules: Vec<(usize, String)> = text
        .lines()
        .enumerate()
        .filter_map(|(at, line)| Some((at, name(line)?)))
        .collect();
    let Some((last, _)) = modules.last() else {
        bail!("{path} declares no module");
    };
    let after = modules.iter().find(|(_, other)| other.as_str() > module);
    // An attribute belongs to the module below it.
    let at = after.map_or(last + 1, |(at, _)| *at);
    let above = at.checked_sub(1).and_then(|at| text.lines().nth(at));
    let at = if above.is_some_and(|line| line.starts_with("#[")) {
        at - 1
    } else {
        at
    };
    Ok(inserted(text, at, &format!("mod {module};")))
}

/// The text with a line more at the end of the list that begins with `after` and ends with the line `end`.
pub fn listed(text: &str, after: &str, end: &str, line: &str, path: &str) -> Result<String> {
    let begin = text.lines().position(|line| line.starts_with(after));
    let begin = begin.with_context(|| format!("{path} has no line that begins '{after}'"))?;
    let rest = text.lines().skip(begin).position(|line| line == end);
    let rest = rest.with_context(|| format!("{path} has no list after '{after}'"))?;
    Ok(inserted(text, begin + rest, line))
}

/// The text with a row more in the table below a heading, in order.
pub fn tabled(text: &str, heading: &str, row: &str, path: &str) -> Result<String> {
    let heading_at = text.lines().position(|line| line == heading);
    let heading_at = heading_at.with_context(|| format!("{path} has no heading '{heading}'"))?;
    let rows: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .skip(heading_at + 1)
        .skip_while(|(_, line)| !line.starts_with("| `"))
        .take_while(|(_, line)| line.starts_with("| `"))
        .collect();
    let Some((last, _)) = rows.last() else {
        bail!("{path} has no table below '{heading}'");
    };
    let at = rows.iter().find(|(_, other)| *other > row);
    Ok(inserted(text, at.map_or(last + 1, |(at, _)| *at), row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_declared_in_order() {
        let text = "mod a;\n#[cfg(test)]\nmod tests;\npub mod z;\n\nuse a::B;\n";
        let with = |name| declared(text, name, "x").unwrap();
        assert!(with("b").starts_with("mod a;\nmod b;\n#[cfg(test)]\nmod tests;\n"));
        assert!(with("u").contains("mod tests;\nmod u;\npub mod z;\n"));
        assert!(with("zz").contains("pub mod z;\nmod zz;\n\nuse"));
    }

    #[test]
    fn a_row_stands_in_order() {
        let text = "### T\n\n| t | is |\n|---|---|\n| `b` | B |\n| `d` | D |\n\nend\n";
        let with = |row| tabled(text, "### T", row, "x").unwrap();
        assert!(with("| `c` | C |").contains("| `b` | B |\n| `c` | C |\n| `d` | D |\n"));
        assert!(with("| `e` | E |").contains("| `d` | D |\n| `e` | E |\n\nend"));
    }
}

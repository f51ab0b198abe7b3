//! `cargo xtask new KIND NAME`: the skeleton of a scenario, a tool, a rule and so on, where it belongs, with its line in the
//! list of its family. It builds as it is; what it says is still to be written.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::workspace;

/// Arguments of the task.
#[derive(Args)]
pub struct NewArgs {
    /// What it is
    #[arg(value_enum)]
    kind: Kind,
    /// Its name: lower-case letters, digits and hyphens
    name: String,
}

/// What can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A rule of the detector
    Rule,
    /// A tool that scans, floods or probes
    Tool,
    /// A protocol of lines, client and server
    App,
    /// The personality of a host's TCP/IP
    Stack,
    /// A scenario of the catalogue
    Scenario,
    /// A format of another detector's alerts
    Adapter,
    /// A report of a grade
    Report,
}

/// A file to write, or a line to add to one.
enum Step {
    /// A new file: its path and its text.
    File(String, &'static str),
    /// `mod NAME;`, among those of a file, in order.
    Module(&'static str),
    /// A line in front of the first one after `after` that begins with `end`.
    Line {
        path: &'static str,
        after: &'static str,
        end: &'static str,
        line: String,
    },
    /// A row of the table below a heading, in order.
    Row {
        path: &'static str,
        heading: &'static str,
        row: String,
    },
}

/// Runs the task.
pub fn run(args: &NewArgs) -> Result<()> {
    let paths = add(workspace::root(), args.kind, &args.name)?;
    for path in &paths {
        println!("{path}");
    }
    println!("{}", next(args.kind, &args.name));
    Ok(())
}

/// Adds one, and says which files were written.
pub fn add(root: &Path, kind: Kind, name: &str) -> Result<Vec<String>> {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    ensure!(
        name.bytes().all(letters) && name.starts_with(|c: char| c.is_ascii_lowercase()),
        "'{name}' is no name: lower-case letters, digits and hyphens, a letter first"
    );
    let steps = steps(kind, name);
    for step in &steps {
        if let Step::File(path, _) = step {
            ensure!(!root.join(path).exists(), "{path} is there already");
        }
    }
    let mut paths = Vec::new();
    for step in steps {
        let (path, text) = match &step {
            Step::File(path, skeleton) => (path.clone(), filled(skeleton, name)),
            Step::Module(path) => {
                let text = read(root, path)?;
                ((*path).to_owned(), declared(&text, &module(name), path)?)
            }
            Step::Line {
                path,
                after,
                end,
                line,
            } => {
                let text = read(root, path)?;
                ((*path).to_owned(), listed(&text, after, end, line, path)?)
            }
            Step::Row { path, heading, row } => {
                let text = read(root, path)?;
                ((*path).to_owned(), tabled(&text, heading, row, path)?)
            }
        };
        let file = root.join(&path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(|| path.clone())?;
        }
        fs::write(&file, text).with_context(|| path.clone())?;
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn steps(kind: Kind, name: &str) -> Vec<Step> {
    const PROGRAMS: &str = "docs/src/reference/programs.md";
    let (module, type_name) = (module(name), type_name(name));
    match kind {
        Kind::Rule => vec![
            Step::File(
                format!("detector/src/rule/{module}.rs"),
                include_str!("../skeletons/rule.rs"),
            ),
            Step::Module("detector/src/rule/mod.rs"),
            Step::Line {
                path: "detector/src/rule/mod.rs",
                after: "pub(crate) fn all(",
                end: "    ]",
                line: format!("        Box::new({module}::{type_name}::new(config)),"),
            },
            Step::File(
                format!("detector/traces/{module}/lookalike.trace"),
                include_str!("../skeletons/rule.trace"),
            ),
        ],
        Kind::Tool => vec![
            Step::File(
                format!("tools/{name}.toml"),
                include_str!("../skeletons/tool.toml"),
            ),
            Step::File(
                format!("generator/traces/tools/{name}.trace"),
                include_str!("../skeletons/tool.trace"),
            ),
            Step::Row {
                path: PROGRAMS,
                heading: "### The tools",
                row: format!("| `{name}` | {}, in a line |", words(name)),
            },
        ],
        Kind::App => vec![
            Step::File(
                format!("apps/{name}.toml"),
                include_str!("../skeletons/app.toml"),
            ),
            Step::Row {
                path: PROGRAMS,
                heading: "### Protocols of lines",
                row: format!("| `{name}` | 7777 | `think` [\"10ms\"] | `think` [\"30ms\"] |"),
            },
        ],
        Kind::Stack => vec![
            Step::File(
                format!("stacks/{name}.toml"),
                include_str!("../skeletons/stack.toml"),
            ),
            Step::File(
                format!("generator/traces/stacks/{name}.trace"),
                include_str!("../skeletons/stack.trace"),
            ),
        ],
        Kind::Scenario => vec![Step::File(
            format!("scenarios/port-scan/{name}.toml"),
            include_str!("../skeletons/scenario.toml"),
        )],
        Kind::Adapter => vec![
            Step::File(
                format!("scorer/src/adapter/{module}.rs"),
                include_str!("../skeletons/adapter.rs"),
            ),
            Step::File(
                format!("scorer/maps/{name}.toml"),
                include_str!("../skeletons/map.toml"),
            ),
            Step::Module("scorer/src/adapter/mod.rs"),
            Step::Line {
                path: "scorer/src/adapter/mod.rs",
                after: "pub const ADAPTERS",
                end: "];",
                line: format!("    &{module}::ADAPTER,"),
            },
            Step::File(
                format!("scorer/tests/adapters/{name}/sample.log"),
                include_str!("../skeletons/sample.log"),
            ),
            Step::File(
                format!("scorer/tests/adapters/{name}/expected.csv"),
                include_str!("../skeletons/expected.csv"),
            ),
        ],
        Kind::Report => vec![
            Step::File(
                format!("scorer/src/report/{module}.rs"),
                include_str!("../skeletons/report.rs"),
            ),
            Step::Module("scorer/src/report/mod.rs"),
            Step::Line {
                path: "scorer/src/report/mod.rs",
                after: "pub const REPORTS",
                end: "];",
                line: format!("    &{module}::REPORT,"),
            },
        ],
    }
}

/// What is to be done next.
fn next(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Scenario => format!(
            "write it, look at `crywolf show {name}`, then: cargo xtask golden --bless {name} && cargo xtask pages --bless"
        ),
        Kind::Rule => {
            "write it and its traces, then: cargo xtask docs --bless && cargo xtask golden --bless all".into()
        }
        Kind::Adapter => "write it, and put real output beside its list of what it says".into(),
        Kind::Tool | Kind::Stack => {
            "write it and its trace; every value has its source".into()
        }
        _ => "write it; every value has its source".into(),
    }
}

fn module(name: &str) -> String {
    name.replace('-', "_")
}

fn words(name: &str) -> String {
    name.replace('-', " ")
}

fn type_name(name: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(capital).collect()
}

fn filled(skeleton: &str, name: &str) -> String {
    skeleton
        .replace("@NAME@", name)
        .replace("@WORDS@", &words(name))
        .replace("@TYPE@", &type_name(name))
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| path.to_owned())
}

/// Lines with one more in front of that number.
fn inserted(text: &str, at: usize, line: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(at.min(lines.len()), line);
    lines.join("\n") + "\n"
}

fn declared(text: &str, module: &str, path: &str) -> Result<String> {
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

fn listed(text: &str, after: &str, end: &str, line: &str, path: &str) -> Result<String> {
    let begin = text.lines().position(|line| line.starts_with(after));
    let begin = begin.with_context(|| format!("{path} has no line that begins '{after}'"))?;
    let rest = text.lines().skip(begin).position(|line| line == end);
    let rest = rest.with_context(|| format!("{path} has no list after '{after}'"))?;
    Ok(inserted(text, begin + rest, line))
}

fn tabled(text: &str, heading: &str, row: &str, path: &str) -> Result<String> {
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
    use crate::process;

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

    /// All of the project but what is built, and what nothing is built from.
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            if ["target", ".git", "golden", "node_modules"].contains(&name.to_str().unwrap()) {
                continue;
            }
            if path.is_dir() {
                copy(&path, &to.join(name));
            } else {
                fs::copy(&path, to.join(name)).unwrap();
            }
        }
    }

    /// What the program built from a copy prints.
    fn crywolf(root: &Path, args: &[&str]) -> String {
        let mut cargo = workspace::cargo(&["run", "--quiet", "--offline", "--"]);
        // In a folder of its own: the tests beside this one run the project's own program.
        let target = workspace::root().join("target/skeletons");
        let cargo = cargo
            .args(args)
            .current_dir(root)
            .env("CARGO_TARGET_DIR", target);
        // It is built to be run twice.
        let quick = [
            ("CARGO_PROFILE_DEV_OPT_LEVEL", "0"),
            ("CARGO_PROFILE_DEV_DEBUG", "0"),
        ];
        process::output(cargo.envs(quick)).unwrap()
    }

    #[test]
    fn one_of_each_kind_builds_and_works() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("copy");
        copy(workspace::root(), &root);
        for kind in Kind::value_variants() {
            let name = format!("my-{kind:?}").to_lowercase();
            let paths = add(&root, *kind, &name).unwrap();
            assert!(paths.len() <= 5, "{paths:?}");
            assert!(add(&root, *kind, &name).is_err(), "{name} twice");
        }
        // The scenario runs on the new stack, with the new tool and the new application.
        let scenario = root.join("scenarios/port-scan/my-scenario.toml");
        let text = fs::read_to_string(&scenario).unwrap();
        let text = text
            .replace("tool = \"nmap-syn\"", "tool = \"my-tool\"")
            .replace("stack = \"linux-6\"\nopen", "stack = \"my-stack\"\nopen")
            + "\n[host.server.service.mine]\napp = \"my-app\"\n";
        fs::write(&scenario, text).unwrap();
        crate::tidy::check_in(&root).unwrap();
        let shown = crywolf(&root, &["show", "my-scenario"]);
        assert!(
            shown.contains("my stack") && shown.contains("S "),
            "{shown}"
        );
        let help = crywolf(&root, &["grade", "--help"]);
        assert!(
            help.contains("--my-report") && help.contains("my-adapter"),
            "{help}"
        );
    }

    #[test]
    fn names_that_are_none_are_refused() {
        for name in ["", "Syn", "a b", "../x", "9"] {
            assert!(
                add(Path::new("/nowhere"), Kind::Tool, name).is_err(),
                "{name}"
            );
        }
    }
}

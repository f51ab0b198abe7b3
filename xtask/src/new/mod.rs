//! `cargo xtask new KIND NAME`: the skeleton of a scenario, a tool, a rule and so on, where it belongs, with its line in the
//! list of its family. It builds as it is; what it says is still to be written.

mod kind;
mod list;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::workspace;
use kind::{Kind, Step, module, type_name, words};
use list::{declared, listed, tabled};

/// Arguments of the task.
#[derive(Args)]
pub struct NewArgs {
    /// What it is
    #[arg(value_enum)]
    kind: Kind,
    /// Its name: lower-case letters, digits and hyphens
    name: String,
}

/// Runs the task.
pub fn run(args: &NewArgs) -> Result<()> {
    let paths = add(workspace::root(), args.kind, &args.name)?;
    for path in &paths {
        println!("{path}");
    }
    println!("{}", args.kind.next(&args.name));
    Ok(())
}

/// Adds one, and says which files were written.
pub fn add(root: &Path, kind: Kind, name: &str) -> Result<Vec<String>> {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    ensure!(
        name.bytes().all(letters) && name.starts_with(|c: char| c.is_ascii_lowercase()),
        "'{name}' is no name: lower-case letters, digits and hyphens, a letter first"
    );
    let steps = kind.steps(name);
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

fn filled(skeleton: &str, name: &str) -> String {
    skeleton
        .replace("@NAME@", name)
        .replace("@WORDS@", &words(name))
        .replace("@TYPE@", &type_name(name))
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::process;

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

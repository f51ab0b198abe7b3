//! What can be added, and what each takes.

use clap::ValueEnum;

/// The page with the tables of tools and applications.
const PROGRAMS: &str = "docs/src/reference/programs.md";

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
pub enum Step {
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

impl Kind {
    /// What is written to add one.
    pub fn steps(self, name: &str) -> Vec<Step> {
        match self {
            Kind::Rule => rule(name),
            Kind::Tool => tool(name),
            Kind::App => app(name),
            Kind::Stack => stack(name),
            Kind::Scenario => scenario(name),
            Kind::Adapter => adapter(name),
            Kind::Report => report(name),
        }
    }

    /// What is to be done next.
    pub fn next(self, name: &str) -> String {
        match self {
            Kind::Scenario => format!(
                "write it, look at `crywolf show {name}`, then: \
                 cargo xtask golden --bless {name} && cargo xtask pages --bless"
            ),
            Kind::Rule => "write it and its traces, then: \
                 cargo xtask docs --bless && cargo xtask golden --bless all"
                .into(),
            Kind::Adapter => "write it, and put real output beside its list of what it says".into(),
            Kind::Tool | Kind::Stack => "write it and its trace; every value has its source".into(),
            Kind::App | Kind::Report => "write it; every value has its source".into(),
        }
    }
}

fn rule(name: &str) -> Vec<Step> {
    let (module, type_name) = (module(name), type_name(name));
    vec![
        Step::File(
            format!("detector/src/rule/{module}.rs"),
            include_str!("../../skeletons/rule.rs"),
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
            include_str!("../../skeletons/rule.trace"),
        ),
    ]
}

fn tool(name: &str) -> Vec<Step> {
    vec![
        Step::File(
            format!("tools/{name}.toml"),
            include_str!("../../skeletons/tool.toml"),
        ),
        Step::File(
            format!("generator/traces/tools/{name}.trace"),
            include_str!("../../skeletons/tool.trace"),
        ),
        Step::Row {
            path: PROGRAMS,
            heading: "### The tools",
            row: format!("| `{name}` | {}, in a line |", words(name)),
        },
    ]
}

fn app(name: &str) -> Vec<Step> {
    vec![
        Step::File(
            format!("apps/{name}.toml"),
            include_str!("../../skeletons/app.toml"),
        ),
        Step::Row {
            path: PROGRAMS,
            heading: "### Protocols of lines",
            row: format!("| `{name}` | 7777 | `think` [\"10ms\"] | `think` [\"30ms\"] |"),
        },
    ]
}

fn stack(name: &str) -> Vec<Step> {
    vec![
        Step::File(
            format!("stacks/{name}.toml"),
            include_str!("../../skeletons/stack.toml"),
        ),
        Step::File(
            format!("generator/traces/stacks/{name}.trace"),
            include_str!("../../skeletons/stack.trace"),
        ),
    ]
}

fn scenario(name: &str) -> Vec<Step> {
    vec![Step::File(
        format!("scenarios/port-scan/{name}.toml"),
        include_str!("../../skeletons/scenario.toml"),
    )]
}

fn adapter(name: &str) -> Vec<Step> {
    let module = module(name);
    vec![
        Step::File(
            format!("scorer/src/adapter/{module}.rs"),
            include_str!("../../skeletons/adapter.rs"),
        ),
        Step::File(
            format!("scorer/maps/{name}.toml"),
            include_str!("../../skeletons/map.toml"),
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
            include_str!("../../skeletons/sample.log"),
        ),
        Step::File(
            format!("scorer/tests/adapters/{name}/expected.csv"),
            include_str!("../../skeletons/expected.csv"),
        ),
    ]
}

fn report(name: &str) -> Vec<Step> {
    let module = module(name);
    vec![
        Step::File(
            format!("scorer/src/report/{module}.rs"),
            include_str!("../../skeletons/report.rs"),
        ),
        Step::Module("scorer/src/report/mod.rs"),
        Step::Line {
            path: "scorer/src/report/mod.rs",
            after: "pub const REPORTS",
            end: "];",
            line: format!("    &{module}::REPORT,"),
        },
    ]
}

/// The name of its module.
pub fn module(name: &str) -> String {
    name.replace('-', "_")
}

/// Its name in words.
pub fn words(name: &str) -> String {
    name.replace('-', " ")
}

/// The name of its type.
pub fn type_name(name: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(capital).collect()
}

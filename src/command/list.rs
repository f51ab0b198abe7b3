//! `crywolf list`: the catalogue, and the classes of the taxonomy.

use std::process::ExitCode;

use anyhow::{Result, anyhow, ensure};
use clap::Args;
use generator::{Catalogue, Identity, Request};
use labels::{Class, Family, Verdict};
use serde_json::json;

use crate::output::print;

/// List the scenarios of the catalogue, or the classes of the taxonomy.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf list
  crywolf list --verdict legitimate
  crywolf list --family port-scan --json
  crywolf list --classes --verdict attack")]
pub struct ListArgs {
    /// Only those of this verdict: attack, reconnaissance, backscatter, legitimate, normal
    #[arg(long, value_name = "V", value_parser = parse_verdict)]
    pub verdict: Option<Verdict>,

    /// Only those of this family
    #[arg(long, value_name = "F", value_parser = parse_family)]
    pub family: Option<Family>,

    /// The classes of events, by family, instead of the scenarios: what a detector, a map or a gate may name
    #[arg(long)]
    pub classes: bool,

    /// As a JSON array
    #[arg(long)]
    pub json: bool,
}

impl ListArgs {
    fn wants(&self, family: Family) -> bool {
        let verdict = family.verdict();
        self.verdict.is_none_or(|wanted| wanted == verdict)
            && self.family.is_none_or(|wanted| wanted == family)
    }
}

fn parse_verdict(text: &str) -> Result<Verdict, String> {
    let names: Vec<&str> = Verdict::ALL.iter().map(|verdict| verdict.name()).collect();
    let found = Verdict::ALL
        .into_iter()
        .find(|verdict| verdict.name() == text);
    found.ok_or_else(|| format!("verdicts are: {}", names.join(", ")))
}

fn parse_family(text: &str) -> Result<Family, String> {
    let names: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
    Family::from_name(text).ok_or_else(|| format!("families are: {}", names.join(", ")))
}

/// Runs the command.
///
/// # Errors
/// A verdict and a family that do not go together; the mistakes of a built-in scenario, which the tests keep out.
pub fn run(args: &ListArgs) -> Result<ExitCode> {
    if let (Some(verdict), Some(family)) = (args.verdict, args.family) {
        let own = family.verdict();
        ensure!(
            own == verdict,
            "the verdict of the family {family} is {own}: leave --verdict out"
        );
    }
    let text = if args.classes {
        classes(args)?
    } else {
        scenarios(args)?
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn scenarios(args: &ListArgs) -> Result<String> {
    let mut wanted = Catalogue::identities()?;
    wanted.retain(|identity| args.wants(identity.family));
    if !args.json {
        return Ok(table(&wanted));
    }
    let catalogue = Catalogue::built_in()?;
    let rows = wanted.iter().map(|identity| row(&identity.id, &catalogue));
    pretty(&rows.collect::<Result<Vec<_>>>()?)
}

fn classes(args: &ListArgs) -> Result<String> {
    let mut wanted = Class::ALL.to_vec();
    wanted.retain(|class| args.wants(class.family()));
    if !args.json {
        return Ok(table_of_classes(&wanted));
    }
    let rows = wanted.iter().map(|class| {
        json!({
            "class": class.name(),
            "family": class.family().name(),
            "verdict": class.verdict().name(),
            "definition": class.definition(),
            "technique": class.technique(),
        })
    });
    pretty(&rows.collect::<Vec<_>>())
}

fn pretty(rows: &[serde_json::Value]) -> Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(rows)?))
}

fn table_of_classes(rows: &[Class]) -> String {
    let width = rows.iter().map(|class| class.name().len()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    // The table of the taxonomy goes family by family.
    let mut last = None;
    for class in rows {
        let family = class.family();
        if last.replace(family) != Some(family) {
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{}: {family}\n", family.verdict()));
        }
        text.push_str(&format!(
            "  {:width$}  {}\n",
            class.name(),
            class.definition()
        ));
    }
    text
}

fn row(id: &str, catalogue: &Catalogue) -> Result<serde_json::Value> {
    let file = catalogue
        .get(id)
        .ok_or_else(|| anyhow!("{id} has left the catalogue"))??;
    let identity = file.identity();
    let scenario = file.resolve(
        &Request {
            seed: 1,
            ..Request::default()
        },
        catalogue.stacks(),
    )?;
    let mut classes: Vec<Class> = scenario
        .activities
        .iter()
        .flat_map(|a| [a.class, a.echo])
        .flatten()
        .collect();
    classes.sort();
    classes.dedup();
    Ok(json!({
        "id": identity.id,
        "title": identity.title,
        "family": identity.family.name(),
        "verdict": identity.family.verdict().name(),
        "classes": classes.iter().map(|class| class.name()).collect::<Vec<_>>(),
        "sensors": scenario.sensors.iter().map(|sensor| &sensor.name).collect::<Vec<_>>(),
        "traces": file.published(),
        "reconstructed": identity.reconstructed,
    }))
}

fn table(rows: &[Identity]) -> String {
    let width = rows.iter().map(|row| row.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for verdict in Verdict::ALL {
        let mut group = rows
            .iter()
            .filter(|row| row.family.verdict() == verdict)
            .peekable();
        if group.peek().is_none() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{verdict}\n"));
        for row in group {
            text.push_str(&format!("  {:width$}  {}\n", row.id, row.title));
        }
    }
    text
}

//! `crywolf list`: the catalogue.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;
use generator::{Catalogue, Identity, Request};
use labels::{Class, Family, Verdict};
use serde_json::json;

use crate::output::print;

/// List the scenarios of the catalogue.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf list
  crywolf list --verdict legitimate
  crywolf list --family port-scan --json")]
pub struct ListArgs {
    /// Only scenarios of this verdict: attack, reconnaissance, backscatter, legitimate, normal
    #[arg(long, value_name = "V", value_parser = parse_verdict)]
    pub verdict: Option<Verdict>,

    /// Only scenarios of this family
    #[arg(long, value_name = "F", value_parser = parse_family)]
    pub family: Option<Family>,

    /// As a JSON array
    #[arg(long)]
    pub json: bool,
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
/// The mistakes of a built-in scenario, which the tests keep out.
pub fn run(args: &ListArgs) -> Result<ExitCode> {
    let wanted: Vec<Identity> = Catalogue::identities()?
        .into_iter()
        .filter(|identity| {
            args.verdict
                .is_none_or(|verdict| identity.family.verdict() == verdict)
                && args.family.is_none_or(|wanted| identity.family == wanted)
        })
        .collect();
    if args.json {
        let catalogue = Catalogue::built_in()?;
        let rows: Vec<serde_json::Value> = wanted
            .iter()
            .map(|identity| row(&identity.id, &catalogue))
            .collect::<Result<_>>()?;
        print(&format!("{}\n", serde_json::to_string_pretty(&rows)?))?;
    } else {
        print(&table(&wanted))?;
    }
    Ok(ExitCode::SUCCESS)
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

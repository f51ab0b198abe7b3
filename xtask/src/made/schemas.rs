//! `cargo xtask schemas`: the JSON Schemas of the file formats, made from their types.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use schemars::Schema;

use crate::made;
use crate::workspace;

/// Arguments of the task.
#[derive(Args)]
pub struct SchemaArgs {
    /// Show the difference and renew the files
    #[arg(long)]
    bless: bool,
}

/// Runs the task.
pub fn run(args: &SchemaArgs) -> Result<()> {
    made::may_bless(args.bless, "the schemas")?;
    check(args.bless)
}

/// Compares, and renews where asked.
pub fn check(bless: bool) -> Result<()> {
    let mut differing = Vec::new();
    for (name, schema) in schemas() {
        let is = format!("{}\n", serde_json::to_string_pretty(&schema)?);
        if made::differs(&path(name), &format!("{name}.schema.json"), &is, bless)? {
            differing.push(name);
        }
    }
    if !bless && !differing.is_empty() {
        bail!(
            "the types say something else than the schemas of {}; if that is wanted: cargo xtask schemas --bless",
            differing.join(", ")
        );
    }
    println!(
        "schemas: {} checked, {} renewed",
        schemas().len(),
        differing.len()
    );
    Ok(())
}

fn schemas() -> [(&'static str, Schema); 3] {
    [
        ("truth", schemars::schema_for!(labels::Truth)),
        ("finding", schemars::schema_for!(labels::Finding)),
        ("grade", schemars::schema_for!(scorer::Grade)),
    ]
}

fn path(name: &str) -> PathBuf {
    workspace::root().join(format!("docs/src/reference/{name}.schema.json"))
}

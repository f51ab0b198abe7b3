//! How captures are made, as the command line says it.

use anyhow::{Result, bail};
use clap::Args;

use crate::campaign::plan::Plan;
use crate::capture::order::Terms;

/// What changes a scenario.
#[derive(Args, Clone, Debug, Default)]
pub struct TermArgs {
    /// Set a value of the scenario file, by its path; may be repeated
    #[arg(long, value_name = "PATH=VALUE", value_parser = parse_setting)]
    pub set: Vec<(String, String)>,

    /// A step of the scenario's ladder, from blatant to stealthy
    #[arg(long, value_name = "STEP")]
    pub difficulty: Option<String>,

    /// Lay ordinary traffic under it: the id or the file of a scenario
    #[arg(long, value_name = "ID|FILE.toml")]
    pub background: Option<String>,

    /// Make the conversations of that background events of their own
    #[arg(long)]
    pub label_background: bool,

    /// A fault of the sensors, such as loss=3%, copies=100%, only=out, snap=68; may be repeated
    #[arg(long, value_name = "KIND=VALUE", value_parser = parse_setting)]
    pub fault: Vec<(String, String)>,
}

/// Reads `PATH=VALUE`.
///
/// # Errors
/// Says how it is written.
pub fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (path, value) = text
        .split_once('=')
        .ok_or_else(|| format!("'{text}' sets nothing: write PATH=VALUE"))?;
    Ok((path.trim().to_owned(), value.trim().to_owned()))
}

impl TermArgs {
    /// What all captures share of it.
    pub fn terms(&self) -> Terms {
        Terms {
            set: self.set.clone(),
            label_background: self.label_background,
            faults: self.fault.clone(),
            ..Terms::default()
        }
    }

    /// Refuses what makes no sense of these captures.
    ///
    /// # Errors
    /// The background is to be labelled, and there is none.
    pub fn check(&self, plan: &Plan) -> Result<()> {
        if self.label_background && plan.orders.iter().all(|order| order.background.is_none()) {
            bail!(
                "--label-background labels the traffic under a scenario: name it with --background"
            );
        }
        Ok(())
    }
}

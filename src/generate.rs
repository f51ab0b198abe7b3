//! `crywolf generate`: captures and their truth.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use generator::Catalogue;

use crate::budget::{self, Budget};
use crate::campaign::plan::{self, ChoiceArgs, Overrides, Plan};
use crate::jobs;
use crate::order::{Order, Terms};
use crate::output::{self, Verbosity, is_stdout, print};
use crate::produce;

/// Make captures and their truth.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf generate syn-scan --seed 7 --out captures
  crywolf generate --all --seeds 1..20 --background office --out captures
  crywolf generate --suite lookalikes --out captures
  crywolf generate ftp-session --as-published
  crywolf generate syn-flood --sensor victim --set activity.flood.gap=1ms
  crywolf generate my-own.toml --out - --sensor home | tcpdump -nr -

Each capture DIR/ID.SENSOR.seedN.pcap has its truth beside it, DIR/ID.SENSOR.seedN.truth.json. Where several steps or backgrounds are
chosen, DIR/ID.SENSOR.STEP.BACKGROUND.seedN.pcap tells them apart.")]
pub struct GenerateArgs {
    /// What is made
    #[command(flatten)]
    pub choice: ChoiceArgs,

    /// The seed [default: 1, or as a suite says]
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "as_published"])]
    pub seed: Option<u64>,

    /// Reproduce the traces that the documents print, each at its own sensor
    #[arg(long, conflicts_with_all = ["sensor", "difficulty", "seeds", "suite"])]
    pub as_published: bool,

    /// How it is made
    #[command(flatten)]
    pub terms: TermArgs,

    /// Folder for captures and truth; "-" writes one capture to standard output
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,

    /// Stop before more than this is written in all: 500MB, 2GB [default: what the disk can hold, less a tenth]
    #[arg(long, value_name = "BYTES", value_parser = budget::parse)]
    pub max_bytes: Option<u64>,

    /// Times in nanoseconds
    #[arg(long)]
    pub nanos: bool,

    /// Jobs side by side [default: one a processor]
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
}

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
    #[arg(long, value_name = "PROFILE")]
    pub background: Option<String>,

    /// Make the conversations of that background events of their own
    #[arg(long)]
    pub label_background: bool,

    /// A fault of the sensors, such as loss=3%, copies=100%, only=out, snap=68; may be repeated
    #[arg(long, value_name = "KIND=VALUE", value_parser = parse_setting)]
    pub fault: Vec<(String, String)>,
}

/// Reads `PATH=VALUE`.
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

/// Runs the command.
///
/// # Errors
/// Wrong use, mistaken scenarios, and outputs that fail.
pub fn run(args: &GenerateArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    let catalogue = Catalogue::built_in()?;
    let orders = orders(args, &catalogue, verbosity)?;
    let terms = Terms {
        nanos: args.nanos,
        ..args.terms.terms()
    };
    if is_stdout(&args.out) {
        let terms = Terms {
            budget: args
                .max_bytes
                .map(|most| Arc::new(Budget::new(Some(most), Path::new(".")))),
            ..terms
        };
        let [order] = orders.as_slice() else {
            bail!(
                "standard output takes one capture, but {} were asked for",
                orders.len()
            );
        };
        produce::produce_to(&catalogue, order, &terms, io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    }
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let progress = output::progress(orders.len() as u64, "generating", verbosity.quiet);
    let jobs = jobs::number(args.jobs);
    let terms = Terms {
        spare_processor: orders.len() < jobs,
        budget: Some(Arc::new(Budget::new(args.max_bytes, &args.out))),
        foresees: !verbosity.quiet,
        ..terms
    };
    let made = produce::produce_all(&orders, jobs, &progress, |order| {
        produce::produce(&catalogue, order, &terms, &args.out)
    })?;
    if !verbosity.quiet {
        for produced in made.iter().flatten() {
            let packets = produced.truth.capture.packets;
            let events = produced.truth.events.len();
            print(&format!(
                "{}: {packets} packets, {events} events\n",
                show(&produced.capture)
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn orders(args: &GenerateArgs, catalogue: &Catalogue, verbosity: &Verbosity) -> Result<Vec<Order>> {
    let mut parts = args.choice.parts(None, verbosity)?;
    if parts.is_empty() {
        bail!("name a scenario, a --suite, or --all; 'crywolf list' shows the catalogue");
    }
    for part in &mut parts {
        part.published |= args.as_published;
    }
    let overrides = Overrides {
        seeds: args
            .seed
            .map(|seed| seed..=seed)
            .or(args.choice.seeds.clone()),
        step: args.terms.difficulty.clone(),
        background: args.terms.background.clone().map(Some),
        sensors: args.choice.sensor.clone(),
    };
    let mut plan = plan::plan(catalogue, &parts, &overrides)?;
    args.terms.check(&plan)?;
    if args.as_published {
        plan.orders = published(plan.orders, args)?;
    }
    plan.say_left_out(verbosity);
    Ok(plan.orders)
}

/// The published traces alone, over the background that was asked for.
fn published(orders: Vec<Order>, args: &GenerateArgs) -> Result<Vec<Order>> {
    for named in orders.iter().filter(|_| !args.choice.all) {
        if named.file.published().is_empty() {
            let id = &named.file.identity().id;
            bail!("{id} is reconstructed: the documents print no packets of it");
        }
    }
    let backgrounds: Vec<_> = orders
        .iter()
        .map(|order| order.background.clone())
        .collect();
    let background = backgrounds.into_iter().flatten().next();
    let traces = orders.into_iter().filter(|order| order.published.is_some());
    Ok(traces
        .map(|order| Order {
            background: background.clone(),
            ..order
        })
        .collect())
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

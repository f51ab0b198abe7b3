//! `crywolf generate`: captures and their truth.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use generator::Catalogue;

use crate::campaign::plan::{self, ChoiceArgs, Overrides};
use crate::campaign::terms::TermArgs;
use crate::capture::budget::{self, Budget};
use crate::capture::order::{Order, Terms};
use crate::capture::produce;
use crate::output::{self, Verbosity, counted, is_stdout, print};
use crate::process::jobs;

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

Each capture DIR/ID.SENSOR.seedN.pcap has its truth beside it, DIR/ID.SENSOR.seedN.truth.json. Where several steps or backgrounds \
are chosen, DIR/ID.SENSOR.STEP.BACKGROUND.seedN.pcap tells them apart.")]
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
            let truth = &produced.truth;
            print(&format!(
                "{}: {}, {}\n",
                show(&produced.capture),
                counted(truth.capture.packets, "packet"),
                counted(truth.events.len() as u64, "event")
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
            bail!("{id} has no [published.TRACE]: no document prints packets of it");
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

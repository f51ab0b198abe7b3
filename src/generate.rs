//! `crywolf generate`: captures and their truth.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use generator::Catalogue;

use crate::output::{self, Verbosity, is_stdout, print};
use crate::produce::{self, Order, Terms};
use crate::seeds;

/// Make captures and their truth.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf generate syn-scan --seed 7 --out captures
  crywolf generate --all --seeds 1..20 --background office --out captures
  crywolf generate ftp-session --as-published
  crywolf generate syn-flood --sensor victim --set activity.flood.gap=1ms
  crywolf generate my-own.toml --out - --sensor home | tcpdump -nr -

Each capture DIR/ID.SENSOR.seedN.pcap has its truth beside it, DIR/ID.SENSOR.seedN.truth.json.")]
pub struct GenerateArgs {
    /// Scenarios: ids of the catalogue, or files ending in .toml
    #[arg(value_name = "ID|FILE.toml")]
    pub scenarios: Vec<String>,

    /// The whole catalogue
    #[arg(long, conflicts_with = "scenarios")]
    pub all: bool,

    /// The seed
    #[arg(long, default_value_t = 1, conflicts_with_all = ["seeds", "as_published"])]
    pub seed: u64,

    /// A range of seeds, both ends included
    #[arg(long, value_name = "A..B", value_parser = seeds::parse_range, conflicts_with = "as_published")]
    pub seeds: Option<RangeInclusive<u64>>,

    /// Record only at this sensor; may be repeated
    #[arg(long, value_name = "NAME")]
    pub sensor: Vec<String>,

    /// Reproduce the traces that the documents print, each at its own sensor
    #[arg(long, conflicts_with_all = ["sensor", "difficulty"])]
    pub as_published: bool,

    /// How it is made
    #[command(flatten)]
    pub terms: TermArgs,

    /// Folder for captures and truth; "-" writes one capture to standard output
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,

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
    #[arg(long, requires = "background")]
    pub label_background: bool,

    /// A fault of the sensors, such as loss=3%, copies=100%, only=out, snap=68; may be repeated
    #[arg(long, value_name = "KIND=VALUE", value_parser = parse_setting)]
    pub fault: Vec<(String, String)>,
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (path, value) = text
        .split_once('=')
        .ok_or_else(|| format!("'{text}' sets nothing: write PATH=VALUE"))?;
    Ok((path.trim().to_owned(), value.trim().to_owned()))
}

impl TermArgs {
    /// The terms, with the background read.
    ///
    /// # Errors
    /// An unknown or mistaken background.
    pub fn read(&self, catalogue: &Catalogue) -> Result<Terms> {
        let background = self
            .background
            .as_ref()
            .map(|name| produce::find(catalogue, name))
            .transpose()?;
        Ok(Terms {
            set: self.set.clone(),
            difficulty: self.difficulty.clone(),
            background,
            label_background: self.label_background,
            faults: self.fault.clone(),
            ..Terms::default()
        })
    }
}

/// Runs the command.
///
/// # Errors
/// Wrong use, mistaken scenarios, and outputs that fail.
pub fn run(args: &GenerateArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    let catalogue = Catalogue::built_in()?;
    let names = if args.all {
        catalogue.ids()
    } else {
        args.scenarios.clone()
    };
    if names.is_empty() {
        bail!("name a scenario, or --all; 'crywolf list' shows the catalogue");
    }
    let orders = orders(args, &catalogue, &names)?;
    let terms = Terms {
        sensors: args.sensor.clone(),
        nanos: args.nanos,
        ..args.terms.read(&catalogue)?
    };
    if is_stdout(&args.out) {
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
    let jobs = produce::jobs(args.jobs);
    let terms = Terms {
        spare_processor: orders.len() < jobs,
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

fn orders(args: &GenerateArgs, catalogue: &Catalogue, names: &[String]) -> Result<Vec<Order>> {
    let mut orders = Vec::new();
    for name in names {
        let file = produce::find(catalogue, name)?;
        if args.as_published {
            let traces = file.published();
            if traces.is_empty() && !args.all {
                bail!("{name} is reconstructed: the documents print no packets of it");
            }
            orders.extend(traces.into_iter().map(|trace| Order {
                file: file.clone(),
                seed: 1,
                published: Some(trace),
            }));
        } else {
            let seeds = args.seeds.clone().unwrap_or(args.seed..=args.seed);
            orders.extend(seeds.map(|seed| Order {
                file: file.clone(),
                seed,
                published: None,
            }));
        }
    }
    produce::refuse_same_ids(&orders)?;
    Ok(orders)
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

//! `crywolf facts`: whether what a scenario promises of every seed holds.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::RangeInclusive;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use generator::fact::{Capture, Fact, Names, tshark};
use generator::scenario::{Origin, Request};
use generator::{Catalogue, Scenario, simulate};

use crate::capture::order::{self, Order, Terms};
use crate::capture::produce;
use crate::capture::seeds;
use crate::output::{self, Verbosity, print};
use crate::process::jobs;

/// Check what scenarios promise of every seed.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf facts syn-scan
  crywolf facts --all --seeds 1..20 --witness
  crywolf facts my-own.toml --seeds 1..100 --kinds 0.9

Exit status: 0 all hold, 1 one does not or too few seeds differ in kind, 2 wrong use.")]
pub struct FactsArgs {
    /// Scenarios: ids of the catalogue, or files ending in .toml
    #[arg(value_name = "ID|FILE.toml")]
    pub scenarios: Vec<String>,

    /// The whole catalogue
    #[arg(long, conflicts_with = "scenarios")]
    pub all: bool,

    /// The seeds, both ends included
    #[arg(long, value_name = "A..B", value_parser = seeds::parse_range, default_value = "1..20")]
    pub seeds: RangeInclusive<u64>,

    /// Also count how many seeds differ in kind, and not only in pace and addresses; fail below this share of them, such as 0.9
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub kinds: Option<f64>,

    /// Have tshark count the same frames, where it can express the filter
    #[arg(long)]
    pub witness: bool,

    /// Jobs side by side [default: one a processor]
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
}

/// Runs the command.
///
/// # Errors
/// Wrong use, and scenarios that cannot be read.
pub fn run(args: &FactsArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    let catalogue = Catalogue::built_in()?;
    let names = if args.all {
        catalogue.ids()
    } else {
        args.scenarios.clone()
    };
    if names.is_empty() {
        bail!("name a scenario, or --all; 'crywolf list' shows the catalogue");
    }
    let mut orders = Vec::new();
    for name in &names {
        let file = order::find(&catalogue, name)?;
        let seeds = args.seeds.clone();
        orders.extend(seeds.map(|seed| Order::of(file.clone(), seed)));
    }
    if args.kinds.is_none() {
        refuse_factless(&orders)?;
    }
    let progress = output::progress(orders.len() as u64, "checking", verbosity.quiet);
    let jobs = jobs::number(args.jobs);
    let results = produce::produce_all(&orders, jobs, &progress, |order| {
        check(&catalogue, order, args)
    })?;
    let mut checked = 0;
    let mut broken = 0;
    let mut explained: Vec<(&str, &str)> = Vec::new();
    for (order, result) in orders.iter().zip(&results) {
        checked += result.held + result.broken.len();
        let id = order.file.identity().id.as_str();
        for reason in &result.broken {
            broken += 1;
            print(&format!(
                "{}: {id} seed {}: {}\n",
                reason.at, order.seed, reason.why
            ))?;
            let Some(say) = &reason.say else { continue };
            if !explained.contains(&(id, say)) {
                explained.push((id, say));
                for line in culprits(&catalogue, order, say)? {
                    print(&line)?;
                }
            }
        }
    }
    let alike = match args.kinds {
        Some(least) => count_kinds(&orders, &results, least, verbosity.quiet)?,
        None => 0,
    };
    let witnessed: usize = results.iter().map(|result| result.witnessed).sum();
    if !verbosity.quiet {
        let witness = if args.witness {
            format!("; tshark agrees on {witnessed} counts")
        } else {
            String::new()
        };
        print(&format!(
            "{checked} checks of {} captures' facts, {broken} broken{witness}\n",
            orders.len()
        ))?;
    }
    Ok(if broken + alike == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// Refuses files of which none states a fact: that nothing is broken would say nothing.
fn refuse_factless(orders: &[Order]) -> Result<()> {
    let mut identities = orders.iter().map(|order| order.file.identity());
    if identities.all(|identity| identity.facts.is_empty()) {
        bail!(
            "no facts are stated: `facts = [{{ say = \"…\", check = \"…\" }}]` states one, and --kinds goes without"
        );
    }
    Ok(())
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share of the seeds from 0 to 1, such as 0.9".into()),
    }
}

/// Says how many seeds of each scenario differ in kind, and returns how many scenarios have too few.
fn count_kinds(orders: &[Order], results: &[Checked], least: f64, quiet: bool) -> Result<usize> {
    let mut kinds: BTreeMap<&str, Vec<&[u64]>> = BTreeMap::new();
    for (order, result) in orders.iter().zip(results) {
        let of = kinds.entry(&order.file.identity().id).or_default();
        of.push(&result.kinds);
    }
    let mut alike = 0;
    for (id, mut seeds) in kinds {
        let all = seeds.len();
        seeds.sort_unstable();
        seeds.dedup();
        let few = (seeds.len() as f64) < least * all as f64;
        alike += usize::from(few);
        if quiet && !few {
            continue;
        }
        let verdict = if few { ", too few" } else { "" };
        print(&format!(
            "{id}: {} of {all} seeds differ in kind{verdict}\n",
            seeds.len()
        ))?;
    }
    Ok(alike)
}

/// What became of the facts of one seed.
#[derive(Default)]
struct Checked {
    held: usize,
    witnessed: usize,
    broken: Vec<Broken>,
    /// The kind of each sensor's capture, where it is asked for.
    kinds: Vec<u64>,
}

/// A fact that does not hold, or that tshark sees otherwise.
struct Broken {
    /// The line of the file where it is written.
    at: Origin,
    /// The sentence of a fact that does not hold.
    say: Option<String>,
    why: String,
}

/// Which lines of `[vary]` break a fact: those without which it holds at this seed.
fn culprits(catalogue: &Catalogue, order: &Order, say: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (path, range) in order.file.varied() {
        let request = Request {
            seed: order.seed,
            left: Some(path.clone()),
            ..Request::default()
        };
        // What cannot be without its range is no suspect.
        let Ok(scenario) = order.file.resolve(&request, catalogue.stacks()) else {
            continue;
        };
        let result = look(&scenario, order.seed, false, false)?;
        let still = |broken: &Broken| broken.say.as_deref() == Some(say);
        if !result.broken.iter().any(still)
            && let Some(at) = order.file.varied_at(&path)
        {
            found.push(format!(
                "{at}: {path} = {range} breaks it: without this line it holds at seed {}\n",
                order.seed
            ));
        }
    }
    Ok(found)
}

fn check(catalogue: &Catalogue, order: &Order, args: &FactsArgs) -> Result<Checked> {
    let scenario = order::resolve(catalogue, order, &Terms::default())?;
    look(&scenario, order.seed, args.witness, args.kinds.is_some())
}

/// Looks at all facts of a scenario, at every sensor.
fn look(scenario: &Scenario, seed: u64, witness: bool, kinds: bool) -> Result<Checked> {
    let recordings = simulate(scenario, seed, false, |_| Some(Vec::new()))?;
    let mut result = Checked::default();
    for recording in recordings {
        let (bytes, truth) = recording.into_truth();
        let capture = Capture::read(&bytes).map_err(anyhow::Error::msg)?;
        result.kinds.extend(kinds.then(|| capture.kind()));
        let facts = scenario.identity.facts.iter();
        for fact in facts.filter(|fact| fact.at.as_ref().is_none_or(|at| *at == truth.sensor)) {
            match fact.holds(&capture, &scenario.names) {
                Ok(()) => result.held += 1,
                Err(reason) => {
                    result.broken.push(Broken {
                        at: fact.origin.clone(),
                        say: Some(fact.say.clone()),
                        why: format!(
                            "at {}: \"{}\" ({}): {reason}",
                            truth.sensor, fact.say, fact.check.0
                        ),
                    });
                }
            }
            if witness {
                result.broken.extend(contradictions(
                    fact,
                    &capture,
                    &bytes,
                    &scenario.names,
                    &mut result.witnessed,
                )?);
            }
        }
    }
    Ok(result)
}

/// Where tshark counts other frames than we do.
fn contradictions(
    fact: &Fact,
    capture: &Capture,
    bytes: &[u8],
    names: &Names,
    agreed: &mut usize,
) -> Result<Vec<Broken>> {
    let mut found = Vec::new();
    for statement in fact.check.1.statements() {
        for (filter, text) in tshark::filters(statement, names) {
            let ours = capture
                .matching(&filter, names)
                .map_err(anyhow::Error::msg)?;
            let theirs = tshark_frames(bytes, &text)?;
            if ours == theirs {
                *agreed += 1;
            } else {
                found.push(Broken {
                    at: fact.origin.clone(),
                    say: None,
                    why: format!(
                        "\"{}\": {} frames here, {} in tshark by '{text}'",
                        fact.say,
                        ours.len(),
                        theirs.len()
                    ),
                });
            }
        }
    }
    Ok(found)
}

/// The numbers of the frames for which a display filter holds.
fn tshark_frames(bytes: &[u8], filter: &str) -> Result<Vec<usize>> {
    let mut child = Command::new("tshark")
        .args([
            "-r",
            "-",
            "-Y",
            filter,
            "-T",
            "fields",
            "-e",
            "frame.number",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("tshark, which --witness asks, does not start")?;
    let mut input = child.stdin.take().context("tshark has no input")?;
    let bytes = bytes.to_vec();
    let feed = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().context("tshark did not end")?;
    // It may close its input early; what it printed decides.
    let _ = feed.join();
    if !output.status.success() {
        bail!("tshark does not take the filter '{filter}'");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .filter_map(|line| line.trim().parse().ok())
        .collect())
}

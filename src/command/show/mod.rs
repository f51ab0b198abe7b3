//! `crywolf show`: one scenario, its story and its first frames, as text, picture or page.

mod ladder;
mod page;
mod recorded;
mod story;
mod svg;
mod timeline;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;
use generator::{Catalogue, Request, Scenario};

use crate::capture::order;
use crate::output::print;
use recorded::{Recorded, record};

/// Show one scenario: story, source, hosts, parameters, and its first frames as a sequence diagram.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf show ftp-session
  crywolf show syn-flood --sensor forged --frames 30
  crywolf show syn-scan --svg > syn-scan.svg
  crywolf show mine.toml --page docs/
  crywolf show syn-scan --draws")]
pub struct ShowArgs {
    /// Id of the catalogue, or a file ending in .toml
    #[arg(value_name = "ID|FILE.toml")]
    pub scenario: String,

    /// The seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// The sensor whose frames are shown [default: the first]
    #[arg(long, value_name = "NAME", conflicts_with = "page")]
    pub sensor: Option<String>,

    /// How many frames are shown
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub frames: usize,

    /// Print the sequence diagram as SVG
    #[arg(long, group = "form")]
    pub svg: bool,

    /// Print all frames as one picture, in SVG: time across, ports or addresses up
    #[arg(long, group = "form")]
    pub timeline: bool,

    /// Write a page in Markdown, with a timeline and a sequence diagram of each sensor, into this folder
    #[arg(long, group = "form", value_name = "DIR")]
    pub page: Option<PathBuf>,

    /// List the paths under which chance is drawn, which a scenario can pin
    #[arg(long, group = "form")]
    pub draws: bool,
}

/// Runs the command.
///
/// # Errors
/// An unknown or mistaken scenario, an unknown sensor, a folder that cannot be written to.
pub fn run(args: &ShowArgs) -> Result<ExitCode> {
    let catalogue = Catalogue::built_in()?;
    let file = order::find(&catalogue, &args.scenario)?;
    let request = Request {
        seed: args.seed,
        ..Request::default()
    };
    let scenario = file.resolve(&request, catalogue.stacks())?;
    if args.draws {
        let paths = generator::sim::draw_paths(&scenario, args.seed);
        print(
            &paths
                .iter()
                .map(|path| format!("{path}\n"))
                .collect::<String>(),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(folder) = &args.page {
        let recorded = record(&scenario, args.seed, |_| true)?;
        page::write(folder, &file, &scenario, &recorded)?;
        return Ok(ExitCode::SUCCESS);
    }
    let recorded = at_sensor(&scenario, args)?;
    let frames = recorded.as_ref().map(|recorded| {
        let names = ladder::names(&scenario);
        ladder::Ladder::read(recorded, &names, args.frames, 0)
    });
    let text = match (frames.transpose()?, &recorded) {
        (Some(ladder), _) if args.svg => svg::ladder(&ladder),
        (_, Some(recorded)) if args.timeline => timeline::svg(recorded)?,
        (ladder, _) => {
            let shown = ladder.map(|ladder| ladder.text(args.seed));
            story::story(&file, &scenario) + &shown.unwrap_or_default()
        }
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn at_sensor(scenario: &Scenario, args: &ShowArgs) -> Result<Option<Recorded>> {
    let names: Vec<&str> = scenario
        .sensors
        .iter()
        .map(|sensor| sensor.name.as_str())
        .collect();
    let sensor = args
        .sensor
        .as_deref()
        .or(names.first().copied())
        .unwrap_or_default();
    if !names.contains(&sensor) {
        return Err(anyhow!(
            "{} has no sensor '{sensor}'; it has: {}",
            scenario.identity.id,
            names.join(", ")
        ));
    }
    Ok(record(scenario, args.seed, |name| name == sensor)?
        .into_iter()
        .next())
}

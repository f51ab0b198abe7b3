//! `crywolf show`: one scenario, its story and its first frames.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;
use generator::{Catalogue, Request, Scenario, ScenarioFile, simulate};
use wire::Layers;
use wire::capture::CaptureReader;
use wire::decode::Transport;

use crate::output::print;
use crate::produce;

/// Columns of the text.
const WIDTH: usize = 100;

/// Show one scenario: story, source, hosts, parameters, and its first frames as a sequence diagram.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf show ftp-session
  crywolf show syn-flood --sensor forged --frames 30
  crywolf show syn-scan --draws")]
pub struct ShowArgs {
    /// Id of the catalogue, or a file ending in .toml
    #[arg(value_name = "ID|FILE.toml")]
    pub scenario: String,

    /// The seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// The sensor whose frames are shown [default: the first]
    #[arg(long, value_name = "NAME")]
    pub sensor: Option<String>,

    /// How many frames are shown
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub frames: usize,

    /// List the paths under which chance is drawn, which a scenario can pin
    #[arg(long)]
    pub draws: bool,
}

/// Runs the command.
///
/// # Errors
/// An unknown or mistaken scenario, an unknown sensor.
pub fn run(args: &ShowArgs) -> Result<ExitCode> {
    let catalogue = Catalogue::built_in()?;
    let file = produce::find(&catalogue, &args.scenario)?;
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
    let mut text = story(&file, &scenario);
    text.push_str(&diagram(&scenario, args)?);
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn story(file: &ScenarioFile, scenario: &Scenario) -> String {
    let identity = file.identity();
    let family = identity.family;
    let mut text = format!(
        "{}: {}\n\n{}\n\n",
        identity.id,
        identity.title,
        wrap(&identity.summary, "")
    );
    let source = if identity.reconstructed {
        " (reconstructed: its packets are not printed there)"
    } else {
        ""
    };
    text.push_str(&format!(
        "Verdict   {}, family {family}\n",
        family.verdict()
    ));
    text.push_str(&format!("Source    {}{source}\n", identity.source));
    if !file.published().is_empty() {
        text.push_str(&format!("Published {}\n", file.published().join(", ")));
    }
    section(
        &mut text,
        "What holds for every seed",
        identity.facts.iter().map(|fact| {
            let at = fact
                .at
                .as_ref()
                .map(|at| format!(" at {at}"))
                .unwrap_or_default();
            let sentence = wrap(&format!("- {}", fact.say), "    ");
            format!("{sentence}\n      {}{at}", fact.check.0)
        }),
    );
    section(
        &mut text,
        "Hosts",
        scenario.hosts.iter().map(|host| {
            let addresses: Vec<String> = host
                .config
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect();
            let site = scenario
                .sites
                .get(host.site.0)
                .map_or("", |site| site.name.as_str());
            format!(
                "{} at {site}: {}, {}",
                host.config.name,
                addresses.join(", "),
                host.config.stack.title
            )
        }),
    );
    section(
        &mut text,
        "Sensors",
        scenario.sensors.iter().map(|sensor| {
            let site = scenario.sites.get(sensor.site.0);
            let nets: Vec<String> = site
                .iter()
                .flat_map(|site| &site.prefixes)
                .map(ToString::to_string)
                .collect();
            format!(
                "{} at the border of {} ({})",
                sensor.name,
                site.map_or("", |s| s.name.as_str()),
                nets.join(", ")
            )
        }),
    );
    section(
        &mut text,
        "Events",
        scenario.activities.iter().filter_map(|activity| {
            let class = activity.class?;
            let echo = activity
                .echo
                .map(|echo| format!("; where only answers pass: {echo}"))
                .unwrap_or_default();
            Some(format!(
                "{}: {class} ({}){echo}",
                activity.name,
                class.verdict()
            ))
        }),
    );
    section(
        &mut text,
        "Parameters that a seed varies",
        file.varied().into_iter().map(|(path, range)| {
            let now = scenario
                .parameters
                .get(&path)
                .map(|value| format!(" (here {value})"))
                .unwrap_or_default();
            wrap(&format!("{path} = {range}{now}"), "    ")
        }),
    );
    if !file.difficulties().is_empty() {
        text.push_str(&format!(
            "\nDifficulty: {}\n",
            file.difficulties().join(", ")
        ));
    }
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        text.push_str(&format!("\n{title}\n"));
        lines
            .iter()
            .for_each(|line| text.push_str(&format!("  {line}\n")));
    }
}

/// Breaks a text into lines; those after the first are indented.
fn wrap(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines
            .last()
            .is_some_and(|line| line.len() + word.len() + 3 > WIDTH);
        if full {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// The first frames at a sensor, its own site on the left.
fn diagram(scenario: &Scenario, args: &ShowArgs) -> Result<String> {
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
    let recordings = simulate(scenario, args.seed, false, |name| {
        (name == sensor).then(Vec::new)
    })?;
    let Some(recording) = recordings.into_iter().next() else {
        return Ok(String::new());
    };
    let (capture, truth) = recording.into_truth();
    let hosts: BTreeMap<IpAddr, &str> = scenario
        .hosts
        .iter()
        .flat_map(|host| {
            host.config
                .addresses
                .iter()
                .map(|address| (*address, host.config.name.as_str()))
        })
        .collect();
    let total = truth.capture.packets;
    let mut text = format!(
        "\nFirst frames at sensor {sensor}, seed {} ({total} in all)\n",
        args.seed
    );
    let mut reader = CaptureReader::new(capture.as_slice())?;
    let mut first = None;
    for _ in 0..args.frames {
        let Some(record) = reader.next()? else { break };
        let start = *first.get_or_insert(record.time);
        let layers = Layers::decode(record.link_type, record.bytes);
        let Some((source, destination)) = layers.addresses() else {
            continue;
        };
        let inside = truth.home.iter().any(|home| home.contains(source));
        let (left, right) = if inside {
            (source, destination)
        } else {
            (destination, source)
        };
        let (mut left_port, mut right_port) = layers.ports().unzip();
        if !inside {
            std::mem::swap(&mut left_port, &mut right_port);
        }
        let seconds = record.time.nanos_since(start) as f64 / 1e9;
        let (left, right) = (end(&hosts, left, left_port), end(&hosts, right, right_port));
        let arrow = arrow(&describe(&layers), inside);
        text.push_str(&format!("{seconds:11.6}  {left:>22} {arrow} {right}\n"));
    }
    Ok(text)
}

fn end(hosts: &BTreeMap<IpAddr, &str>, address: IpAddr, port: Option<u16>) -> String {
    let name = hosts
        .get(&address)
        .map_or_else(|| address.to_string(), |name| (*name).to_owned());
    port.map_or(name.clone(), |port| format!("{name}:{port}"))
}

/// An arrow with its label, 40 columns wide.
fn arrow(label: &str, rightward: bool) -> String {
    let line = "─".repeat(36usize.saturating_sub(label.chars().count()));
    if rightward {
        format!("─ {label} {line}▶")
    } else {
        format!("◀ {label} {line}─")
    }
}

fn describe(layers: &Layers<'_>) -> String {
    match &layers.transport {
        Transport::Tcp(tcp) => {
            let ack = if tcp.flags.contains(wire::Flags::ACK) {
                format!(" ack {}", tcp.acknowledgment)
            } else {
                String::new()
            };
            let length = if layers.payload_length > 0 {
                format!(" ({})", layers.payload_length)
            } else {
                String::new()
            };
            format!("{} {}{length}{ack}", tcp.flags, tcp.sequence)
        }
        Transport::Udp(_) => format!("udp ({})", layers.payload_length),
        Transport::Icmp(icmp) => format!("icmp {}/{}", icmp.icmp_type, icmp.code),
        _ => "other".into(),
    }
}

//! `crywolf detect`: a capture or a live interface in, findings of the paired detector out.

mod eve;
mod explain;
#[cfg(target_os = "linux")]
mod live;
#[cfg(target_os = "linux")]
mod recording;
mod table;

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use detector::{Config, Counters, DEFAULTS, Detector, PRESETS};
use labels::{AddressBlock, Finding};
use wire::capture::{CaptureError, CaptureReader};

use crate::input::{self, display_name};
use crate::output::Verbosity;

/// Findings of the paired detector about a capture, or about what passes an interface.
#[derive(clap::Args, Debug)]
#[cfg_attr(
    target_os = "linux",
    command(group = clap::ArgGroup::new("input").args(["capture", "interface", "print_config"]).required(true))
)]
#[command(after_help = "\
Examples:
  crywolf detect capture.pcap
  crywolf detect capture.pcapng --home 192.0.2.0/24 --format jsonl > findings.jsonl
  tcpdump -w - -c 1000 | crywolf detect - --format eve
  crywolf detect capture.pcap.gz --explain 2
  crywolf detect --print-config > thresholds.toml
  crywolf detect --interface veth0 --netns lab --duration 10m --format jsonl > findings.jsonl

Exit status: 0 with or without findings, 2 when the capture cannot be read to its end, and when the interface vanishes.")]
pub struct DetectArgs {
    /// The capture, pcap or pcapng, compressed with gzip or not; - reads standard input.
    #[arg(value_name = "CAPTURE")]
    #[cfg_attr(
        not(target_os = "linux"),
        arg(required_unless_present = "print_config")
    )]
    pub capture: Option<PathBuf>,

    /// A home network; may be given several times.
    #[arg(long, value_name = "CIDR")]
    pub home: Vec<AddressBlock>,

    /// A set of thresholds: quiet alerts less, paranoid at first signs.
    #[arg(long, value_name = "NAME", default_value = "balanced", value_parser = PRESETS.map(|(name, _)| name))]
    pub preset: String,

    /// Thresholds to use in place of those of the preset.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print the built-in thresholds with their units and reasons, to begin a file for --config.
    #[arg(long)]
    pub print_config: bool,

    /// How to write the findings.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Of the findings only the Nth, with its frames and filters that show them in Wireshark.
    #[arg(long, value_name = "N", conflicts_with = "format")]
    pub explain: Option<usize>,

    /// How to listen.
    #[cfg(target_os = "linux")]
    #[command(flatten)]
    pub live: live::LiveArgs,
}

/// How to write findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One finding a line, schema crywolf.finding/1.
    Jsonl,
    /// Suricata's EVE records, one a line.
    Eve,
}

/// Runs the command; the findings go to standard output.
///
/// # Errors
/// Fails on a capture or configuration that cannot be read and an interface that cannot be listened to: exit status 2. Of
/// a capture that is cut short or damaged, and of an interface that vanishes, the findings of what could be read have
/// been written by then.
pub fn run(args: &DetectArgs, verbosity: &Verbosity) -> anyhow::Result<()> {
    if args.print_config {
        return match io::stdout().write_all(DEFAULTS.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).context("cannot write the thresholds")
            }
            _ => Ok(()),
        };
    }
    let config = read_config(&args.preset, args.config.as_deref())?;
    #[cfg(target_os = "linux")]
    if let Some(interface) = &args.live.interface {
        return live::run(interface, args, config, verbosity);
    }
    let capture = args.capture.as_deref().context("name a capture")?;
    of_capture(capture, args, config, verbosity)
}

fn of_capture(
    capture: &Path,
    args: &DetectArgs,
    config: Config,
    verbosity: &Verbosity,
) -> anyhow::Result<()> {
    let name = display_name(capture);
    let outcome = detect(input::open(capture)?, config, &args.home);
    let outcome = outcome.with_context(|| name.clone())?;
    if let Some(number) = args.explain {
        return explained(number, capture, &outcome.findings);
    }
    match write_findings(args.format, &outcome.findings) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
        written => written.context("cannot write the findings")?,
    }
    if verbosity.verbose {
        write_counters(&outcome.counters);
    } else if !verbosity.quiet {
        write_losses(&outcome.counters);
    }
    match outcome.stopped {
        None => Ok(()),
        Some(error) => Err(anyhow::Error::new(error).context(format!(
            "{name} was read up to frame {}, the findings stand for that part",
            outcome.counters.frames
        ))),
    }
}

/// Writes one finding with its frames, which are read from the capture again.
fn explained(number: usize, capture: &Path, findings: &[Finding]) -> anyhow::Result<()> {
    anyhow::ensure!(
        capture != Path::new("-"),
        "standard input cannot be read twice: name the capture, so that its frames can be shown"
    );
    let finding = number.checked_sub(1).and_then(|at| findings.get(at));
    let finding = finding.with_context(|| match findings.len() {
        0 => "there is nothing to explain: the capture has no findings".to_owned(),
        count => format!("there is no finding {number}: name one of 1 to {count}"),
    })?;
    let mut out = BufWriter::new(io::stdout().lock());
    explain::write(finding, input::open(capture)?, &mut out)?;
    out.flush().context("cannot write the finding")
}

/// What a run over a capture gives.
pub struct Outcome {
    /// All findings.
    pub findings: Vec<Finding>,
    /// What was counted.
    pub counters: Counters,
    /// What ended the reading before the capture's end.
    pub stopped: Option<CaptureError>,
}

/// Runs the detector over a capture.
///
/// # Errors
/// Fails on what is no capture, and on one none of whose frames can be decoded.
pub fn detect(
    capture: impl Read,
    config: Config,
    home: &[AddressBlock],
) -> Result<Outcome, CaptureError> {
    let mut reader = CaptureReader::new(capture)?;
    let home: Vec<_> = home.iter().map(AddressBlock::network).collect();
    let mut detector = Detector::new(config, &home);
    let mut findings = Vec::new();
    let mut frame = 0;
    let mut foreign = None;
    let stopped = loop {
        match reader.next() {
            Ok(Some(record)) => {
                frame += 1;
                if !record.link_type.is_supported() {
                    foreign = Some(record.link_type);
                }
                detector.observe(
                    frame,
                    record.time,
                    record.link_type,
                    record.bytes,
                    record.original_length,
                );
                // Findings come out rarely; a look now and then keeps memory bounded.
                if frame % 65_536 == 0 {
                    findings.extend(detector.take_findings());
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let report = detector.finish();
    findings.extend(report.findings);
    match foreign {
        Some(link_type) if report.counters.foreign() == report.counters.frames => {
            Err(CaptureError::UnsupportedLinkType(link_type))
        }
        _ => Ok(Outcome {
            findings,
            counters: report.counters,
            stopped,
        }),
    }
}

fn read_config(preset: &str, path: Option<&Path>) -> anyhow::Result<Config> {
    let text = match path {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the thresholds in {}", path.display()))?,
    };
    let config = Config::preset(preset, &text).context("the preset is not known")?;
    config
        .with_context(|| path.map_or_else(|| preset.to_owned(), |path| path.display().to_string()))
}

fn write_findings(format: Format, findings: &[Finding]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        Format::Table => table::write(findings, &mut out)?,
        Format::Jsonl => {
            for finding in findings {
                writeln!(out, "{}", finding.to_json())?;
            }
        }
        Format::Eve => {
            for finding in findings {
                writeln!(out, "{}", eve::record(finding))?;
            }
        }
    }
    out.flush()
}

/// Says how many frames were not looked into, and why.
fn write_losses(counters: &Counters) {
    let lost = counters.not_looked_into();
    if lost == 0 {
        return;
    }
    let reasons: Vec<String> = counters
        .not_looked_into_why()
        .into_iter()
        .map(|(reason, count)| format!("{reason} ({count})"))
        .collect();
    let all = counters.frames;
    let mut err = io::stderr().lock();
    // Nothing is lost when nobody reads it.
    let _ = writeln!(
        err,
        "{lost} of {all} frames were not looked into: {}",
        reasons.join(", ")
    );
}

fn write_counters(counters: &Counters) {
    let mut err = io::stderr().lock();
    for (name, value) in counters.named() {
        // Nothing is lost when nobody reads it.
        let _ = writeln!(err, "{value:>12}  {name}");
    }
}

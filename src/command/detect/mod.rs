//! `crywolf detect`: a capture or a live interface in, findings of the paired detector out.

mod args;
mod eve;
mod explain;
#[cfg(target_os = "linux")]
mod live;
#[cfg(target_os = "linux")]
mod recording;
mod table;
mod written;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use detector::{Config, DEFAULTS};
use labels::Finding;

use crate::campaign::own::detect;
use crate::capture::input::{self, display_name};
use crate::capture::kept::CaptureFile;
use crate::output::Verbosity;
use written::{write_counters, write_findings, write_losses};

pub use args::DetectArgs;

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
    if let Some(number) = args.explain {
        let capture = CaptureFile::open(capture)?;
        let outcome = detect(capture.reader(), config, &args.home).with_context(|| name)?;
        return explained(number, &capture, &outcome.findings);
    }
    let outcome = detect(input::open(capture)?, config, &args.home);
    let outcome = outcome.with_context(|| name.clone())?;
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
fn explained(number: usize, capture: &CaptureFile, findings: &[Finding]) -> anyhow::Result<()> {
    let finding = number.checked_sub(1).and_then(|at| findings.get(at));
    let finding = finding.with_context(|| match findings.len() {
        0 => "there is nothing to explain: the capture has no findings".to_owned(),
        count => format!("there is no finding {number}: name one of 1 to {count}"),
    })?;
    let mut out = BufWriter::new(io::stdout().lock());
    explain::write(finding, capture.reader(), &mut out)?;
    out.flush().context("cannot write the finding")
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

//! `crywolf transcribe`: a text listing of tcpdump or snort becomes a capture, and what it does not tell is listed.

mod report;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, ensure};
use clap::{Args, ValueEnum};
use listing::{Date, Settings, Times, Transcript};
use wire::capture::CaptureWriter;

use crate::output::{Verbosity, is_stdout, unless_closed, write_whole};

/// Errors that are printed one by one.
const SHOWN_ERRORS: usize = 20;

/// Make a capture of a text listing that tcpdump or snort printed.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  crywolf transcribe listing.txt -o capture.pcap
  crywolf transcribe mail.txt -o mail.pcap --date 2000-05-14 --name ftp.example.org=192.0.2.21
  tcpdump -nv -r old.pcap | crywolf transcribe - -o new.pcap --json filled.json
  crywolf transcribe paper.txt -o - --keep-going | crywolf detect -

What the listing does not tell gets one plain value a field, and standard error says which and how often.

Exit status: 0 fine, 2 when nothing could be read, or a line that looks like a packet could not.")]
pub struct TranscribeArgs {
    /// The listing; - reads standard input
    #[arg(value_name = "LISTING")]
    pub listing: PathBuf,

    /// The capture to write, classic pcap; - writes standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,

    /// The day of times without a date
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2000-01-01", value_parser = day)]
    pub date: Date,

    /// How times are meant: of the day, or since the line before (tcpdump -ttt)
    #[arg(long, value_name = "HOW", value_enum, default_value_t = TimesArg::Guess)]
    pub times: TimesArg,

    /// The address of a name; may be repeated
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = name)]
    pub name: Vec<(String, IpAddr)>,

    /// Order the frames by time; without it they stay in the order of the listing
    #[arg(long)]
    pub sort: bool,

    /// Take a packet for one that cannot be read where something printed cannot be made, as of SNMP; without it zeros stand there
    #[arg(long)]
    pub exact: bool,

    /// Leave out packets that cannot be read
    #[arg(long)]
    pub keep_going: bool,

    /// Write what was filled in, left out and decided as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// How times are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimesArg {
    /// Deltas if the first is zero and a later one falls
    Guess,
    /// Times of day, or since the first line
    Clock,
    /// Since the line before
    Delta,
}

impl From<TimesArg> for Times {
    fn from(times: TimesArg) -> Times {
        match times {
            TimesArg::Guess => Times::Guess,
            TimesArg::Clock => Times::Clock,
            TimesArg::Delta => Times::Delta,
        }
    }
}

fn day(text: &str) -> Result<Date, String> {
    text.parse()
        .map_err(|_| "it is no day: write year, month and day, such as 2000-05-14".into())
}

fn name(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text
        .split_once('=')
        .ok_or("a name, = and an address are wanted, as in ftp.example.org=192.0.2.21")?;
    let address = address
        .parse()
        .map_err(|_| format!("'{address}' is no IP address"))?;
    Ok((name.to_owned(), address))
}

/// Runs the command.
///
/// # Errors
/// A listing that cannot be read, holds no packet, or holds one that cannot be read.
pub fn run(args: &TranscribeArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    ensure!(
        !(args.json.as_deref().is_some_and(is_stdout) && is_stdout(&args.output)),
        "capture and JSON cannot both go to standard output"
    );
    let text = read(&args.listing)?;
    let settings = Settings {
        date: args.date,
        times: args.times.into(),
        names: args.name.iter().cloned().collect::<BTreeMap<_, _>>(),
        exact: args.exact,
    };
    let mut transcript = listing::transcribe(&text, &settings);
    if args.sort {
        transcript.frames.sort_by_key(|frame| frame.time);
    }
    let name = args.listing.display();
    if !transcript.errors.is_empty() && !args.keep_going {
        return Err(wrong_lines(&transcript).context(name.to_string()));
    }
    ensure!(
        !transcript.frames.is_empty(),
        "{name}: no line is a packet as tcpdump or snort prints it ({} lines are something else)",
        transcript.other.len()
    );
    write_capture(&args.output, &transcript)?;
    if let Some(path) = &args.json {
        write_json(path, &report::json(&transcript))?;
    }
    if !verbosity.quiet {
        let mut out = io::stderr().lock();
        // Nothing is lost when nobody reads it.
        let _ = report::write(&transcript, verbosity.verbose, &mut out)
            .and_then(|()| report::write_unused(&transcript, &args.name, &mut out));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        ensure!(
            !io::stdin().is_terminal(),
            "standard input is a terminal: name a listing, or pipe one in"
        );
        io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
    } else {
        bytes = std::fs::read(path)
            .with_context(|| format!("cannot read {}: is the path right?", path.display()))?;
    }
    // Editors of today begin a file with a mark; listings of old mail are in any character set. What is told is ASCII.
    let told = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    Ok(String::from_utf8_lossy(told).into_owned())
}

fn wrong_lines(transcript: &Transcript) -> anyhow::Error {
    let errors = &transcript.errors;
    let mut text: String = errors
        .iter()
        .take(SHOWN_ERRORS)
        .map(|error| format!("\n  {error}"))
        .collect();
    if errors.len() > SHOWN_ERRORS {
        text.push_str(&format!("\n  and {} more", errors.len() - SHOWN_ERRORS));
    }
    anyhow!(
        "{} of {} packets cannot be read; correct them, or leave them out with --keep-going:{text}",
        errors.len(),
        errors.len() + transcript.frames.len()
    )
}

fn write_capture(path: &Path, transcript: &Transcript) -> Result<()> {
    if is_stdout(path) {
        return unless_closed(capture(&mut io::stdout().lock(), transcript));
    }
    write_whole(path, |out| capture(out, transcript))
}

fn capture(out: &mut dyn Write, transcript: &Transcript) -> io::Result<()> {
    let frames = &transcript.frames;
    let fine = frames
        .iter()
        .any(|frame| !frame.time.as_nanos().is_multiple_of(1000));
    let mut writer = if fine {
        CaptureWriter::with_nanos(out)
    } else {
        CaptureWriter::new(out)
    };
    for frame in frames {
        writer.record_cut(frame.time, frame.original_length, |buffer| {
            buffer.extend_from_slice(&frame.bytes);
        })?;
    }
    writer.finish().map(|_| ())
}

fn write_json(path: &Path, json: &str) -> Result<()> {
    if is_stdout(path) {
        return crate::output::print(json);
    }
    write_whole(path, |out| out.write_all(json.as_bytes()))
}

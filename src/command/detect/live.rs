//! `crywolf detect --interface`: the detector on a live interface.
//!
//! Findings come out as their cases close, and at the end all that are left: the same, in the same order, as for a
//! capture of the same frames, since the detector knows no other time than theirs.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use detector::{Config, Counters, Detector};
use labels::{AddressBlock, Finding};
use replay::listener::{Block, Heard, Listener};
use replay::namespace;

use super::args::{DetectArgs, Format, LiveArgs};
use super::recording::{self, Recording};
use super::table;
use super::written::{write_counters, write_findings};
use crate::output::Verbosity;
use crate::process::{drop_privileges, stop_flag};

/// How long a silent line is waited for before a look at the time that was given. A signal ends the wait.
const LOOK: Duration = Duration::from_millis(50);

/// Listens until it is told to end; the findings go to standard output.
///
/// # Errors
/// Fails on an interface that cannot be listened to or vanishes, and on output that cannot be written; all findings so
/// far have been written by then.
pub(super) fn run(
    interface: &str,
    args: &DetectArgs,
    config: Config,
    verbosity: &Verbosity,
) -> Result<()> {
    ensure!(
        !args.live.early || args.format != Format::Table,
        "--early writes findings line by line: choose --format jsonl or --format eve"
    );
    let stop = stop_flag()?;
    let place = args
        .live
        .write
        .as_deref()
        .map(recording::place)
        .transpose()?;
    if let Some(name) = &args.live.netns {
        namespace::enter(name)?;
    }
    let mut listener = Listener::open(interface)?;
    drop_privileges(args.live.write.as_deref())?;
    tell(verbosity, format_args!("listening on {interface}"));

    let recording = place.map(|place| Recording::begin(place, listener.link_type()));
    let mut watch = Watch::new(args, config, recording, verbosity);
    let watched = watch.until_end(&mut listener, &args.live, &stop);
    // What ended the run is the error to tell: others may follow from it.
    let dropped = listener.statistics().unwrap_or_default().dropped;
    let (counters, finished) = watch.finish();
    tell_counts(verbosity, &counters, dropped);
    watched.and(finished)
}

/// A message that nobody need read.
fn tell(verbosity: &Verbosity, message: std::fmt::Arguments<'_>) {
    if !verbosity.quiet {
        let _ = writeln!(io::stderr().lock(), "{message}");
    }
}

fn tell_counts(verbosity: &Verbosity, counters: &Counters, dropped: u64) {
    let seen = counters.frames;
    tell(
        verbosity,
        format_args!("{seen} frames seen, {dropped} dropped by the kernel"),
    );
    if dropped > 0 {
        // Even where only errors are wanted: the findings are not those of the line.
        let _ = writeln!(
            io::stderr().lock(),
            "crywolf: {dropped} frames came faster than they were looked at; findings may lack them"
        );
    }
    if verbosity.verbose {
        write_counters(counters);
    }
}

/// The detector at work.
struct Watch {
    detector: Detector,
    recording: Option<Recording>,
    frames: u64,
    most: u64,
    output: Output,
}

impl Watch {
    fn new(
        args: &DetectArgs,
        config: Config,
        recording: Option<Recording>,
        verbosity: &Verbosity,
    ) -> Watch {
        let home: Vec<_> = args.home.iter().map(AddressBlock::network).collect();
        let mut detector = Detector::new(config, &home);
        if args.live.early || !verbosity.quiet {
            detector.announce_openings();
        }
        Watch {
            detector,
            recording,
            frames: 0,
            most: args.live.count.unwrap_or(u64::MAX),
            output: Output {
                format: args.format,
                early: args.live.early,
                quiet: verbosity.quiet,
                kept: Vec::new(),
                closed: false,
            },
        }
    }

    /// Looks at frames until the flag is raised, the time is over, there were enough, or nobody reads the findings.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long to listen is told by the clock of the machine"
    )]
    fn until_end(
        &mut self,
        listener: &mut Listener,
        bounds: &LiveArgs,
        stop: &AtomicBool,
    ) -> Result<()> {
        let began = Instant::now();
        loop {
            let left = bounds
                .duration
                .map(|most| most.saturating_sub(began.elapsed()));
            let over = left.is_some_and(|left| left.is_zero()) || self.frames >= self.most;
            if over || stop.load(Ordering::Relaxed) || self.output.closed {
                listener.stop()?;
            }
            match listener.next_block(left.unwrap_or(LOOK).min(LOOK))? {
                Heard::Frames(block) => self.look_through(block)?,
                Heard::Silence => {}
                Heard::End => return Ok(()),
            }
            let openings = self.detector.take_openings();
            self.output.say(&openings, self.detector.take_findings())?;
        }
    }

    fn look_through(&mut self, mut block: Block<'_>) -> Result<()> {
        while self.frames < self.most
            && let Some(record) = block.next()
        {
            self.frames += 1;
            self.detector.observe(
                self.frames,
                record.time,
                record.link_type,
                record.bytes,
                record.original_length,
            );
            if let Some(recording) = &mut self.recording
                && let Err(error) = recording.add(&record)
            {
                // Without it, nothing under its name.
                self.recording = None;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Closes all cases, writes what is left to say, and gives the capture its name.
    fn finish(self) -> (Counters, Result<()>) {
        let mut output = self.output;
        let report = self.detector.finish();
        let said = output.say(&report.openings, report.findings);
        let ended = said.and_then(|()| output.end());
        let recorded = self.recording.map_or(Ok(()), Recording::finish);
        (report.counters, ended.and(recorded))
    }
}

/// What is said, and where.
struct Output {
    format: Format,
    early: bool,
    quiet: bool,
    /// For a table, which is written at the end.
    kept: Vec<Finding>,
    /// The reader of standard output has left.
    closed: bool,
}

impl Output {
    fn say(&mut self, openings: &[Finding], findings: Vec<Finding>) -> Result<()> {
        if !self.quiet {
            for opening in openings {
                let _ = writeln!(io::stderr().lock(), "{}", table::headline(opening));
            }
        }
        if self.early {
            self.write(openings)?;
        }
        if self.format == Format::Table {
            self.kept.extend(findings);
            return Ok(());
        }
        self.write(&findings)
    }

    fn end(&mut self) -> Result<()> {
        if self.format == Format::Table {
            let kept = std::mem::take(&mut self.kept);
            return self.write_anyway(&kept);
        }
        Ok(())
    }

    fn write(&mut self, findings: &[Finding]) -> Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        self.write_anyway(findings)
    }

    /// A table says, too, that there is nothing.
    fn write_anyway(&mut self, findings: &[Finding]) -> Result<()> {
        match write_findings(self.format, findings) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            written => written.context("cannot write the findings"),
        }
    }
}

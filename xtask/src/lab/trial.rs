//! One capture over one line, with one run of the detector.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::args::LabArgs;
use super::suite::Candidate;
use crate::enclosure::lifeline::Lifeline;
use crate::enclosure::line::Line;
use crate::enclosure::listener::{LINGER, Listener, Order, fill_in};
use crate::process;

/// Frames that are later than that, in microseconds, are told: times are no longer the capture's.
const LATE: f64 = 500_000.0;

/// What all trials share.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The crywolf to use.
    pub crywolf: &'a Path,
    /// What is wanted.
    pub args: &'a LabArgs,
    /// Ends everything.
    pub lifeline: &'a Lifeline,
    /// Where the lab works.
    pub folder: &'a Path,
    /// Where results go.
    pub results: &'a Path,
}

/// One capture, to be tried.
pub struct Trial<'a> {
    setting: &'a Setting<'a>,
    candidate: &'a Candidate,
    nth: usize,
}

/// What came of it.
pub struct Outcome {
    name: String,
    sent: u64,
    seconds: f64,
    late: f64,
    pace: String,
    said: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome {
            name,
            sent,
            seconds,
            late,
            pace,
            said,
        } = self;
        write!(f, "{name}: {sent} frames in {seconds:.1} s, all arrived")?;
        if !pace.is_empty() {
            write!(f, " ({pace})")?;
        }
        if *late > LATE {
            write!(f, "; late by up to {:.1} s: fewer --jobs", late / 1e6)?;
        }
        if !said.is_empty() {
            write!(f, "\n{said}")?;
        }
        Ok(())
    }
}

impl<'a> Trial<'a> {
    /// The trial of a capture; no other has its number.
    pub fn new(setting: &'a Setting<'a>, candidate: &'a Candidate, nth: usize) -> Trial<'a> {
        Trial {
            setting,
            candidate,
            nth,
        }
    }

    /// Makes the line, starts the detector, sends, and ends the detector.
    pub fn run(&self) -> Result<Outcome> {
        let folder = self.setting.folder.join(format!("line-{}", self.nth));
        fs::create_dir(&folder).context("cannot make a folder for the line")?;
        let line = Line::make(self.setting.args.wire, &folder)?;
        let (network, interface) = line.far();
        let findings = self.result("findings.jsonl");
        let messages = self.result("stderr");
        let writes = self.writes_to_stdout();
        let spare = folder.join("stdout");
        let args = self.setting.args;
        let order = Order {
            command: &self.command(interface, &findings),
            network,
            interface,
            stdout: Some(if writes { &findings } else { &spare }),
            stderr: Some(&messages),
            ready: args.ready.as_deref(),
            patience: Duration::from_secs(args.patience),
            linger: self.linger(),
            may_leave: false,
        };
        let before = network.interface(interface)?.received;
        let listener = Listener::start(&order, self.setting.lifeline)?;
        let statistics = self.send(&line)?;
        let arrived = network.interface(interface)?.received - before;
        let sent = statistics["accepted"]["frames"].as_u64();
        let sent = sent.context("crywolf replay counted nothing")?;
        ensure!(
            arrived == sent,
            "of {sent} frames sent {arrived} arrived at {interface}: a lower --speed, or fewer --jobs"
        );
        listener.end(self.setting.lifeline)?;
        ensure!(
            findings.is_file(),
            "the detector wrote no findings to {{out}}: one that finds nothing leaves an empty file"
        );
        if self.candidate.made {
            fs::remove_file(&self.candidate.capture)?;
        }
        Ok(self.outcome(sent, &statistics, &messages))
    }

    fn result(&self, ending: &str) -> PathBuf {
        let name = format!("{}.{ending}", self.candidate.name);
        self.setting.results.join(name)
    }

    fn writes_to_stdout(&self) -> bool {
        let command = self.setting.args.detector.as_ref();
        command.is_none_or(|command| !command.contains("{out}"))
    }

    /// The command of the detector, for a shell.
    fn command(&self, interface: &str, findings: &PathBuf) -> String {
        let home = &self.candidate.home;
        if let Some(command) = &self.setting.args.detector {
            return fill_in(command, interface, Some(findings), home);
        }
        let crywolf = self.setting.crywolf.display().to_string();
        let quoted = format!("'{}'", crywolf.replace('\'', "'\\''"));
        let networks = home.split(',').filter(|network| !network.is_empty());
        let home: String = networks
            .map(|network| format!(" --home {network}"))
            .collect();
        format!("exec {quoted} detect --quiet --format jsonl --interface {interface}{home}")
    }

    fn linger(&self) -> Duration {
        let args = self.setting.args;
        match (args.linger, &args.detector) {
            (Some(millis), _) => Duration::from_millis(millis),
            (None, Some(_)) => LINGER,
            // Ours takes what the kernel has before it ends.
            (None, None) => Duration::ZERO,
        }
    }

    /// Sends all of it; the statistics.
    fn send(&self, line: &Line) -> Result<Value> {
        let (network, target) = line.near();
        let crywolf = self.setting.crywolf.to_string_lossy();
        let statistics = self.result("replay.json");
        let mut replay: Command = network.command(&crywolf);
        replay
            .arg("replay")
            .arg(&self.candidate.capture)
            .args(target);
        replay.args(&self.candidate.pace.options).arg("--quiet");
        // A lab of one's own hears whatever the capture holds.
        replay.arg("--allow-control-frames");
        replay.arg("--json").arg(&statistics);
        replay.arg("--truth-out").arg(self.result("truth.json"));
        process::output(replay.stdin(Stdio::null()))?;
        let text = fs::read_to_string(&statistics).context("crywolf replay wrote no statistics")?;
        let read: Value = serde_json::from_str(&text).context("in crywolf replay's statistics")?;
        if read["end"] != "complete" {
            bail!("the replay ended early: {}", read["end"]);
        }
        Ok(read)
    }

    fn outcome(&self, sent: u64, statistics: &Value, messages: &Path) -> Outcome {
        let own = self.setting.args.detector.is_none();
        // Ours was told to be quiet: what it says all the same is worth reading.
        let said = own.then(|| fs::read_to_string(messages).unwrap_or_default());
        Outcome {
            name: self.candidate.name.clone(),
            sent,
            seconds: statistics["seconds"].as_f64().unwrap_or_default(),
            late: statistics["lateness_us"]["p99"]
                .as_f64()
                .unwrap_or_default(),
            pace: self.candidate.pace.options.join(" "),
            said: said.unwrap_or_default().trim_end().to_owned(),
        }
    }
}

//! Where a contest takes place, and the commands that meet there.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;
use wire::capture::CaptureReader;

use crate::packages;
use crate::process;
use crate::workspace;

/// A folder that goes when the contest is over.
pub struct Place {
    crywolf: PathBuf,
    folder: TempDir,
}

impl Place {
    /// A new folder for the binary's contests.
    pub fn new(crywolf: PathBuf) -> Result<Place> {
        let folder = tempfile::tempdir().context("a temporary folder")?;
        Ok(Place { crywolf, folder })
    }

    /// Makes the capture of a scenario of `xtask/benches`, with so many jobs: a second one lets a thread of its own write.
    pub fn generate(&self, scenario: &str, jobs: u8) -> Command {
        let mut command = Command::new(&self.crywolf);
        command
            .arg("generate")
            .arg(input(&format!("{scenario}.toml")));
        command
            .args(["--quiet", "--jobs", &jobs.to_string(), "--out"])
            .arg(self.folder.path());
        command
    }

    /// The capture of a scenario, made once.
    pub fn capture(&self, scenario: &str) -> Result<PathBuf> {
        process::run(&mut self.generate(scenario, 1))?;
        let is_capture = |path: &PathBuf| path.extension().is_some_and(|end| end == "pcap");
        let entries = std::fs::read_dir(self.folder.path())?.collect::<Result<Vec<_>, _>>()?;
        let mut paths = entries.into_iter().map(|entry| entry.path());
        paths
            .find(is_capture)
            .with_context(|| format!("{scenario} made no capture"))
    }

    /// Runs our detector, all rules on.
    pub fn detect(&self, capture: &Path) -> Command {
        let mut command = Command::new(&self.crywolf);
        let options = ["--quiet", "--home", "192.0.2.0/24", "--format", "jsonl"];
        command.arg("detect").arg(capture).args(options);
        command
    }

    /// Lets tcpdump read a capture and write it to nowhere.
    pub fn tcpdump(&self, capture: &Path) -> Command {
        let mut command = Command::new("tcpdump");
        // As root it would else give its output, /dev/null itself, to the user that it becomes.
        command.args(
            packages::is_root()
                .then_some(["-Z", "root"])
                .into_iter()
                .flatten(),
        );
        command.arg("-r").arg(capture).args(["-w", "/dev/null"]);
        command
    }

    /// Lets trafgen write a flood to a file; it does so on one core.
    pub fn trafgen(&self, frames: u64) -> Result<Command> {
        let mut command = Command::new(process::find("trafgen").context("trafgen")?);
        command.arg("--in").arg(input("flood.trafgen"));
        command
            .arg("--out")
            .arg(self.folder.path().join("trafgen.pcap"));
        command.args(["--cpus", "1", "--num", &frames.to_string()]);
        Ok(command)
    }
}

fn input(name: &str) -> PathBuf {
    workspace::root().join("xtask/benches").join(name)
}

/// The frames of a capture.
pub fn frames(capture: &Path) -> Result<u64> {
    let mut reader = CaptureReader::new(File::open(capture)?)?;
    while reader.next()?.is_some() {}
    Ok(reader.records())
}

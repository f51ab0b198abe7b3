//! The captures of a lab, each with its truth beside it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use labels::Truth;

use super::pacing::Pace;
use crate::process;
use crate::replay::captures_in;

/// What is replayed.
#[derive(Args)]
#[command(next_help_heading = "Captures")]
pub struct SuiteArgs {
    /// Scenarios of the catalogue or of files, and captures with their truth beside them [default: the catalogue]
    #[arg(value_name = "ID|FILE.toml|CAPTURE")]
    what: Vec<String>,
    /// The seeds, both ends included
    #[arg(long, value_name = "A..B", default_value = "1")]
    seeds: String,
    /// Only at this sensor; may be repeated
    #[arg(long, value_name = "NAME")]
    sensor: Vec<String>,
    /// A step of the scenarios' ladders
    #[arg(long, value_name = "STEP")]
    difficulty: Option<String>,
    /// Lay ordinary traffic under the scenarios: the id or the file of one
    #[arg(long, value_name = "PROFILE")]
    background: Option<String>,
}

/// A capture to be replayed.
pub struct Candidate {
    /// Its name without an ending; no other has it.
    pub name: String,
    /// Where it is.
    pub capture: PathBuf,
    /// Whether it was made for this run and may go when it has been replayed.
    pub made: bool,
    /// The home networks of its truth, with commas.
    pub home: String,
    /// How fast it goes.
    pub pace: Pace,
}

impl SuiteArgs {
    /// Makes the captures that have to be made, in a folder, and gathers all.
    pub fn gather(&self, crywolf: &Path, folder: &Path) -> Result<Vec<Candidate>> {
        let is_capture = |what: &&String| {
            let ending = Path::new(what.as_str()).extension();
            ending.is_some_and(|ending| ending == "pcap" || ending == "pcapng")
        };
        let (given, scenarios): (Vec<_>, Vec<_>) = self.what.iter().partition(is_capture);
        let mut found = Vec::new();
        for capture in &given {
            found.push(candidate(PathBuf::from(capture.as_str()), false)?);
        }
        if given.is_empty() || !scenarios.is_empty() {
            let captures = folder.join("captures");
            fs::create_dir_all(&captures)?;
            self.generate(crywolf, &scenarios, &captures)?;
            for capture in captures_in(&captures)? {
                found.push(candidate(capture, true)?);
            }
        }
        let mut names = BTreeSet::new();
        let twice = found.iter().find(|found| !names.insert(&found.name));
        ensure!(
            twice.is_none(),
            "two captures have one name, {}: rename one",
            twice.map_or("", |twice| &twice.name)
        );
        Ok(found)
    }

    fn generate(&self, crywolf: &Path, scenarios: &[&String], out: &Path) -> Result<()> {
        let mut generate = Command::new(crywolf);
        generate.args(["generate", "--quiet", "--seeds", &self.seeds]);
        if scenarios.is_empty() {
            generate.arg("--all");
        }
        for sensor in &self.sensor {
            generate.args(["--sensor", sensor]);
        }
        for (option, value) in [
            ("--difficulty", &self.difficulty),
            ("--background", &self.background),
        ] {
            if let Some(value) = value {
                generate.args([option, value]);
            }
        }
        generate.arg("--out").arg(out).args(scenarios);
        process::run(&mut generate)
    }
}

fn candidate(capture: PathBuf, made: bool) -> Result<Candidate> {
    let stem = capture.file_stem().unwrap_or(OsStr::new("capture"));
    let path = capture.with_extension("truth.json");
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "cannot read the truth {}: what cannot be graded need not be replayed",
            path.display()
        )
    })?;
    let truth = Truth::from_json(&text).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    let home: Vec<String> = truth.home.iter().map(ToString::to_string).collect();
    Ok(Candidate {
        name: stem.to_string_lossy().into_owned(),
        capture,
        made,
        home: home.join(","),
        pace: Pace::default(),
    })
}

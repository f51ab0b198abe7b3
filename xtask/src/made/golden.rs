//! `cargo xtask golden`: what each built-in scenario makes of seed 1, kept in golden/.
//!
//! For each sensor: the truth, which holds the capture's digest; the first frames as text; what the detector finds. Of long
//! lists of runs and of findings the beginning is kept, and the digest of all. The captures are made by one job and again by two, and must be the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;
use sha2::{Digest, Sha256};
use wire::capture::CaptureReader;
use wire::{Frame, Framing, Layers, Link, Packet};

use crate::made;
use crate::made::diff;
use crate::made::{Files, entries, read, renew};
use crate::process;
use crate::workspace;

/// Frames kept as text.
const FRAMES: usize = 32;
/// Runs of frames kept of a truth.
const RUNS: usize = 100;
/// Bytes of findings kept.
const FINDINGS: usize = 4 * 1024;
/// The ending of a capture's name.
const CAPTURE: &str = ".seed1.pcap";

/// Arguments of the task.
#[derive(Args)]
pub struct GoldenArgs {
    /// Scenarios; all when none is named
    ids: Vec<String>,
    /// Show the difference and renew the files
    #[arg(long)]
    bless: bool,
}

impl GoldenArgs {
    /// To check all scenarios.
    pub fn check_all() -> Self {
        GoldenArgs {
            ids: Vec::new(),
            bless: false,
        }
    }
}

/// Runs the task.
pub fn run(args: &GoldenArgs) -> Result<()> {
    made::may_bless(args.bless, "the golden files")?;
    if args.bless && args.ids.is_empty() {
        bail!("name the scenarios to bless, or all of them with: --bless all");
    }
    let crywolf = workspace::build_crywolf()?;
    let known = catalogue(&crywolf)?;
    let all = args.ids.is_empty() || args.ids == ["all"];
    let ids = if all { known.clone() } else { args.ids.clone() };
    let made = make(&crywolf, &ids)?;
    let mut differing = Vec::new();
    for id in &ids {
        let is = made
            .get(id)
            .with_context(|| format!("no capture was made of {id}"))?;
        let folder = workspace::root().join("golden").join(id);
        let changes = changes(id, &read(&folder)?, is);
        if !changes.is_empty() {
            print!("{changes}");
            differing.push(id.as_str());
            if args.bless {
                renew(&folder, is)?;
            }
        }
    }
    conclude(
        args.bless,
        &ids,
        &differing,
        if all { strangers(&known)? } else { Vec::new() },
    )
}

fn conclude(bless: bool, ids: &[String], differing: &[&str], strangers: Vec<String>) -> Result<()> {
    ensure!(
        strangers.is_empty(),
        "golden/ holds {}, which the catalogue does not: remove it",
        strangers.join(", ")
    );
    if bless {
        println!("golden: {} of {} renewed", differing.len(), ids.len());
    } else if differing.is_empty() {
        println!(
            "golden: {} scenarios make what they made before, with one job and with two",
            ids.len()
        );
    } else {
        bail!(
            "golden files differ; if that is wanted: cargo xtask golden --bless {}",
            differing.join(" ")
        );
    }
    Ok(())
}

fn catalogue(crywolf: &Path) -> Result<Vec<String>> {
    let text = process::output(Command::new(crywolf).args(["list", "--json"]))?;
    let list: Value = serde_json::from_str(&text).context("in the catalogue")?;
    let entries = list.as_array().context("the catalogue is no list")?;
    let id = |entry: &Value| entry["id"].as_str().map(str::to_owned);
    entries
        .iter()
        .map(|entry| id(entry).context("a scenario without id"))
        .collect()
}

/// Makes the captures, and of each scenario the files to keep.
fn make(crywolf: &Path, ids: &[String]) -> Result<BTreeMap<String, Files>> {
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for (folder, jobs) in [(&one, "1"), (&two, "2")] {
        let mut command = Command::new(crywolf);
        command
            .arg("generate")
            .args(ids)
            .args(["--quiet", "--seed", "1", "--jobs", jobs, "--out"]);
        process::output(command.arg(folder.path()))?;
    }
    same_bytes(one.path(), two.path())?;
    let mut made: BTreeMap<String, Files> = BTreeMap::new();
    for path in entries(one.path())? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some((id, sensor)) = name
            .strip_suffix(CAPTURE)
            .and_then(|stem| stem.split_once('.'))
        else {
            continue;
        };
        let files = made.entry(id.to_owned()).or_default();
        let truth = fs::read_to_string(path.with_extension("truth.json"))?;
        files.insert(
            format!("{sensor}.frames.txt"),
            frames(&path).with_context(|| name.clone())?,
        );
        files.insert(
            format!("{sensor}.findings.jsonl"),
            first_findings(&findings(crywolf, &path, &truth)?),
        );
        files.insert(format!("{sensor}.truth.json"), first_runs(&truth));
    }
    Ok(made)
}

/// A truth with the first of its runs of frames, which stand last in it.
fn first_runs(truth: &str) -> String {
    const FRAMES_KEY: &str = "  \"frames\": [\n";
    let runs = truth.find(FRAMES_KEY).map(|at| at + FRAMES_KEY.len());
    let Some((before, runs)) = runs.and_then(|at| truth.split_at_checked(at)) else {
        return truth.to_owned();
    };
    let lines: Vec<&str> = runs.lines().filter(|line| line.contains(", ")).collect();
    if lines.len() <= RUNS {
        return truth.to_owned();
    }
    let kept: String = lines
        .iter()
        .take(RUNS)
        .flat_map(|line| [line, "\n"])
        .collect();
    let more = lines.len() - RUNS;
    format!(
        "{before}{kept}    \"and {more} more; sha256 of all: {}\"\n  ]\n}}\n",
        digest(runs)
    )
}

/// The first of some findings.
fn first_findings(findings: &str) -> String {
    if findings.len() <= FINDINGS {
        return findings.to_owned();
    }
    let mut kept = String::new();
    let mut lines = findings.lines();
    for line in lines.by_ref() {
        if kept.len() + line.len() > FINDINGS && !kept.is_empty() {
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    let more = findings.lines().count() - kept.lines().count();
    format!(
        "{kept}{{\"more\":{more},\"sha256\":\"{}\"}}\n",
        digest(findings)
    )
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn same_bytes(one: &Path, two: &Path) -> Result<()> {
    for path in entries(one)? {
        let name = path.file_name().unwrap_or_default();
        ensure!(
            fs::read(&path)? == fs::read(two.join(name))?,
            "{} differs between one job and two",
            name.display()
        );
    }
    Ok(())
}

/// The first frames, one line each: seconds since the first, then the frame without its hardware addresses.
fn frames(capture: &Path) -> Result<String> {
    let mut reader = CaptureReader::new(fs::File::open(capture)?)?;
    let (mut text, mut first) = (String::new(), None);
    for _ in 0..FRAMES {
        let Some(record) = reader.next()? else { break };
        let nanos = record.time.nanos_since(*first.get_or_insert(record.time));
        let layers = Layers::decode_cut(record.link_type, record.bytes, record.original_length);
        let shown = match Packet::from_layers(&layers) {
            Some(packet) => format!("{:#}", framed(packet, &layers)),
            None => format!(
                "{} bytes, no IP packet that can be told",
                record.original_length
            ),
        };
        let (seconds, micros) = (nanos / 1_000_000_000, nanos % 1_000_000_000 / 1_000);
        text.push_str(&format!("{seconds:6}.{micros:06}  {shown}\n"));
    }
    Ok(text)
}

fn framed(packet: Packet, layers: &Layers<'_>) -> Frame {
    let snap = layers.link.framing == Framing::LlcSnap;
    let link = Link {
        vlan: layers.link.vlan,
        framing: if snap {
            Framing::LlcSnap
        } else {
            Framing::EthernetII
        },
        ..Link::default()
    };
    Frame { link, packet }
}

/// What the detector finds when it is told the home networks.
fn findings(crywolf: &Path, capture: &Path, truth: &str) -> Result<String> {
    let truth: Value = serde_json::from_str(truth)?;
    let mut command = Command::new(crywolf);
    command
        .arg("detect")
        .arg(capture)
        .args(["--quiet", "--format", "jsonl"]);
    for home in truth["home"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        command.args(["--home", home]);
    }
    process::output(&mut command)
}

/// The differences as text; empty where there are none.
fn changes(id: &str, was: &Files, is: &Files) -> String {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let mut text = String::new();
    for name in names {
        match (was.get(name), is.get(name)) {
            (Some(was), Some(is)) if was == is => {}
            (Some(was), Some(is)) => {
                text.push_str(&format!("golden/{id}/{name}\n{}", diff::lines(was, is)));
            }
            (Some(_), None) => text.push_str(&format!("golden/{id}/{name} is no longer made\n")),
            (None, _) => text.push_str(&format!("golden/{id}/{name} is new\n")),
        }
    }
    text
}

/// Folders of scenarios that are not in the catalogue. A folder of something else holds no truth.
fn strangers(known: &[String]) -> Result<Vec<String>> {
    let mut strangers = Vec::new();
    for path in entries(&workspace::root().join("golden"))?
        .into_iter()
        .filter(|path| path.is_dir())
    {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let has_truth = entries(&path)?
            .iter()
            .any(|path| path.to_string_lossy().ends_with(".truth.json"));
        if has_truth && !known.contains(&name) && name != "published" {
            strangers.push(name);
        }
    }
    Ok(strangers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_lists_the_beginning_and_a_digest_are_kept() {
        let runs: String = (0..200).map(|n| format!("    [{n}, 1],\n")).collect();
        let truth = format!("{{\n  \"frames\": [\n{runs}    [9, 9]\n  ]\n}}\n");
        let kept: Value = serde_json::from_str(&first_runs(&truth)).unwrap();
        assert_eq!(kept["frames"].as_array().unwrap().len(), RUNS + 1);
        assert!(
            kept["frames"][RUNS]
                .as_str()
                .unwrap()
                .starts_with("and 101 more")
        );
        let findings = format!("{}\n", "x".repeat(3000)).repeat(5);
        assert_eq!(first_findings(&findings).lines().count(), 2);
        assert!(first_findings(&findings).contains("\"more\":4"));
    }

    #[test]
    fn a_changed_a_missing_and_a_new_file_are_told() {
        let files = |list: &[(&str, &str)]| -> Files {
            list.iter()
                .map(|(name, text)| (name.to_string(), text.to_string()))
                .collect()
        };
        let was = files(&[("a", "1\n"), ("b", "1\n"), ("same", "1\n")]);
        let is = files(&[("a", "2\n"), ("c", "1\n"), ("same", "1\n")]);
        let told = changes("x", &was, &is);
        assert!(told.contains("golden/x/a\n") && told.contains("-1") && told.contains("+2"));
        assert!(
            told.contains("golden/x/b is no longer made") && told.contains("golden/x/c is new")
        );
        assert!(!told.contains("same"));
        assert!(changes("x", &is, &is).is_empty());
    }
}

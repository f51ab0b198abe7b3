//! `cargo xtask replay`: a scenario or a capture onto a tap, in a network namespace that is made for it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::enclosure::keeper::Keeper;
use crate::enclosure::lifeline::{INTERRUPTED, Lifeline};
use crate::enclosure::line::{Network, TAP, Tap, listened_to};
use crate::enclosure::listener::{LINGER, Listener, Order, fill_in};
use crate::enclosure::{Enclosure, InsideArgs, private_folder};
use crate::handed_on;
use crate::process;

/// What a replay gets to tell its statistics when the user has had enough.
const GRACE: Duration = Duration::from_secs(2);
/// How long a listener may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A scenario or a capture onto a tap, in a network namespace that is made for it and taken down
#[derive(Args)]
#[command(
    override_usage = "cargo xtask replay <ID|FILE.toml|CAPTURE> [OPTIONS] [OPTIONS OF crywolf replay]",
    after_help = "\
Examples:
  cargo xtask replay syn-scan --sensor victim --listen 'tcpdump -n -i {interface}'
  cargo xtask replay syn-scan --sensor victim --netns lab --wait --speed 10
  cargo xtask replay office.pcap --netns lab --gap-cap 1s --truth-out live.truth.json

All other options are those of `crywolf replay`: see `crywolf replay --help`. Without --netns no root is
needed, where /dev/net/tun is everybody's."
)]
pub struct ReplayArgs {
    /// A scenario of the catalogue or of a file, of which a capture is made; or a capture
    #[arg(value_name = "ID|FILE.toml|CAPTURE")]
    what: String,
    /// The seed of the scenario
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The sensor of the scenario; needed where it has several
    #[arg(long, value_name = "NAME")]
    sensor: Option<String>,
    /// The tap [default: tap]
    #[arg(long, value_name = "NAME", conflicts_with = "interface")]
    tap: Option<String>,
    /// Send through this interface of an existing namespace instead
    #[arg(long, value_name = "IF", requires = "netns")]
    interface: Option<String>,
    /// In this network namespace; one that is not there is made, and deleted at the end
    #[arg(long, value_name = "NAME")]
    netns: Option<String>,
    /// Send nothing before a program listens, or Enter is pressed; and stay until nobody listens any more
    #[arg(long, conflicts_with = "listen")]
    wait: bool,
    /// Run this in the namespace, send when it listens, and end it with SIGINT; {interface} is filled in
    #[arg(long, value_name = "CMD")]
    listen: Option<String>,
    /// How it runs inside
    #[command(flatten)]
    inside: InsideArgs,
    /// Options of crywolf replay
    #[arg(last = true, hide = true)]
    handed_on: Vec<String>,
}

/// Runs the task.
pub fn run(args: &ReplayArgs) -> Result<ExitCode> {
    if let Some(crywolf) = args.inside.crywolf() {
        return inside(args, crywolf);
    }
    ensure!(
        args.what != "-",
        "a capture on standard input cannot be replayed here: give it as a file"
    );
    let keeper = match &args.netns {
        Some(name) => {
            let tap = args.interface.is_none().then(|| args.tap());
            Some(Keeper::start(name, tap.as_ref())?)
        }
        None => None,
    };
    let network = keeper.as_ref().map(Keeper::network);
    let enclosure = Enclosure::start(&args.inside, network)?;
    if args.wait {
        enclosure.hand_on_lines();
    }
    if args.listen.is_none() {
        tell_how_to_listen(args, keeper.as_ref(), enclosure.pid());
    }
    let code = enclosure.end()?;
    drop(keeper);
    Ok(code)
}

fn tell_how_to_listen(args: &ReplayArgs, keeper: Option<&Keeper>, pid: u32) {
    let interface = args.interface();
    let detect = format!("crywolf detect --interface {interface}");
    let how = match &args.netns {
        Some(name) if !name.contains('/') => format!("ip netns exec {name} {detect}"),
        Some(path) => format!("nsenter --net={path} {detect}"),
        None if crate::packages::is_root() => format!("nsenter --target {pid} --net {detect}"),
        None => {
            format!("nsenter --target {pid} --user --preserve-credentials --net {detect}")
        }
    };
    let goes = if keeper.is_none_or(Keeper::made) {
        "which goes when this ends"
    } else {
        "which stays as it was"
    };
    eprintln!("{interface} is in a network namespace {goes}; to listen: {how}");
    if args.wait {
        eprintln!("waiting for a listener, or Enter");
    } else {
        eprintln!(
            "--wait holds the first frame back until somebody does, --listen runs a listener"
        );
    }
}

impl ReplayArgs {
    fn interface(&self) -> &str {
        let name = self.interface.as_ref().or(self.tap.as_ref());
        name.map_or(TAP, String::as_str)
    }

    fn tap(&self) -> Tap {
        let value = |option| handed_on::value(&self.handed_on, option);
        Tap {
            name: self.interface().to_owned(),
            queues: value("--queues").is_some_and(|queues| queues != "1"),
            mtu: value("--mtu").map(str::to_owned),
            mac: value("--tap-mac").map(str::to_owned),
        }
    }

    /// The capture to replay, made where it has to be.
    fn capture(&self, crywolf: &Path) -> Result<PathBuf> {
        let path = Path::new(&self.what);
        let named = |ending: &str| path.extension() == Some(OsStr::new(ending));
        if named("pcap") || named("pcapng") || (path.is_file() && !named("toml")) {
            return Ok(path.to_owned());
        }
        let folder = private_folder()?;
        let mut generate = Command::new(crywolf);
        generate.args([
            "generate",
            &self.what,
            "--quiet",
            "--seed",
            &self.seed.to_string(),
        ]);
        if let Some(sensor) = &self.sensor {
            generate.args(["--sensor", sensor]);
        }
        process::run(generate.arg("--out").arg(&folder))?;
        let mut captures = captures_in(&folder)?;
        // Of several sensors the one that sees most, which is where the scenario happens.
        captures.sort_by_key(|path| std::fs::metadata(path).map_or(0, |file| file.len()));
        let chosen = captures.pop();
        let chosen = chosen.with_context(|| format!("{} has no capture", self.what))?;
        if !captures.is_empty() {
            let stem = |path: &PathBuf| path.file_stem().map(|stem| stem.display().to_string());
            let others: Vec<_> = captures.iter().filter_map(stem).collect();
            eprintln!(
                "sending {}; --sensor chooses another of {}",
                stem(&chosen).unwrap_or_default(),
                others.join(", ")
            );
        }
        Ok(chosen)
    }
}

/// The captures of a folder, by name.
pub fn captures_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("pcap")) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn inside(args: &ReplayArgs, crywolf: &Path) -> Result<ExitCode> {
    let lifeline = Lifeline::hold(GRACE);
    let capture = args.capture(crywolf)?;
    let network = Network::default();
    if args.netns.is_none() {
        network.prepare()?;
        network.make_tap(&args.tap())?;
    }
    let interface = args.interface();
    let command = args.listen.as_deref();
    let order = Order {
        command: &fill_in(command.unwrap_or_default(), interface, None, ""),
        network: &network,
        interface,
        stdout: None,
        stderr: None,
        ready: None,
        patience: PATIENCE,
        linger: LINGER,
        may_leave: true,
    };
    let listener = command
        .map(|_| Listener::start(&order, &lifeline))
        .transpose()?;
    let index = network.interface(interface)?.index;
    let listened = || listened_to("self", index);
    if args.wait {
        lifeline.wait_for(Duration::MAX, || {
            Ok((lifeline.spoken() || listened()).then_some(()))
        })?;
    }
    let code = send(args, crywolf, &capture, &lifeline)?;
    if args.wait && listened() {
        eprintln!("{interface} stays until nobody listens any more, or Enter");
        lifeline.wait_for(Duration::MAX, || {
            Ok((lifeline.spoken() || !listened()).then_some(()))
        })?;
    }
    if let Some(listener) = listener {
        listener.end(&lifeline)?;
    }
    Ok(code)
}

/// Runs crywolf replay to its end, or until the lifeline ends.
fn send(
    args: &ReplayArgs,
    crywolf: &Path,
    capture: &Path,
    lifeline: &Lifeline,
) -> Result<ExitCode> {
    let target = if args.interface.is_some() {
        "--interface"
    } else {
        "--tap"
    };
    if lifeline.ended() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let mut replay = Command::new(crywolf);
    replay.arg("replay").arg(capture);
    replay
        .args([target, args.interface()])
        .args(&args.handed_on);
    // In a namespace of its own nobody hears it who does not want to.
    let allows = "--allow-control-frames";
    if args.netns.is_none() && !args.handed_on.iter().any(|given| given == allows) {
        replay.arg(allows);
    }
    let mut child = replay.spawn().context("cannot run crywolf replay")?;
    let status = process::end_with(&mut child, lifeline)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

//! The keeper of a network namespace that has a name: names outlive processes, so somebody has to take them back.
//!
//! It makes the namespace, where there is none of that name, and the tap, and waits for the end of its input, which
//! comes when the task ends, by whatever death. One process makes and removes, one after the other: nothing can be made
//! after it was removed.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::enclosure::line::Tap;
use crate::packages;
use crate::process;

/// Where `ip netns` keeps names.
const NAMES: &str = "/run/netns";

/// First the name, `new` or `there`, the tap or nothing; then the words that make a tap. What it has not made it leaves
/// alone. Nothing but its work ends it, not even that there is nobody left to tell that all is ready.
const KEEP: &str = r#"
trap '' PIPE HUP INT TERM
name=$1 space=$2 tap=$3
shift 3
at=/run/netns/$name
case "$name" in */*) at=$name;; esac
if [ "$space" = new ]; then ip netns add "$name" || exit; fi
remove() {
    if [ -n "$tap" ]; then nsenter --net="$at" ip link delete dev "$tap" 2> /dev/null; fi
    if [ "$space" = new ]; then ip netns delete "$name"; fi
}
if [ -n "$tap" ] && ! nsenter --net="$at" "$@"; then remove; exit 1; fi
echo ready
exec > /dev/null
cat
remove
"#;

/// A namespace with a name, and the tap in it, as long as this exists.
pub struct Keeper {
    process: Child,
    network: PathBuf,
    made: bool,
}

impl Keeper {
    /// Makes what is missing; without a tap only the namespace.
    pub fn start(name: &str, tap: Option<&Tap>) -> Result<Keeper> {
        packages::require(packages::LAB)?;
        ensure!(
            packages::is_root(),
            "network namespaces with a name need root; without --netns it is your own, and has none"
        );
        let network = path_of(name);
        let made = !network.exists();
        if made && name.contains('/') {
            bail!(
                "there is no network namespace {name}; one that is to be made has a name without a path"
            );
        }
        let tap = tap.filter(|tap| made || !exists(&network, &tap.name));
        let mut process = Command::new("sh")
            .args(["-c", KEEP, "keeper", name])
            .arg(if made { "new" } else { "there" })
            .arg(tap.map_or("", |tap| &tap.name))
            .args(tap.map(Tap::command_line).unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C ends the task and not its keeper.
            .process_group(0)
            .spawn()
            .context("cannot run sh")?;
        let mut said = String::new();
        let stdout = process.stdout.take().context("its output is piped")?;
        BufReader::new(stdout).read_line(&mut said)?;
        if said != "ready\n" {
            let status = process.wait()?;
            bail!("cannot prepare the network namespace {name}: {status}");
        }
        Ok(Keeper {
            process,
            network,
            made,
        })
    }

    /// The file of the namespace.
    pub fn network(&self) -> &Path {
        &self.network
    }

    /// Whether it was made now, and goes again.
    pub fn made(&self) -> bool {
        self.made
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It says itself what it cannot remove.
        let _ = self.process.wait();
    }
}

fn path_of(name: &str) -> PathBuf {
    if name.contains('/') {
        PathBuf::from(name)
    } else {
        Path::new(NAMES).join(name)
    }
}

fn exists(network: &Path, interface: &str) -> bool {
    let mut ip = Command::new("nsenter");
    ip.arg(format!("--net={}", network.display()));
    ip.args(["ip", "link", "show", "dev", interface]);
    process::output(&mut ip).is_ok()
}

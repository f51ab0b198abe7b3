//! The line of a lab: a tap, or a veth pair whose ends are in two network namespaces. Nothing on it has an address, and
//! no interface says a word of its own accord.
//!
//! Sources: Documentation/networking/ip-sysctl.rst of Linux; packet(7) and proc_pid_net(5) for who listens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use serde_json::Value;

use crate::process;

/// The name of a tap unless another is wanted.
pub const TAP: &str = "tap";

/// Makes what its first word says. A new interface is silent before it is up: no IPv6, no ARP, nothing forwarded, and
/// no packet taken from a source that no route leads to, of which there is none.
const MAKE: &str = r#"
set -e
silence() {
    for which in "$@"; do
        ipv6=/proc/sys/net/ipv6/conf/$which/disable_ipv6
        if [ -e "$ipv6" ]; then echo 1 > "$ipv6"; fi
        echo 0 > "/proc/sys/net/ipv4/conf/$which/forwarding"
        echo 1 > "/proc/sys/net/ipv4/conf/$which/rp_filter"
        echo 8 > "/proc/sys/net/ipv4/conf/$which/arp_ignore"
    done
}
made=$1
shift
case "$made" in
    namespace) silence all default; ip link set dev lo up;;
    tap)
        tap=$1 queues=$2
        shift 2
        ip tuntap add dev "$tap" mode tap $queues
        silence "$tap"
        ip link set dev "$tap" "$@" arp off up;;
    pair) ip link add name near type veth peer name far netns "$1";;
    end) silence "$1"; ip link set dev "$1" arp off up;;
esac
"#;

/// What frames go over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Wire {
    /// A pair of interfaces: frames go into one end and come out of the other
    Veth,
    /// One interface, on which frames arrive as if from a wire
    Tap,
}

/// A network namespace: this process's own, or one that a file stands for.
#[derive(Clone, Debug, Default)]
pub struct Network(Option<PathBuf>);

impl Network {
    /// A new one without a way out, held by a new file.
    pub fn make(file: &Path) -> Result<Network> {
        fs::write(file, "").with_context(|| format!("cannot make {}", file.display()))?;
        let hold = format!("--net={}", file.display());
        process::output(Command::new("unshare").args([&hold, "true"]))?;
        let network = Network(Some(file.to_owned()));
        network.set_up(&["namespace"])?;
        Ok(network)
    }

    /// A command that runs in it.
    pub fn command(&self, program: &str) -> Command {
        let Some(file) = &self.0 else {
            return Command::new(program);
        };
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", file.display()))
            .arg(program);
        command
    }

    /// Makes something in it, in the words of [`MAKE`].
    fn set_up(&self, words: &[&str]) -> Result<()> {
        let mut shell = self.command("sh");
        let made = shell.args(["-c", MAKE, "sh"]).args(words).output();
        let made = made.context("cannot run sh")?;
        if made.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        let what = words.first().copied().unwrap_or_default();
        if what == "tap" && said.contains("Permission denied") {
            bail!("cannot make a tap: /dev/net/tun is not yours; run this as root");
        }
        bail!(
            "cannot make a {what} in the lab's network: {}",
            said.trim_end()
        );
    }

    /// Silences this process's own, which is new.
    pub fn prepare(&self) -> Result<()> {
        self.set_up(&["namespace"])
    }

    /// Makes a tap, silent and up.
    pub fn make_tap(&self, tap: &Tap) -> Result<()> {
        let words = tap.words();
        self.set_up(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// What the kernel says of an interface.
    pub fn interface(&self, name: &str) -> Result<Interface> {
        let mut ip = self.command("ip");
        let text = process::output(ip.args(["-json", "-statistics", "link", "show", "dev", name]))?;
        Interface::read(&text).with_context(|| format!("ip knows no counters of {name}"))
    }

    /// Lets go of the file, and so of the namespace once nobody is in it.
    pub fn release(&self) {
        if let Some(file) = &self.0 {
            // What stays goes with the enclosure.
            let _ = process::output(Command::new("umount").arg(file));
        }
    }
}

/// A tap to be made.
pub struct Tap {
    /// Its name.
    pub name: String,
    /// Whether several threads write to it.
    pub queues: bool,
    /// The largest packet.
    pub mtu: Option<String>,
    /// Its address.
    pub mac: Option<String>,
}

impl Tap {
    /// The words of [`MAKE`].
    pub fn words(&self) -> Vec<String> {
        let queues = if self.queues { "multi_queue" } else { "" };
        let mut words = ["tap", &self.name, queues].map(str::to_owned).to_vec();
        for (setting, value) in [("mtu", &self.mtu), ("address", &self.mac)] {
            if let Some(value) = value {
                words.extend([setting.to_owned(), value.clone()]);
            }
        }
        words
    }

    /// A shell's words that make it where they are run.
    pub fn command_line(&self) -> Vec<String> {
        let mut line = ["sh", "-c", MAKE, "sh"].map(str::to_owned).to_vec();
        line.extend(self.words());
        line
    }
}

/// An interface's number, and what it has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its number in its namespace.
    pub index: u64,
    /// Frames that came in.
    pub received: u64,
}

impl Interface {
    fn read(text: &str) -> Option<Interface> {
        let all: Value = serde_json::from_str(text).ok()?;
        let link = all.as_array()?.first()?;
        Some(Interface {
            index: link["ifindex"].as_u64()?,
            received: link["stats64"]["rx"]["packets"].as_u64()?,
        })
    }
}

/// A line, made and up.
pub struct Line {
    wire: Wire,
    near: Network,
    far: Network,
}

impl Line {
    /// Makes one, with files for its namespaces in a folder.
    pub fn make(wire: Wire, folder: &Path) -> Result<Line> {
        let near = Network::make(&folder.join("near"))?;
        if wire == Wire::Tap {
            near.make_tap(&Tap {
                name: TAP.to_owned(),
                queues: false,
                mtu: None,
                mac: None,
            })?;
            return Ok(Line {
                wire,
                far: near.clone(),
                near,
            });
        }
        let far_file = folder.join("far");
        let far = Network::make(&far_file)?;
        let far_file = far_file.to_str().context("the lab's folder is no text")?;
        ensure!(far_file.contains('/'), "the lab's folder has no path");
        near.set_up(&["pair", far_file])?;
        near.set_up(&["end", "near"])?;
        far.set_up(&["end", "far"])?;
        Ok(Line { wire, near, far })
    }

    /// Where frames are sent from, and the options of `crywolf replay` that send them.
    pub fn near(&self) -> (&Network, [&'static str; 2]) {
        let target = match self.wire {
            Wire::Veth => ["--interface", "near"],
            Wire::Tap => ["--tap", TAP],
        };
        (&self.near, target)
    }

    /// Where frames arrive, and on which interface.
    pub fn far(&self) -> (&Network, &'static str) {
        let interface = match self.wire {
            Wire::Veth => "far",
            Wire::Tap => TAP,
        };
        (&self.far, interface)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.near.release();
        if self.wire == Wire::Veth {
            self.far.release();
        }
    }
}

/// Whether some program listens on the interface of that number in the network of a process, by the kernel's list of
/// packet sockets.
pub fn listened_to(pid: &str, index: u64) -> bool {
    let list = fs::read_to_string(format!("/proc/{pid}/net/packet"));
    list.is_ok_and(|list| list.lines().skip(1).any(|row| listens(row, index)))
}

/// A socket that runs, on this interface or on all.
fn listens(row: &str, index: u64) -> bool {
    let columns: Vec<&str> = row.split_whitespace().collect();
    let [_, _, _, protocol, interface, running, ..] = columns[..] else {
        return false;
    };
    let interface = interface.parse::<u64>();
    let here = interface == Ok(index) || (interface == Ok(0) && protocol != "0000");
    here && running == "1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_socket_on_the_interface_or_on_all_listens() {
        let row = |protocol: &str, interface: u64, running: u64| {
            format!(
                "00000000a1b2c3d4 3      3    {protocol}   {interface}     {running} 0      0      12345"
            )
        };
        assert!(listens(&row("0003", 2, 1), 2));
        assert!(listens(&row("0003", 0, 1), 2), "on all interfaces");
        assert!(!listens(&row("0003", 3, 1), 2), "on another");
        assert!(!listens(&row("0003", 2, 0), 2), "bound and not running");
        assert!(!listens(&row("0000", 0, 1), 2), "not yet bound");
        assert!(!listens("", 2));
    }

    #[test]
    fn counters_are_read() {
        let text = r#"[{"ifindex":2,"ifname":"far","stats64":{"rx":{"bytes":70,"packets":1},"tx":{"packets":5}}}]"#;
        let wanted = Interface {
            index: 2,
            received: 1,
        };
        assert_eq!(Interface::read(text), Some(wanted));
        assert_eq!(Interface::read("[]"), None);
    }
}

//! The arguments of `crywolf replay`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};
use replay::guard::Permissions;
use replay::{Pace, Plan};
use rewrite::{AddressMap, Checksums, Cut, Oversize, PortMap, Rewrite, Vlan};
use wire::MacAddress;

use crate::duration;
use crate::output;

/// Most passes over a capture.
const MAX_PASSES: u32 = 10_000_000;
/// The last VLAN identifier that IEEE 802.1Q leaves to users.
const LAST_VLAN: u16 = 4094;
/// Bytes of the longest name of an interface: IFNAMSIZ of Linux, less the zero at its end.
const LONGEST_NAME: usize = 15;

/// Frames of a capture on a lab network, at the right moments, and nowhere else.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crywolf replay scan.pcap --tap lab0                      a silent tap for the run; listen on lab0
  crywolf replay scan.pcap --interface veth0 --speed 10    through one end of a veth pair
  crywolf replay scan.pcap --interface veth0 --pps 5000 --loop 100 --limit 200000
  crywolf replay scan.pcap --tap lab0 --netns lab --map 192.0.2.0/24=10.1.2.0/24
  crywolf replay scan.pcap --interface veth0 --dry-run     what would be sent where

Nothing is sent but to a tap, veth, dummy or loopback interface, nor with addresses that do not \
belong into a lab; each refusal names the option that lifts it.

Exit status: 0 all was sent, or as much as --limit and --duration allow; 1 nobody took the frames, \
the interface went away, or a way out of the lab appeared; 2 wrong use, refusal or bad capture; 130 ended by Ctrl-C, 143 by SIGTERM.")]
pub struct ReplayArgs {
    /// The capture, pcap or pcapng, compressed with gzip or not; - reads standard input
    #[arg(value_name = "CAPTURE")]
    pub capture: PathBuf,

    /// Where to
    #[command(flatten)]
    pub target: TargetArgs,

    /// When
    #[command(flatten)]
    pub timing: TimingArgs,

    /// What to change
    #[command(flatten)]
    pub rewriting: RewriteArgs,

    /// What to allow
    #[command(flatten)]
    pub guard: GuardArgs,

    /// What to tell
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where to.
#[derive(Args, Debug)]
#[command(next_help_heading = "Where to")]
pub struct TargetArgs {
    /// Write into this tap, so that frames arrive on it; it is made for the run where it is not there
    #[arg(long, value_name = "NAME", group = "target", value_parser = parse_name)]
    pub tap: Option<String>,

    /// Send through this tap, veth, dummy or loopback interface
    #[arg(long, short, value_name = "IF", group = "target")]
    pub interface: Option<String>,

    /// Send nowhere, to measure everything else
    #[arg(long, group = "target")]
    pub null: bool,

    /// Enter this network namespace first: a name of `ip netns`, or a path
    #[arg(long, value_name = "NAME|PATH")]
    pub netns: Option<String>,

    /// Leave the new tap in place after the run
    #[arg(long, requires = "tap")]
    pub persist: bool,

    /// Begin when somebody listens: on the tap, or at the other end of a veth in the same namespace
    #[arg(long)]
    pub wait_for_listener: bool,

    /// Address of the new tap [default: the kernel draws one]
    #[arg(long, value_name = "MAC", requires = "tap", value_parser = parse_mac)]
    pub tap_mac: Option<MacAddress>,

    /// Send with so many threads; a conversation stays with one of them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub queues: u8,

    /// Send through AF_XDP: faster, and not seen by those who listen on the same interface
    #[arg(long, requires = "interface")]
    pub xdp: bool,
}

/// When.
#[derive(Args, Debug)]
#[command(next_help_heading = "When")]
pub struct TimingArgs {
    /// Times as fast as captured [default: 1]
    #[arg(long, value_name = "X", group = "pace", value_parser = parse_positive)]
    pub speed: Option<f64>,

    /// Frames a second, whatever the time stamps
    #[arg(long, value_name = "N", group = "pace", value_parser = parse_positive)]
    pub pps: Option<f64>,

    /// Millions of bits a second, whatever the time stamps
    #[arg(long, value_name = "N", group = "pace", value_parser = parse_positive)]
    pub mbps: Option<f64>,

    /// As fast as it goes
    #[arg(long, group = "pace")]
    pub top: bool,

    /// So many passes over the capture
    #[arg(long = "loop", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PASSES)))]
    pub passes: u32,

    /// Between passes, in real time [default: a mean gap of the capture]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, conflicts_with = "top")]
    pub loop_pause: Option<Duration>,

    /// No gap between frames is longer, in capture time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, conflicts_with_all = ["pps", "mbps", "top"])]
    pub gap_cap: Option<Duration>,

    /// Begin so far into each pass, in capture time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub start_at: Option<Duration>,

    /// End after so many frames of the capture, all passes together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,

    /// End after so long, in real time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub duration: Option<Duration>,

    /// Be on time whatever else runs: real-time priority where permitted, and a processor that is busy
    #[arg(long)]
    pub precise: bool,
}

/// What to change.
#[derive(Args, Debug)]
#[command(next_help_heading = "What to change")]
pub struct RewriteArgs {
    /// Sender of all frames
    #[arg(long, value_name = "MAC", value_parser = parse_mac)]
    pub source_mac: Option<MacAddress>,

    /// Receiver of all frames but those to groups
    #[arg(long, value_name = "MAC", value_parser = parse_mac)]
    pub destination_mac: Option<MacAddress>,

    /// One hardware address for another; may be repeated
    #[arg(long, value_name = "MAC=MAC", value_parser = parse_mac_map)]
    pub map_mac: Vec<(MacAddress, MacAddress)>,

    /// Addresses of one prefix for another, wherever they stand; may be repeated, the first that fits counts
    #[arg(long, value_name = "CIDR=CIDR")]
    pub map: Vec<AddressMap>,

    /// One port for another, or a range: 80=8080, 1000-1999=3000-3999; may be repeated
    #[arg(long, value_name = "PORT=PORT")]
    pub map_port: Vec<PortMap>,

    /// Other addresses in each pass of --loop
    #[arg(long)]
    pub unique: bool,

    /// Put frames into this VLAN, or `none` to take them out of all
    #[arg(long, value_name = "ID|none", value_parser = parse_vlan)]
    pub vlan: Option<Vlan>,

    /// Whether checksums follow what changes (adjust), or are worked out anew (fix)
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ChecksumChoice::Adjust)]
    pub checksums: ChecksumChoice,

    /// The largest packet, in bytes, of a new tap as well [default: the interface's MTU; 1500 of a new tap]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(68..))]
    pub mtu: Option<u16>,

    /// What to do with larger ones
    #[arg(long, value_name = "HOW", value_enum, default_value_t = OversizeChoice::Refuse)]
    pub oversize: OversizeChoice,

    /// What to do with frames that were captured only in part: fill them up with zeros, send the part, skip them
    #[arg(long, value_name = "HOW", value_enum, default_value_t = CutChoice::Pad)]
    pub cut: CutChoice,
}

/// What to allow.
#[derive(Args, Debug)]
#[command(next_help_heading = "What to allow")]
pub struct GuardArgs {
    /// Send to this interface although frames may leave the machine there; name it twice
    #[arg(long, value_name = "IF")]
    pub allow_physical: Option<String>,

    /// Send frames whose addresses do not belong into a lab
    #[arg(long)]
    pub allow_public_addresses: bool,

    /// Send frames by which networks are run (router advertisements, redirects, DHCP answers, routing protocols, spanning
    /// tree, LLDP, EAPOL, pause frames) where a kernel or a network hears them
    #[arg(long)]
    pub allow_control_frames: bool,

    /// Send frames that cannot be read, and may hold any address
    #[arg(long)]
    pub allow_unreadable: bool,

    /// Never send more frames a second [default: 5000000; 1000 with --allow-physical]
    #[arg(long, value_name = "N", value_parser = parse_positive)]
    pub max_pps: Option<f64>,

    /// Say what would be sent where, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What to tell.
#[derive(Args, Debug)]
#[command(next_help_heading = "What to tell")]
pub struct OutputArgs {
    /// Write the statistics as JSON; - for standard output, in place of the text
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// The capture's truth [default: A.truth.json beside A.pcap]
    #[arg(long, value_name = "FILE", requires = "truth_out")]
    pub truth: Option<PathBuf>,

    /// Write the truth of this run: live times, addresses as sent, frames as counted on the wire; - for standard
    /// output, in place of the text
    #[arg(long, value_name = "FILE")]
    pub truth_out: Option<PathBuf>,
}

/// What becomes of checksums.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ChecksumChoice {
    /// They follow what changes.
    Adjust,
    /// They are worked out anew.
    Fix,
}

/// What becomes of packets beyond the MTU.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OversizeChoice {
    /// Nothing is sent.
    Refuse,
    /// They become fragments.
    Fragment,
    /// They lose their end.
    Truncate,
    /// They are left out.
    Skip,
}

/// What becomes of frames captured in part.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CutChoice {
    /// Zeros fill them up.
    Pad,
    /// The part is sent.
    Send,
    /// They are left out.
    Skip,
}

impl ReplayArgs {
    /// What is to be sent and when, over an interface of that MTU.
    ///
    /// # Errors
    /// A wanted MTU that is more than the interface takes.
    pub fn plan(&self, interface_mtu: Option<usize>) -> Result<Plan> {
        let timing = &self.timing;
        Ok(Plan {
            pace: timing.pace(),
            passes: timing.passes,
            pause: timing.loop_pause,
            start_at: timing.start_at.unwrap_or_default(),
            rewrite: self.rewriting.rewrite(timing.passes, interface_mtu)?,
            precise: timing.precise,
        })
    }

    /// What the user lifts or narrows.
    pub fn permissions(&self) -> Permissions {
        Permissions {
            physical: self.guard.allow_physical.clone(),
            public_addresses: self.guard.allow_public_addresses,
            control_frames: self.guard.allow_control_frames,
            unreadable: self.guard.allow_unreadable,
            max_pps: self.guard.max_pps,
            frames: self.timing.limit,
            duration: self.timing.duration,
        }
    }

    /// Refuses what does not go together, beyond what the parser sees.
    ///
    /// # Errors
    /// Says what, and why.
    pub fn check(&self) -> Result<()> {
        let target = &self.target;
        if target.tap.is_none() && target.interface.is_none() && !target.null {
            bail!("where to? --tap NAME or --interface IF; nothing is sent by default");
        }
        // The parser takes a required option for given where it would exclude another one.
        for (given, name, other) in [
            (target.persist && target.tap.is_none(), "--persist", "--tap"),
            (
                target.tap_mac.is_some() && target.tap.is_none(),
                "--tap-mac",
                "--tap",
            ),
            (
                target.xdp && target.interface.is_none(),
                "--xdp",
                "--interface",
            ),
        ] {
            ensure!(!given, "{name} goes with {other} only");
        }
        ensure!(
            self.output.json.is_none() || self.output.json != self.output.truth_out,
            "--json and --truth-out name the same file"
        );
        ensure!(
            target.queues == 1 || self.output.truth_out.is_none(),
            "with several queues nobody knows the order of frames on the wire: --truth-out needs --queues 1"
        );
        Ok(())
    }
}

impl OutputArgs {
    /// Whether standard output is the truth's, and nothing else's.
    pub fn truth_on_stdout(&self) -> bool {
        self.truth_out.as_deref().is_some_and(output::is_stdout)
    }

    /// All that is to be written.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.json, &self.truth_out];
        files.into_iter().flatten().map(PathBuf::as_path)
    }
}

impl TimingArgs {
    fn pace(&self) -> Pace {
        match (self.pps, self.mbps, self.top) {
            (Some(rate), _, _) => Pace::FramesPerSecond(rate),
            (_, Some(rate), _) => Pace::MegabitsPerSecond(rate),
            (_, _, true) => Pace::Top,
            _ => Pace::Capture {
                speed: self.speed.unwrap_or(1.0),
                gap_cap: self.gap_cap,
            },
        }
    }
}

impl RewriteArgs {
    fn rewrite(&self, passes: u32, interface_mtu: Option<usize>) -> Result<Rewrite> {
        let wanted = self.mtu.map(usize::from);
        if let (Some(wanted), Some(takes)) = (wanted, interface_mtu)
            && wanted > takes
        {
            bail!(
                "--mtu {wanted} is more than the interface takes: `ip link set dev IF mtu {wanted}` changes that"
            );
        }
        let plain = Rewrite::default();
        Ok(Rewrite {
            source_mac: self.source_mac,
            destination_mac: self.destination_mac,
            mac_maps: self.map_mac.clone(),
            addresses: self.map.clone(),
            ports: self.map_port.clone(),
            vlan: self.vlan.unwrap_or_default(),
            checksums: match self.checksums {
                ChecksumChoice::Adjust => Checksums::Adjust,
                ChecksumChoice::Fix => Checksums::Fix,
            },
            mtu: wanted.or(interface_mtu).unwrap_or(plain.mtu),
            oversize: match self.oversize {
                OversizeChoice::Refuse => Oversize::Refuse,
                OversizeChoice::Fragment => Oversize::Fragment,
                OversizeChoice::Truncate => Oversize::Truncate,
                OversizeChoice::Skip => Oversize::Skip,
            },
            cut: match self.cut {
                CutChoice::Pad => Cut::Pad,
                CutChoice::Send => Cut::Send,
                CutChoice::Skip => Cut::Skip,
            },
            unique: self.unique,
            passes,
        })
    }
}

fn parse_positive(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|number| number.is_finite() && *number > 0.0)
        .ok_or_else(|| "a number above zero is wanted".to_owned())
}

fn parse_mac(text: &str) -> Result<MacAddress, String> {
    text.parse()
        .map_err(|_| "a hardware address is six bytes such as 02:00:00:00:00:01".to_owned())
}

fn parse_mac_map(text: &str) -> Result<(MacAddress, MacAddress), String> {
    let (from, to) = text
        .split_once('=')
        .ok_or("two hardware addresses with = between them are wanted")?;
    Ok((parse_mac(from)?, parse_mac(to)?))
}

fn parse_vlan(text: &str) -> Result<Vlan, String> {
    match text {
        "none" => Ok(Vlan::Remove),
        _ => text
            .parse()
            .ok()
            .filter(|id| *id <= LAST_VLAN)
            .map(Vlan::Set)
            .ok_or_else(|| "a VLAN identifier from 0 to 4094, or `none`, is wanted".to_owned()),
    }
}

/// A name that the kernel takes as it is. It would fill in a number where one holds a percent sign.
fn parse_name(text: &str) -> Result<String, String> {
    let odd = |byte: u8| b"/:%".contains(&byte) || byte.is_ascii_whitespace();
    let sized = (1..=LONGEST_NAME).contains(&text.len());
    if !sized || text.bytes().any(odd) || [".", ".."].contains(&text) {
        return Err(format!(
            "a name has 1 to {LONGEST_NAME} bytes, without spaces, slash, colon and percent sign"
        ));
    }
    Ok(text.to_owned())
}

//! The arguments of the command.

use std::path::PathBuf;
#[cfg(target_os = "linux")]
use std::time::Duration;

use clap::ValueEnum;
use detector::PRESETS;
use labels::AddressBlock;

#[cfg(target_os = "linux")]
use crate::duration;

/// Findings of the paired detector about a capture, or about what passes an interface.
#[derive(clap::Args, Debug)]
#[cfg_attr(
    target_os = "linux",
    command(group = clap::ArgGroup::new("input").args(["capture", "interface", "print_config"]).required(true))
)]
#[command(after_help = "\
Examples:
  crywolf detect capture.pcap
  crywolf detect capture.pcapng --home 192.0.2.0/24 --format jsonl > findings.jsonl
  tcpdump -w - -c 1000 | crywolf detect - --format eve
  crywolf detect capture.pcap.gz --explain 2
  crywolf detect --print-config > thresholds.toml
  crywolf detect --interface veth0 --netns lab --duration 10m --format jsonl > findings.jsonl

Exit status: 0 with or without findings, 2 when the capture cannot be read to its end, and when the interface vanishes.")]
pub struct DetectArgs {
    /// The capture, pcap or pcapng, compressed with gzip or not; - reads standard input.
    #[arg(value_name = "CAPTURE")]
    #[cfg_attr(
        not(target_os = "linux"),
        arg(required_unless_present = "print_config")
    )]
    pub capture: Option<PathBuf>,

    /// A home network, or several with commas between; may be repeated [default: unknown]
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub home: Vec<AddressBlock>,

    /// A set of thresholds: quiet alerts less, paranoid at first signs.
    #[arg(long, value_name = "NAME", default_value = "balanced", value_parser = PRESETS.map(|(name, _)| name))]
    pub preset: String,

    /// Thresholds to use in place of those of the preset.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print the built-in thresholds with their units and reasons, to begin a file for --config.
    #[arg(long)]
    pub print_config: bool,

    /// How to write the findings.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Of the findings only the Nth, with its frames and filters that show them in Wireshark.
    #[arg(long, value_name = "N", conflicts_with = "format")]
    pub explain: Option<usize>,

    /// How to listen.
    #[cfg(target_os = "linux")]
    #[command(flatten)]
    pub live: LiveArgs,
}

impl DetectArgs {
    /// Whether it is about an interface, and not a capture.
    pub fn listens(&self) -> bool {
        #[cfg(target_os = "linux")]
        let interface = &self.live.interface;
        #[cfg(not(target_os = "linux"))]
        let interface = &None::<String>;
        interface.is_some()
    }
}

/// How to write findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One finding a line, schema crywolf.finding/1.
    Jsonl,
    /// Suricata's EVE records, one a line.
    Eve,
}

/// How to listen.
#[cfg(target_os = "linux")]
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Live")]
pub struct LiveArgs {
    /// Listen on this interface in place of reading a capture, until Ctrl-C
    #[arg(long, value_name = "IF")]
    pub interface: Option<String>,

    /// Listen in this network namespace: a name that `ip netns` knows, or a file such as /proc/PID/ns/net
    #[arg(long, value_name = "NAME|PATH", conflicts_with = "capture")]
    pub netns: Option<String>,

    /// End after so long, such as 30s or 10m
    #[arg(long, value_name = "DURATION", conflicts_with = "capture", value_parser = duration::parse)]
    pub duration: Option<Duration>,

    /// End after so many frames
    #[arg(long, value_name = "N", conflicts_with = "capture", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Also write a first version of each finding as soon as its evidence suffices
    #[arg(long, conflicts_with = "capture")]
    pub early: bool,

    /// Also write the frames that were seen to a capture
    #[arg(long, value_name = "FILE.pcap", conflicts_with = "capture")]
    pub write: Option<PathBuf>,
}

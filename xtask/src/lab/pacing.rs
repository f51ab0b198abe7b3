//! How fast a capture goes: at its own speed, as long as that takes no longer than it may.
//!
//! Detectors count per second and wait for answers. So a capture that takes longer first loses the length of its silent
//! gaps, of which each keeps some seconds; only when it still takes too long, all of it goes faster. Both make a slow
//! scan a faster one, and the pace of each capture is told.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use wire::capture::CaptureReader;

/// What is left of a gap. Assumption: whoever waits for an answer gives up within it, and TCP's first three
/// transmissions, 1 and 2 seconds apart (RFC 6298, 2), are gone.
const GAP: Duration = Duration::from_secs(5);

/// How fast.
#[derive(Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// Captures that take longer lose the length of gaps beyond 5 s, and if need be go faster
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..), group = "pace")]
    within: u64,
    /// All captures times as fast
    #[arg(long, value_name = "X", group = "pace")]
    speed: Option<f64>,
    /// Frames a second, whatever the capture says
    #[arg(long, value_name = "N", group = "pace")]
    pps: Option<f64>,
    /// All captures as fast as it goes
    #[arg(long, group = "pace")]
    top: bool,
    /// No gap is longer, in capture time, as crywolf replay has it
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["pps", "top", "within"])]
    gap_cap: Option<String>,
}

/// The pace of one capture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace {
    /// Options of crywolf replay.
    pub options: Vec<String>,
    /// How long it is to take; nothing where nobody has worked it out.
    pub takes: Duration,
}

impl PaceArgs {
    /// The pace of a capture.
    pub fn of(&self, capture: &Path) -> Result<Pace> {
        let gaps = gaps(capture).with_context(|| capture.display().to_string())?;
        Ok(match self.chosen() {
            Some(options) => Pace {
                options,
                takes: gaps.iter().sum(),
            },
            None => within(Duration::from_secs(self.within), &gaps),
        })
    }

    fn chosen(&self) -> Option<Vec<String>> {
        let mut options = Vec::new();
        if let Some(speed) = self.speed {
            options.extend(["--speed".to_owned(), speed.to_string()]);
        }
        if let Some(rate) = self.pps {
            options.extend(["--pps".to_owned(), rate.to_string()]);
        }
        if self.top {
            options.push("--top".to_owned());
        }
        if let Some(cap) = &self.gap_cap {
            options.extend(["--gap-cap".to_owned(), cap.clone()]);
        }
        (!options.is_empty()).then_some(options)
    }

    /// What is done, in words.
    pub fn explanation(&self) -> String {
        match self.chosen() {
            Some(options) => format!("all with {}", options.join(" ")),
            None => format!(
                "each at its own speed if that takes no longer than {} s, else with gaps of at most {} s, else faster",
                self.within,
                GAP.as_secs()
            ),
        }
    }
}

fn within(most: Duration, gaps: &[Duration]) -> Pace {
    let whole: Duration = gaps.iter().sum();
    if whole <= most {
        return Pace {
            options: Vec::new(),
            takes: whole,
        };
    }
    let capped: Duration = gaps.iter().map(|gap| *gap.min(&GAP)).sum();
    let mut options = vec!["--gap-cap".to_owned(), format!("{}s", GAP.as_secs())];
    if capped > most {
        let speed = capped.as_secs_f64() / most.as_secs_f64();
        options.extend(["--speed".to_owned(), format!("{speed:.2}")]);
    }
    Pace {
        options,
        takes: capped.min(most),
    }
}

/// The gaps between frames; those that run backwards are none.
fn gaps(capture: &Path) -> Result<Vec<Duration>> {
    let file = File::open(capture).context("cannot open the capture")?;
    let mut reader = CaptureReader::new(BufReader::new(file))?;
    let mut gaps = Vec::new();
    let mut before = None;
    while let Some(record) = reader.next()? {
        let time = record.time.as_nanos();
        let gap = before.map_or(0, |before| time.saturating_sub(before));
        gaps.push(Duration::from_nanos(gap));
        before = Some(time);
    }
    Ok(gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(most: u64, gaps: &[u64]) -> (String, u64) {
        let gaps: Vec<_> = gaps.iter().copied().map(Duration::from_secs).collect();
        let pace = within(Duration::from_secs(most), &gaps);
        (pace.options.join(" "), pace.takes.as_secs())
    }

    #[test]
    fn a_capture_keeps_its_times_as_long_as_there_is_time() {
        assert_eq!(pace(30, &[0, 20, 10]), (String::new(), 30));
        assert_eq!(pace(30, &[0, 3600, 10]), ("--gap-cap 5s".into(), 10));
        assert_eq!(pace(30, &[5; 12]), ("--gap-cap 5s --speed 2.00".into(), 30));
        assert_eq!(pace(30, &[]), (String::new(), 0));
    }
}

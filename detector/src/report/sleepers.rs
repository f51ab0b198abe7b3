//! Findings whose cases have gone quiet, and may go on: a scan that pauses over noon is one event.
//!
//! A case costs memory and is closed when it has been quiet for long; what is left of it is its finding, which sleeps on
//! for as long as the user says. Where the same source does the same again meanwhile, the new finding only extends the
//! old one. It is handed out when it has slept too long, at the end, or when there are more than [`MOST`] and it has slept
//! longest.

use labels::{Class, Evidence, Family, Finding, PortRange};
use wire::Timestamp;

use super::examples;
use super::gather::unite;

/// Findings that sleep at a time.
const MOST: usize = 1024;
/// What is said of a finding that went on.
const WENT_ON: &str = "it went on after a pause";

/// Findings that may go on.
#[derive(Debug, Default)]
pub(crate) struct Sleepers {
    findings: Vec<Finding>,
}

impl Sleepers {
    /// Takes findings in: each extends one that sleeps, or sleeps from now on. Returns whether any came.
    pub(crate) fn take_in(&mut self, findings: Vec<Finding>) -> bool {
        let any = !findings.is_empty();
        for finding in findings {
            match self
                .findings
                .iter_mut()
                .rev()
                .find(|old| goes_on(old, &finding))
            {
                Some(old) => extend(old, finding),
                None => self.findings.push(finding),
            }
        }
        any
    }

    /// Lets somebody look at all of them together.
    pub(crate) fn replace(&mut self, by: impl FnOnce(Vec<Finding>) -> Vec<Finding>) {
        self.findings = by(std::mem::take(&mut self.findings));
    }

    /// Those that ended before the given moment, and those that are too many; all, if there is none.
    pub(crate) fn wake(&mut self, before: Option<Timestamp>) -> Vec<Finding> {
        let Some(before) = before else {
            return std::mem::take(&mut self.findings);
        };
        let before = i128::from(before.as_nanos());
        let (mut over, mut asleep): (Vec<Finding>, Vec<Finding>) =
            std::mem::take(&mut self.findings)
                .into_iter()
                .partition(|finding| finding.end.as_nanosecond() < before);
        if asleep.len() > MOST {
            asleep.sort_by_key(|finding| std::cmp::Reverse(finding.end));
            over.extend(asleep.split_off(MOST));
        }
        self.findings = asleep;
        over
    }
}

/// Whether a finding is about the same event as one that sleeps: the same is done by the same, and where it is not a
/// source that makes it one event, to the same.
fn goes_on(old: &Finding, new: &Finding) -> bool {
    if old.class != new.class || old.transport != new.transport {
        return false;
    }
    let meets = || {
        old.targets
            .iter()
            .any(|a| new.targets.iter().any(|b| a.covers(b) || b.covers(a)))
    };
    match old.class.family() {
        // Forged names differ from time to time.
        Family::Flood => meets(),
        Family::PortScan | Family::Sweep | Family::Decoy | Family::Fingerprint => {
            old.sources == new.sources
        }
        _ if old.class == Class::MonitoringPoll => old.sources == new.sources && meets(),
        _ => old.sources == new.sources && old.ports == new.ports && meets(),
    }
}

fn extend(old: &mut Finding, mut new: Finding) {
    if new.start > old.end || old.start > new.end {
        went_on(old, &new);
    } else if new.class.family() == Family::Flood && is_told_twice(old, &new) {
        // Two cases have counted the same packets.
        new.packets = new.packets.saturating_sub(old.packets);
    }
    unite(old, new);
}

/// Whether two that were at one time are about the same ports, or one about all of them.
fn is_told_twice(old: &Finding, new: &Finding) -> bool {
    let whole = |a: &Finding, b: &Finding| {
        let within = |range: &PortRange| {
            let mut ranges = a.ports.iter();
            ranges.any(|known| known.first() <= range.first() && range.last() <= known.last())
        };
        a.ports.is_empty() || !b.ports.is_empty() && b.ports.iter().all(within)
    };
    whole(old, new) || whole(new, old)
}

/// Says that it went on after it had ended.
fn went_on(old: &mut Finding, new: &Finding) {
    let times = |known: Option<&Evidence>| {
        known
            .and_then(|known| known.observed.split(' ').next()?.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let known = old.evidence.iter_mut().find(|fact| fact.fact == WENT_ON);
    let more = times(known.as_deref()) + 1;
    let frames = new.first_frame.into_iter();
    let observed = format!("{more} more, until {}", new.end);
    match known {
        Some(known) => {
            known.observed = observed;
            let room = examples::MOST.saturating_sub(known.frames.len());
            known.frames.extend(frames.take(room));
        }
        None => old.evidence.push(Evidence {
            fact: WENT_ON.to_owned(),
            observed,
            expected: "an end".to_owned(),
            frames: frames.collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use crate::trace::{findings, only};

    /// Six refused connections from one source, from a port of the target and a second on.
    fn scan(from: u32, port: u32) -> String {
        format!(
            "{from} repeat 6 every 1
               0.0 198.51.100.7.{{{}+n}} > 192.0.2.10.{{{port}+n}}: S 0 $syn
               0.1 192.0.2.10.{{{port}+n}} > 198.51.100.7.{{{}+n}}: R. =0 ack 1
             end\n",
            40_000 + port,
            40_000 + port
        )
    }

    /// Somebody else's frame, by which the detector knows that time has passed.
    fn clock(hour: u32) -> String {
        let at = hour * 3_600;
        format!("{at} 192.0.2.20.5000 > 192.0.2.21.514: udp zeros 9\n")
    }

    #[test]
    fn a_scan_that_goes_on_after_hours_is_one_finding() {
        let found =
            only(&(scan(0, 100) + &clock(2) + &clock(3) + &scan(4 * 3_600, 200) + &clock(6)));
        assert_eq!(found.packets, 24);
        assert_eq!(found.ports.len(), 2);
        let mut evidence = found.evidence.iter();
        assert!(evidence.any(|fact| fact.fact == super::WENT_ON));
    }

    #[test]
    fn the_next_day_it_is_another() {
        let trace = scan(0, 100) + &clock(2) + &clock(15) + &scan(16 * 3_600, 200) + &clock(18);
        assert_eq!(findings(&trace).len(), 2);
    }
}

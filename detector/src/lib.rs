//! The paired detector: one pass over frames, in bounded memory, to findings with evidence.
//!
//! [`Detector`] opens no file, reads no clock and prints nothing: whoever reads a capture or an interface hands it
//! frames and takes findings. Its only clock is the frames' time, which never runs back. It knows nothing of the
//! generator.
//!
//! A frame becomes an observation, the state learns from it and tells the rules what is news, a rule keeps its
//! cases and hands out a finding **once: when its case has been quiet for long, or at the end**. Handing it out
//! when it was first suspected would leave open where it ends and, for a while, what it is. [`Finding`] says in
//! `detected` when the evidence sufficed. The order depends on the frames alone, so a capture and the same frames
//! live give the same findings.
//!
//! [`Finding`]: labels::Finding

mod config;
mod counters;
mod observe;
mod report;
mod rule;
mod state;
#[cfg(test)]
mod trace;

use ipnet::IpNet;
use labels::Finding;
use wire::decode::{Layers, StopReason, Transport};
use wire::{LinkType, Timestamp};

pub use config::{Config, ConfigError, DEFAULTS};
pub use counters::Counters;

use observe::Observation;
use report::Findings;
use rule::Rule;
use state::{Moment, News, State};

/// How often cases are looked through for those that have gone quiet, in capture time.
const HOUSEKEEPING_NANOS: u64 = 60_000_000_000;

/// All that a finished detector has to say.
#[derive(Debug)]
pub struct Report {
    /// The findings that had not been taken before, in the order of their detection.
    pub findings: Vec<Finding>,
    /// What was counted.
    pub counters: Counters,
}

/// The detector.
pub struct Detector {
    config: Config,
    state: State,
    rules: Vec<Box<dyn Rule>>,
    news: Vec<News>,
    findings: Findings,
    counters: Counters,
    housekeeping: Timestamp,
    last_frame: u64,
}

impl Detector {
    /// A detector for the given home networks, which may be unknown.
    pub fn new(config: Config, home: &[IpNet]) -> Self {
        Detector {
            state: State::new(&config),
            rules: rule::all(&config, home),
            config,
            news: Vec::new(),
            findings: Findings::default(),
            counters: Counters::default(),
            housekeeping: Timestamp::ZERO,
            last_frame: 0,
        }
    }

    /// Looks at one frame: its number in the capture, from 1, its time, and its bytes as captured.
    #[inline]
    pub fn observe(
        &mut self,
        frame: u64,
        time: Timestamp,
        link_type: LinkType,
        bytes: &[u8],
        original_length: usize,
    ) {
        self.counters.frames += 1;
        self.last_frame = frame;
        let layers = Layers::decode_cut(link_type, bytes, original_length);
        self.count(&layers);
        if time < self.state.clock() {
            self.counters.clock_ran_back += 1;
        }
        self.state.advance(time, &mut self.news);
        self.spread(frame);
        if let Some(seen) = Observation::of(&layers) {
            self.state.update(&seen, frame, &mut self.news);
            self.spread(frame);
        }
        if self.state.clock() >= self.housekeeping {
            self.keep_house();
        }
    }

    /// Findings whose cases have closed since the last call.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        self.findings.take()
    }

    /// Closes all cases.
    pub fn finish(mut self) -> Report {
        let least = self.config.answers.patience_at_end.nanos();
        self.state.finish(least, &mut self.news);
        self.spread(self.last_frame);
        for rule in &mut self.rules {
            rule.close(None, &mut self.state, &mut self.findings);
        }
        self.counters.evicted = self
            .state
            .evicted()
            .into_iter()
            .chain(self.rules.iter().map(|rule| (rule.name(), rule.evicted())))
            .filter(|(_, count)| *count > 0)
            .collect();
        self.counters.without_beginning = self.state.midstream;
        self.counters.judged_early = self.state.hurried;
        Report {
            findings: self.findings.take(),
            counters: self.counters,
        }
    }

    /// Tells the rules what is new.
    #[inline]
    fn spread(&mut self, frame: u64) {
        if self.news.is_empty() {
            return;
        }
        let now = Moment {
            time: self.state.clock(),
            frame,
        };
        for news in self.news.drain(..) {
            for rule in &mut self.rules {
                rule.hear(&news, now, &mut self.state, &mut self.findings);
            }
        }
    }

    #[cold]
    fn keep_house(&mut self) {
        let now = self.state.clock();
        self.housekeeping = now.plus_nanos(HOUSEKEEPING_NANOS);
        let quiet = self.config.report.quiet.nanos();
        let before = Timestamp::from_nanos(now.as_nanos().saturating_sub(quiet));
        for rule in &mut self.rules {
            rule.close(Some(before), &mut self.state, &mut self.findings);
        }
    }

    #[inline]
    fn count(&mut self, layers: &Layers<'_>) {
        if let Some(stop) = &layers.stop {
            match stop.reason {
                StopReason::UnknownType(_) => self.counters.unknown_type += 1,
                StopReason::Short { .. } => self.counters.cut_short += 1,
                StopReason::BadVersion(_) | StopReason::BadHeaderLength(_) => {
                    self.counters.malformed += 1;
                }
            }
        }
        if matches!(layers.transport, Transport::Fragment) {
            self.counters.later_fragments += 1;
        }
        if matches!(layers.network, wire::decode::Network::V6(_)) {
            self.counters.ipv6 += 1;
        }
        if layers.link.tags > 0 {
            self.counters.vlan_tagged += 1;
        }
        if layers.link.framing == wire::Framing::LlcSnap {
            self.counters.llc += 1;
        }
    }
}

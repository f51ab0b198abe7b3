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
//! live give the same findings. Who cannot wait takes [openings](Detector::take_openings) as well.
//!
//! Nobody can tell it that time has passed without a frame. That an answer is overdue is dated by the frame that shows
//! it, and a case that pauses is quiet only once a frame of somebody else has shown it; a clock beside the frames would
//! find other moments, and sometimes other cases, than the capture of the same frames.
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
    /// The findings that had not been taken before; those of cases that close together in the order of their detection.
    pub findings: Vec<Finding>,
    /// The openings that had not been taken before, if they were wanted.
    pub openings: Vec<Finding>,
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

    /// From now on also says at once when a case has become a claim.
    pub fn announce_openings(&mut self) {
        self.findings.want_openings();
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

    /// First versions of findings whose evidence has come to suffice since the last call; none unless they are
    /// [announced](Detector::announce_openings).
    ///
    /// Shape: what was known at `detected`. The finding that follows when the case closes speaks of more frames, and
    /// often of more ports and targets; its class may be another one (a SYN scan that goes on over many hosts is a
    /// sweep), and it may hold what was announced as two (ACKs that ask whether hosts exist, and the scan after them).
    /// None follows where a host that was taken for dead answers after all.
    pub fn take_openings(&mut self) -> Vec<Finding> {
        self.findings.take_openings()
    }

    /// Closes all cases.
    pub fn finish(mut self) -> Report {
        let least = self.config.answers.patience_at_end.nanos();
        self.state.finish(least, &mut self.news);
        self.spread(self.last_frame);
        self.close(None);
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
            openings: self.findings.take_openings(),
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
        self.close(Some(before));
    }

    fn close(&mut self, before: Option<Timestamp>) {
        let (rules, state) = (&mut self.rules, &mut self.state);
        self.findings.close_together(|findings| {
            for rule in rules {
                rule.close(before, state, findings);
            }
        });
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

#[cfg(test)]
mod tests {
    use labels::Class;
    use proptest::prelude::*;

    use super::*;

    /// Segments among few hosts and ports, so that they meet.
    fn segment() -> impl Strategy<Value = (u32, Vec<u8>)> {
        use wire::{Flags, Ip, Ipv4, Link, Packet, Payload, Segment, Tcp, Udp};
        let ends = (0u8..6, 0u8..6, 0u16..5, 0u16..5);
        let numbers = (0u32..4, 0u32..4, 0u8..64, 0usize..3, 1u8..66);
        (0u32..8_000, ends, numbers).prop_map(
            |(gap, (a, b, c, d), (sequence, acknowledgment, flags, length, ttl))| {
                let mut ip = Ipv4::new([192, 0, 2, a].into(), [198, 51, 100, b].into());
                if a > b {
                    std::mem::swap(&mut ip.source, &mut ip.destination);
                }
                ip.ttl = ttl;
                let segment = match flags {
                    63 => Segment::Udp(Udp::new(c, d)),
                    _ => Segment::Tcp(Tcp {
                        sequence,
                        acknowledgment,
                        ..Tcp::new(c, d, Flags(u16::from(flags)))
                    }),
                };
                let packet = Packet {
                    ip: Ip::V4(ip),
                    segment,
                    payload: Payload::Zeros(length),
                };
                let mut bytes = Vec::new();
                packet.emit_frame(&Link::default(), &mut bytes);
                (gap, bytes)
            },
        )
    }

    fn run(frames: &[(u32, Vec<u8>)], config: Config) -> Vec<Finding> {
        let mut detector = Detector::new(config, &[]);
        let mut time = 0;
        let mut findings = Vec::new();
        for (number, (gap, bytes)) in (1..).zip(frames) {
            time += u64::from(*gap) * 1_000_000;
            let now = Timestamp::from_nanos(time);
            detector.observe(number, now, LinkType::ETHERNET, bytes, bytes.len());
            findings.extend(detector.take_findings());
        }
        findings.extend(detector.finish().findings);
        findings
    }

    #[test]
    fn an_opening_tells_what_is_known_then_and_the_finding_the_whole() {
        let lines: String = (0..6)
            .map(|n| format!("{n}.0 198.51.100.7:4000 > 192.0.2.{n}:22 S\n{n}.1 192.0.2.{n}:22 > 198.51.100.7:4000 R. seq 0\n"))
            .collect();
        let mut detector = Detector::new(Config::default(), &[]);
        detector.announce_openings();
        let report = trace::run(detector, &lines);
        let ([opening], [finding]) = (&report.openings[..], &report.findings[..]) else {
            panic!("one each: {report:#?}");
        };
        assert_eq!(
            (opening.class, finding.class),
            (Class::SynScan, Class::PortSweep)
        );
        assert_eq!((opening.targets.len(), finding.targets.len()), (3, 6));
        assert_eq!(opening.detected_frame, 6);
        assert_eq!(opening.detected, finding.detected);
    }

    #[test]
    fn openings_are_told_to_those_who_ask() {
        let lines = "0.00 198.51.100.7:1053 > 192.0.2.10:23 S seq 322286
             0.39 198.51.100.7:1054 > 192.0.2.10:23 S seq 322286
             0.76 198.51.100.7:1055 > 192.0.2.10:23 S seq 322286";
        let report = trace::run(Detector::new(Config::default(), &[]), lines);
        assert_eq!((report.findings.len(), report.openings.len()), (1, 0));
    }

    const TINY: &str = "
        [memory]
        connections = 2
        waiting = 2
        services = 2
        pairs = 2
        sources = 1
        cases = 1
        [report]
        quiet = \"5s\"";

    /// All openings, and the findings if they are all taken at the end.
    fn announced(frames: &[(u32, Vec<u8>)], config: Config) -> (Vec<Finding>, Vec<Finding>) {
        let mut detector = Detector::new(config, &[]);
        detector.announce_openings();
        let (mut time, mut openings) = (0, Vec::new());
        for (number, (gap, bytes)) in (1..).zip(frames) {
            time += u64::from(*gap) * 1_000_000;
            let now = Timestamp::from_nanos(time);
            detector.observe(number, now, LinkType::ETHERNET, bytes, bytes.len());
            for opening in detector.take_openings() {
                assert_eq!(opening.detected_frame, number, "it comes at once");
                openings.push(opening);
            }
        }
        let report = detector.finish();
        openings.extend(report.openings);
        (openings, report.findings)
    }

    proptest! {
        #[test]
        fn each_finding_was_announced_and_announcing_changes_none(
            frames in proptest::collection::vec(segment(), 0..400),
        ) {
            for config in [Config::default(), Config::with_overrides(TINY).unwrap()] {
                let (openings, findings) = announced(&frames, config.clone());
                for finding in &findings {
                    let announces = |opening: &&Finding| {
                        opening.detected_frame == finding.detected_frame
                            && opening.transport == finding.transport
                    };
                    prop_assert!(openings.iter().any(|o| announces(&o)), "{:?}", finding);
                }
                for opening in &openings {
                    prop_assert!(Finding::from_json(&opening.to_json()).is_ok(), "{:?}", opening);
                }
                // Nor does it matter when findings are taken: here one by one.
                prop_assert_eq!(findings, run(&frames, config));
            }
        }

        #[test]
        fn any_traffic_gives_sound_findings_twice_the_same(
            frames in proptest::collection::vec(segment(), 0..400),
        ) {
            for config in [Config::default(), Config::with_overrides(TINY).unwrap()] {
                let first = run(&frames, config.clone());
                for finding in &first {
                    let read = Finding::from_json(&finding.to_json());
                    prop_assert!(read.is_ok(), "{:?}", finding);
                }
                prop_assert_eq!(first, run(&frames, config));
            }
        }

        #[test]
        fn any_bytes_are_counted(
            bytes in proptest::collection::vec(any::<u8>(), 0..120),
            time: u64,
        ) {
            let mut detector = Detector::new(Config::default(), &[]);
            let time = Timestamp::from_nanos(time);
            detector.observe(1, time, LinkType::ETHERNET, &bytes, bytes.len());
            prop_assert_eq!(detector.finish().counters.frames, 1);
        }
    }
}

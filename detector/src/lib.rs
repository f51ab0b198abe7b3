//! The paired detector: one pass over frames, in bounded memory, to findings with evidence.
//!
//! [`Detector`] opens no file, reads no clock and prints nothing: whoever reads a capture or an interface hands it
//! frames and takes findings. Its only clock is the frames' time, which never runs back. It knows nothing of the
//! generator.
//!
//! A frame becomes an observation, the state learns from it and tells the rules what is news, a rule keeps its
//! cases and hands out a finding **once: when its case has been quiet for very long, or at the end**. Handing it out
//! when it was first suspected would leave open where it ends and, for a while, what it is. [`Finding`] says in
//! `detected` when the evidence sufficed. The order depends on the frames alone, so a capture and the same frames
//! live give the same findings. Who cannot wait takes [openings](Detector::take_openings) as well.
//!
//! Nobody can tell it that time has passed without a frame. That an answer is overdue is dated by the frame that shows
//! it, and a case that pauses is quiet only once a frame of somebody else has shown it; a clock beside the frames would
//! find other moments, and sometimes other cases, than the capture of the same frames.
//!
//! [`Finding`]: labels::Finding

mod address;
mod asking;
#[macro_use]
mod config;
mod contract;
mod copies;
mod counters;
mod docket;
mod extent;
mod fragments;
mod news;
mod observe;
mod report;
mod rule;
mod sctp;
mod segment;
mod state;
mod suppress;
mod thresholds;
mod tools;
#[cfg(test)]
mod trace;
#[cfg(test)]
mod traces;
mod words;

use ipnet::IpNet;
use labels::Finding;
use wire::decode::{Layers, MAX_ENVELOPES, Network};
use wire::{LinkType, Timestamp};

pub use config::{Config, ConfigError, DEFAULTS, PRESETS};
pub use counters::{Counters, Reason};

use contract::Rule;
use copies::Copies;
use docket::Closing;
use fragments::{Fragments, Piece};
use news::{Moment, News, NewsKind, NewsKinds};
use observe::Observation;
use report::{Findings, Reporting};
use state::{Outbox, State};
use suppress::Suppress;

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
    state: State,
    rules: Vec<Box<dyn Rule>>,
    /// Which rules hear which kind of news.
    listeners: Vec<Vec<usize>>,
    news: Outbox,
    copies: Copies,
    fragments: Fragments,
    findings: Findings,
    counters: Counters,
    known: Suppress,
    housekeeping: Timestamp,
    /// The longest time without a frame so far, in nanoseconds.
    longest_silence: u64,
    reporting: Reporting,
    patience_at_end_nanos: u64,
    last_frame: u64,
}

impl Detector {
    /// A detector for the given home networks, which may be unknown.
    pub fn new(config: Config, home: &[IpNet]) -> Self {
        let rules = rule::all(&config);
        let hears = |kind: NewsKind| -> Vec<usize> {
            let rules = rules.iter().enumerate();
            rules
                .filter(|(_, rule)| rule.hears().has(kind))
                .map(|(at, _)| at)
                .collect()
        };
        let listeners: Vec<Vec<usize>> = NewsKind::ALL.iter().map(|kind| hears(*kind)).collect();
        let wanted: Vec<NewsKind> = NewsKind::ALL
            .iter()
            .zip(&listeners)
            .filter(|(_, rules)| !rules.is_empty())
            .map(|(kind, _)| *kind)
            .collect();
        Detector {
            state: State::new(&config, home),
            rules,
            listeners,
            news: Outbox::new(NewsKinds::of(&wanted)),
            copies: Copies::new(),
            fragments: Fragments::new(),
            findings: Findings::new(config.get::<Reporting>().network_hosts),
            counters: Counters::default(),
            known: config.get(),
            housekeeping: Timestamp::ZERO,
            longest_silence: 0,
            reporting: config.get(),
            patience_at_end_nanos: config.get::<state::Answers>().patience_at_end.nanos(),
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
        let mut layers = Layers::default();
        layers.read(link_type, bytes, original_length);
        let before = self.state.clock();
        if time < before {
            self.counters.clock_ran_back += 1;
        }
        self.notice_silence(before, time);
        self.state.advance(time, &mut self.news);
        self.spread(frame);
        if layers.link.tags > 0 {
            self.counters.vlan_tagged += 1;
        }
        if layers.may_be_wrapped() {
            self.unwrap(&layers, link_type, bytes, original_length, frame);
        } else {
            self.look(&layers, frame);
        }
        if self.state.clock() >= self.housekeeping {
            self.keep_house();
        }
    }

    /// Takes envelopes off, and looks at what is in them.
    #[cold]
    fn unwrap<'a>(
        &mut self,
        outer: &Layers<'a>,
        mut link_type: LinkType,
        mut bytes: &'a [u8],
        original_length: usize,
        frame: u64,
    ) {
        let mut layers = *outer;
        let mut missing = original_length.saturating_sub(bytes.len());
        for _ in 0..MAX_ENVELOPES {
            let Some(opened) = layers.open(link_type, bytes, missing) else {
                break;
            };
            self.counters.was_opened(opened.envelope);
            (layers, link_type) = (opened.layers, opened.link_type);
            (bytes, missing) = (opened.frame, opened.missing);
            if !layers.may_be_wrapped() {
                break;
            }
        }
        if !(link_type.is_supported() || link_type.is_opened()) {
            self.counters.other(Reason::LinkType(link_type.0));
            return;
        }
        self.look(&layers, frame);
    }

    /// Looks at one packet, and counts the frame that it came in.
    #[inline]
    fn look(&mut self, layers: &Layers<'_>, frame: u64) {
        if matches!(layers.network, Network::V6(_)) {
            self.counters.ipv6 += 1;
        }
        if layers.link.framing == wire::Framing::LlcSnap {
            self.counters.llc += 1;
        }
        if self.copies.is_copy(layers, self.state.clock().as_nanos()) {
            self.counters.other(Reason::Copy);
            return;
        }
        match self.fragments.take(layers) {
            Piece::Whole => {
                match counters::reason(layers) {
                    None => self.counters.understood += 1,
                    Some(reason) => self.counters.other(reason),
                }
                let mut seen = Observation::default();
                if seen.read(layers) {
                    self.learn(&seen, frame);
                }
            }
            Piece::Waits => {
                self.counters.other(Reason::LaterFragment);
                if let Some(forgotten) = self.fragments.take_forgotten() {
                    self.news.tell(News::Forgotten(forgotten));
                    self.spread(frame);
                }
            }
            Piece::Completes(completed) => {
                self.counters.understood += 1;
                let whole = layers.with_segment(completed.protocol, completed.segment());
                let mut seen = Observation::default();
                if seen.read(&whole) {
                    seen.tiny_fragments = true;
                    self.learn(&seen, frame);
                }
            }
        }
    }

    #[inline(always)]
    fn learn(&mut self, seen: &Observation<'_>, frame: u64) {
        self.state.update(seen, frame, &mut self.news);
        self.spread(frame);
    }

    /// Findings whose cases have closed since the last call.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        let findings = self.findings.take();
        let before = findings.len();
        let left = self.known.filter(findings);
        self.counters.suppressed += (before - left.len()) as u64;
        left
    }

    /// First versions of findings whose evidence has come to suffice since the last call; none unless they are
    /// [announced](Detector::announce_openings).
    ///
    /// Shape: what was known at `detected`. The finding that follows when the case closes speaks of more frames, and
    /// often of more ports and targets; its class may be another one (a SYN scan that goes on over many hosts is a
    /// sweep; what is repeated round after round is a monitor), and it may hold what was announced as two (ACKs that ask
    /// whether hosts exist, and the scan after them). None follows where a host that was taken for dead answers after
    /// all.
    pub fn take_openings(&mut self) -> Vec<Finding> {
        let openings = self.findings.take_openings();
        self.known.filter(openings)
    }

    /// Closes all cases.
    pub fn finish(mut self) -> Report {
        self.state
            .finish(self.patience_at_end_nanos, &mut self.news);
        self.spread(self.last_frame);
        self.close(Closing::End);
        self.counters.evicted = self
            .state
            .evicted()
            .into_iter()
            .chain(self.rules.iter().map(|rule| (rule.name(), rule.evicted())))
            .filter(|(_, count)| *count > 0)
            .collect();
        self.counters.without_beginning = self.state.midstream;
        self.counters.judged_early = self.state.hurried;
        let (findings, openings) = (self.take_findings(), self.take_openings());
        Report {
            findings,
            openings,
            counters: self.counters,
        }
    }

    /// Tells the rules what is new.
    #[inline]
    fn spread(&mut self, frame: u64) {
        if self.news.items.is_empty() {
            return;
        }
        let now = Moment {
            time: self.state.clock(),
            frame,
        };
        for news in &self.news.items {
            let listeners = self.listeners.get(news.kind() as usize);
            for at in listeners.map(Vec::as_slice).unwrap_or_default() {
                if let Some(rule) = self.rules.get_mut(*at) {
                    rule.hear(news, now, &mut self.state, &mut self.findings);
                }
            }
        }
        self.news.items.clear();
    }

    /// Where nobody was heard for far longer than ever before, no case has gone quiet: the sensor paused, or its clock was
    /// set. Cases are given as long again as they may be quiet.
    #[inline]
    fn notice_silence(&mut self, before: Timestamp, now: Timestamp) {
        const FAR_LONGER: u64 = 12;
        if self.counters.frames == 1 {
            return;
        }
        let silence = now.nanos_since(before);
        if silence <= self.longest_silence {
            return;
        }
        let quiet = self.reporting.quiet.nanos();
        if silence >= quiet.max(FAR_LONGER.saturating_mul(self.longest_silence)) {
            self.housekeeping = now.plus_nanos(quiet);
        }
        self.longest_silence = silence;
    }

    #[cold]
    fn keep_house(&mut self) {
        let now = self.state.clock();
        self.housekeeping = now.plus_nanos(HOUSEKEEPING_NANOS);
        self.close(Closing::Quiet(now, self.reporting.quiet.nanos()));
    }

    fn close(&mut self, closing: Closing) {
        let (rules, state) = (&mut self.rules, &mut self.state);
        let asleep = self.reporting.asleep.nanos();
        let before = match closing {
            Closing::End => None,
            Closing::Quiet(now, _) => {
                Some(Timestamp::from_nanos(now.as_nanos().saturating_sub(asleep)))
            }
        };
        self.findings.close_together(before, |findings| {
            for rule in rules {
                rule.close(closing, state, findings);
            }
        });
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
                    payload: Payload::zeros(length),
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
        let sweep = "0 repeat 6 every 1
                       0.0 198.51.100.7.4000 > 192.0.2.{n}.22: S 0 $syn
                       0.1 192.0.2.{n}.22 > 198.51.100.7.4000: R. =0 ack 1
                     end";
        let mut detector = Detector::new(Config::default(), &[]);
        detector.announce_openings();
        let report = trace::run(detector, sweep);
        let ([opening], [finding]) = (&report.openings[..], &report.findings[..]) else {
            panic!("one each: {report:#?}");
        };
        assert_eq!(
            (opening.class, finding.class),
            (Class::PortSweep, Class::PortSweep)
        );
        assert_eq!((opening.targets.len(), finding.targets.len()), (5, 6));
        assert_eq!(opening.detected_frame, 10);
        assert_eq!(opening.detected, finding.detected);
    }

    #[test]
    fn openings_are_told_to_those_who_ask() {
        let flood = "0 repeat 3 every 0.4
                       0 198.51.100.7.{1053+n} > 192.0.2.10.23: S =322286 $syn
                     end";
        let report = trace::run(Detector::new(Config::default(), &[]), flood);
        assert_eq!((report.findings.len(), report.openings.len()), (1, 0));
    }

    /// Tables that a small flood fills.
    const FULL: &str = "
        [memory]
        connections = 64
        waiting = 64
        services = 16
        pairs = 16
        sources = 16
        cases = 8";

    /// Far more strangers than any table holds, whom `stranger` says from a number that is as good as drawn, and one who
    /// asks a closed port now and then among them: what is said of him.
    fn hidden_in(stranger: impl Fn(u32, u32) -> String) -> Report {
        let mut lines = String::new();
        for n in 0..40_000u32 {
            let time = f64::from(n) * 0.001;
            let drawn = (n ^ n >> 7).wrapping_mul(2_654_435_761);
            lines += &format!("{time:.4} {}\n", stranger(n, drawn ^ drawn >> 15));
            if n % 1_000 == 500 {
                let to = format!("192.0.2.20.{}", 100 + n / 1_000);
                let from = format!("203.0.113.7.{}", 20_000 + n / 2);
                lines += &format!("{:.4} {from} > {to}: S 0 $syn\n", time + 0.0002);
                lines += &format!("{:.4} {to} > {from}: R. =0 ack 1\n", time + 0.0004);
            }
        }
        let config = Config::with_overrides(FULL).unwrap();
        trace::run(Detector::new(config, &[]), &lines)
    }

    /// What is said of the one.
    fn blamed(report: &Report) -> Vec<Class> {
        let scanner = "203.0.113.7".parse::<std::net::IpAddr>().unwrap();
        let of_him = report
            .findings
            .iter()
            .filter(|finding| finding.sources == [scanner.into()]);
        of_him.map(|finding| finding.class).collect()
    }

    #[test]
    fn a_flood_that_fills_the_tables_hides_no_scan() {
        let report = hidden_in(|n, drawn| {
            let (a, b) = (drawn >> 8 & 0xff, drawn >> 24);
            let port = 1_024 + n % 60_000;
            format!(
                "198.{}.{a}.{b}.{port} > 192.0.2.10.80: S ={drawn} win 64240 ttl 57",
                18 + n % 2
            )
        });
        assert_eq!(blamed(&report), [Class::ConnectScan]);
        let flooded = |finding: &&Finding| finding.class == Class::SpoofedSynFlood;
        assert_eq!(report.findings.iter().filter(flooded).count(), 1);
        assert!(report.findings.len() <= 3, "{:#?}", report.findings.len());
    }

    #[test]
    fn nor_does_one_over_random_services() {
        let report = hidden_in(|n, drawn| {
            let (a, b, c) = (drawn >> 8 & 0xff, drawn >> 24, drawn & 0xff);
            let (sport, dport) = (1_024 + n % 60_000, drawn % 65_535 + 1);
            format!(
                "198.{}.{a}.{b}.{sport} > 192.0.2.{c}.{dport}: S ={drawn} win 64240 ttl 57",
                18 + n % 2
            )
        });
        assert_eq!(blamed(&report), [Class::ConnectScan]);
    }

    #[test]
    fn nor_does_one_of_datagrams() {
        let report = hidden_in(|n, drawn| {
            let (a, b, c) = (drawn >> 8 & 0xff, drawn >> 24, drawn & 0xff);
            let (sport, dport) = (1_024 + n % 60_000, drawn % 65_535 + 1);
            format!(
                "198.{}.{a}.{b}.{sport} > 192.0.2.{c}.{dport}: udp zeros 9 ttl 57",
                18 + n % 2
            )
        });
        assert_eq!(blamed(&report), [Class::ConnectScan]);
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
        quiet = \"5s\"
        asleep = \"20s\"";

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

//! Truths and alerts in few words.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use labels::{
    AddressBlock, CaptureSummary, Class, Event, EventId, Evidence, Evident, FrameRuns, PortRange,
    Transport, Truth,
};
use scorer::{Alert, Capture, EventGrade, Grade, Options, score};

/// That many milliseconds after the capture began.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_000_000_000_000 + millis).unwrap()
}

pub fn blocks(text: &str) -> Vec<AddressBlock> {
    text.split_whitespace()
        .map(|block| block.parse().unwrap())
        .collect()
}

/// An event from `start` to `end` milliseconds, without frames.
pub fn event(id: u32, class: Class, sources: &str, targets: &str, start: i64, end: i64) -> Event {
    Event {
        id: EventId(id),
        class,
        verdict: class.verdict(),
        tool: None,
        expect: class.verdict().expects(),
        sources: blocks(sources),
        actor: None,
        targets: blocks(targets),
        transport: Transport::Tcp,
        ports: vec![],
        start: at(start),
        end: at(end),
        evident: None,
        packets: 0,
        pace: None,
        techniques: vec![],
        because: vec![],
    }
}

/// A truth of these events and frames (event id of each frame, 0 for background). It lasts an hour.
pub fn truth(seed: u64, events: Vec<Event>, frames: &[u32]) -> Truth {
    let mut runs = FrameRuns::default();
    for id in frames {
        runs.push((*id != 0).then_some(EventId(*id)));
    }
    let packets = runs.total();
    let mut events = events;
    for event in &mut events {
        event.packets = frames
            .iter()
            .filter(|id| **id == event.id.0)
            .map(|_| 1)
            .sum();
    }
    Truth {
        schema: labels::truth::SCHEMA.into(),
        scenario: "case".into(),
        seed,
        sensor: "home".into(),
        parameters: BTreeMap::new(),
        home: vec![],
        capture: CaptureSummary {
            file: format!("case.home.seed{seed}.pcap"),
            sha256: String::new(),
            packets,
            first: Some(at(0)),
            last: Some(at(3_600_000)),
        },
        events,

        background: Vec::new(),
        frames: runs,
    }
}

/// An alert of one moment that names a class and whom.
pub fn alert(class: Class, sources: &str, targets: &str, millis: i64) -> Alert {
    Alert {
        class: Some(class),
        sources: blocks(sources),
        targets: blocks(targets),
        ..Alert::at(at(millis), class.name())
    }
}

/// An alert about a span, raised within or after it.
pub fn spanning(mut alert: Alert, start: i64, end: i64) -> Alert {
    (alert.start, alert.end) = (at(start), at(end));
    alert
}

/// The same alert at a frame of its own.
pub fn at_frame(mut alert: Alert, frame: u64) -> Alert {
    alert.frame = Some(frame);
    alert.frames = vec![frame];
    alert
}

pub fn evidence() -> Vec<Evidence> {
    vec![Evidence {
        fact: "distinct ports".into(),
        observed: "9".into(),
        expected: "fewer than 5".into(),
        frames: vec![1, 2],
    }]
}

pub fn evident(frame: u64) -> Option<Evident> {
    Some(Evident {
        frame,
        rule: "second port".into(),
    })
}

pub fn ports(first: u16, last: u16) -> Vec<PortRange> {
    vec![PortRange::new(first, last).unwrap()]
}

/// crywolf's own, whose stamps are as fine as they look: most tests have only whole seconds.
pub fn fine() -> Options {
    Options {
        resolution: Some(Duration::ZERO),
        ..Options::crywolf()
    }
}

pub fn with_latency(seconds: u64) -> Options {
    Options {
        latency: Duration::from_secs(seconds),
        ..fine()
    }
}

pub fn grade_with(options: &Options, truth: &Truth, alerts: Vec<Alert>) -> Grade {
    score(&[Capture { truth, alerts }], options)
}

/// The grade of crywolf's detector over one capture.
pub fn grade(truth: &Truth, alerts: Vec<Alert>) -> Grade {
    grade_with(&fine(), truth, alerts)
}

pub fn outcome_of(grade: &Grade, id: u32) -> &EventGrade {
    grade
        .events()
        .find(|(_, event)| event.id.0 == id)
        .unwrap()
        .1
}

/// False-alarm incidents.
pub fn false_alarms(grade: &Grade) -> u64 {
    grade.all.false_alarms.incidents
}

//! One million alerts against 100,000 events: the budget is 5 s and 512 MiB.
//!
//! The capture is a site's day: every event has one of 50,000 outside addresses and one of 250 inside, one event in
//! fifty lasts for hours, and one alert in ten fits nothing. Alerts are made as they are pushed, as a reader of a
//! file makes them.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use labels::{
    CaptureSummary, Class, Event, EventId, Evidence, FrameRuns, PortRange, Transport, Truth,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use scorer::{Alert, CaptureScorer, Flows, Grade, Options};

const EVENTS: u32 = 100_000;
const ALERTS: u32 = 1_000_000;
const DAY_MS: u32 = 86_400_000;
const CLASSES: [Class; 6] = [
    Class::SynScan,
    Class::PortSweep,
    Class::PasswordGuessing,
    Class::LbSynProbe,
    Class::SynFloodBackscatter,
    Class::Web,
];

fn below(random: &mut impl Rng, bound: u32) -> u32 {
    random.next_u32() % bound
}

fn at(millis: u32) -> Timestamp {
    Timestamp::from_millisecond(1_000_000_000_000 + i64::from(millis)).expect("within range")
}

fn outside(n: u32) -> IpAddr {
    IpAddr::from(Ipv4Addr::from_bits(0xC612_0000 + n))
}

fn inside(n: u32) -> IpAddr {
    IpAddr::from(Ipv4Addr::from_bits(0xC000_0200 + n))
}

fn class(random: &mut impl Rng) -> Class {
    let drawn = usize::try_from(below(random, 6)).unwrap_or(0);
    CLASSES.get(drawn).copied().unwrap_or(Class::Web)
}

fn event(id: u32, random: &mut impl Rng) -> Event {
    let class = class(random);
    let length = if below(random, 50) == 0 {
        14_400_000
    } else {
        60_000
    };
    let start = below(random, DAY_MS);
    Event {
        id: EventId(id),
        class,
        verdict: class.verdict(),
        tool: None,
        expect: class.verdict().expects(),
        sources: vec![outside(below(random, 50_000)).into()],
        actor: None,
        targets: vec![inside(below(random, 250)).into()],
        transport: Transport::Tcp,
        ports: vec![PortRange::single(80)],
        start: at(start),
        end: at(start + below(random, length)),
        evident: None,
        packets: 20,
        pace: None,
        techniques: vec![],
        because: vec![],
    }
}

fn truth(random: &mut impl Rng) -> Truth {
    let events = (1..=EVENTS).map(|id| event(id, random)).collect();
    let mut frames = FrameRuns::default();
    for frame in 0..EVENTS * 20 {
        frames.push(Some(EventId(1 + frame % EVENTS)));
    }
    Truth {
        schema: labels::truth::SCHEMA.into(),
        scenario: "day".into(),
        seed: 1,
        sensor: "border".into(),
        parameters: BTreeMap::new(),
        home: vec![],
        capture: CaptureSummary {
            file: "day.pcap".into(),
            sha256: String::new(),
            packets: frames.total(),
            first: Some(at(0)),
            last: Some(at(DAY_MS)),
        },
        events,

        background: Vec::new(),
        frames,
    }
}

/// An alert on a random event: by frame, by both addresses, or by one.
fn alert(truth: &Truth, random: &mut impl Rng) -> Alert {
    let drawn = usize::try_from(below(random, EVENTS)).unwrap_or(0);
    let class = class(random);
    let Some(event) = truth.events.get(drawn) else {
        return Alert::at(at(0), class.name());
    };
    let mut alert = Alert::at(event.end, class.name());
    alert.class = Some(class);
    alert.start = event.start;
    alert.transport = Some(event.transport);
    alert.evidence = vec![Evidence {
        fact: "distinct targets".into(),
        observed: "17".into(),
        expected: "fewer than 10 in a minute".into(),
        frames: vec![1, 2, 3],
    }];
    match below(random, 10) {
        0 => alert.sources = vec![outside(60_000 + below(random, 5_000)).into()],
        1 | 2 => alert.targets = event.targets.clone(),
        3 | 4 => {
            let frame = u64::from(event.id.0) + 5 * u64::from(EVENTS);
            alert.frames = vec![frame];
            alert.frame = Some(frame);
        }
        _ => {
            alert.sources = event.sources.clone();
            alert.targets = event.targets.clone();
        }
    }
    alert
}

fn score_a_day(criterion: &mut Criterion) {
    let truth = truth(&mut ChaCha8Rng::seed_from_u64(1));
    let (flows, options) = (Flows::new(), Options::crywolf());
    let mut group = criterion.benchmark_group("score");
    group.sample_size(10);
    group.bench_function("a million alerts, 100,000 events", |bencher| {
        bencher.iter(|| {
            let mut random = ChaCha8Rng::seed_from_u64(2);
            let mut scorer = CaptureScorer::new(&truth, &flows, &options);
            for _ in 0..ALERTS {
                scorer.push(alert(&truth, &mut random));
            }
            black_box(Grade::new(vec![scorer.finish()], &options))
        });
    });
    group.finish();
}

criterion_group!(benches, score_a_day);
criterion_main!(benches);

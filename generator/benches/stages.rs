//! How long the stages of a simulation take: draws, a flood, connections with and without payload. Captures go nowhere.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use generator::seed::{Pins, SeedTree};
use generator::{Catalogue, Request, Scenario, simulate};

/// A flood of so many packets towards a host that answers nothing.
const FLOOD: u64 = 100_000;
/// Ports of a scan; each probe is a SYN and a reset.
const PORTS: u64 = 10_000;

const WORLD: &str = r#"
title = "A measurement"
summary = "For measurements."
source = "generator/benches/stages.rs"
start = "2024-05-14T10:00:00Z"
duration = "60s"
site.outside.prefixes = ["198.51.100.0/24"]
site.home.prefixes = ["192.0.2.0/24"]
path.internet = { between = ["outside", "home"], delay = "5ms" }
host.caller = { site = "outside", address = "198.51.100.66", stack = "linux-6" }
sensor.home.site = "home"
"#;

fn scenario(id: &str, family: &str, rest: &str) -> Option<Scenario> {
    let text = format!("id = \"{id}\"\nfamily = \"{family}\"\n{WORLD}{rest}");
    let catalogue = Catalogue::built_in().ok()?;
    let file = catalogue.read(id, &text);
    assert!(
        file.is_ok(),
        "{id}: {}",
        file.map_or_else(|error| error.to_string(), |_| String::new())
    );
    let request = Request {
        seed: 1,
        ..Request::default()
    };
    catalogue
        .read(id, &text)
        .ok()?
        .resolve(&request, catalogue.stacks())
        .ok()
}

fn packets(scenario: &Scenario) -> u64 {
    let recordings = simulate(scenario, 1, false, |_| Some(std::io::sink()));
    let recording = recordings.ok().and_then(|mut all| all.pop());
    recording.map_or(0, |recording| recording.into_truth().1.capture.packets)
}

fn draws(c: &mut Criterion) {
    let mut group = c.benchmark_group("seed");
    group.throughput(Throughput::Elements(1));
    let tree = SeedTree::new(1, Pins::new());
    let mut draws = tree.draws("bench");
    group.bench_function("word", |b| b.iter(|| draws.word()));
    group.bench_function("range", |b| b.iter(|| draws.range(black_box(0..=999))));
    group.bench_function("exponential", |b| {
        b.iter(|| draws.exponential(black_box(1_000_000)))
    });
    group.bench_function("a stream of its own", |b| {
        b.iter(|| {
            SeedTree::new(black_box(1), Pins::new())
                .draws("host/client/tcp/isn")
                .word()
        });
    });
    group.finish();
}

fn worlds(c: &mut Criterion) {
    let quiet = r#"host.target = { site = "home", address = "192.0.2.23", stack = "linux-6", ports = "filtered" }"#;
    let closed = r#"host.target = { site = "home", address = "192.0.2.23", stack = "linux-6" }"#;
    let web = r#"host.target = { site = "home", address = "192.0.2.23", stack = "linux-6", service.http = { app = "http", body = "20000..150000" } }"#;
    let flood = format!(
        "{quiet}\nactivity.a = {{ tool = \"syn-flood\", from = \"caller\", to = \"target\", ports = 80, \
         sources = [\"198.18.0.0/15\"], gap = \"500000/s\", count = {FLOOD}, class = \"spoofed-syn-flood\" }}"
    );
    let scan = format!(
        "{closed}\nactivity.a = {{ tool = \"connect-scan\", from = \"caller\", to = \"target\", \
         ports = \"1-{PORTS}\", gap = \"100us\", class = \"connect-scan\" }}"
    );
    let sessions = format!(
        "{web}\nactivity.a = {{ app = \"http\", from = \"caller\", to = \"target\", every = \"1s\", class = \"web\" }}"
    );
    let mut group = c.benchmark_group("world");
    group.sample_size(10);
    for (id, family, rest) in [
        ("flood", "flood", flood),
        ("connect-scan", "port-scan", scan),
        ("sessions", "session", sessions),
    ] {
        let Some(scenario) = scenario(id, family, &rest) else {
            continue;
        };
        group.throughput(Throughput::Elements(packets(&scenario)));
        group.bench_function(id, |b| b.iter(|| packets(black_box(&scenario))));
    }
    group.finish();
}

criterion_group!(benches, draws, worlds);
criterion_main!(benches);

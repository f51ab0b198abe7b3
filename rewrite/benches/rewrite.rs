//! How long rewriting takes a frame, by what is to be changed.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rewrite::{AddressMap, Checksums, Oversize, Rewrite, RewriteError, Rewriter};
use wire::capture::Record;
use wire::{Frame, LinkType, Timestamp};

fn frame(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let frame: Frame = line.parse().expect("a frame in the notation");
    frame.emit(&mut bytes);
    bytes.resize(bytes.len().max(60), 0);
    bytes
}

fn mapping() -> Rewrite {
    let maps = [
        "192.0.2.0/24=10.1.0.0/16",
        "198.51.100.0/24=10.2.0.0/16",
        "2001:db8::/32=fd00::/24",
    ];
    let maps: Result<Vec<AddressMap>, RewriteError> = maps.iter().map(|map| map.parse()).collect();
    let maps = maps.expect("maps as users write them");
    Rewrite {
        addresses: maps,
        ..Rewrite::default()
    }
}

fn rewrite(c: &mut Criterion) {
    let syn = frame("192.0.2.57.1057 > 198.51.100.21.21: S 1 win 8192 <mss 1460>");
    let full = frame("192.0.2.57.1057 > 198.51.100.21.21: . 1 ack 1 win 8192 zeros 1460");
    let v6 = frame("2001:db8::1.1057 > 2001:db8::2.21: S 1 win 8192 <mss 1440>");
    // The quoted SYN begins behind the header of its IP packet.
    let quoted: String = syn
        .iter()
        .skip(14)
        .take(28)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let error = frame(&format!(
        "198.51.100.21 > 192.0.2.57: icmp 3/3 hex {quoted}"
    ));
    let unique = Rewrite {
        unique: true,
        passes: 8,
        ..mapping()
    };
    let fix = Rewrite {
        checksums: Checksums::Fix,
        ..mapping()
    };
    let fragment = Rewrite {
        mtu: 576,
        oversize: Oversize::Fragment,
        ..Rewrite::default()
    };
    let mut group = c.benchmark_group("rewrite");
    group.throughput(Throughput::Elements(1));
    for (name, plan, frame) in [
        ("nothing, 60 bytes", Rewrite::default(), &syn),
        ("addresses, 60 bytes", mapping(), &syn),
        ("addresses by pass, 60 bytes", unique, &syn),
        ("addresses of IPv6, 78 bytes", mapping(), &v6),
        ("addresses in a quote, 70 bytes", mapping(), &error),
        ("addresses, 1514 bytes", mapping(), &full),
        ("addresses and sums anew, 1514 bytes", fix, &full),
        ("three fragments, 1514 bytes", fragment, &full),
    ] {
        let mut rewriter = Rewriter::new(plan).expect("a plan that can be carried out");
        let record = Record {
            time: Timestamp::ZERO,
            link_type: LinkType::ETHERNET,
            original_length: frame.len(),
            bytes: frame,
        };
        group.bench_function(name, |b| {
            b.iter(|| {
                let rewritten = rewriter.rewrite(black_box(&record), black_box(3));
                rewritten.map_or(0, |rewritten| {
                    rewritten.frames().map(<[u8]>::len).sum::<usize>()
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rewrite);
criterion_main!(benches);

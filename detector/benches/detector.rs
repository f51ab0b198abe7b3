//! How long a frame takes from bytes to what the rules make of it, by kind of traffic.

use std::net::Ipv4Addr;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use detector::{Config, Detector};
use wire::{
    Flags, Ip, Ipv4, Link, LinkType, Options, Packet, Payload, Segment, Tcp, TcpOption, Timestamp,
};

const FRAMES: u32 = 200_000;

fn frame(
    from: (Ipv4Addr, u16),
    to: (Ipv4Addr, u16),
    flags: Flags,
    seq: u32,
    len: usize,
) -> Vec<u8> {
    let packet = Packet {
        ip: Ip::V4(Ipv4::new(from.0, to.0)),
        segment: Segment::Tcp(Tcp {
            sequence: seq,
            window: 8192,
            options: Options::new([TcpOption::Mss(1460)]),
            ..Tcp::new(from.1, to.1, flags)
        }),
        payload: Payload::zeros(len),
    };
    let mut bytes = Vec::new();
    packet.emit_frame(&Link::default(), &mut bytes);
    bytes
}

fn port(number: u32) -> u16 {
    u16::try_from(number % 60_000).unwrap_or(0) + 1024
}

/// SYNs to one service, each from another address of the prefix.
fn flood(base: u32, mask: u32) -> Vec<Vec<u8>> {
    let victim = Ipv4Addr::new(203, 0, 113, 10);
    (0..FRAMES)
        .map(|n| {
            let random = n.wrapping_mul(2_654_435_761).rotate_left(13);
            let source = Ipv4Addr::from(base | random & mask);
            frame((source, port(random)), (victim, 80), Flags::SYN, random, 0)
        })
        .collect()
}

/// A scan of many ports of 64 hosts, each refused.
fn scan() -> Vec<Vec<u8>> {
    let scanner = Ipv4Addr::new(198, 51, 100, 7);
    (0..FRAMES / 2)
        .flat_map(|n| {
            let host = Ipv4Addr::from(0xc000_0200 + n % 64);
            let there = (host, port(n / 64));
            let here = (scanner, port(n));
            [
                frame(here, there, Flags::SYN, n * 77, 0),
                frame(there, here, Flags::RST | Flags::ACK, 0, 0),
            ]
        })
        .collect()
}

/// Sessions of a hundred segments, many at a time.
fn sessions() -> Vec<Vec<u8>> {
    let (ack, push) = (Flags::ACK, Flags::ACK | Flags::PSH);
    (0..FRAMES)
        .map(|n| {
            let (round, session) = (n / 1000 % 100, n % 1000 + 1000 * (n / 100_000));
            let client = (Ipv4Addr::from(0x0a00_0000 + session % 200), port(session));
            let server = (Ipv4Addr::from(0xc633_6400 + session % 50), 443);
            match round {
                0 => frame(client, server, Flags::SYN, session * 99, 0),
                1 => frame(server, client, Flags::SYN | ack, 5, 0),
                2 => frame(client, server, ack, session * 99 + 1, 0),
                3 => frame(client, server, push, session * 99 + 1, 400),
                _ => frame(server, client, push, 6, 900),
            }
        })
        .collect()
}

fn detect(c: &mut Criterion) {
    let mut group = c.benchmark_group("detect");
    group.throughput(Throughput::Elements(u64::from(FRAMES)));
    group.sample_size(10);
    let traffic = [
        ("flood from a /15", flood(0xc612_0000, 0x1_ffff)),
        ("flood from a /24", flood(0xc612_0000, 0xff)),
        ("flood from anywhere", flood(0, u32::MAX)),
        ("scan of 64 hosts", scan()),
        ("sessions", sessions()),
    ];
    for (name, frames) in &traffic {
        group.bench_function(*name, |b| {
            b.iter_batched(
                || Detector::new(Config::default(), &[]),
                |mut detector| {
                    for (number, bytes) in (1..).zip(frames) {
                        let time = Timestamp::from_nanos(number * 10_000);
                        detector.observe(number, time, LinkType::ETHERNET, bytes, bytes.len());
                    }
                    detector.finish().findings.len()
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, detect);
criterion_main!(benches);

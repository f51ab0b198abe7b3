//! How long a frame takes: decoding, emitting, writing to and reading from a capture.

use std::hint::black_box;
use std::net::Ipv4Addr;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use wire::capture::{CaptureReader, CaptureWriter};
use wire::{
    Flags, Ip, Ipv4, Layers, Link, LinkType, Options, Packet, Payload, Segment, Tcp, TcpOption,
    Timestamp,
};

const FRAMES: u64 = 10_000;

fn syn(number: u32) -> Packet {
    let source = Ipv4Addr::from(0xc612_0000 | (number.wrapping_mul(2_654_435_761) & 0x1_ffff));
    Packet {
        ip: Ip::V4(Ipv4::new(source, Ipv4Addr::new(192, 0, 2, 1))),
        segment: Segment::Tcp(Tcp {
            options: Options::new([TcpOption::Mss(1460)]),
            ..Tcp::new(1024, 80, Flags::SYN)
        }),
        payload: Payload::EMPTY,
    }
}

fn padded(number: u32) -> Vec<u8> {
    let mut frame = Vec::new();
    syn(number).emit_frame(&Link::default(), &mut frame);
    frame.resize(60, 0);
    frame
}

fn capture() -> Vec<u8> {
    let mut writer = CaptureWriter::new(Vec::new());
    for number in 0..10_000 {
        let time = Timestamp::from_nanos(u64::from(number) * 1_000);
        let written = writer.record(time, |out| out.extend_from_slice(&padded(number)));
        assert!(written.is_ok());
    }
    writer.finish().unwrap_or_default()
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    let frame = padded(1);
    group.bench_function("60-byte frame", |b| {
        b.iter(|| {
            let layers = Layers::decode(LinkType::ETHERNET, black_box(&frame));
            (layers.ports(), layers.addresses())
        });
    });
    group.finish();
}

fn emit(c: &mut Criterion) {
    let mut group = c.benchmark_group("emit");
    group.throughput(Throughput::Elements(1));
    let packet = syn(1);
    let mut out = Vec::with_capacity(2000);
    group.bench_function("58-byte frame", |b| {
        b.iter(|| {
            out.clear();
            black_box(&packet).emit_frame(&Link::default(), &mut out);
            out.len()
        });
    });
    group.finish();
}

fn captures(c: &mut Criterion) {
    let mut group = c.benchmark_group("capture");
    group.throughput(Throughput::Elements(FRAMES));
    let file = capture();
    group.bench_function("read", |b| {
        b.iter_batched(
            || CaptureReader::new(file.as_slice()),
            |reader| {
                let mut bytes = 0;
                if let Ok(mut reader) = reader {
                    while let Ok(Some(record)) = reader.next() {
                        bytes += record.bytes.len();
                    }
                }
                bytes
            },
            BatchSize::LargeInput,
        );
    });
    let packet = syn(1);
    group.bench_function("emit and write", |b| {
        b.iter(|| {
            let mut writer = CaptureWriter::new(std::io::sink());
            for number in 0..FRAMES {
                let time = Timestamp::from_nanos(number * 1_000);
                let written = writer.record(time, |out| packet.emit_frame(&Link::default(), out));
                assert!(written.is_ok());
            }
            writer.records()
        });
    });
    group.finish();
}

criterion_group!(benches, decode, emit, captures);
criterion_main!(benches);

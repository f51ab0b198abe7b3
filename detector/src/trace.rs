//! Frames for tests, one a line, and what the detector makes of them.
//!
//! `TIME SOURCE:PORT > TARGET:PORT FLAGS [seq N] [ack N] [len N] [win N] [ttl N] [bare]`: times in seconds, flags as
//! tcpdump prints them; SYNs have the options of a present-day stack unless they are `bare`. `udp` in place of the flags
//! is a datagram; `say` and the words of its payload end a line. `TIME ROUTER > TARGET unreachable|exceeded` quotes the frame of the line before it that is named by
//! `of N` (counted from 1).

use std::net::{Ipv4Addr, SocketAddrV4};

use labels::{Class, Finding};
use wire::{
    Flags, Icmp, Ip, Ipv4, Link, LinkType, Options, Packet, Payload, Segment, Tcp, TcpOption,
    Timestamp, Trace, Udp, icmp,
};

use crate::{Config, Detector, Report};

/// The findings on a trace.
pub(crate) fn findings(lines: &str) -> Vec<Finding> {
    findings_at_home(lines, &[])
}

/// The same, with home networks known.
pub(crate) fn findings_at_home(lines: &str, home: &[&str]) -> Vec<Finding> {
    let home: Vec<_> = home.iter().map(|net| net.parse().unwrap()).collect();
    run(Detector::new(Config::default(), &home), lines).findings
}

/// The same, with other thresholds.
pub(crate) fn findings_with(lines: &str, thresholds: &str) -> Vec<Finding> {
    let config = Config::with_overrides(thresholds).unwrap();
    run(Detector::new(config, &[]), lines).findings
}

/// What a detector says of a trace.
pub(crate) fn run(detector: Detector, lines: &str) -> Report {
    shown(detector, frames(lines))
}

/// What a detector says of a trace in the notation of `wire`.
pub(crate) fn detected(detector: Detector, trace: &Trace) -> Report {
    let frames = trace.frames().unwrap_or_else(|error| panic!("{error}"));
    let frames = frames.into_iter().map(|(at, frame)| {
        let mut bytes = Vec::new();
        frame.emit(&mut bytes);
        (START.plus_nanos(at), bytes)
    });
    shown(detector, frames)
}

/// When traces begin.
const START: Timestamp = Timestamp::from_nanos(1_000_000_000_000);

fn shown(mut detector: Detector, frames: impl IntoIterator<Item = (Timestamp, Vec<u8>)>) -> Report {
    for ((time, bytes), number) in frames.into_iter().zip(1..) {
        detector.observe(number, time, LinkType::ETHERNET, &bytes, bytes.len());
    }
    let report = detector.finish();
    for finding in &report.findings {
        // Reading checks what a finding must hold.
        assert_eq!(&Finding::from_json(&finding.to_json()).unwrap(), finding);
    }
    report
}

/// The classes of the findings on a trace.
pub(crate) fn classes(lines: &str) -> Vec<Class> {
    findings(lines)
        .iter()
        .map(|finding| finding.class)
        .collect()
}

/// Lines made of a pattern: `{}` is the number, `{t}` the time, `{p}` the number plus 20000.
pub(crate) fn repeat(count: u32, every: f64, pattern: &str) -> String {
    (0..count)
        .map(|n| {
            let line = pattern
                .replace("{}", &n.to_string())
                .replace("{p}", &(20_000 + n).to_string());
            format!("{:.6} {line}\n", f64::from(n) * every)
        })
        .collect()
}

/// Two traces as one, in the order of their times.
pub(crate) fn merge(a: &str, b: &str) -> String {
    let time = |line: &str| -> f64 { line.split_whitespace().next().unwrap().parse().unwrap() };
    let mut lines: Vec<&str> = a
        .lines()
        .chain(b.lines())
        .filter(|l| !l.trim().is_empty())
        .collect();
    lines.sort_by(|a, b| time(a).total_cmp(&time(b)));
    lines.join("\n")
}

fn frames(lines: &str) -> Vec<(Timestamp, Vec<u8>)> {
    let mut packets: Vec<Packet> = Vec::new();
    let mut frames = Vec::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (seconds, packet) = packet(&words, &packets);
        let mut bytes = Vec::new();
        packet.emit_frame(&Link::default(), &mut bytes);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a test's time"
        )]
        let time = Timestamp::from_nanos(1_000_000_000_000 + (seconds * 1e9) as u64);
        frames.push((time, bytes));
        packets.push(packet);
    }
    frames
}

fn packet(words: &[&str], before: &[Packet]) -> (f64, Packet) {
    let seconds = words[0].parse().unwrap();
    let number = |key: &str| -> Option<u32> {
        let at = words.iter().position(|word| *word == key)?;
        Some(words[at + 1].parse().unwrap())
    };
    if matches!(words[4], "unreachable" | "exceeded") {
        let (from, to): (Ipv4Addr, Ipv4Addr) =
            (words[1].parse().unwrap(), words[3].parse().unwrap());
        let mut quoted = Vec::new();
        let cause = usize::try_from(number("of").unwrap()).unwrap();
        before[cause - 1].emit(&mut quoted);
        quoted.truncate(28);
        let kind = if words[4] == "exceeded" {
            Icmp::new(icmp::TIME_EXCEEDED, 0)
        } else {
            Icmp::new(icmp::UNREACHABLE, icmp::PORT)
        };
        let packet = Packet {
            ip: Ip::V4(Ipv4::new(from, to)),
            segment: Segment::Icmp(kind),
            payload: Payload::new(quoted),
        };
        return (seconds, packet);
    }
    let (from, to): (SocketAddrV4, SocketAddrV4) =
        (words[1].parse().unwrap(), words[3].parse().unwrap());
    let mut ip = Ipv4::new(*from.ip(), *to.ip());
    ip.ttl = number("ttl").map_or(57, |ttl| u8::try_from(ttl).unwrap());
    let length = usize::try_from(number("len").unwrap_or(0)).unwrap();
    let segment = if words[4] == "udp" {
        Segment::Udp(Udp::new(from.port(), to.port()))
    } else {
        let flags: Flags = words[4].parse().unwrap();
        let mut tcp = Tcp::new(from.port(), to.port(), flags);
        tcp.sequence = number("seq").unwrap_or(7_000 + u32::from(from.port()) * 3);
        tcp.acknowledgment = number("ack").unwrap_or(0);
        tcp.window = u16::try_from(number("win").unwrap_or(64_240)).unwrap();
        if flags.contains(Flags::SYN) && !words.contains(&"bare") {
            tcp.options = Options::new([
                TcpOption::Mss(1460),
                TcpOption::SackPermitted,
                TcpOption::Timestamps(1, 0),
                TcpOption::NoOperation,
                TcpOption::WindowScale(7),
            ]);
        }
        Segment::Tcp(tcp)
    };
    let packet = Packet {
        ip: Ip::V4(ip),
        segment,
        payload: match words.iter().position(|word| *word == "say") {
            Some(at) => Payload::new(format!("{}\r\n", words[at + 1..].join(" ")).into_bytes()),
            None => Payload::Zeros(length),
        },
    };
    (seconds, packet)
}

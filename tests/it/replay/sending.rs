//! What arrives, and when.

use std::collections::BTreeMap;
use std::fs;

use labels::Truth;
use wire::Timestamp;
use wire::capture::CaptureWriter;

use super::bench::{Bench, LAB, bytes_of, code, frames, said, text, udp};

#[test]
fn frames_arrive_as_they_were_captured_in_their_order_and_never_early() {
    let Some(bench) = Bench::make() else { return };
    for (id, sensor, options, speed) in [
        ("syn-scan", "victim", "--speed 40", 40),
        ("ftp-session", "client", "--speed 400 --gap-cap 20s", 0),
        ("connect-scan", "victim", "--top", 0),
        ("connect-scan", "victim", "--top --xdp", 0),
    ] {
        let capture = bench.scenario(id, sensor);
        let sent = frames(&capture);
        let recorder = bench.record("far", sent.len());
        let told = bench.replayed(&capture, &format!("--interface near {options}"));
        let arrived = recorder.finish();
        assert!(
            bytes_of(&arrived) == bytes_of(&sent),
            "{id} {options}: the frames differ"
        );
        let count = sent.len() as u64;
        for figure in [&told["accepted"], &told["interface"]["passed"]] {
            assert_eq!(figure["frames"], count, "{id} {options}: {told:#}");
        }
        assert_eq!(told["interface"]["dropped"], 0);
        let offset = |frames: &[(u64, Vec<u8>)], nth: usize| frames[nth].0 - frames[0].0;
        for nth in 0..sent.len() {
            let due = offset(&sent, nth).checked_div(speed).unwrap_or_default();
            // The wall clock, which stamps frames, may be slewed meanwhile: up to 500 millionths.
            let at_least = due - due / 1000;
            // When the first one left is known to some microseconds.
            assert!(
                offset(&arrived, nth) + 20_000 >= at_least,
                "{id}: frame {nth} is early"
            );
        }
    }
}

#[test]
fn every_sink_keeps_every_pace() {
    const MS: u64 = 1_000_000;
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    let even = bench.capture_of("even.pcap", (0..60).map(|port| udp(LAB, port)), 10_000);
    bench.ip("tuntap add old0 mode tap");
    bench.ip("link set old0 up");
    for (sink, listened) in [
        ("--interface near", "far"),
        ("--interface near --precise", "far"),
        ("--interface near --xdp", "far"),
        ("--interface near --queues 1 --xdp --precise", "far"),
        ("--tap old0", "old0"),
    ] {
        for (pace, gap) in [
            ("", 10 * MS),
            ("--speed 4", 5 * MS / 2),
            ("--pps 400", 5 * MS / 2),
            // 60 bytes are 480 bits.
            ("--mbps 0.096", 5 * MS),
        ] {
            let recorder = bench.record(listened, 60);
            let told = bench.replayed(&even, &format!("{sink} {pace}"));
            let arrived = recorder.finish();
            assert_eq!(told["accepted"]["frames"], 60, "{sink} {pace}");
            for (nth, (at, _)) in (0..).zip(&arrived) {
                let due = nth * gap;
                // The wall clock, which stamps frames, may be slewed; when the first one left is known to some microseconds.
                let at_least = due - due / 1000;
                let offset = at - arrived[0].0;
                assert!(
                    offset + 20_000 >= at_least,
                    "{sink} {pace}: frame {nth} is early"
                );
            }
            // However busy the machine: frames that are late do not delay those after them.
            let seconds = told["seconds"].as_f64().unwrap();
            let lasts = 59.0 * (gap as f64) / 1e9;
            assert!(seconds >= lasts * 0.99, "{sink} {pace}: {seconds}");
            assert_eq!(told["out_of_order"], 0, "{told:#}");
        }
    }
}

#[test]
fn several_threads_send_each_frame_once_and_conversations_in_order() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.scenario("connect-scan", "victim");
    let sent = frames(&capture);
    for options in [
        "--interface near --queues 2",
        "--interface near --queues 1 --loop 2",
    ] {
        let passes = if options.contains("loop") { 2 } else { 1 };
        let recorder = bench.record("far", sent.len() * passes);
        bench.replayed(&capture, &format!("--top {options}"));
        let arrived = recorder.finish();
        let sorted = |frames: &[(u64, Vec<u8>)], times: usize| {
            let mut all: Vec<Vec<u8>> = Vec::new();
            (0..times).for_each(|_| all.extend(frames.iter().map(|(_, bytes)| bytes.clone())));
            all.sort();
            all
        };
        assert!(sorted(&arrived, 1) == sorted(&sent, passes), "{options}");
        if passes == 1 {
            assert!(connections(&arrived) == connections(&sent), "{options}");
        }
    }
}

/// The TCP segments of each connection, in their order, by its two ends.
fn connections(frames: &[(u64, Vec<u8>)]) -> BTreeMap<[Vec<u8>; 2], Vec<&[u8]>> {
    let mut connections: BTreeMap<_, Vec<&[u8]>> = BTreeMap::new();
    let is_tcp = |bytes: &&[u8]| bytes[12..15] == [8, 0, 0x45] && bytes[23] == 6;
    for bytes in frames.iter().map(|(_, bytes)| &bytes[..]).filter(is_tcp) {
        let mut ends = [
            [&bytes[26..30], &bytes[34..36]].concat(),
            [&bytes[30..34], &bytes[36..38]].concat(),
        ];
        ends.sort();
        connections.entry(ends).or_default().push(bytes);
    }
    connections
}

#[test]
fn bounds_end_a_run() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.capture("lab.pcap", LAB, 100, 10_000);
    let told = bench.replayed(&capture, "--interface near --top --loop 5 --limit 230");
    assert_eq!(
        (&told["accepted"]["frames"], &told["end"]),
        (&230.into(), &"bound".into())
    );
    for (limit, end) in [(99, "bound"), (100, "complete"), (101, "complete")] {
        let options = format!("--interface near --top --limit {limit}");
        let told = bench.replayed(&capture, &options);
        assert_eq!(told["end"], end, "{limit}");
        assert_eq!(told["accepted"]["frames"], limit.min(100), "{limit}");
    }
    let told = bench.replayed(&capture, "--interface near --loop 900000 --limit 10");
    assert_eq!(told["accepted"]["frames"], 10);
    let told = bench.replayed(&capture, "--interface near --duration 200ms");
    assert_eq!(told["end"], "bound");
    assert!(
        told["accepted"]["frames"].as_u64().unwrap() <= 20,
        "{told:#}"
    );
    let told = bench.replayed(
        &capture,
        "--interface near --top --start-at 500ms --max-pps 1000",
    );
    assert_eq!(told["accepted"]["frames"], 50);
    assert!(told["seconds"].as_f64().unwrap() >= 0.03, "{told:#}");
}

#[test]
fn frames_are_rewritten_on_the_way_and_the_truth_with_them() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.scenario("syn-scan", "victim");
    let count = frames(&capture).len();
    let recorder = bench.record("far", count * 2);
    let live = bench.path("live.truth.json");
    let options = format!(
        "--interface near --top --loop 2 --unique --map 192.0.2.0/24=10.1.0.0/16 --map 198.51.100.0/24=10.2.0.0/16 \
         --vlan 7 --source-mac 02:00:00:00:00:aa --truth-out {}",
        text(&live)
    );
    let told = bench.replayed(&capture, &options);
    assert_eq!(told["accepted"]["frames"], 2 * count as u64);
    for (nth, (_, bytes)) in recorder.finish().iter().enumerate() {
        assert_eq!(bytes[6..12], [2, 0, 0, 0, 0, 0xaa]);
        let layers = wire::Layers::decode(wire::LinkType::ETHERNET, bytes);
        assert_eq!(layers.link.vlan, Some(7));
        assert!(layers.checksum_anomalies().is_empty(), "frame {nth}");
        let (source, destination) = layers.addresses().unwrap();
        let pass = nth / count;
        for address in [source, destination] {
            let text = address.to_string();
            let expected = [format!("10.1.{pass}."), format!("10.2.{pass}.")];
            assert!(
                expected.iter().any(|prefix| text.starts_with(prefix)),
                "frame {nth}: {text}"
            );
        }
    }
    let before = bench.path("syn-scan.victim.seed1.truth.json");
    let before = Truth::from_json(&fs::read_to_string(before).unwrap()).unwrap();
    let live = Truth::from_json(&fs::read_to_string(live).unwrap()).unwrap();
    assert_eq!(live.capture.packets, 2 * count as u64);
    assert_eq!(live.events.len(), 2 * before.events.len());
    let first = live.capture.first.unwrap();
    assert_eq!(
        told["first"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap(),
        first
    );
    for event in &live.events {
        assert!(event.start >= first && event.end >= event.start);
        assert!(
            event
                .sources
                .iter()
                .all(|block| block.to_string().starts_with("10."))
        );
    }
}

#[test]
fn bad_captures_are_told_and_what_was_good_is_sent() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.capture("lab.pcap", LAB, 10, 10);
    let whole = fs::read(&capture).unwrap();
    let cut = bench.path("cut.pcap");
    fs::write(&cut, &whole[..whole.len() - 7]).unwrap();
    let output = bench
        .replay(&cut, "--interface near --top")
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(2), "{}", said(&output));
    for part in ["sent       9 frames", "cut.pcap", "record 10"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
    let wireless = bench.path("wireless.pcap");
    let mut bytes = whole.clone();
    bytes[20..24].copy_from_slice(&105_u32.to_le_bytes());
    fs::write(&wireless, bytes).unwrap();
    bench.refused(&wireless, "--interface near", &["IEEE802_11", "105"]);
    fs::write(bench.path("empty.pcap"), &whole[..24]).unwrap();
    bench.refused(
        &bench.path("empty.pcap"),
        "--interface near",
        &["no frame is left"],
    );
    bench.refused(&bench.path("none.pcap"), "--interface near", &["none.pcap"]);
    bench.ip("link set near mtu 100");
    let large = bench.path("large.pcap");
    let mut writer = CaptureWriter::new(Vec::new());
    let frame = [&udp(LAB, 1)[..12], b"\x08\x06", &[0; 200]].concat();
    writer
        .record(Timestamp::ZERO, |out| out.extend_from_slice(&frame))
        .unwrap();
    fs::write(&large, writer.finish().unwrap()).unwrap();
    bench.refused(&large, "--interface near", &["--oversize", "100"]);
}

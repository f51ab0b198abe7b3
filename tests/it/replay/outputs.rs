//! What is refused before anything is sent, and where outputs go.

use std::fs;

use labels::Truth;
use serde_json::Value;
use wire::Timestamp;
use wire::capture::CaptureWriter;

use super::bench::{Bench, LAB, code, frames, said, text, udp};

#[test]
fn what_cannot_end_well_is_refused_before_anything_is_sent() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.scenario("syn-scan", "victim");
    bench.scenario("syn-flood", "forged");
    let other = bench.path("syn-flood.forged.seed1.truth.json");
    let (missing, here) = (bench.path("none/a.json"), bench.path("a.json"));
    let refused = |options: &str, parts: &[&str]| {
        bench.refused(&capture, &format!("--interface near {options}"), parts);
    };
    for option in ["--json", "--truth-out"] {
        refused(&format!("{option} {}", text(&missing)), &["folder", "none"]);
    }
    let both = format!("--json {0} --truth-out {0}", text(&here));
    refused(&both, &["same file"]);
    refused("--json - --truth-out -", &["same file"]);
    let wrong = format!("--truth {} --truth-out {}", text(&other), text(&here));
    refused(&wrong, &["syn-flood.forged.seed1.pcap", "64", "--truth"]);
    refused("--top --loop 10000000", &["bounded-total", "--limit"]);
    refused("--persist", &["--persist", "--tap"]);
    for options in ["--tap new0 --xdp", "--null --xdp"] {
        bench.refused(&capture, options, &["--xdp", "--interface"]);
    }
    for name in ["lab%d", "a/b", "a-name-beyond-15"] {
        bench.refused(&capture, &format!("--tap {name}"), &["1 to 15 bytes"]);
    }
    let output = bench
        .replay(&capture, "--tap new0 --mtu 65522")
        .output()
        .unwrap();
    assert!(said(&output).contains("65521"), "{}", said(&output));
}

#[test]
fn outputs_follow_links_and_the_truth_can_go_to_standard_output() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.scenario("syn-scan", "victim");
    let link = bench.path("link.json");
    std::os::unix::fs::symlink(bench.path("behind.json"), &link).unwrap();
    fs::write(bench.path("behind.json"), "").unwrap();
    let options = format!("--null --top --truth-out - --json {}", text(&link));
    let output = bench.replay(&capture, &options).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", said(&output));
    let live = Truth::from_json(std::str::from_utf8(&output.stdout).unwrap()).unwrap();
    assert_eq!(live.capture.packets, frames(&capture).len() as u64);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let told: Value =
        serde_json::from_slice(&fs::read(bench.path("behind.json")).unwrap()).unwrap();
    assert_eq!(told["schema"], "crywolf.replay/1");
}

#[test]
fn frames_that_the_other_end_of_a_pair_does_not_take_end_the_run() {
    let Some(bench) = Bench::make() else { return };
    bench.ip("link set near mtu 9000");
    let large = bench.path("large.pcap");
    let mut writer = CaptureWriter::new(Vec::new());
    let frame = [&udp(LAB, 1)[..12], b"\x08\x06", &[0; 4000]].concat();
    writer
        .record(Timestamp::ZERO, |out| out.extend_from_slice(&frame))
        .unwrap();
    fs::write(&large, writer.finish().unwrap()).unwrap();
    let output = bench
        .replay(&large, "--allow-unreadable --interface near")
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(1), "{}", said(&output));
    for part in ["near takes no more frames", "MTU"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
}

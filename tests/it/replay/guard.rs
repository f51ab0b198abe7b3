//! Where nothing goes, and with whose rights.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::bench::{Bench, LAB, code, said, text, udp};
use crate::namespaces::{is_root, signal};
use crate::tools::has;

#[test]
fn nothing_is_sent_where_it_must_not_go() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.capture("lab.pcap", LAB, 50, 10);
    for line in [
        "link add bridge0 multicast off type bridge",
        "link add bridge1 multicast off type bridge",
        "link set bridge0 up",
        "link set bridge1 up",
        "link add outside type ifb",
        "link add near2 type veth peer name far2",
        "link add near3 type veth peer name far3",
        "link add alone type veth peer name alone2",
        "link set alone2 up",
        "link set far2 master bridge0 up",
        "link set near2 up",
        "link set near3 up",
        "link set far3 master bridge1 up",
        "link set outside master bridge0 up",
        "address add 192.0.2.9/24 dev near3",
        "route add default via 192.0.2.1 dev near3",
    ] {
        bench.ip(line);
    }
    let refused = |options: &str, parts: &[&str]| bench.refused(&capture, options, parts);
    refused(
        "--interface bridge0",
        &["lab-interface", "--allow-physical bridge0"],
    );
    refused(
        "--interface outside",
        &["lab-interface", "--allow-physical outside"],
    );
    refused(
        "--interface near2",
        &["no-way-out", "outside", "--allow-physical near2"],
    );
    refused("--interface near3", &["no-way-out", "default route"]);
    refused(
        "--interface bridge0 --allow-physical near",
        &["--allow-physical"],
    );
    refused("--interface near --allow-physical bridge0", &["twice"]);
    refused("--interface none0", &["no interface none0", "near"]);
    refused("--tap near", &["near", "veth", "--interface near"]);
    refused(
        "--interface near --pps 6000000",
        &["bounded-rate", "--max-pps"],
    );
    refused(
        "--interface near --pps 10 --loop 900000",
        &["bounded-time", "--duration"],
    );
    refused(
        "--top --loop 9999999 --interface near --start-at 1h",
        &["no frame is left"],
    );
    refused("", &["--tap", "--interface"]);
    refused("--interface alone", &["alone", "ip link set alone up"]);
    for [source, destination] in [[[8, 8, 8, 8], LAB[1]], [LAB[0], [9, 9, 9, 9]]] {
        let public = bench.capture("public.pcap", [source, destination], 30, 10);
        bench.refused(
            &public,
            "--interface near",
            &["lab-addresses", "frame 1", "--allow-public-addresses"],
        );
        let told = bench.replayed(&public, "--interface near --allow-public-addresses");
        assert_eq!(told["accepted"]["frames"], 30);
    }
    let told = bench.replayed(&capture, "--interface bridge0 --allow-physical bridge0");
    assert_eq!(told["accepted"]["frames"], 50);
}

/// Router advertisements with a life of half an hour, from a link-local address to all nodes.
fn advertisement() -> Vec<u8> {
    let mut message = vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut ip = vec![0x60, 0, 0, 0, 0, 16, 58, 255];
    ip.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    ip.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    // Over addresses, length, protocol and message.
    let summed = ip[8..].iter().chain(&[0, 16, 0, 58]).chain(&message);
    let sum: u32 = summed
        .zip([true, false].into_iter().cycle())
        .map(|(byte, high)| u32::from(*byte) << if high { 8 } else { 0 })
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let sum = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut frame = vec![0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd];
    frame.extend(ip);
    frame.extend(message);
    frame
}

#[test]
fn frames_by_which_networks_are_run_go_where_nobody_hears_them() {
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    let learnt = || bench.ip("-6 route show default");
    // A kernel that believes what it hears.
    bench.ip("link set far down");
    let believe = "cd /proc/sys/net/ipv6/conf/far; echo 0 > disable_ipv6; echo 2 > accept_ra";
    assert!(
        bench
            .command(&["sh", "-c", believe])
            .status()
            .unwrap()
            .success()
    );
    bench.ip("link set far up");
    bench.ip("tuntap add old0 mode tap");
    bench.ip("link set old0 up");
    let frames = [advertisement(), udp(LAB, 5), advertisement()];
    let capture = bench.capture_of("advertisements.pcap", frames.into_iter(), 10_000);
    for target in ["--interface near", "--tap old0", "--interface lo"] {
        if target.ends_with("lo") {
            bench.ip("link set lo up");
        }
        let parts = [
            "no-control",
            "router advertisement (2)",
            "--allow-control-frames",
        ];
        bench.refused(&capture, target, &parts);
    }
    assert_eq!(learnt(), "");
    let told = bench.replayed(&capture, "--tap new0");
    assert_eq!(told["accepted"]["frames"], 3);
    let output = bench
        .replay(&capture, "--interface near --dry-run")
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(2), "{}", said(&output));
    for part in ["2 frames in a pass: router advertisement", "no-control"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
    assert_eq!(learnt(), "");
    // Allowed, they are heard.
    let many = std::iter::repeat_with(advertisement).take(100);
    let many = bench.capture_of("many.pcap", many, 10_000);
    let allowed = bench
        .replay(&many, "--interface near --allow-control-frames")
        .output()
        .unwrap();
    assert!(
        learnt().contains("via fe80::1 dev far"),
        "{}",
        said(&allowed)
    );
}

#[test]
fn what_cannot_be_read_is_refused_and_tunnels_are_looked_into() {
    let Some(bench) = Bench::make() else { return };
    let ethernet = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    let public = udp([LAB[0], [8, 8, 8, 8]], 5);
    let tagged = [&ethernet[..], &[0x88, 0x47, 0, 0, 0x11, 64], &public[14..]].concat();
    let unknown = [&ethernet[..], &[0x89, 0x4f], &[0; 46]].concat();
    let cases = [
        (tagged, "8.8.8.8 in MPLS", "--allow-public-addresses"),
        (unknown, "0x894f", "--allow-unreadable"),
    ];
    for (frame, what, option) in cases {
        let capture = bench.capture_of("one.pcap", [frame].into_iter(), 1);
        bench.refused(&capture, "--interface near", &["frame 1", what, option]);
        let told = bench.replayed(&capture, &format!("--interface near {option}"));
        assert_eq!(told["accepted"]["frames"], 1);
    }
}

#[test]
fn a_dry_run_tells_who_would_speak_to_whom_and_sends_nothing() {
    let Some(bench) = Bench::make() else { return };
    let capture = bench.capture("lab.pcap", LAB, 5, 1_000_000);
    let before = bench.counters();
    for target in ["--interface near", "--tap new0"] {
        let options = format!("{target} --dry-run --loop 3 --map 192.0.2.0/24=10.0.0.0/8");
        let output = bench.replay(&capture, &options).output().unwrap();
        assert_eq!(code(&output), Some(0), "{}", said(&output));
        for part in ["15 frames", "10.0.0.1 > 198.51.100.1", "14.000 s"] {
            assert!(said(&output).contains(part), "{part}: {}", said(&output));
        }
    }
    let idle = "--interface near --dry-run --map 10.9.0.0/16=10.8.0.0/16";
    let output = bench.replay(&capture, idle).output().unwrap();
    let caution = "--map 10.9.0.0/16=10.8.0.0/16 fits no address";
    assert!(said(&output).contains(caution), "{}", said(&output));
    assert_eq!(bench.counters(), before);
}

#[test]
fn privileges_are_given_up_before_anything_is_sent() {
    let Some(bench) = Bench::with_taps() else {
        return;
    };
    let capture = bench.capture("long.pcap", LAB, 60_000, 1_000);
    for options in ["--interface near", "--tap run0"] {
        let run = bench.start(&capture, options, 5);
        for thread in fs::read_dir(format!("/proc/{}/task", run.id())).unwrap() {
            let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                let line = format!("{set}:\t0000000000000000");
                assert!(status.contains(&line), "{options}: {status}");
            }
            assert!(status.contains("NoNewPrivs:\t1"), "{status}");
            assert!(
                status.contains("Uid:\t65534\t65534\t65534\t65534"),
                "{status}"
            );
        }
        signal(&run, "INT");
        assert_eq!(code(&run.wait_with_output().unwrap()), Some(130));
    }
}

/// A bench on which an ordinary user finds a capture and a binary that he may run.
struct Ordinary {
    bench: Bench,
    capture: PathBuf,
    binary: PathBuf,
    /// Where the file behind taps is root's alone, an ordinary user has none.
    has_taps: bool,
}

impl Ordinary {
    const USER: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

    fn new() -> Option<Ordinary> {
        if !is_root() || !has("setpriv") || !has("unshare") {
            return None;
        }
        let bench = Bench::with_taps()?;
        let capture = bench.capture("lab.pcap", LAB, 20, 1_000);
        let open = "find \"$1\" -type d -exec chmod 755 {} + ; chmod 644 \"$1\"/*";
        let folder = bench.path("");
        let mut shell = Command::new("sh");
        let opened = shell.args(["-c", open, "open", text(&folder)]).status();
        assert!(opened.unwrap().success());
        let binary = bench.path("crywolf");
        fs::copy(env!("CARGO_BIN_EXE_crywolf"), &binary).unwrap();
        let tun = fs::metadata("/dev/net/tun").unwrap();
        let has_taps = tun.permissions().mode() & 0o006 == 0o006;
        Some(Ordinary {
            bench,
            capture,
            binary,
            has_taps,
        })
    }

    /// What comes of a replay in the lab, with these capabilities, to that target.
    fn run(&self, capabilities: [&str; 2], target: [&str; 2]) -> Output {
        let lab = self.bench.namespaces.name("lab");
        Command::new("ip")
            .args(["netns", "exec", &lab, "setpriv"])
            .args(Self::USER)
            .args(capabilities)
            .args([text(&self.binary), "replay", text(&self.capture), "--top"])
            .args(target)
            .output()
            .unwrap()
    }
}

#[test]
fn an_ordinary_user_can_replay_in_a_namespace_of_his_own() {
    let Some(user) = Ordinary::new() else {
        return;
    };
    let script = "ip link add near type veth peer name far && ip link set near up && ip link set far up && \
        \"$1\" replay \"$2\" --interface near --top && \"$1\" replay \"$2\" --tap own0 --top";
    let output = Command::new("setpriv")
        .args(Ordinary::USER)
        .args(["--inh-caps=-all", "--bounding-set=-all"])
        .args(["unshare", "--user", "--map-root-user", "--net"])
        .args(["sh", "-c", script, "sh"])
        .args([&user.binary, &user.capture])
        .output()
        .unwrap();
    let told = said(&output);
    if told.contains("unshare: ") {
        println!("SKIPPED: users may not make namespaces here: {told}");
        return;
    }
    let sent = told.matches("sent       20 frames").count();
    assert_eq!(sent, if user.has_taps { 2 } else { 1 }, "{told}");
    assert!(
        user.has_taps || told.contains("chmod 666 /dev/net/tun"),
        "{told}"
    );
}

#[test]
fn one_capability_is_enough_for_an_interface_and_none_for_nothing() {
    let Some(user) = Ordinary::new() else {
        return;
    };
    let raw = ["--inh-caps=-all,+net_raw", "--ambient-caps=+net_raw"];
    let admin = ["--inh-caps=-all,+net_admin", "--ambient-caps=+net_admin"];
    let output = user.run(raw, ["--interface", "near"]);
    assert_eq!(code(&output), Some(0), "{}", said(&output));
    let mut refusals = vec![(admin, ["--interface", "near"], "CAP_NET_RAW")];
    if user.has_taps {
        let output = user.run(admin, ["--tap", "run0"]);
        assert_eq!(code(&output), Some(0), "{}", said(&output));
        refusals.push((raw, ["--tap", "run0"], "CAP_NET_ADMIN"));
    }
    for (capabilities, target, wanted) in refusals {
        let output = user.run(capabilities, target);
        assert_eq!(code(&output), Some(2), "{}", said(&output));
        for part in ["no permission", wanted, "unshare"] {
            assert!(said(&output).contains(part), "{}", said(&output));
        }
    }
}

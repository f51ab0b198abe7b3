//! Listings become captures: what tcpdump prints of one, it prints of its transcription again, byte for byte; and the
//! listings of the documents become the packets that `golden/published` holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use wire::capture::{CaptureReader, CaptureWriter};
use wire::{Frame, Layers, Timestamp};

use crate::published::compare;
use crate::tools::{crywolf, crywolf_ok, has};

/// Options of tcpdump whose listings are transcribed. What -x shows begins with the network header, what -XX shows with the
/// link header.
const STYLES: [&str; 11] = [
    "-n", "-nS", "-nv", "-ne", "-nev", "-nt", "-ntt", "-ntttt", "-nttttt", "-nx", "-nXX",
];
/// 2000-05-14 10:22:45, in seconds.
const START: u64 = 958_299_765;

/// What tcpdump prints.
fn tcpdump(style: &str, capture: &Path) -> String {
    let output = Command::new("tcpdump")
        .args([style, "-r"])
        .arg(capture)
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The listing of a transcribed listing.
fn again(style: &str, listing: &str, folder: &Path) -> String {
    let (text, capture) = (folder.join("listing.txt"), folder.join("again.pcap"));
    fs::write(&text, listing).unwrap();
    let arguments = ["-q", "transcribe", "--date", "2000-05-14", "-o"];
    let paths = [&capture, &text].map(|path| path.to_str().unwrap());
    crywolf_ok(&[&arguments[..], &paths[..]].concat());
    tcpdump(style, &capture)
}

fn assert_same(name: &str, style: &str, folder: &Path, capture: &Path) {
    let listing = tcpdump(style, capture);
    let again = again(style, &listing, folder);
    let differ = listing.lines().zip(again.lines()).find(|(a, b)| a != b);
    if let Some((before, after)) = differ {
        panic!("{name}, tcpdump {style}:\n  {before}\n  {after}");
    }
    assert_eq!(listing.len(), again.len(), "{name}, tcpdump {style}");
}

/// One capture of each scenario and sensor of the catalogue.
/// Scenarios whose published frames are segments of one day, which listings tell whole in every style.
const OF_SEGMENTS: [&str; 8] = [
    "ack-then-syn",
    "connect-scan",
    "fin-scan",
    "syn-scan",
    "ftp-session",
    "nntp-reset",
    "web-session",
    "synk4-flood",
];

fn catalogue(folder: &Path) -> Vec<PathBuf> {
    let out = folder.join("catalogue");
    // Published captures: their frames are not padded, which a listing does not show.
    let mut arguments = vec!["-q", "generate"];
    arguments.extend(OF_SEGMENTS);
    arguments.extend(["--as-published", "--out", out.to_str().unwrap()]);
    crywolf_ok(&arguments);
    let entries = fs::read_dir(out)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut captures: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|ending| ending == "pcap"))
        .collect();
    captures.sort();
    captures
}

#[test]
fn the_catalogue_comes_back_byte_for_byte() {
    if !has("tcpdump") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let captures = catalogue(folder.path());
    assert!(captures.len() >= 10, "only {} captures", captures.len());
    for capture in &captures {
        let name = capture.file_name().unwrap().to_str().unwrap();
        for style in STYLES {
            assert_same(name, style, folder.path(), capture);
        }
    }
}

/// What the catalogue lacks: tags, odd flags, wrong checksums and lengths, fragments, ICMP and its quotes, IPv6.
const ODD: [&str; 24] = [
    "[02:00:00:00:00:07 > 02:00:00:00:00:08 vlan 8197] 10.0.0.1.1234 > 10.0.0.2.80: FS 70001000 win 512",
    "[snap] 10.0.0.1.1234 > 10.0.0.3.80: FPU 70001000 win 512 urg 3 cksum 7",
    "10.0.0.1.1236 > 10.0.0.2.80: none 1000000 win 512 ttl 1 tos 0x10 ip-cksum 7",
    "10.0.0.1.1236 > 10.0.0.2.443: S 1000000 win 0 <mss 1460,nop,nop,sackOK,eol> evil",
    "10.0.0.1.1237 > 10.0.0.2.80: SEW 70005000 win 512 <opt-253 f989,nop,nop,nop>",
    "10.0.0.1.1250 > 10.0.0.2.81: S. 55000000 ack 99000001 win 512",
    "10.0.0.2.81 > 10.0.0.1.1250: . 99000001 ack 55000001 win 512 <nop,nop,sack 034750f003475100>",
    "10.0.0.1.1240 > 10.0.0.2.81: . 77000001 ack 88000001 win 512 ip-len 100",
    "10.0.0.1.5000 > 10.0.0.2.5001: udp cksum 0 zeros 6",
    "10.0.0.1.5000 > 10.0.0.2.5001: udp len 2008 id 123 MF zeros 1472",
    "10.0.0.1 > 10.0.0.2: proto 17 id 123 frag 185 zeros 528",
    "10.0.0.1 > 10.0.0.2: proto 99 zeros 20",
    "10.0.0.1 > 10.0.0.2: icmp 8/0 echo 99 1 zeros 56",
    "10.0.0.2 > 10.0.0.1: icmp 0/0 echo 99 1 zeros 56",
    "10.0.0.1.5000 > 10.0.0.2.33434: udp ttl 1 zeros 12",
    "10.0.0.2 > 10.0.0.1: icmp 3/3 tos 0xc0 hex 45000028000000000111a5c30a0000010a0000021388829a001455a1",
    "10.0.0.9 > 10.0.0.1: icmp 11/0 hex 45000028000000000111a5c30a0000010a0000021388829a001455a1",
    "10.0.0.9 > 10.0.0.1: icmp 3/4 rest 00000578 hex 45000028000000000111a5c30a0000010a0000021388829a001455a1",
    "10.0.0.9 > 10.0.0.1: icmp 5/1 rest 0a00004d hex 45000028000000000111a5c30a0000010a0000021388829a001455a1",
    "2001:db8::1.1 > 2001:db8::2.2: S 70000000 win 100 class 16 flow 74565",
    "2001:db8::1.1 > 2001:db8::2.2: udp hlim 9 zeros 4",
    "2001:db8::1 > 2001:db8::2: icmp 128/0 echo 5 6 zeros 4",
    "2001:db8::1 > 2001:db8::2: icmp 135/0 hlim 255 hex 20010db8000000000000000000000002",
    "10.0.0.1.5000 > 10.0.0.2.53: udp hex 04d20100000100000000000003777777076578616d706c6503636f6d0000010001",
];

#[test]
fn odd_packets_come_back_byte_for_byte() {
    if !has("tcpdump") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("odd.pcap");
    let mut writer = CaptureWriter::new(fs::File::create(&capture).unwrap());
    for (seconds, line) in (START..).zip(ODD) {
        let frame: Frame = line.parse().unwrap();
        writer
            .record(Timestamp::from_parts(seconds, 1000), |out| frame.emit(out))
            .unwrap();
    }
    writer.finish().unwrap();
    for style in STYLES {
        assert_same("odd.pcap", style, folder.path(), &capture);
    }
}

/// The listings of the documents.
fn listings() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/listings");
    let mut listings: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    listings.sort();
    listings
}

/// Makes a capture of a document's listing. One document escaped the address of a host once and named it later.
fn of_document(listing: &Path, capture: &Path) -> String {
    let paths = [listing, capture].map(|path| path.to_str().unwrap());
    let output = crywolf(&[
        "transcribe",
        paths[0],
        "-o",
        paths[1],
        "--name",
        "host.news.org=206.61.52.32",
    ]);
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{messages}");
    messages
}

/// Traces of one day, whose listings and published packets both have the time of day alone.
const WITH_TIME_OF_DAY: [&str; 11] = [
    "ack-then-syn-probe",
    "backscatter-closed-68-77",
    "backscatter-open",
    "backscatter-slow-22-23",
    "connect-scan",
    "fin-scan",
    "ftp-session",
    "nntp-reset",
    "syn-flood-direct",
    "syn-scan",
    "web-session-absolute",
];

#[test]
fn the_documents_listings_become_their_published_packets() {
    if !has("tshark") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("document.pcap");
    let (mut equal, mut all, mut compared) = (0, 0, 0);
    for listing in listings() {
        of_document(&listing, &capture);
        let name = listing.file_stem().unwrap().to_str().unwrap().to_owned();
        let trace =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/published/{name}.jsonl"));
        if !trace.exists() || !WITH_TIME_OF_DAY.contains(&name.as_str()) {
            // Its listing names a date, or none; that its packets are all read is checked below.
            continue;
        }
        let (right, of, differences) = compare(&trace, &capture);
        assert!(differences.is_empty(), "{name}: {}", differences.join("\n"));
        println!("{name}: {right} of {of} published fields");
        (equal, all, compared) = (equal + right, all + of, compared + 1);
    }
    println!("{equal} of {all} published fields transcribed");
    assert!(
        compared >= 11,
        "only {compared} published traces have a listing"
    );
}

#[test]
fn each_packet_of_the_documents_becomes_a_frame_with_right_checksums() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("document.pcap");
    for listing in listings() {
        of_document(&listing, &capture);
        let text = fs::read_to_string(&listing).unwrap();
        let packets = text.lines().filter(|line| line.contains(" > ")).count();
        let mut reader = CaptureReader::new(fs::File::open(&capture).unwrap()).unwrap();
        let mut frames = 0;
        while let Some(record) = reader.next().unwrap() {
            let layers = Layers::decode(record.link_type, record.bytes);
            assert!(
                layers.anomalies.is_empty(),
                "{}: {:?}",
                listing.display(),
                layers.anomalies
            );
            frames += 1;
        }
        assert_eq!(frames, packets, "{}", listing.display());
    }
}

#[test]
fn what_is_not_told_is_listed_for_people_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let listing = "10:22:45.030552 half.scanner.net.49724 > 10.0.0.1.21: S 7:7(0)\nHere it ends.\n";
    fs::write(path("listing.txt"), listing).unwrap();
    let output = crywolf(&[
        "transcribe",
        &path("listing.txt"),
        "-o",
        &path("c.pcap"),
        "--json",
        &path("c.json"),
    ]);
    let messages = String::from_utf8(output.stderr).unwrap();
    for wanted in [
        "ttl: 1 of 1 frames, set to 64",
        "half.scanner.net is 192.0.2.1, chosen",
        "1 lines are no packet",
    ] {
        assert!(messages.contains(wanted), "{messages}");
    }
    let json: Value = serde_json::from_str(&fs::read_to_string(path("c.json")).unwrap()).unwrap();
    assert_eq!(json["schema"], "crywolf.transcript/1");
    assert_eq!(json["names"][0]["address"], "192.0.2.1");
    assert_eq!(json["frames"][0]["line"], 1);
    assert_eq!(json["other_lines"][0]["text"], "Here it ends.");
    let ttl = json["filled"]
        .as_array()
        .unwrap()
        .iter()
        .find(|filled| filled["field"] == "ttl");
    assert_eq!(ttl.unwrap()["set_to"], "64");
}

#[test]
fn a_wrong_line_stops_all_but_with_keep_going() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let listing =
        "09:00:00.000000 a.1 > b.2: S 1:1(0) win 1\n09:00:01.000000 a.1 > b.2: S 1;1(0) win 1\n";
    fs::write(path("listing.txt"), listing).unwrap();
    let arguments = ["transcribe", &path("listing.txt"), "-o", &path("c.pcap")];
    let output = crywolf(&arguments);
    let messages = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        messages.contains("line 2, column 31: ';1(0)' stands where ':' is wanted"),
        "{messages}"
    );
    assert!(messages.contains("--keep-going"), "{messages}");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "only the listing is there"
    );
    let output = crywolf(&[&arguments[..], &["--keep-going"]].concat());
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && messages.contains("left out: line 2, column 31"),
        "{messages}"
    );
}

#[test]
fn frames_stay_in_order_or_are_sorted_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let listing =
        "09:00:01.000000 a.1 > b.2: S 1:1(0) win 1\n09:00:00.000000 a.1 > b.3: S 1:1(0) win 1\n";
    fs::write(path("listing.txt"), listing).unwrap();
    let ports = |more: &[&str]| -> Vec<u16> {
        let arguments = [
            "-q",
            "transcribe",
            &path("listing.txt"),
            "-o",
            &path("c.pcap"),
        ];
        crywolf_ok(&[&arguments[..], more].concat());
        let mut reader = CaptureReader::new(fs::File::open(path("c.pcap")).unwrap()).unwrap();
        let mut ports = Vec::new();
        while let Some(record) = reader.next().unwrap() {
            ports.push(
                Layers::decode(record.link_type, record.bytes)
                    .ports()
                    .unwrap()
                    .1,
            );
        }
        ports
    };
    assert_eq!(ports(&[]), [2, 3]);
    assert_eq!(ports(&["--sort"]), [3, 2]);
}

#[test]
fn a_listing_without_packets_is_no_capture() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("listing.txt"), "nothing here\n").unwrap();
    let output = crywolf(&["transcribe", &path("listing.txt"), "-o", &path("c.pcap")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no line is a packet"));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "only the listing is there"
    );
}

#[test]
fn an_editors_mark_hides_no_packet_and_a_name_of_none_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let line = "10:22:45.000000 IP 192.0.2.1.1025 > 198.51.100.2.80: Flags [S], seq 7, win 64240, length 0\r\n";
    fs::write(path("listing.txt"), format!("\u{feff}{line}")).unwrap();
    let name = ["--name", "nobody.example=192.0.2.9"];
    let output = crywolf(
        &[
            &["transcribe", &path("listing.txt"), "-o", &path("c.pcap")],
            &name[..],
        ]
        .concat(),
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.starts_with("1 frame\n"),
        "{said}"
    );
    assert!(
        said.contains("--name nobody.example: no packet has this name"),
        "{said}"
    );
}

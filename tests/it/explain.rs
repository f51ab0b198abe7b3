//! `detect --explain`, and captures that are compressed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::tools::{crywolf, crywolf_ok};

fn capture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/real/hydra-ssh.pcap")
}

#[test]
fn a_compressed_capture_says_what_the_capture_says() {
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("hydra-ssh.pcap.gz");
    let mut writer = GzEncoder::new(File::create(&packed).unwrap(), Compression::fast());
    writer.write_all(&fs::read(capture()).unwrap()).unwrap();
    writer.finish().unwrap();
    let say = |path: &Path| crywolf_ok(&["detect", path.to_str().unwrap(), "--format", "jsonl"]);
    assert_eq!(say(&packed), say(&capture()));
    let bytes = fs::read(&packed).unwrap();
    fs::write(&packed, &bytes[..bytes.len() / 2]).unwrap();
    let cut = crywolf(&["detect", packed.to_str().unwrap()]);
    assert_eq!(cut.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&cut.stderr).contains("gzip"),
        "{cut:?}"
    );
}

#[test]
fn a_finding_is_shown_with_its_frames_and_filters() {
    let path = capture();
    let text = crywolf_ok(&["detect", path.to_str().unwrap(), "--explain", "1"]);
    for part in [
        "password-guessing",
        "Frames",
        "frame.number in {",
        "tcp.port in {22}",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let piped = Command::new(env!("CARGO_BIN_EXE_crywolf"))
        .args(["detect", "-", "--explain", "1"])
        .stdin(File::open(&path).unwrap())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&piped.stdout), text);
    let none = crywolf(&["detect", path.to_str().unwrap(), "--explain", "9"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("there is no finding 9"));
}

//! The programs that the tests run: ours, and the witnesses.

use std::path::Path;
use std::process::{Command, Output};

/// The binary under test.
pub fn crywolf(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crywolf"))
        .args(args)
        .output()
        .expect("the binary was built with the tests")
}

/// Runs the binary and expects success.
pub fn crywolf_ok(args: &[&str]) -> String {
    let output = crywolf(args);
    assert!(
        output.status.success(),
        "crywolf {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether a witness is installed; if not, the test says that it skips. In CI a missing witness is a failure.
pub fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        assert!(
            std::env::var_os("CI").is_none(),
            "{program} is missing, and CI must have it"
        );
        println!("SKIPPED: {program} is not installed");
    }
    found
}

/// What tshark reads of a capture: a row a frame, the given fields; absent fields are empty.
pub fn tshark(capture: &Path, fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(capture).args([
        "-T",
        "fields",
        "-E",
        "separator=|",
        "-E",
        "occurrence=f",
    ]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark is installed");
    assert!(
        output.status.success(),
        "tshark: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| line.split('|').map(str::to_owned).collect())
        .collect()
}

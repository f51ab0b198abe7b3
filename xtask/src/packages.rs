//! The programs of the system that tests and measurements use: witnesses, and tools that make real traffic.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::process;

/// A program and the Debian package that holds it.
pub type Program = (&'static str, &'static str);

/// Those of the tests.
pub const TESTS: &[Program] = &[
    ("tcpdump", "tcpdump"),
    ("tshark", "tshark"),
    ("nmap", "nmap"),
    ("hping3", "hping3"),
    ("traceroute", "traceroute"),
    ("ip", "iproute2"),
    ("curl", "curl"),
    ("ftp", "ftp"),
    ("python3", "python3"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("mount", "mount"),
];

/// Those of `replay` and `lab`.
pub const LAB: &[Program] = &[
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("ip", "iproute2"),
];

/// Those of the measurements.
pub const BENCH: &[Program] = &[
    ("trafgen", "netsniff-ng"),
    ("tcpdump", "tcpdump"),
    ("tcpreplay", "tcpreplay"),
    ("ip", "iproute2"),
    ("taskset", "util-linux"),
    ("unshare", "util-linux"),
    ("time", "time"),
];

/// Installs what is missing where that is possible, and returns what is missing still.
pub fn provide(programs: &[Program]) -> Result<Vec<Program>> {
    let missing = missing(programs);
    if missing.is_empty() || !is_root() || process::find("apt-get").is_none() {
        return Ok(missing);
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    println!("installing {}", packages.join(" "));
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["-qq", "-o", "Dpkg::Use-Pty=0"]).args(args);
        process::run(command.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    let install = ["install", "-y", "--no-install-recommends"];
    // Without a network the tests still run, and say what they skip.
    if let Err(error) = apt(&["update"]).and_then(|()| apt(&[&install[..], &packages].concat())) {
        println!("could not install: {error:#}");
    }
    Ok(self::missing(programs))
}

/// Installs what is missing, or says how to.
pub fn require(programs: &[Program]) -> Result<()> {
    let missing = provide(programs)?;
    ensure!(
        missing.is_empty(),
        "programs are missing; as root: {}",
        advice(&missing)
    );
    Ok(())
}

/// How to install what is missing.
pub fn advice(missing: &[Program]) -> String {
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    format!("apt-get install {}", packages.join(" "))
}

fn missing(programs: &[Program]) -> Vec<Program> {
    let absent = |(program, _): &&Program| process::find(program).is_none();
    programs.iter().filter(absent).copied().collect()
}

/// Whether this runs as root.
pub fn is_root() -> bool {
    process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

//! The programs of the system that tests and measurements use: witnesses, and tools that make real traffic.

use std::fs;
use std::os::unix::fs::PermissionsExt;
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

/// Detectors of others that are graded.
pub const DETECTORS: &[Program] = &[("suricata", "suricata"), ("psad", "psad")];

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
    if missing.is_empty() || !may_install() {
        return Ok(missing);
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    println!("installing {}", packages.join(" "));
    let install = ["install", "-y", "--no-install-recommends"];
    // Without a network the tests still run, and say what they skip.
    if let Err(error) = apt(&["update"]).and_then(|()| apt(&[&install[..], &packages].concat())) {
        println!("cannot install: {error:#}");
    }
    Ok(self::missing(programs))
}

/// Where the Suricata that the book grades comes from: Debian 12 has an older one.
const BACKPORTS: &str = "bookworm-backports";
const BACKPORTS_SOURCE: &str = "deb http://deb.debian.org/debian bookworm-backports main\n";

/// Installs the detectors of others where that is possible, each by itself, and returns what is missing still. The system's own
/// list of sources stays as it is.
pub fn provide_detectors() -> Result<Vec<Program>> {
    let absent = missing(DETECTORS);
    let is_bookworm = fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.contains("VERSION_CODENAME=bookworm"));
    if absent.iter().any(|(program, _)| *program == "suricata") && is_bookworm && may_install() {
        println!("installing suricata from {BACKPORTS}");
        if let Err(error) = install_from_backports("suricata") {
            println!("cannot install: {error:#}");
        }
    }
    for program in missing(DETECTORS) {
        provide(&[program])?;
    }
    Ok(missing(DETECTORS))
}

fn install_from_backports(package: &str) -> Result<()> {
    let sources = tempfile::tempdir()?;
    for entry in fs::read_dir("/etc/apt/sources.list.d")? {
        let path = entry?.path();
        fs::copy(
            &path,
            sources.path().join(path.file_name().unwrap_or_default()),
        )?;
    }
    fs::write(sources.path().join("backports.list"), BACKPORTS_SOURCE)?;
    // apt reads as somebody else.
    fs::set_permissions(sources.path(), fs::Permissions::from_mode(0o755))?;
    let parts = format!("Dir::Etc::sourceparts={}", sources.path().display());
    let options = ["-o", &parts, "-o", "APT::Get::List-Cleanup=0"];
    apt(&[&options[..], &["update"]].concat())?;
    let install = [
        "install",
        "-y",
        "--no-install-recommends",
        "-t",
        BACKPORTS,
        package,
    ];
    apt(&[&options[..], &install].concat())
}

fn may_install() -> bool {
    is_root() && process::find("apt-get").is_some()
}

fn apt(args: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.args(["-qq", "-o", "Dpkg::Use-Pty=0"]).args(args);
    process::run(command.env("DEBIAN_FRONTEND", "noninteractive"))
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

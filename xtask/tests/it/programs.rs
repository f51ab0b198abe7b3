//! The programs that the tests run, and what they need.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

/// How often a condition is looked at, and how many times: for a minute, however busy the machine.
const LOOK: Duration = Duration::from_millis(5);
const MOST_LOOKS: u32 = 12_000;

/// The task runner, told to build nothing.
pub fn xtask(task: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg(task).arg("--crywolf").arg(crywolf());
    command.stdin(Stdio::null());
    command
}

/// What a command printed, and how it ended.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(command: &mut Command) -> Ended {
        Ended::from(command.output().expect("it is there"))
    }

    /// Expects an exit code.
    pub fn expect(self, code: i32) -> Ended {
        let Ended {
            status,
            stdout,
            stderr,
        } = &self;
        assert_eq!(status.code(), Some(code), "{stdout}\n{stderr}");
        self
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ended {
            status: output.status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// The crywolf that was built beside the task runner; built now where it is missing or older than its sources.
pub fn crywolf() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let path = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("crywolf");
        if !is_fresh(&path) {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--locked", "--package", "crywolf"]);
            let release = path
                .parent()
                .is_some_and(|parent| parent.ends_with("release"));
            cargo.args(release.then_some("--release"));
            let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
            assert!(built.is_ok_and(|status| status.success()), "no crywolf");
        }
        path
    })
}

/// Cargo writes beside each program which sources it was made of.
fn is_fresh(program: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    let (Some(built), Ok(list)) = (
        modified(program),
        fs::read_to_string(program.with_extension("d")),
    ) else {
        return false;
    };
    let sources = list.split_once(": ").map_or("", |(_, sources)| sources);
    let newer = |source: &str| modified(Path::new(source)).is_none_or(|time| time > built);
    // A name with a space in it counts as newer: then it is built once more than needed.
    !sources.split_whitespace().any(newer)
}

pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}

/// Whether an enclosure can be made; if not, the test says that it skips. In CI that is a failure.
pub fn can_enclose() -> bool {
    let user: &[&str] = if is_root() {
        &[]
    } else {
        &["--user", "--map-root-user"]
    };
    let mut unshare = Command::new("unshare");
    unshare.args(user);
    unshare.args([
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--mount-proc",
        "true",
    ]);
    skips_unless(&mut unshare, "namespaces cannot be made here")
}

/// Whether network namespaces with a name can be made.
pub fn can_name() -> bool {
    if !is_root() {
        println!("SKIPPED: network namespaces with a name need root");
        return false;
    }
    can_enclose()
}

/// Whether taps can be made.
pub fn can_tap() -> bool {
    let mut probe = Command::new("sh");
    skips_unless(
        probe.args(["-c", ": > /dev/net/tun || test -w /dev/net/tun"]),
        "taps cannot be made here",
    )
}

pub fn has_python() -> bool {
    skips_unless(
        Command::new("python3").arg("--version"),
        "python3 is not installed",
    )
}

fn skips_unless(probe: &mut Command, why: &str) -> bool {
    let output = probe.output();
    let can = output.as_ref().is_ok_and(|output| output.status.success());
    if !can {
        assert!(
            !is_root() || std::env::var_os("CI").is_none(),
            "{why}, and CI must: {output:?}"
        );
        println!("SKIPPED: {why}");
    }
    can
}

/// Waits for a condition.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut looks = 0;
    while !holds() {
        assert!(looks < MOST_LOOKS, "in vain: {what}");
        looks += 1;
        thread::sleep(LOOK);
    }
}

/// Sends a signal to a process that the test has started.
pub fn signal(pid: u32, name: &str) {
    let kill = format!("kill -{name} {pid}");
    let _ = Command::new("sh").args(["-c", &kill]).status();
}

/// What a program prints that must succeed.
pub fn output(words: &[&str]) -> String {
    Ended::of(Command::new(words[0]).args(&words[1..]))
        .expect(0)
        .stdout
}

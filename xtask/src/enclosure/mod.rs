//! The enclosure of a lab: namespaces in which a task runs itself once more, so that the kernel takes everything down.
//!
//! ```text
//! xtask ──► unshare: own mounts, own network, own processes ──► xtask --inside, process 1
//!   └─────────────────── lifeline, a pipe ──────────────────────────┘
//! ```
//!
//! When process 1 of a pid namespace ends, the kernel kills all others in it; with the last of them go the mounts, the
//! network and the interfaces. Process 1 ends by itself when the lifeline does, and that ends with whoever holds it, by
//! whatever death. An ordinary user gets a user namespace around it. Sources: pid_namespaces(7), unshare(1).

pub mod keeper;
pub mod lifeline;
pub mod line;
pub mod listener;

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail};
use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::enclosure::lifeline::{INTERRUPTED, LOOK};
use crate::packages;
use crate::workspace;

/// What a task inside is told.
#[derive(Args, Clone)]
pub struct InsideArgs {
    /// Run in the enclosure that was made, with this crywolf
    #[arg(long, hide = true, value_name = "PATH")]
    inside: Option<PathBuf>,
    /// Use this crywolf instead of building one
    #[arg(long, hide = true, value_name = "PATH")]
    crywolf: Option<PathBuf>,
}

impl InsideArgs {
    /// The crywolf to use, when this is the inside.
    pub fn crywolf(&self) -> Option<&Path> {
        self.inside.as_deref()
    }
}

/// The outside of an enclosure.
pub struct Enclosure {
    child: Child,
    lifeline: Arc<Mutex<Option<ChildStdin>>>,
    stop: Arc<AtomicBool>,
}

impl Enclosure {
    /// Runs this task once more, inside: in a network of its own, or in one that exists.
    pub fn start(args: &InsideArgs, network: Option<&Path>) -> Result<Enclosure> {
        packages::require(packages::LAB)?;
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&stop))
                .context("cannot wait for signals")?;
        }
        let crywolf = match &args.crywolf {
            Some(path) => path.clone(),
            None => workspace::build_crywolf()?,
        };
        std::fs::create_dir_all(folder()?).context("cannot make a folder beside this program")?;
        check_that_it_can_be(network)?;
        let mut child = command(&crywolf, network)?
            .stdin(Stdio::piped())
            // Ctrl-C is ours to hear: what it ends inside is ended by way of the lifeline.
            .process_group(0)
            .spawn()
            .context("cannot run unshare")?;
        let lifeline = child.stdin.take();
        Ok(Enclosure {
            child,
            lifeline: Arc::new(Mutex::new(lifeline)),
            stop,
        })
    }

    /// The process whose network is that of the inside.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells the inside of each line that comes in, until there are no more.
    pub fn hand_on_lines(&self) {
        let lifeline = Arc::clone(&self.lifeline);
        std::thread::spawn(move || {
            for _ in std::io::stdin().lines().map_while(Result::ok) {
                if let Ok(mut lifeline) = lifeline.lock()
                    && let Some(lifeline) = lifeline.as_mut()
                {
                    // Who no longer listens need not be told.
                    let _ = lifeline.write_all(b"\n");
                }
            }
        });
    }

    /// Waits for the end, or brings it about when a signal asks for it.
    pub fn end(mut self) -> Result<ExitCode> {
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .context("cannot wait for the inside")?
            {
                return Ok(self.conclude(status));
            }
            if self.stop.load(Ordering::Relaxed)
                && let Ok(mut lifeline) = self.lifeline.lock()
            {
                drop(lifeline.take());
            }
            std::thread::sleep(LOOK);
        }
    }

    fn conclude(&self, status: ExitStatus) -> ExitCode {
        if self.stop.load(Ordering::Relaxed) {
            return ExitCode::from(INTERRUPTED);
        }
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        code.map_or(ExitCode::FAILURE, ExitCode::from)
    }
}

/// Its messages would come after ours, and its exit code would be taken for the task's.
fn check_that_it_can_be(network: Option<&Path>) -> Result<()> {
    let probe = unshare(network).arg("true").output();
    let probe = probe.context("cannot run unshare")?;
    if !probe.status.success() {
        let said = String::from_utf8_lossy(&probe.stderr);
        let advice = if packages::is_root() {
            "this root may not; a container's needs CAP_SYS_ADMIN"
        } else {
            "run this as root, or let users make namespaces \
            (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)"
        };
        bail!(
            "no namespaces can be made here: {advice}\n{}",
            said.trim_end()
        );
    }
    Ok(())
}

/// This program again, with the same words.
fn command(crywolf: &Path, network: Option<&Path>) -> Result<Command> {
    let mut words = std::env::args_os().skip(1);
    let task = words.next().unwrap_or_default();
    let mut command = unshare(network);
    command.arg(std::env::current_exe().context("cannot find this program")?);
    command.arg(task).arg("--inside").arg(crywolf).args(words);
    Ok(command)
}

/// Runs what is to follow in new namespaces; in an existing network, where one is named.
fn unshare(network: Option<&Path>) -> Command {
    let mut command = match network {
        None => Command::new("unshare"),
        Some(network) => {
            let mut command = Command::new("nsenter");
            command.arg(format!("--net={}", network.display()));
            command.arg("unshare");
            command
        }
    };
    if !packages::is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(network.is_none().then_some("--net"));
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command
}

/// An empty folder of the build, over which the inside mounts memory that nobody else sees.
fn folder() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find this program")?;
    Ok(program.with_file_name("lab"))
}

/// A folder in memory that only this enclosure sees, and that ends with it.
pub fn private_folder() -> Result<PathBuf> {
    let folder = folder()?;
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", "mode=0755", "lab"])
        .arg(&folder);
    crate::process::run(&mut mount)?;
    Ok(folder)
}

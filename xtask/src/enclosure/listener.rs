//! A program that listens on a line: started, waited for until it listens, asked to end.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::enclosure::lifeline::{INTERRUPTED, Lifeline, wait_for};
use crate::enclosure::line::{Network, listened_to};

/// How much of what a program said on standard error is shown, in bytes from the end.
const SHOWN: usize = 4096;

/// What a listener of which nothing is known may need for the last frames: tcpdump gets them in blocks, which the kernel
/// hands over after a second at the latest.
pub const LINGER: Duration = Duration::from_millis(1500);

/// What to run, and how to know it.
pub struct Order<'a> {
    /// The command, for a shell.
    pub command: &'a str,
    /// Where it runs.
    pub network: &'a Network,
    /// On which interface it listens.
    pub interface: &'a str,
    /// Its output; ours where there is none.
    pub stdout: Option<&'a Path>,
    /// Its messages; ours where there is none.
    pub stderr: Option<&'a Path>,
    /// What it says on standard error or output when it is ready; by its socket where there is nothing.
    pub ready: Option<&'a str>,
    /// How long it may take to listen, and to end.
    pub patience: Duration,
    /// How long it has for the last frames before it is asked to end.
    pub linger: Duration,
    /// Whether it may have had enough before it is asked to end, as `tcpdump -c 5`.
    pub may_leave: bool,
}

/// A program at work.
pub struct Listener<'a> {
    child: Child,
    order: &'a Order<'a>,
}

impl<'a> Listener<'a> {
    /// Starts it and returns when it listens.
    pub fn start(order: &'a Order<'a>, lifeline: &Lifeline) -> Result<Listener<'a>> {
        let mut command = order.network.command("sh");
        command
            .args(["-c", order.command])
            .stdin(Stdio::null())
            .stdout(target(order.stdout)?)
            .stderr(target(order.stderr)?)
            // A shell and what it runs are asked to end together.
            .process_group(0);
        let child = command.spawn().context("cannot run sh")?;
        let mut listener = Listener { child, order };
        let index = order.network.interface(order.interface)?.index;
        let ready = lifeline.wait_for(order.patience, || {
            if let Some(status) = listener.child.try_wait()? {
                bail!(listener.complaint(&format!("ended before it listened ({status})")));
            }
            Ok(listener.is_ready(index).then_some(()))
        })?;
        if ready.is_none() && !lifeline.ended() {
            let sign = order.ready.map_or_else(
                || format!("has no packet socket on {}", order.interface),
                |text| format!("has not said '{text}'"),
            );
            let late = format!("{sign} after {} s", order.patience.as_secs());
            bail!(listener.complaint(&late));
        }
        Ok(listener)
    }

    fn is_ready(&self, index: u64) -> bool {
        let Some(text) = self.order.ready else {
            return listened_to(&self.child.id().to_string(), index);
        };
        [self.order.stdout, self.order.stderr]
            .into_iter()
            .flatten()
            .any(|path| fs::read(path).is_ok_and(|said| contains(&said, text.as_bytes())))
    }

    /// Asks it to end, as Ctrl-C does, and waits for it.
    pub fn end(mut self, lifeline: &Lifeline) -> Result<()> {
        let gone = lifeline.wait_for(self.order.linger, || Ok(self.child.try_wait()?))?;
        if let Some(status) = gone {
            if self.order.may_leave && status.success() {
                return Ok(());
            }
            bail!(self.complaint(&format!("ended before it was asked to ({status})")));
        }
        self.signal(Signal::INT);
        let patience = self.order.patience;
        // Also when the lifeline has ended: its grace is for this.
        let status = wait_for(patience, || Ok(self.child.try_wait()?), || false)?;
        match status {
            Some(status) if ended_well(status) => Ok(()),
            Some(status) => bail!(self.complaint(&format!("failed ({status})"))),
            None => bail!(self.complaint(&format!(
                "has not ended {} s after SIGINT",
                patience.as_secs()
            ))),
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have gone by itself.
            let _ = kill_process_group(group, signal);
        }
    }

    /// What went wrong, with what the program said.
    fn complaint(&self, what: &str) -> String {
        let said = self.order.stderr.map(fs::read);
        let said = said.and_then(Result::ok).unwrap_or_default();
        let start = said.len().saturating_sub(SHOWN);
        let said = String::from_utf8_lossy(&said[start..]).into_owned();
        let said = said.trim_end();
        let space = if said.is_empty() { "" } else { "\n" };
        format!("the detector {what}: {}{space}{said}", self.order.command)
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// With success, or as programs end on SIGINT that know nothing better.
fn ended_well(status: ExitStatus) -> bool {
    let interrupted = i32::from(INTERRUPTED);
    status.success()
        || status.code() == Some(interrupted)
        || status.signal() == Some(Signal::INT.as_raw())
}

fn target(path: Option<&Path>) -> Result<Stdio> {
    let Some(path) = path else {
        return Ok(Stdio::inherit());
    };
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file.into())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

/// A command with its places filled in; paths as one word of a shell.
pub fn fill_in(command: &str, interface: &str, out: Option<&PathBuf>, home: &str) -> String {
    let out = out.map(|out| format!("'{}'", out.display().to_string().replace('\'', "'\\''")));
    command
        .replace("{interface}", interface)
        .replace("{out}", out.as_deref().unwrap_or("/dev/null"))
        .replace("{home}", home)
}

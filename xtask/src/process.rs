//! Other programs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::enclosure::lifeline::Lifeline;

/// Runs a program, its output going where ours goes.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| said(command))?;
    if !status.success() {
        bail!("{} ended with {status}", said(command));
    }
    Ok(())
}

/// Runs a program and returns what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| said(command))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} ended with {}\n{}",
            said(command),
            output.status,
            told.trim_end()
        );
    }
    String::from_utf8(output.stdout).with_context(|| said(command))
}

/// Runs a program, shows each line it prints, and hands it on as well. Says whether the program succeeded.
pub fn watch(command: &mut Command, mut line_seen: impl FnMut(&str)) -> Result<bool> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| said(command))?;
    let stdout = child.stdout.take().context("its output is piped")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.with_context(|| said(command))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        line_seen(&line);
    }
    Ok(child.wait().with_context(|| said(command))?.success())
}

/// Waits for a program's end; asks for it when the lifeline ends.
pub fn end_with(child: &mut Child, lifeline: &Lifeline) -> Result<ExitStatus> {
    let ended = lifeline.wait_for(Duration::MAX, || Ok(child.try_wait()?))?;
    if let Some(status) = ended {
        return Ok(status);
    }
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have gone by itself.
        let _ = kill_process(pid, Signal::INT);
    }
    Ok(child.wait()?)
}

/// Where a program is, if it is installed. The folders of system programs are looked into as well: on Debian they are
/// not in an ordinary user's path.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

fn said(command: &Command) -> String {
    let name = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let mut words = vec![name.to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

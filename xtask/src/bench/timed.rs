//! What a command takes. GNU time reads it where the kernel counts.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use tempfile::NamedTempFile;

/// What a command took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// From start to end.
    pub seconds: f64,
    /// Of the processor, in the program and in the kernel on its behalf.
    pub processor_seconds: f64,
    /// The most memory it held.
    pub peak_mib: f64,
}

/// A command that runs.
pub struct Timed {
    command: Command,
    child: Child,
    told: NamedTempFile,
    begun: Instant,
}

impl Timed {
    /// Starts it. What it prints is of no interest, unless it fails.
    pub fn start(command: &Command) -> Result<Timed> {
        let told = NamedTempFile::new().context("a temporary file")?;
        let mut timed = Command::new("time");
        timed
            .args(["--format", "%U %S %M", "--output"])
            .arg(told.path());
        timed.arg(command.get_program()).args(command.get_args());
        timed
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let begun = Instant::now();
        let child = timed.spawn().with_context(|| format!("{timed:?}"))?;
        Ok(Timed {
            command: timed,
            child,
            told,
            begun,
        })
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits for its end.
    pub fn finish(self) -> Result<Took> {
        let Timed {
            command,
            child,
            told,
            begun,
        } = self;
        let ended = child.wait_with_output()?;
        let seconds = begun.elapsed().as_secs_f64();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        ensure!(
            ended.status.success(),
            "{command:?} ended with {}\n{}",
            ended.status,
            stderr.trim_end()
        );
        let text = fs::read_to_string(told.path())?;
        let numbers: Vec<f64> = text
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let [user, system, peak_kib] = numbers.as_slice() else {
            bail!("time said '{}'", text.trim());
        };
        Ok(Took {
            seconds,
            processor_seconds: user + system,
            peak_mib: peak_kib / 1024.0,
        })
    }
}

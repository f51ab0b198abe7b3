//! `crywolf replay-sentry`, which nobody types: a replay starts it beside itself, to watch the network.

use std::os::fd::AsFd;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;
use replay::guard::Admission;
use replay::sentry::{self, Post, Sentry};

/// The words of [`Post::to_words`].
#[derive(Debug, Args)]
pub struct SentryArgs {
    words: Vec<String>,
}

/// Starts one, in the namespace of this thread.
pub(super) fn post(admission: &Admission, answered: bool) -> Result<Sentry> {
    let post = Post {
        interface: admission.interface().index,
        entry: admission.entry(),
        answered,
    };
    let program = std::env::current_exe().context("cannot find the program that watches")?;
    let mut command = Command::new(program);
    command.arg("replay-sentry").args(post.to_words());
    Ok(Sentry::post(&mut command)?)
}

/// Runs the command.
///
/// # Errors
/// Wrong words; what the system says.
pub fn watch(args: &SentryArgs) -> Result<ExitCode> {
    let post = Post::from_words(&args.words).context("crywolf replay starts this by itself")?;
    let (input, output) = (std::io::stdin(), std::io::stdout());
    sentry::watch(post, input.as_fd(), output.lock())?;
    Ok(ExitCode::SUCCESS)
}

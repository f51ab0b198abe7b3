//! `crywolf completions` and `crywolf man`: what shells and manuals want to know of the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;

use crate::output::print;

/// Print the completions for a shell.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  crywolf completions bash > /etc/bash_completion.d/crywolf")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Write the manual pages.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  crywolf man --out /usr/local/share/man/man1")]
pub struct ManArgs {
    /// Folder for the pages, one for each subcommand
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
}

/// Prints the completions of a command line.
///
/// # Errors
/// Fails when standard output does.
pub fn completions(args: &CompletionsArgs, mut command: Command) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "crywolf", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the manual pages of a command line.
///
/// # Errors
/// Names the folder where that fails.
pub fn man(args: &ManArgs, command: Command) -> Result<ExitCode> {
    clap_mangen::generate_to(command, &args.out)
        .with_context(|| format!("cannot write manual pages to {}", args.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

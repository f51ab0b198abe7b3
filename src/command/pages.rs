//! `crywolf completions` and `crywolf man`: what shells and manuals want to know of the command line.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::output::{print, write_whole};

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
pub fn completions(args: &CompletionsArgs, command: &Command) -> Result<ExitCode> {
    print(&script(args.shell, command))?;
    Ok(ExitCode::SUCCESS)
}

/// The completions of what is shown of a command line: clap offers hidden subcommands as well.
fn script(shell: Shell, command: &Command) -> String {
    let shown = (command.get_subcommands()).filter(|subcommand| !subcommand.is_hide_set());
    let mut command = Command::new("crywolf")
        .args(command.get_arguments())
        .subcommands(shown.cloned());
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "crywolf", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes the manual pages of a command line, each whole.
///
/// # Errors
/// Names the page that cannot be written.
pub fn man(args: &ManArgs, command: Command) -> Result<ExitCode> {
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let own = Man::new(command.clone());
    let shown = (command.get_subcommands()).filter(|subcommand| !subcommand.is_hide_set());
    for page in shown.cloned().map(Man::new).chain([own]) {
        let path = args.out.join(page.get_filename());
        write_whole(&path, |out| page.render(&mut { out }))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn completions_offer_what_the_help_shows() {
        let offered = script(Shell::Bash, &Cli::command());
        assert!(offered.contains("transcribe") && offered.contains("--quiet"));
        assert!(!offered.contains("replay-sentry"));
    }
}

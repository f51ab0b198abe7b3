//! The command line `crywolf`. Each subcommand is a module of [`command`].

mod campaign;
mod capture;
mod cli;
mod command;
mod duration;
mod grading;
mod output;
mod process;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use command::{
    compare, detect, facts, generate, grade, inject, list, merge, pages, replay, score, show,
    transcribe,
};

/// Exit codes: 0 fine, 1 the grade failed, 2 wrong use or bad input, 130, 143 and 129 ended by a signal.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let prepared = process::fail_at_large_files().and_then(|()| match &cli.command {
        // These give up privileges, and later end by themselves once they are asked to.
        Command::Replay(_) => process::end_at_once(),
        Command::Detect(args) if args.listens() => process::end_at_once(),
        // This one ends when its replay does.
        Command::ReplaySentry(_) => Ok(()),
        _ => process::leave_nothing_behind(),
    });
    let result = prepared.and_then(|()| run(&cli));
    result.unwrap_or_else(|error| {
        eprintln!("crywolf: {error:#}");
        ExitCode::from(BAD_INPUT)
    })
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Generate(args) => generate::run(args, &cli.verbosity),
        Command::Facts(args) => facts::run(args, &cli.verbosity),
        Command::List(args) => list::run(args),
        Command::Show(args) => show::run(args),
        Command::Detect(args) => detect::run(args, &cli.verbosity).map(|()| ExitCode::SUCCESS),
        Command::Grade(args) => grade::run(args, &cli.verbosity),
        Command::Score(args) => score::run(args, &cli.verbosity),
        Command::Inject(args) => inject::run(args, &cli.verbosity),
        Command::Merge(args) => merge::run(args, &cli.verbosity),
        Command::Compare(args) => compare::run(args),
        Command::Replay(args) => replay::run(args, &cli.verbosity),
        Command::ReplaySentry(args) => replay::watch(args),
        Command::Transcribe(args) => transcribe::run(args, &cli.verbosity),
        Command::Completions(args) => pages::completions(args, &Cli::command()),
        Command::Man(args) => pages::man(args, Cli::command()),
    }
}

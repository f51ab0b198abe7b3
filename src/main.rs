//! The command line `crywolf`. Each subcommand is a module; none has logic of its own.

mod alerts;
mod budget;
mod campaign;
mod cli;
mod compare;
mod conclude;
mod detect;
mod duration;
mod excerpt;
mod facts;
mod gate_args;
mod generate;
mod grade;
mod inject;
mod input;
mod jobs;
mod list;
mod merge;
mod order;
mod output;
mod pages;
mod process;
mod produce;
mod replay;
mod report_args;
mod score;
mod seeds;
mod show;
mod sink;
mod temporary;
mod transcribe;
mod unfinished;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command};

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
        Command::Completions(args) => pages::completions(args, Cli::command()),
        Command::Man(args) => pages::man(args, Cli::command()),
    }
}

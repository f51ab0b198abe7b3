//! The command line `crywolf`. Each subcommand is a module; none has logic of its own.

mod alerts;
mod budget;
mod campaign;
mod cli;
mod compare;
mod detect;
mod duration;
mod excerpt;
mod facts;
mod generate;
mod grade;
mod inject;
mod input;
mod list;
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
mod stop;
mod temporary;
mod transcribe;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

/// Exit codes: 0 fine, 1 the grade failed, 2 wrong use or bad input, 130 ended by the user.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Generate(args) => generate::run(args, &cli.verbosity),
        Command::Facts(args) => facts::run(args, &cli.verbosity),
        Command::List(args) => list::run(args),
        Command::Show(args) => show::run(args),
        Command::Detect(args) => detect::run(args, &cli.verbosity).map(|()| ExitCode::SUCCESS),
        Command::Grade(args) => grade::run(args, &cli.verbosity),
        Command::Score(args) => score::run(args, &cli.verbosity),
        Command::Inject(args) => inject::run(args, &cli.verbosity),
        Command::Compare(args) => compare::run(args),
        Command::Replay(args) => replay::run(args, &cli.verbosity),
        Command::Transcribe(args) => transcribe::run(args, &cli.verbosity),
        Command::Completions(args) => pages::completions(args),
        Command::Man(args) => pages::man(args),
    };
    result.unwrap_or_else(|error| {
        if error.chain().any(|cause| cause.is::<stop::Stopped>()) {
            eprintln!("crywolf: {}", stop::Stopped);
            return ExitCode::from(stop::EXIT_CODE);
        }
        eprintln!("crywolf: {error:#}");
        ExitCode::from(BAD_INPUT)
    })
}

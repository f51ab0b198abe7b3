//! `cargo xtask`: what is done to the project rather than with it. A module for each task.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "tasks measure time and read the environment; no output of crywolf depends on them"
)]

mod bench;
mod enclosure;
mod fuzz;
mod handed_on;
mod lab;
mod made;
mod new;
mod packages;
mod process;
mod replay;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use made::{detectors, golden, pages, rules, schemas};

/// Tasks around crywolf.
#[derive(Parser)]
#[command(name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run all that CI runs
    Test(test::TestArgs),
    /// Compare what the scenarios make with golden/, or renew it
    Golden(golden::GoldenArgs),
    /// Compare the JSON Schemas in docs/ with the types, or renew them
    Schemas(schemas::SchemaArgs),
    /// Compare the book's catalogue with the scenarios, or renew it
    Pages(pages::PagesArgs),
    /// Write the skeleton of a rule, a tool, a scenario and so on, where it belongs
    New(new::NewArgs),
    /// Grade Suricata, psad and two that count, for the table in the book
    Detectors(detectors::DetectorsArgs),
    /// Compare the pages of the rules in docs/ with the heads of the rules, or renew them
    Docs(rules::RuleArgs),
    /// Feed changed inputs to all that reads what others have written
    Fuzz(fuzz::FuzzArgs),
    /// Measure against trafgen, tcpdump and tcpreplay, side by side
    Bench(bench::BenchArgs),
    /// The part of the measurements that needs a network namespace of its own
    #[command(hide = true)]
    BenchLab(bench::replay::LabArgs),
    /// Write the frames of a capture into a tap, to compare with
    #[command(hide = true)]
    WriteLoop(bench::replay::write_loop::WriteLoopArgs),
    /// Replay onto a tap, in a network namespace that is made for it
    Replay(replay::ReplayArgs),
    /// Grade a detector live, on lines in namespaces of their own
    Lab(lab::LabArgs),
}

fn main() -> ExitCode {
    let words = handed_on::in_order(std::env::args_os().collect(), &Arguments::command());
    let done = |()| ExitCode::SUCCESS;
    let result = match Arguments::parse_from(words).task {
        Task::Test(args) => test::run(&args).map(done),
        Task::Golden(args) => golden::run(&args).map(done),
        Task::Schemas(args) => schemas::run(&args).map(done),
        Task::Pages(args) => pages::run(&args).map(done),
        Task::New(args) => new::run(&args).map(done),
        Task::Detectors(args) => detectors::run(&args).map(done),
        Task::Docs(args) => rules::run(&args).map(done),
        Task::Fuzz(args) => fuzz::run(&args).map(done),
        Task::Bench(args) => bench::run(&args).map(done),
        Task::BenchLab(args) => bench::replay::run_in_lab(&args).map(done),
        Task::WriteLoop(args) => bench::replay::write_loop::run(&args).map(done),
        Task::Replay(args) => replay::run(&args),
        Task::Lab(args) => lab::run(&args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

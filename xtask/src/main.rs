//! `cargo xtask`: what is done to the project rather than with it. A module for each task.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "tasks measure time and read the environment; no output of crywolf depends on them"
)]

mod bench;
mod diff;
mod docs;
mod golden;
mod packages;
mod process;
mod reference;
mod schemas;
mod separation;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    /// Measure against trafgen, tcpdump and tcpreplay, side by side
    Bench(bench::BenchArgs),
    /// The part of the measurements that needs a network namespace of its own
    #[command(hide = true)]
    BenchLab(bench::replay::LabArgs),
    /// Write the frames of a capture into a tap, to compare with
    #[command(hide = true)]
    WriteLoop(bench::replay::write_loop::WriteLoopArgs),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test(args) => test::run(&args),
        Task::Golden(args) => golden::run(&args),
        Task::Schemas(args) => schemas::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::BenchLab(args) => bench::replay::run_in_lab(&args),
        Task::WriteLoop(args) => bench::replay::write_loop::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! The arguments of `crywolf`, and nothing else.

use clap::{Parser, Subcommand};

use crate::command::{
    compare, detect, facts, generate, grade, inject, list, merge, pages, replay, score, show,
    transcribe,
};
use crate::output::Verbosity;

/// Labelled captures of scans, floods, backscatter and their lookalikes, and a grade for detectors.
#[derive(Debug, Parser)]
#[command(name = "crywolf", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the scenarios of the catalogue, or the classes of the taxonomy
    List(list::ListArgs),
    /// Show one scenario and its first frames
    Show(show::ShowArgs),
    /// Make captures and their truth
    Generate(generate::GenerateArgs),
    /// Check what scenarios promise of every seed
    Facts(facts::FactsArgs),
    /// Find scans, floods, backscatter and lookalikes in a capture
    Detect(detect::DetectArgs),
    /// Generate, detect, score and report: the main job
    Grade(grade::GradeArgs),
    /// Grade findings that a detector has already made
    Score(score::ScoreArgs),
    /// Lay scenarios over a capture of your own
    Inject(inject::InjectArgs),
    /// Merge captures and their truth
    Merge(merge::MergeArgs),
    /// Compare two grades, event by event
    Compare(compare::CompareArgs),
    /// Put a capture onto a lab network
    Replay(replay::ReplayArgs),
    /// Watch the network while frames go: `replay` starts it
    #[command(hide = true)]
    ReplaySentry(replay::SentryArgs),
    /// Make a capture of a tcpdump text listing
    Transcribe(transcribe::TranscribeArgs),
    /// Print the completions for a shell
    Completions(pages::CompletionsArgs),
    /// Write the manual pages
    Man(pages::ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    const REFERENCE: &str = include_str!("../docs/src/reference/command-line.md");

    /// What the reference says of a subcommand.
    fn section(name: &str) -> &'static str {
        let mut sections = REFERENCE.split("\n## ");
        sections
            .find(|text| text.starts_with(&format!("`crywolf {name}")))
            .unwrap_or_default()
    }

    #[test]
    fn the_reference_has_every_option() {
        let command = Cli::command();
        let mut missing = Vec::new();
        for command in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            let name = command.get_name();
            // How a grade is counted is said once.
            let others = if name == "grade" {
                section("score")
            } else {
                ""
            };
            let said = [section(name), others].concat();
            for option in command
                .get_arguments()
                .filter_map(|option| option.get_long())
            {
                let written = |end| said.contains(&format!("--{option}{end}"));
                if !written('`') && !written(' ') {
                    missing.push(format!("{name} --{option}"));
                }
            }
        }
        assert!(missing.is_empty(), "not in command-line.md: {missing:?}");
    }
}

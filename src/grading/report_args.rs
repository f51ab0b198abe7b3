//! What every graded run shares on the command line: how to count, and where reports go.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use scorer::report::context::{Context as PageContext, Point};
use scorer::report::{REPORTS, Report};
use scorer::{Grade, Options};

use crate::grading::alerts::{AlertArgs, Alerts};
use crate::grading::gate_args::{name_of, read_grade};
use crate::output::{check_writable, is_stdout, unless_closed, write_whole};

/// How to count.
#[derive(Args, Clone, Debug)]
pub struct ScoringArgs {
    /// Who wrote the alerts.
    #[command(flatten)]
    pub alerts: AlertArgs,

    /// Count alerts of rules that the map does not know as false alarms
    #[arg(long)]
    pub strict: bool,

    /// Also print what the precision becomes where this share of the events deserves an alert
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub prevalence: Option<f64>,
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1, such as 0.01".into()),
    }
}

impl ScoringArgs {
    /// How alerts are read, and the scorer's options.
    ///
    /// # Errors
    /// A map that cannot be read, with all its mistakes.
    pub fn read(&self) -> Result<(Alerts, Options)> {
        let (alerts, options) = self.alerts.read()?;
        let options = Options {
            strict: self.strict,
            prevalence: self.prevalence,
            ..options
        };
        Ok((alerts, options))
    }
}

/// Where reports go.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Reports")]
pub struct ReportArgs {
    #[command(flatten)]
    outputs: Outputs,

    /// Earlier JSON grades to show beside this one in the page, oldest first
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "html")]
    pub trend: Vec<PathBuf>,
}

/// The reports that were asked for, and their files: an option for each of the scorer's reports.
#[derive(Clone, Debug, Default)]
struct Outputs(Vec<(&'static Report, PathBuf)>);

impl Args for Outputs {
    fn augment_args(command: Command) -> Command {
        REPORTS.iter().fold(command, |command, report| {
            let option = Arg::new(report.option)
                .long(report.option)
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help(report.what);
            command.arg(option)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Outputs::augment_args(command)
    }
}

impl FromArgMatches for Outputs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let asked = |report: &&'static Report| {
            let path: Option<&PathBuf> = matches.get_one(report.option);
            Some((*report, path?.clone()))
        };
        Ok(Outputs(REPORTS.iter().filter_map(asked).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Outputs::from_arg_matches(matches)?;
        Ok(())
    }
}

impl ReportArgs {
    fn outputs(&self) -> impl Iterator<Item = (&'static Report, &Path)> {
        self.outputs
            .0
            .iter()
            .map(|(report, path)| (*report, path.as_path()))
    }

    /// Whether the page for a browser is wanted, which shows more than the grade holds.
    pub fn wants_page(&self) -> bool {
        self.outputs().any(|(report, _)| report.option == "html")
    }

    /// The earlier grades, read before any work is done.
    ///
    /// # Errors
    /// A file that is no grade.
    pub fn trend(&self) -> Result<Vec<Point>> {
        let point = |path: &PathBuf| Ok(Point::of(name_of(path), &read_grade(path)?));
        self.trend.iter().map(point).collect()
    }

    /// Whether a report takes standard output, which leaves none for the summary.
    pub fn takes_stdout(&self) -> bool {
        self.outputs().any(|(_, path)| is_stdout(path))
    }

    /// Refuses two reports on one output and outputs that cannot be written, before any work is done.
    ///
    /// # Errors
    /// Names the output.
    pub fn check(&self) -> Result<()> {
        let mut paths: Vec<&Path> = self.outputs().map(|(_, path)| path).collect();
        paths.sort_unstable();
        if let Some([twice, _]) = paths.array_windows().find(|[a, b]| a == b) {
            bail!(
                "two reports cannot both go to {}: give each its own file",
                twice.display()
            );
        }
        paths.into_iter().try_for_each(check_writable)
    }

    /// Writes the reports that were asked for.
    ///
    /// # Errors
    /// Outputs that fail.
    pub fn write(&self, grade: &Grade, context: &PageContext) -> Result<()> {
        for (report, path) in self.outputs() {
            if is_stdout(path) {
                unless_closed(report.write(grade, context, &mut io::stdout().lock()))?;
            } else {
                write_whole(path, |out| report.write(grade, context, out))?;
            }
        }
        Ok(())
    }
}

//! Reports: the grade, for a terminal, for CI, for a pull request, for a spreadsheet and for a browser. One file a report, and
//! its line in [`REPORTS`]; the summary for a terminal is written without being asked for.

use std::io::{self, Write};

use crate::grade::Grade;
use context::Context;

mod confusion;
pub mod context;
mod html;
mod json;
mod junit;
mod markdown;
mod notes;
mod phrase;
mod text;

pub use confusion::confusion_csv;
pub use html::html;
pub use junit::junit;
pub use markdown::markdown;
pub use notes::notes;
pub use text::text;

/// All reports, in the order in which help lists them.
pub const REPORTS: &[&Report] = &[
    &json::REPORT,
    &junit::REPORT,
    &markdown::REPORT,
    &confusion::REPORT,
    &html::REPORT,
];

/// A report that is written to a file.
#[derive(Debug)]
pub struct Report {
    /// The option that asks for it.
    pub option: &'static str,
    /// What it writes, for the option's help.
    pub what: &'static str,
    write: fn(&Grade, &Context, &mut dyn Write) -> io::Result<()>,
}

impl Report {
    /// Writes it, with what else is known of the captures.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&self, grade: &Grade, context: &Context, out: &mut dyn Write) -> io::Result<()> {
        (self.write)(grade, context, out)
    }
}

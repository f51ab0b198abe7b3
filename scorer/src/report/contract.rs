//! What a report is.

use std::io::{self, Write};

use super::context::Context;
use crate::grade::Grade;

/// A report that is written to a file.
#[derive(Debug)]
pub struct Report {
    /// The option that asks for it.
    pub option: &'static str,
    /// What it writes, for the option's help.
    pub what: &'static str,
    pub(super) write: fn(&Grade, &Context, &mut dyn Write) -> io::Result<()>,
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

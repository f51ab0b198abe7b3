//! What is written: findings, and what was counted.

use std::io::{self, BufWriter, Write};

use detector::Counters;
use labels::Finding;

use super::args::Format;
use super::{eve, table};

/// Findings to standard output.
pub(super) fn write_findings(format: Format, findings: &[Finding]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        Format::Table => table::write(findings, &mut out)?,
        Format::Jsonl => {
            for finding in findings {
                writeln!(out, "{}", finding.to_json())?;
            }
        }
        Format::Eve => {
            for finding in findings {
                writeln!(out, "{}", eve::record(finding))?;
            }
        }
    }
    out.flush()
}

/// Says how many frames were not looked into, and why.
pub(super) fn write_losses(counters: &Counters) {
    let lost = counters.not_looked_into();
    if lost == 0 {
        return;
    }
    let reasons: Vec<String> = counters
        .not_looked_into_why()
        .into_iter()
        .map(|(reason, count)| format!("{reason} ({count})"))
        .collect();
    let all = counters.frames;
    let mut err = io::stderr().lock();
    // Nothing is lost when nobody reads it.
    let _ = writeln!(
        err,
        "{lost} of {all} frames were not looked into: {}",
        reasons.join(", ")
    );
}

/// All counters to standard error.
pub(super) fn write_counters(counters: &Counters) {
    let mut err = io::stderr().lock();
    for (name, value) in counters.named() {
        // Nothing is lost when nobody reads it.
        let _ = writeln!(err, "{value:>12}  {name}");
    }
}

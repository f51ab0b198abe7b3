//! The whole grade as JSON.

use super::contract::Report;

pub(super) const REPORT: Report = Report {
    option: "json",
    what: "Write the whole grade as JSON (\"-\" for standard output, here and below)",
    // It may be larger than the grade: nothing holds it whole.
    write: |grade, _, out| grade.write_json(out),
};

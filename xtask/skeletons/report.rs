//! The grade as @WORDS@: for whom, and what it shows.

use super::contract::Report;
use crate::grade::Grade;

pub(super) const REPORT: Report = Report {
    option: "@NAME@",
    what: "Write the @WORDS@",
    write: |grade, _, out| out.write_all(text(grade).as_bytes()),
};

fn text(grade: &Grade) -> String {
    format!("{}\n", grade.detector)
}

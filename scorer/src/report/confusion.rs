//! The confusion as CSV (RFC 4180): a row a class of the truth, a column a class that was said.

use std::collections::BTreeSet;

use labels::Class;

use super::contract::Report;
use crate::grade::{ConfusionRow, Grade};

pub(super) const REPORT: Report = Report {
    option: "confusion",
    what: "Write what was called what, as CSV",
    write: |grade, _, out| out.write_all(confusion_csv(grade).as_bytes()),
};

/// The confusion as CSV. Cells count events by the class of their first alert; "unclassed" are those whose alert has
/// a verdict and no class, "none" those of which nothing was said. The last row, "background", counts false-alarm
/// incidents, and its "none" is empty: nobody can count what rightly drew no alert.
pub fn confusion_csv(grade: &Grade) -> String {
    let rows = &grade.confusion;
    let mut columns: BTreeSet<Class> = rows.iter().filter_map(|row| row.truth).collect();
    columns.extend(rows.iter().flat_map(|row| row.said.keys()));
    let mut lines = vec![
        ["truth"]
            .into_iter()
            .chain(columns.iter().map(|class| class.name()))
            .chain(["unclassed", "none"])
            .collect::<Vec<_>>()
            .join(","),
    ];
    lines.extend(rows.iter().map(|row| line(row, &columns)));
    lines.join("\r\n") + "\r\n"
}

fn line(row: &ConfusionRow, columns: &BTreeSet<Class>) -> String {
    let mut cells = vec![row.truth.map_or("background", Class::name).to_owned()];
    cells.extend(
        (columns.iter()).map(|class| row.said.get(class).copied().unwrap_or(0).to_string()),
    );
    cells.push(row.unclassed.to_string());
    cells.push(match row.truth {
        Some(_) => row.none.to_string(),
        None => String::new(),
    });
    cells.join(",")
}

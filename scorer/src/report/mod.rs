//! Reports: the grade, for a terminal, for CI, for a pull request, for a spreadsheet and for a browser. One file a report, and
//! its line in [`REPORTS`]; the summary for a terminal is written without being asked for.

mod confusion;
pub mod context;
mod contract;
mod html;
mod json;
mod junit;
mod markdown;
mod notes;
mod phrase;
mod text;

pub use confusion::confusion_csv;
pub use contract::Report;
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

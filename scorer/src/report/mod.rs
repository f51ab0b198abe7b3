//! Reports: the grade, for a terminal, for CI, for a pull request and for a spreadsheet.

mod confusion;
mod junit;
mod markdown;
mod phrase;
mod text;

pub use confusion::confusion_csv;
pub use junit::junit;
pub use markdown::markdown;
pub use text::text;

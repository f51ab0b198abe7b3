//! Reports: the grade, for a terminal, for CI, for a pull request, for a spreadsheet and for a browser.

mod confusion;
pub mod context;
mod html;
mod junit;
mod markdown;
mod phrase;
mod text;

pub use confusion::confusion_csv;
pub use html::html;
pub use junit::junit;
pub use markdown::markdown;
pub use text::text;

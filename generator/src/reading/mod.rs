//! Reading TOML: documents whose every value remembers where it stands, tables read key by key, quantities with units, and
//! mistakes with their lines. Below everything else of the simulator: scenarios, stacks, tools and applications are read with
//! it, and it knows none of them.

pub mod document;
pub mod error;
pub mod fields;
pub mod units;

pub use document::{Node, Value};
pub use error::{Mistake, Origin, ScenarioErrors};
pub use fields::{Fields, Mistakes};

//! What can be wrong with a scenario, each with its place.

use std::fmt;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A line of a file, from 1.
    Line(std::sync::Arc<str>, usize),
    /// Somewhere else, in words: `--set path.internet.delay`.
    Stated(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Line(file, line) => write!(f, "{file}:{line}"),
            Origin::Stated(place) => f.write_str(place),
        }
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where.
    pub origin: Origin,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// All the mistakes of a scenario, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioErrors(pub Vec<Mistake>);

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, mistake) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {}", mistake.origin, mistake.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ScenarioErrors {}

/// A mistake that stands in no file.
pub fn stated(place: &str, message: String) -> ScenarioErrors {
    ScenarioErrors(vec![Mistake {
        origin: Origin::Stated(place.to_owned()),
        message,
    }])
}

//! Port maps as users write them: `80=8080`, `1000-1999=3000-3999`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::error::RewriteError;

/// Ports of one range become those of another of the same size, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMap {
    /// What is mapped.
    pub from: RangeInclusive<u16>,
    /// Where it goes.
    pub to: RangeInclusive<u16>,
}

impl PortMap {
    /// Refuses ranges of different size, and empty ones.
    pub(super) fn check(&self) -> Result<(), RewriteError> {
        if self.from.is_empty() || self.from.len() != self.to.len() {
            return Err(RewriteError::UnequalPorts(self.clone()));
        }
        Ok(())
    }

    /// Where a port goes, if it is one of these.
    pub(super) fn map(&self, port: u16) -> Option<u16> {
        let beyond = port.checked_sub(*self.from.start())?;
        (port <= *self.from.end()).then(|| self.to.start().saturating_add(beyond))
    }
}

impl fmt::Display for PortMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(&self.from, f)?;
        f.write_str("=")?;
        print(&self.to, f)
    }
}

fn print(range: &RangeInclusive<u16>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if range.start() == range.end() {
        return write!(f, "{}", range.start());
    }
    write!(f, "{}-{}", range.start(), range.end())
}

impl FromStr for PortMap {
    type Err = RewriteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax = || RewriteError::PortMapSyntax(text.to_owned());
        let (from, to) = text.split_once('=').ok_or_else(syntax)?;
        let map = PortMap {
            from: range(from).ok_or_else(syntax)?,
            to: range(to).ok_or_else(syntax)?,
        };
        map.check()?;
        Ok(map)
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
}

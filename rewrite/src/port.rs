//! Port maps as users write them: `80=8080`, `1000-1999=3000-3999`.

use std::fmt;
use std::ops::RangeInclusive;

/// Ports of one range become those of another of the same size, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMap {
    /// What is mapped.
    pub from: RangeInclusive<u16>,
    /// Where it goes.
    pub to: RangeInclusive<u16>,
}

impl PortMap {
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

//! Moments in capture time.

use std::fmt;

/// A moment, in nanoseconds since 1970-01-01 00:00:00 UTC, without leap seconds.
///
/// Reaches to the year 2554, beyond what the 32-bit seconds of classic pcap can hold (2106).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl Timestamp {
    /// The earliest moment.
    pub const ZERO: Timestamp = Timestamp(0);
    /// The latest moment.
    pub const MAX: Timestamp = Timestamp(u64::MAX);

    /// The moment so many nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Timestamp(nanos)
    }

    /// The moment so many seconds and nanoseconds after the epoch; the latest moment where that overflows.
    pub fn from_parts(seconds: u64, nanos: u32) -> Self {
        Timestamp(
            seconds
                .saturating_mul(NANOS_PER_SECOND)
                .saturating_add(u64::from(nanos)),
        )
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        self.0 / NANOS_PER_SECOND
    }

    /// Nanoseconds within the second.
    pub const fn subsec_nanos(self) -> u32 {
        (self.0 % NANOS_PER_SECOND) as u32
    }

    /// Nanoseconds from `earlier` to here; 0 when `earlier` is later.
    pub const fn nanos_since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment so many nanoseconds later; the latest moment where that overflows.
    pub const fn plus_nanos(self, nanos: u64) -> Self {
        Timestamp(self.0.saturating_add(nanos))
    }
}

impl fmt::Display for Timestamp {
    /// Seconds since the epoch with nine decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.seconds(), self.subsec_nanos())
    }
}

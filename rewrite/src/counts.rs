//! What happened to the records.

use super::rewritten::Skip;

/// What happened to the records so far. A record may count in several places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records given.
    pub records: u64,
    /// Frames that came of them.
    pub frames: u64,
    /// Records of another link type that got an Ethernet header.
    pub reframed: u64,
    /// Frames captured in part that got zeros.
    pub padded: u64,
    /// Frames captured in part that went as they were.
    pub sent_cut: u64,
    /// Packets cut down to the MTU.
    pub truncated: u64,
    /// Packets that became fragments.
    pub fragmented: u64,
    /// Fragments that they became.
    pub fragments: u64,
    /// Packets fragmented although DF forbids it.
    pub df_cleared: u64,
    /// Frames that lost bytes behind their packet, which would have been beyond the MTU.
    pub trailers_dropped: u64,
    /// Checksums worked out anew that were another before.
    pub checksums_fixed: u64,
    /// Records left out.
    pub skipped: Skipped,
}

impl Counts {
    /// Takes in what another rewriter has counted.
    pub fn merge(&mut self, other: &Counts) {
        self.records += other.records;
        self.frames += other.frames;
        self.reframed += other.reframed;
        self.padded += other.padded;
        self.sent_cut += other.sent_cut;
        self.truncated += other.truncated;
        self.fragmented += other.fragmented;
        self.fragments += other.fragments;
        self.df_cleared += other.df_cleared;
        self.trailers_dropped += other.trailers_dropped;
        self.checksums_fixed += other.checksums_fixed;
        self.skipped.merge(&other.skipped);
    }
}

/// Records left out, by reason ([`Skip`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// [`Skip::Short`]
    pub short: u64,
    /// [`Skip::Cut`]
    pub cut: u64,
    /// [`Skip::Absurd`]
    pub absurd: u64,
    /// [`Skip::Untyped`]
    pub untyped: u64,
    /// [`Skip::Oversize`]
    pub oversize: u64,
    /// [`Skip::Unfragmentable`]
    pub unfragmentable: u64,
}

impl Skipped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.short + self.cut + self.absurd + self.untyped + self.oversize + self.unfragmentable
    }

    fn merge(&mut self, other: &Skipped) {
        self.short += other.short;
        self.cut += other.cut;
        self.absurd += other.absurd;
        self.untyped += other.untyped;
        self.oversize += other.oversize;
        self.unfragmentable += other.unfragmentable;
    }

    pub(super) fn add(&mut self, skip: Skip) {
        *match skip {
            Skip::Short => &mut self.short,
            Skip::Cut => &mut self.cut,
            Skip::Absurd => &mut self.absurd,
            Skip::Untyped => &mut self.untyped,
            Skip::Oversize => &mut self.oversize,
            Skip::Unfragmentable => &mut self.unfragmentable,
        } += 1;
    }
}

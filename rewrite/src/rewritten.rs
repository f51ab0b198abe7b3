//! What becomes of a record: no frame, one, or several.

use super::error::RewriteError;

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewritten<'a> {
    /// It is left out.
    Skipped(Skip),
    /// One frame, which is the record's bytes themselves where nothing changes.
    Frame(&'a [u8]),
    /// Several frames, one a fragment.
    Fragments(Frames<'a>),
}

impl<'a> Rewritten<'a> {
    /// The frames to be sent, in order.
    pub fn frames(&self) -> Frames<'a> {
        match *self {
            Rewritten::Skipped(_) => Frames::default(),
            Rewritten::Frame(frame) => Frames {
                first: Some(frame),
                ..Frames::default()
            },
            Rewritten::Fragments(frames) => frames,
        }
    }
}

/// Ethernet frames, one after another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frames<'a> {
    first: Option<&'a [u8]>,
    bytes: &'a [u8],
    lengths: &'a [usize],
}

impl<'a> Frames<'a> {
    /// Frames that stand one behind the other.
    pub(super) fn new(bytes: &'a [u8], lengths: &'a [usize]) -> Self {
        Frames {
            first: None,
            bytes,
            lengths,
        }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let (&length, lengths) = self.lengths.split_first()?;
        let (frame, bytes) = self.bytes.split_at_checked(length)?;
        (self.bytes, self.lengths) = (bytes, lengths);
        Some(frame)
    }
}

/// Why a record is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// It is too short for an Ethernet header.
    Short,
    /// It was captured only in part, and the plan leaves such out.
    Cut,
    /// It says that it was longer on the wire than any packet of IP is.
    Absurd,
    /// Its link header names nothing that Ethernet has a type for.
    Untyped,
    /// It is beyond the MTU, and the plan leaves such out, or it is no IP and cannot be made smaller.
    Oversize,
    /// It is beyond the MTU, and its headers leave no room for fragments or cannot be read.
    Unfragmentable,
}

/// What ends the rewriting of a record early.
#[derive(Debug)]
pub(super) enum Refusal {
    Skip(Skip),
    Error(RewriteError),
}

impl From<Skip> for Refusal {
    fn from(skip: Skip) -> Self {
        Refusal::Skip(skip)
    }
}

impl From<RewriteError> for Refusal {
    fn from(error: RewriteError) -> Self {
        Refusal::Error(error)
    }
}

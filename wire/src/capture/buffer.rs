//! A window onto a byte stream that slides forward.

use std::io::{self, ErrorKind, Read};

use crate::decode::LinkType;
use crate::time::Timestamp;

/// Bytes asked of the stream at once: large enough that the call costs nothing, small enough to stay in the cache.
const READ_BYTES: usize = 256 * 1024;

/// The longest record that is believed. libpcap stops at 256 KiB for Ethernet; segmentation offload and jumbo
/// captures stay below that as well, a damaged length rarely does.
pub(super) const MAX_RECORD: usize = 16 * 1024 * 1024;

pub(super) struct Window<R> {
    stream: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Byte offset in the stream of `start`.
    offset: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(stream: R) -> Self {
        Window {
            stream,
            buffer: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            offset: 0,
        }
    }

    /// A window at the beginning of another stream, with the memory of this one.
    pub(super) fn restart(self, stream: R) -> Self {
        Window {
            stream,
            buffer: self.buffer,
            start: 0,
            end: 0,
            offset: 0,
        }
    }

    /// Byte offset in the stream of the first byte in view.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes in view.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until `wanted` bytes are in view or the stream ends; returns how many are in view.
    #[inline]
    pub(super) fn fill(&mut self, wanted: usize) -> io::Result<usize> {
        if self.end - self.start < wanted {
            self.fill_from_stream(wanted)?;
        }
        Ok(self.end - self.start)
    }

    #[cold]
    fn fill_from_stream(&mut self, wanted: usize) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < wanted {
            if self.buffer.len() == self.end {
                // Doubled as bytes arrive, so that a length that lies costs no memory.
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.stream.read(room) {
                Ok(0) => break,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Moves forward by `count` bytes, all of which are in view.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        self.offset += count as u64;
    }

    /// The `length` bytes that end where the view begins.
    #[inline]
    pub(super) fn behind(&self, length: usize) -> &[u8] {
        self.buffer
            .get(self.start.saturating_sub(length)..self.start)
            .unwrap_or_default()
    }
}

/// A record that the window has just moved past.
pub(super) struct Found {
    pub(super) time: Timestamp,
    pub(super) link_type: LinkType,
    pub(super) original_length: usize,
    /// How far behind the window's front its bytes begin.
    pub(super) behind: usize,
    /// How many they are.
    pub(super) length: usize,
}

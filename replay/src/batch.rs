//! Frames that are ready to go, back to back in one buffer.

/// Frames handed to the kernel at once. More save nothing: a call, with the looks at the clock around it, costs less than
/// one frame, which 64 of them share (`docs/src/reference/speed.md`).
pub const BATCH_FRAMES: usize = 64;

/// Where a frame comes from and when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its number in the capture, from 1.
    pub number: u64,
    /// The pass over the capture, from 0.
    pub pass: u32,
    /// Nanoseconds after the run's start at which it is due.
    pub due: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    end: usize,
    origin: Origin,
}

/// Frames that are ready to go, in their order. It is filled, emptied from the front, and filled again.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// How many have gone.
    gone: usize,
}

impl Batch {
    /// Appends a frame.
    pub fn push(&mut self, frame: &[u8], origin: Origin) {
        self.bytes.extend_from_slice(frame);
        self.entries.push(Entry {
            end: self.bytes.len(),
            origin,
        });
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.gone = 0;
    }

    /// How many frames wait.
    pub fn len(&self) -> usize {
        self.entries.len() - self.gone
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The origin of the waiting frame at that place.
    pub fn origin(&self, place: usize) -> Option<Origin> {
        let entry = self.entries.get(self.gone + place)?;
        Some(entry.origin)
    }

    /// How many frames at the front are due by then.
    pub fn due_by(&self, now: u64) -> usize {
        let waiting = self.entries.get(self.gone..).unwrap_or_default();
        waiting.partition_point(|entry| entry.origin.due <= now)
    }

    /// The first `count` frames that wait.
    pub fn front(&self, count: usize) -> Frames<'_> {
        Frames {
            batch: self,
            first: self.gone,
            count: count.min(self.len()),
        }
    }

    /// Takes the first `count` waiting frames for gone.
    pub fn advance(&mut self, count: usize) {
        self.gone += count.min(self.len());
    }
}

/// Frames that wait, for a sink.
#[derive(Clone, Copy, Debug)]
pub struct Frames<'a> {
    batch: &'a Batch,
    first: usize,
    count: usize,
}

impl<'a> Frames<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Their bytes, one after another.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let batch = self.batch;
        let mut start = match self.first.checked_sub(1) {
            Some(before) => batch.entries.get(before).map_or(0, |entry| entry.end),
            None => 0,
        };
        let entries = batch.entries.get(self.first..self.first + self.count);
        entries.unwrap_or_default().iter().map(move |entry| {
            let frame = batch.bytes.get(start..entry.end).unwrap_or_default();
            start = entry.end;
            frame
        })
    }

    /// Their origins, one after another.
    pub fn origins(&self) -> impl Iterator<Item = Origin> + use<'a> {
        let entries = self.batch.entries.get(self.first..self.first + self.count);
        entries.unwrap_or_default().iter().map(|entry| entry.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(number: u64, due: u64) -> Origin {
        Origin {
            number,
            pass: 0,
            due,
        }
    }

    #[test]
    fn frames_leave_in_their_order() {
        let mut batch = Batch::default();
        batch.push(b"one", origin(1, 0));
        batch.push(b"", origin(2, 5));
        batch.push(b"three", origin(3, 9));
        assert_eq!(
            (batch.due_by(0), batch.due_by(8), batch.due_by(9)),
            (1, 2, 3)
        );
        batch.advance(1);
        assert_eq!(batch.len(), 2);
        let frames: Vec<_> = batch.front(9).iter().collect();
        assert_eq!(frames, [&b""[..], b"three"]);
        let numbers: Vec<_> = batch
            .front(9)
            .origins()
            .map(|origin| origin.number)
            .collect();
        assert_eq!(numbers, [2, 3]);
        assert_eq!(batch.due_by(5), 1);
        batch.advance(9);
        assert!(batch.is_empty());
        batch.clear();
        batch.push(b"four", origin(4, 0));
        assert_eq!(batch.front(1).iter().next(), Some(&b"four"[..]));
    }
}

//! Where a capture's bytes go: into a temporary file, and into its digest on the way.
//!
//! Where a processor would idle, both happen on a thread of their own, so that a single large capture keeps two
//! processors busy. The bytes are the same either way.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use crate::capture::budget::Budget;
use crate::process::temporary::Temporary;

/// Blocks that may wait for the thread; a block is what the capture writer hands on at once, some 256 KiB.
const WAITING: usize = 4;

/// A temporary file with the digest of what was written to it.
pub enum Sink {
    /// Written and hashed by the caller.
    Inline(Box<Hashed>),
    /// Written and hashed by a thread.
    Threaded {
        /// Full blocks, to the thread.
        blocks: Option<SyncSender<Vec<u8>>>,
        /// Empty ones, back from it.
        spare: Receiver<Vec<u8>>,
        /// The thread, and what it ends with.
        thread: Option<JoinHandle<io::Result<Hashed>>>,
    },
}

/// A file and the digest so far.
pub struct Hashed {
    file: Temporary,
    budget: Arc<Budget>,
    digest: Sha256,
}

impl Hashed {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.budget.take(bytes.len())?;
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        Ok(())
    }
}

impl Sink {
    /// A sink into that file within a budget, with a thread of its own if asked.
    pub fn new(file: Temporary, budget: Arc<Budget>, threaded: bool) -> Sink {
        let hashed = Hashed {
            file,
            budget,
            digest: Sha256::new(),
        };
        if !threaded {
            return Sink::Inline(Box::new(hashed));
        }
        let (blocks, full) = sync_channel::<Vec<u8>>(WAITING);
        let (empty, spare) = sync_channel::<Vec<u8>>(WAITING + 1);
        let thread = std::thread::spawn(move || {
            let mut hashed = hashed;
            for mut block in full {
                hashed.take(&block)?;
                block.clear();
                // Nobody waits for spare blocks: one too many is dropped.
                let _ = empty.try_send(block);
            }
            Ok(hashed)
        });
        Sink::Threaded {
            blocks: Some(blocks),
            spare,
            thread: Some(thread),
        }
    }

    /// Waits until all is written; the file, and the digest in hexadecimal.
    ///
    /// # Errors
    /// Those of the file.
    pub fn finish(self) -> io::Result<(Temporary, String)> {
        let hashed = match self {
            Sink::Inline(hashed) => *hashed,
            Sink::Threaded { blocks, thread, .. } => {
                drop(blocks);
                join(thread)?
            }
        };
        let digest = hashed
            .digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok((hashed.file, digest))
    }
}

fn join(thread: Option<JoinHandle<io::Result<Hashed>>>) -> io::Result<Hashed> {
    let ended = thread.map(JoinHandle::join);
    ended
        .unwrap_or_else(|| {
            Ok(Err(io::Error::other(
                "the writing thread has failed before",
            )))
        })
        .unwrap_or_else(|_| Err(io::Error::other("the writing thread ended unexpectedly")))
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Inline(hashed) => hashed.take(bytes)?,
            Sink::Threaded {
                blocks,
                spare,
                thread,
            } => {
                let mut block = spare.try_recv().unwrap_or_default();
                block.extend_from_slice(bytes);
                let sent = blocks
                    .as_ref()
                    .is_some_and(|blocks| blocks.send(block).is_ok());
                if !sent {
                    // The thread has ended early: its error is the reason.
                    blocks.take();
                    join(thread.take())?;
                    return Err(io::Error::other("the writing thread ended early"));
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_shows_neither_in_the_bytes_nor_in_the_digest() {
        let written = [false, true].map(|threaded| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("capture");
            let file = Temporary::beside(&path).unwrap();
            let budget = Arc::new(Budget::new(None, folder.path()));
            let mut sink = Sink::new(file, budget, threaded);
            for n in 0u8..50 {
                sink.write_all(&vec![n; 3000]).unwrap();
            }
            let (file, digest) = sink.finish().unwrap();
            file.keep(&path).unwrap();
            (std::fs::read(&path).unwrap(), digest)
        });
        assert_eq!(written[0].0.len(), 150_000);
        assert!(written[0] == written[1]);
    }
}

//! Ending early, when the user asks for it: what is under way is given up, what was begun is cleared away, the exit code
//! says so.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

use crate::process;

/// Whether the user has asked to end. Clones share the answer; the default is never asked.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

/// The error of a run that was ended.
#[derive(Clone, Copy, Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ended as asked; nothing was kept of what was under way")
    }
}

impl std::error::Error for Stopped {}

impl Stop {
    /// Listens for Ctrl-C and requests to terminate.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen() -> Result<Stop> {
        Ok(Stop(process::stop_flag()?))
    }

    /// Whether it was asked for.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Goes on unless it was asked for.
    ///
    /// # Errors
    /// [`Stopped`] when it was.
    pub fn check(&self) -> Result<()> {
        if self.is_asked() {
            return Err(Stopped.into());
        }
        Ok(())
    }

    /// A stream that fails from the moment at which it is asked for.
    pub fn watch<T>(&self, stream: T) -> Watched<T> {
        Watched {
            stream,
            stop: self.clone(),
        }
    }

    /// Whether an error of a watched stream is there because it was asked for.
    pub fn is_behind(error: &io::Error) -> bool {
        error
            .get_ref()
            .is_some_and(|inner| inner.downcast_ref::<Stopped>().is_some())
    }

    fn io(&self) -> io::Result<()> {
        if self.is_asked() {
            return Err(io::Error::other(Stopped));
        }
        Ok(())
    }
}

/// A stream that fails once a [`Stop`] was asked for.
pub struct Watched<T> {
    stream: T,
    stop: Stop,
}

impl<T> Watched<T> {
    /// The stream itself.
    pub fn into_inner(self) -> T {
        self.stream
    }
}

impl<T: Read> Read for Watched<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stop.io()?;
        self.stream.read(buffer)
    }
}

impl<T: Write> Write for Watched<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stop.io()?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_fails_once_it_was_asked_for_and_says_why() {
        let stop = Stop::default();
        let mut out = stop.watch(Vec::new());
        out.write_all(b"whole").unwrap();
        stop.0.store(true, Ordering::Relaxed);
        let error = out.write_all(b"cut").unwrap_err();
        assert!(Stop::is_behind(&error));
        assert!(!Stop::is_behind(&io::Error::other("a full disk")));
        assert!(stop.check().unwrap_err().is::<Stopped>());
    }
}

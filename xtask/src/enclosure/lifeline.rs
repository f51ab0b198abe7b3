//! The line to whoever started a task inside an enclosure, and waiting for something as long as it holds.

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

/// As shells say of a program that Ctrl-C has ended.
pub const INTERRUPTED: u8 = 130;
/// How often something is looked at that is waited for.
pub const LOOK: Duration = Duration::from_millis(10);

/// What the inside hears from outside.
#[derive(Clone)]
pub struct Lifeline {
    ended: Arc<AtomicBool>,
    spoken: Arc<AtomicBool>,
}

impl Lifeline {
    /// Holds on to it: when it ends, this process does too, after the time that an orderly end is given.
    pub fn hold(grace: Duration) -> Lifeline {
        let lifeline = Lifeline {
            ended: Arc::default(),
            spoken: Arc::default(),
        };
        let told = lifeline.clone();
        std::thread::spawn(move || {
            let mut word = [0];
            loop {
                match std::io::stdin().lock().read(&mut word) {
                    Ok(1..) => told.spoken.store(true, Ordering::Relaxed),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => break,
                }
            }
            told.ended.store(true, Ordering::Relaxed);
            std::thread::sleep(grace);
            std::process::exit(i32::from(INTERRUPTED));
        });
        lifeline
    }

    /// Whether it has ended.
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Whether a line came since this was last asked.
    pub fn spoken(&self) -> bool {
        self.spoken.swap(false, Ordering::Relaxed)
    }

    /// Waits for something, for so long at most, or until the lifeline ends. Says whether it came.
    pub fn wait_for<T>(
        &self,
        patience: Duration,
        look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        wait_for(patience, look, || self.ended())
    }
}

/// Waits for something, for so long at most, or until it is over for another reason.
pub fn wait_for<T>(
    patience: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
    over: impl Fn() -> bool,
) -> Result<Option<T>> {
    let start = Instant::now();
    loop {
        let found = look()?;
        if found.is_some() || over() || start.elapsed() > patience {
            return Ok(found);
        }
        std::thread::sleep(LOOK);
    }
}
